// What runs on the thread of arithmetic-thread.ts: it answers what it is asked, in order, each as soon as it is known.

import { parentPort } from 'node:worker_threads';
import { recoveryIdOf } from '../core/intents/ecdsa.js';
import { type Answered, type Packed, type Recovery, unpacked } from './arithmetic-messages.js';
import { nativeSecp256k1 } from './native-secp256k1.js';
import { verifies } from './signature-arithmetic.js';

/** Undefined where there is none, whatever is wrong: who asked finds out what. */
function parityOf({ publicKey, digest, rs64 }: Recovery): 0 | 1 | undefined {
  try {
    return recoveryIdOf(publicKey, digest, rs64, nativeSecp256k1);
  } catch {
    return undefined;
  }
}

parentPort?.on('message', (all: Packed) => {
  for (const asked of unpacked(all)) {
    const answered: Answered =
      'claims' in asked
        ? { id: asked.id, valid: asked.claims.map((claim) => verifies(claim)) }
        : { id: asked.id, yParity: parityOf(asked.recovery) };
    parentPort?.postMessage(answered);
  }
});
