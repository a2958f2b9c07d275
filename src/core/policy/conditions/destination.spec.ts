// What is known of a destination, and what is not: a condition on what nobody knows refuses, also where it is denied.

import { describe, expect, it } from '@jest/globals';
import { chargesOf, decide } from '../decide.js';
import { lookOf } from '../looks.js';
import { parsePolicies } from '../parse.js';
import { documentOf, SHIPPED_CONTEXT, SITUATION, valueFrom } from '../shipped.fixture.js';
import type { Known, Situation } from '../types.js';

const HOUR_MS = 3_600_000;
const UNKNOWN_TO_NOBODY: Known = { atMs: 0, firstUse: false, lookAlikeOf: undefined, whitelist: undefined };
const desk = (ageMs: number): Known => ({
  ...UNKNOWN_TO_NOBODY,
  whitelist: { entryId: 'wl-1', label: 'OTC desk B', ageMs },
});

function setWith(when: string) {
  const text = `policy: a\napplies-to: { wallets: [hot-btc] }\nfee-caps: { absolute: "0.0005 BTC", relative: "5%" }\nlimits:\n  - { id: day, per: wallet, asset: BTC, window: 24h, max: "1 BTC" }\nrules:\n  - { id: one, when: { asset: BTC, ${when} }, then: allow }\n`;
  return valueFrom(parsePolicies([documentOf('a', text)], SHIPPED_CONTEXT));
}

function holds(when: string, altered: Partial<Situation>): boolean {
  const decision = decide(setWith(when), { ...SITUATION, ...altered }, () => 0n);
  if (decision.kind === 'refuse') expect(decision.code).toBe('policy-no-match');
  return decision.kind === 'allow';
}

describe('conditions on a destination', () => {
  it.each<[string, Known, boolean]>([
    ['first-use: yes', { ...UNKNOWN_TO_NOBODY, firstUse: true }, true],
    ['first-use: yes', UNKNOWN_TO_NOBODY, false],
    ['first-use: no', UNKNOWN_TO_NOBODY, true],
    ['look-alike: yes', { ...UNKNOWN_TO_NOBODY, lookAlikeOf: 'bcrt1q' }, true],
    ['look-alike: yes', UNKNOWN_TO_NOBODY, false],
    ['look-alike: no', { ...UNKNOWN_TO_NOBODY, lookAlikeOf: 'bcrt1q' }, false],
    ['whitelisted: yes', desk(0), true],
    ['whitelisted: yes', UNKNOWN_TO_NOBODY, false],
    ['whitelisted: no', desk(0), false],
    ['whitelist-label-in: [OTC desk A, OTC desk B]', desk(0), true],
    ['whitelist-label-in: [OTC desk b]', desk(0), false],
    ['whitelist-label-in: [OTC desk B]', UNKNOWN_TO_NOBODY, false],
    ['whitelist-entry-in: [wl-1]', desk(0), true],
    ['whitelist-entry-in: [wl-2]', desk(0), false],
    ['whitelist-entry-in: [wl-1]', UNKNOWN_TO_NOBODY, false],
    ['whitelist-age-at-least: 24h', desk(24 * HOUR_MS), true],
    ['whitelist-age-at-least: 24h', desk(24 * HOUR_MS - 1), false],
    ['whitelist-age-at-least: 24h', UNKNOWN_TO_NOBODY, false],
  ])('hold as they say: %s', (when, known, expected) => {
    expect(holds(when, { known })).toBe(expected);
  });

  it.each([
    'first-use: yes',
    'first-use: no',
    'look-alike: no',
    'whitelisted: no',
    'none-of: [{ whitelist-entry-in: [wl-1] }]',
    'none-of: [{ whitelist-label-in: [desk] }]',
    'none-of: [{ whitelist-age-at-least: 1h }]',
  ])('refuse when nobody knows, and then charge nothing: %s', (when) => {
    const decision = decide(setWith(when), SITUATION, () => 0n);
    expect(decision).toMatchObject({ kind: 'refuse', code: 'policy-error' });
    expect(chargesOf(setWith(when), SITUATION)).toEqual([]);
  });

  it('tell an own wallet by its tier', () => {
    expect(holds('to-own-tier-in: [cold, warm]', { toTier: 'cold' })).toBe(true);
    expect(holds('to-own-tier-in: [cold]', { toTier: 'hot' })).toBe(false);
    expect(holds('to-own-tier-in: [cold]', { toTier: undefined })).toBe(false);
    expect(holds('none-of: [{ to-own-tier-in: [cold] }]', { toTier: undefined })).toBe(true);
  });

  it('take the kind that the request names', () => {
    expect(holds('kind-in: [withdrawal]', {})).toBe(true);
  });
});

describe('the look of an address', () => {
  it.each([
    ['bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080', 'w508..t080'],
    ['bc1pmfr3p9j00pfxjh0zmgp99y8zftmd3s5pmedqhyptwy6lm87hf5sspknck9', 'mfr3..nck9'],
    ['0x52908400098527886E0F7030069857D2E4169EE7', '5290..9ee7'],
    ['mipcBbFg9gMiCh81Kj8tqqdgoZub1ZJRfn', 'mipc..jrfn'],
  ])('is its beginning and end: %s', (address, look) => {
    expect(lookOf(address)).toBe(look);
  });

  it('is the same for what was made to be taken for it, and not for its neighbours', () => {
    const own = '0x52908400098527886E0F7030069857D2E4169EE7';
    expect(lookOf('0x5290111111111111111111111111111111119ee7')).toBe(lookOf(own));
    expect(lookOf('0x5291111111111111111111111111111111119ee7')).not.toBe(lookOf(own));
  });
});
