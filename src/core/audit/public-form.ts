// Is the public form of a log what its checkpoint says? All of it is worked out again from the entries, and whatever does
// not agree is named. Files are hostile; the key is the checker's own. It does NOT know whether an older log was the same
// one: that takes an older checkpoint and a proof of consistency.

import { accepted, type Outcome, refused } from '../fault.js';
import type { SignatureVerifier } from '../statements/signature.js';
import { entriesOf } from './bundle.js';
import { type AuditCheckpointRefusalCode, type Checkpoint, openCheckpoint } from './checkpoint.js';
import { type AuditEntryRefusalCode, parseAuditEntry } from './entry.js';
import { EMPTY_LOG, edgeRoot, grownByLeaves, type LogEdge } from './growing-log.js';
import { completeRoot, type Hash, isSameHash, leafHash } from './merkle.js';
import type { NoteKey } from './note.js';
import { rootAt } from './prove.js';
import {
  CHECKPOINT_PATH,
  countAt,
  HASH_LEVELS,
  parseTilePath,
  TILE_WIDTH,
  type TileName,
  tileAt,
  tilePath,
  tilesOf,
} from './tile-path.js';
import { hashesOf, readTileFile, type TileReader } from './tiles.js';

export interface PublicForm extends TileReader {
  /** Every file that there is, in any order. */
  readonly paths: readonly string[];
}

/** Something that does not agree, by the file in which it shows. */
export type Finding =
  | { readonly kind: 'file-missing' | 'file-malformed'; readonly path: string }
  /** No file of a log is called so. */
  | { readonly kind: 'file-unknown'; readonly path: string }
  /** Another file of the same tile or bundle begins otherwise. */
  | { readonly kind: 'file-differs'; readonly path: string; readonly from: string }
  /** A hash in a tile is not that of what it stands for. */
  | { readonly kind: 'tile-differs'; readonly path: string; readonly position: number; readonly from: string }
  | { readonly kind: 'entry-differs'; readonly path: string; readonly entry: number; readonly from: string }
  | {
      readonly kind: 'entry-refused';
      readonly path: string;
      readonly entry: number;
      readonly code: AuditEntryRefusalCode;
    }
  /** Entries, or tiles, lead to another root than the one that was signed. */
  | { readonly kind: 'root-differs'; readonly path: string; readonly from: 'entries' | 'tiles' };

export interface PublicFormCheck {
  readonly checkpoint: Checkpoint;
  /** Nothing is wrong when there is none. At most a thousand: the rest is not looked for. */
  readonly findings: readonly Finding[];
  /** Files that hold more than the checkpoint is about: nobody has vouched for that yet. */
  readonly beyond: readonly string[];
}

export type PublicFormRefusalCode = AuditCheckpointRefusalCode | 'audit-checkpoint-missing';

/** A log whose files are all gone would else be named file by file without end. */
const MOST_FINDINGS = 1_000;

class Findings {
  readonly list: Finding[] = [];
  /** Drops what is one too many: that something is wrong is said by then. */
  add(finding: Finding): void {
    if (!this.areEnough) this.list.push(finding);
  }
  get areEnough(): boolean {
    return this.list.length >= MOST_FINDINGS;
  }
}

export async function checkPublicForm(
  form: PublicForm,
  key: NoteKey,
  verifier: SignatureVerifier,
): Promise<Outcome<PublicFormCheck, PublicFormRefusalCode>> {
  const note = await form.readTile(CHECKPOINT_PATH);
  if (note === undefined) return refused('audit-checkpoint-missing', { path: CHECKPOINT_PATH });
  const opened = openCheckpoint(note, key, verifier);
  if (opened.kind === 'refused') return opened;
  const checkpoint = opened.value;
  const { size, root } = checkpoint;

  const findings = new Findings();
  const recomputed = await recompute(form, size, findings);
  // With the right entries at hand a tile is wrong where it is not theirs. Without them it is said where two files disagree.
  const isEntriesRoot = recomputed.root !== undefined && isSameHash(recomputed.root, root);
  for (const finding of isEntriesRoot ? recomputed.tiles.list : recomputed.entries.list)
    findings.add(finding);
  await checkTiles(form, size, findings, isEntriesRoot);
  if (!isEntriesRoot) {
    if (recomputed.root) findings.add({ kind: 'root-differs', path: CHECKPOINT_PATH, from: 'entries' });
    const stored = await rootAt({ size, readTile: (path) => form.readTile(path) }, size);
    if (stored.kind === 'accepted' && !isSameHash(stored.value, root))
      findings.add({ kind: 'root-differs', path: CHECKPOINT_PATH, from: 'tiles' });
  }
  const beyond = await checkOthers(form, size, findings);
  return accepted({ checkpoint, findings: findings.list, beyond });
}

async function readHashes(form: PublicForm, name: TileName): Promise<readonly Hash[] | undefined> {
  const file = await readTileFile(form, name);
  return file && hashesOf(file.bytes, file.width)?.slice(0, name.width);
}

interface Recomputed {
  /** What the entries lead to; nothing when some could not be read. */
  readonly root: Hash | undefined;
  /** Tiles that are not those of the entries. */
  readonly tiles: Findings;
  /** Entries that are not those of the tiles. */
  readonly entries: Findings;
}

