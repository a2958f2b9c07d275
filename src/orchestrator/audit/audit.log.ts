// The log grows here: what waits in line gets its place, its hash goes into the tree, and all of it is one transaction. One
// adds at a time, whichever of several orchestrators it is: who adds holds the head's row. It signs nothing.

import { bytesToHex, utf8ToBytes } from '@noble/hashes/utils.js';
import type { EntityManager } from 'typeorm';
import { z } from 'zod';
import { AUDIT_TYPE, type AuditEntry, auditEntry, sealed } from '../../core/audit/entry.js';
import { EMPTY_LOG, edgeRoot, grown, type LogEdge, readEdge } from '../../core/audit/growing-log.js';
import { parseTilePath, TILE_WIDTH } from '../../core/audit/tile-path.js';
import { Fault } from '../../core/fault.js';
import type { Randomness } from '../../core/randomness.js';
import { canonicalJson } from '../../core/statements/canonical-json.js';
import type { DatabaseDoor } from '../database/database.js';
import { forUpdate, inPowers, insertNew, marks, padded, rows, run, sqlInteger } from '../database/sql.js';
import {
  AuditEntryRow,
  AuditHeadRow,
  AuditSealedRow,
  AuditSubjectRow,
  AuditTileRow,
  auditSources,
} from './audit.entity.js';
import {
  type Draft,
  draftsOf,
  type Placed,
  type PlacedKey,
  RECORD_MALFORMED,
  RECORD_MISSING,
  withoutRecord,
} from './records.js';
import { storedLog, tileRow } from './stored-tiles.js';

export type AuditFaultCode =
  /** Entries and tiles in the database do not lead to the root that stands there: somebody edited it. */
  | 'audit-log-damaged'
  /** Somebody has put an entry where none is yet: the record that it names would never come into the log. */
  | 'audit-entry-beyond-end';

export interface AuditHead {
  readonly size: number;
  /** Hex. */
  readonly root: string;
}

/** What is added in one transaction at most. */
const MOST_AT_ONCE = 256;
const SALT_BYTES = 32;
/** What the log says of who wrote an entry: which of several orchestrators it was is in the record. */
const PROGRAM = 'orchestrator';

export class AuditLog {
  /** The right edge as it was left; another orchestrator may have gone on since. */
  private edge: LogEdge = EMPTY_LOG;

  constructor(
    private readonly database: DatabaseDoor,
    private readonly randomness: Randomness,
    private readonly deploymentId: string,
  ) {}

  async head(): Promise<AuditHead> {
    return this.database.read(headOf);
  }

  /** Gives whatever waits its place, at most 256 at a time; how many left the line. Throws an AuditFaultCode. */
  async add(): Promise<number> {
    const added = await this.database.transaction(async (db) => {
      const head = await headForUpdate(db);
      const line = await rows(db, lineRow, LINE);
      if (line.length === 0) return undefined;
      await requireNoneBeyond(db, head);
      const edge = await this.edgeAt(db, head);
      const fresh = await notLogged(db, line, head);
      const grown = fresh.length === 0 ? edge : await this.store(db, edge, await draftsOf(db, fresh));
      const places = padded(line.map(({ place }) => place));
      await run(db, `DELETE FROM audit_waiting WHERE ordinal IN (${marks(places)})`, places);
      return { edge: grown, count: line.length };
    });
    if (!added) return 0;
    this.edge = added.edge;
    return added.count;
  }

  /** What is known of the edge is only used where it is that of the head as it stands. */
  private async edgeAt(db: EntityManager, { size, root }: AuditHead): Promise<LogEdge> {
    if (this.edge.size === size && bytesToHex(edgeRoot(this.edge)) === root) return this.edge;
    const read = await readEdge(storedLog(db, size));
    if (read.kind === 'refused' || bytesToHex(edgeRoot(read.value)) !== root) {
      throw new Fault<AuditFaultCode>('audit-log-damaged', 'the stored audit log does not lead to its root', {
        facts: { size, ...(read.kind === 'refused' ? { code: read.code, ...read.facts } : {}) },
      });
    }
    return read.value;
  }

  private async store(db: EntityManager, before: LogEdge, waiting: readonly Placed[]): Promise<LogEdge> {
    const entries = waiting.map((one, at) => this.entryOf(one, before.size + at));
    const { edge, files } = grown(
      before,
      entries.map(({ row }) => utf8ToBytes(row.entry)),
    );
    for (const piece of inPowers(entries.map(({ row }) => row))) await db.insert(AuditEntryRow, [...piece]);
    for (const piece of inPowers(entries.flatMap((one) => one.subjects)))
      await db.insert(AuditSubjectRow, [...piece]);
    for (const piece of inPowers(entries.flatMap((one) => one.secrets)))
      await db.insert(AuditSealedRow, [...piece]);
    const tiles = files.flatMap(({ path, bytes }) => {
      const name = parseTilePath(path);
      const isKept = name !== undefined && name.level !== 'entries' && name.width === TILE_WIDTH;
      return isKept ? [tileRow(Number(name.level), name.index, bytes)] : [];
    });
    // One that stands there already was put there by somebody else: no proof leads over it, and fsck names it.
    for (const tile of tiles) await insertNew(db, AuditTileRow, tile);
    await db.update(AuditHeadRow, { onlyOne: 1 }, { size: edge.size, root: bytesToHex(edgeRoot(edge)) });
    return edge;
  }

