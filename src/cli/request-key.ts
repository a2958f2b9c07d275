// The request key of an exchange's backend: Ed25519, in a PEM file (PKCS#8, RFC 8410) that only its owner can read. It
// asks for transfers; it can neither approve nor move anything by itself. It lives with the backend, not with Portcullis.

import { statSync } from 'node:fs';
import { ed25519Of, isOpenToOthers, newEd25519 } from '../platform/ed25519-key.js';
import { cliFault } from './exit.js';
import { readText, writeNew } from './files.js';

export interface RequestKeyFile {
  /** 32 bytes, lower-case hex: what governance registers. */
  readonly publicKey: string;
  readonly sign: (bytes: Uint8Array) => Promise<Uint8Array>;
}

/** Makes a key pair; the private part goes into the file and nowhere else. Faults `file-exists`. */
export function generateRequestKey(path: string): string {
  const { pem, publicKey } = newEd25519();
  writeNew(path, pem, 0o600);
  return publicKey;
}

/** Faults `file-unreadable`, `file-open-to-others`, `file-malformed`. */
export function readRequestKey(path: string): RequestKeyFile {
  const text = readText(path);
  if (isOpenToOthers(statSync(path).mode)) {
    throw cliFault('file-open-to-others', `others can read ${path}: chmod 600 ${path}`, { path });
  }
  const key = ed25519Of(text);
  if (!key) throw cliFault('file-malformed', `${path} holds no Ed25519 private key`, { path });
  return { publicKey: key.publicKey, sign: (bytes) => Promise.resolve(key.sign(bytes)) };
}
