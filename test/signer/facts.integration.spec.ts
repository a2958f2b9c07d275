// Facts from a watcher that runs as its own process, in orders to a signer with a real token: what they decide, and that
// nobody who carries them can make them say something else.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Deployment, RunningTime } from '../../devnet/deployment.js';
import { codeOf, type SocketClient } from '../../devnet/socket-client.js';
import { coin, payTo, psbt } from '../../devnet/transactions.js';
import { fromFiles, type RunningWatcher, WatcherHome } from '../../devnet/watcher.js';
import type { SigningOrder } from '../../src/core/authorization/signing-order.js';
import { decisionsOf } from '../../src/core/certificates/certificate.js';
import { verifyCertificate } from '../../src/core/certificates/verify.js';
import type { SignedFact } from '../../src/core/facts/fact.js';
import type { Change, PolicyDocument } from '../../src/core/governance/entry.js';
import { p2wpkhScript } from '../../src/core/intents/bitcoin/address.js';
import { portableVerifier } from '../../src/core/statements/signature.js';
import { signResult } from '../../src/signer-protocol/messages.js';

const DESTINATION = 'bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080';
const BITCOIN = 'bip122:0f9188f13cb7b2c71f2a335e3a4fc328';
const PRICE = `price/${BITCOIN}/native/USD`;
const SCREENING = `screening/${BITCOIN}/${DESTINATION}`;

const POLICY: PolicyDocument = {
  name: 'hot-bitcoin',
  lines: [
    'policy: hot-bitcoin',
    'applies-to: { wallets: [hot-btc] }',
    'fee-caps: { absolute: "0.0005 BTC", relative: "100%" }',
    'limits:',
    '  - { id: day, per: wallet, window: 24h, currency: USD, max: "1040 USD" }',
    'rules:',
    '  - id: risky',
    '    when: { risk-score-above: 70 }',
    '    then: refuse',
    '  - id: small',
    '    when: { asset: BTC, amount-at-most: "300 USD" }',
    '    then: allow',
  ],
};

let place: string;
let deployment: Deployment;
let signer: SocketClient;
let home: WatcherHome;
let watcher: RunningWatcher;
let own: string;

const settings = () => ({
  ...fromFiles(place, BITCOIN),
  keepMs: 0,
  prices: [
    {
      chain: BITCOIN,
      sources: ['a', 'b'].map((name) => ({
        name,
        place: { file: join(place, 'prices.json') },
        pointer: `/${name}`,
      })),
      leastSources: 2,
      maxSpreadBasisPoints: 100,
    },
  ],
});

const quote = (price: string) =>
  writeFileSync(join(place, 'prices.json'), JSON.stringify({ a: price, b: price }));

async function govern(change: Change): Promise<string> {
  const entry = deployment.entry(change, [deployment.alice, deployment.bob]);
  const code = codeOf(await signer.ask({ verb: 'governance-append', entry }));
  if (code === 'done') deployment.log.push(entry);
  return code;
}

beforeAll(async () => {
  place = mkdtempSync(join(tmpdir(), 'portcullis-facts-'));
  quote('60000');
  writeFileSync(join(place, 'listed'), 'end\n');
  deployment = await Deployment.create({ policies: [POLICY], time: new RunningTime() });
  signer = await deployment.start();
  own = p2wpkhScript(deployment.publicKeys.bitcoin);
  home = await WatcherHome.make(join(place, 'watcher'));
  watcher = await home.start(deployment.deploymentId, settings());
});
afterAll(async () => {
  await watcher?.stop();
  await deployment?.destroy();
  rmSync(place, { recursive: true, force: true });
});

/** A withdrawal of 0.005 BTC unless told otherwise, from a coin of its own. */
function orderWith(facts: readonly SignedFact[], amountSats = 500_000n): SigningOrder {
  const request = deployment.request({ amount: amountSats.toString(), destination: DESTINATION });
  const outputs = [payTo(DESTINATION, amountSats), { script: own, amountSats: 9_999_000n - amountSats }];
  return {
    wallet: 'hot-btc',
    transaction: psbt([coin(own, 10_000_000n)], outputs),
    transfers: [deployment.transfer(request)],
    ...(facts.length > 0 ? { facts: [...facts] } : {}),
  };
}

const answerTo = async (facts: readonly SignedFact[], amountSats?: bigint) =>
  codeOf(await signer.sign(orderWith(facts, amountSats)));
const seen = () => watcher.facts(PRICE, SCREENING);

describe('a watcher whose key governance does not know', () => {
  it('is not believed (fact-key-unknown)', async () => {
    expect(await answerTo(await seen())).toBe('fact-key-unknown');
    expect(await answerTo([])).toBe('fact-missing');
    expect(await govern({ kind: 'fact-key-added', factKey: home.key })).toBe('done');
  });
});

