// Checkpoints of the log: the signer signs one only with a proof that the log has grown from the one that it signed before,
// and makes the text itself. What it answers is opened with the key that governance names before it is kept.

import { bytesToHex, utf8ToBytes } from '@noble/hashes/utils.js';
import { LessThanOrEqual } from 'typeorm';
import { type Checkpoint, openCheckpoint } from '../../core/audit/checkpoint.js';
import type { NoteKey } from '../../core/audit/note.js';
import { proveConsistency } from '../../core/audit/prove.js';
import type { Clock } from '../../core/clock.js';
import { Fault } from '../../core/fault.js';
import type { SignatureVerifier } from '../../core/statements/signature.js';
import type { Growth } from '../../signer-protocol/messages.js';
import type { DatabaseDoor } from '../database/database.js';
import { insertNew } from '../database/sql.js';
import type { SignerClient } from '../signer-client/signer-client.js';
import { AuditCheckpointRow } from './audit.entity.js';
import { headOf } from './audit.log.js';
import { storedLog } from './stored-tiles.js';

export type CheckpointFaultCode =
  /** The signer does not sign it: the log here is not the one that it knows, or governance names none. */
  | 'audit-checkpoint-refused'
  /** What it answered is no checkpoint of this log. */
  | 'audit-checkpoint-wrong'
  /** The log in the database is not whole. */
  | 'audit-log-unprovable';

/** What checkpoints ask of the signer. */
export type CheckpointSource = Pick<SignerClient, 'checkpoint'>;

export interface CheckpointParts {
  readonly database: DatabaseDoor;
  readonly signer: CheckpointSource;
  readonly verifier: SignatureVerifier;
  readonly clock: Clock;
  /** All keys of the log that governance names now, the one that signs last; none where it names none. */
  readonly keys: () => readonly NoteKey[];
}

export interface CheckpointPace {
  /** Signed once so many entries came since the last one, */
  readonly entries: number;
  /** or this long after it, if any came. */
  readonly ms: number;
}

/** So many of what somebody may have put there are looked at: whoever asks every second must not be kept busy with it. */
const MOST_LOOKED_AT = 64;

export class Checkpoints {
  constructor(
    private readonly parts: CheckpointParts,
    private readonly pace: CheckpointPace,
  ) {}

  /**
   * The newest one that is kept of the log that governance names now, and of no more entries than there are. Anybody may have
   * put something there: what a key of the log has not signed is passed over.
   */
  async newest(): Promise<AuditCheckpointRow | undefined> {
    const { database, keys } = this.parts;
    const logKeys = keys();
    const origin = logKeys.at(-1)?.name;
    if (origin === undefined) return undefined;
    const found = await database.read(async (db) => {
      const { size } = await headOf(db);
      return db.find(AuditCheckpointRow, {
        where: { origin, size: LessThanOrEqual(size) },
        order: { size: 'DESC', note: 'ASC' },
        take: MOST_LOOKED_AT,
      });
    });
    return found.find((row) => this.isSigned(row, logKeys));
  }

  private isSigned({ size, note }: AuditCheckpointRow, keys: readonly NoteKey[]): boolean {
    return keys.some((key) => {
      const opened = openCheckpoint(utf8ToBytes(note), key, this.parts.verifier);
      return opened.kind === 'accepted' && opened.value.size === size;
    });
  }

  /** Has one signed where it is time. False where there is nothing to sign, or nobody to. */
  async signIfDue(): Promise<boolean> {
    const { database, clock, keys } = this.parts;
    const last = await this.newest();
    const { size } = await database.read(headOf);
    const grown = size - (last?.size ?? 0);
    const sinceMs = Math.abs(clock.nowMs() - (last?.signedAtMs ?? 0));
    const isDue = grown >= this.pace.entries || (grown > 0 && sinceMs >= this.pace.ms);
    const logKey = keys().at(-1);
    if (!isDue || logKey === undefined) return false;
    return this.sign(last?.size ?? 0, logKey);
  }

  private async sign(lastSize: number, key: NoteKey): Promise<boolean> {
    const { signer } = this.parts;
    let asked = await this.asking(lastSize);
    let answer = await signer.checkpoint(asked);
    const signed = answer.kind === 'refused' ? answer.facts.signed : undefined;
    if (typeof signed === 'number' && signed !== lastSize) {
      // Another orchestrator was faster, or the answer to this one was lost.
      asked = await this.asking(signed);
      answer = await signer.checkpoint(asked);
    }
    if (answer.kind === 'refused') {
      // Several of us asked, or this one often: the log has not to wait long.
      if (answer.code === 'checkpoint-too-soon') return false;
      throw new Fault<CheckpointFaultCode>(
        'audit-checkpoint-refused',
        'the signer does not sign a checkpoint of this log',
        { facts: { ...answer.facts, signerCode: answer.code, size: asked.size } },
      );
    }
    await this.keep(Buffer.from(answer.value.note, 'base64'), asked, key);
    return true;
  }

  private async asking(from: number): Promise<Growth> {
    return this.parts.database.read(async (db) => {
      const { size, root } = await headOf(db);
      const proof = await proveConsistency(storedLog(db, size), from, size);
      if (proof.kind === 'refused') {
        throw new Fault<CheckpointFaultCode>('audit-log-unprovable', 'the stored audit log is not whole', {
          facts: { ...proof.facts, code: proof.code },
        });
      }
      return { from, size, root, path: proof.value.path.map(bytesToHex) };
    });
  }

  private async keep(note: Uint8Array, asked: Growth, key: NoteKey): Promise<void> {
    const { database, verifier, clock } = this.parts;
    const opened = openCheckpoint(note, key, verifier);
    if (opened.kind === 'refused' || !isOf(opened.value, asked)) {
      throw new Fault<CheckpointFaultCode>(
        'audit-checkpoint-wrong',
        'the signer answered with another checkpoint',
        {
          facts: { size: asked.size, ...(opened.kind === 'refused' ? { code: opened.code } : {}) },
        },
      );
    }
    const row = {
      origin: key.name,
      size: asked.size,
      note: Buffer.from(note).toString('utf8'),
      signedAtMs: clock.nowMs(),
    };
    await database.transaction((db) => insertNew(db, AuditCheckpointRow, row));
  }
}

function isOf({ size, root }: Checkpoint, asked: Growth): boolean {
  return size === asked.size && bytesToHex(root) === asked.root;
}
