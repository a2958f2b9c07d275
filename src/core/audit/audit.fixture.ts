// A written audit log with a key in memory, for tests and benchmarks alone: a deployment's key is on its token.

import { ed25519 } from '@noble/curves/ed25519.js';
import { portableVerifier } from '../statements/signature.js';
import { signCheckpoint } from './checkpoint.js';
import { AUDIT_TYPE, type AuditEntry, auditEntryBytes, auditKind, sealed } from './entry.js';
import { edgeRoot } from './growing-log.js';
import { logOf } from './log.fixture.js';
import type { NoteKey } from './note.js';
import type { PublicForm } from './public-form.js';
import { CHECKPOINT_PATH } from './tile-path.js';

const secret = new Uint8Array(32).fill(7);
export const auditKey: NoteKey = { name: 'exchange.example/audit', publicKey: ed25519.getPublicKey(secret) };

export function signAudit(message: Uint8Array): Promise<Uint8Array> {
  return Promise.resolve(ed25519.sign(message, secret));
}

export function entryAt(sequence: number, altered: Partial<AuditEntry> = {}): AuditEntry {
  const kinds = auditKind.options;
  return {
    type: AUDIT_TYPE,
    deploymentId: 'ab'.repeat(32),
    sequence,
    atMs: 1_700_000_000_000 + sequence,
    kind: kinds[sequence % kinds.length] ?? 'transition',
    what: 'approved',
    program: 'orchestrator-1',
    subjects: [{ kind: 'transfer', id: `tr-${sequence}` }],
    sealed: [sealed('person', 'alice', new Uint8Array(32).fill(sequence % 256))],
    ...altered,
  };
}

export function entriesUpTo(size: number): readonly Uint8Array[] {
  return Array.from({ length: size }, (_, sequence) => auditEntryBytes(entryAt(sequence)));
}

/** All files of a log of these entries, written in batches, with the signed checkpoint. */
export async function writtenLog(
  entries: readonly Uint8Array[],
  batches: readonly number[] = [entries.length],
): Promise<Map<string, Uint8Array>> {
  const { edge, files } = logOf(entries, batches);
  const checkpoint = { size: edge.size, root: edgeRoot(edge) };
  files.set(CHECKPOINT_PATH, await signCheckpoint(checkpoint, auditKey, signAudit, portableVerifier));
  return files;
}

export function publicFormOf(files: ReadonlyMap<string, Uint8Array>): PublicForm {
  return { paths: [...files.keys()], readTile: (path) => Promise.resolve(files.get(path)) };
}
