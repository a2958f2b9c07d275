// From a plan to the bytes that the signer takes: a PSBT of version 0 (BIP-174) with, for each input, the full previous
// transaction and the output that it spends, and nothing else. No keys, no signatures, no derivation paths.

import { Psbt, Transaction } from 'bitcoinjs-lib';
import { Fault } from '../../../core/fault.js';
import type { BitcoinFaultCode } from './bitcoin.errors.js';
import { type BitcoinPlan, SEQUENCE, TRANSACTION_VERSION } from './plan.js';

/**
 * The PSBT of a plan, base64; the same plan and previous transactions give the same text. `previous` holds raw
 * transactions by txid, with or without witnesses. Throws `previous-transaction-missing`.
 */
export function psbtOf(plan: BitcoinPlan, previous: ReadonlyMap<string, Uint8Array>): string {
  const psbt = new Psbt();
  psbt.setVersion(TRANSACTION_VERSION);
  psbt.setLocktime(plan.lockTime);
  for (const { txid, vout, amountSats, script } of plan.inputs) {
    const raw = previous.get(txid);
    if (raw === undefined) {
      throw new Fault<BitcoinFaultCode>(
        'previous-transaction-missing',
        'the transaction that made a coin is not stored',
        { facts: { txid } },
      );
    }
    psbt.addInput({
      hash: txid,
      index: vout,
      sequence: SEQUENCE,
      nonWitnessUtxo: raw,
      witnessUtxo: { script: Buffer.from(script, 'hex'), value: amountSats },
    });
  }
  for (const { script, amountSats } of plan.outputs) {
    psbt.addOutput({ script: Buffer.from(script, 'hex'), value: amountSats });
  }
  return psbt.toBase64();
}

/** The txid that the plan's transaction will have, as displayed: with segwit inputs, signatures do not change it (BIP-141). */
export function transactionIdOf(plan: BitcoinPlan): string {
  const transaction = new Transaction();
  transaction.version = TRANSACTION_VERSION;
  transaction.locktime = plan.lockTime;
  for (const { txid, vout } of plan.inputs) {
    transaction.addInput(Buffer.from(txid, 'hex').reverse(), vout, SEQUENCE);
  }
  for (const { script, amountSats } of plan.outputs) {
    transaction.addOutput(Buffer.from(script, 'hex'), amountSats);
  }
  return transaction.getId();
}
