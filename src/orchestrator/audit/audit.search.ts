// Looking things up in the log: by what an entry is about, who did it, of what kind it is and when. What is answered is what
// the log says, with what its salted hashes stand for where that is still known.

import { type EntityManager, In } from 'typeorm';
import { z } from 'zod';
import { type AuditEntry, type AuditKind, auditEntry } from '../../core/audit/entry.js';
import { rows, sqlInteger } from '../database/sql.js';
import { AuditEntryRow, AuditSealedRow } from './audit.entity.js';
import { draftsOf } from './records.js';

export interface AuditQuery {
  readonly subjects: readonly AuditEntry['subjects'][number][];
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

/** The rarest kind of condition leads, by an index that is in the order of the log; each other one is asked of what it finds. */
function statementOf(query: AuditQuery): Condition {
  const about = query.subjects.map(
    ({ kind, id }): Condition => ({
      text: 'SELECT sequence FROM audit_subjects WHERE kind = ? AND id = ?',
      parameters: [kind, id],
    }),
  );
  const by: readonly Condition[] =
    query.person === undefined
      ? []
      : [
          {
            text: "SELECT sequence FROM audit_sealed WHERE name = 'person' AND value = ?",
            parameters: [query.person],
          },
        ];
  const [lead, ...others] = [...about, ...by];
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
    text: `SELECT e.sequence FROM ${source} ${where} ORDER BY e.sequence DESC LIMIT ?`,
    parameters: [
      ...(lead?.parameters ?? []),
      ...conditions.flatMap(({ parameters }) => parameters),
      query.limit + 1,
    ],
  };
}

export async function searchAudit(db: EntityManager, query: AuditQuery): Promise<AuditPage> {
  const { text, parameters } = statementOf(query);
  const all = (await rows(db, found, text, parameters)).map(({ sequence }) => sequence);
  const page = all.slice(0, query.limit);
  const items = page.length === 0 ? [] : await itemsOf(db, page);
  return { items, nextBefore: all.length > page.length ? (page.at(-1) ?? null) : null };
}

async function itemsOf(db: EntityManager, sequences: readonly number[]): Promise<AuditItem[]> {
  const [entries, people, placed] = [
    await db.find(AuditEntryRow, { where: { sequence: In([...sequences]) } }),
    await db.find(AuditSealedRow, { where: { sequence: In([...sequences]), name: 'person' } }),
    await draftsOf(db, {
      select: `SELECT sequence AS place, source, key_a, key_b, key_c FROM audit_entries WHERE sequence IN (${sequences.map(() => '?').join(', ')}) ORDER BY sequence`,
      parameters: sequences,
    }),
  ];
  return sequences.flatMap((sequence) => {
    const row = entries.find((one) => one.sequence === sequence);
    const record = placed.find(({ place }) => place === sequence)?.draft.record ?? '';
    const person = people.find((one) => one.sequence === sequence)?.value ?? null;
    return row ? [{ entry: auditEntry.parse(JSON.parse(row.entry)), person, record }] : [];
  });
}
