// The store of idempotency keys alone: what a second call under a key is told at each moment of the first one.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { Fault } from '../../core/fault.js';
import { Database } from '../database/database.js';
import { BoundKey } from './idempotency.entity.js';
import { IdempotencyStore, type KeyedCall } from './idempotency.store.js';

const CALL: KeyedCall = { principal: 'request-key:backend', key: 'payout-0001', fingerprint: 'aa' };
const OTHER: KeyedCall = { ...CALL, fingerprint: 'bb' };

let folder: string;
let database: Database;
let store: IdempotencyStore;
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'portcullis-idempotency-'));
  const url = `sqlite:${join(folder, 'test.db')}`;
  database = await Database.open({ url, entities: [BoundKey], clock: { nowMs: () => 1 } });
  store = new IdempotencyStore(database);
});
afterEach(async () => {
  await database.close();
  rmSync(folder, { recursive: true });
});

/** Binds a key in a transaction of its own, which is undone when the store says so. */
function bound(call: KeyedCall): Promise<string> {
  return database
    .transaction((db) => store.binding(call, 10)(db))
    .then(
      () => 'bound',
      (error: unknown) => (error instanceof Fault ? error.code : String(error)),
    );
}

describe('an idempotency key', () => {
  it('is new until the effect of its call is there, and answers from then on', async () => {
    expect(await store.earlier(CALL)).toMatchObject({ value: { kind: 'new' } });
    expect(await bound(CALL)).toBe('bound');
    expect(await store.earlier(CALL)).toMatchObject({ value: { kind: 'bound' } });
    expect(await store.answer(CALL, '{"first":true}')).toBe('{"first":true}');
    expect(await store.answer(CALL, '{"first":false}')).toBe('{"first":true}');
    expect(await store.earlier(CALL)).toMatchObject({
      value: { kind: 'answered', answer: '{"first":true}' },
    });
  });

  it('undoes the effect of the same call when that was faster (idempotency-key-bound)', async () => {
    expect(await bound(CALL)).toBe('bound');
    expect(await bound(CALL)).toBe('idempotency-key-bound');
  });

  it('undoes the effect of another call when one was faster (idempotency-key-reused)', async () => {
    expect(await bound(CALL)).toBe('bound');
    expect(await bound(OTHER)).toBe('idempotency-key-reused');
  });

  it('refuses another call (idempotency-key-reused), with or without an answer', async () => {
    await bound(CALL);
    expect(await store.earlier(OTHER)).toMatchObject({ kind: 'refused', code: 'idempotency-key-reused' });
    await store.answer(CALL, '{}');
    expect(await store.earlier(OTHER)).toMatchObject({ kind: 'refused', code: 'idempotency-key-reused' });
  });

  it("is each principal's own", async () => {
    await bound(CALL);
    expect(await bound({ ...OTHER, principal: 'person:alice' })).toBe('bound');
  });
});
