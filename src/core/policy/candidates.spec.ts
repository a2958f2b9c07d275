// An index is worth nothing that leaves out a rule which holds, or may hold: against asking every rule, one after the other.

import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { candidatesFor, candidatesOf } from './candidates.js';
import { KINDS, PLAIN_KINDS } from './conditions/table.js';
import { allHold } from './conditions.js';
import { BITCOIN, SITUATION } from './shipped.fixture.js';
import type { Condition, Situation } from './types.js';

const NAMES = ['a', 'b', 'c', 'd'];
const name = fc.constantFrom(...NAMES);
const names = fc.uniqueArray(name, { minLength: 1 }).map((some) => new Set(some));
const BTC = { chain: BITCOIN, contract: 'native', symbol: 'BTC', decimals: 8 } as const;

/** In the order in which they are asked. */
const when: fc.Arbitrary<readonly Condition[]> = fc
  .tuple(
    fc.option(fc.constant<Condition>({ kind: 'asset', asset: BTC })),
    fc.option(names.map((some): Condition => ({ kind: 'destination-in', names: some }))),
    fc.option(names.map((some): Condition => ({ kind: 'requester-in', names: some }))),
    fc.option(names.map((some): Condition => ({ kind: 'customer-in', names: some }))),
    fc.option(fc.nat(100).map((most): Condition => ({ kind: 'risk-score-at-most', score: most }))),
  )
  .map((some) => some.filter((condition) => condition !== null));

const situation: fc.Arbitrary<Situation> = fc
  .record({ destination: name, requester: name, customer: name })
  .map((who) => ({ ...SITUATION, ...who }));

describe('the rules that a transfer can meet', () => {
  it('are in their order, each once, and none is missing that holds or may hold', () => {
    const seen = { left: 0, asked: 0 };
    fc.assert(
      fc.property(fc.array(when, { maxLength: 30 }), situation, (whens, asked) => {
        const rules = whens.map((conditions, place) => ({ when: conditions, place }));
        const found = candidatesFor(candidatesOf(rules), asked).map(({ rule }) => rule.place);
        expect(found).toEqual([...new Set(found)].toSorted((one, other) => one - other));
        for (const rule of rules) {
          if (found.includes(rule.place)) continue;
          seen.left += 1;
          expect(allHold(rule.when, asked)).toBe(false);
        }
        seen.asked += found.length;
      }),
      { numRuns: 500 },
    );
    expect(Math.min(seen.left, seen.asked)).toBeGreaterThan(100);
  });

  it('are told apart by conditions that are asked before any that rests on what the signer knows', () => {
    const last = PLAIN_KINDS.indexOf('customer-in');
    expect(PLAIN_KINDS.slice(0, last)).toEqual(expect.arrayContaining(['destination-in', 'requester-in']));
    expect(PLAIN_KINDS.slice(0, last + 1).filter((kind) => KINDS[kind].asks !== undefined)).toEqual([]);
    expect(PLAIN_KINDS.slice(last).some((kind) => KINDS[kind].asks !== undefined)).toBe(true);
  });

  it('are few, where each names somebody else', () => {
    const rules = Array.from({ length: 1_000 }, (_, at) => ({
      at,
      when: [{ kind: 'customer-in', names: new Set([`customer-${at}`]) }] as const,
    }));
    const found = candidatesFor(candidatesOf(rules), { ...SITUATION, customer: 'customer-7' });
    expect(found.map(({ rule }) => rule.at)).toEqual([7]);
  });
});
