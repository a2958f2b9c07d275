// A statement on its way from officer to officer: a file with the statement and the signatures that it has so far. Burials
// and restores look alike here; what each says, and whether it may be signed, is its command's question.

import { sha256 } from '@noble/hashes/sha2.js';
import { bytesToHex } from '@noble/hashes/utils.js';
import { z } from 'zod';
import type { EntrySignature } from '../core/governance/entry.js';
import { entrySignature } from '../core/governance/entry.js';
import { type GovernanceState, holderOf } from '../core/governance/state.js';
import { quorumWords } from '../core/governance/wanted.js';
import { checkOwnKey, type OfficerHere } from './caller.js';
import type { Given } from './command-line.js';
import { cliFault } from './exit.js';
import { fields, grouped, type Line, strong } from './lines.js';

/** As core has it, but without signatures for a start. */
export const fileSignatures = z.array(entrySignature).max(64);

/** What is read aloud: SHA-256 of the bytes that are signed. */
export function hashOf(bytes: Uint8Array): string {
  return bytesToHex(sha256(bytes));
}

export function hashLines(bytes: Uint8Array): Line[] {
  return fields([['hash', [strong(grouped(hashOf(bytes), 8))]]]);
}

/** Who signed it so far, and how many are needed. Says nothing about whether the signatures hold. */
export function signerLines(signatures: readonly EntrySignature[], state: GovernanceState): Line[] {
  const who = signatures.map(
    ({ credentialId }) => `${holderOf(state, credentialId)?.person.personId ?? 'unknown'} (${credentialId})`,
  );
  return fields([
    ['signed by', who.join(', ') || 'nobody yet'],
    ['needed', quorumWords(state.quorum)],
  ]);
}

/** What a statement is signed with: its bytes, the signatures that it has, and what it is called in questions. */
export interface ToSign {
  readonly bytes: Uint8Array;
  readonly signatures: readonly EntrySignature[];
  readonly lines: readonly Line[];
  readonly file: string;
}

/**
 * Shows it, asks, and signs it. Faults `key-mismatch` (another key than the roster's), `file-exists` (signed by this
 * credential already), `not-confirmed`, `confirmation-needed`.
 */
export async function signedByOfficer(
  given: Given<{ readonly yes: boolean }>,
  here: OfficerHere,
  state: GovernanceState,
  { bytes, signatures, lines, file }: ToSign,
): Promise<EntrySignature> {
  const { credentialId } = here;
  const { sign } = await checkOwnKey(here, state);
  if (signatures.some((one) => one.credentialId === credentialId)) {
    throw cliFault('file-exists', `${file} has a signature of ${credentialId} already`, { file });
  }
  await confirmHash(given, bytes, lines);
  return { credentialId, signature: await sign(bytes) };
}

async function confirmHash(
  { terminal, options }: Given<{ readonly yes: boolean }>,
  bytes: Uint8Array,
  lines: readonly Line[],
): Promise<void> {
  if (!terminal.json || terminal.attended) terminal.tell([...lines, '', ...hashLines(bytes), '']);
  if (options.yes) return;
  const typed = await terminal.ask('Type the first 8 digits of the hash to sign it, anything else to stop: ');
  if (typed.toLowerCase() !== hashOf(bytes).slice(0, 8)) {
    throw cliFault('not-confirmed', 'the digits do not match');
  }
}
