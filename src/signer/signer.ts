// The signer's verbs. For a signature the order is fixed: decode the bytes, verify the requests, verify the approvals,
// evaluate the policy, refuse conflicts, reserve durably, sign in the token while the token's record is brought up to
// date, verify, record, answer. Up to the reservation all of it is one synchronous step, so no two orders interleave.

import {
  type Authorization,
  type AuthorizationRefusalCode,
  authorize,
} from '../core/authorization/authorize.js';
import { decodeOrder } from '../core/authorization/decode-order.js';
import type { SigningOrder } from '../core/authorization/signing-order.js';
import { CERTIFICATE_TYPE, type Certificate } from '../core/certificates/certificate.js';
import { certifiedDecisionOf } from '../core/certificates/decision.js';
import { accepted, Fault, type Outcome, refused } from '../core/fault.js';
import { entryHash, type GovernanceEntry } from '../core/governance/entry.js';
import { replayEntry, replayLog } from '../core/governance/replay.js';
import type { GovernanceRefusalCode, GovernanceState } from '../core/governance/state.js';
import { parsePolicies } from '../core/policy/parse.js';
import type { PolicySet } from '../core/policy/types.js';
import { requestDigest, transferIdOf } from '../core/statements/request.js';
import type { SignatureVerifier } from '../core/statements/signature.js';
import { MAX_MESSAGE_BYTES } from '../signer-protocol/frame.js';
import type {
  GovernanceResult,
  PublicKeysResult,
  SignResult,
  StatusResult,
  TransferRecord,
} from '../signer-protocol/messages.js';
import type { Anchor } from './anchor.js';
import { type ConflictRefusalCode, cancelled, checkConflicts, checkCount } from './conflicts.js';
import { journalText, type Reservation, type ReservedTransfer, type SignedRecord } from './journal.js';
import { type KnownTransaction, transferSet } from './ledger.js';
import { checkWallet, describeWallets, type Token } from './self-check.js';
import type { SignerClock } from './signer-clock.js';
import { signTransaction, transactionKeyOf } from './signing.js';
import type { SignerStore, StoreFaultCode } from './store.js';
import { SIGNER_VERSION } from './version.js';

export type SignRefusalCode =
  | AuthorizationRefusalCode
  | ConflictRefusalCode
  | 'transaction-of-other-order'
  | 'order-too-large';
export type SignerFaultCode = 'token-unknown' | 'policy-unreadable';

/**
 * The answer holds the order, the decisions and, twice, the signed transaction, of at most 120,000 bytes. An order whose
 * answer no frame could carry would be signed and never be had by anybody.
 */
const MAX_RESERVATION_CHARACTERS = MAX_MESSAGE_BYTES - 1024 * 1024;
const GOVERNANCE_PAGE = 50;
/** A page ends with the entry that passes this, so that it fits into a reply whatever the entries are. */
const GOVERNANCE_PAGE_CHARACTERS = 1024 * 1024;

export interface SignerParts {
  readonly store: SignerStore;
  readonly clock: SignerClock;
  readonly verifier: SignatureVerifier;
  readonly anchor: Anchor;
  /** Tokens by the name that governance's wallets use. */
  readonly tokens: ReadonlyMap<string, Token>;
}

function certifiedTransfers(authorization: Authorization): ReservedTransfer[] {
  return authorization.transfers.map((transfer) => ({
    requestId: transfer.request.statement.requestId,
    requestDigest: transfer.request.digest,
    feeCeiling: transfer.request.statement.feeCeiling,
    decision: certifiedDecisionOf(transfer),
    charges: transfer.limits.map(({ limitId, key, windowMs, amount }) => ({
      limitId,
      key,
      windowMs,
      amount: amount.toString(),
    })),
  }));
}

/** Which transfers an order says it pays; follows from its requests, verified or not. */
function transferIdsOf(order: SigningOrder): string[] {
  return order.transfers.map(({ request }) => transferIdOf(requestDigest(request.statement)));
}

export class Signer {
  private readonly parts: SignerParts;
  private state: GovernanceState;
  private policies: PolicySet;
  /** Wallets whose keys have been checked, and checks under way. */
  private readonly checked = new Set<string>();
  private readonly checking = new Map<string, Promise<void>>();
  /** Signatures under way by transaction key: an identical order that arrives meanwhile waits for the same one. */
  private readonly underWay = new Map<string, Promise<SignResult>>();

