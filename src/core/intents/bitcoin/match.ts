// Does a decoded Bitcoin transaction do exactly what was asked, and nothing else? Pure comparison of an intent with
// payments and with the wallet's own scripts. It does NOT judge whether the payments may be made (policy does).

import { accepted, type Outcome, refused } from '../../fault.js';
import type { BitcoinIntent, CreatedOutput } from '../intent.js';
import { type BitcoinNetwork, scriptOfAddress } from './address.js';

/**
 * Closed.
 * - `payments-none`, `payment-duplicate`: the question is no question (nothing to pay, or one transfer twice)
 * - `destination-invalid`, `destination-own`: a payment's destination is no address of the network, or the wallet's own
 * - `input-foreign`: an input spends what is not the wallet's
 * - `destination-mismatch`, `amount-mismatch`, `payment-missing`: no output pays a transfer; the first two say what comes nearest
 * - `output-unexpected`: an output that no transfer asks for and that is not the wallet's
 * - `change-multiple`: more than one output back to the wallet
 * - `cancel-not-to-self`: a cancel that does anything but pay one own output
 * - `fee-above-ceiling`
 */
export type BitcoinMatchCode =
  | 'payments-none'
  | 'payment-duplicate'
  | 'destination-invalid'
  | 'destination-own'
  | 'input-foreign'
  | 'destination-mismatch'
  | 'amount-mismatch'
  | 'payment-missing'
  | 'output-unexpected'
  | 'change-multiple'
  | 'cancel-not-to-self'
  | 'fee-above-ceiling';

/** One transfer as its signed request states it. Amounts in satoshi. */
export interface BitcoinPayment {
  readonly transferId: string;
  readonly destination: string;
  readonly amount: bigint;
  readonly feeCeiling: bigint;
}

/** The wallet: its scriptPubKeys (lower-case hex), derived from its keys or from governance, never from a message. */
export interface BitcoinOwn {
  readonly ownScripts: ReadonlySet<string>;
  readonly network: BitcoinNetwork;
}

export interface BitcoinMatch {
  /** Which output pays which transfer; every output index at most once, in the order of the payments. */
  readonly payments: readonly { readonly transferId: string; readonly outputIndex: number }[];
  /** Index of the output back to the wallet: none or one. */
  readonly changeOutputs: readonly number[];
  readonly changeSats: bigint;
  readonly feeSats: bigint;
}

type MatchOutcome<T> = Outcome<T, BitcoinMatchCode>;
type IndexedOutput = CreatedOutput & { readonly index: number };
type ScriptedPayment = BitcoinPayment & { readonly script: string };

function checkInputs(intent: BitcoinIntent, own: BitcoinOwn): MatchOutcome<undefined> {
  if (intent.inputs.length === 0) return refused('input-foreign', { inputs: 0 });
  const foreign = intent.inputs.findIndex((input) => !own.ownScripts.has(input.script));
  if (foreign === -1) return accepted(undefined);
  return refused('input-foreign', { inputIndex: foreign, outpoint: intent.inputs[foreign]?.outpoint ?? '' });
}

function checkFee(intent: BitcoinIntent, ceiling: bigint): MatchOutcome<undefined> {
  if (intent.feeSats <= ceiling) return accepted(undefined);
  return refused('fee-above-ceiling', {
    feeSats: intent.feeSats.toString(),
    ceilingSats: ceiling.toString(),
  });
}

/** The payments with their scripts. An own destination is refused: such an output could not be told from change. */
function scriptedPayments(
  payments: readonly BitcoinPayment[],
  own: BitcoinOwn,
): MatchOutcome<ScriptedPayment[]> {
  const seen = new Set<string>();
  const scripted: ScriptedPayment[] = [];
  for (const payment of payments) {
    const { transferId, destination } = payment;
    if (seen.has(transferId)) return refused('payment-duplicate', { transferId });
    seen.add(transferId);
    const script = scriptOfAddress(destination, own.network);
    if (script.kind === 'refused') return refused(script.code, { ...script.facts, transferId });
    if (own.ownScripts.has(script.value)) return refused('destination-own', { transferId, destination });
    scripted.push({ ...payment, script: script.value });
  }
  return accepted(scripted);
}

