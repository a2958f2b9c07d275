// A log over records that a pipeline really left, and a signer for its checkpoints that asks for proof as the real one does.
// For tests alone.

import { randomBytes } from 'node:crypto';
import { bytesToHex, hexToBytes } from '@noble/hashes/utils.js';
import { auditKey, signAudit } from '../../core/audit/audit.fixture.js';
import { signCheckpoint } from '../../core/audit/checkpoint.js';
import { EMPTY_ROOT } from '../../core/audit/merkle.js';
import type { NoteKey } from '../../core/audit/note.js';
import { verifyConsistency } from '../../core/audit/verify-proof.js';
import { accepted, type Outcome, refused } from '../../core/fault.js';
import { nativeVerifier } from '../../platform/native-verifier.js';
import type { CheckpointResult, Growth } from '../../signer-protocol/messages.js';
import type { Database } from '../database/database.js';
import { run } from '../database/sql.js';
import type { Life, Stage } from '../transfers/stage.fixture.js';
import { AuditLog } from './audit.log.js';
import type { CheckpointSource } from './checkpoints.js';

export const randomness = {
  bytes: (length: number) => new Uint8Array(randomBytes(length)),
  fraction: () => 0,
};

const ETH = '000000000000000000';

/** A transfer that was paid and is final; its id. */
export async function paid(stage: Stage, life: Life): Promise<string> {
  const { transferId } = await life.submitted(stage.cast.request(`1${ETH}`));
  await life.live(5);
  return transferId;
}

export function logOf(stage: Stage, life: Life): AuditLog {
  return new AuditLog(life.database, randomness, stage.cast.deploymentId);
}

export async function addAll(log: AuditLog): Promise<void> {
  for (let added = await log.add(); added > 0; added = await log.add());
}

/** As somebody would who owns the database. */
export function edited(database: Database, ...statements: readonly string[]): Promise<void> {
  return database.transaction(async (db) => {
    for (const statement of statements) await run(db, statement);
  });
}

/** So many calls that are refused, each a record. */
export function refusals(database: Database, name: string, count: number): Promise<void> {
  const calls = Array.from(
    { length: count },
    (_, at) =>
      `INSERT INTO audit_calls (call_id, kind, what, operation, principal, at_ms) VALUES ('${name}-${at}', 'refusal', 'officers-only', 'getStatus', 'person:ada', ${at})`,
  );
  return edited(database, ...calls);
}

export class ScriptedCheckpoints implements CheckpointSource {
  /** Of the log that is signed now; an earlier one's is no more. */
  key: NoteKey = auditKey;
  size = 0;
  root = bytesToHex(EMPTY_ROOT);
  /** What goes wrong on the way back, once. */
  mishap: 'lost' | 'another' | 'too-soon' | undefined;

  /** As the signer does when a quorum has named a log of another origin. */
  begin(origin: string): NoteKey {
    this.key = { ...auditKey, name: origin };
    this.size = 0;
    this.root = bytesToHex(EMPTY_ROOT);
    return this.key;
  }

  async checkpoint({ from, size, root, path }: Growth): Promise<Outcome<CheckpointResult>> {
    if (this.mishap === 'too-soon') {
      this.mishap = undefined;
      return refused('checkpoint-too-soon', { waitMs: 2_000, signed: this.size, signedRoot: this.root });
    }
    if (from !== this.size) return refused('checkpoint-from-other', { from, signed: this.size });
    const proof = { from, size, path: path.map(hexToBytes) };
    const verified = verifyConsistency(proof, hexToBytes(this.root), hexToBytes(root));
    if (verified.kind === 'refused')
      return refused('checkpoint-not-consistent', { proof: verified.code, signed: this.size });
    Object.assign(this, { size, root });
    const { mishap } = this;
    this.mishap = undefined;
    if (mishap === 'lost') throw new Error('the answer was lost');
    const signed = { size: mishap === 'another' ? size + 1 : size, root: hexToBytes(root) };
    const note = await signCheckpoint(signed, this.key, signAudit, nativeVerifier);
    return accepted({ note: Buffer.from(note).toString('base64'), size });
  }
}
