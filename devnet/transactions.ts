// Unsigned transactions as a planner would build them, and as an attacker would: every field can be changed.

import { randomBytes } from 'node:crypto';
import { Transaction as BitcoinTransaction, Psbt } from 'bitcoinjs-lib';
import { Transaction as EthereumTransaction, Interface } from 'ethers';
import type { UnsignedTransaction } from '../src/core/authorization/signing-order.js';
import { scriptOfAddress } from '../src/core/intents/bitcoin/address.js';

export interface Coin {
  /** The full transaction that made the coin. */
  readonly previous: BitcoinTransaction;
  readonly vout: number;
  readonly amountSats: bigint;
  /** scriptPubKey, hex. */
  readonly script: string;
}

/** A coin that nobody has seen before, paid to a script. */
export function coin(script: string, amountSats: bigint): Coin {
  const previous = new BitcoinTransaction();
  previous.version = 2;
  previous.addInput(randomBytes(32), 0, 0xfffffffd);
  previous.addOutput(Buffer.from(script, 'hex'), amountSats);
  return { previous, vout: 0, amountSats, script };
}

export interface BitcoinOutput {
  readonly script: string;
  readonly amountSats: bigint;
}

export function payTo(address: string, amountSats: bigint): BitcoinOutput {
  const script = scriptOfAddress(address, 'regtest');
  if (script.kind === 'refused') throw new Error(`not an address: ${address}`);
  return { script: script.value, amountSats };
}

export interface PsbtChanges {
  readonly sequence?: number;
  readonly lockTime?: number;
  readonly version?: number;
  readonly sighashType?: number;
  /** What the witness UTXO claims instead of the truth. */
  readonly claimedSats?: bigint;
  readonly withoutPrevious?: boolean;
}

export function psbt(
  coins: readonly Coin[],
  outputs: readonly BitcoinOutput[],
  changes: PsbtChanges = {},
): UnsignedTransaction {
  const built = new Psbt();
  built.setVersion(changes.version ?? 2);
  built.setLocktime(changes.lockTime ?? 0);
  for (const { previous, vout, amountSats, script } of coins) {
    built.addInput({
      hash: previous.getId(),
      index: vout,
      sequence: changes.sequence ?? 0xfffffffd,
      witnessUtxo: { script: Buffer.from(script, 'hex'), value: changes.claimedSats ?? amountSats },
      ...(changes.withoutPrevious ? {} : { nonWitnessUtxo: previous.toBuffer() }),
      ...(changes.sighashType === undefined ? {} : { sighashType: changes.sighashType }),
    });
  }
  for (const { script, amountSats } of outputs) {
    built.addOutput({ script: Buffer.from(script, 'hex'), value: amountSats });
  }
  return { kind: 'psbt', base64: built.toBase64() };
}

function compactSize(length: number): Buffer {
  if (length < 0xfd) return Buffer.from([length]);
  const size = Buffer.alloc(3, 0xfd);
  size.writeUInt16LE(length, 1);
  return size;
}

function keyed(type: number, value: Uint8Array): Buffer {
  return Buffer.concat([Buffer.from([1, type]), compactSize(value.length), value]);
}

/** A PSBT written byte by byte (BIP-174), for what libraries refuse to build: here, the same coin spent twice. */
export function psbtSpendingTwice(spent: Coin, outputs: readonly BitcoinOutput[]): UnsignedTransaction {
  const transaction = new BitcoinTransaction();
  transaction.version = 2;
  const inputs = [spent, spent];
  for (const { previous, vout } of inputs) transaction.addInput(previous.getHash(), vout, 0xfffffffd);
  for (const { script, amountSats } of outputs) transaction.addOutput(Buffer.from(script, 'hex'), amountSats);
  const amount = Buffer.alloc(8);
  amount.writeBigUInt64LE(spent.amountSats);
  const script = Buffer.from(spent.script, 'hex');
  const end = Buffer.from([0]);
  const inputMap = [
    keyed(0, spent.previous.toBuffer()),
    keyed(1, Buffer.concat([amount, compactSize(script.length), script])),
    end,
  ];
  const bytes = Buffer.concat([
    Buffer.from('70736274ff', 'hex'),
    keyed(0, transaction.toBuffer()),
    end,
    ...inputs.flatMap(() => inputMap),
    ...outputs.map(() => end),
  ]);
  return { kind: 'psbt', base64: bytes.toString('base64') };
}

export interface EthereumFields {
  readonly chainId?: number;
  readonly nonce?: number;
  readonly to?: string | null;
  readonly value?: bigint;
  readonly data?: string;
  readonly gasLimit?: bigint;
  readonly maxFeePerGas?: bigint;
  readonly maxPriorityFeePerGas?: bigint;
  readonly type?: number;
  readonly accessList?: [string, string[]][];
}

const GWEI = 10n ** 9n;

export function eip1559(fields: EthereumFields): UnsignedTransaction {
  const fees =
    (fields.type ?? 2) === 2
      ? { maxFeePerGas: 2n * GWEI, maxPriorityFeePerGas: GWEI }
      : { gasPrice: 2n * GWEI };
  const built = EthereumTransaction.from({
    type: 2,
    chainId: 31337,
    nonce: 0,
    value: 0n,
    gasLimit: 21_000n,
    ...fees,
    ...fields,
  });
  return { kind: 'eip1559', hex: built.unsignedSerialized.slice(2) };
}

const erc20 = new Interface([
  'function transfer(address to, uint256 amount)',
  'function approve(address spender, uint256 amount)',
]);

export function erc20Transfer(to: string, amount: bigint): string {
  return erc20.encodeFunctionData('transfer', [to, amount]);
}

export function erc20Approve(spender: string, amount: bigint): string {
  return erc20.encodeFunctionData('approve', [spender, amount]);
}
