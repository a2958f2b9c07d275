// Signed notes (C2SP signed-note): a short text, a blank line, and lines of signatures by named keys. Reading is strict and
// total. It holds no key: whoever signs gives a function, which may be a token's.

import { sha256 } from '@noble/hashes/sha2.js';
import { bytesToHex, concatBytes, hexToBytes, utf8ToBytes } from '@noble/hashes/utils.js';
import { accepted, Fault, type Outcome, refused } from '../fault.js';
import type { SignatureVerifier } from '../statements/signature.js';
import { base64Of, bytesOfBase64, textOfUtf8 } from './texts.js';

export type AuditNoteRefusalCode =
  | 'audit-key-malformed'
  | 'audit-note-malformed'
  /** It has no signature by the key that is trusted. */
  | 'audit-note-unsigned'
  | 'audit-note-signature-invalid';
/** What a signing function answered is no signature by its key. */
export type AuditNoteFaultCode = 'audit-note-signer-wrong';

/** Who signs: a name and an Ed25519 public key of 32 bytes. */
export interface NoteKey {
  readonly name: string;
  readonly publicKey: Uint8Array;
}

export interface NoteSignature {
  readonly name: string;
  /** Four bytes that tell keys of one name apart; no proof of anything. */
  readonly keyHash: string;
  readonly signature: Uint8Array;
}

export interface Note {
  /** Ends with a line end, and is what is signed. */
  readonly text: string;
  readonly signatures: readonly NoteSignature[];
}

const ED25519 = Uint8Array.of(1);
const KEY_BYTES = 32;
const KEY_HASH_BYTES = 4;
const MOST_BYTES = 65_536;
const MOST_SIGNATURES = 16;
/** Printable ASCII without blank and plus; the format knows more, which no name of ours needs. */
const NAME = /^[\x21-\x2a\x2c-\x7e]{1,255}$/;
const CONTROL = /[^\n\P{Cc}]/u;

export function isKeyName(name: string): boolean {
  return NAME.test(name);
}

function keyHashOf({ name, publicKey }: NoteKey): string {
  const digest = sha256(concatBytes(utf8ToBytes(`${name}\n`), ED25519, publicKey));
  return bytesToHex(digest.subarray(0, KEY_HASH_BYTES));
}

/** `name+hash+key`: what people are given to check notes with. */
export function verifierKeyText(key: NoteKey): string {
  return `${key.name}+${keyHashOf(key)}+${base64Of(concatBytes(ED25519, key.publicKey))}`;
}

/** Input is hostile, though who trusts the key has it from somebody they know. */
export function parseVerifierKey(text: string): Outcome<NoteKey, AuditNoteRefusalCode> {
  const name = text.slice(0, Math.max(0, text.indexOf('+')));
  const typed = bytesOfBase64(text.slice(name.length + 1 + 2 * KEY_HASH_BYTES + 1));
  const key = { name, publicKey: typed?.subarray(1) ?? new Uint8Array() };
  // Written out again it has to be the same: so type, hash and spelling are checked with it.
  const isKey = isKeyName(name) && key.publicKey.length === KEY_BYTES && verifierKeyText(key) === text;
  return isKey ? accepted(key) : refused('audit-key-malformed');
}

const SIGNATURE_LINE = /^\u2014 ([^ ]+) ([A-Za-z0-9+/]+={0,2})$/;

function signatureOf(line: string): NoteSignature | undefined {
  const [, name = '', base64 = ''] = SIGNATURE_LINE.exec(line) ?? [];
  const bytes = bytesOfBase64(base64);
  if (bytes === undefined || bytes.length <= KEY_HASH_BYTES || !isKeyName(name)) return undefined;
  return {
    name,
    keyHash: bytesToHex(bytes.subarray(0, KEY_HASH_BYTES)),
    signature: bytes.subarray(KEY_HASH_BYTES),
  };
}

/** A note, whoever may have signed it: nothing is verified here. Input is hostile. */
export function parseNote(bytes: Uint8Array): Outcome<Note, AuditNoteRefusalCode> {
  const note = noteOf(bytes);
  return note === undefined ? refused('audit-note-malformed') : accepted(note);
}

function noteOf(bytes: Uint8Array): Note | undefined {
  const all = bytes.length > MOST_BYTES ? undefined : textOfUtf8(bytes);
  if (all === undefined || CONTROL.test(all)) return undefined;
  // The last blank line: the text may have some of its own.
  const blank = all.lastIndexOf('\n\n');
  if (blank < 0 || !all.endsWith('\n')) return undefined;
  const lines = all.slice(blank + 2, -1).split('\n');
  const signatures = lines.map(signatureOf).filter((signature) => signature !== undefined);
  const isWhole = signatures.length === lines.length && lines.length <= MOST_SIGNATURES;
  return isWhole ? { text: all.slice(0, blank + 1), signatures } : undefined;
}

/**
 * The text of a note that this key has signed. Input is hostile. Signatures by keys that are not known are passed over, as
 * the format wants it; a key has one at the most.
 */
export function openNote(
  bytes: Uint8Array,
  key: NoteKey,
  verifier: SignatureVerifier,
): Outcome<string, AuditNoteRefusalCode> {
  const note = parseNote(bytes);
  if (note.kind === 'refused') return note;
  const { text, signatures } = note.value;
  const keyHash = keyHashOf(key);
  const own = signatures.filter((each) => each.name === key.name && each.keyHash === keyHash);
  const [first, second] = own;
  if (first === undefined) return refused('audit-note-unsigned', { key: key.name });
  const isValid = second === undefined && verifier.ed25519(key.publicKey, utf8ToBytes(text), first.signature);
  return isValid ? accepted(text) : refused('audit-note-signature-invalid', { key: key.name });
}

/** Ed25519 over these bytes, by whatever holds the key. */
export type SignMessage = (message: Uint8Array) => Promise<Uint8Array>;

/** A note signed by one key. Throws `audit-note-signer-wrong` rather than give out what nobody could open. */
export async function signNote(
  text: string,
  key: NoteKey,
  sign: SignMessage,
  verifier: SignatureVerifier,
): Promise<Uint8Array> {
  const signature = await sign(utf8ToBytes(text));
  const line = base64Of(concatBytes(hexToBytes(keyHashOf(key)), signature));
  const note = utf8ToBytes(`${text}\n\u2014 ${key.name} ${line}\n`);
  const opened = openNote(note, key, verifier);
  if (opened.kind === 'accepted' && opened.value === text) return note;
  throw new Fault<AuditNoteFaultCode>('audit-note-signer-wrong', 'what was signed cannot be opened again', {
    facts: { key: key.name },
  });
}
