// One Bitcoin chain (regtest) as far as transfers need it: real blocks in real bytes, unspent outputs, a mempool with
// BIP-125, reorganisations. Every input's script and signature is checked here by bitcoinjs-lib and libsecp256k1, so
// that what the programs sign is judged by somebody else's code. It knows nothing of transfers.

import { type Block, script as scripts, Transaction } from 'bitcoinjs-lib';
import * as secp256k1 from 'tiny-secp256k1';
import { buildBlock } from '../../devnet/bitcoin-blocks.js';
import type { Chance } from './chance.js';

export const GENESIS_HASH = '0f9188f13cb7b2c71f2a335e3a4fc328bf5beb436012afca590b1a11466e2206';
const GENESIS_TIME = 1_296_688_602;
const MIN_RELAY_RATE = 1_000n;
const MAX_ANCESTORS = 25;
const SIGHASH_ALL = 1;

export interface Output {
  readonly script: string;
  readonly amountSats: bigint;
}

export interface ModelBlock {
  readonly hash: string;
  readonly height: number;
  readonly time: number;
  readonly hex: string;
  readonly transactions: readonly Transaction[];
}

export interface Waiting {
  readonly transaction: Transaction;
  readonly txid: string;
  readonly feeSats: bigint;
  readonly vbytes: number;
}

export function outpointsOf(transaction: Transaction): string[] {
  return transaction.ins.map(({ hash, index }) => `${Buffer.from(hash).reverse().toString('hex')}:${index}`);
}

function outputsOf(transaction: Transaction): (readonly [string, Output])[] {
  const txid = transaction.getId();
  return transaction.outs.map(({ script, value }, vout) => [
    `${txid}:${vout}`,
    { script: Buffer.from(script).toString('hex'), amountSats: value },
  ]);
}

export class BitcoinChain {
  /** From height 1 on; the genesis block is not among them. */
  readonly blocks: ModelBlock[] = [];
  readonly mempool = new Map<string, Waiting>();
  /** All that any node ever took in, by txid: a miner may still have it. */
  readonly everTaken = new Map<string, Waiting>();
  readonly unspent = new Map<string, Output>();
  private readonly undo: { readonly spent: (readonly [string, Output])[]; readonly made: string[] }[] = [];

  constructor(
    private readonly chance: Chance,
    private nowMs: () => number,
  ) {}

  get height(): number {
    return this.blocks.length;
  }

  get tip(): string {
    return this.blocks.at(-1)?.hash ?? GENESIS_HASH;
  }

  /** A block that pays a script out of nothing. */
  fund(script: string, amountsSats: readonly bigint[]): void {
    const gift = new Transaction();
    gift.version = 2;
    gift.addInput(this.chance.bytes(32), 0, 0xfffffffd);
    for (const amountSats of amountsSats) gift.addOutput(Buffer.from(script, 'hex'), amountSats);
    this.append([gift]);
  }

  /** Takes a signed transaction into the mempool, or says why not in a node's words. */
  submit(hex: string): { readonly txid: string } | { readonly code: number; readonly words: string } {
    const refusal = (code: number, words: string) => ({ code, words });
    const transaction = decodedOf(hex);
    if (!transaction) return refusal(-22, 'TX decode failed');
    const txid = transaction.getId();
    if (this.mempool.has(txid)) return refusal(-27, 'txn-already-in-mempool');
    if (this.isMined(transaction)) return refusal(-27, 'Transaction outputs already in utxo set');
    const spent: Output[] = [];
    for (const outpoint of outpointsOf(transaction)) {
      const output = this.unspent.get(outpoint) ?? this.waitingOutput(outpoint);
      if (!output) return refusal(-25, 'bad-txns-inputs-missingorspent');
      spent.push(output);
    }
    const wrong = invalidityOf(transaction, spent);
    if (wrong !== undefined) return refusal(-26, wrong);
    const feeSats =
      spent.reduce((sum, one) => sum + one.amountSats, 0n) -
      transaction.outs.reduce((sum, { value }) => sum + value, 0n);
    const vbytes = transaction.virtualSize();
    if (feeSats * 1_000n < MIN_RELAY_RATE * BigInt(vbytes)) return refusal(-26, 'min relay fee not met');
    const waiting: Waiting = { transaction, txid, feeSats, vbytes };
    const rivals = this.rivalsOf(transaction);
    if (rivals.length > 0) {
      const refused = this.replacementTrouble(waiting, rivals);
      if (refused !== undefined) return refusal(-26, refused);
      for (const rival of rivals) this.evict(rival.txid);
    }
    if (this.ancestors(transaction).size > MAX_ANCESTORS) return refusal(-26, 'too-long-mempool-chain');
    this.mempool.set(txid, waiting);
    this.everTaken.set(txid, waiting);
    return { txid };
  }

