// Is the log in the database what it was, and are the records still what the log says of them? Every hash is worked out
// again from the entries, every entry is held against its record, and every record has to be in the log or in line for it.
// It reads alone. It cannot know a log that was made anew from edited records, with its checkpoints: for that there are the
// checkpoints that others keep, against which the log's root at their size is compared.

import { bytesToHex, hexToBytes, utf8ToBytes } from '@noble/hashes/utils.js';
import { Between, type EntityManager } from 'typeorm';
import { z } from 'zod';
import { openCheckpoint } from '../../core/audit/checkpoint.js';
import { type AuditEntry, parseAuditEntry, sealed } from '../../core/audit/entry.js';
import { EMPTY_LOG, edgeRoot, grownByLeaves } from '../../core/audit/growing-log.js';
import { leafHash } from '../../core/audit/merkle.js';
import type { NoteKey } from '../../core/audit/note.js';
import { base64Of } from '../../core/audit/texts.js';
import { parseTilePath, TILE_WIDTH } from '../../core/audit/tile-path.js';
import { canonicalJson } from '../../core/statements/canonical-json.js';
import type { SignatureVerifier } from '../../core/statements/signature.js';
import { rows, sqlInteger } from '../database/sql.js';
import {
  AuditCheckpointRow,
  AuditEntryRow,
  AuditSealedRow,
  type AuditSource,
  AuditTileRow,
} from './audit.entity.js';
import { headOf } from './audit.log.js';
import {
  type Draft,
  draftsOf,
  type Placed,
  RECORD_MALFORMED,
  RECORD_MISSING,
  withoutRecord,
} from './records.js';

/** Something in the database that does not agree, by its place in the log where it has one. */
export type DatabaseFinding =
  /** An entry is no entry, or says another place, or its row's columns say something else than it does. */
  | { readonly kind: 'entry-malformed'; readonly sequence: number }
  | { readonly kind: 'entry-missing'; readonly sequence: number }
  /** The record that the entry is about is not there, though it was. */
  | {
      readonly kind: 'record-missing';
      readonly sequence: number;
      readonly source: AuditSource;
      readonly key: string;
    }
  /** The record says something else than when it was logged. */
  | {
      readonly kind: 'record-differs';
      readonly sequence: number;
      readonly source: AuditSource;
      readonly key: string;
    }
  /** What a salted hash stands for was changed. */
  | { readonly kind: 'sealed-differs'; readonly sequence: number; readonly name: string }
  /** A record that never came into the log, nor is in line for it. */
  | { readonly kind: 'record-not-logged'; readonly source: AuditSource; readonly key: string }
  | { readonly kind: 'tile-differs'; readonly level: number; readonly position: number }
  | { readonly kind: 'tile-missing'; readonly level: number; readonly position: number }
  /** The entries lead to another root than the head's, or than a checkpoint of that size. */
  | { readonly kind: 'root-differs'; readonly size: number; readonly from: 'head' | 'checkpoint' }
  | { readonly kind: 'checkpoint-invalid'; readonly size: number; readonly code: string };

export interface DatabaseCheck {
  readonly entries: number;
  readonly records: number;
  readonly waiting: number;
  readonly checkpoints: number;
  /** Records whose salts were deleted: what they said can no longer be shown. */
  readonly forgotten: number;
  /** Nothing is wrong when there is none. At most a thousand. */
  readonly findings: readonly DatabaseFinding[];
}

const MOST_FINDINGS = 1_000;
const PAGE = 256;

const sequenceRow = z.object({ sequence: sqlInteger });
const keyRow = z.object({ key_a: z.string(), key_b: z.string(), key_c: z.string() });
const countRow = z.object({ counted: sqlInteger });

/** The keys of all records of a source, spelled as the triggers spell them. */
const ALL_KEYS: Readonly<Record<AuditSource, string>> = {
  transition: "SELECT transfer_id AS key_a, CAST(version AS TEXT) AS key_b, '' AS key_c FROM transitions",
  approval: 'SELECT transfer_id AS key_a, statement_digest AS key_b, person_id AS key_c FROM approvals',
  governance: "SELECT CAST(sequence AS TEXT) AS key_a, '' AS key_b, '' AS key_c FROM governance_entries",
  call: "SELECT call_id AS key_a, kind AS key_b, '' AS key_c FROM audit_calls",
};

