// Proofs from the public form of an audit log in a folder, for somebody who has a checkpoint and not the log. Each is tried
// against the root in the folder's checkpoint before it is given; the signature is for whoever gets it to verify.

import { entriesOf } from '../core/audit/bundle.js';
import { type Checkpoint, parseCheckpoint } from '../core/audit/checkpoint.js';
import { parseAuditEntry } from '../core/audit/entry.js';
import { leafHash } from '../core/audit/merkle.js';
import { parseNote } from '../core/audit/note.js';
import { proveConsistency, proveInclusion, rootAt } from '../core/audit/prove.js';
import type { PublicForm } from '../core/audit/public-form.js';
import { base64Of } from '../core/audit/texts.js';
import { CHECKPOINT_PATH, TILE_WIDTH, tileAt, tilePath, tilesOf } from '../core/audit/tile-path.js';
import { readTileFile, type StoredLog } from '../core/audit/tiles.js';
import { verifyConsistency, verifyInclusion } from '../core/audit/verify-proof.js';
import { accepted, type Outcome, refused } from '../core/fault.js';
import { checkpointFields, entryLine } from './audit-proof-file.js';
import type { Answer } from './command-line.js';
import { faint, fields, good } from './lines.js';

export interface Opened {
  readonly log: StoredLog;
  readonly checkpoint: Checkpoint;
  /** As it stands in the folder: whoever gets a proof verifies it with their own key. */
  readonly note: string;
}

export async function opened(form: PublicForm): Promise<Outcome<Opened>> {
  const bytes = await form.readTile(CHECKPOINT_PATH);
  if (bytes === undefined) return refused('audit-checkpoint-missing', { path: CHECKPOINT_PATH });
  const note = parseNote(bytes);
  if (note.kind === 'refused') return note;
  const checkpoint = parseCheckpoint(note.value.text);
  if (checkpoint.kind === 'refused') return checkpoint;
  const log = { size: checkpoint.value.size, readTile: (path: string) => form.readTile(path) };
  return accepted({ log, checkpoint: checkpoint.value, note: Buffer.from(bytes).toString('utf8') });
}

async function entryAt(log: StoredLog, index: number): Promise<Outcome<Uint8Array>> {
  const name = tileAt('entries', Math.floor(index / TILE_WIDTH), log.size);
  const file = name && (await readTileFile(log, name));
  if (file === undefined) return refused('audit-tile-missing', { entry: index });
  const entry = entriesOf(file.bytes, file.width)?.[index % TILE_WIDTH];
  return entry ? accepted(entry) : refused('audit-tile-malformed', { path: file.path });
}

export async function proveEntry({ log, checkpoint, note }: Opened, index: number): Promise<Outcome<Answer>> {
  const proof = await proveInclusion(log, index, log.size);
  if (proof.kind === 'refused') return proof;
  const entry = await entryAt(log, index);
  if (entry.kind === 'refused') return entry;
  const leaf = leafHash(entry.value);
  const verdict = verifyInclusion(leaf, proof.value, checkpoint.root);
  if (verdict.kind === 'refused') return verdict;
  const path = proof.value.path.map(base64Of);
  return accepted({
    json: { proof: 'inclusion', index, size: log.size, entry: base64Of(entry.value), path, checkpoint: note },
    lines: [
      [good('✓'), ` entry ${index} is in the log of ${log.size} entries`],
      ...fields([
        ['leaf hash', base64Of(leaf)],
        ['beside it', ...(path.length === 0 ? ['nothing: it is the only one'] : path)],
      ]),
      ...checkpointFields(checkpoint),
    ],
  });
}

export async function proveFrom({ log, checkpoint, note }: Opened, from: number): Promise<Outcome<Answer>> {
  const proof = await proveConsistency(log, from, log.size);
  if (proof.kind === 'refused') return proof;
  const root = await rootAt(log, from);
  if (root.kind === 'refused') return root;
  const verdict = verifyConsistency(proof.value, root.value, checkpoint.root);
  if (verdict.kind === 'refused') return verdict;
  const path = proof.value.path.map(base64Of);
  return accepted({
    json: {
      proof: 'consistency',
      from,
      size: log.size,
      fromRoot: base64Of(root.value),
      path,
      checkpoint: note,
    },
    lines: [
      [good('✓'), ` the log of ${log.size} entries begins with the one of ${from} that has this root:`],
      ...fields([
        ['root of then', base64Of(root.value)],
        ['hashes', ...(path.length === 0 ? ['none are needed'] : path)],
      ]),
      ...checkpointFields(checkpoint),
      [faint('Compare the root of then with the checkpoint that you kept.')],
    ],
  });
}

interface Named {
  readonly index: number;
  readonly entry: Uint8Array;
}

/** Every entry that names a transfer, in the order of the log. All bundles are read: ids stand in the entries. */
async function entriesAbout(log: StoredLog, transferId: string): Promise<Outcome<readonly Named[]>> {
  const named: Named[] = [];
  for (const name of tilesOf('entries', log.size)) {
    const file = await readTileFile(log, name);
    if (file === undefined) return refused('audit-tile-missing', { path: tilePath(name) });
    const entries = entriesOf(file.bytes, file.width)?.slice(0, name.width);
    if (entries === undefined) return refused('audit-tile-malformed', { path: file.path });
    for (const [at, entry] of entries.entries()) {
      const index = name.index * TILE_WIDTH + at;
      // Most are about others, and are read no further.
      if (!Buffer.from(entry).includes(transferId)) continue;
      const parsed = parseAuditEntry(entry, index);
      if (parsed.kind === 'refused') return parsed;
      if (parsed.value.subjects.some(({ kind, id }) => kind === 'transfer' && id === transferId))
        named.push({ index, entry });
    }
  }
  return accepted(named);
}

export async function proveTransfer(
  { log, checkpoint, note }: Opened,
  transferId: string,
): Promise<Outcome<Answer>> {
  const about = await entriesAbout(log, transferId);
  if (about.kind === 'refused') return about;
  if (about.value.length === 0) return refused('audit-transfer-not-found', { transferId, entries: log.size });
  const entries: object[] = [];
  for (const { index, entry } of about.value) {
    const proof = await proveInclusion(log, index, log.size);
    if (proof.kind === 'refused') return proof;
    const verdict = verifyInclusion(leafHash(entry), proof.value, checkpoint.root);
    if (verdict.kind === 'refused') return verdict;
    entries.push({ index, entry: base64Of(entry), path: proof.value.path.map(base64Of) });
  }
  return accepted({
    json: { proof: 'transfer', transfer: transferId, size: log.size, entries, checkpoint: note },
    lines: [
      [good('✓'), ` ${entries.length} entries about ${transferId} are in the log of ${log.size} entries:`],
      ...about.value.map(({ index, entry }) => entryLine(index, entry)),
      ...checkpointFields(checkpoint),
      [faint('With --json it is for `audit verify`, which needs nothing else but the key of the log.')],
    ],
  });
}
