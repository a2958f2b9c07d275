import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { SignedFact } from '../core/facts/fact.js';
import { factBy, NOW_MS, priceOf, screeningOf, stateWith, watching } from '../core/facts/facts.fixture.js';
import { genesisOf } from '../core/governance/people.fixture.js';
import { portableVerifier } from '../core/statements/signature.js';
import { HeardFacts } from './heard-facts.js';
import { reservation } from './reservation.fixture.js';
import { Seal } from './seal.js';
import { SignerStore } from './store.js';

const watcher = watching('watcher-1');
const other = watching('watcher-2');
const state = stateWith(watcher, other);
const ADDRESSES = ['a', 'b', 'c', 'd'].map((letter) => `0x${letter.repeat(40)}`);
const address = (index: number) => ADDRESSES[index] ?? '';

const fact = (sequence: number, price = '60000') => factBy(watcher, priceOf(price), { sequence });
/** Seen so long after the signer began as its number says. */
const screening = (index: number, sequence: number, by = watcher) =>
  factBy(by, screeningOf(address(index)), { sequence, observedAtMs: NOW_MS + sequence });

let folder: string;
let store: SignerStore;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'portcullis-heard-facts-'));
  store = SignerStore.create(join(folder, 'signer.db'), genesisOf(), new Seal(new Uint8Array(32).fill(7)));
});
afterEach(() => {
  store.close();
  rmSync(folder, { recursive: true });
});

/** A signer's memory as it is when it began then. */
const begun = (most?: number, beganMs = NOW_MS) => new HeardFacts(store.ledger, beganMs, most);

function answerOf(heard: HeardFacts, ...facts: readonly SignedFact[]) {
  const outcome = heard.hear({ facts: [...facts] }, state, portableVerifier, { wallMs: NOW_MS });
  return outcome.kind === 'refused' ? [outcome.code, outcome.facts.newest] : outcome.kind;
}

/** As `answerOf`, by a signer that began after all that was reserved with, and has heard nothing since. */
const answerTo = (...facts: readonly SignedFact[]) => answerOf(begun(), ...facts);

function reserveWith(name: string, ...facts: readonly SignedFact[]): void {
  const body = reservation(store.ledger, name, [], [`one/${name}:0`]);
  store.append({ ...body, order: { ...body.order, facts: [...facts] } });
}

describe('facts beside what was reserved with', () => {
  it('are those that were reserved with before, or newer ones', () => {
    expect(answerTo()).toBe('accepted');
    reserveWith('first', fact(7));
    expect(answerTo(fact(7))).toBe('accepted');
    expect(answerTo(fact(8))).toBe('accepted');
    expect(answerTo(factBy(watcher, priceOf('60000', { currency: 'EUR' }), { sequence: 1 }))).toBe(
      'accepted',
    );
    expect(answerTo(factBy(other, priceOf('1'), { sequence: 1 }))).toBe('accepted');
  });

  it('never are older ones (fact-sequence-decreased)', () => {
    reserveWith('first', fact(7));
    reserveWith('second', fact(9));
    reserveWith('third', fact(8));
    expect(answerTo(fact(8))).toEqual(['fact-sequence-decreased', 9]);
    expect(answerTo(fact(10))).toBe('accepted');
  });

  it('never are others under a sequence that was there (fact-sequence-decreased)', () => {
    reserveWith('first', fact(7));
    expect(answerTo(fact(7, '60001'))).toEqual(['fact-sequence-decreased', 7]);
  });
});

describe('facts beside what was heard with orders of which nothing came', () => {
  it('never are older ones, nor others under the same sequence (fact-sequence-decreased)', () => {
    const heard = begun();
    expect(answerOf(heard, fact(9))).toBe('accepted');
    expect(answerOf(heard, fact(8))).toEqual(['fact-sequence-decreased', 9]);
    expect(answerOf(heard, fact(9, '60001'))).toEqual(['fact-sequence-decreased', 9]);
    expect(answerOf(heard, fact(9))).toBe('accepted');
    reserveWith('one', fact(10));
    expect(answerOf(heard, fact(9))).toEqual(['fact-sequence-decreased', 10]);
  });

  it('have been heard, too, where another one of the same order is refused', () => {
    const heard = begun();
    expect(answerOf(heard, fact(9))).toBe('accepted');
    expect(answerOf(heard, fact(8), screening(0, 6))).toEqual(['fact-sequence-decreased', 9]);
    expect(answerOf(heard, screening(0, 5))).toEqual(['fact-sequence-decreased', 6]);
  });
});

