// The signer's verbs. For a signature the order is fixed: decode the bytes, refuse a wallet that is frozen, verify the
// requests, verify the approvals, evaluate the policy, refuse conflicts, reserve durably, sign in the token, verify and
// record while the token's record is brought up to date, answer. Up to the reservation all of it is one synchronous step, so
// no two orders interleave; only the arithmetic of signatures is done ahead of it, for several orders at a time. Orders that
// come together share the write to the disk, and nobody asks the token before it is done.

import {
  type Authorization,
  type AuthorizationRefusalCode,
  authorize,
  checkFreeze,
} from '../core/authorization/authorize.js';
import { signatureClaims } from '../core/authorization/claims.js';
import { type DecodedOrder, decodeOrder } from '../core/authorization/decode-order.js';
import type { SigningOrder } from '../core/authorization/signing-order.js';
import { MAX_CERTIFIED_BURIALS } from '../core/certificates/certificate.js';
import { type Reservation, reservationOf, transactionKeyOf } from '../core/certificates/reservation.js';
import { accepted, Fault, type Outcome, refused } from '../core/fault.js';
import { entryHash, type GovernanceEntry } from '../core/governance/entry.js';
import { verifyHead } from '../core/governance/fresh-head.js';
import { replayEntry, replayLog } from '../core/governance/replay.js';
import type { GovernanceRefusalCode, GovernanceState } from '../core/governance/state.js';
import { parsePolicies } from '../core/policy/parse.js';
import type { PolicySet } from '../core/policy/types.js';
import type { Burial } from '../core/recovery/burial.js';
import { verifyRestore } from '../core/recovery/restore.js';
import { type AttestedVoid, voidBytes } from '../core/recovery/void.js';
import { requestDigest, type SignedRequest, transferIdOf } from '../core/statements/request.js';
import { MAX_MESSAGE_BYTES } from '../signer-protocol/frame.js';
import type {
  BuryResult,
  CertificatesResult,
  CheckpointResult,
  GovernanceResult,
  Growth,
  PublicKeysResult,
  SignResult,
  StatusResult,
} from '../signer-protocol/messages.js';
import { actingChange, type ClockRefusalCode, checkAcceptable } from './accepting.js';
import { attest, checkAttestationKey } from './attesting.js';
import {
  attestedPage,
  burialsBefore,
  type EntryOf,
  reservationAt,
  signatureAt,
  signedCertificate,
} from './certificates.js';
import { type CheckpointRefusalCode, Checkpoints, checkAuditKey } from './checkpoints.js';
import { type ConflictRefusalCode, cancelled, checkConflicts, checkCount, checkOver } from './conflicts.js';
import { type FactOrderRefusalCode, HeardFacts } from './heard-facts.js';
import { beginHold, type HoldRefusalCode, heldFor } from './holds.js';
import { journalText, type SignedRecord } from './journal.js';
import { knowledge } from './knowledge.js';
import { transferSet } from './ledger.js';
import { Line } from './line.js';
import { type SignerParts, statusOf, transferRecordOf } from './reports.js';
import { checkWallet, describeWallets, type Token } from './self-check.js';
import { type Instant, MAX_DIVERGENCE_MS } from './signer-clock.js';
import { signTransaction } from './signing.js';
import type { StoreFaultCode } from './store-file.js';
import { SIGNER_VERSION } from './version.js';
import {
  type BuryingRefusalCode,
  bury,
  type VoidingRefusalCode,
  voidRequest,
  voidStatementAt,
  type WayOut,
} from './ways-out.js';

export type SignRefusalCode =
  | AuthorizationRefusalCode
  | ConflictRefusalCode
  | FactOrderRefusalCode
  | ClockRefusalCode
  | HoldRefusalCode
  | 'transaction-of-other-order'
  | 'order-too-large';
export type SignerFaultCode = 'token-unknown' | 'policy-unreadable';

/**
 * The answer holds the order, the decisions, the burials and, twice, the signed transaction, of at most 120,000 bytes. An
 * order whose answer no frame could carry would be signed and never be had by anybody.
 */
const MAX_RESERVATION_CHARACTERS = MAX_MESSAGE_BYTES - 1024 * 1024;
const GOVERNANCE_PAGE = 50;
/** A page ends with the entry that passes this, so that it fits into a reply whatever the entries are. */
const GOVERNANCE_PAGE_CHARACTERS = 1024 * 1024;

