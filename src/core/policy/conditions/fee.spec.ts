import { describe, expect, it } from '@jest/globals';
import { parseUnits } from '../../money/amount.js';
import { decide, explain } from '../decide.js';
import { parsePolicies } from '../parse.js';
import { documentOf, ETHEREUM, SHIPPED_CONTEXT, SITUATION, USDX, valueFrom } from '../shipped.fixture.js';
import type { Situation } from '../types.js';

function setWith(when: string, head: string) {
  const text = `policy: a\n${head}\nrules:\n  - { id: one, when: { ${when} }, then: allow }\n`;
  return valueFrom(parsePolicies([documentOf('a', text)], SHIPPED_CONTEXT));
}
const bitcoin = (when: string) =>
  setWith(
    `asset: BTC, ${when}`,
    'applies-to: { wallets: [hot-btc] }\nfee-caps: { absolute: "0.0005 BTC", relative: "5%" }',
  );
const ethereum = (when: string) =>
  setWith(when, 'applies-to: { wallets: [hot-eth] }\nfee-caps: { absolute: "0.01 ETH", relative: "5%" }');

const USDX_MOVED: Situation = {
  ...SITUATION,
  wallet: 'hot-eth',
  chain: ETHEREUM,
  contract: USDX.toLowerCase(),
  amount: 10n ** 24n,
};

const answer = (set: ReturnType<typeof setWith>, situation: Situation) =>
  decide(set, situation, () => 0n).kind;

describe('conditions on the fee', () => {
  it.each([
    [10_000n, 'allow'],
    [10_001n, 'refuse'],
  ])('take what it may cost at most, to the last satoshi: %s', (feeCeiling, kind) => {
    expect(answer(bitcoin('fee-at-most: "0.0001 BTC"'), { ...SITUATION, feeCeiling })).toBe(kind);
  });

  it.each([
    [10_000n, 200n, 'allow'],
    [10_000n, 201n, 'refuse'],
    [9_999n, 200n, 'refuse'],
    [1n, 0n, 'allow'],
  ])('take the share of what is moved without rounding: of %s a fee of %s', (amount, feeCeiling, kind) => {
    expect(answer(bitcoin('fee-share-at-most: "2%"'), { ...SITUATION, amount, feeCeiling })).toBe(kind);
  });

  it('are in the coin of the chain also where a token moves, which no share can be taken of', () => {
    const most = parseUnits('0.001', 18);
    const set = ethereum('asset: USDX, fee-at-most: "0.001 ETH"');
    expect(answer(set, { ...USDX_MOVED, feeCeiling: most })).toBe('allow');
    expect(answer(set, { ...USDX_MOVED, feeCeiling: most + 1n })).toBe('refuse');
    const low = { id: 'low', when: [{ kind: 'fee-share-at-most' as const, basisPoints: 200n }] };
    const either = {
      ...set,
      policies: set.policies.map((one) => ({
        ...one,
        rules: one.rules.map((rule) => ({ ...rule, ...low })),
      })),
    };
    expect(answer(either, { ...USDX_MOVED, feeCeiling: 1n })).toBe('refuse');
  });

  it('hold for no other chain', () => {
    const set = bitcoin('fee-at-most: "0.0001 BTC"');
    const elsewhere = { ...SITUATION, chain: ETHEREUM, feeCeiling: 1n };
    expect(answer(set, elsewhere)).toBe('refuse');
  });

  it('are said as they are written', () => {
    const unmet = (when: string) =>
      explain(bitcoin(when), { ...SITUATION, feeCeiling: 1_000_000n }, () => 0n).passedOver[0]?.unmet;
    expect(unmet('fee-at-most: "0.0001 BTC"')).toBe('fee-at-most: 0.0001 BTC');
    expect(unmet('fee-share-at-most: "2%"')).toBe('fee-share-at-most: 2%');
    expect(unmet('fee-share-at-most: "0.05%"')).toBe('fee-share-at-most: 0.05%');
  });
});
