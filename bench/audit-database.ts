// audit-database: what the audit log costs on SQLite, synced to the disk: records added to a log of 1,000,000 entries, proofs
// from it, and a check of all of it against its records. The records are written beforehand, and not timed.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { proveConsistency } from '../src/core/audit/prove.js';
import {
  REQUEST_TYPE,
  type RequestStatement,
  requestDigest,
  transferIdOf,
} from '../src/core/statements/request.js';
import { auditEntities } from '../src/orchestrator/audit/audit.entity.js';
import { AuditLog } from '../src/orchestrator/audit/audit.log.js';
import { Fsck } from '../src/orchestrator/audit/fsck.js';
import { storedLog } from '../src/orchestrator/audit/stored-tiles.js';
import { Database } from '../src/orchestrator/database/database.js';
import { run } from '../src/orchestrator/database/sql.js';
import { nativeVerifier } from '../src/platform/native-verifier.js';
import { systemClock } from '../src/platform/system-clock.js';
import { systemRandomness } from '../src/platform/system-randomness.js';
import { type Benchmark, measure, type Result, type Settings } from './benchmark.js';

const SAMPLE = 5_120;
/** Of a transfer: a withdrawal leaves eleven entries. */
const MOVES = 10;

const STATEMENT: RequestStatement = {
  type: REQUEST_TYPE,
  deploymentId: 'ab'.repeat(32),
  requestId: '',
  keyId: 'exchange-1',
  kind: 'withdrawal',
  chain: 'eip155:1',
  wallet: 'hot-eth',
  asset: { kind: 'native', symbol: 'ETH', decimals: 18 },
  amount: '1000000000000000000',
  destination: '0x0000000000000000000000000000000000000001',
  feeCeiling: '1000000000000000',
  requester: 'payouts',
  customer: 'customer',
  createdAtMs: 1,
  expiresAtMs: 2,
};

class LogInDatabase {
  private records = 0;

  private constructor(
    private readonly folder: string,
    readonly database: Database,
    private readonly log: AuditLog,
  ) {}

  static async of(size: number): Promise<LogInDatabase> {
    const folder = mkdtempSync(join(tmpdir(), 'portcullis-audit-'));
    const url = `sqlite:${join(folder, 'orchestrator.db')}`;
    const database = await Database.open({ url, entities: auditEntities, clock: systemClock });
    const log = new LogInDatabase(
      folder,
      database,
      new AuditLog(database, systemRandomness, 'ab'.repeat(32)),
    );
    await log.record(size);
    await log.add();
    return log;
  }

  /** So many transitions more, each in line for the log, of transfers that went through a few. */
  async record(count: number): Promise<void> {
    await this.database.transaction(async (db) => {
      for (const end = this.records + count; this.records < end; this.records += MOVES) {
        const statement = { ...STATEMENT, requestId: `request-${this.records}` };
        const digest = requestDigest(statement);
        const transferId = transferIdOf(digest);
        const request = JSON.stringify({ statement, signature: '0'.repeat(128) });
        await run(
          db,
          `INSERT INTO transfers (transfer_id, request_id, request, request_digest, chain, wallet_id, requester, customer, state, reason, facts, version, signer_refusals, received_at_ms, updated_at_ms, expires_at_ms, burials)
           VALUES (?, ?, ?, ?, 'eip155:1', 'hot-eth', 'payouts', 'customer', 'settled', 'final', '{}', ${MOVES}, 0, 1, 1, 2, 0)`,
          [transferId, statement.requestId, request, digest],
        );
        await run(
          db,
          `INSERT INTO transitions (transfer_id, version, from_state, to_state, reason, facts, at_ms, moved_by)
           SELECT ?, i, 'confirming', 'settled', 'final', '{}', i, 'orchestrator-1'
           FROM (WITH RECURSIVE c(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM c WHERE i < ${MOVES}) SELECT i FROM c)`,
          [transferId],
        );
      }
    });
  }

  async add(): Promise<void> {
    for (let added = await this.log.add(); added > 0; added = await this.log.add());
  }

  /** Entries a second, each on the disk. */
  async appended(): Promise<number> {
    await this.record(SAMPLE);
    const before = performance.now();
    await this.add();
    return (SAMPLE * 1_000) / (performance.now() - before);
  }

  /** Milliseconds for the proof that a checkpoint is asked for with: of the last 1,000 entries. */
  async proved(): Promise<number> {
    const { size } = await this.log.head();
    const before = performance.now();
    const proof = await this.database.read((db) => proveConsistency(storedLog(db, size), size - 1_000, size));
    if (proof.kind === 'refused') throw new Error(proof.code);
    return performance.now() - before;
  }

  /** Entries a second that are held against their records. */
  async checked(): Promise<number> {
    const before = performance.now();
    const { entries, findings } = await this.database.read((db) => new Fsck(db, nativeVerifier, []).run());
    if (findings.length > 0) throw new Error(`the log does not agree: ${findings[0]?.kind}`);
    return (entries * 1_000) / (performance.now() - before);
  }

  async close(): Promise<void> {
    await this.database.close();
    rmSync(this.folder, { recursive: true, force: true });
  }
}

async function results({ quick }: Settings): Promise<Result[]> {
  const [large, small] = [
    await LogInDatabase.of(quick ? 20_000 : 1_000_000),
    await LogInDatabase.of(quick ? 5_000 : 10_000),
  ];
  try {
    const contest = (
      name: string,
      unit: string,
      samples: number,
      take: (log: LogInDatabase) => Promise<number>,
    ) => measure({ name, unit, samples, subject: () => take(large), baseline: () => take(small) });
    return [
      await contest('audit-database', 'entries/s', quick ? 2 : 5, (log) => log.appended()),
      await contest('audit-database/prove-growth', 'ms', quick ? 5 : 20, (log) => log.proved()),
      await contest('audit-database/fsck', 'entries/s', 1, (log) => log.checked()),
    ];
  } finally {
    await large.close();
    await small.close();
  }
}

export const auditDatabaseBenchmark: Benchmark = {
  name: 'audit-database',
  says: 'the audit log on SQLite with 1,000,000 entries against one with 10,000: added and synced, proved, checked',
  run: async (settings) => ({ results: await results(settings), notes: [] }),
};