type Signing = Outcome<SignResult, SignRefusalCode>;

/** Which transfers an order says it pays; follows from its requests, verified or not. */
function transferIdsOf(order: SigningOrder): string[] {
  return order.transfers.map(({ request }) => transferIdOf(requestDigest(request.statement)));
}

function repeatedly(signing: Signing): Signing {
  return signing.kind === 'refused' ? signing : accepted({ ...signing.value, repeated: true });
}

export class Signer {
  private readonly parts: SignerParts;
  private state: GovernanceState;
  private policies: PolicySet;
  /** Wallets whose keys have been checked, and checks under way. */
  private readonly checked = new Set<string>();
  private readonly checking = new Map<string, Promise<void>>();
  /** Signatures under way by transaction key: an identical order that arrives meanwhile waits for the same one. */
  private readonly underWay = new Map<string, Promise<Signing>>();

  /** Orders that have no answer yet. */
  private readonly orders = new Set<Promise<unknown>>();

  /** Orders are judged in the order in which they came, whichever's signatures have been looked at first. */
  private readonly line = new Line();

  private readonly checkpoints: Checkpoints;
  private readonly heardFacts: HeardFacts;

  private constructor(parts: SignerParts, state: GovernanceState, policies: PolicySet) {
    this.parts = parts;
    this.state = state;
    this.policies = policies;
    this.checkpoints = new Checkpoints(parts, () => this.state);
    this.heardFacts = new HeardFacts(parts.store.ledger, parts.clock.now().wallMs);
  }

  /** Replays the store's governance log from its beginning. Throws `store-corrupt` when it does not replay. */
  static start(parts: SignerParts): Signer {
    const entries = parts.store.governance(0, Number.MAX_SAFE_INTEGER);
    const replayed = replayLog(entries, parts.verifier);
    if (replayed.kind === 'refused') {
      throw new Fault<StoreFaultCode>('store-corrupt', 'the governance log in the store does not replay', {
        facts: { code: replayed.code, ...replayed.facts },
      });
    }
    requireRestore(parts, entries, replayed.value.deploymentId);
    return new Signer(parts, replayed.value, readPolicies(replayed.value));
  }

  deploymentId(): string {
    return this.state.deploymentId;
  }

  /** Resolves when no order is under way, whether it is still looked at or reserved already. */
  async idle(): Promise<void> {
    while (this.orders.size > 0) await Promise.allSettled([...this.orders]);
  }

  /**
   * Self-checks of every wallet's keys, and of the signer's own. Throws what `checkWallet` throws, but not for the key of the
   * audit log: without it there are no checkpoints, and everything else is served.
   */
  async checkWallets(): Promise<void> {
    const { tokens, verifier } = this.parts;
    await checkAttestationKey(this.state.attestation, tokens, verifier);
    await this.checkpoints.look();
    for (const walletId of this.state.wallets.keys()) {
      // What nobody pays any more may have lost its keys since; what it still pays is asked about then.
      if (!this.state.retired.has(walletId)) await this.requireReady(walletId);
    }
  }

  /**
   * Signs what an order asks, or says why not. Hostile input. The same transaction gives the same signature again, also
   * when everything around it has expired. Faults are the token's and the store's: the order may be sent again.
   */
  async sign(order: SigningOrder): Promise<Signing> {
    const answer = this.signInTurn(order);
    this.orders.add(answer);
    try {
      return await answer;
    } finally {
      this.orders.delete(answer);
    }
  }

