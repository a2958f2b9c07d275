// The request key of an exchange's backend: Ed25519, in a PEM file (PKCS#8, RFC 8410) that only its owner can read. It
// asks for transfers; it can neither approve nor move anything by itself. It lives with the backend, not with Portcullis.

import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { statSync } from 'node:fs';
import { cliFault } from './exit.js';
import { readText, writeNew } from './files.js';

const OPEN_TO_OTHERS = 0o077;
const RAW_BYTES = 32;

export interface RequestKeyFile {
  /** 32 bytes, lower-case hex: what governance registers. */
  readonly publicKey: string;
  readonly sign: (bytes: Uint8Array) => Promise<Uint8Array>;
}

function publicHex(key: KeyObject): string {
  // The raw key is the end of its SubjectPublicKeyInfo (RFC 8410 §4).
  return createPublicKey(key).export({ format: 'der', type: 'spki' }).subarray(-RAW_BYTES).toString('hex');
}

/** Makes a key pair; the private part goes into the file and nowhere else. Faults `file-exists`. */
export function generateRequestKey(path: string): string {
  const { privateKey } = generateKeyPairSync('ed25519');
  writeNew(path, privateKey.export({ format: 'pem', type: 'pkcs8' }).toString(), 0o600);
  return publicHex(privateKey);
}

/** Faults `file-unreadable`, `file-open-to-others`, `file-malformed`. */
export function readRequestKey(path: string): RequestKeyFile {
  const text = readText(path);
  if ((statSync(path).mode & OPEN_TO_OTHERS) !== 0) {
    throw cliFault('file-open-to-others', `others can read ${path}: chmod 600 ${path}`, { path });
  }
  const key = privateKeyOf(text);
  if (key?.asymmetricKeyType !== 'ed25519') {
    throw cliFault('file-malformed', `${path} holds no Ed25519 private key`, { path });
  }
  return {
    publicKey: publicHex(key),
    sign: (bytes) => Promise.resolve(new Uint8Array(sign(null, bytes, key))),
  };
}

function privateKeyOf(text: string): KeyObject | undefined {
  try {
    return createPrivateKey(text);
  } catch {
    // OpenSSL throws for whatever is no key; the caller says which file it was. The cause could quote the content.
    return undefined;
  }
}
