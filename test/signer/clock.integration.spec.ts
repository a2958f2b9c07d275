// A signer whose host's clock is turned while it runs: it signs nothing until the host is right again, or a quorum says the time.

import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Deployment, type Officer } from '../../devnet/deployment.js';
import { codeOf, type SocketClient } from '../../devnet/socket-client.js';
import { coin, payTo, psbt } from '../../devnet/transactions.js';
import type { SigningOrder } from '../../src/core/authorization/signing-order.js';
import { p2wpkhScript } from '../../src/core/intents/bitcoin/address.js';
import { MAX_DIVERGENCE_MS } from '../../src/signer/signer-clock.js';

const HOUR_MS = 3_600_000;
const DESTINATION = 'bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080';

let deployment: Deployment;
let signer: SocketClient;
let own: string;
let amount = 100_000n;

beforeAll(async () => {
  deployment = await Deployment.create();
  signer = await deployment.start();
  own = p2wpkhScript(deployment.publicKeys.bitcoin);
});
afterAll(() => deployment.destroy());

/** Asked for by a backend whose clock is right. */
function paying(createdAtMs = deployment.time.wall): SigningOrder {
  amount += 1n;
  const times = { createdAtMs, expiresAtMs: createdAtMs + HOUR_MS };
  const request = deployment.request({ amount: amount.toString(), destination: DESTINATION, ...times });
  const outputs = [payTo(DESTINATION, amount), { script: own, amountSats: 998_000n - amount }];
  return {
    wallet: 'hot-btc',
    transaction: psbt([coin(own, 1_000_000n)], outputs),
    transfers: [deployment.transfer(request)],
  };
}

async function sayTime(timeMs: number, officers: readonly Officer[]): Promise<string> {
  const entry = deployment.entry({ kind: 'time-set', timeMs }, officers);
  const code = codeOf(await signer.ask({ verb: 'governance-append', entry }));
  if (code === 'done') deployment.log.push(entry);
  return code;
}

describe.each([
  ['ahead', 1],
  ['back', -1],
])('a signer whose clock is set %s', (_, sign) => {
  it('goes on within the bound, stops beyond it, and goes on when the host is right again', async () => {
    const right = deployment.time.wall;
    deployment.time.wall = right + sign * MAX_DIVERGENCE_MS;
    expect(codeOf(await signer.sign(paying(right)))).toBe('done');
    deployment.time.wall += sign;
    const order = paying(right);
    expect(await signer.sign(order)).toMatchObject({
      kind: 'refused',
      code: 'clock-diverged',
      facts: { hostMs: right + sign * (MAX_DIVERGENCE_MS + 1), expectedMs: right },
    });
    deployment.time.wall = right;
    expect(codeOf(await signer.sign(order))).toBe('done');
  });

  it('gives again what it has signed, and takes a freeze, whatever its clock says', async () => {
    const right = deployment.time.wall;
    const order = paying(right);
    expect(codeOf(await signer.sign(order))).toBe('done');
    deployment.time.wall = right + sign * 5 * HOUR_MS;
    expect(codeOf(await signer.sign(order))).toBe('done');
    const { alice, bob } = deployment;
    const scope = { kind: 'wallet', walletId: 'hot-eth' } as const;
    for (const [change, officers] of [
      [{ kind: 'frozen', scope, why: 'drill' }, [alice]],
      [{ kind: 'thawed', scope }, [alice, bob]],
    ] as const) {
      const entry = deployment.entry(change, officers);
      expect(codeOf(await signer.ask({ verb: 'governance-append', entry }))).toBe('done');
      deployment.log.push(entry);
    }
    deployment.time.wall = right;
  });
});

describe('a quorum that says the time', () => {
  it('has the signer trust a host that says the same, and no other', async () => {
    const { alice, bob, time } = deployment;
    // The machine was asleep: its clock has gone on, and what the signer measures has not.
    time.wall += 5 * HOUR_MS;
    const order = paying();
    expect(codeOf(await signer.sign(order))).toBe('clock-diverged');
    expect(await sayTime(time.wall, [alice])).toBe('governance-quorum-missing');
    expect(await sayTime(time.wall - 5 * HOUR_MS, [alice, bob])).toBe('clock-not-agreed');
    expect(codeOf(await signer.sign(order))).toBe('clock-diverged');
    expect(await sayTime(time.wall - MAX_DIVERGENCE_MS, [alice, bob])).toBe('done');
    expect(codeOf(await signer.sign(order))).toBe('done');
  });

  it('has what expires go on from what the host says', async () => {
    const { time } = deployment;
    const before = await nowOf();
    time.wall += 5 * HOUR_MS;
    expect(await sayTime(time.wall, [deployment.alice, deployment.bob])).toBe('done');
    expect((await nowOf()) - before).toBe(5 * HOUR_MS);
  });

  it('does not bring back to life what had expired', async () => {
    const { alice, bob, time } = deployment;
    const dead = paying();
    time.advance(HOUR_MS);
    expect(codeOf(await signer.sign(dead))).toBe('request-expired');
    time.wall -= HOUR_MS;
    expect(await sayTime(time.wall, [alice, bob])).toBe('done');
    expect(codeOf(await signer.sign(dead))).toBe('request-expired');
  });
});

async function nowOf(): Promise<number> {
  const answer = await signer.ask({ verb: 'status', transferIds: [] });
  if (answer.kind !== 'done') throw new Error(codeOf(answer));
  return (answer.result as { nowMs: number }).nowMs;
}
