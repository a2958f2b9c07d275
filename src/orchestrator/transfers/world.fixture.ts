// A signer and a chain that do as they are told, for tests of what the pipeline does when things break: they outlive the
// pipeline, they fail where a script says, and they keep the promises of the real ones that the pipeline relies on (the
// same bytes get the same signature; what pays one transfer twice is refused). They are NOT what shows that those promises
// are kept: the end-to-end tests run the real signer and real nodes.

import { createHash } from 'node:crypto';
import type { EntityManager } from 'typeorm';
import { z } from 'zod';
import { verifyApprovals } from '../../core/authorization/approvals.js';
import { checkFreeze } from '../../core/authorization/authorize.js';
import { verifyRequest } from '../../core/authorization/requests.js';
import type { SigningOrder } from '../../core/authorization/signing-order.js';
import { accepted, Fault, type Outcome, refused } from '../../core/fault.js';
import type { GovernanceEntry, Wallet } from '../../core/governance/entry.js';
import { entryHash } from '../../core/governance/entry.js';
import { replayLog } from '../../core/governance/replay.js';
import type { Burial } from '../../core/recovery/burial.js';
import type { AttestedVoid } from '../../core/recovery/void.js';
import { requestDigest, type SignedRequest, transferIdOf } from '../../core/statements/request.js';
import { nativeVerifier } from '../../platform/native-verifier.js';
import type {
  BuryResult,
  GovernanceResult,
  SignResult,
  TransferRecord,
} from '../../signer-protocol/messages.js';
import {
  type BroadcastResult,
  type CancelResult,
  type ChainDriver,
  type Observation,
  PAYABLES_EXAMINED,
  type Payable,
  type PlannedTransaction,
  type RefreshResult,
  type ReserveResult,
  type RestoreFacts,
  type SignedTransaction,
  type UnsignedTransaction,
} from '../chains/chain-driver.js';
import { rows, sqlInteger } from '../database/sql.js';
import { exampleCertificate } from '../http/examples.js';
import type { Cast } from './cast.fixture.js';

/** What a transaction of this world says: who pays which transfers, with which number. */
const content = z.strictObject({
  wallet: z.string(),
  number: z.int(),
  fee: z.int(),
  transfers: z.array(z.string()),
});
type Content = z.infer<typeof content>;

const hexOf = (value: Content) => Buffer.from(JSON.stringify(value)).toString('hex');
const contentOf = (hex: string) => content.parse(JSON.parse(Buffer.from(hex, 'hex').toString()));
const idOf = (hex: string) => createHash('sha256').update(hex).digest('hex');
const keyOf = (hex: string) => `bitcoin:${idOf(hex)}`;

/** Called wherever a process could die: before and after every effect. It throws to kill it. */
export type CrashPoint = (where: string) => void;

export class ScriptedSigner {
  /** Signed contents by their bytes. */
  readonly signed = new Map<string, Content>();
  readonly orders: SigningOrder[] = [];
  readonly voids = new Set<string>();
  /** By transaction id. */
  readonly ended = new Map<string, 'dead' | 'buried'>();
  /** Answers to give before the world's own, first come first served. `undefined` lets one through. */
  readonly script: ((order: SigningOrder) => Outcome<SignResult> | undefined)[] = [];
  /** Records to give instead of the true ones. */
  recordsScript: ((transferId: string) => TransferRecord | undefined) | undefined;

  constructor(
    private readonly cast: Cast,
    private readonly nowMs: () => number,
  ) {}

