// Idempotency keys. A key is bound to a call in the very transaction of the call's effect, so:
// - a call without an effect (refused, failed, crashed before) binds nothing, and the key is as good as new;
// - after a crash between effect and answer the key is bound and has no answer: the same call makes it again;
// - of two calls at once, the second waits in the database for the first, then undoes its own effect and gives the
//   first one's answer.
// There is no state "in progress", and so none that a crash could leave behind.

import { Injectable } from '@nestjs/common';
import { accepted, Fault, type Outcome, refused } from '../../core/fault.js';
import type { Alongside } from '../database/alongside.js';
import { Database } from '../database/database.js';
import { insertNew, run } from '../database/sql.js';
import { BoundKey } from './idempotency.entity.js';

export type IdempotencyRefusalCode = 'idempotency-key-reused';

/** `idempotency-key-bound`: the very same call was faster; its effect stands, and this one's is undone. */
export type IdempotencyFaultCode = IdempotencyRefusalCode | 'idempotency-key-bound';

/** What a keyed call is recognised by. */
export interface KeyedCall {
  readonly principal: string;
  readonly key: string;
  readonly fingerprint: string;
}

/** `new`: nothing was done under this key. `bound`: the effect is there, the answer never was. `answered`: with this JSON. */
export type Earlier =
  | { readonly kind: 'new' }
  | { readonly kind: 'bound' }
  | { readonly kind: 'answered'; readonly answer: string };

@Injectable()
export class IdempotencyStore {
  constructor(private readonly database: Database) {}

  async earlier(call: KeyedCall): Promise<Outcome<Earlier, IdempotencyRefusalCode>> {
    const row = await this.database.read((db) => db.findOneBy(BoundKey, place(call)));
    if (!row) return accepted({ kind: 'new' });
    if (row.fingerprint !== call.fingerprint) return reused(call);
    return accepted(row.answer === null ? { kind: 'bound' } : { kind: 'answered', answer: row.answer });
  }

  /**
   * Binds the key, inside the effect's transaction. Throws when a call has bound it meanwhile, which undoes the effect:
   * Fault `idempotency-key-bound` when it was the same call, `idempotency-key-reused` when it was another.
   */
  binding(call: KeyedCall, expiresAtMs: number): Alongside {
    return async (db) => {
      const bound: BoundKey = { ...place(call), fingerprint: call.fingerprint, answer: null, expiresAtMs };
      if (await insertNew(db, BoundKey, bound)) return;
      const row = await db.findOneBy(BoundKey, place(call));
      const same = row?.fingerprint === call.fingerprint;
      throw new Fault<IdempotencyFaultCode>(
        same ? 'idempotency-key-bound' : 'idempotency-key-reused',
        'a call has bound the key meanwhile',
        { facts: { idempotencyKey: call.key } },
      );
    };
  }

  /**
   * Keeps the answer unless one is kept already, and returns the one that is kept: of two calls at once both get the
   * same. A key that nothing has bound keeps nothing.
   */
  async answer(call: KeyedCall, answer: string): Promise<string> {
    return this.database.transaction(async (db) => {
      await run(
        db,
        'UPDATE idempotency_keys SET answer = ? WHERE principal = ? AND idempotency_key = ? AND fingerprint = ? AND answer IS NULL',
        [answer, call.principal, call.key, call.fingerprint],
      );
      const row = await db.findOneBy(BoundKey, { ...place(call), fingerprint: call.fingerprint });
      return row?.answer ?? answer;
    });
  }

  /** Forgets keys whose time is over. */
  async purge(nowMs: number): Promise<void> {
    await this.database.transaction((db) =>
      run(db, 'DELETE FROM idempotency_keys WHERE expires_at_ms < ?', [nowMs]),
    );
  }
}

function place(call: KeyedCall): { principal: string; idempotencyKey: string } {
  return { principal: call.principal, idempotencyKey: call.key };
}

export function reused(call: KeyedCall): ReturnType<typeof refused<IdempotencyRefusalCode>> {
  return refused('idempotency-key-reused', { idempotencyKey: call.key });
}
