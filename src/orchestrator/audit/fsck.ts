// Is the log in the database what it was, and are the records still what the log says of them? Every hash is worked out
// again from the entries, every entry is held against its record, and every record has to be in the log or in line for it.
// It reads alone, beside programs that go on, and takes nothing that it reads for what it should be: whatever stands there is
// named, and stops nothing. It cannot know a log that was made anew from edited records, with its checkpoints: for that there
// are the checkpoints that others keep.

import { bytesToHex, hexToBytes, utf8ToBytes } from '@noble/hashes/utils.js';
import type { EntityManager } from 'typeorm';
import { z } from 'zod';
import { openCheckpoint } from '../../core/audit/checkpoint.js';
import { type AuditEntry, parseAuditEntry, sealed } from '../../core/audit/entry.js';
import { EMPTY_LOG, edgeRoot, grownByLeaves, type LogEdge } from '../../core/audit/growing-log.js';
import { leafHash } from '../../core/audit/merkle.js';
import type { NoteKey } from '../../core/audit/note.js';
import { parseTilePath, TILE_WIDTH } from '../../core/audit/tile-path.js';
import { canonicalJson } from '../../core/statements/canonical-json.js';
import type { SignatureVerifier } from '../../core/statements/signature.js';
import { rows, sqlInteger } from '../database/sql.js';
import { type AuditSource, AuditTileRow, auditSources, isSalt } from './audit.entity.js';
import { headOf } from './audit.log.js';
import {
  type Draft,
  draftsOf,
  type PlacedKey,
  RECORD_MALFORMED,
  RECORD_MISSING,
  withoutRecord,
} from './records.js';
import { type RowFinding, rowFindings } from './fsck-rows.js';
import { tileRow } from './stored-tiles.js';

/** Something in the database that does not agree, by its place in the log where it has one. */
export type DatabaseFinding =
  /** An entry is no entry, or says another place, or its row's columns say something else than it does. */
  | { readonly kind: 'entry-malformed'; readonly sequence: number | string }
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
  /** What a salted hash stands for was changed, or something stands beside it that it does not. */
  | { readonly kind: 'sealed-differs'; readonly sequence: number; readonly name: string }
  /** The salt of a record's hash is gone: nobody could tell any more whether it was edited. */
  | { readonly kind: 'sealed-missing'; readonly sequence: number; readonly name: string }
  /** The entry cannot be found by what it is about, or is found by something else. */
  | { readonly kind: 'subjects-differ'; readonly sequence: number }
  /** A record that never came into the log, nor is in line for it. */
  | { readonly kind: 'record-not-logged'; readonly source: AuditSource; readonly key: string }
  /** A row that changes says something else than what it follows from. */
  | RowFinding
  | { readonly kind: 'tile-differs'; readonly level: number; readonly position: number }
  | { readonly kind: 'tile-missing'; readonly level: number; readonly position: number }
  /** The entries lead to another root than the head's, or than a checkpoint of that size. */
  | { readonly kind: 'root-differs'; readonly size: number; readonly from: 'head' }
  | {
      readonly kind: 'root-differs';
      readonly size: number;
      readonly from: 'checkpoint';
      readonly origin: string;
    }
  | {
      readonly kind: 'checkpoint-invalid';
      readonly size: number | string;
      readonly origin: string;
      readonly code: string;
    };

export interface DatabaseCheck {
  readonly entries: number;
  readonly records: number;
  readonly waiting: number;
  readonly checkpoints: number;
  /** Persons and the like whose salts were deleted: who they were can no longer be shown. */
  readonly forgotten: number;
  /** Nothing is wrong when there is none. At most a thousand of each kind. */
  readonly findings: readonly DatabaseFinding[];
}

const MOST_OF_A_KIND = 1_000;
const PAGE = 256;

const entryRow = z.object({
  sequence: sqlInteger,
  source: z.unknown(),
  key_a: z.unknown(),
  key_b: z.unknown(),
  key_c: z.unknown(),
  kind: z.unknown(),
  at_ms: z.unknown(),
  entry: z.unknown(),
});
type EntryRow = z.infer<typeof entryRow>;
const soundRow = z.object({
  source: z.enum(auditSources),
  key_a: z.string(),
  key_b: z.string(),
  key_c: z.string(),
  entry: z.string(),
});
const secretRow = z.object({
  sequence: sqlInteger,
  name: z.string(),
  salt: z.string(),
  value: z.string().nullable(),
});
type SecretRow = z.infer<typeof secretRow>;
const subjectRow = z.object({ sequence: sqlInteger, kind: z.string(), id: z.string() });
const placeRow = z.object({ sequence: z.unknown() });
const keyRow = z.object({ key_a: z.string(), key_b: z.string(), key_c: z.string() });
const countRow = z.object({ counted: sqlInteger });
const lastRow = z.object({ last: sqlInteger.nullable() });
const checkpointRow = z.object({ origin: z.string(), size: z.unknown(), note: z.string() });