describe('two screenings in one order, each for a transfer of its own', () => {
  it('are compared with what came before, and not with each other', () => {
    const heard = begun();
    const own = (digit: string, sequence: number) =>
      factBy(watcher, screeningOf(address(0), { transferId: `tr-${digit.repeat(40)}` }), { sequence });
    expect(answerOf(heard, own('1', 6), own('2', 5))).toBe('accepted');
    expect(answerOf(heard, own('2', 5))).toEqual(['fact-sequence-decreased', 6]);
  });
});

describe('facts that do not verify', () => {
  it('were heard by nobody, nor those beside them', () => {
    const heard = begun();
    const { statement } = fact(9);
    const forged = { statement, signature: '00'.repeat(64) };
    expect(answerOf(heard, screening(0, 6), forged)).toEqual(['fact-signature-invalid', undefined]);
    expect(answerOf(heard, screening(0, 5), fact(8))).toBe('accepted');
  });
});

describe('facts from before the signer began', () => {
  const early = (sequence: number) => factBy(watcher, priceOf('1'), { sequence, observedAtMs: NOW_MS - 1 });

  it('are not taken: it may have heard newer ones in the life before (fact-order-unknown)', () => {
    const heard = begun();
    expect(answerOf(heard, early(8))).toEqual(['fact-order-unknown', undefined]);
    // Asked for again, it is still not one that was heard.
    expect(answerOf(heard, early(8))).toEqual(['fact-order-unknown', undefined]);
    expect(answerOf(heard, fact(7))).toBe('accepted');
  });

  it('are not taken where something was reserved with the same (fact-order-unknown)', () => {
    reserveWith('first', early(8));
    expect(answerTo(early(8))).toEqual(['fact-order-unknown', undefined]);
    expect(answerTo(early(9))).toEqual(['fact-order-unknown', undefined]);
  });
});

describe('a memory that is full', () => {
  it('takes nothing that could be older than what was forgotten (fact-order-unknown)', () => {
    const heard = begun(2);
    for (const index of [0, 1, 2]) expect(answerOf(heard, screening(index, 10 + index))).toBe('accepted');
    // What was said about the first address at 10 is forgotten.
    expect(answerOf(heard, screening(0, 9))).toEqual(['fact-order-unknown', undefined]);
    expect(answerOf(heard, screening(0, 10))).toEqual(['fact-order-unknown', undefined]);
    expect(answerOf(heard, screening(3, 10))).toEqual(['fact-order-unknown', undefined]);
    expect(answerOf(heard, screening(2, 11))).toEqual(['fact-sequence-decreased', 12]);
    expect(answerOf(heard, screening(0, 11))).toBe('accepted');
  });

  it('is the affair of one watcher: the facts of another one are taken as before', () => {
    const heard = begun(1);
    for (const index of [0, 1]) expect(answerOf(heard, screening(index, 10 + index))).toBe('accepted');
    expect(answerOf(heard, screening(0, 5, other))).toBe('accepted');
  });

  it('lets nobody go back, whatever is asked in whichever order', () => {
    const said = fc.record({ index: fc.nat({ max: 3 }), sequence: fc.integer({ min: 1, max: 12 }) });
    fc.assert(
      fc.property(fc.array(said, { maxLength: 30 }), fc.integer({ min: 1, max: 4 }), (all, most) => {
        const heard = begun(most);
        const highest = new Map<number, number>();
        for (const { index, sequence } of all) {
          const before = highest.get(index) ?? 0;
          if (answerOf(heard, screening(index, sequence)) !== 'accepted') continue;
          expect(sequence).toBeGreaterThanOrEqual(before);
          highest.set(index, sequence);
        }
      }),
      { numRuns: 30 },
    );
  });
});
