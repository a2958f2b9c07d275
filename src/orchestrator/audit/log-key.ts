// The keys of audit logs as governance names them: of a log that was replayed.

import { hexToBytes } from '@noble/hashes/utils.js';
import type { NoteKey } from '../../core/audit/note.js';
import type { AuditLog } from '../../core/governance/entry.js';
import type { GovernanceState } from '../../core/governance/state.js';

function keyOf({ origin, key }: AuditLog): NoteKey {
  return { name: origin, publicKey: hexToBytes(key.publicKey) };
}

/** All that there ever were, in their order, closed logs' included: what a former one signed stays signed. */
export function allLogKeys({ auditLogs }: Pick<GovernanceState, 'auditLogs'>): NoteKey[] {
  return auditLogs.map(keyOf);
}

/** All that the log in force ever had, the one that signs now last; none where governance has named no log. */
export function logKeysOf({
  auditLog,
  auditLogs,
}: Pick<GovernanceState, 'auditLog' | 'auditLogs'>): NoteKey[] {
  return auditLogs.filter(({ origin }) => origin === auditLog?.origin).map(keyOf);
}
