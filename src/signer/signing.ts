// From authorized digests to a finished transaction. This is the only place that calls a token's signDigest with
// anything but a self-check, and it is reached only with an authorization that is reserved in the store.

import type { KeySigner } from '../../hardware/key-signer.js';
import type { DigestToSign } from '../core/authorization/decode-order.js';
import type { UnsignedTransaction } from '../core/authorization/signing-order.js';
import { Fault } from '../core/fault.js';
import {
  assembleBitcoin,
  assembleUnsigned,
  type BitcoinAssembleFaultCode,
} from '../core/intents/bitcoin/assemble.js';
import type { UnsignedBitcoin } from '../core/intents/bitcoin/decode.js';
import { type EcdsaFaultCode, normaliseLowS } from '../core/intents/ecdsa.js';
import { assembleEthereum } from '../core/intents/ethereum/assemble.js';
import { nativeSecp256k1 } from '../platform/native-secp256k1.js';
import type { SignatureArithmetic } from '../platform/signature-arithmetic.js';

export type SigningFaultCode = 'signature-invalid' | 'transaction-kind';

export interface Signed {
  /** Lower-case hex, ready to be broadcast. */
  readonly signedTransaction: string;
  readonly transactionId: string;
}

/** One signature in the form that both chains relay. Whose it is, is checked in what it becomes part of. */
async function signOne(token: KeySigner, { key, digest }: DigestToSign): Promise<Uint8Array> {
  return normaliseLowS(await token.signDigest({ label: key.label }, digest));
}

/**
 * Signs every digest and puts the transaction together. Nothing is returned unless each signature in it is valid under
 * the key that governance names. `unsigned` is the PSBT as it was read already. Throws `signature-invalid`, and the
 * token's faults.
 */
export async function signTransaction(
  token: KeySigner,
  transaction: UnsignedTransaction,
  toSign: readonly DigestToSign[],
  arithmetic: SignatureArithmetic,
  unsigned?: UnsignedBitcoin,
): Promise<Signed> {
  const signatures = await Promise.all(toSign.map((item) => signOne(token, item)));
  if (transaction.kind === 'psbt') {
    const witnesses = toSign.map(({ key }, index) => ({
      publicKey: key.publicKey,
      rs64: signatures[index] ?? new Uint8Array(0),
    }));
    const assembled = await verified('signed-refused', () =>
      unsigned
        ? assembleUnsigned(unsigned, witnesses, nativeSecp256k1)
        : assembleBitcoin(transaction.base64, witnesses, nativeSecp256k1),
    );
    return { signedTransaction: assembled.hex, transactionId: assembled.transactionId };
  }
  const [item] = toSign;
  const [signature] = signatures;
  if (!item || !signature || toSign.length !== 1) {
    throw new Fault<SigningFaultCode>(
      'transaction-kind',
      'an Ethereum transaction has exactly one signature',
    );
  }
  // The parity under which recovery gives this very key: there is none unless the key has signed this digest.
  const yParity = await verified('recovery-id-none', () =>
    arithmetic.recoveryIdOf(item.key.publicKey, item.digest, signature),
  );
  const { hex, transactionId } = assembleEthereum(transaction.hex, signature, yParity);
  return { signedTransaction: hex, transactionId };
}

/** Where the work ends with that code, the token has signed something else, or with another key. */
async function verified<T>(
  code: BitcoinAssembleFaultCode | EcdsaFaultCode,
  work: () => T | Promise<T>,
): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    if (!(cause instanceof Fault) || cause.code !== code) throw cause;
    throw new Fault<SigningFaultCode>(
      'signature-invalid',
      'the token returned a signature that does not verify',
      { cause, facts: cause.facts },
    );
  }
}