  /** BIP-125 rules 2 to 4. */
  private replacementTrouble(one: Waiting, rivals: readonly Waiting[]): string | undefined {
    const gone = new Map(rivals.flatMap((rival) => this.family(rival.txid)).map((each) => [each.txid, each]));
    const before = new Set(rivals.flatMap(({ transaction }) => outpointsOf(transaction)));
    const news = outpointsOf(one.transaction).filter((outpoint) => !before.has(outpoint));
    if (news.some((outpoint) => !this.unspent.has(outpoint))) return 'replacement-adds-unconfirmed';
    const fees = [...gone.values()].reduce((sum, { feeSats }) => sum + feeSats, 0n);
    const more = fees + BigInt(one.vbytes);
    const rates = rivals.every(
      (rival) => one.feeSats * BigInt(rival.vbytes) > rival.feeSats * BigInt(one.vbytes),
    );
    return one.feeSats >= more && rates ? undefined : 'insufficient fee, rejecting replacement';
  }

  private rivalsOf(transaction: Transaction): Waiting[] {
    const spends = new Set(outpointsOf(transaction));
    return [...this.mempool.values()].filter((one) =>
      outpointsOf(one.transaction).some((outpoint) => spends.has(outpoint)),
    );
  }

  private waitingOutput(outpoint: string): Output | undefined {
    const parent = this.mempool.get(outpoint.slice(0, 64));
    return parent && outputsOf(parent.transaction).find(([name]) => name === outpoint)?.[1];
  }

  private isMined(transaction: Transaction): boolean {
    const txid = transaction.getId();
    return this.blocks.some(({ transactions }) => transactions.some((one) => one.getId() === txid));
  }

  private ancestors(transaction: Transaction, found = new Set<string>()): Set<string> {
    for (const outpoint of outpointsOf(transaction)) {
      const parent = this.mempool.get(outpoint.slice(0, 64));
      if (!parent || found.has(parent.txid)) continue;
      found.add(parent.txid);
      this.ancestors(parent.transaction, found);
    }
    return found;
  }

  /** A waiting transaction and all that waits upon it. */
  private family(txid: string): Waiting[] {
    const first = this.mempool.get(txid);
    if (!first) return [];
    const children = [...this.mempool.values()].filter(({ transaction }) =>
      outpointsOf(transaction).some((outpoint) => outpoint.startsWith(`${txid}:`)),
    );
    return [first, ...children.flatMap((child) => this.family(child.txid))];
  }

  evict(txid: string): void {
    for (const one of this.family(txid)) this.mempool.delete(one.txid);
  }

  /** One more block of some of what waits; sometimes an older version of it that only the miner has. */
  mine(willing: number): void {
    const block: Transaction[] = [];
    const made = new Set<string>();
    const taken = new Set<string>();
    for (const waiting of [...this.mempool.values()]) {
      if (!this.chance.hit(willing)) continue;
      const one = this.versionOf(waiting).transaction;
      const spends = outpointsOf(one);
      const fits = spends.every(
        (outpoint) => !taken.has(outpoint) && (this.unspent.has(outpoint) || made.has(outpoint)),
      );
      if (!fits) continue;
      for (const outpoint of spends) taken.add(outpoint);
      for (const [outpoint] of outputsOf(one)) made.add(outpoint);
      block.push(one);
    }
    this.append(block);
  }