/** The keys of all records of a source, spelled as the triggers spell them. */
const ALL_KEYS: Readonly<Record<AuditSource, string>> = {
  transition: "SELECT transfer_id AS key_a, CAST(version AS TEXT) AS key_b, '' AS key_c FROM transitions",
  approval: 'SELECT transfer_id AS key_a, statement_digest AS key_b, person_id AS key_c FROM approvals',
  governance: "SELECT CAST(sequence AS TEXT) AS key_a, '' AS key_b, '' AS key_c FROM governance_entries",
  proposal: 'SELECT proposal_id AS key_a, act AS key_b, person_id AS key_c FROM governance_acts',
  call: "SELECT call_id AS key_a, kind AS key_b, '' AS key_c FROM audit_calls",
  signature: "SELECT transaction_key AS key_a, '' AS key_b, '' AS key_c FROM signatures",
  cancel: "SELECT transaction_key AS key_a, transfer_id AS key_b, '' AS key_c FROM transaction_cancels",
  burial: "SELECT CAST(journal_sequence AS TEXT) AS key_a, '' AS key_b, '' AS key_c FROM burials",
  head: "SELECT digest AS key_a, '' AS key_b, '' AS key_c FROM governance_heads",
  certificate:
    "SELECT CAST(ordinal AS TEXT) AS key_a, '' AS key_b, '' AS key_c FROM certificates WHERE outcome <> 'begun'",
};

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

function sortedTexts(subjects: readonly { readonly kind: string; readonly id: string }[]): string {
  const texts = new Set(subjects.map(({ kind, id }) => `${kind} ${id}`));
  return [...texts].toSorted().join('\n');
}

/** An entry with its record, as both are found. */
interface Pair {
  readonly entry: AuditEntry;
  readonly draft: Draft;
  readonly secrets: readonly SecretRow[];
  readonly where: { readonly sequence: number; readonly source: AuditSource; readonly key: string };
}

export class Fsck {
  private readonly findings: DatabaseFinding[] = [];
  private readonly found = new Map<string, number>();
  private forgotten = 0;
  private records = 0;
  /** Roots at the sizes of the checkpoints, by size. */
  private readonly roots = new Map<number, string>();

  /** `keys` are all that there ever were, of closed logs too, the one in force last, where they are known. */
  constructor(
    private readonly db: EntityManager,
    private readonly verifier: SignatureVerifier,
    private readonly keys: readonly NoteKey[],
  ) {}

  /** What is added meanwhile is left for the next time. */
  async run(): Promise<DatabaseCheck> {
    const { size, root } = await headOf(this.db);
    const checkpoints = await rows(
      this.db,
      checkpointRow,
      'SELECT origin, size, note FROM audit_checkpoints',
    );
    const sizes = new Set(checkpoints.map((one) => Number(one.size)));
    const [{ last } = { last: null }] = await rows(
      this.db,
      lastRow,
      'SELECT MAX(sequence) AS last FROM audit_entries WHERE sequence >= 0 AND sequence < 9007199254740992',
    );
    // A head that somebody has set far beyond its entries has none of them looked for.
    const there = Math.min(size, (last ?? -1) + 1);
    let edge = EMPTY_LOG;
    this.noteRoot(sizes, edge);
    for (let first = 0; first < there; first += PAGE) {
      const entries = await this.page(first, Math.min(PAGE, there - first));
      for (const entry of entries) {
        const growth = grownByLeaves(edge, [leafHash(utf8ToBytes(entry))]);
        edge = growth.edge;
        this.noteRoot(sizes, edge);
        for (const { path, bytes } of growth.files) await this.compareTile(path, bytes);
      }
    }
    if (bytesToHex(edgeRoot(edge)) !== root || edge.size !== size) {
      this.add({ kind: 'root-differs', size, from: 'head' });
    }
    await this.misplaced();
    await this.unlogged();
    for await (const finding of rowFindings(this.db)) this.add(finding);
    for (const checkpoint of checkpoints) this.judge(checkpoint, size);
    return {
      entries: there,
      records: this.records,
      waiting: await this.count('SELECT COUNT(*) AS counted FROM audit_waiting'),
      checkpoints: checkpoints.length,
      forgotten: this.forgotten,
      findings: this.findings,
    };
  }

