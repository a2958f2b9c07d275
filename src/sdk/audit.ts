// The audit log through the API: looking things up, and copying its public form. Nothing of it is believed here: who keeps a
// copy checks it against a checkpoint with the log's key.

import { z } from 'zod';
import { auditEntry } from '../core/audit/entry.js';
import { CHECKPOINT_PATH } from '../core/audit/tile-path.js';
import type { Outcome } from '../core/fault.js';
import { identifier } from '../core/statements/fields.js';
import { type Api, sdkFault } from './api.js';

export const auditItem = z.object({
  entry: auditEntry,
  person: identifier.nullable(),
  record: z.string(),
});
export type AuditItem = z.infer<typeof auditItem>;

const auditPage = z.object({ items: z.array(auditItem), nextBefore: z.int().nullable() });
export type AuditPage = z.infer<typeof auditPage>;

/** Filters as the API has them, as text. */
export type AuditFilters = Readonly<Record<string, string | undefined>>;

export function findAudit(api: Api, filters: AuditFilters): Promise<Outcome<AuditPage>> {
  return api.get('/v1/audit', auditPage, filters);
}

const auditFile = z.object({ path: z.string(), bytes: z.base64() });

/** Faults `api-answer-malformed` for another file than the one that was asked for. */
export async function readAuditFile(api: Api, path: string): Promise<Outcome<Uint8Array>> {
  const file = await api.get('/v1/audit/file', auditFile, { path });
  if (file.kind === 'refused') return file;
  if (file.value.path !== path) {
    throw sdkFault('api-answer-malformed', 'the answer is another file of the audit log', { path });
  }
  return { kind: 'accepted', value: new Uint8Array(Buffer.from(file.value.bytes, 'base64')) };
}

export function readAuditCheckpoint(api: Api): Promise<Outcome<Uint8Array>> {
  return readAuditFile(api, CHECKPOINT_PATH);
}