/** Salts are hex in the database, where anything may stand. */
function saltOf({ salt }: AuditSealedRow): Uint8Array {
  return /^[0-9a-f]{64}$/.test(salt) ? hexToBytes(salt) : new Uint8Array(32);
}

function saysTheSame(entry: AuditEntry, { kind, what, atMs, subjects, sealed }: Draft): boolean {
  const names = [...sealed.map(({ name }) => name), 'note'];
  return (
    entry.kind === kind &&
    entry.what === what &&
    entry.atMs === atMs &&
    canonicalJson(entry.subjects) === canonicalJson(subjects) &&
    canonicalJson(entry.sealed.map(({ name }) => name)) === canonicalJson(names)
  );
}

export class Fsck {
  private readonly findings: DatabaseFinding[] = [];
  private forgotten = 0;
  private records = 0;
  /** Roots at the sizes of the checkpoints, by size. */
  private readonly roots = new Map<number, string>();

  /** `key` is the log's, where it is known: signatures of checkpoints are looked at with it. */
  constructor(
    private readonly db: EntityManager,
    private readonly verifier: SignatureVerifier,
    private readonly key: NoteKey | undefined,
  ) {}

  async run(): Promise<DatabaseCheck> {
    const { size, root } = await headOf(this.db);
    const checkpoints = await this.db.find(AuditCheckpointRow, { order: { size: 'ASC' } });
    const sizes = new Set(checkpoints.map((one) => one.size));
    let edge = EMPTY_LOG;
    this.noteRoot(sizes, edge.size, bytesToHex(edgeRoot(edge)));
    for (let first = 0; first < size; first += PAGE) {
      const entries = await this.page(first, Math.min(PAGE, size - first));
      for (const entry of entries) {
        const growth = grownByLeaves(edge, [leafHash(utf8ToBytes(entry))]);
        edge = growth.edge;
        this.noteRoot(sizes, edge.size, bytesToHex(edgeRoot(edge)));
        for (const { path, bytes } of growth.files) await this.compareTile(path, bytes);
      }
    }
    if (bytesToHex(edgeRoot(edge)) !== root || edge.size !== size) {
      this.add({ kind: 'root-differs', size, from: 'head' });
    }
    await this.beyond(size);
    for (const checkpoint of checkpoints) this.judge(checkpoint);
    await this.unlogged();
    return {
      entries: size,
      records: this.records,
      waiting: await this.count('SELECT COUNT(*) AS counted FROM audit_waiting'),
      checkpoints: checkpoints.length,
      forgotten: this.forgotten,
      findings: this.findings,
    };
  }

  private add(finding: DatabaseFinding): void {
    if (this.findings.length < MOST_FINDINGS) this.findings.push(finding);
  }

  private noteRoot(sizes: ReadonlySet<number>, size: number, root: string): void {
    if (sizes.has(size)) this.roots.set(size, root);
  }

  /** Entries as texts; what is missing among them is named, and nothing stands for it. */
  private async page(first: number, count: number): Promise<string[]> {
    const last = first + count - 1;
    const found = await this.db.find(AuditEntryRow, {
      where: { sequence: Between(first, last) },
      order: { sequence: 'ASC' },
    });
    const secrets = await this.db.find(AuditSealedRow, { where: { sequence: Between(first, last) } });
    const bySequence = new Map(found.map((row) => [row.sequence, row]));
    for (let sequence = first; sequence <= last; sequence += 1) {
      if (!bySequence.has(sequence)) this.add({ kind: 'entry-missing', sequence });
    }
    const placed = await draftsOf(this.db, {
      select:
        'SELECT sequence AS place, source, key_a, key_b, key_c FROM audit_entries WHERE sequence BETWEEN ? AND ? ORDER BY sequence',
      parameters: [first, last],
    });
    for (const one of placed) {
      const row = bySequence.get(one.place);
      const salts = secrets.filter((secret) => secret.sequence === one.place);
      if (row) this.compareEntry(row, one, salts);
    }
    return found.map(({ entry }) => entry);
  }

