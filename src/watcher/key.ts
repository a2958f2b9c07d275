// The watcher's key: Ed25519, in a PEM file that only its own user can read. It lies in a file, and not in a token, since it
// can neither ask for a transfer, approve nor move anything (docs/decisions/0070).

import { writeFileSync } from 'node:fs';
import { Fault } from '../core/fault.js';
import { newEd25519 } from '../platform/ed25519-key.js';

export type WatcherKeyFaultCode = 'key-exists';

/** Makes a key pair; the private part goes into the file and nowhere else. Returns the public one. Throws `key-exists`. */
export function generateKey(path: string): string {
  const { pem, publicKey } = newEd25519();
  try {
    writeFileSync(path, pem, { mode: 0o600, flag: 'wx' });
  } catch (cause) {
    const message = `${path} is there already, or cannot be written`;
    throw new Fault<WatcherKeyFaultCode>('key-exists', message, { facts: { path }, cause });
  }
  return publicKey;
}
