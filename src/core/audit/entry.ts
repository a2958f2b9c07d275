// An entry of the audit log: what happened, to what, when, and which program says so. It goes to auditors and stays for good,
// so whatever names a person is in it as a salted hash alone: when salt and value are deleted where they are kept, nothing
// here leads back to anybody. docs/audit-log.md describes it.

import { sha256 } from '@noble/hashes/sha2.js';
import { bytesToHex, concatBytes, utf8ToBytes } from '@noble/hashes/utils.js';
import { z } from 'zod';
import { accepted, Fault, type Outcome, refused } from '../fault.js';
import { canonicalBytes, canonicalJson } from '../statements/canonical-json.js';
import { identifier, sha256Hex, timestampMs, wholeNumber } from '../statements/fields.js';
import { textOfUtf8 } from './texts.js';

export const AUDIT_TYPE = 'portcullis/audit/v1';

export const auditKind = z.enum([
  /** A transfer went from one state to another. */
  'transition',
  /** Policies were asked. */
  'decision',
  /** An officer's verdict came in, for or against. */
  'approval',
  /** Somebody was told no. */
  'refusal',
  /** An entry of the governance log was accepted. */
  'governance',
  /** Somebody came in, or tried to. */
  'login',
  /** Somebody saw what not everybody sees. */
  'admin-read',
]);
export type AuditKind = z.infer<typeof auditKind>;

const subjectKind = z.enum([
  'transfer',
  'request',
  'wallet',
  'governance-entry',
  'proposal',
  'policy',
  'credential',
  'key',
]);

/** A digest over a salt and what must not stand here. */
const sealedValue = z.strictObject({
  name: z.enum(['person', 'customer', 'destination', 'network-address', 'device', 'note']),
  hash: sha256Hex,
});
export type SealedValue = z.infer<typeof sealedValue>;

export const auditEntry = z.strictObject({
  type: z.literal(AUDIT_TYPE),
  deploymentId: sha256Hex,
  /** Its place in the log, from 0. */
  sequence: wholeNumber(0),
  /** By the clock of the program that wrote it: clocks go back, the order is that of the log. */
  atMs: timestampMs,
  kind: auditKind,
  /** What happened, in the writing program's own closed words: a state, a refusal code, a verdict. */
  what: identifier,
  /** The program that says so. */
  program: identifier,
  subjects: z.array(z.strictObject({ kind: subjectKind, id: identifier })).max(16),
  sealed: z.array(sealedValue).max(16),
});
export type AuditEntry = z.infer<typeof auditEntry>;

export type AuditEntryRefusalCode = 'audit-entry-malformed' | 'audit-entry-other-place';
export type AuditEntryFaultCode = 'audit-salt-short' | 'audit-entry-invalid';

const SALT_BYTES = 32;

/** Whoever knows salt and value can show what was meant; nobody can guess it. The salt is fresh for each value. */
export function sealed(name: SealedValue['name'], value: string, salt: Uint8Array): SealedValue {
  if (salt.length !== SALT_BYTES) {
    throw new Fault<AuditEntryFaultCode>('audit-salt-short', 'a salt has 32 bytes', {
      facts: { bytes: salt.length },
    });
  }
  return { name, hash: bytesToHex(sha256(concatBytes(salt, utf8ToBytes(value)))) };
}

/**
 * What goes into the log: RFC 8785 canonical JSON, far below the 65,535 bytes that an entry may have. Throws
 * `audit-entry-invalid` for what nobody could read as an entry: it would stay for good.
 */
export function auditEntryBytes(entry: AuditEntry): Uint8Array {
  const parsed = auditEntry.safeParse(entry);
  if (!parsed.success) {
    const where = parsed.error.issues[0]?.path.map(String).join('.') ?? '';
    throw new Fault<AuditEntryFaultCode>('audit-entry-invalid', 'not of the form of an audit entry', {
      facts: { where },
      cause: parsed.error,
    });
  }
  return canonicalBytes(entry);
}

/** The entry at this place of a log. Input is hostile; any spelling but the canonical one is refused. */
export function parseAuditEntry(
  bytes: Uint8Array,
  sequence: number,
): Outcome<AuditEntry, AuditEntryRefusalCode> {
  const entry = entryOf(bytes);
  if (entry === undefined) return refused('audit-entry-malformed', { sequence });
  return entry.sequence === sequence
    ? accepted(entry)
    : refused('audit-entry-other-place', { sequence, says: entry.sequence });
}

function entryOf(bytes: Uint8Array): AuditEntry | undefined {
  const text = textOfUtf8(bytes);
  const parsed = auditEntry.safeParse(text === undefined ? undefined : jsonOf(text));
  return parsed.success && canonicalJson(parsed.data) === text ? parsed.data : undefined;
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // No JSON; nothing is what no schema accepts.
    return undefined;
  }
}