  private constructor(parts: SignerParts, state: GovernanceState, policies: PolicySet) {
    this.parts = parts;
    this.state = state;
    this.policies = policies;
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
    return new Signer(parts, replayed.value, readPolicies(replayed.value));
  }

  deploymentId(): string {
    return this.state.deploymentId;
  }

  /** Resolves when no signature is under way. */
  async idle(): Promise<void> {
    await Promise.allSettled([...this.underWay.values()]);
  }

  /** Self-checks of every wallet's keys. Throws what `checkWallet` throws. */
  async checkWallets(): Promise<void> {
    for (const walletId of this.state.wallets.keys()) await this.requireReady(walletId);
  }

  /**
   * Signs what an order asks, or says why not. Hostile input. The same transaction gives the same signature again, also
   * when everything around it has expired. Faults are the token's and the store's: the order may be sent again.
   */
  async sign(order: SigningOrder): Promise<Outcome<SignResult, SignRefusalCode>> {
    const { store, clock, verifier } = this.parts;
    await this.requireReady(order.wallet);
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
    if (known?.signedSequence !== undefined)
      return accepted(this.recorded(known, known.signedSequence, true));
    const waiting = this.underWay.get(transactionKey);
    if (waiting) return accepted({ ...(await waiting), repeated: true });

    const now = clock.now();
    const authorized = authorize(order, decoded.value, {
      state: this.state,
      policies: this.policies,
      verifier,
      nowMs: now.wallMs,
      usage: ({ limitId, key, windowMs }) => store.ledger.usage(limitId, key, windowMs, now.measuredMs),
      pastOf: (transferId) => store.ledger.pastOf(transferId),
      cancelled: (spends) => cancelled(spends, store.ledger),
    });
    if (authorized.kind === 'refused') return authorized;
    const free = checkConflicts(authorized.value, store.ledger);
    if (free.kind === 'refused') return free;
    const token = this.tokenOf(authorized.value);
    const reserved = known
      ? accepted(known.reservedSequence)
      : this.reserve(transactionKey, order, authorized.value);
    if (reserved.kind === 'refused') return reserved;

    const signing = this.finish(transactionKey, reserved.value, order, authorized.value, token);
    this.underWay.set(transactionKey, signing);
    try {
      return accepted(await signing);
    } finally {
      this.underWay.delete(transactionKey);
    }
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

  /** Durable when it accepts, with its place in the journal: limits, outpoints, nonce and request ids are used up then. */
  private reserve(
    transactionKey: string,
    order: SigningOrder,
    authorization: Authorization,
  ): Outcome<number, SignRefusalCode> {
    const { store, clock } = this.parts;
    const counted = checkCount(authorization, store.ledger);
    if (counted.kind === 'refused') return counted;
    const body: Reservation = {
      kind: 'reserved',
      at: clock.now(),
      transactionKey,
      walletId: authorization.decoded.wallet.walletId,
      order,
      spends: [...authorization.decoded.spends],
      nonce: authorization.decoded.nonce?.toString() ?? null,
      transfers: certifiedTransfers(authorization),
      governanceSequence: this.state.sequence,
      governanceHead: this.state.head,
      policyHash: this.state.policyHash,
    };
    const characters = journalText(body).length;
    if (characters > MAX_RESERVATION_CHARACTERS) {
      return refused('order-too-large', { characters, max: MAX_RESERVATION_CHARACTERS });
    }
    return accepted(store.append(body).sequence);
  }

  /** Signs, verifies and records. No result before the token's record covers the reservation. */
  private async finish(
    transactionKey: string,
    reservedSequence: number,
    order: SigningOrder,
    authorization: Authorization,
    token: Token,
  ): Promise<SignResult> {
    const { store, anchor } = this.parts;
    const [signed] = await Promise.all([
      signTransaction(token.signer, order.transaction, authorization.decoded.toSign),
      anchor.cover(reservedSequence),
    ]);
    const body: SignedRecord = { kind: 'signed', transactionKey, ...signed, tokenSerial: token.serial };
    store.append(body);
    const known = store.ledger.transaction(transactionKey);
    if (known?.signedSequence === undefined) {
      throw new Fault<StoreFaultCode>('store-corrupt', 'a signature was recorded and is not there');
    }
    return this.recorded(known, known.signedSequence, false);
  }

  /** The answer for a transaction that is signed, put together from the journal alone. */
  private recorded(known: KnownTransaction, signedSequence: number, repeated: boolean): SignResult {
    const reserved = this.parts.store.read(known.reservedSequence);
    const signed = this.parts.store.read(signedSequence);
    if (reserved.body.kind !== 'reserved' || signed.body.kind !== 'signed') {
      throw new Fault<StoreFaultCode>(
        'store-corrupt',
        'the journal holds something else than a signature there',
      );
    }
    const { signedTransaction, transactionId, tokenSerial } = signed.body;
    const certificate: Certificate = {
      type: CERTIFICATE_TYPE,
      deploymentId: this.state.deploymentId,
      signerVersion: SIGNER_VERSION,
      journalSequence: reserved.sequence,
      journalHash: reserved.hash,
      governanceSequence: reserved.body.governanceSequence,
      governanceHead: reserved.body.governanceHead,
      policyHash: reserved.body.policyHash,
      decidedAtMs: reserved.body.at.wallMs,
      tokenSerial,
      order: reserved.body.order,
      decisions: reserved.body.transfers.map((transfer) => transfer.decision),
      signedTransaction,
      transactionId,
    };
    return { signedTransaction, transactionId, repeated, certificate };
  }

  /** Appends one quorum-signed entry to the signer's own log. The very entry that is its newest is accepted again. */
  async appendGovernance(entry: GovernanceEntry): Promise<Outcome<GovernanceResult, GovernanceRefusalCode>> {
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
    const policies = readPolicies(replayed.value);
    const { sequence } = store.append({ kind: 'governance', at: clock.now(), entry });
    this.state = replayed.value;
    this.policies = policies;
    await anchor.cover(sequence);
    return accepted(this.readGovernance(entry.body.sequence));
  }

  /**
   * A new wallet's keys are checked before it is taken in: with one that it cannot serve, this signer would never start
   * again. Only for entries that would be accepted. Throws what `checkWallet` throws.
   */
  private async offered(entry: GovernanceEntry): Promise<Outcome<undefined, GovernanceRefusalCode>> {
    const { change } = entry.body;
    if (change.kind !== 'wallet-added' || this.state.wallets.has(change.wallet.walletId))
      return accepted(undefined);
    const replayed = replayEntry(this.state, entry, this.parts.verifier);
    if (replayed.kind === 'refused') return replayed;
    await checkWallet(change.wallet, this.parts.tokens);
    return accepted(undefined);
  }

  readGovernance(fromSequence: number): GovernanceResult {
    return {
      entries: this.parts.store.governance(fromSequence, GOVERNANCE_PAGE, GOVERNANCE_PAGE_CHARACTERS),
      sequence: this.state.sequence,
      head: this.state.head,
    };
  }

  private transferRecord(transferId: string): TransferRecord {
    const { store } = this.parts;
    const transactions = store.ledger.transactionsOf(transferId);
    const transactionIds = transactions.flatMap(({ signedSequence }) => {
      const body = signedSequence === undefined ? undefined : store.read(signedSequence).body;
      return body?.kind === 'signed' ? [body.transactionId] : [];
    });
    return { transferId, state: store.ledger.pastOf(transferId), transactionIds };
  }

  async status(transferIds: readonly string[]): Promise<StatusResult> {
    const { store, clock, anchor, tokens } = this.parts;
    const head = store.head();
    const reports = await Promise.all(
      [...tokens].map(async ([name, token]) => {
        try {
          const { label, serial, model, manufacturer, loggedIn } = await token.signer.status();
          return { name, ready: loggedIn, label, serial, model, manufacturer };
        } catch (error) {
          const fault = error instanceof Fault ? error.code : 'internal';
          return { name, ready: false, label: '', serial: '', model: '', manufacturer: '', fault };
        }
      }),
    );
    return {
      signerVersion: SIGNER_VERSION,
      deploymentId: this.state.deploymentId,
      governanceSequence: this.state.sequence,
      governanceHead: this.state.head,
      policyHash: this.state.policyHash,
      journalSequence: head.sequence,
      journalHead: head.hash,
      anchoredSequence: anchor.coveredSequence(),
      nowMs: clock.now().wallMs,
      tokens: reports,
      nonces: [...this.state.wallets.values()]
        .filter((wallet) => this.state.chains.get(wallet.chain)?.family === 'ethereum')
        .map(({ walletId }) => ({ walletId, next: Number(store.ledger.nextNonce(walletId)) })),
      transfers: transferIds.map((transferId) => this.transferRecord(transferId)),
    };
  }

  async publicKeys(): Promise<PublicKeysResult> {
    return { wallets: await describeWallets(this.state, this.parts.tokens) };
  }
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
