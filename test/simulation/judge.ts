// The judge of what is signed. It stands outside the programs: it hears every entry that the signer's journal takes, every
// digest that the token signs and every answer that leaves the signer, decodes transactions with ethers and bitcoinjs-lib,
// and keeps its own books. It believes none of the signer's tables.

import { p256 } from '@noble/curves/nist.js';
import { Transaction as BitcoinTransaction, Psbt } from 'bitcoinjs-lib';
import { Transaction as EthereumTransaction, Interface } from 'ethers';
import type { OrderedTransfer, SigningOrder } from '../../src/core/authorization/signing-order.js';
import type { GovernanceEntry } from '../../src/core/governance/entry.js';
import { p2wpkhScript } from '../../src/core/intents/bitcoin/address.js';
import type { BurialStatement } from '../../src/core/recovery/burial.js';
import type { RestoreStatement } from '../../src/core/recovery/restore.js';
import type { AttestedVoid } from '../../src/core/recovery/void.js';
import { approvalBytes } from '../../src/core/statements/approval.js';
import { type RequestStatement, requestDigest, transferIdOf } from '../../src/core/statements/request.js';
import type { JournalEntry } from '../../src/signer/journal.js';
import type { SignResult } from '../../src/signer-protocol/messages.js';
import { outpointsOf } from './bitcoin.model.js';
import {
  ATTESTATION,
  BTC_KEY,
  DEPLOYMENT_ID,
  ETH_KEY,
  ETHER,
  LIMITS,
  officerSecret,
  p256Point,
  scriptOf,
  TOKEN_CONTRACT,
  walletAddress,
} from './people.js';

export type ViolationCode =
  | 'two-transactions-for-one-transfer'
  | 'spend-used-twice'
  | 'limit-exceeded'
  | 'signed-without-reservation'
  | 'left-without-record'
  | 'left-before-covered'
  | 'another-signature-for-the-same'
  | 'lost-what-had-left'
  | 'voided-though-signed'
  | 'buried-though-spendable'
  | 'signed-though-dead'
  | 'old-store-serves'
  | 'pays-something-else'
  | 'costs-too-much'
  | 'approvals-missing'
  | 'paid-twice'
  | 'settled-and-not-paid'
  | 'paid-and-not-settled'
  | 'books-and-chain-differ'
  | 'stuck'
  | 'indeterminate-for-nothing'
  | 'program-failure';

export interface Violation {
  readonly code: ViolationCode;
  readonly about: string;
}

/** What a transaction does, as the judge reads it. */
interface Reading {
  readonly digests: readonly string[];
  readonly spends: readonly string[];
  /** Who gets what; change and payments to the wallet itself are left out. */
  readonly payments: readonly string[];
  readonly feeAtMost: bigint;
  readonly transactionId: string | undefined;
}

interface Reserved extends Reading {
  readonly sequence: number;
  /** How many stores were lost before the one whose journal holds it. */
  readonly epoch: number;
  readonly atMs: number;
  readonly walletId: string;
  readonly requests: readonly RequestStatement[];
  readonly requestIds: readonly string[];
  /** Requests that were charged with it: none reserved them before. */
  readonly charged: readonly RequestStatement[];
  readonly signed: Set<string>;
  recordedAt: number | undefined;
  leftAs: string | undefined;
  /** Where the journal says that it will never be signed (a void), or can never be mined (a burial). */
  endedAt: number | undefined;
}

/** A transaction as burials name it. */
export interface Alive {
  readonly transactionKey: string;
  readonly transactionId: string;
  readonly transferIds: readonly string[];
  readonly requestIds: readonly string[];
  readonly spends: readonly string[];
}

/** What a restore promises, as the judge has it. */
interface Promised {
  /** When it was begun, by no clock of anybody in this world: the signer's own cutoff is later. */
  readonly atMs: number;
  /** Spends that payments of the wallet to itself use up, with the most that one such transaction may cost. */
  readonly ceilings: ReadonlyMap<string, bigint>;
  /** The first nonce of hot-eth that may pay again. */
  readonly nextNonce: number;
}

