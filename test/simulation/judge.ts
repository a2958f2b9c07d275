// The judge of what is signed. It stands outside the programs: it hears every entry that the signer's journal takes, every
// digest that the token signs and every answer that leaves the signer, decodes transactions with ethers and bitcoinjs-lib,
// and keeps its own books. It believes none of the signer's tables.

import { p256 } from '@noble/curves/nist.js';
import { Transaction as BitcoinTransaction, Psbt } from 'bitcoinjs-lib';
import { Transaction as EthereumTransaction, Interface } from 'ethers';
import type { OrderedTransfer, SigningOrder } from '../../src/core/authorization/signing-order.js';
import { p2wpkhScript } from '../../src/core/intents/bitcoin/address.js';
import type { AttestedVoid } from '../../src/core/recovery/void.js';
import { approvalBytes } from '../../src/core/statements/approval.js';
import type { RequestStatement } from '../../src/core/statements/request.js';
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
  /** Voids that the backend may have, by request id: where the journal holds them. */
  private readonly voids = new Map<string, number>();

  constructor(
    private readonly nowMs: () => number,
    /** The newest journal entry that the record on the token covers. */
    private readonly coveredSequence: () => number,
  ) {}

  violated(code: ViolationCode, about: string): void {
    this.violations.push({ code, about });
  }

  /** An entry of the signer's journal is on the disk. */
  onJournal({ sequence, body }: JournalEntry): void {
    if (body.kind === 'governance' && body.entry.body.change.kind === 'policies-set') {
      const text = body.entry.body.change.policies.flatMap(({ lines }) => lines).join('\n');
      const tenths =
        /eth-small, when: \{ asset: ETH, amount-at-most: "0\.([0-9]) ETH"/.exec(text)?.[1] ?? '0';
      this.smallEth = (BigInt(tenths) * ETHER) / 10n;
    }
    if (body.kind === 'reserved') this.onReserved(sequence, body.order);
    if (body.kind === 'voided') this.onVoided(sequence, body.request.statement.requestId);
    if (body.kind === 'buried') this.onBuried(sequence, body.burial.statement.dead);
    if (body.kind === 'signed') {
      const one = this.reserved.find((each) => readingIdOf(each) === idOfSigned(body.signedTransaction));
      if (one) one.recordedAt = sequence;
    }
  }

  /** Never signed, or buried: nothing of it that could be mined may have left. */
  private onVoided(sequence: number, requestId: string): void {
    for (const one of this.reserved) {
      if (!one.requestIds.includes(requestId) || one.endedAt !== undefined) continue;
      if (one.leftAs !== undefined || one.recordedAt !== undefined)
        this.violated('voided-though-signed', requestId);
      one.endedAt = sequence;
    }
  }

  /** A quorum's word, which the judge believes: whether it was true the chains will show. */
  private onBuried(sequence: number, dead: readonly string[]): void {
    for (const one of this.reserved) {
      const id = readingIdOf(one);
      const key = one.walletId === 'hot-btc' ? `bitcoin:${id}` : `ethereum:${one.walletId}:${id}`;
      if (dead.includes(key)) one.endedAt ??= sequence;
    }
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
    this.reserved.push(one);
    this.checkLimits();
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
    const one = this.reserved.find(({ digests }) => digests.includes(hex));
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
    const cancelled = this.reserved
      .filter((each) => each.signed.size > 0 && each.endedAt === undefined && each !== cancel)
      .filter((each) => shares(each.spends, cancel.spends))
      .flatMap(({ requestIds }) => requestIds);
    if (shares(cancelled, payer.requestIds)) this.violated('two-transactions-for-one-transfer', about);
  }

  /** An answer with a signature has left the signer. */
  onLeft(result: SignResult): void {
    const id = idOfSigned(result.signedTransaction);
    const one = this.reserved.find((each) => readingIdOf(each) === id);
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
    const lost = this.reserved.filter(({ sequence }) => sequence >= fromSequence);
    for (const { leftAs, requestIds } of lost) {
      if (leftAs !== undefined) this.violated('lost-what-had-left', requestIds.join());
    }
    this.reserved = this.reserved.filter(({ sequence }) => sequence < fromSequence);
    for (const one of this.reserved) {
      if (one.recordedAt !== undefined && one.recordedAt >= fromSequence) one.recordedAt = undefined;
      if (one.endedAt !== undefined && one.endedAt >= fromSequence) one.endedAt = undefined;
    }
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

function readingIdOf({ transactionId, digests }: Reading): string {
  return transactionId ?? digests[0] ?? '';
}
