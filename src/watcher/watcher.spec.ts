// Two questions about one thing while its source is slow: what was seen earlier never comes under a higher number than what was
// seen later, and nobody is told that something is newer than the look at it.

import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { FactSubject, SignedFact } from '../core/facts/fact.js';
import { BITCOIN } from '../core/governance/people.fixture.js';
import { watcherConfig } from './config.js';
import { Sequence } from './sequence.js';
import { Watcher } from './watcher.js';

const BEGIN_MS = 1_760_000_000_000;
const price = (currency: 'USD' | 'EUR'): FactSubject => ({
  kind: 'price',
  chain: BITCOIN,
  contract: 'native',
  currency,
});

let place: string;
let source: Server;
/** Questions that the source has heard and not answered yet, in their order. */
let open: { readonly path: string; readonly response: ServerResponse }[];
let nowMs: number;
let watcher: Watcher;

beforeEach(async () => {
  place = mkdtempSync(join(tmpdir(), 'portcullis-watcher-spec-'));
  open = [];
  nowMs = BEGIN_MS;
  source = createServer((request, response) => {
    open.push({ path: request.url ?? '', response });
  });
  await new Promise<void>((resolve) => {
    source.listen(0, '127.0.0.1', resolve);
  });
  const { port } = source.address() as AddressInfo;
  const of = (currency: string, authorizationFile?: string) => ({
    chain: BITCOIN,
    currency,
    sources: [
      {
        name: 'one',
        place: {
          url: `http://127.0.0.1:${port}/${currency}`,
          ...(authorizationFile === undefined ? {} : { authorizationFile }),
        },
        pointer: '/price',
      },
    ],
    leastSources: 1,
    maxSpreadBasisPoints: 100,
  });
  const config = watcherConfig.parse({
    deploymentId: 'ab'.repeat(32),
    key: { keyId: 'watcher-1', file: 'nowhere' },
    sequenceFile: join(place, 'sequence'),
    keepMs: 1_000,
    timeoutMs: 20_000,
    prices: [of('USD'), of('EUR')],
    screenings: [
      {
        kind: 'http',
        chains: ['eip155:1'],
        url: `http://127.0.0.1:${port}/{address}`,
        resultPointer: '/result',
        riskPointer: '/risk',
      },
      {
        kind: 'http',
        chains: [BITCOIN],
        url: `http://127.0.0.1:${port}/{address}`,
        authorizationFile: join(place, 'is-not-there'),
        resultPointer: '/result',
        riskPointer: '/risk',
      },
    ],
  });
  Sequence.create(config.sequenceFile, 1);
  const signer = { deploymentId: config.deploymentId, keyId: 'watcher-1', sign: () => new Uint8Array(64) };
  watcher = new Watcher(config, signer, Sequence.open(config.sequenceFile), { nowMs: () => nowMs });
});
afterEach(() => {
  source.closeAllConnections();
  source.close();
  rmSync(place, { recursive: true, force: true });
});

/** The next question that the source hears. */
async function heard(path: string): Promise<ServerResponse> {
  for (let tries = 0; tries < 2_000; tries += 1) {
    const at = open.findIndex((one) => one.path === path);
    const [found] = at < 0 ? [] : open.splice(at, 1);
    if (found) return found.response;
    await sleep(5);
  }
  throw new Error(`the source was never asked for ${path}`);
}

async function stated(about: FactSubject): Promise<SignedFact['statement']> {
  const fact = await watcher.fact(about);
  if (fact.kind === 'refused') throw new Error(fact.code);
  return fact.value.statement;
}

describe('a look at a source that is slow', () => {
  it('is the only one at its thing: whoever asks meanwhile waits for it, and gets its number and its time', async () => {
    const first = stated(price('USD'));
    const slow = await heard('/USD');
    nowMs += 60_000;
    const second = stated(price('USD'));
    const other = stated(price('EUR'));
    (await heard('/EUR')).end('{"price":1}');
    await other;
    expect(open).toEqual([]);
    slow.end('{"price":60000}');
    expect(await second).toEqual(await first);
    expect(await first).toMatchObject({ observedAtMs: BEGIN_MS, content: { price: '60000' } });
    const third = stated(price('USD'));
    (await heard('/USD')).end('{"price":61000}');
    expect(await third).toMatchObject({ observedAtMs: nowMs, content: { price: '61000' } });
    expect((await third).sequence).toBeGreaterThan((await first).sequence);
  });

  it('has its number from when it began, below those of looks that began later and ended sooner', async () => {
    const slow = stated(price('USD'));
    const answer = await heard('/USD');
    const quick = stated(price('EUR'));
    (await heard('/EUR')).end('{"price":2}');
    const { sequence } = await quick;
    answer.end('{"price":1}');
    expect((await slow).sequence).toBeLessThan(sequence);
  });

  it('is over when it fails: the next one looks anew, and a number is left out', async () => {
    const failed = watcher.fact(price('USD'));
    (await heard('/USD')).end('no JSON');
    expect(await failed).toMatchObject({ kind: 'refused', code: 'price-sources-too-few' });
    nowMs += 1_001;
    const next = stated(price('USD'));
    (await heard('/USD')).end('{"price":3}');
    expect(await next).toMatchObject({ sequence: 3, content: { price: '3' } });
  });

  it('takes no number for what nobody watches (subject-not-watched)', async () => {
    const unwatched: FactSubject = { kind: 'block-header', chain: 'eip155:1' };
    expect(await watcher.fact(unwatched)).toMatchObject({ code: 'subject-not-watched' });
    const next = stated(price('USD'));
    (await heard('/USD')).end('{"price":3}');
    expect((await next).sequence).toBe(2);
  });
});

describe('more looks than are made at once', () => {
  it('are refused (looks-too-many), and made when others are over', async () => {
    const about = (count: number): FactSubject => ({
      kind: 'screening',
      chain: 'eip155:1',
      address: `0x${count.toString(16).padStart(40, '0')}`,
    });
    const looks = Array.from({ length: 512 }, (_, count) => watcher.fact(about(count)));
    expect(await watcher.fact(about(512))).toMatchObject({ kind: 'refused', code: 'looks-too-many' });
    for (let count = 0; count < 512; count += 1)
      (await heard(`/0x${count.toString(16).padStart(40, '0')}`)).destroy();
    await Promise.all(looks);
    const again = watcher.fact(about(512));
    (await heard(`/0x${(512).toString(16).padStart(40, '0')}`)).end('{"result":"clear","risk":1}');
    expect(await again).toMatchObject({ kind: 'accepted' });
  });
});

describe('a source whose login cannot be read', () => {
  it('is one that does not answer (source-unreachable), and fails nothing else', async () => {
    const about: FactSubject = {
      kind: 'screening',
      chain: BITCOIN,
      address: 'bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080',
    };
    const screened = await watcher.fact(about);
    expect(screened).toMatchObject({
      kind: 'refused',
      code: 'source-unreachable',
      facts: { why: 'login file' },
    });
    expect(open).toEqual([]);
  });
});