const erc20 = new Interface(['function transfer(address to, uint256 amount)']);

function readEthereum(hex: string): Reading {
  const one = EthereumTransaction.from(`0x${hex}`);
  const to = (one.to ?? '').toLowerCase();
  const payments: string[] = [];
  if (one.data !== '0x') {
    const [payee, amount] = erc20.decodeFunctionData('transfer', one.data) as unknown as [string, bigint];
    payments.push(`${to} ${payee} ${amount}`);
  } else if (to !== walletAddress().toLowerCase()) {
    payments.push(`native ${one.to} ${one.value}`);
  }
  return {
    digests: [one.unsignedHash.slice(2)],
    spends: [`hot-eth/${one.nonce}`],
    payments,
    feeAtMost: one.gasLimit * (one.maxFeePerGas ?? 0n),
    transactionId: undefined,
  };
}

function readBitcoin(base64: string): Reading {
  const psbt = Psbt.fromBase64(base64);
  const one = BitcoinTransaction.fromBuffer(psbt.data.getTransaction());
  const own = p2wpkhScript(BTC_KEY.publicKey);
  const code = Buffer.from(`76a914${own.slice(4)}88ac`, 'hex');
  let income = 0n;
  const digests = psbt.data.inputs.map(({ witnessUtxo }, index) => {
    const value = witnessUtxo?.value ?? 0n;
    income += value;
    return Buffer.from(one.hashForWitnessV0(index, code, value, 1)).toString('hex');
  });
  const outputs = one.outs.map(({ script, value }) => ({
    script: Buffer.from(script).toString('hex'),
    value,
  }));
  return {
    digests,
    spends: outpointsOf(one),
    payments: outputs.filter(({ script }) => script !== own).map(({ script, value }) => `${script} ${value}`),
    feeAtMost: income - outputs.reduce((sum, { value }) => sum + value, 0n),
    transactionId: one.getId(),
  };
}

function paymentOf({ asset, destination, amount }: RequestStatement): string {
  if (asset.kind === 'erc20') return `${TOKEN_CONTRACT.toLowerCase()} ${destination} ${amount}`;
  return asset.symbol === 'BTC' ? `${scriptOf(destination)} ${amount}` : `native ${destination} ${amount}`;
}

function shares(one: readonly string[], other: readonly string[]): boolean {
  return one.some((item) => other.includes(item));
}

export class Judge {
  readonly violations: Violation[] = [];
  /** The signer checks its keys with digests of its own only while it starts. */
  selfChecking = false;
  private reserved: Reserved[] = [];
  private smallEth = ETHER / 2n;
  private epoch = 0;
  private promised: Promised | undefined;
  /** Voids that the backend may have, by request id: where the journal holds them. */
  private readonly voids = new Map<string, number>();

  constructor(
    private readonly nowMs: () => number,
    /** The newest journal entry that the record on the token covers. */
    private readonly coveredSequence: () => number,
    /** Told what has happened, for the tally. */
    private readonly tell: (what: string) => void = () => undefined,
  ) {}

  /** Of the store that there is now. */
  private get own(): readonly Reserved[] {
    return this.reserved.filter(({ epoch }) => epoch === this.epoch);
  }

  violated(code: ViolationCode, about: string): void {
    this.violations.push({ code, about });
  }

  /** An entry of the signer's journal is on the disk. */
  onJournal({ sequence, body }: JournalEntry): void {
    if (body.kind === 'governance') this.onGovernance(body.entry);
    if (body.kind === 'reserved') this.onReserved(sequence, body.order);
    if (body.kind === 'voided') this.onVoided(sequence, body.request.statement.requestId);
    if (body.kind === 'buried') this.onBuried(sequence, body.burial.statement);
    if (body.kind === 'signed') {
      const one = this.own.find((each) => readingIdOf(each) === idOfSigned(body.signedTransaction));
      if (one) one.recordedAt = sequence;
    }
  }