/** Goes through all bundles, and names those that cannot be read and entries that are none. */
async function recompute(form: PublicForm, size: number, findings: Findings): Promise<Recomputed> {
  const tiles = new Findings();
  const entries = new Findings();
  let edge: LogEdge | undefined = EMPTY_LOG;
  for (const name of tilesOf('entries', size)) {
    if (findings.areEnough) return { root: undefined, tiles, entries };
    const file = await readTileFile(form, name);
    const bundle = file && entriesOf(file.bytes, file.width)?.slice(0, name.width);
    if (file === undefined || bundle === undefined) {
      findings.add({ kind: file ? 'file-malformed' : 'file-missing', path: file?.path ?? tilePath(name) });
      edge = undefined;
      continue;
    }
    const { path } = file;
    const leaves = bundle.map(leafHash);
    const beside: TileName = { ...name, level: 0 };
    const stored = await readHashes(form, beside);
    for (const [at, entry] of bundle.entries()) {
      const sequence = name.index * TILE_WIDTH + at;
      const parsed = parseAuditEntry(entry, sequence);
      if (parsed.kind === 'refused')
        findings.add({ kind: 'entry-refused', path, entry: sequence, code: parsed.code });
      const [leaf, hash] = [leaves[at], stored?.[at]];
      if (leaf && hash && !isSameHash(leaf, hash))
        entries.add({ kind: 'entry-differs', path, entry: sequence, from: tilePath(beside) });
    }
    if (edge === undefined) continue;
    const growth = grownByLeaves(edge, leaves);
    edge = growth.edge;
    for (const { path: full, bytes } of growth.files) {
      const tile = parseTilePath(full);
      // Partial ones still grow; those of the end are compared below.
      if (tile?.width === TILE_WIDTH) await compare(form, tile, hashesOf(bytes, TILE_WIDTH) ?? [], tiles);
    }
  }
  for (const [level, hashes] of edge?.partial.entries() ?? []) {
    const last = tileAt(level, Math.floor(countAt(level, size) / TILE_WIDTH), size);
    if (last) await compare(form, last, hashes, tiles);
  }
  return { root: edge && edgeRoot(edge), tiles, entries };
}

/** Names where a stored tile has another hash than the one that the entries lead to. */
async function compare(
  form: PublicForm,
  name: TileName,
  hashes: readonly Hash[],
  tiles: Findings,
): Promise<void> {
  const stored = await readHashes(form, name);
  for (const [position, hash] of hashes.entries()) {
    const found = stored?.[position];
    if (found && !isSameHash(hash, found))
      tiles.add({ kind: 'tile-differs', path: tilePath(name), position, from: 'entries' });
  }
}

/** Names the tiles that cannot be read and, unless the entries have judged them, those that do not agree with the one above. */
async function checkTiles(
  form: PublicForm,
  size: number,
  findings: Findings,
  isJudged: boolean,
): Promise<void> {
  for (const level of HASH_LEVELS) {
    for (const name of tilesOf(level, size)) {
      if (findings.areEnough) return;
      const hashes = await readHashes(form, name);
      if (hashes === undefined) {
        const file = await readTileFile(form, name);
        findings.add({ kind: file ? 'file-malformed' : 'file-missing', path: file?.path ?? tilePath(name) });
      } else if (!isJudged && name.width === TILE_WIDTH) {
        const above = tileAt(level + 1, Math.floor(name.index / TILE_WIDTH), size);
        const position = name.index % TILE_WIDTH;
        const hash = above && (await readHashes(form, above))?.[position];
        if (above && hash && !isSameHash(hash, completeRoot(hashes)))
          findings.add({ kind: 'tile-differs', path: tilePath(above), position, from: tilePath(name) });
      }
    }
  }
}

/** Looks at the files that nothing above has read: partial ones of earlier times, and what does not belong here. */
async function checkOthers(form: PublicForm, size: number, findings: Findings): Promise<readonly string[]> {
  const beyond: string[] = [];
  for (const path of [...form.paths].sort()) {
    if (path === CHECKPOINT_PATH || findings.areEnough) continue;
    const name = parseTilePath(path);
    if (name === undefined) {
      findings.add({ kind: 'file-unknown', path });
      continue;
    }
    const current = tileAt(name.level, name.index, size);
    if (current === undefined || name.width > current.width) beyond.push(path);
    const main = current && (await readTileFile(form, current));
    if (current === undefined || main === undefined || main.path === path) continue;
    const bytes = await form.readTile(path);
    const parts = bytes && partsOf(bytes, name);
    const expected = partsOf(main.bytes, { ...name, width: main.width });
    if (parts === undefined) findings.add({ kind: 'file-malformed', path });
    else if (!isSameStart(parts, expected ?? [], Math.min(name.width, current.width)))
      findings.add({ kind: 'file-differs', path, from: main.path });
  }
  return beyond;
}

function partsOf(bytes: Uint8Array, { level, width }: TileName): readonly Uint8Array[] | undefined {
  return level === 'entries' ? entriesOf(bytes, width) : hashesOf(bytes, width);
}

function isSameStart(some: readonly Uint8Array[], others: readonly Uint8Array[], count: number): boolean {
  return some.slice(0, count).every((part, at) => {
    const other = others[at];
    return other !== undefined && isSameHash(part, other);
  });
}