  private async signInTurn(order: SigningOrder): Promise<Signing> {
    const { store, clock } = this.parts;
    await this.requireReady(order.wallet);
    const verifier = await this.line.after(this.parts.arithmetic.ahead(signatureClaims(order, this.state)));
    const decoded = decodeOrder(order, this.state);
    if (decoded.kind === 'refused') return decoded;
    const transactionKey = transactionKeyOf(decoded.value);
    const known = store.ledger.transaction(transactionKey);
    // Two requests may ask for the very same payment; the transaction of one is never given out for the other.
    if (
      known &&
      (known.walletId !== order.wallet ||
        transferSet(known.transferIds) !== transferSet(transferIdsOf(order)))
    ) {
      return refused('transaction-of-other-order', { transactionKey });
    }
    if (known?.signedSequence !== undefined) {
      // It was written down, which does not say that the token's record covers its reservation.
      await Promise.all([store.durable(), this.parts.anchor.cover(known.reservedSequence)]);
      const reservation = reservationAt(store, known.reservedSequence);
      return this.given(this.resultOf(reservation, signatureAt(store, known.signedSequence), true), order);
    }
    const waiting = this.underWay.get(transactionKey);
    if (waiting) return repeatedly(await waiting);

    const over = checkOver(order, store.ledger);
    if (over.kind === 'refused') return over;
    const diverged = clock.divergence();
    if (diverged) return refused('clock-diverged', { ...diverged });
    this.hear(order);
    const now = clock.now();
    const newest = this.heardFacts.hear(order, this.state, verifier, now);
    const authorized = authorize(order, decoded.value, {
      state: this.state,
      policies: this.policies,
      verifier,
      nowMs: now.wallMs,
      usage: (charge) => store.ledger.usage(charge, now),
      pastOf: (transferId) => store.ledger.pastOf(transferId),
      heldMs: heldFor(store, this.state, now),
      knowing: knowledge(this.parts, this.state, now),
      cancelled: (spends) => cancelled(spends, store.ledger),
    });
    if (authorized.kind === 'refused') {
      // A hold begins only where facts are not older than those heard before, as nothing else is missing then.
      if (newest.kind === 'refused' && authorized.code === 'transfer-held') return newest;
      return beginHold(store, this.state, authorized, order, now);
    }
    const free = checkConflicts(authorized.value, store.ledger, known);
    if (free.kind === 'refused') return free;
    if (newest.kind === 'refused') return newest;
    const token = this.tokenOf(authorized.value);
    const reserved = known
      ? accepted(reservationAt(store, known.reservedSequence))
      : this.reserve(order, authorized.value, now);
    if (reserved.kind === 'refused') return reserved;

    const signing = this.finish(reserved.value, authorized.value, token);
    this.underWay.set(transactionKey, signing);
    try {
      return await signing;
    } finally {
      this.underWay.delete(transactionKey);
    }
  }

  /** A governor's word of just now tells the time as well: whoever turned the host's clock ahead has none from there. */
  private hear({ head }: SigningOrder): void {
    const { clock, verifier } = this.parts;
    if (!head || !clock.agrees(head.statement.createdAtMs)) return;
    const { wallMs } = clock.now();
    const verified = verifyHead(this.state, head, MAX_DIVERGENCE_MS, verifier, wallMs);
    if (verified.kind === 'accepted') clock.hear();
  }

  /** Each wallet's keys are checked once before its first signature: those of genesis at the start, later ones here. */
  private async requireReady(walletId: string): Promise<void> {
    const wallet = this.state.wallets.get(walletId);
    if (!wallet || this.checked.has(walletId)) return;
    // Orders for a wallet whose token is away share one attempt, or they would fill the token's line.
    const checking =
      this.checking.get(walletId) ??
      checkWallet(wallet, this.parts.tokens).finally(() => this.checking.delete(walletId));
    this.checking.set(walletId, checking);
    await checking;
    this.checked.add(walletId);
  }

  private tokenOf(authorization: Authorization): Token {
    const token = this.parts.tokens.get(authorization.decoded.wallet.token);
    if (!token) {
      throw new Fault<SignerFaultCode>('token-unknown', 'no token of that name is configured', {
        facts: { token: authorization.decoded.wallet.token },
      });
    }
    return token;
  }

  /** Its entry in the journal when it accepts: limits, outpoints, nonce and request ids are used up then. Not yet on the disk. */
  private reserve(
    order: SigningOrder,
    authorization: Authorization,
    at: Instant,
  ): Outcome<EntryOf<Reservation>, SignRefusalCode> {
    const { store } = this.parts;
    const counted = checkCount(authorization, store.ledger);
    if (counted.kind === 'refused') return counted;
    const body = reservationOf(authorization, order, this.state, {
      // The instant that it was judged at: who judges it again, judges it alike.
      at,
      ...store.ledger.nextReservation(),
      signerVersion: SIGNER_VERSION,
    });
    const burials = burialsBefore(store, Number.MAX_SAFE_INTEGER, body);
    const text = journalText(body);
    const characters = text.length + JSON.stringify(burials).length;
    if (characters > MAX_RESERVATION_CHARACTERS || burials.length > MAX_CERTIFIED_BURIALS) {
      return refused('order-too-large', {
        characters,
        max: MAX_RESERVATION_CHARACTERS,
        burials: burials.length,
        maxBurials: MAX_CERTIFIED_BURIALS,
      });
    }
    const { sequence, hash } = store.appendSoon(body, text);
    return accepted({ sequence, hash, body });
  }