  private versionOf(waiting: Waiting): Waiting {
    if (!this.chance.hit(150)) return waiting;
    const spends = new Set(outpointsOf(waiting.transaction));
    const versions = [...this.everTaken.values()].filter((one) =>
      outpointsOf(one.transaction).some((outpoint) => spends.has(outpoint)),
    );
    return versions.length > 1 ? this.chance.pick(versions) : waiting;
  }

  private append(transactions: readonly Transaction[]): void {
    const before = this.blocks.at(-1);
    const medianTime = before?.time ?? GENESIS_TIME;
    const parent = { hash: this.tip, height: this.height, medianTime, bits: '207fffff' };
    const raw = transactions.map((one) => one.toHex());
    const built: Block = buildBlock(parent, raw, Math.floor(this.nowMs() / 1_000), this.chance.bytes(8));
    const all = built.transactions ?? [];
    const undo = { spent: [] as (readonly [string, Output])[], made: [] as string[] };
    for (const one of all) {
      for (const outpoint of one.isCoinbase() ? [] : outpointsOf(one)) {
        const output = this.unspent.get(outpoint);
        if (!output) continue;
        undo.spent.push([outpoint, output]);
        this.unspent.delete(outpoint);
      }
      for (const [outpoint, output] of outputsOf(one)) {
        this.unspent.set(outpoint, output);
        undo.made.push(outpoint);
      }
    }
    this.undo.push(undo);
    const { timestamp: time } = built;
    const height = this.height + 1;
    this.blocks.push({ hash: built.getId(), height, time, hex: built.toHex(), transactions: all });
    for (const one of all) this.mempool.delete(one.getId());
    this.dropImpossible();
  }

  /** What a block has made impossible leaves the mempool. */
  private dropImpossible(): void {
    for (const { transaction, txid } of [...this.mempool.values()]) {
      const possible = outpointsOf(transaction).every(
        (outpoint) => this.unspent.has(outpoint) || this.waitingOutput(outpoint) !== undefined,
      );
      if (!possible) this.evict(txid);
    }
  }

  /** Replaces the newest `depth` blocks by `depth + 1` others; what they held waits again, or is lost. */
  reorganise(depth: number, keep: number, willing: number): void {
    const gone: Transaction[] = [];
    for (let count = 0; count < depth && this.blocks.length > 1; count += 1) {
      const block = this.blocks.pop();
      const undo = this.undo.pop();
      if (!block || !undo) break;
      for (const outpoint of undo.made) this.unspent.delete(outpoint);
      for (const [outpoint, output] of undo.spent) this.unspent.set(outpoint, output);
      gone.unshift(...block.transactions.filter((one) => !one.isCoinbase()));
    }
    this.dropImpossible();
    // What is not taken in again is either lost, or in conflict with what waits by now.
    for (const one of gone) if (this.chance.hit(keep)) this.submit(one.toHex());
    for (let count = 0; count <= depth; count += 1) this.mine(willing);
  }
}

function decodedOf(hex: string): Transaction | undefined {
  try {
    return Transaction.fromHex(hex);
  } catch {
    // Not a transaction: a node refuses it, whatever is wrong with it.
    return undefined;
  }
}

/** What a node's script check would say; undefined when all inputs are properly signed P2WPKH. */
export function invalidityOf(transaction: Transaction, spent: readonly Output[]): string | undefined {
  for (const [index, { script, amountSats }] of spent.entries()) {
    const [signature, publicKey] = transaction.ins[index]?.witness ?? [];
    if (!signature || !publicKey || script.length !== 44 || !script.startsWith('0014')) {
      return 'mandatory-script-verify-flag-failed (witness program)';
    }
    const { signature: rs, hashType } = scripts.signature.decode(signature);
    const keyHash = script.slice(4);
    const code = Buffer.from(`76a914${keyHash}88ac`, 'hex');
    const digest = transaction.hashForWitnessV0(index, code, amountSats, hashType);
    if (hashType !== SIGHASH_ALL || !secp256k1.verify(digest, publicKey, rs, true)) {
      return 'mandatory-script-verify-flag-failed (signature)';
    }
  }
  const sum = spent.reduce((total, one) => total + one.amountSats, 0n);
  return transaction.outs.reduce((total, { value }) => total + value, 0n) > sum
    ? 'bad-txns-in-belowout'
    : undefined;
}
