// The log's key as governance names it.

import { hexToBytes } from '@noble/hashes/utils.js';
import type { NoteKey } from '../../core/audit/note.js';
import type { GovernanceState } from '../../core/governance/state.js';

export function logKeyOf({ auditLog }: Pick<GovernanceState, 'auditLog'>): NoteKey | undefined {
  return auditLog && { name: auditLog.origin, publicKey: hexToBytes(auditLog.key.publicKey) };
}