  /** One kind must not keep another one from being named. */
  private add(finding: DatabaseFinding): void {
    const count = this.found.get(finding.kind) ?? 0;
    this.found.set(finding.kind, count + 1);
    if (count < MOST_OF_A_KIND) this.findings.push(finding);
  }

  private noteRoot(sizes: ReadonlySet<number>, edge: LogEdge): void {
    if (sizes.has(edge.size)) this.roots.set(edge.size, bytesToHex(edgeRoot(edge)));
  }

  /** Entries as texts; what is missing among them is named, and nothing stands for it. */
  private async page(first: number, count: number): Promise<string[]> {
    const range = [first, first + count - 1];
    const found = await rows(
      this.db,
      entryRow,
      'SELECT sequence, source, key_a, key_b, key_c, kind, at_ms, entry FROM audit_entries WHERE sequence BETWEEN ? AND ? ORDER BY sequence',
      range,
    );
    const secrets = await rows(
      this.db,
      secretRow,
      'SELECT sequence, name, salt, value FROM audit_sealed WHERE sequence BETWEEN ? AND ?',
      range,
    );
    const subjects = await rows(
      this.db,
      subjectRow,
      'SELECT sequence, kind, id FROM audit_subjects WHERE sequence BETWEEN ? AND ?',
      range,
    );
    const there = new Set(found.map(({ sequence }) => sequence));
    for (let at = first; at < first + count; at += 1) {
      if (!there.has(at)) this.add({ kind: 'entry-missing', sequence: at });
    }
    const sound = new Map(found.flatMap((row) => this.soundEntry(row)));
    const keys = [...sound.values()].map(({ key }) => key);
    for (const { draft, ...one } of await draftsOf(this.db, keys)) {
      const entry = sound.get(one.place)?.entry;
      if (!entry) continue;
      const key = [one.keyA, one.keyB, one.keyC].join(' ').trim();
      this.compareRecord({
        entry,
        draft,
        secrets: secrets.filter(({ sequence }) => sequence === one.place),
        where: { sequence: one.place, source: one.source, key },
      });
      const about = subjects.filter(({ sequence }) => sequence === one.place);
      if (sortedTexts(about) !== sortedTexts(entry.subjects))
        this.add({ kind: 'subjects-differ', sequence: one.place });
    }
    return found.map(({ entry }) => (typeof entry === 'string' ? entry : ''));
  }

  /** By its place, if it is an entry and its row says the same as it does. */
  private soundEntry(row: EntryRow): [number, { readonly entry: AuditEntry; readonly key: PlacedKey }][] {
    const { sequence } = row;
    const sound = soundRow.safeParse(row);
    const parsed = sound.success ? parseAuditEntry(utf8ToBytes(sound.data.entry), sequence) : undefined;
    const entry = parsed?.kind === 'accepted' ? parsed.value : undefined;
    if (!sound.success || !entry || entry.kind !== row.kind || `${entry.atMs}` !== String(row.at_ms)) {
      this.add({ kind: 'entry-malformed', sequence });
      return [];
    }
    const { source, key_a: keyA, key_b: keyB, key_c: keyC } = sound.data;
    return [[sequence, { entry, key: { place: sequence, source, keyA, keyB, keyC } }]];
  }

  private compareRecord(pair: Pair): void {
    const { entry, draft, where } = pair;
    this.records += 1;
    if (draft.what === RECORD_MISSING && entry.what !== RECORD_MISSING) {
      this.add({ kind: 'record-missing', ...where });
      return;
    }
    const key = { source: where.source, keyA: '', keyB: '', keyC: '' };
    const meant =
      entry.what === RECORD_MALFORMED ? withoutRecord(key, RECORD_MALFORMED, draft.record) : draft;
    if (saysTheSame(entry, meant)) this.compareSealed({ ...pair, draft: meant });
    else this.add({ kind: 'record-differs', ...where });
  }

