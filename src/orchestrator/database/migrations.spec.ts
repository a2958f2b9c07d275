// What was written before a migration is there after it. On SQLite, which is the one that has to make tables anew; the
// integration tests run every migration on PostgreSQL too.

import { copyFileSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from '@jest/globals';
import { z } from 'zod';
import { Database } from './database.js';
import { migrationsFolder } from './migrate.js';
import { rows, run } from './sql.js';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'portcullis-migrations-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

const open = (migrations: string) =>
  Database.open({
    url: `sqlite:${join(folder, 'orchestrator.db')}`,
    entities: [],
    clock: { nowMs: () => 1 },
    migrationsFolder: migrations,
  });

/** A folder with the migrations that there were before one. */
function upTo(next: string): string {
  const before = join(folder, 'before');
  mkdirSync(before);
  for (const name of readdirSync(migrationsFolder()).filter((one) => one < next)) {
    copyFileSync(join(migrationsFolder(), name), join(before, name));
  }
  return before;
}

it('what was recorded before there was an audit log is in line for it, oldest first', async () => {
  const old = await open(upTo('0050'));
  await old.transaction(async (db) => {
    for (const sequence of [0, 1]) {
      await run(
        db,
        "INSERT INTO governance_entries (sequence, hash, entry, mirrored_at_ms) VALUES (?, 'h', '{}', 1)",
        [sequence],
      );
    }
  });
  await old.close();
  const now = await open(migrationsFolder());
  const waiting = await now.read((db) =>
    rows(
      db,
      z.object({ source: z.string(), key_a: z.string() }),
      'SELECT source, key_a FROM audit_waiting ORDER BY ordinal',
    ),
  );
  expect(waiting).toEqual(['0', '1'].map((key_a) => ({ source: 'governance', key_a })));
  await now.close();
});

it('burials and cancels from before they were logged are in line for it', async () => {
  const old = await open(upTo('0081'));
  await old.transaction(async (db) => {
    await run(
      db,
      `INSERT INTO transfers (transfer_id, request_id, request, request_digest, chain, wallet_id, requester, customer, state, reason, facts, version, signer_refusals, received_at_ms, updated_at_ms, expires_at_ms, burials)
        VALUES ('tr', 'r', '{}', 'd', 'c', 'w', 'r', 'c', 'settled', 'final', '{}', 1, 0, 1, 1, 1, 0)`,
    );
    await run(
      db,
      `INSERT INTO transactions (transaction_key, wallet_id, chain, ordinal, state, plan, max_fee, confirmations, facts, version, planned_at_ms, updated_at_ms)
        VALUES ('key', 'w', 'c', 1, 'released', '{}', '1', 0, '{}', 1, 1, 1)`,
    );
    await run(db, "INSERT INTO transaction_cancels VALUES ('key', 'tr', 'person:ada', 1)");
    await run(db, "INSERT INTO burials VALUES (7, '{}', 'person:ada', 1)");
  });
  await old.close();
  const now = await open(migrationsFolder());
  const waiting = await now.read((db) =>
    rows(
      db,
      z.record(z.string(), z.string()),
      'SELECT source, key_a, key_b, key_c FROM audit_waiting ORDER BY ordinal',
    ),
  );
  expect(waiting).toEqual([
    { source: 'cancel', key_a: 'key', key_b: 'tr', key_c: '' },
    { source: 'burial', key_a: '7', key_b: '', key_c: '' },
  ]);
  await now.close();
});

it('certificates from before they were logged are in line for it, but for those that were begun only', async () => {
  const old = await open(upTo('0094'));
  await old.transaction(async (db) => {
    for (const [ordinal, outcome] of [
      [1, 'signed'],
      [2, 'begun'],
      [3, 'ended'],
    ] as const)
      await run(db, "INSERT INTO certificates VALUES (?, ?, '{}', 0)", [ordinal, outcome]);
  });
  await old.close();
  const now = await open(migrationsFolder());
  const waiting = await now.read((db) =>
    rows(
      db,
      z.object({ source: z.string(), key_a: z.string() }),
      'SELECT source, key_a FROM audit_waiting ORDER BY ordinal',
    ),
  );
  expect(waiting).toEqual(['1', '3'].map((key_a) => ({ source: 'certificate', key_a })));
  await now.close();
});

it('checkpoints are those of the log that their notes name, and stay as they are', async () => {
  const old = await open(upTo('0080'));
  await old.transaction(async (db) => {
    for (const [size, note] of [
      [3, 'a.example/log\n3\nroot\n'],
      [4, 'no line end'],
    ] as const) {
      await run(db, 'INSERT INTO audit_checkpoints (size, note, signed_at_ms) VALUES (?, ?, 1)', [
        size,
        note,
      ]);
    }
  });
  await old.close();
  const now = await open(migrationsFolder());
  const found = await now.read((db) =>
    rows(
      db,
      z.object({ origin: z.string(), size: z.int(), note: z.string() }),
      'SELECT origin, size, note FROM audit_checkpoints ORDER BY size',
    ),
  );
  expect(found).toEqual([
    { origin: 'a.example/log', size: 3, note: 'a.example/log\n3\nroot\n' },
    { origin: '', size: 4, note: 'no line end' },
  ]);
  for (const change of ['UPDATE audit_checkpoints SET size = 5', 'DELETE FROM audit_checkpoints'])
    await expect(now.transaction((db) => run(db, change))).rejects.toThrow(/append-only/);
  await now.close();
});

it('nonces and their transactions outlive the migration that lets a transfer have another one', async () => {
  const before = upTo('0040');
  const old = await open(before);
  await old.transaction(async (db) => {
    await run(
      db,
      "INSERT INTO ethereum_wallets (wallet_id, chain, address, next_nonce, plans_made) VALUES ('hot', 'eip155:1', '0x1', 2, 2)",
    );
    for (const nonce of [0, 1]) {
      await run(db, 'INSERT INTO ethereum_nonces (wallet_id, nonce, transfer_id) VALUES (?, ?, ?)', [
        'hot',
        nonce,
        `tr-${nonce}`,
      ]);
      await run(
        db,
        "INSERT INTO ethereum_transactions (transaction_key, wallet_id, nonce, state, transaction_id, plan, outflow_wei) VALUES (?, 'hot', ?, ?, ?, '{}', '5')",
        [`key-${nonce}`, nonce, nonce === 0 ? 'signed' : 'unsigned', nonce === 0 ? '0xid' : null],
      );
    }
  });
  await old.close();

  const now = await open(migrationsFolder());
  await now.transaction(async (db) => {
    const kept = await rows(
      db,
      z.record(z.string(), z.unknown()),
      'SELECT n.transfer_id, n.dead, t.transaction_key, t.state FROM ethereum_nonces n JOIN ethereum_transactions t ON t.wallet_id = n.wallet_id AND t.nonce = n.nonce ORDER BY n.nonce',
    );
    expect(kept).toEqual([
      { transfer_id: 'tr-0', dead: 0, transaction_key: 'key-0', state: 'signed' },
      { transfer_id: 'tr-1', dead: 0, transaction_key: 'key-1', state: 'unsigned' },
    ]);
  });
  const second = (transferId: string, nonce: number) =>
    now.transaction((db) =>
      run(db, 'INSERT INTO ethereum_nonces (wallet_id, nonce, transfer_id) VALUES (?, ?, ?)', [
        'hot',
        nonce,
        transferId,
      ]),
    );
  await expect(second('tr-0', 2)).rejects.toThrow(/UNIQUE/);
  await now.transaction((db) => run(db, 'UPDATE ethereum_nonces SET dead = 1 WHERE nonce = 0'));
  await second('tr-0', 2);
  // A transaction still needs its nonce.
  await expect(
    now.transaction((db) =>
      run(
        db,
        "INSERT INTO ethereum_transactions (transaction_key, wallet_id, nonce, state, plan, outflow_wei) VALUES ('key-9', 'hot', 9, 'unsigned', '{}', '5')",
      ),
    ),
  ).rejects.toThrow(/FOREIGN KEY/);
  await now.close();
});

it("what was paid before each wallet remembered it is nobody's use of it, and can still be taken for", async () => {
  const old = await open(upTo('0090'));
  await old.transaction((db) =>
    run(
      db,
      "INSERT INTO paid_destinations (chain, address, look, signed_at_ms) VALUES ('eip155:1', '0xab', 'ab', 7)",
      [],
    ),
  );
  await old.close();
  const now = await open(migrationsFolder());
  const paid = await now.read((db) =>
    rows(
      db,
      z.object({ wallet_id: z.string(), address: z.string(), look: z.string() }),
      'SELECT wallet_id, address, look FROM paid_by_wallet',
    ),
  );
  expect(paid).toEqual([{ wallet_id: '', address: '0xab', look: 'ab' }]);
  await now.close();
});
