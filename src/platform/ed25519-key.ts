// Ed25519 private keys in PEM files (PKCS#8, RFC 8410) that only their owner can read: those that move nothing and approve
// nothing, a backend's request key and a watcher's fact key.

import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject, sign } from 'node:crypto';

const OPEN_TO_OTHERS = 0o077;
const RAW_BYTES = 32;

export interface Ed25519Key {
  /** 32 bytes, lower-case hex: what governance registers. */
  readonly publicKey: string;
  readonly sign: (bytes: Uint8Array) => Uint8Array;
}

function publicHex(key: KeyObject): string {
  // The raw key is the end of its SubjectPublicKeyInfo (RFC 8410 §4).
  return createPublicKey(key).export({ format: 'der', type: 'spki' }).subarray(-RAW_BYTES).toString('hex');
}

export function isOpenToOthers(mode: number): boolean {
  return (mode & OPEN_TO_OTHERS) !== 0;
}

export function newEd25519(): { readonly pem: string; readonly publicKey: string } {
  const { privateKey } = generateKeyPairSync('ed25519');
  const pem = privateKey.export({ format: 'pem', type: 'pkcs8' }).toString();
  return { pem, publicKey: publicHex(privateKey) };
}

/** The key in a PEM text; undefined when it holds none. */
export function ed25519Of(text: string): Ed25519Key | undefined {
  const key = privateKeyOf(text);
  if (key?.asymmetricKeyType !== 'ed25519') return undefined;
  return { publicKey: publicHex(key), sign: (bytes) => new Uint8Array(sign(null, bytes, key)) };
}

function privateKeyOf(text: string): KeyObject | undefined {
  try {
    return createPrivateKey(text);
  } catch {
    // OpenSSL throws for whatever is no key; the caller says which file it was. The cause could quote the content.
    return undefined;
  }
}