  private compareSealed({ entry, draft, secrets, where }: Pair): void {
    const { sequence } = where;
    for (const { name, hash } of entry.sealed) {
      const secret = secrets.find((each) => each.name === name);
      if (secret === undefined) {
        if (name === 'note') this.add({ kind: 'sealed-missing', sequence, name });
        else this.forgotten += 1;
        continue;
      }
      const isRecord = name === 'note';
      const value = isRecord ? draft.record : draft.sealed.find((each) => each.name === name)?.value;
      const isKept = secret.value === (isRecord ? null : value);
      const isMeant =
        value !== undefined &&
        isSalt(secret.salt) &&
        sealed(name, value, hexToBytes(secret.salt)).hash === hash;
      if (isMeant && isKept) continue;
      this.add(isRecord ? { kind: 'record-differs', ...where } : { kind: 'sealed-differs', sequence, name });
    }
    for (const { name } of secrets) {
      if (!entry.sealed.some((each) => each.name === name))
        this.add({ kind: 'sealed-differs', sequence, name });
    }
  }

  private async compareTile(path: string, bytes: Uint8Array): Promise<void> {
    const name = parseTilePath(path);
    if (name === undefined || name.level === 'entries' || name.width !== TILE_WIDTH) return;
    const expected = tileRow(name.level, name.index, bytes);
    const at = { level: expected.level, position: expected.position };
    const row = await this.db.findOneBy(AuditTileRow, at);
    if (row === null) this.add({ kind: 'tile-missing', ...at });
    else if (row.hashes !== expected.hashes || row.root !== expected.root) {
      this.add({ kind: 'tile-differs', ...at });
    }
  }

  /** Entries at no place of the log. In one statement with the head, which grows meanwhile. */
  private async misplaced(): Promise<void> {
    const found = await rows(
      this.db,
      placeRow,
      `SELECT sequence FROM audit_entries WHERE sequence IS NULL OR sequence < 0
        OR sequence >= (SELECT size FROM audit_head WHERE only_one = 1) LIMIT ${MOST_OF_A_KIND}`,
    );
    for (const { sequence } of found) this.add({ kind: 'entry-malformed', sequence: String(sequence) });
  }

  private judge({ origin, size, note }: z.infer<typeof checkpointRow>, logSize: number): void {
    const entries = Number(size);
    if (!Number.isSafeInteger(entries) || entries < 0) {
      const code = 'audit-checkpoint-malformed';
      this.add({ kind: 'checkpoint-invalid', size: String(size), origin, code });
      return;
    }
    const current = this.keys.at(-1);
    if (!current) return;
    const opened = this.keys
      .filter(({ name }) => name === origin)
      .map((key) => openCheckpoint(utf8ToBytes(note), key, this.verifier));
    const own = opened.find((one) => one.kind === 'accepted');
    if (own?.kind === 'accepted') {
      // One of a log that has grown since this began is judged next time. A closed one grows no more.
      const isLater = entries > logSize && own.value.size === entries && origin === current.name;
      if (!isLater && (own.value.size !== entries || bytesToHex(own.value.root) !== this.roots.get(entries)))
        this.add({ kind: 'root-differs', size: entries, from: 'checkpoint', origin });
      return;
    }
    const [first] = opened;
    const code = first?.kind === 'refused' ? first.code : 'audit-note-unsigned';
    this.add({ kind: 'checkpoint-invalid', size: entries, origin, code });
  }

  /** Records that a trigger should have put in line, and did not. */
  private async unlogged(): Promise<void> {
    for (const source of auditSources) {
      const found = await rows(
        this.db,
        keyRow,
        // A join, since SQLite would search all that waits for each record otherwise.
        `SELECT r.key_a, r.key_b, r.key_c FROM (${ALL_KEYS[source]}) r LEFT JOIN audit_waiting w
            ON w.source = '${source}' AND w.key_a = r.key_a AND w.key_b = r.key_b AND w.key_c = r.key_c
          WHERE w.ordinal IS NULL AND NOT EXISTS (SELECT 1 FROM audit_entries e WHERE e.source = '${source}' AND e.key_a = r.key_a AND e.key_b = r.key_b
            AND e.key_c = r.key_c AND e.sequence >= 0 AND e.sequence < (SELECT size FROM audit_head WHERE only_one = 1))
          LIMIT ${MOST_OF_A_KIND}`,
      );
      for (const { key_a, key_b, key_c } of found) {
        this.add({ kind: 'record-not-logged', source, key: [key_a, key_b, key_c].join(' ').trim() });
      }
    }
  }

  private async count(text: string): Promise<number> {
    const [row] = await rows(this.db, countRow, text);
    return row?.counted ?? 0;
  }
}