  sign(order: SigningOrder): Outcome<SignResult> {
    this.orders.push(order);
    const scripted = this.script.shift()?.(order);
    if (scripted) return scripted;
    const voided = order.transfers
      .map(({ request }) => transferIdOf(requestDigest(request.statement)))
      .find((transferId) => this.voids.has(transferId));
    if (voided !== undefined) return refused('transfer-void', { transferId: voided });
    const { transaction } = order;
    const hex =
      transaction.kind === 'psbt'
        ? Buffer.from(transaction.base64, 'base64').toString('hex')
        : transaction.hex;
    const wanted = contentOf(hex);
    const state = replayLog(this.cast.entries, nativeVerifier);
    if (state.kind === 'refused') throw new Fault('fixture', 'the log does not replay');
    const free = checkFreeze(state.value, order.wallet);
    if (free.kind === 'refused') return free;
    if (this.signed.has(hex)) return accepted(this.result(order, hex));
    if (this.ended.has(idOf(hex))) return refused('transaction-dead', { ended: 'void' });
    for (const ordered of order.transfers) {
      const past = this.transactionsOf(transferIdOf(requestDigest(ordered.request.statement)));
      const request = verifyRequest(
        state.value,
        ordered.request,
        nativeVerifier,
        this.nowMs(),
        () => past.length > 0,
      );
      if (request.kind === 'refused') return request;
      const approvals = verifyApprovals(
        state.value,
        request.value,
        ordered.statement,
        ordered.approvals,
        nativeVerifier,
        this.nowMs(),
        past.length > 0,
      );
      if (approvals.kind === 'refused') return approvals;
      const { transferId } = request.value;
      if (past.some((one) => one.number !== wanted.number))
        return refused('transfer-already-signed', { transferId });
    }
    const mine = [...this.signed.values()].filter((one) => one.wallet === wanted.wallet);
    const ordered = wanted.wallet === 'hot-eth';
    if (ordered && wanted.number > mine.reduce((next, one) => Math.max(next, one.number + 1), 0)) {
      return refused('nonce-gap', { nonce: wanted.number });
    }
    const living = [...this.signed].filter(([other]) => !this.ended.has(idOf(other)));
    const taken = living
      .map(([, one]) => one)
      .find((one) => one.wallet === wanted.wallet && one.number === wanted.number);
    if (
      taken &&
      taken.transfers.length > 0 &&
      wanted.transfers.length > 0 &&
      taken.transfers.join() !== wanted.transfers.join()
    )
      return refused('nonce-used');
    this.signed.set(hex, wanted);
    return accepted(this.result(order, hex));
  }

  private transactionsOf(transferId: string): Content[] {
    return [...this.signed]
      .filter(([hex, one]) => !this.ended.has(idOf(hex)) && one.transfers.includes(transferId))
      .map(([, one]) => one);
  }

  records(transferIds: readonly string[]): TransferRecord[] {
    return transferIds.map((transferId) => {
      const scripted = this.recordsScript?.(transferId);
      if (scripted) return scripted;
      const paying = [...this.signed].filter(([, one]) => one.transfers.includes(transferId));
      const numbers = new Set(paying.map(([, one]) => `${one.wallet}/${one.number}`));
      const cancels = [...this.signed].filter(
        ([, one]) => one.transfers.length === 0 && numbers.has(`${one.wallet}/${one.number}`),
      );
      const recordAs =
        (purpose: 'pays' | 'cancels') =>
        ([hex]: [string, Content]) => ({
          transactionKey: keyOf(hex),
          purpose,
          state: this.ended.get(idOf(hex)) ?? ('signed' as const),
          transactionId: idOf(hex),
        });
      const transactions = paying.map(recordAs('pays'));
      const living = transactions.some(({ state }) => state === 'signed');
      return {
        transferId,
        state: this.voids.has(transferId)
          ? 'void'
          : living
            ? 'signed'
            : paying.length > 0
              ? 'dead'
              : 'unseen',
        transactionIds: transactions.map(({ transactionId }) => transactionId),
        transactions: [...transactions, ...cancels.map(recordAs('cancels'))],
      };
    });
  }

  void(request: SignedRequest): Outcome<AttestedVoid> {
    const digest = requestDigest(request.statement);
    const transferId = transferIdOf(digest);
    if (this.transactionsOf(transferId).length > 0) return refused('transfer-signed', { transferId });
    this.voids.add(transferId);
    return accepted(this.cast.attested(request, [...this.signed.values()].length));
  }

  /** What the real signer compares is shown elsewhere; this one takes what it is told. */
  bury({ statement }: Burial): Outcome<BuryResult> {
    for (const hex of this.signed.keys()) {
      if (statement.dead.includes(keyOf(hex))) this.ended.set(idOf(hex), 'dead');
      if (statement.conflicting.transactionKey === keyOf(hex)) this.ended.set(idOf(hex), 'buried');
    }
    return accepted({
      journalSequence: 1_000 + this.ended.size,
      transfers: this.records(statement.transferIds),
    });
  }

  result(order: SigningOrder, hex: string): SignResult {
    const { deploymentId } = this.cast;
    const signature = { signedTransaction: hex, transactionId: idOf(hex) };
    return {
      ...signature,
      repeated: false,
      // Nobody verifies it here; what is relied on is the order and the transaction.
      certificate: {
        ...exampleCertificate,
        deploymentId,
        reservation: { ...exampleCertificate.reservation, order },
        outcome: { kind: 'signed', ...signature, tokenSerial: 'none' },
      },
    };
  }

