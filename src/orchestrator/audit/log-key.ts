// The log's keys as governance names them.

import { hexToBytes } from '@noble/hashes/utils.js';
import type { NoteKey } from '../../core/audit/note.js';
import type { AuditLog, GovernanceEntry } from '../../core/governance/entry.js';
import type { GovernanceState } from '../../core/governance/state.js';

function keyOf({ origin, key }: AuditLog): NoteKey {
  return { name: origin, publicKey: hexToBytes(key.publicKey) };
}

/** The one that signs now; undefined where none was named. */
export function logKeyOf({ auditLog }: GovernanceState): NoteKey | undefined {
  return auditLog && keyOf(auditLog);
}

/** All that it ever had, in their order: what a former one signed stays signed. Of a log that was replayed. */
export function logKeysIn(entries: readonly GovernanceEntry[]): NoteKey[] {
  return entries.flatMap(({ body: { change } }) =>
    change.kind === 'audit-log-set' ? [keyOf(change.auditLog)] : [],
  );
}