  private entryOf(one: Placed, sequence: number) {
    const made = this.made(one.draft, sequence);
    // Nobody could read it as an entry, and it would stay for good: of such a record it is said that it makes no sense.
    const { entry, secrets } = auditEntry.safeParse(made.entry).success
      ? made
      : this.made(withoutRecord(one, RECORD_MALFORMED, one.draft.record), sequence);
    const { source, keyB, keyC, place } = one;
    // Whoever puts a record in line before it is there must not take its place in the log.
    const keyA = one.draft.what === RECORD_MISSING ? `${one.keyA} ${RECORD_MISSING} ${place}` : one.keyA;
    const { kind, atMs } = entry;
    return {
      row: { sequence, source, keyA, keyB, keyC, kind, atMs, entry: canonicalJson(entry) },
      subjects: uniqueSubjects(entry).map(({ kind, id }) => ({ kind, id, sequence })),
      secrets,
    };
  }

  private made(draft: Draft, sequence: number) {
    const values = [...draft.sealed, { name: 'note' as const, value: draft.record }];
    const salted = values.map(({ name, value }) => {
      const salt = this.randomness.bytes(SALT_BYTES);
      return { name, value, salt, sealed: sealed(name, value, salt) };
    });
    const entry: AuditEntry = {
      type: AUDIT_TYPE,
      deploymentId: this.deploymentId,
      sequence,
      atMs: draft.atMs,
      kind: draft.kind,
      what: draft.what,
      program: PROGRAM,
      subjects: draft.subjects,
      sealed: salted.map((one) => one.sealed),
    };
    const secrets = salted.map(({ name, value, salt }) => ({
      sequence,
      name,
      salt: bytesToHex(salt),
      value: name === 'note' ? null : value,
    }));
    return { entry, secrets };
  }
}

const LINE = `SELECT ordinal AS place, source, key_a, key_b, key_c FROM audit_waiting ORDER BY ordinal LIMIT ${MOST_AT_ONCE}`;
const lineRow = z.object({
  place: sqlInteger,
  source: z.string(),
  key_a: z.string(),
  key_b: z.string(),
  key_c: z.string(),
});
const loggedRow = z.object({ place: sqlInteger, sequence: sqlInteger });
const nextRow = z.object({ next: sqlInteger.nullable() });
const sourceOf = z.enum(auditSources);

/**
 * Of those in line, what is to be logged: each record once, and none that was logged before. No trigger puts anything else
 * there; whoever does must not stop the log with it.
 */
async function notLogged(
  db: EntityManager,
  line: readonly z.infer<typeof lineRow>[],
  head: AuditHead,
): Promise<PlacedKey[]> {
  const byKey = new Map<string, PlacedKey>();
  for (const { place, source, key_a: keyA, key_b: keyB, key_c: keyC } of line) {
    const known = sourceOf.safeParse(source);
    const name = JSON.stringify([source, keyA, keyB, keyC]);
    if (known.success && !byKey.has(name)) byKey.set(name, { place, source: known.data, keyA, keyB, keyC });
  }
  const [first, last] = [line.at(0)?.place ?? 0, line.at(-1)?.place ?? 0];
  const logged = await rows(
    db,
    loggedRow,
    `SELECT w.ordinal AS place, e.sequence FROM audit_waiting w JOIN audit_entries e
      ON e.source = w.source AND e.key_a = w.key_a AND e.key_b = w.key_b AND e.key_c = w.key_c
      WHERE w.ordinal BETWEEN ? AND ?`,
    [first, last],
  );
  // Somebody may have been faster than the look before.
  const beyond = logged.find(({ sequence }) => sequence >= head.size);
  if (beyond) throw beyondEnd(head, beyond.sequence);
  const known = new Set(logged.map(({ place }) => place));
  return [...byKey.values()].filter(({ place }) => !known.has(place));
}

function beyondEnd({ size }: AuditHead, sequence: number): Fault<AuditFaultCode> {
  return new Fault('audit-entry-beyond-end', 'an entry of the audit log stands beyond its end', {
    facts: { size, sequence },
  });
}

/** Whoever may insert and nothing else could otherwise keep a record out of the log that is to come. */
async function requireNoneBeyond(db: EntityManager, head: AuditHead): Promise<void> {
  const [found] = await rows(
    db,
    nextRow,
    'SELECT MIN(sequence) AS next FROM audit_entries WHERE sequence >= ?',
    [head.size],
  );
  const next = found?.next ?? null;
  if (next !== null) throw beyondEnd(head, next);
}

function uniqueSubjects({ subjects }: AuditEntry): AuditEntry['subjects'] {
  return subjects.filter(
    ({ kind, id }, at) => subjects.findIndex((other) => other.kind === kind && other.id === id) === at,
  );
}

export async function headOf(db: EntityManager): Promise<AuditHead> {
  const row = await db.findOneBy(AuditHeadRow, { onlyOne: 1 });
  return requiredHead(row);
}

async function headForUpdate(db: EntityManager): Promise<AuditHead> {
  const select = db.createQueryBuilder(AuditHeadRow, 'head').where('head.onlyOne = 1');
  return requiredHead(await forUpdate(db, select).getOne());
}

function requiredHead(row: AuditHeadRow | null): AuditHead {
  if (row === null) {
    throw new Fault<AuditFaultCode>('audit-log-damaged', 'the head of the audit log is not there');
  }
  return { size: row.size, root: row.root };
}