  governanceRead(fromSequence: number): GovernanceResult {
    const { entries } = this.cast;
    const last = entries.at(-1);
    if (!last) throw new Fault('fixture', 'a log has a genesis');
    return {
      entries: entries.slice(fromSequence, fromSequence + 50),
      sequence: entries.length - 1,
      head: entryHash(last.body),
    };
  }

  governanceAppend(_entry: GovernanceEntry): Outcome<GovernanceResult> {
    return refused('governance-sequence');
  }
}

/** A chain that mines what it is told to, and forgets what it is told to. */
export class ScriptedChain {
  height = 100;
  readonly mempool = new Set<string>();
  readonly mined = new Map<string, number>();
  /** Broadcast answers to give first. */
  readonly script: BroadcastResult[] = [];
  unreachable = false;
  /** Transaction ids that fail once mined. */
  readonly failing = new Set<string>();
  readonly finalDepth = 3;
  readonly buriedDepth = 8;

  broadcast(hex: string): BroadcastResult {
    const scripted = this.script.shift();
    if (scripted) return scripted;
    if (this.unreachable) return { kind: 'unreachable', reason: 'no node' };
    if (this.mempool.has(hex) || this.mined.has(hex)) return { kind: 'already-known' };
    if (this.rival(hex)) return { kind: 'rejected', reason: 'nonce too low' };
    this.mempool.add(hex);
    return { kind: 'accepted' };
  }

  /** What is mined with the number of this one. */
  private rival(hex: string): string | undefined {
    const { wallet, number } = contentOf(hex);
    return [...this.mined.keys()].find((other) => {
      const one = contentOf(other);
      return other !== hex && one.wallet === wallet && one.number === number;
    });
  }

  /** Everything in the mempool, the highest fee of each number, into one block; a block more in any case. */
  mine(blocks = 1): void {
    for (let count = 0; count < blocks; count += 1) {
      this.height += 1;
      const byFee = [...this.mempool].toSorted((a, b) => contentOf(b).fee - contentOf(a).fee);
      for (const hex of byFee) if (!this.rival(hex)) this.mined.set(hex, this.height);
      this.mempool.clear();
    }
  }

  /** Takes the newest blocks away; their transactions are forgotten. */
  reorganise(depth: number): void {
    this.height -= depth;
    for (const [hex, at] of this.mined) if (at > this.height) this.mined.delete(hex);
  }

  observe(hex: string): Observation {
    if (this.unreachable) return { kind: 'unknown', reason: 'no node' };
    const at = this.mined.get(hex);
    if (at !== undefined) {
      const confirmations = this.height - at + 1;
      const block = { blockHash: `block-${at}`, blockHeight: at, feePaid: BigInt(contentOf(hex).fee) };
      const depth = this.depth(confirmations);
      return this.failing.has(idOf(hex))
        ? { kind: 'failed', ...block, ...depth, reason: 'status-0' }
        : { kind: 'mined', ...block, confirmations, ...depth };
    }
    const rival = this.rival(hex);
    if (rival) {
      const at = this.mined.get(rival) ?? 0;
      const place = { blockHash: `block-${at}`, blockHeight: at };
      return { kind: 'conflicted', by: idOf(rival), ...place, ...this.depth(this.height - at + 1) };
    }
    return this.mempool.has(hex) ? { kind: 'pending' } : { kind: 'unseen' };
  }

  private depth(confirmations: number): { final: boolean; buried: boolean } {
    return { final: confirmations >= this.finalDepth, buried: confirmations >= this.buriedDepth };
  }

  /** How often each transfer was paid in mined transactions. */
  payments(): Map<string, number> {
    const counts = new Map<string, number>();
    for (const hex of this.mined.keys()) {
      for (const id of contentOf(hex).transfers) counts.set(id, (counts.get(id) ?? 0) + 1);
    }
    return counts;
  }
}

/** A driver without tables of its own: the numbers that it hands out follow from the pipeline's own. */
export class ScriptedDriver implements ChainDriver {
  wait: Extract<ReserveResult, { kind: 'wait' }>['reason'] | undefined;
  impossible: string | undefined;
  /** Request ids of transfers for which there are no funds. */
  readonly short = new Set<string>();

  constructor(
    readonly family: 'bitcoin' | 'ethereum',
    private readonly chain: ScriptedChain,
    private readonly crash: CrashPoint,
  ) {}

  async outlook(_wallet: Wallet, _payables: readonly Payable[]): Promise<unknown> {
    this.crash('outlook');
    return {};
  }