/** Why no output pays `payment`: the nearest of the outputs that pay nothing else, so that a person sees what was changed. */
function missing(payment: ScriptedPayment, rest: readonly IndexedOutput[]): MatchOutcome<never> {
  const { transferId, destination } = payment;
  const asked = { transferId, destination, amountSats: payment.amount.toString() };
  const sameScript = rest.find((output) => output.script === payment.script);
  if (sameScript) {
    return refused('amount-mismatch', {
      ...asked,
      outputIndex: sameScript.index,
      outputSats: sameScript.amountSats.toString(),
    });
  }
  const sameAmount = rest.find((output) => output.amountSats === payment.amount);
  if (sameAmount) {
    return refused('destination-mismatch', {
      ...asked,
      outputIndex: sameAmount.index,
      outputAddress: sameAmount.address,
    });
  }
  return refused('payment-missing', asked);
}

/**
 * Matches a decoded transaction with the transfers that it is to pay: every input the wallet's own, the outputs exactly
 * the payments (each its own output) and at most one change output, the fee at most the sum of the payments' ceilings.
 * `payments` may be hostile. No payments is refused; a cancel has a function of its own.
 */
export function matchBitcoin(
  intent: BitcoinIntent,
  own: BitcoinOwn,
  payments: readonly BitcoinPayment[],
): MatchOutcome<BitcoinMatch> {
  if (payments.length === 0) return refused('payments-none');
  const inputs = checkInputs(intent, own);
  if (inputs.kind === 'refused') return inputs;
  const scripted = scriptedPayments(payments, own);
  if (scripted.kind === 'refused') return scripted;

  // Two payments that one output could both pay have the same script and amount, so the first free output is as good
  // as any other: taking it can never leave a later payment without one.
  const rest: IndexedOutput[] = intent.outputs.map((output, index) => ({ ...output, index }));
  const paid: { transferId: string; outputIndex: number }[] = [];
  const unpaid: ScriptedPayment[] = [];
  for (const payment of scripted.value) {
    const at = rest.findIndex(
      (output) => output.script === payment.script && output.amountSats === payment.amount,
    );
    const [output] = at === -1 ? [] : rest.splice(at, 1);
    if (output) paid.push({ transferId: payment.transferId, outputIndex: output.index });
    else unpaid.push(payment);
  }
  const [firstUnpaid] = unpaid;
  if (firstUnpaid) return missing(firstUnpaid, rest);

  const foreign = rest.find((output) => !own.ownScripts.has(output.script));
  if (foreign) {
    return refused('output-unexpected', {
      outputIndex: foreign.index,
      outputAddress: foreign.address,
      outputSats: foreign.amountSats.toString(),
    });
  }
  if (rest.length > 1) return refused('change-multiple', { outputs: rest.length });
  const fee = checkFee(
    intent,
    payments.reduce((sum, payment) => sum + payment.feeCeiling, 0n),
  );
  if (fee.kind === 'refused') return fee;
  return accepted({
    payments: paid,
    changeOutputs: rest.map((output) => output.index),
    changeSats: rest.reduce((sum, output) => sum + output.amountSats, 0n),
    feeSats: intent.feeSats,
  });
}

/** Matches a cancel: every input the wallet's own, exactly one output and that to the wallet, the fee at most `feeCeiling`. */
export function matchBitcoinCancel(
  intent: BitcoinIntent,
  own: BitcoinOwn,
  feeCeiling: bigint,
): MatchOutcome<BitcoinMatch> {
  const inputs = checkInputs(intent, own);
  if (inputs.kind === 'refused') return inputs;
  const [output] = intent.outputs;
  if (intent.outputs.length !== 1 || !output || !own.ownScripts.has(output.script)) {
    return refused('cancel-not-to-self', {
      outputs: intent.outputs.length,
      outputAddress: output?.address ?? '',
    });
  }
  const fee = checkFee(intent, feeCeiling);
  if (fee.kind === 'refused') return fee;
  return accepted({
    payments: [],
    changeOutputs: [0],
    changeSats: output.amountSats,
    feeSats: intent.feeSats,
  });
}
