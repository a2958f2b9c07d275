// Two watchers as two processes, each with sources of its own, and a signer with a real token for which both have to speak about
// prices. Whoever carries their facts chooses which of them the signer sees, and when.

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { BITCOIN, Deployment, RunningTime } from '../../devnet/deployment.js';
import { codeOf, type SocketClient } from '../../devnet/socket-client.js';
import { coin, payTo, psbt } from '../../devnet/transactions.js';
import { fromFiles, type RunningWatcher, WatcherHome } from '../../devnet/watcher.js';
import { decisionsOf } from '../../src/core/certificates/certificate.js';
import { verifyCertificate } from '../../src/core/certificates/verify.js';
import type { SignedFact } from '../../src/core/facts/fact.js';
import type { Change, PolicyDocument } from '../../src/core/governance/entry.js';
import { p2wpkhScript } from '../../src/core/intents/bitcoin/address.js';
import { portableVerifier } from '../../src/core/statements/signature.js';
import { signResult } from '../../src/signer-protocol/messages.js';

const DESTINATION = 'bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080';
const PRICE = `price/${BITCOIN}/native/USD`;
const SCREENING = `screening/${BITCOIN}/${DESTINATION}`;

const POLICY: PolicyDocument = {
  name: 'hot-bitcoin',
  lines: [
    'policy: hot-bitcoin',
    'applies-to: { wallets: [hot-btc] }',
    'fee-caps: { absolute: "0.0005 BTC", relative: "100%" }',
    'limits:',
    '  - { id: day, per: wallet, window: 24h, currency: USD, max: "100000 USD" }',
    'rules:',
    '  - id: small',
    '    when: { asset: BTC, amount-at-most: "300 USD", screening-in: [clear] }',
    '    then: allow',
  ],
};

/** A watcher with a folder for what its sources say. */
interface Watching {
  readonly sources: string;
  readonly home: WatcherHome;
  readonly running: RunningWatcher;
}

let place: string;
let deployment: Deployment;
let signer: SocketClient;
let one: Watching;
let other: Watching;

function quote({ sources }: Pick<Watching, 'sources'>, price: string): void {
  writeFileSync(join(sources, 'prices.json'), JSON.stringify({ btc: price }));
}

function list({ sources }: Pick<Watching, 'sources'>, ...lines: readonly string[]): void {
  writeFileSync(join(sources, 'listed'), [...lines, 'end', ''].join('\n'));
}

async function watcherNamed(keyId: string): Promise<Watching> {
  const sources = join(place, `sources of ${keyId}`);
  mkdirSync(sources);
  quote({ sources }, '60000');
  list({ sources });
  const home = await WatcherHome.make(join(place, keyId), keyId);
  const running = await home.start(deployment.deploymentId, { ...fromFiles(sources, BITCOIN), keepMs: 0 });
  return { sources, home, running };
}

async function govern(change: Change): Promise<void> {
  const entry = deployment.entry(change, [deployment.alice, deployment.bob]);
  expect(codeOf(await signer.ask({ verb: 'governance-append', entry }))).toBe('done');
  deployment.log.push(entry);
}

beforeAll(async () => {
  place = mkdtempSync(join(tmpdir(), 'portcullis-two-watchers-'));
  deployment = await Deployment.create({ policies: [POLICY], time: new RunningTime() });
  signer = await deployment.start();
  [one, other] = [await watcherNamed('watcher-1'), await watcherNamed('watcher-2')];
  for (const { home } of [one, other]) await govern({ kind: 'fact-key-added', factKey: home.key });
  await govern({ kind: 'fact-rule-set', rule: { kind: 'price', agree: 2, maxAgeMs: 60_000 } });
});
afterAll(async () => {
  for (const watching of [one, other]) await watching?.running.stop();
  await deployment?.destroy();
  rmSync(place, { recursive: true, force: true });
});

const seenBy = ({ running }: Watching, ...subjects: readonly string[]) => running.facts(...subjects);
const seenByBoth = async (...subjects: readonly string[]) => [
  ...(await seenBy(one, ...subjects)),
  ...(await seenBy(other, ...subjects)),
];