  async reserve(db: EntityManager, wallet: Wallet, payables: readonly Payable[]): Promise<ReserveResult> {
    if (this.wait) return { kind: 'wait', reason: this.wait };
    const [first] = payables;
    if (first && this.impossible === first.request.requestId) {
      return { kind: 'impossible', transferIds: [first.transferId], reason: 'amount-below-dust' };
    }
    const examined = payables.slice(0, PAYABLES_EXAMINED);
    const funded = examined.filter((payable) => !this.short.has(payable.request.requestId));
    if (payables.length > 0 && funded.length === 0) return { kind: 'wait', reason: 'insufficient-funds' };
    const chosen = this.family === 'bitcoin' ? funded : funded.slice(0, 1);
    const [found] = await rows(
      db,
      z.object({ number: sqlInteger, total: sqlInteger }),
      "SELECT count(CASE WHEN state <> 'released' THEN 1 END) AS number, count(*) AS total FROM transactions WHERE wallet_id = ? AND replaces IS NULL",
      [wallet.walletId],
    );
    const number = found?.number ?? 0;
    const transfers = chosen.map((payable) => payable.transferId);
    return this.planned(
      wallet,
      { wallet: wallet.walletId, number, fee: 10, transfers },
      `p${found?.total ?? 0}`,
    );
  }

  private planned(
    wallet: Wallet,
    what: Content,
    name: string,
    replaces?: string,
  ): Extract<ReserveResult, { kind: 'planned' }> {
    return {
      kind: 'planned',
      transaction: {
        transactionKey: `${wallet.walletId}/${what.number}/${name}`,
        walletId: wallet.walletId,
        chain: wallet.chain,
        transferIds: what.transfers,
        replaces,
        plan: JSON.stringify(what),
        maxFee: BigInt(what.fee),
      },
    };
  }

  async build(
    _db: EntityManager,
    _wallet: Wallet,
    transaction: PlannedTransaction,
  ): Promise<UnsignedTransaction> {
    const hex = hexOf(content.parse(JSON.parse(transaction.plan)));
    return this.family === 'bitcoin'
      ? { kind: 'psbt', base64: Buffer.from(hex, 'hex').toString('base64') }
      : { kind: 'eip1559', hex };
  }

  /** Later unsigned numbers of the wallet go with it. */
  async release(db: EntityManager, transaction: PlannedTransaction): Promise<readonly string[]> {
    if (this.family === 'bitcoin') return [];
    const later = await rows(
      db,
      z.object({ transaction_key: z.string() }),
      "SELECT transaction_key FROM transactions WHERE wallet_id = ? AND state IN ('planned', 'built') AND ordinal > (SELECT ordinal FROM transactions WHERE transaction_key = ?)",
      [transaction.walletId, transaction.transactionKey],
    );
    return later.map((row) => row.transaction_key);
  }

  signerKey({ plan }: Pick<PlannedTransaction, 'plan'>): string {
    return keyOf(hexOf(content.parse(JSON.parse(plan))));
  }

  async cancel(
    _db: EntityManager,
    wallet: Wallet,
    rivals: readonly PlannedTransaction[],
  ): Promise<CancelResult> {
    const [newest] = rivals.toReversed();
    if (!newest) return { kind: 'impossible', reason: 'nothing-signed' };
    const { number, fee } = content.parse(JSON.parse(newest.plan));
    const what = { wallet: wallet.walletId, number, fee: fee * 2, transfers: [] };
    return this.planned(wallet, what, `c${rivals.length}`, newest.transactionKey);
  }

  async buried(): Promise<void> {
    await Promise.resolve();
  }

  async restoreFacts(wallet: Wallet): Promise<RestoreFacts> {
    throw new Fault('chain-unavailable', 'no restore in this world', {
      facts: { walletId: wallet.walletId },
    });
  }

  async refresh(): Promise<RefreshResult> {
    return { kind: 'other-wallet', reason: 'no restore in this world' };
  }

  async signed(): Promise<void> {
    await Promise.resolve();
  }

  async broadcast(transaction: SignedTransaction): Promise<BroadcastResult> {
    this.crash('before broadcast');
    const result = this.chain.broadcast(transaction.signedHex);
    this.crash('after broadcast');
    return result;
  }

  async observe(transaction: SignedTransaction): Promise<Observation> {
    this.crash('observe');
    return this.chain.observe(transaction.signedHex);
  }

  async replace(_db: EntityManager, wallet: Wallet, transaction: SignedTransaction): Promise<ReserveResult> {
    const replaced = content.parse(JSON.parse(transaction.plan));
    const bumped = { ...replaced, fee: replaced.fee * 2 };
    return this.planned(
      wallet,
      bumped,
      `${transaction.transactionKey.split('/').at(-1)}b`,
      transaction.transactionKey,
    );
  }
}