describe('an order with facts', () => {
  it('is signed, and its certificate proves them again with nothing running', async () => {
    const answer = await signer.sign(orderWith(await seen()));
    expect(codeOf(answer)).toBe('done');
    const { certificate } = signResult.parse(answer.kind === 'done' ? answer.result : undefined);
    const { reservation } = certificate;
    expect(reservation.order.facts).toHaveLength(2);
    expect(decisionsOf(certificate)[0]?.limits).toMatchObject([
      { limitId: 'hot-bitcoin/day', key: 'hot-btc in USD', usedBefore: '0', usedAfter: '31200' },
    ]);
    const verify = (of: unknown) =>
      verifyCertificate(of, deployment.log, deployment.deploymentId, portableVerifier).kind;
    expect(verify(certificate)).toBe('accepted');
    const outcome = verifyCertificate(certificate, deployment.log, deployment.deploymentId, portableVerifier);
    if (outcome.kind === 'refused') throw new Error(outcome.code);
    const { proved, trusted } = outcome.value;
    expect(proved.join('\n')).toMatch(
      /key \S+ of source \S+ has signed price\/\S+\/native\/USD: 60000\S* USD from \d+ sources?; -?\d+ seconds \S+ at the decision/,
    );
    expect(trusted.join('\n')).toMatch(/that it was so what those keys say.*: price\/\S+, screening\//);
    const [fact, ...others] = reservation.order.facts ?? [];
    const { facts: _, ...order } = reservation.order;
    const verifyWith = (facts: object) =>
      verify({ ...certificate, reservation: { ...reservation, order: { ...order, ...facts } } });
    expect(verifyWith({})).toBe('refused');
    expect(verifyWith({ facts: [...others, ...others] })).toBe('refused');
    const altered = JSON.parse(JSON.stringify(fact).replace('60000', '50000')) as SignedFact;
    expect(verifyWith({ facts: [altered, ...others] })).toBe('refused');
  });

  it('is refused without one that a rule needs (fact-missing)', async () => {
    const [price, screening] = await seen();
    if (!price || !screening) throw new Error('no facts');
    expect(await answerTo([])).toBe('fact-missing');
    expect(await answerTo([price])).toBe('fact-missing');
    expect(await answerTo([screening])).toBe('fact-missing');
  });

  it('is refused with one that somebody changed on the way (fact-signature-invalid)', async () => {
    const [price, screening] = await seen();
    if (!price || !screening) throw new Error('no facts');
    const cheap = JSON.parse(JSON.stringify(price).replace('60000', '1')) as SignedFact;
    expect(await answerTo([cheap, screening])).toBe('fact-signature-invalid');
  });

  it('is refused with one from before (fact-sequence-decreased), also after a new start of the signer', async () => {
    const old = await seen();
    expect(await answerTo(await seen())).toBe('done');
    expect(await answerTo(old)).toBe('fact-sequence-decreased');
    await deployment.stop();
    signer = await deployment.start();
    expect(await answerTo(old)).toBe('fact-sequence-decreased');
  });

  it('is judged by the price of its time', async () => {
    quote('60000.01');
    expect(await answerTo(await seen())).toBe('policy-no-match');
    quote('60000');
    expect(await answerTo(await seen())).toBe('done');
    // Three times 300 dollars, and the 12 that each may cost, are gone of 1,040.
    expect(await answerTo(await seen())).toBe('limit-exceeded');
    quote('20000');
    expect(await answerTo(await seen())).toBe('done');
    expect(await answerTo(await seen(), 1_000n)).toBe('limit-exceeded');
  });

  it('is refused to an address that a screening calls risky', async () => {
    writeFileSync(join(place, 'listed'), `${DESTINATION} flagged 71\nend\n`);
    expect(await answerTo(await seen())).toBe('policy-refused');
    writeFileSync(join(place, 'listed'), `# nobody any more\nend\n`);
  });
});

describe('where governance wants two sources', () => {
  it('one of them is nobody', async () => {
    const other = await WatcherHome.make(join(place, 'other'), 'watcher-2');
    expect(await govern({ kind: 'fact-rule-set', rule: { kind: 'price', agree: 2, maxAgeMs: 60_000 } })).toBe(
      'governance-change-invalid',
    );
    expect(await govern({ kind: 'fact-key-added', factKey: other.key })).toBe('done');
    expect(await govern({ kind: 'fact-rule-set', rule: { kind: 'price', agree: 2, maxAgeMs: 60_000 } })).toBe(
      'done',
    );
    expect(await answerTo(await seen())).toBe('fact-missing');
  });

  it('old facts are none (fact-too-old)', async () => {
    const facts = await seen();
    deployment.time.advance(61_000);
    expect(await answerTo(facts)).toBe('fact-too-old');
  });
});

describe('a fact key that is removed', () => {
  it('is believed no more', async () => {
    expect(await govern({ kind: 'fact-key-removed', keyId: 'watcher-1' })).toBe('done');
    expect(await answerTo(await seen())).toBe('fact-key-unknown');
  });
});
