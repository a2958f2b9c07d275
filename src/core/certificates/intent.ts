// The decoded intent as a certificate carries it: what the signer saw in the bytes, in canonical JSON. Whoever verifies decodes
// the bytes again and compares. What follows from the bytes and says nothing to a reader, as the digests, is left out.

import { bytesToHex } from '@noble/hashes/utils.js';
import { z } from 'zod';
import type { BitcoinIntent, EthereumIntent, Intent } from '../intents/intent.js';
import { baseUnits, evmAddress, sha256Hex, wholeNumber } from '../statements/fields.js';

const script = z
  .string()
  .max(20_000)
  .regex(/^[0-9a-f]*$/);

export const certifiedIntent = z.discriminatedUnion('family', [
  z.strictObject({
    family: z.literal('bitcoin'),
    version: wholeNumber(0),
    lockTime: wholeNumber(0),
    inputs: z.array(
      z.strictObject({
        outpoint: z.string().max(80),
        amountSats: baseUnits,
        script,
        sequence: wholeNumber(0),
      }),
    ),
    outputs: z.array(z.strictObject({ amountSats: baseUnits, script, address: z.string().max(120) })),
    feeSats: baseUnits,
    signedVbytes: wholeNumber(1),
    transactionId: sha256Hex,
  }),
  z.strictObject({
    family: z.literal('ethereum'),
    chainId: baseUnits,
    nonce: baseUnits,
    gasLimit: baseUnits,
    maxFeePerGasWei: baseUnits,
    maxPriorityFeePerGasWei: baseUnits,
    maxFeeWei: baseUnits,
    movement: z.discriminatedUnion('kind', [
      z.strictObject({ kind: z.literal('native'), to: evmAddress, amountWei: baseUnits }),
      z.strictObject({
        kind: z.literal('erc20-transfer'),
        contract: evmAddress,
        to: evmAddress,
        amountUnits: baseUnits,
      }),
    ]),
    signingHash: sha256Hex,
  }),
]);
export type CertifiedIntent = z.infer<typeof certifiedIntent>;

function ofBitcoin(intent: BitcoinIntent): CertifiedIntent {
  const { family, version, lockTime, inputs, outputs, feeSats, signedVbytes, transactionId } = intent;
  return {
    family,
    version,
    lockTime,
    inputs: inputs.map(({ outpoint, amountSats, script: spent, sequence }) => ({
      outpoint,
      amountSats: amountSats.toString(),
      script: spent,
      sequence,
    })),
    outputs: outputs.map(({ amountSats, script: paid, address }) => ({
      amountSats: amountSats.toString(),
      script: paid,
      address,
    })),
    feeSats: feeSats.toString(),
    signedVbytes,
    transactionId,
  };
}

function ofEthereum(intent: EthereumIntent): CertifiedIntent {
  const { movement } = intent;
  return {
    family: intent.family,
    chainId: intent.chainIdNumber.toString(),
    nonce: intent.nonce.toString(),
    gasLimit: intent.gasLimit.toString(),
    maxFeePerGasWei: intent.maxFeePerGasWei.toString(),
    maxPriorityFeePerGasWei: intent.maxPriorityFeePerGasWei.toString(),
    maxFeeWei: intent.maxFeeWei.toString(),
    movement:
      movement.kind === 'native'
        ? { kind: movement.kind, to: movement.to, amountWei: movement.amountWei.toString() }
        : {
            kind: movement.kind,
            contract: movement.contract,
            to: movement.to,
            amountUnits: movement.amountUnits.toString(),
          },
    signingHash: bytesToHex(intent.signingHash),
  };
}

export function certifiedIntentOf(intent: Intent): CertifiedIntent {
  return intent.family === 'bitcoin' ? ofBitcoin(intent) : ofEthereum(intent);
}
