import { describe, expect, it } from '@jest/globals';
import { BITCOIN, ETHEREUM } from '../governance/people.fixture.js';
import { portableVerifier } from '../statements/signature.js';
import { factContent, parseSubject, type SignedFact, signedFact, subjectOf } from './fact.js';
import { factBy, NOW_MS, priceOf, screeningOf, stateWith, watching } from './facts.fixture.js';
import { DEFAULT_FACT_RULE, knownFacts, knownThen, MAX_FACT_SKEW_MS, verifyFacts } from './verify.js';

const ADDRESS = 'bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080';
const one = watching('watcher-1');
const other = watching('watcher-2');
const narrow = watching('screener', 'screener', ['screening']);
const state = stateWith(one, other, narrow);
const good = factBy(one, priceOf('60000.5'));

function answerTo(facts: readonly SignedFact[], nowMs = NOW_MS, given = state) {
  const outcome = verifyFacts(given, facts, portableVerifier, nowMs);
  return outcome.kind === 'refused' ? outcome.code : outcome.value.length;
}

describe('facts of an order', () => {
  it('are verified, those of several watchers about one thing too', () => {
    expect(answerTo([])).toBe(0);
    expect(answerTo([good, factBy(other, priceOf('60000'))])).toBe(2);
    expect(signedFact.parse(JSON.parse(JSON.stringify(good)))).toEqual(good);
  });

  it('are refused with fact-signature-invalid when one letter of them is another', () => {
    const { statement, signature } = good;
    const altered: SignedFact[] = [
      { statement: { ...statement, observedAtMs: NOW_MS - 1 }, signature },
      { statement: { ...statement, sequence: 2 }, signature },
      { statement: { ...statement, content: priceOf('6000.5') }, signature },
      { statement: { ...statement, content: priceOf('60000.5', { sources: 4 }) }, signature },
      { statement: { ...statement, content: priceOf('60000.5', { chain: ETHEREUM }) }, signature },
      { statement: { ...statement, keyId: 'watcher-2' }, signature },
      { statement, signature: `${signature.slice(0, -1)}${signature.endsWith('0') ? '1' : '0'}` },
      { statement, signature: '00'.repeat(64) },
    ];
    for (const fact of altered) expect(answerTo([fact])).toBe('fact-signature-invalid');
  });

  it('are refused with fact-other-deployment when they are for another one', () => {
    expect(answerTo([factBy(one, priceOf('1'), { deploymentId: 'ab'.repeat(32) })])).toBe(
      'fact-other-deployment',
    );
  });

  it('are refused with fact-key-unknown when governance does not know their key, or no longer', () => {
    expect(answerTo([factBy(watching('mallory'), priceOf('1'))])).toBe('fact-key-unknown');
    expect(answerTo([good], NOW_MS, stateWith(other))).toBe('fact-key-unknown');
    const lent = watching('watcher-1');
    expect(answerTo([factBy(lent, priceOf('1'))])).toBe('fact-signature-invalid');
  });

  it('are refused with fact-kind-not-allowed when their key may not speak about it', () => {
    expect(answerTo([factBy(narrow, screeningOf(ADDRESS))])).toBe(1);
    expect(answerTo([factBy(narrow, priceOf('1'))])).toBe('fact-kind-not-allowed');
  });

  it('are refused with fact-duplicate when one key speaks twice about one thing', () => {
    expect(answerTo([good, factBy(one, priceOf('1'), { sequence: 2 })])).toBe('fact-duplicate');
    const own = screeningOf(ADDRESS, { transferId: `tr-${'1'.repeat(40)}` });
    const others = screeningOf(ADDRESS, { transferId: `tr-${'2'.repeat(40)}` });
    expect(answerTo([factBy(one, own), factBy(one, others), factBy(one, screeningOf(ADDRESS))])).toBe(3);
    expect(answerTo([factBy(one, own), factBy(one, own)])).toBe('fact-duplicate');
  });

  it('are refused with fact-from-the-future more than two minutes ahead', () => {
    const ahead = (ms: number) => [factBy(one, priceOf('1'), { observedAtMs: NOW_MS + ms })];
    expect(answerTo(ahead(MAX_FACT_SKEW_MS))).toBe(1);
    expect(answerTo(ahead(MAX_FACT_SKEW_MS + 1))).toBe('fact-from-the-future');
  });

  it('are refused with fact-too-old one millisecond behind the limit', () => {
    const { maxAgeMs } = DEFAULT_FACT_RULE;
    expect(answerTo([good], NOW_MS + maxAgeMs)).toBe(1);
    expect(answerTo([good], NOW_MS + maxAgeMs + 1)).toBe('fact-too-old');
    const strict = {
      ...state,
      factRules: new Map([['price', { kind: 'price' as const, agree: 1, maxAgeMs: 1_000 }]]),
    };
    expect(answerTo([good], NOW_MS + 1_000, strict)).toBe(1);
    expect(answerTo([good], NOW_MS + 1_001, strict)).toBe('fact-too-old');
  });
});

