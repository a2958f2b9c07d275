// Ed25519 private keys in PEM files (PKCS#8, RFC 8410) that only their owner can read: those that move nothing and approve
// nothing: a backend's request key, a watcher's fact key, a freeze key.

import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import { Fault } from '../core/fault.js';

export type KeyFileFaultCode = 'key-unreadable' | 'key-open-to-others' | 'key-malformed';

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

function fault(code: KeyFileFaultCode, message: string, path: string, cause?: unknown): Fault {
  return new Fault<KeyFileFaultCode>(code, message, { facts: { path }, cause });
}

/** The key in a program's own file. Throws a KeyFileFaultCode. */
export function readEd25519(path: string): Ed25519Key {
  let text: string;
  let mode: number;
  try {
    ({ mode } = statSync(path));
    text = readFileSync(path, 'utf8');
  } catch (cause) {
    throw fault('key-unreadable', `cannot read ${path}`, path, cause);
  }
  if (isOpenToOthers(mode))
    throw fault('key-open-to-others', `others can read ${path}: chmod 600 ${path}`, path);
  const key = ed25519Of(text);
  if (!key) throw fault('key-malformed', `${path} holds no Ed25519 private key`, path);
  return key;
}