  /**
   * Signs, verifies and records. The token is not asked before the reservation is on the disk; no result before the token's
   * record covers it and the signature is on the disk. Where the record fails, the signature is kept for who asks again; as
   * it is where the wallet was frozen meanwhile.
   */
  private async finish(
    reserved: EntryOf<Reservation>,
    { decoded }: Authorization,
    token: Token,
  ): Promise<Signing> {
    const { store, anchor } = this.parts;
    await store.durable();
    const [recorded, covered] = await Promise.allSettled([
      this.signAndRecord(reserved.body, decoded, token),
      anchor.cover(reserved.sequence),
    ]);
    // What became of the signature is told first: it may exist where the record failed.
    if (recorded.status === 'rejected') throw recorded.reason;
    if (covered.status === 'rejected') throw covered.reason;
    return this.given(this.resultOf(reserved, recorded.value, false), reserved.body.order);
  }

  /** A result on its way out: not that of a wallet that was frozen since it was signed. */
  private given(result: SignResult, { wallet }: SigningOrder): Signing {
    const free = checkFreeze(this.state, wallet);
    return free.kind === 'refused' ? free : accepted(result);
  }

  private async signAndRecord(
    { order, transactionKey }: Reservation,
    { toSign, unsigned }: DecodedOrder,
    token: Token,
  ): Promise<SignedRecord> {
    const { store, arithmetic } = this.parts;
    const signed = await signTransaction(token.signer, order.transaction, toSign, arithmetic, unsigned);
    const body: SignedRecord = { kind: 'signed', transactionKey, ...signed, tokenSerial: token.serial };
    store.appendSoon(body);
    await store.durable();
    return body;
  }

  /** The answer for a transaction that is signed, put together from what the journal says alone. */
  private resultOf(reserved: EntryOf<Reservation>, signed: SignedRecord, repeated: boolean): SignResult {
    const { signedTransaction, transactionId } = signed;
    const certificate = signedCertificate(this.parts.store, this.state.deploymentId, reserved, signed);
    return { signedTransaction, transactionId, repeated, certificate };
  }

  /** Certificates from an ordinal on, attested together. */
  certificates(fromOrdinal: number, most: number): Promise<CertificatesResult> {
    return attestedPage(this.parts, this.state, fromOrdinal, most);
  }

  /** The signer's attested word that a request is never signed, or why it cannot give it. Hostile input. */
  async void(request: SignedRequest): Promise<Outcome<AttestedVoid, VoidingRefusalCode>> {
    const { store, anchor, tokens, verifier } = this.parts;
    const voided = voidRequest(this.wayOut(), request);
    if (voided.kind === 'refused') return voided;
    await anchor.cover(voided.value);
    const { deploymentId, attestation } = this.state;
    const statement = voidStatementAt(store, voided.value, deploymentId);
    return accepted({
      statement,
      signature: await attest(voidBytes(statement), attestation, tokens, verifier),
    });
  }

  /** Takes a quorum's word that what was signed for some transfers can never be mined. Hostile input. */
  async bury(burial: Burial): Promise<Outcome<BuryResult, BuryingRefusalCode>> {
    const buried = bury(this.wayOut(), burial);
    if (buried.kind === 'refused') return buried;
    await this.parts.anchor.cover(buried.value);
    const transfers = burial.statement.transferIds.map((transferId) =>
      transferRecordOf(this.parts.store, transferId),
    );
    return accepted({ journalSequence: buried.value, transfers });
  }

  /** A signed checkpoint of the audit log, if the log has only grown. Hostile input. */
  checkpoint(growth: Growth): Promise<Outcome<CheckpointResult, CheckpointRefusalCode>> {
    return this.checkpoints.sign(growth);
  }

  private wayOut(): WayOut {
    const { store, clock, verifier } = this.parts;
    return {
      store,
      clock,
      verifier,
      state: this.state,
      isUnderWay: (transactionKey) => this.underWay.has(transactionKey),
    };
  }

