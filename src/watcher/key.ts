// The watcher's key: Ed25519, in a PEM file that only its own user can read. It lies in a file, and not in a token, since it
// can neither ask for a transfer, approve nor move anything (docs/decisions/0070).

import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { Fault } from '../core/fault.js';
import { type Ed25519Key, ed25519Of, isOpenToOthers, newEd25519 } from '../platform/ed25519-key.js';

export type WatcherKeyFaultCode = 'key-unreadable' | 'key-open-to-others' | 'key-malformed' | 'key-exists';

function fault(code: WatcherKeyFaultCode, message: string, path: string, cause?: unknown): Fault {
  return new Fault<WatcherKeyFaultCode>(code, message, { facts: { path }, cause });
}

/** Makes a key pair; the private part goes into the file and nowhere else. Returns the public one. Throws `key-exists`. */
export function generateKey(path: string): string {
  const { pem, publicKey } = newEd25519();
  try {
    writeFileSync(path, pem, { mode: 0o600, flag: 'wx' });
  } catch (cause) {
    throw fault('key-exists', `${path} is there already, or cannot be written`, path, cause);
  }
  return publicKey;
}

/** Throws `key-unreadable`, `key-open-to-others`, `key-malformed`. */
export function readKey(path: string): Ed25519Key {
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
