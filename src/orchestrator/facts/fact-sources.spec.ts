// Facts out of watchers that are silent, slow, huge, or lie: what is held is what the signer would believe, and nothing else.

import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { SignedFact } from '../../core/facts/fact.js';
import { factBy, NOW_MS, priceOf, screeningOf, stateWith, watching } from '../../core/facts/facts.fixture.js';
import { BITCOIN } from '../../core/governance/people.fixture.js';
import { nativeVerifier } from '../../platform/native-verifier.js';
import { FactSources } from './fact-sources.js';

const PRICE = `price/${BITCOIN}/native/USD`;
const one = watching('watcher-1');
const other = watching('watcher-2');
const state = stateWith(one, other);

let servers: Server[];
let nowMs: number;
let silent: string[];
let asked: string[];
const clock = { nowMs: () => nowMs };

beforeEach(() => {
  servers = [];
  silent = [];
  asked = [];
  nowMs = NOW_MS;
});
afterEach(() => {
  for (const server of servers) {
    server.closeAllConnections();
    server.close();
  }
});

/** A watcher that answers with what it is told to; undefined never answers. */
async function watcher(answer: () => string | undefined) {
  const server = createServer((request, response) => {
    asked.push(request.url ?? '');
    const text = answer();
    if (text !== undefined) response.end(text);
  });
  servers.push(server);
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, timeoutMs: 300 };
}

const stating =
  (...facts: readonly SignedFact[]) =>
  () =>
    JSON.stringify({ facts, missing: [] });

async function sourcesOf(...answers: readonly (() => string | undefined)[]): Promise<FactSources> {
  const watchers = await Promise.all(answers.map(watcher));
  return new FactSources(watchers, nativeVerifier, clock, (at) => silent.push(at));
}

describe('facts of watchers', () => {
  it('are asked for once in a while, each subject once, and held by key', async () => {
    const sources = await sourcesOf(
      stating(factBy(one, priceOf('60000'))),
      stating(factBy(other, priceOf('61000'))),
    );
    await sources.gather([PRICE, PRICE]);
    expect(sources.held(state, [PRICE, PRICE], nowMs).map(({ statement }) => statement.keyId)).toEqual([
      'watcher-1',
      'watcher-2',
    ]);
    expect(sources.known(state, [PRICE], `tr-${'0'.repeat(40)}`, nowMs).get(PRICE)).toHaveLength(2);
    expect(asked).toHaveLength(2);
    await sources.gather([PRICE]);
    expect(asked).toHaveLength(2);
    nowMs += 3_001;
    await sources.gather([PRICE]);
    expect(asked).toHaveLength(4);
  });

  it('are asked for once by all who want them at once, so that no earlier answer takes the place of a later one', async () => {
    const sources = await sourcesOf(stating(factBy(one, priceOf('60000'))));
    const first = sources.gather([PRICE]);
    nowMs += 3_001;
    await Promise.all([first, sources.gather([PRICE]), sources.gather([PRICE])]);
    expect(asked).toHaveLength(1);
    expect(sources.held(state, [PRICE], nowMs)).toHaveLength(1);
    await sources.gather([PRICE]);
    expect(asked).toHaveLength(2);
  });

  it('are not asked for about what no watcher can read, which would refuse all that is asked for with it', async () => {
    const sources = await sourcesOf(stating(factBy(one, priceOf('60000'))));
    await sources.gather([`screening/${BITCOIN}/BCRT1QW508D6QEJXTDG4Y5R3ZARVARY0C5XW7KYGT080`, PRICE, 'x']);
    expect(sources.held(state, [PRICE], nowMs)).toHaveLength(1);
    expect(asked).toEqual([`/facts?${new URLSearchParams({ subject: PRICE }).toString()}`]);
  });

  it('are not held when the signer would not believe them', async () => {
    const { statement, signature } = factBy(one, priceOf('60000'));
    const forged = { statement: { ...statement, content: priceOf('1') }, signature };
    for (const fact of [
      forged,
      factBy(watching('mallory'), priceOf('1')),
      factBy(one, priceOf('1'), { observedAtMs: NOW_MS - 300_001 }),
      factBy(one, priceOf('1'), { deploymentId: 'ab'.repeat(32) }),
    ]) {
      const sources = await sourcesOf(stating(fact));
      await sources.gather([PRICE]);
      expect(sources.held(state, [PRICE], nowMs)).toEqual([]);
      expect(sources.known(state, [PRICE], '', nowMs).size).toBe(0);
    }
  });

  it('are no answer to another question', async () => {
    const sources = await sourcesOf(
      stating(factBy(one, screeningOf('bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080'))),
    );
    await sources.gather([PRICE]);
    expect(sources.held(state, [PRICE], nowMs)).toEqual([]);
  });

  it('are missing where a watcher is silent, broken or endless, and the others are heard all the same', async () => {
    const good = stating(factBy(one, priceOf('60000')));
    for (const bad of [
      () => undefined,
      () => 'no JSON',
      () => '{"facts":[{"statement":1}]}',
      () => JSON.stringify({ facts: Array(33).fill(factBy(other, priceOf('1'))) }),
      () => `{"facts":[],"x":"${'x'.repeat(600_000)}"}`,
    ]) {
      silent = [];
      const sources = await sourcesOf(bad, good);
      await sources.gather([PRICE]);
      expect(sources.held(state, [PRICE], nowMs)).toHaveLength(1);
      expect(silent).toHaveLength(1);
    }
  });

  it('stay when a watcher falls silent, until they are too old', async () => {
    let text: string | undefined = stating(factBy(one, priceOf('60000')))();
    const sources = await sourcesOf(() => text);
    await sources.gather([PRICE]);
    text = undefined;
    nowMs += 10_000;
    await sources.gather([PRICE]);
    expect(sources.held(state, [PRICE], nowMs)).toHaveLength(1);
    nowMs += 300_000;
    expect(sources.held(state, [PRICE], nowMs)).toEqual([]);
  });

  it('are the newest of a key that two watchers pass on', async () => {
    const sources = await sourcesOf(
      stating(factBy(one, priceOf('60000'), { sequence: 8 })),
      stating(factBy(one, priceOf('1'), { sequence: 7 })),
    );
    await sources.gather([PRICE]);
    expect(sources.held(state, [PRICE], nowMs).map(({ statement }) => statement.sequence)).toEqual([8]);
  });

  it('are nothing where there is no watcher', async () => {
    const sources = new FactSources([], nativeVerifier, clock, (at) => silent.push(at));
    await sources.gather([PRICE]);
    expect(sources.isServed).toBe(false);
    expect(sources.held(state, [PRICE], nowMs)).toEqual([]);
  });
});
