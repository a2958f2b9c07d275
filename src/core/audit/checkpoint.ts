// Checkpoints: a log's origin, size and root in a signed note (C2SP tlog-checkpoint). Whoever keeps one can later have it
// proved that the log of today begins with the log of then. A checkpoint alone says nothing about what the entries are.

import { accepted, type Outcome, refused } from '../fault.js';
import type { SignatureVerifier } from '../statements/signature.js';
import { HASH_BYTES, type Hash, isCount } from './merkle.js';
import {
  type AuditNoteRefusalCode,
  isKeyName,
  type NoteKey,
  openNote,
  type SignMessage,
  signNote,
} from './note.js';
import { base64Of, bytesOfBase64 } from './texts.js';

export type AuditCheckpointRefusalCode =
  | AuditNoteRefusalCode
  | 'audit-checkpoint-malformed'
  /** It is that of another log than the key signs for. */
  | 'audit-checkpoint-other-log';

export interface Checkpoint {
  /** Names the log for good; it is the name of its key, too. */
  readonly origin: string;
  readonly size: number;
  readonly root: Hash;
  /** Further lines, which are signed and mean nothing here. */
  readonly extensions: readonly string[];
}

const SIZE = /^(?:0|[1-9]\d{0,15})$/;

export function checkpointText({ origin, size, root, extensions }: Checkpoint): string {
  return [origin, `${size}`, base64Of(root), ...extensions].map((line) => `${line}\n`).join('');
}

/** The text of a note as a checkpoint; whether it was signed is not looked at here. Input is hostile. */
export function parseCheckpoint(text: string): Outcome<Checkpoint, AuditCheckpointRefusalCode> {
  const [origin = '', digits = '', base64 = '', ...rest] = text.split('\n');
  const extensions = rest.slice(0, -1);
  const root = bytesOfBase64(base64);
  const size = SIZE.test(digits) ? Number(digits) : Number.NaN;
  const isWhole =
    isKeyName(origin) &&
    isCount(size) &&
    root?.length === HASH_BYTES &&
    rest.at(-1) === '' &&
    extensions.every((line) => line !== '');
  return isWhole ? accepted({ origin, size, root, extensions }) : refused('audit-checkpoint-malformed');
}

/** The checkpoint in a note, signed by the key of the log that it is of. Input is hostile. */
export function openCheckpoint(
  bytes: Uint8Array,
  key: NoteKey,
  verifier: SignatureVerifier,
): Outcome<Checkpoint, AuditCheckpointRefusalCode> {
  const text = openNote(bytes, key, verifier);
  if (text.kind === 'refused') return text;
  const checkpoint = parseCheckpoint(text.value);
  if (checkpoint.kind === 'refused') return checkpoint;
  const { origin } = checkpoint.value;
  return origin === key.name
    ? checkpoint
    : refused('audit-checkpoint-other-log', { origin, expected: key.name });
}

/** A checkpoint of the key's own log. The caller has stored all files of that size before, and never signs a smaller one again. */
export function signCheckpoint(
  { size, root }: Pick<Checkpoint, 'size' | 'root'>,
  key: NoteKey,
  sign: SignMessage,
  verifier: SignatureVerifier,
): Promise<Uint8Array> {
  return signNote(checkpointText({ origin: key.name, size, root, extensions: [] }), key, sign, verifier);
}
