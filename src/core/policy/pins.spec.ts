import { describe, expect, it } from '@jest/globals';
import type { FactContent } from '../facts/fact.js';
import { subjectOf } from '../facts/fact.js';
import { BITCOIN, ETHEREUM, SHIPPED_CONTEXT, USDX } from './shipped.fixture.js';
import { flawOfPins, type Pin, pinsOf } from './pins.js';
import { tokenKey } from '../governance/state.js';

const CONTRACT = USDX.toLowerCase();
const [CODE, OTHER] = ['ab'.repeat(32), 'cd'.repeat(32)];
const [SLOT, WORD] = ['01'.repeat(32), '02'.repeat(32)];
const BLOCK = { height: 7, hash: 'ee'.repeat(32) };

const code = (codeHash: string): FactContent => ({
  kind: 'code',
  chain: ETHEREUM,
  contract: CONTRACT,
  codeHash,
  block: BLOCK,
});
const storage = (value: string): FactContent => ({
  kind: 'storage',
  chain: ETHEREUM,
  contract: CONTRACT,
  slot: SLOT,
  value,
  block: BLOCK,
});

const token = {
  chain: ETHEREUM,
  contract: USDX,
  symbol: 'USDX',
  decimals: 18,
  codeHash: CODE,
  storage: [{ slot: SLOT, value: WORD }],
};

function pins(...required: readonly ('code' | 'storage')[]): readonly Pin[] {
  const state = {
    ...SHIPPED_CONTEXT,
    tokens: new Map([[tokenKey(ETHEREUM, USDX), token]]),
    factRules: new Map(required.map((kind) => [kind, { kind, agree: 1, maxAgeMs: 1_000 }])),
  };
  return pinsOf(state, ETHEREUM, CONTRACT);
}

const flaw = (of: readonly Pin[], ...facts: readonly FactContent[]) =>
  flawOfPins(of, Map.groupBy(facts, subjectOf))?.code;

describe('what a token has to be', () => {
  it('is asked of a registered token, and of nothing else', () => {
    const state = { tokens: SHIPPED_CONTEXT.tokens, factRules: new Map() };
    expect(pinsOf(state, ETHEREUM, 'native')).toEqual([]);
    expect(pinsOf(state, BITCOIN, CONTRACT)).toEqual([]);
    expect(pinsOf(state, ETHEREUM, CONTRACT)).toEqual([
      { subject: `code/${ETHEREUM}/${CONTRACT}`, expected: 'ab'.repeat(32), required: false },
    ]);
  });

  it('need not be known where governance has no rule for it', () => {
    expect(flaw(pins())).toBeUndefined();
    expect(flawOfPins(pins(), undefined)).toBeUndefined();
    expect(flaw(pins(), code(CODE), storage(WORD))).toBeUndefined();
  });

  it('is known to be another one, with a rule and without (token-changed)', () => {
    expect(flaw(pins(), code(OTHER))).toBe('token-changed');
    expect(flaw(pins(), storage(OTHER))).toBe('token-changed');
    expect(flaw(pins('code', 'storage'), code(CODE), storage(OTHER))).toBe('token-changed');
    expect(flaw(pins(), code(OTHER), code(OTHER))).toBe('token-changed');
  });

  it('must be known where there is a rule (fact-missing), each of its parts', () => {
    expect(flawOfPins(pins('code'), undefined)?.code).toBe('fact-missing');
    expect(flaw(pins('code'), storage(WORD))).toBe('fact-missing');
    expect(flaw(pins('storage'), code(CODE))).toBe('fact-missing');
    expect(flaw(pins('code', 'storage'), code(CODE), storage(WORD))).toBeUndefined();
  });

  it('is not what one of two sources says it is not (facts-disagree)', () => {
    expect(flaw(pins(), code(CODE), code(OTHER))).toBe('facts-disagree');
    expect(flaw(pins('code'), code(OTHER), code(CODE))).toBe('facts-disagree');
  });

  it('is not proved by the word for something else', () => {
    const subject = `code/${ETHEREUM}/${CONTRACT}`;
    const hotShare: FactContent = { kind: 'hot-share', chain: ETHEREUM, contract: CONTRACT, basisPoints: 1 };
    expect(flawOfPins(pins('code'), new Map([[subject, [hotShare]]]))?.code).toBe('token-changed');
  });
});