  private compareEntry(row: AuditEntryRow, one: Placed, secrets: readonly AuditSealedRow[]): void {
    const { sequence } = row;
    const parsed = parseAuditEntry(utf8ToBytes(row.entry), sequence);
    if (parsed.kind === 'refused' || parsed.value.kind !== row.kind || parsed.value.atMs !== row.atMs) {
      this.add({ kind: 'entry-malformed', sequence });
      return;
    }
    this.records += 1;
    const entry = parsed.value;
    const where = { sequence, source: one.source, key: [one.keyA, one.keyB, one.keyC].join(' ').trim() };
    const wasMissing = entry.what === RECORD_MISSING;
    if (one.draft.what === RECORD_MISSING && !wasMissing) {
      this.add({ kind: 'record-missing', ...where });
      return;
    }
    const draft =
      entry.what === RECORD_MALFORMED ? withoutRecord(one, RECORD_MALFORMED, one.draft.record) : one.draft;
    if (!saysTheSame(entry, draft)) this.add({ kind: 'record-differs', ...where });
    else this.compareSealed(entry, one, secrets, where);
  }

  private compareSealed(
    entry: AuditEntry,
    one: Placed,
    secrets: readonly AuditSealedRow[],
    where: { readonly sequence: number; readonly source: AuditSource; readonly key: string },
  ): void {
    for (const { name, hash } of entry.sealed) {
      const secret = secrets.find((each) => each.name === name);
      if (secret === undefined) {
        this.forgotten += 1;
        continue;
      }
      const value = secret.value ?? one.draft.record;
      if (sealed(name, value, saltOf(secret)).hash === hash) continue;
      this.add(
        name === 'note'
          ? { kind: 'record-differs', ...where }
          : { kind: 'sealed-differs', sequence: entry.sequence, name },
      );
    }
  }

  private async compareTile(path: string, bytes: Uint8Array): Promise<void> {
    const name = parseTilePath(path);
    if (name === undefined || name.level === 'entries' || name.width !== TILE_WIDTH) return;
    const at = { level: name.level, position: name.index };
    const row = await this.db.findOneBy(AuditTileRow, at);
    if (row === null) this.add({ kind: 'tile-missing', ...at });
    else if (row.hashes !== base64Of(bytes)) this.add({ kind: 'tile-differs', ...at });
  }

  /** Entries that the head knows nothing of. */
  private async beyond(size: number): Promise<void> {
    const found = await rows(
      this.db,
      sequenceRow,
      `SELECT sequence FROM audit_entries WHERE sequence >= ? ORDER BY sequence LIMIT ${MOST_FINDINGS}`,
      [size],
    );
    for (const { sequence } of found) this.add({ kind: 'entry-malformed', sequence });
  }

  private judge({ size, note }: AuditCheckpointRow): void {
    if (this.key === undefined) return;
    const opened = openCheckpoint(utf8ToBytes(note), this.key, this.verifier);
    if (opened.kind === 'refused') this.add({ kind: 'checkpoint-invalid', size, code: opened.code });
    else if (opened.value.size !== size || bytesToHex(opened.value.root) !== this.roots.get(size)) {
      this.add({ kind: 'root-differs', size, from: 'checkpoint' });
    }
  }

  /** Records that a trigger should have put in line, and did not. */
  private async unlogged(): Promise<void> {
    for (const [source, keys] of Object.entries(ALL_KEYS)) {
      const found = await rows(
        this.db,
        keyRow,
        `SELECT r.key_a, r.key_b, r.key_c FROM (${keys}) r
          WHERE NOT EXISTS (SELECT 1 FROM audit_entries e WHERE e.source = '${source}' AND e.key_a = r.key_a AND e.key_b = r.key_b AND e.key_c = r.key_c)
          AND NOT EXISTS (SELECT 1 FROM audit_waiting w WHERE w.source = '${source}' AND w.key_a = r.key_a AND w.key_b = r.key_b AND w.key_c = r.key_c)
          LIMIT ${MOST_FINDINGS}`,
      );
      for (const { key_a, key_b, key_c } of found) {
        const key = [key_a, key_b, key_c].join(' ').trim();
        this.add({ kind: 'record-not-logged', source: source as AuditSource, key });
      }
    }
  }

  private async count(text: string): Promise<number> {
    const [row] = await rows(this.db, countRow, text);
    return row?.counted ?? 0;
  }
}
