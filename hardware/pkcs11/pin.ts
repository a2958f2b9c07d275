// Where the PIN of a token comes from: a file that only its owner can read, a systemd credential, or a person who is
// asked. Never argv, never an environment variable, never a configuration file; and nothing here puts it in an error.
//
// It is read when a login needs it and not kept. (JavaScript cannot wipe a string; what it can do is not store one.)

import { constants } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { join } from 'node:path';
import { tokenFault } from './token-fault.js';

/** Longest PIN that is accepted, in bytes; PKCS#11 tokens rarely take more than 255. */
const LONGEST_PIN_BYTES = 255;
/** Read, write or execute for group or others. */
const OPEN_TO_OTHERS = 0o077;

export type StoredPin =
  | { readonly kind: 'file'; readonly path: string }
  /** A file in `$CREDENTIALS_DIRECTORY`, see systemd.exec(5), LoadCredential=. */
  | { readonly kind: 'credential'; readonly name: string };

/** Asks a person. `login` opens the token, `signature` is wanted by keys that authenticate every use. */
export interface PromptedPin {
  readonly kind: 'prompt';
  readonly ask: (purpose: 'login' | 'signature') => Promise<string>;
}

export type PinSource = StoredPin | PromptedPin;

/** The PIN. Faults `login-failed` when there is none to be had; the token has then not been asked. */
export async function readPin(source: PinSource, purpose: 'login' | 'signature'): Promise<string> {
  switch (source.kind) {
    case 'prompt':
      return checked(await source.ask(purpose), 'prompt');
    case 'file':
      return checked(await readOwnFile(source.path, true), 'file');
    case 'credential':
      return checked(await readOwnFile(credentialPath(source.name), false), 'credential');
  }
}

function credentialPath(name: string): string {
  const directory = process.env.CREDENTIALS_DIRECTORY;
  if (directory === undefined || directory === '') {
    throw noPin('no-credentials-directory');
  }
  if (!/^[A-Za-z0-9_.-]{1,255}$/.test(name) || name === '.' || name === '..') throw noPin('credential-name');
  return join(directory, name);
}

/**
 * A credential's mode is not looked at: systemd guards the directory, and where it grants access by an ACL, the mask
 * shows as group bits.
 */
async function readOwnFile(path: string, modeMatters: boolean): Promise<string> {
  let file: FileHandle | undefined;
  try {
    file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW);
    const status = await file.stat();
    if (!status.isFile()) throw noPin('not-a-file');
    if (modeMatters && (status.mode & OPEN_TO_OTHERS) !== 0) throw noPin('readable-by-others');
    // One byte more than a PIN and its line end may have, so that a longer file is seen to be longer.
    const content = Buffer.alloc(LONGEST_PIN_BYTES + 3);
    const { bytesRead } = await file.read(content, 0, content.length, 0);
    const text = content.toString('utf8', 0, bytesRead).replace(/\r?\n$/, '');
    content.fill(0);
    return text;
  } catch (error) {
    const errno = errnoOf(error);
    if (errno === undefined) throw error;
    throw noPin(errno === 'ELOOP' ? 'symbolic-link' : errno);
  } finally {
    await file?.close();
  }
}

function errnoOf(error: unknown): string | undefined {
  const isErrno = typeof error === 'object' && error !== null && 'errno' in error && 'code' in error;
  return isErrno && typeof error.code === 'string' ? error.code : undefined;
}

function checked(pin: string, source: string): string {
  if (pin.length === 0) throw noPin('empty', source);
  if (Buffer.byteLength(pin) > LONGEST_PIN_BYTES) throw noPin('too-long', source);
  return pin;
}

function noPin(reason: string, source = 'file') {
  return tokenFault('login-failed', `there is no PIN to log in with: ${reason}`, {
    reason,
    source,
    attempted: false,
  });
}