  /** The log that a signer goes by now: what a disk has lost of it counts no more. */
  onLog(entries: readonly GovernanceEntry[]): void {
    this.smallEth = ETHER / 2n;
    for (const entry of entries) this.onGovernance(entry);
  }

  private onGovernance({ body: { change } }: GovernanceEntry): void {
    if (change.kind !== 'policies-set') return;
    const text = change.policies.flatMap(({ lines }) => lines).join('\n');
    const tenths = /eth-small, when: \{ asset: ETH, amount-at-most: "0\.([0-9]) ETH"/.exec(text)?.[1] ?? '0';
    this.smallEth = (BigInt(tenths) * ETHER) / 10n;
  }

  /** Never signed, or buried: nothing of it that could be mined may have left. */
  private onVoided(sequence: number, requestId: string): void {
    for (const one of this.reserved) {
      if (!one.requestIds.includes(requestId) || one.endedAt !== undefined) continue;
      // What a lost store has done for it, nobody knows who could say that it is void.
      const isOfLost = one.epoch !== this.epoch;
      if (one.leftAs !== undefined || one.recordedAt !== undefined || isOfLost)
        this.violated('voided-though-signed', requestId);
      if (!isOfLost) one.endedAt = sequence;
    }
  }

  /**
   * A quorum's word is believed about the chain alone, and the chains will show whether it was true. That all of it is dead if
   * that is so, the signer has to find out by itself.
   */
  private onBuried(sequence: number, { dead, transferIds, conflicting }: BurialStatement): void {
    const winner = this.own.find((one) => keyOf(one) === conflicting.transactionKey);
    for (const one of this.own) {
      const isNamed = dead.includes(keyOf(one));
      const isOfThem = one.requests.some((request) =>
        transferIds.includes(transferIdOf(requestDigest(request))),
      );
      const isAlive = one.endedAt === undefined && one.signed.size > 0 && one !== winner;
      const isLeftOut = isOfThem && isAlive && !isNamed;
      if (
        isLeftOut ||
        (isNamed && !shares(one.spends, winner?.spends ?? [])) ||
        (isOfThem && one === winner)
      ) {
        this.violated('buried-though-spendable', `${one.requestIds.join()} by ${one.spends.join()}`);
      }
      if (isNamed) one.endedAt ??= sequence;
    }
  }

  /**
   * The store is lost, and a quorum has said what the next one begins with. All that was signed may still turn up; all that
   * was asked for is dead.
   */
  onRestored(beganMs: number, { wallets }: RestoreStatement): void {
    this.epoch += 1;
    this.voids.clear();
    const ceilings = new Map<string, bigint>();
    let nextNonce = 0;
    for (const wallet of wallets) {
      const ceiling = BigInt(wallet.refreshFeeCeiling);
      if (wallet.family === 'bitcoin') {
        for (const outpoint of wallet.unspent) ceilings.set(outpoint, ceiling);
        continue;
      }
      nextNonce = wallet.nextNonce;
      for (let nonce = wallet.minedNonces; nonce < nextNonce; nonce += 1) {
        ceilings.set(`${wallet.walletId}/${nonce}`, ceiling);
      }
    }
    this.promised = { atMs: beganMs, ceilings, nextNonce };
  }

  private onReserved(sequence: number, order: SigningOrder): void {
    const reading =
      order.transaction.kind === 'psbt'
        ? readBitcoin(order.transaction.base64)
        : readEthereum(order.transaction.hex);
    const requests = order.transfers.map(({ request }) => request.statement);
    const requestIds = requests.map(({ requestId }) => requestId);
    const known = new Set(this.reserved.flatMap((each) => each.requestIds));
    const one: Reserved = {
      ...reading,
      sequence,
      epoch: this.epoch,
      atMs: this.nowMs(),
      walletId: order.wallet,
      requests,
      requestIds,
      charged: requests.filter(({ requestId }) => !known.has(requestId)),
      signed: new Set(),
      recordedAt: undefined,
      leftAs: undefined,
      endedAt: undefined,
    };
    this.checkPayments(one);
    for (const transfer of order.transfers) this.checkApprovals(transfer);
    if (this.promised) this.checkPromised(one, this.promised);
    this.tell(this.kindOf(one));
    this.reserved.push(one);
    this.checkLimits();
  }

  private kindOf({ requestIds, spends }: Reserved): string {
    const before = this.own.filter((other) => shares(other.spends, spends));
    if (requestIds.length === 0)
      return before.some((other) => other.requestIds.length > 0) ? 'cancel' : 'refresh';
    const earlier = this.own.filter((other) => shares(other.requestIds, requestIds));
    if (earlier.some(({ endedAt }) => endedAt === undefined)) return 'replacement';
    return earlier.length > 0 ? 'payment of what was buried or void' : 'payment';
  }

  /** After a restore: dead requests, limits that are exhausted, and what nothing but the wallet itself may be paid with. */
  private checkPromised(one: Reserved, { atMs, ceilings, nextNonce }: Promised): void {
    const dead = one.requests.find(({ createdAtMs }) => createdAtMs <= atMs);
    if (dead) this.violated('signed-though-dead', `${dead.requestId}, asked for before the restore`);
    for (const { id, symbol, windowMs } of LIMITS) {
      const counts = one.charged.some(({ asset }) => symbol === undefined || asset.symbol === symbol);
      if (counts && one.atMs - atMs <= windowMs) {
        this.violated('limit-exceeded', `${id}: exhausted by the restore of ${one.atMs - atMs} ms ago`);
      }
    }
    const nonce =
      one.walletId === 'hot-eth' ? Number.parseInt(one.spends[0]?.split('/')[1] ?? '', 10) : undefined;
    if (one.requests.length > 0) {
      if (nonce !== undefined && nonce < nextNonce)
        this.violated('spend-used-twice', `a payment at nonce ${nonce}`);
      return;
    }
    const others = this.own.some((other) => other.requests.length > 0 && shares(other.spends, one.spends));
    const bounds = one.spends.flatMap((spend) => ceilings.get(spend) ?? []);
    const [most] = bounds;
    if (others) return;
    if (most === undefined || one.feeAtMost > most) {
      this.violated('costs-too-much', `a refresh for ${one.feeAtMost} of ${most ?? 0n}`);
    }
  }

  private checkPayments(one: Reserved): void {
    const asked = one.requests.map(paymentOf).toSorted();
    if (asked.join() !== one.payments.toSorted().join()) {
      this.violated('pays-something-else', `${one.payments.join()} instead of ${asked.join()}`);
    }
    if (one.requests.length === 0) return;
    const most = one.requests.reduce((sum, { feeCeiling }) => sum + BigInt(feeCeiling), 0n);
    if (one.feeAtMost > most) this.violated('costs-too-much', `${one.feeAtMost} of ${most}`);
  }

  /** Two of alice and bob for what is not small: carol is an owner of the key that asked. */
  private checkApprovals({ request, statement, approvals }: OrderedTransfer): void {
    const { asset, amount, requestId } = request.statement;
    const units = BigInt(amount);
    const small =
      asset.symbol === 'USDX' || (asset.symbol === 'ETH' ? units <= this.smallEth : units <= 5_000_000n);
    if (small) return;
    const persons = new Set<string>();
    for (const { credentialId, verdict, signature } of approvals) {
      const [personId = ''] = credentialId.split('-');
      if (statement === null || verdict !== 'approve' || (personId !== 'alice' && personId !== 'bob'))
        continue;
      const point = Buffer.from(p256Point(officerSecret(personId)), 'hex');
      const bytes = approvalBytes('approve', statement);
      if (p256.verify(Buffer.from(signature, 'hex'), bytes, point, { lowS: false })) persons.add(personId);
    }
    const fits =
      statement?.requestDigest !== undefined &&
      statement.deploymentId === DEPLOYMENT_ID &&
      statement.amount === amount &&
      statement.destination === request.statement.destination;
    if (persons.size < 2 || !fits) this.violated('approvals-missing', requestId);
  }

  /** The exact sum over every window that ends now. Time that passes anywhere counts here: the signer may only be stricter. */
  private checkLimits(): void {
    const nowMs = this.nowMs();
    for (const { id, symbol, windowMs, max } of LIMITS) {
      const used = this.reserved
        .filter(({ atMs }) => atMs > nowMs - windowMs)
        .flatMap(({ charged }) => charged)
        .filter(({ asset }) => symbol === undefined || asset.symbol === symbol)
        .reduce((sum, { amount }) => sum + (symbol === undefined ? 1n : BigInt(amount)), 0n);
      if (used > max) this.violated('limit-exceeded', `${id}: ${used} of ${max}`);
    }
  }

  /** The token has signed a digest. */
  onTokenSigned(label: string, digest: Uint8Array): void {
    const hex = Buffer.from(digest).toString('hex');
    const one = this.own.find(({ digests }) => digests.includes(hex));
    if (!one) {
      if (!this.selfChecking && label !== ATTESTATION.label)
        this.violated('signed-without-reservation', `${label} ${hex}`);
      return;
    }
    if (label !== (one.walletId === 'hot-eth' ? ETH_KEY.label : BTC_KEY.label)) {
      this.violated('pays-something-else', `signed with ${label}`);
    }
    const before = one.signed.size;
    one.signed.add(hex);
    if (before === 0) this.checkConflicts(one);
  }

  private checkConflicts(one: Reserved): void {
    for (const other of this.reserved) {
      if (other === one || other.signed.size === 0 || other.endedAt !== undefined) continue;
      // What pays a transfer of before is dead whatever it spends; and a coin of before may pay once more, beside what
      // the lost store signed over it: the chain takes one of them, and it is not the same customer's.
      if (other.epoch !== one.epoch) continue;
      const about = `${one.requestIds.join()} by ${one.spends.join()}, ${other.requestIds.join()} by ${other.spends.join()}`;
      const conflict = shares(one.spends, other.spends);
      if (shares(one.requestIds, other.requestIds) && !conflict) {
        this.violated('two-transactions-for-one-transfer', about);
      }
      const same = one.requestIds.toSorted().join() === other.requestIds.toSorted().join();
      const cancels = one.requestIds.length === 0 || other.requestIds.length === 0;
      if (conflict && !same && !cancels) this.violated('spend-used-twice', about);
      // A cancel conflicts with all that pays the transfers whose spends it uses.
      if (cancels && !conflict) this.checkCancel(one, other, about);
    }
  }

  private checkCancel(one: Reserved, other: Reserved, about: string): void {
    const cancel = one.requestIds.length === 0 ? one : other;
    const payer = cancel === one ? other : one;
    const cancelled = this.own
      .filter((each) => each.signed.size > 0 && each.endedAt === undefined && each !== cancel)
      .filter((each) => shares(each.spends, cancel.spends))
      .flatMap(({ requestIds }) => requestIds);
    if (shares(cancelled, payer.requestIds)) this.violated('two-transactions-for-one-transfer', about);
  }

  /** An answer with a signature has left the signer. */
  onLeft(result: SignResult): void {
    const id = idOfSigned(result.signedTransaction);
    const one = this.own.find((each) => readingIdOf(each) === id);
    if (!one || one.signed.size < one.digests.length || one.recordedAt === undefined) {
      this.violated('left-without-record', result.transactionId);
      return;
    }
    // What was buried may be given out again: it is signed, and dead. What is void never left and never does.
    if (one.endedAt !== undefined && one.leftAs === undefined) {
      this.violated('voided-though-signed', one.requestIds.join());
    }
    if (this.coveredSequence() < one.sequence) {
      this.violated('left-before-covered', `${one.sequence}, covered ${this.coveredSequence()}`);
    }
    if (one.leftAs !== undefined && one.leftAs !== result.signedTransaction) {
      this.violated('another-signature-for-the-same', result.transactionId);
    }
    one.leftAs = result.signedTransaction;
  }

  /** A void that the signer vouches for has left it. */
  onVoidLeft({ statement }: AttestedVoid): void {
    const { requestId, journalSequence } = statement;
    this.voids.set(requestId, journalSequence);
    if (this.coveredSequence() < journalSequence)
      this.violated('left-before-covered', `void of ${requestId}`);
  }

  /** The disk has lost everything from this entry on. */
  onTailLost(fromSequence: number): void {
    for (const [requestId, sequence] of this.voids) {
      if (sequence >= fromSequence) this.violated('lost-what-had-left', `void of ${requestId}`);
    }
    const isLost = ({ epoch, sequence }: Reserved) => epoch === this.epoch && sequence >= fromSequence;
    for (const { leftAs, requestIds } of this.reserved.filter(isLost)) {
      if (leftAs !== undefined) this.violated('lost-what-had-left', requestIds.join());
    }
    this.reserved = this.reserved.filter((one) => !isLost(one));
    for (const one of this.own) {
      if (one.recordedAt !== undefined && one.recordedAt >= fromSequence) one.recordedAt = undefined;
      if (one.endedAt !== undefined && one.endedAt >= fromSequence) one.endedAt = undefined;
    }
  }

  /** What has left the store that there is now, and may still be mined for all that it knows. */
  get alive(): readonly Alive[] {
    return this.own.flatMap((one) => {
      if (one.leftAs === undefined || one.endedAt !== undefined) return [];
      const transferIds = one.requests.map((request) => transferIdOf(requestDigest(request)));
      const transactionId = transactionIdOf(one.leftAs);
      const { spends, requestIds } = one;
      return [{ transactionKey: keyOf(one), transactionId, transferIds, requestIds, spends }];
    });
  }

  /** The highest nonce that any store has signed for hot-eth, of which somebody may hold a transaction. */
  get highestNonce(): number {
    return this.reserved
      .filter(({ walletId, leftAs }) => walletId === 'hot-eth' && leftAs !== undefined)
      .reduce(
        (most, { spends }) => Math.max(most, Number.parseInt(spends[0]?.split('/')[1] ?? '-1', 10)),
        -1,
      );
  }

  /** All that has left a store that was lost since, signed. */
  get ofLostStores(): readonly {
    readonly id: string;
    readonly hex: string;
    readonly requestIds: readonly string[];
  }[] {
    return this.reserved.flatMap(({ epoch, leftAs, requestIds }) =>
      epoch < this.epoch && leftAs !== undefined
        ? [{ id: transactionIdOf(leftAs), hex: leftAs, requestIds }]
        : [],
    );
  }

  /** Was anything ever reserved or signed for this request? */
  touched(requestId: string): boolean {
    return this.reserved.some(({ requestIds }) => requestIds.includes(requestId));
  }

  get reservations(): number {
    return this.reserved.length;
  }
}

/** The same for a transaction before and after it is signed. */
function idOfSigned(hex: string): string {
  return hex.startsWith('02f')
    ? EthereumTransaction.from(`0x${hex}`).unsignedHash.slice(2)
    : BitcoinTransaction.fromHex(hex).getId();
}

/** As explorers and the chains' models show it. */
function transactionIdOf(hex: string): string {
  return hex.startsWith('02f')
    ? (EthereumTransaction.from(`0x${hex}`).hash ?? '')
    : BitcoinTransaction.fromHex(hex).getId();
}

/** As statements of burials name it. */
function keyOf(one: Reserved): string {
  const id = readingIdOf(one);
  return one.walletId === 'hot-btc' ? `bitcoin:${id}` : `ethereum:${one.walletId}:${id}`;
}

function readingIdOf({ transactionId, digests }: Reading): string {
  return transactionId ?? digests[0] ?? '';
}
