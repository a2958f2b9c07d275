// The money of the devnet: one P2WPKH key that everybody knows, which mines and hands out coins on regtest.
// Never a wallet of Portcullis: its key is in memory, and is worth nothing.

import { secp256k1 } from '@noble/curves/secp256k1.js';
import { address, networks, payments, script, Transaction } from 'bitcoinjs-lib';
import { Fault } from '../src/core/fault.js';

/** A coin that the purse can spend. */
export interface PurseCoin {
  /** As displayed, that is, byte-reversed. */
  readonly txid: string;
  readonly vout: number;
  readonly sats: bigint;
}

const SECRET_KEY = Buffer.from('706f727463756c6c6973206465766e657420707572736520206e6f2076616c75', 'hex');
const PUBLIC_KEY = secp256k1.getPublicKey(SECRET_KEY);
const RBF_SEQUENCE = 0xfffffffd;
const DUST_SATS = 294n;

const own = payments.p2wpkh({ pubkey: PUBLIC_KEY, network: networks.regtest });
const scriptCode = payments.p2pkh({ pubkey: PUBLIC_KEY, network: networks.regtest }).output;

/** Where the devnet's blocks pay their reward. */
export const purseAddress: string = required(own.address);
/** The same as output script, in hexadecimal. */
export const purseScript: string = Buffer.from(required(own.output)).toString('hex');

/** Fee of a payment with so many inputs; several satoshi per vbyte, on a chain where nobody competes. */
export function purseFee(inputs: number): bigint {
  return 1_000n + 300n * BigInt(inputs);
}

/** A signed payment of `sats` to `to`, the rest back to the purse. The first output is the payment. */
export function payFromPurse(
  coins: readonly PurseCoin[],
  to: string,
  sats: bigint,
): { hex: string; txid: string; change: PurseCoin | null } {
  const total = coins.reduce((sum, coin) => sum + coin.sats, 0n);
  const changeSats = total - sats - purseFee(coins.length);
  if (changeSats < 0n) throw new Fault('purse-empty', 'the coins do not cover amount and fee');
  const transaction = new Transaction();
  transaction.version = 2;
  for (const coin of coins)
    transaction.addInput(Buffer.from(coin.txid, 'hex').reverse(), coin.vout, RBF_SEQUENCE);
  transaction.addOutput(address.toOutputScript(to, networks.regtest), sats);
  const keepsChange = changeSats >= DUST_SATS;
  if (keepsChange) transaction.addOutput(required(own.output), changeSats);
  coins.forEach((coin, index) => {
    const digest = transaction.hashForWitnessV0(
      index,
      required(scriptCode),
      coin.sats,
      Transaction.SIGHASH_ALL,
    );
    const signature = secp256k1.sign(digest, SECRET_KEY, { prehash: false });
    transaction.setWitness(index, [script.signature.encode(signature, Transaction.SIGHASH_ALL), PUBLIC_KEY]);
  });
  const txid = transaction.getId();
  return { hex: transaction.toHex(), txid, change: keepsChange ? { txid, vout: 1, sats: changeSats } : null };
}

function required<T>(value: T | undefined): T {
  if (value === undefined) throw new Fault('purse-key', 'the purse has no address');
  return value;
}
