import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { Session, SessionPool } from './session-pool.js';
import { tokenFault } from './token-fault.js';

function poolOf(size: number): SessionPool {
  return new SessionPool(Array.from({ length: size }, (_, at) => new Session(Buffer.alloc(8, at), at === 0)));
}

describe('a session pool', () => {
  it('never gives a session to two at once, and serves everybody', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 5 }),
        fc.array(fc.boolean(), { maxLength: 40 }),
        async (size, wishes) => {
          const pool = poolOf(size);
          const inUse = new Set<Session>();
          await Promise.all(
            wishes.map(async (writable, at) => {
              const session = await pool.take(writable);
              expect(inUse.has(session)).toBe(false);
              expect(session.writable || !writable).toBe(true);
              inUse.add(session);
              for (let turn = 0; turn < at % 4; turn += 1) await Promise.resolve();
              inUse.delete(session);
              pool.give(session);
            }),
          );
          await pool.drained();
          expect(inUse.size).toBe(0);
        },
      ),
    );
  });

  it('keeps the writable session for writers while others are free', async () => {
    const pool = poolOf(3);
    expect((await pool.take(false)).writable).toBe(false);
    expect((await pool.take(false)).writable).toBe(false);
    expect((await pool.take(false)).writable).toBe(true);
  });

  it('signs on its only session too', async () => {
    expect((await poolOf(1).take(false)).writable).toBe(true);
  });

  it('refuses those who wait and those who come when it is retired, and drains when the last session is back', async () => {
    const pool = poolOf(1);
    const session = await pool.take(true);
    const waiting = [pool.take(true), pool.take(false)];
    const retired = expect.objectContaining({ code: 'session-lost' });
    const refusals = Promise.all(waiting.map((one) => expect(one).rejects.toEqual(retired)));
    pool.retire(tokenFault('session-lost', 'gone'));
    await refusals;
    await expect(pool.take(false)).rejects.toEqual(retired);
    let drained = false;
    const draining = pool.drained().then(() => {
      drained = true;
    });
    await Promise.resolve();
    expect(drained).toBe(false);
    pool.give(session);
    await draining;
    expect(drained).toBe(true);
  });
});
