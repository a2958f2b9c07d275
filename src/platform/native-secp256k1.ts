// Signatures on secp256k1 checked by libsecp256k1 as machine code: four to five times as fast as the same library in
// WebAssembly, which serves where the package has no build for the machine. Same contract and same tests as the portable
// one in core. docs/decisions/0043-native-secp256k1.md says why it is here.
//
// The package's own way in would fall back to arithmetic in JavaScript without a word; so only its binding is imported.

import { portableSecp256k1, type Secp256k1 } from '../core/intents/ecdsa.js';

function orElse<T>(work: () => T, otherwise: T): T {
  try {
    return work();
  } catch {
    // The binding throws for keys that are no point and signatures that lead to none.
    return otherwise;
  }
}

async function load(): Promise<Secp256k1> {
  try {
    const { default: library } = await import('secp256k1/bindings.js');
    return {
      isPoint: (publicKey) => orElse(() => library.publicKeyVerify(publicKey), false),
      verify: (digest, publicKey, rs64) => orElse(() => library.ecdsaVerify(rs64, digest, publicKey), false),
      recover: (digest, rs64, yParity) =>
        orElse(() => library.ecdsaRecover(rs64, yParity, digest, true), undefined),
    };
  } catch {
    // There is no build for this machine.
    return portableSecp256k1;
  }
}

export const nativeSecp256k1: Secp256k1 = await load();

/** Whether it is machine code, for whoever reports what a machine does. */
export const isSecp256k1Native: boolean = nativeSecp256k1 !== portableSecp256k1;