  /** Appends one quorum-signed entry to the signer's own log. The very entry that is its newest is accepted again. */
  async appendGovernance(
    entry: GovernanceEntry,
  ): Promise<Outcome<GovernanceResult, GovernanceRefusalCode | ClockRefusalCode>> {
    const { store, clock, verifier, anchor } = this.parts;
    const offered = await this.offered(entry);
    if (offered.kind === 'refused') return offered;
    if (this.state.sequence > 0 && entryHash(entry.body) === this.state.head) {
      // Accepted before; the answer was lost, or the token's record did not follow then.
      await anchor.cover(store.head().sequence);
      return accepted(this.readGovernance(entry.body.sequence));
    }
    const replayed = replayEntry(this.state, entry, verifier);
    if (replayed.kind === 'refused') return replayed;
    const at = clock.now();
    const acceptable = checkAcceptable(this.state, entry, { store, clock, at });
    if (acceptable.kind === 'refused') return acceptable;
    const policies = readPolicies(replayed.value);
    const { sequence } = store.append({ kind: 'governance', at, entry });
    this.state = replayed.value;
    this.policies = policies;
    if (entry.body.change.kind === 'time-set') clock.trustHost();
    await anchor.cover(sequence);
    return accepted(this.readGovernance(entry.body.sequence));
  }

  /**
   * New keys are checked before they are taken in: with one of a wallet that it cannot serve, this signer would never start
   * again, and with one of the audit log, no checkpoint would ever be signed. Only for entries that would be accepted. Throws
   * what `checkWallet`, `checkAuditKey` and `checkAttestationKey` throw.
   */
  private async offered(entry: GovernanceEntry): Promise<Outcome<undefined, GovernanceRefusalCode>> {
    const change = actingChange(this.state, entry);
    const bringsKeys = ['wallet-added', 'audit-log-set', 'attestation-key-set'].includes(change.kind);
    if (!bringsKeys || entryHash(entry.body) === this.state.head) return accepted(undefined);
    const replayed = replayEntry(this.state, entry, this.parts.verifier);
    if (replayed.kind === 'refused') return replayed;
    const { tokens, verifier } = this.parts;
    if (change.kind === 'wallet-added') await checkWallet(change.wallet, tokens);
    if (change.kind === 'audit-log-set') await checkAuditKey(change.auditLog.key, tokens, verifier);
    if (change.kind === 'attestation-key-set')
      await checkAttestationKey(change.attestation, tokens, verifier);
    return accepted(undefined);
  }

  readGovernance(fromSequence: number): GovernanceResult {
    return {
      entries: this.parts.store.governance(fromSequence, GOVERNANCE_PAGE, GOVERNANCE_PAGE_CHARACTERS),
      sequence: this.state.sequence,
      head: this.state.head,
    };
  }

  async status(transferIds: readonly string[]): Promise<StatusResult> {
    const { checkpoints } = this;
    return statusOf(this.parts, this.state, transferIds, {
      checkpoint: checkpoints.newest(),
      auditKeyFault: checkpoints.keyFault(),
    });
  }

  async publicKeys(): Promise<PublicKeysResult> {
    return { wallets: await describeWallets(this.state, this.parts.tokens) };
  }
}

/** A store that goes on from a lost one still shows why: the quorum's word over the log as it was then. Throws `store-corrupt`. */
function requireRestore(
  { store, verifier }: SignerParts,
  log: readonly GovernanceEntry[],
  deploymentId: string,
): void {
  const begin = store.restoredFrom();
  if (!begin) return;
  const then = log.slice(0, begin.restore.statement.governanceSequence + 1);
  const verified = verifyRestore(begin.restore, then, deploymentId, verifier, undefined);
  if (verified.kind === 'accepted') return;
  throw new Fault<StoreFaultCode>('store-corrupt', 'the restore in the store is not signed by a quorum', {
    facts: { code: verified.code, ...verified.facts },
  });
}

function readPolicies(state: GovernanceState): PolicySet {
  const policies = parsePolicies(state.policies, state);
  if (policies.kind === 'refused') {
    // Replay refuses entries whose policies do not parse, so this is a fault of ours.
    throw new Fault<SignerFaultCode>('policy-unreadable', 'policies in force cannot be parsed', {
      facts: policies.facts,
    });
  }
  return policies.value;
}
