// Looking things up in the log: by what an entry is about, who did it, of what kind it is and when. What is answered is what
// the log says, with what its salted hashes stand for where that is still known.

import { hexToBytes, utf8ToBytes } from '@noble/hashes/utils.js';
import { type EntityManager, In } from 'typeorm';
import { z } from 'zod';
import { type AuditEntry, type AuditKind, parseAuditEntry, sealed } from '../../core/audit/entry.js';
import { marks, padded, rows, sqlInteger } from '../database/sql.js';
import { AuditSealedRow, auditSources, isSalt } from './audit.entity.js';
import { credentialsOf } from './credentials.js';
import { draftsOf, type PlacedKey } from './records.js';

export interface AuditQuery {
  readonly subjects: readonly AuditEntry['subjects'][number][];
  /** What they did or signed, with whatever credential they ever had. */
  readonly person?: string;
  readonly kind?: AuditKind;
  /** Milliseconds since 1970, by the clocks of the programs; from included, to not. */
  readonly fromMs?: number;
  readonly toMs?: number;
  /** Only entries before this place. */
  readonly before?: number;
  readonly limit: number;
}

export interface AuditItem {
  readonly entry: AuditEntry;
  /** Who did it; null where it is nobody's or was forgotten. */
  readonly person: string | null;
  /** The record as the database has it now, as JSON; whether it is what was logged is for fsck. */
  readonly record: string;
}

export interface AuditPage {
  /** Newest first. */
  readonly items: readonly AuditItem[];
  /** `before` of the next page; null on the last one. */
  readonly nextBefore: number | null;
}

const found = z.object({ sequence: sqlInteger });

interface Condition {
  readonly text: string;
  readonly parameters: readonly (string | number)[];
}

/** A wallet or a policy has most of the log: what is about fewer entries leads. */
const COMMON: readonly string[] = ['wallet', 'policy'];

/** What a person did, where it is still known who it was, and what was signed with a credential of theirs. */
function byPerson(person: string, credentials: readonly string[]): Condition {
  const sealed = "SELECT sequence FROM audit_sealed WHERE name = 'person' AND value = ?";
  if (credentials.length === 0) return { text: sealed, parameters: [person] };
  const ids = padded(credentials);
  return {
    text: `${sealed} UNION SELECT sequence FROM audit_subjects WHERE kind = 'credential' AND id IN (${marks(ids)})`,
    parameters: [person, ...ids],
  };
}

/** One condition leads, by an index that is in the order of the log; each other one is asked of what it finds. */
function statementOf(query: AuditQuery, credentials: readonly string[]): Condition {
  const about = (isCommon: boolean): Condition[] =>
    query.subjects
      .filter(({ kind }) => COMMON.includes(kind) === isCommon)
      .map(({ kind, id }) => ({
        text: 'SELECT sequence FROM audit_subjects WHERE kind = ? AND id = ?',
        parameters: [kind, id],
      }));
  const by = query.person === undefined ? [] : [byPerson(query.person, credentials)];
  const [lead, ...others] = [...about(false), ...by, ...about(true)];
  const conditions: Condition[] = others.map(({ text, parameters }) => ({
    text: `EXISTS (SELECT 1 FROM (${text}) o WHERE o.sequence = e.sequence)`,
    parameters,
  }));
  if (query.kind !== undefined) conditions.push({ text: 'e.kind = ?', parameters: [query.kind] });
  if (query.fromMs !== undefined) conditions.push({ text: 'e.at_ms >= ?', parameters: [query.fromMs] });
  if (query.toMs !== undefined) conditions.push({ text: 'e.at_ms < ?', parameters: [query.toMs] });
  if (query.before !== undefined) conditions.push({ text: 'e.sequence < ?', parameters: [query.before] });
  const source = lead
    ? `(${lead.text}) l JOIN audit_entries e ON e.sequence = l.sequence`
    : 'audit_entries e';
  const where = conditions.length === 0 ? '' : `WHERE ${conditions.map(({ text }) => text).join(' AND ')}`;
  return {
    text: `SELECT e.sequence FROM ${source} ${where} ORDER BY ${lead ? 'l' : 'e'}.sequence DESC LIMIT ?`,
    parameters: [
      ...(lead?.parameters ?? []),
      ...conditions.flatMap(({ parameters }) => parameters),
      query.limit + 1,
    ],
  };
}

export async function searchAudit(db: EntityManager, query: AuditQuery): Promise<AuditPage> {
  const credentials = query.person === undefined ? [] : await credentialsOf(db, query.person);
  const { text, parameters } = statementOf(query, credentials);
  const all = (await rows(db, found, text, parameters)).map(({ sequence }) => sequence);
  const page = all.slice(0, query.limit);
  const items = page.length === 0 ? [] : await itemsOf(db, page);
  return { items, nextBefore: all.length > page.length ? (page.at(-1) ?? null) : null };
}

const itemRow = z.object({
  sequence: sqlInteger,
  source: z.string(),
  key_a: z.string(),
  key_b: z.string(),
  key_c: z.string(),
  entry: z.string(),
});
const sourceOf = z.enum(auditSources);

async function itemsOf(db: EntityManager, sequences: readonly number[]): Promise<AuditItem[]> {
  const wanted = padded(sequences);
  const found = await rows(
    db,
    itemRow,
    `SELECT sequence, source, key_a, key_b, key_c, entry FROM audit_entries WHERE sequence IN (${marks(wanted)})`,
    wanted,
  );
  const people = await db.find(AuditSealedRow, { where: { sequence: In([...wanted]), name: 'person' } });
  const keys = found.flatMap((row): PlacedKey[] => {
    const source = sourceOf.safeParse(row.source);
    const { sequence: place, key_a: keyA, key_b: keyB, key_c: keyC } = row;
    return source.success ? [{ place, source: source.data, keyA, keyB, keyC }] : [];
  });
  const records = new Map((await draftsOf(db, keys)).map(({ place, draft }) => [place, draft.record]));
  return sequences.flatMap((sequence) => {
    const text = found.find((one) => one.sequence === sequence)?.entry;
    const parsed = text === undefined ? undefined : parseAuditEntry(utf8ToBytes(text), sequence);
    // What is no entry any more is for fsck to name.
    if (parsed?.kind !== 'accepted') return [];
    const secret = people.find((one) => one.sequence === sequence);
    return [
      {
        entry: parsed.value,
        person: secret ? personIn(parsed.value, secret) : null,
        record: records.get(sequence) ?? '',
      },
    ];
  });
}

/** Whom the entry's own hash stands for: not a name that somebody has put beside it. */
function personIn({ sealed: hashes }: AuditEntry, { salt, value }: AuditSealedRow): string | null {
  const isMeant =
    value !== null &&
    isSalt(salt) &&
    hashes.some(({ name, hash }) => name === 'person' && hash === sealed(name, value, hexToBytes(salt)).hash);
  return isMeant ? value : null;
}