/** A withdrawal of 0.005 BTC from a coin of its own. */
function askWith(facts: readonly SignedFact[]) {
  const amountSats = 500_000n;
  const own = p2wpkhScript(deployment.publicKeys.bitcoin);
  const request = deployment.request({ amount: amountSats.toString(), destination: DESTINATION });
  const outputs = [payTo(DESTINATION, amountSats), { script: own, amountSats: 9_999_000n - amountSats }];
  return signer.sign({
    wallet: 'hot-btc',
    transaction: psbt([coin(own, 10_000_000n)], outputs),
    transfers: [deployment.transfer(request)],
    facts: [...facts],
  });
}

const answerTo = async (facts: readonly SignedFact[]) => codeOf(await askWith(facts));

describe('where two watchers have to agree on a price', () => {
  it('an order with both is signed, and its certificate proves what each of them said', async () => {
    quote(one, '60000');
    quote(other, '59000');
    const answer = await askWith(await seenByBoth(PRICE, SCREENING));
    expect(codeOf(answer)).toBe('done');
    const { certificate } = signResult.parse(answer.kind === 'done' ? answer.result : undefined);
    const said = certificate.reservation.order.facts?.map(({ statement }) => statement);
    expect(
      said?.flatMap(({ keyId, content }) => (content.kind === 'price' ? [[keyId, content.price]] : [])),
    ).toEqual([
      ['watcher-1', '60000'],
      ['watcher-2', '59000'],
    ]);
    // 300 dollars and the 12 that it may cost, at the higher price.
    expect(decisionsOf(certificate)[0]?.limits).toMatchObject([{ usedBefore: '0', usedAfter: '31200' }]);
    const { deploymentId, log } = deployment;
    const verified = verifyCertificate(certificate, log, deploymentId, portableVerifier);
    expect(verified.kind).toBe('accepted');
  });

  it.each([
    ['watcher-1', () => one],
    ['watcher-2', () => other],
  ])('%s alone does not do (fact-missing), though it says so twice', async (_, alone) => {
    const screening = await seenByBoth(SCREENING);
    const price = await seenBy(alone(), PRICE);
    expect(await answerTo([...screening, ...price])).toBe('fact-missing');
    const again = await seenBy(alone(), PRICE);
    expect(await answerTo([...screening, ...price, ...again])).toBe('fact-duplicate');
  });

  it.each([
    ['watcher-1', () => one, () => other],
    ['watcher-2', () => other, () => one],
  ])('the stricter price counts where %s states it (facts-disagree)', async (_, stricter, milder) => {
    quote(milder(), '1');
    quote(stricter(), '60000.01');
    expect(await answerTo(await seenByBoth(PRICE, SCREENING))).toBe('facts-disagree');
    quote(stricter(), '60000');
    expect(await answerTo(await seenByBoth(PRICE, SCREENING))).toBe('done');
  });

  it('the stricter screening counts, though one would do (facts-disagree)', async () => {
    list(other, `${DESTINATION} flagged 50`);
    expect(await answerTo(await seenByBoth(PRICE, SCREENING))).toBe('facts-disagree');
    list(other);
    expect(await answerTo(await seenByBoth(PRICE, SCREENING))).toBe('done');
  });
});

describe('what a watcher has said once', () => {
  it('counts also where nothing came of the order (fact-sequence-decreased)', async () => {
    const prices = await seenByBoth(PRICE);
    const clear = await seenBy(one, SCREENING);
    list(one, `${DESTINATION} blocked 99`);
    const blocked = await seenBy(one, SCREENING);
    list(one);
    expect(await answerTo([...prices, ...blocked])).toBe('policy-no-match');
    expect(await answerTo([...prices, ...clear])).toBe('fact-sequence-decreased');
    expect(await answerTo([...prices, ...(await seenBy(one, SCREENING))])).toBe('done');
  });

  it('is not taken by a signer that was started since (fact-order-unknown)', async () => {
    const before = await seenByBoth(PRICE, SCREENING);
    await deployment.stop();
    signer = await deployment.start();
    expect(await answerTo(before)).toBe('fact-order-unknown');
    expect(await answerTo(before)).toBe('fact-order-unknown');
    expect(await answerTo(await seenByBoth(PRICE, SCREENING))).toBe('done');
  });
});
