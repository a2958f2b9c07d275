// The tables of the audit log. Shapes only. Whoever can write to the database can put anything in here: what the log is worth
// follows from checkpoints that others keep.

import { Column, Entity } from 'typeorm';
import { type AuditKind, auditKind } from '../../core/audit/entry.js';
import { integerColumn, oneOfColumn, textColumn, timeColumn } from '../database/columns.js';

/** Which table has the record that an entry is about. */
export const auditSources = [
  'transition',
  'approval',
  'governance',
  'call',
  'proposal',
  'signature',
  'cancel',
  'burial',
  'head',
  'certificate',
] as const;
export type AuditSource = (typeof auditSources)[number];

@Entity('audit_entries')
export class AuditEntryRow {
  @Column(integerColumn({ primary: true })) sequence!: number;
  @Column(oneOfColumn(auditSources)) source!: AuditSource;
  /** The key of its record; empty where that has fewer parts. */
  @Column(textColumn()) keyA!: string;
  @Column(textColumn()) keyB!: string;
  @Column(textColumn()) keyC!: string;
  @Column(oneOfColumn(auditKind.options)) kind!: AuditKind;
  @Column(timeColumn()) atMs!: number;
  /** Canonical JSON: exactly what its hash in the tree is over. */
  @Column(textColumn()) entry!: string;
}

@Entity('audit_subjects')
export class AuditSubjectRow {
  @Column(textColumn({ primary: true })) kind!: string;
  @Column(textColumn({ primary: true })) id!: string;
  @Column(integerColumn({ primary: true })) sequence!: number;
}

/** What a salted hash in an entry stands for. */
@Entity('audit_sealed')
export class AuditSealedRow {
  @Column(integerColumn({ primary: true })) sequence!: number;
  @Column(textColumn({ primary: true })) name!: string;
  /** 32 bytes, hex. */
  @Column(textColumn()) salt!: string;
  /** Null: the record that the entry is about. */
  @Column(textColumn({ nullable: true })) value!: string | null;
}

/** Anything may stand in the database where 32 bytes belong. */
export function isSalt(text: string): boolean {
  return /^[0-9a-f]{64}$/.test(text);
}

@Entity('audit_tiles')
export class AuditTileRow {
  @Column(integerColumn({ primary: true })) level!: number;
  @Column(integerColumn({ primary: true })) position!: number;
  /** 256 hashes of 32 bytes, one after the other, in base64. */
  @Column(textColumn()) hashes!: string;
  /** The hash above them, hex. */
  @Column(textColumn()) root!: string;
}

@Entity('audit_head')
export class AuditHeadRow {
  /** 1: there is one row. */
  @Column(integerColumn({ primary: true })) onlyOne!: number;
  @Column(integerColumn()) size!: number;
  /** Hex. */
  @Column(textColumn()) root!: string;
}

@Entity('audit_checkpoints')
export class AuditCheckpointRow {
  /** Of the log that it is a checkpoint of. */
  @Column(textColumn({ primary: true })) origin!: string;
  @Column(integerColumn({ primary: true })) size!: number;
  /** A signed note (C2SP tlog-checkpoint). */
  @Column(textColumn({ primary: true })) note!: string;
  @Column(timeColumn()) signedAtMs!: number;
}

@Entity('audit_calls')
export class AuditCallRow {
  @Column(textColumn({ primary: true })) callId!: string;
  @Column(textColumn({ primary: true })) kind!: string;
  @Column(textColumn()) what!: string;
  @Column(textColumn()) operation!: string;
  /** As `nameOf` a principal; null where nobody was known. */
  @Column(textColumn({ nullable: true })) principal!: string | null;
  @Column(timeColumn()) atMs!: number;
  /** Of how many calls this stands for that are not written down; null where it is one. */
  @Column(integerColumn({ nullable: true })) leftOut!: number | null;
  /** `kind:id` of what it is about, with blanks between; null where that is nothing in particular. */
  @Column(textColumn({ nullable: true })) about!: string | null;
  /** Of what was handed in; null where nothing was that something is done with before it is written down. */
  @Column(textColumn({ nullable: true })) bodySha256!: string | null;
}

export const auditEntities = [
  AuditEntryRow,
  AuditSubjectRow,
  AuditSealedRow,
  AuditTileRow,
  AuditHeadRow,
  AuditCheckpointRow,
  AuditCallRow,
];