describe('what is known about a transfer', () => {
  const transferId = `tr-${'1'.repeat(40)}`;
  const subject = `price/${BITCOIN}/native/USD`;
  const wanting = (agree: number) => ({
    factRules: new Map([['price', { kind: 'price' as const, agree, maxAgeMs: 1_000 }]]),
  });
  const verified = (...facts: readonly SignedFact[]) => {
    const outcome = verifyFacts(stateWith(one, other, twin), facts, portableVerifier, NOW_MS);
    if (outcome.kind === 'refused') throw new Error(outcome.code);
    return outcome.value;
  };
  /** Another key of the first watcher. */
  const twin = watching('watcher-1b', 'watcher-1');

  it('is what each source says, once enough different ones speak', () => {
    const both = verified(factBy(one, priceOf('1')), factBy(other, priceOf('2')));
    expect(knownFacts(wanting(2), both, transferId).get(subject)).toEqual([priceOf('1'), priceOf('2')]);
    expect(knownFacts(wanting(3), both, transferId).size).toBe(0);
  });

  it('counts two keys of one source once', () => {
    const twice = verified(factBy(one, priceOf('1')), factBy(twin, priceOf('1')));
    expect(knownFacts(wanting(2), twice, transferId).size).toBe(0);
    expect(knownFacts(wanting(1), twice, transferId).get(subject)).toHaveLength(2);
  });

  it('holds no screening that was made for another transfer', () => {
    const own = screeningOf(ADDRESS, { transferId });
    const others = screeningOf(ADDRESS, { transferId: `tr-${'2'.repeat(40)}` });
    const known = knownFacts(wanting(1), verified(factBy(one, own), factBy(one, others)), transferId);
    expect([...known.values()]).toEqual([[own]]);
  });
});

describe('what was known when something was signed', () => {
  it('is what its order said, though a key is gone by now', () => {
    const said = [factBy(one, priceOf('1')), factBy(watching('gone'), priceOf('2'))];
    expect(knownThen(state, said, '').get(`price/${BITCOIN}/native/USD`)).toEqual([
      priceOf('1'),
      priceOf('2'),
    ]);
  });
});

describe('the shape of facts', () => {
  it.each([
    ['a price of nothing', priceOf('0')],
    ['a price of 0.00', priceOf('0.00')],
    ['a negative price', priceOf('-1')],
    ['a price with an exponent', priceOf('1e5')],
    ['a price with a leading zero', priceOf('01')],
    ['a price with 19 decimals', priceOf(`0.${'1'.repeat(19)}`)],
    ['a price with 16 digits', priceOf('1'.repeat(16))],
    ['a price that is a float', { ...priceOf('1'), price: 1.5 }],
    ['a price from no source', priceOf('1', { sources: 0 })],
    ['a price in a currency that nobody knows', { ...priceOf('1'), currency: 'XAU' }],
    ['a token in mixed case', priceOf('1', { contract: '0x5FbDB2315678afecb367f032d93F642f64180aa3' })],
    ['an address in mixed case', screeningOf('0x5FbDB2315678afecb367f032d93F642f64180aa3')],
    ['a risk above 100', screeningOf(ADDRESS, { riskScore: 101 })],
    ['a risk below 0', screeningOf(ADDRESS, { riskScore: -1 })],
    ['half a risk', screeningOf(ADDRESS, { riskScore: 0.5 })],
    ['a result that nobody knows', { ...screeningOf(ADDRESS), result: 'fine' }],
    ['a field that nobody knows', { ...priceOf('1'), note: 'x' }],
    ['a kind that nobody knows', { kind: 'weather', chain: BITCOIN }],
  ])('refuses %s', (_title, content) => {
    expect(factContent.safeParse(content).success).toBe(false);
  });

  it('names what a fact is about, and reads it back', () => {
    const hash = 'ab'.repeat(32);
    const contract = `0x${'a'.repeat(40)}`;
    const block = { height: 7, hash };
    const chain = ETHEREUM;
    for (const content of [
      priceOf('1'),
      screeningOf(ADDRESS),
      { kind: 'balance', wallet: 'hot-eth', chain, contract, amount: '1' },
      { kind: 'hot-share', chain, contract, basisPoints: 3 },
      { kind: 'block-header', chain, height: 1, hash, previous: hash, stateRoot: null, minedAtMs: 5 },
      { kind: 'code', chain, contract, codeHash: hash, block },
      { kind: 'storage', chain, contract, slot: hash, value: hash, block },
      { kind: 'confirmations', chain, transactionId: hash, confirmations: 0, block },
    ]) {
      const parsed = factContent.parse(content);
      const about = parseSubject(subjectOf(parsed));
      expect(content).toMatchObject(about ?? { kind: 'none' });
      expect(about && subjectOf(about)).toBe(subjectOf(parsed));
    }
  });

  it.each([
    '',
    'price',
    `price/${BITCOIN}/native`,
    `price/${BITCOIN}/native/USD/`,
    `price/${BITCOIN}/NATIVE/USD`,
    `price/${BITCOIN}/native/usd`,
    `screening/${BITCOIN}/../etc/passwd`,
    `screening/${BITCOIN}/${'a'.repeat(91)}`,
    `weather/${BITCOIN}`,
    'constructor/x',
    `block-header/${'x'.repeat(1_000)}`,
  ])('reads no subject out of %j', (text) => {
    expect(parseSubject(text)).toBeUndefined();
  });
});
