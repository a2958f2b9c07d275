// What of the package `secp256k1` is used here: its native part alone, and of that nothing that touches a private key.

declare module 'secp256k1/bindings.js' {
  interface Bindings {
    publicKeyVerify(publicKey: Uint8Array): boolean;
    /** Throws for a key that is no point. */
    ecdsaVerify(signature: Uint8Array, digest: Uint8Array, publicKey: Uint8Array): boolean;
    /** Throws when there is no such key. */
    ecdsaRecover(signature: Uint8Array, recoveryId: number, digest: Uint8Array, compressed: true): Uint8Array;
  }
  const bindings: Bindings;
  export default bindings;
}
