// One kill at every durable boundary where transfers wait for facts, and at every one of the watcher that states them: what it
// was killed before writing down, it has given to nobody; and what it has given out once, it never gives out otherwise.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { BITCOIN } from '../../devnet/deployment.js';
import { freePort } from '../../devnet/process.js';
import { fromFiles, type RunningWatcher, WatcherHome } from '../../devnet/watcher.js';
import { type SignedFact, subjectOf } from '../../src/core/facts/fact.js';
import { factDigest } from '../../src/core/facts/fact-bytes.js';
import type { PolicyDocument } from '../../src/core/governance/entry.js';
import { certificateFile } from '../../src/orchestrator/transfers/transfer.dto.js';
import type { Rig } from '../e2e/rig.js';
import { BoundaryPart } from './boundary-part.js';
import type { Workload } from './workload.js';

const POLICY: PolicyDocument = {
  name: 'hot-bitcoin',
  lines: [
    'policy: hot-bitcoin',
    'applies-to: { wallets: [hot-btc] }',
    'fee-caps: { absolute: "0.001 BTC", relative: "100%" }',
    'limits:',
    '  - { id: day, per: wallet, window: 24h, currency: USD, max: "1000000 USD" }',
    'rules:',
    '  - id: large',
    '    when: { asset: BTC, amount-above: "300 USD" }',
    '    then: { approve: [{ group: treasury, quorum: 2 }] }',
    '  - id: small',
    '    when: { asset: BTC, screening-in: [clear] }',
    '    then: allow',
  ],
};
const PRICE = `price/${BITCOIN}/native/USD`;
const SCREENING = `screening/${BITCOIN}/bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080`;
const MAX_AGE_MS = 6_000;
/** The signer's clock and the orchestrator's agree about that by then. */
const TOO_OLD_MS = MAX_AGE_MS + 500;
const SMALL = { asset: 'BTC', amount: 150_000n } as const;
const LARGE = { asset: 'BTC', amount: 600_000n } as const;

const part = new BoundaryPart('facts');
/** In the order in which they were heard. */
const heard: SignedFact[] = [];
let place: string;
let rig: Rig;
let home: WatcherHome;
let watcher: RunningWatcher;
let port: number;

const quote = (price: string) => writeFileSync(join(place, 'prices.json'), `{"btc":${price}}`);

async function startWatcher(): Promise<void> {
  const settings = {
    keepMs: 300,
    pace: { perMinute: 100_000, burst: 10_000 },
    ...fromFiles(place, BITCOIN),
  };
  const environment = part.killer.environment('watcher');
  watcher = await home.start(rig.deployment.deploymentId, settings, { port, environment });
}

beforeAll(async () => {
  place = mkdtempSync(join(tmpdir(), 'portcullis-facts-ordeal-'));
  quote('60000');
  writeFileSync(join(place, 'listed'), 'end\n');
  home = await WatcherHome.make(join(place, 'watcher'), 'watcher-1', (entry) => part.killer.compile(entry));
  port = await freePort();
  rig = await part.start({
    policies: [POLICY],
    coins: 50n,
    settings: { watchers: [{ url: `http://127.0.0.1:${port}`, timeoutMs: 1_000 }] },
  });
  await startWatcher();
  part.runsBeside('watcher', { process: () => watcher.program, start: startWatcher });
  await rig.govern({ kind: 'fact-key-added', factKey: home.key });
  for (const kind of ['price', 'screening'] as const)
    await rig.govern({ kind: 'fact-rule-set', rule: { kind, agree: 1, maxAgeMs: MAX_AGE_MS } });
  rig.chains.startMining();
}, 90_000);
afterAll(async () => {
  await part.stop();
  await watcher?.stop();
  rmSync(place, { recursive: true, force: true });
});

/** Somebody else who asks the watcher all the time, about one thing after the other, and forgets nothing. */
function listen(work: Workload): void {
  work.every(30, async (count) => {
    heard.push(...(await watcher.ask(count % 2 === 0 ? PRICE : SCREENING)).facts);
  });
}

/** Officers approve while nobody knows the price, and somebody wants to be paid meanwhile. */
function drills(work: Workload): void {
  const { alice, carol } = rig.deployment;
  work.every(500, async () => {
    const large = await work.take(LARGE);
    await work.state(large, ['awaiting-approvals']);
    quote('"none"');
    try {
      await sleep(TOO_OLD_MS);
      for (const officer of [alice, carol]) await rig.verdict(large, officer);
      const small = await work.take(SMALL);
      await sleep(1_000);
      quote('60000');
      await work.state(small, ['settled']);
      await work.state(large, ['settled']);
    } finally {
      quote('60000');
    }
  });
}

/** Every fact that something was signed with. */
async function signedWith(work: Workload): Promise<SignedFact[]> {
  const facts: SignedFact[] = [];
  for (const { id } of work.asked) {
    const answer = await rig.client(rig.deployment.alice).get(`/v1/transfers/${id}/certificates`);
    for (const { reservation } of certificateFile.parse(answer.body).certificates)
      facts.push(...(reservation.order.facts ?? []));
  }
  return facts;
}

/** One fact under one number, whoever heard it; and to one who listens the numbers of a subject never fall. */
function expectNoNumberTwice(facts: readonly SignedFact[]): void {
  const byNumber = new Map<number, string>();
  for (const { statement } of [...heard, ...facts]) {
    const digest = factDigest(statement);
    expect(byNumber.get(statement.sequence) ?? digest).toBe(digest);
    byNumber.set(statement.sequence, digest);
  }
  for (const [, about] of Map.groupBy(heard, ({ statement }) => subjectOf(statement.content))) {
    const numbers = about.map(({ statement }) => statement.sequence);
    expect(numbers).toEqual(numbers.toSorted((one, other) => one - other));
  }
}

describe('a kill at every durable boundary of facts', () => {
  it('leaves each withdrawal in the chain once, none waiting for ever, and no number of a fact given twice', async () => {
    // Its numbers are begun once in its life: at first nobody is there yet who has heard one.
    await watcher.stop();
    rmSync(join(home.folder, 'sequence'));
    await part.killAtEach('watcher', part.boundariesOf('watcher', /Sequence\.create:/));
    const work = part.workload();
    listen(work);
    drills(work);
    await part.killAtEach('watcher', part.boundariesOf('watcher', /^(?!.*Sequence\.create:)/));
    await part.killAtEach('orchestrator');
    await part.finish(work);
    const facts = await signedWith(work);
    expect(facts.length).toBeGreaterThan(1);
    expect(new Set(heard.map(({ statement }) => statement.sequence)).size).toBeGreaterThan(10);
    expectNoNumberTwice(facts);
  }, 480_000);
});
