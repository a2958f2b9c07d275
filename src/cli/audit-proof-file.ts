// What `audit prove --json` printed, in a file, verified by somebody who has the key of the log and nothing else of it. The file
// is hostile: nothing of it is believed but what leads to the signed root.

import { statSync } from 'node:fs';
import { utf8ToBytes } from '@noble/hashes/utils.js';
import { z } from 'zod';
import { type Checkpoint, openCheckpoint } from '../core/audit/checkpoint.js';
import { type AuditEntry, parseAuditEntry } from '../core/audit/entry.js';
import { leafHash } from '../core/audit/merkle.js';
import type { NoteKey } from '../core/audit/note.js';
import { base64Of, bytesOfBase64 } from '../core/audit/texts.js';
import { verifyConsistency, verifyInclusion } from '../core/audit/verify-proof.js';
import { accepted, type Outcome, refused } from '../core/fault.js';
import { transferId } from '../core/statements/request.js';
import { nativeVerifier } from '../platform/native-verifier.js';
import type { Answer } from './command-line.js';
import { readJson } from './files.js';
import { faint, fields, good, type Line, strong } from './lines.js';
import { instant } from './words.js';

const bytes = z.string().transform((text, context) => {
  const read = bytesOfBase64(text);
  if (read) return read;
  context.addIssue('not base64');
  return z.NEVER;
});
const signed = { size: z.int(), checkpoint: z.string() };
const proven = { index: z.int(), entry: bytes, path: z.array(bytes) };
const proofFile = z.discriminatedUnion('proof', [
  z.strictObject({ proof: z.literal('inclusion'), ...proven, ...signed }),
  z.strictObject({
    proof: z.literal('transfer'),
    transfer: transferId,
    entries: z.array(z.strictObject(proven)).min(1),
    ...signed,
  }),
  z.strictObject({
    proof: z.literal('consistency'),
    from: z.int(),
    fromRoot: bytes,
    path: z.array(bytes),
    ...signed,
  }),
]);
type ProofFile = z.output<typeof proofFile>;
type ProofOfEntries = Exclude<ProofFile, { readonly proof: 'consistency' }>;

export function checkpointFields({ origin, size, root }: Checkpoint): Line[] {
  return fields([
    ['log', origin],
    ['entries', `${size}`],
    ['root', base64Of(root)],
  ]);
}

/** What an entry says, in one line; what is no entry says so. */
export function entryLine(index: number, entry: Uint8Array): Line {
  const parsed = parseAuditEntry(entry, index);
  if (parsed.kind === 'refused') return [`  ${index}  no entry: ${parsed.code}`];
  const { atMs, kind, what } = parsed.value;
  return [faint(`  ${index}  ${instant(atMs)}  `), `${kind} ${what}`];
}

/** A proof, and no folder with a log. */
export function isProofFile(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isFile() === true;
}

function provenEntries(proof: ProofOfEntries, { size, root }: Checkpoint): Outcome<readonly AuditEntry[]> {
  const given = proof.proof === 'transfer' ? proof.entries : [proof];
  const entries: AuditEntry[] = [];
  for (const { index, entry, path } of given) {
    const verdict = verifyInclusion(leafHash(entry), { index, size, path }, root);
    if (verdict.kind === 'refused') return refused(verdict.code, { index, ...verdict.facts });
    const parsed = parseAuditEntry(entry, index);
    if (parsed.kind === 'refused') return parsed;
    const { subjects, sequence } = parsed.value;
    const isOrdered = sequence > (entries.at(-1)?.sequence ?? -1);
    const isAbout =
      proof.proof === 'inclusion' ||
      subjects.some(({ kind, id }) => kind === 'transfer' && id === proof.transfer);
    if (!isAbout || !isOrdered) return refused('audit-proof-of-another', { index });
    entries.push(parsed.value);
  }
  return accepted(entries);
}

function verifyEntries(path: string, proof: ProofOfEntries, checkpoint: Checkpoint): Outcome<Answer> {
  const proven = provenEntries(proof, checkpoint);
  if (proven.kind === 'refused') return proven;
  const about = proof.proof === 'transfer' ? { transfer: proof.transfer } : {};
  return accepted({
    json: {
      valid: true,
      origin: checkpoint.origin,
      size: checkpoint.size,
      root: base64Of(checkpoint.root),
      ...about,
      entries: proven.value,
    },
    lines: [
      [good('✓'), ' ', strong(path), `: in the log that was signed are, of ${checkpoint.size} entries:`],
      ...(proof.proof === 'transfer' ? proof.entries : [proof]).map(({ index, entry }) =>
        entryLine(index, entry),
      ),
      ...checkpointFields(checkpoint),
      [faint('That there are no others is for whoever has the whole log: `audit verify FOLDER`.')],
    ],
  });
}

function verifyGrowth(
  path: string,
  proof: Extract<ProofFile, { readonly proof: 'consistency' }>,
  checkpoint: Checkpoint,
): Outcome<Answer> {
  const { from, size } = proof;
  const verdict = verifyConsistency({ from, size, path: proof.path }, proof.fromRoot, checkpoint.root);
  if (verdict.kind === 'refused') return verdict;
  const [root, fromRoot] = [base64Of(checkpoint.root), base64Of(proof.fromRoot)];
  return accepted({
    json: { valid: true, origin: checkpoint.origin, size, root, from, fromRoot },
    lines: [
      [good('✓'), ' ', strong(path), `: the log begins with the one of ${from} entries that has this root:`],
      ...fields([['root of then', fromRoot]]),
      ...checkpointFields(checkpoint),
      [faint('Compare the root of then with the checkpoint that you kept.')],
    ],
  });
}

/** Faults `file-unreadable` and those of `readJson` for what is no such file. */
export function verifyProofFile(path: string, key: NoteKey): Outcome<Answer> {
  const proof = readJson(path, proofFile, 'a proof');
  const opened = openCheckpoint(utf8ToBytes(proof.checkpoint), key, nativeVerifier);
  if (opened.kind === 'refused') return opened;
  const { size } = opened.value;
  if (proof.size !== size) return refused('audit-proof-out-of-range', { size: proof.size, entries: size });
  return proof.proof === 'consistency'
    ? verifyGrowth(path, proof, opened.value)
    : verifyEntries(path, proof, opened.value);
}
