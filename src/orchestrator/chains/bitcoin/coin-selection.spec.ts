import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import {
  effectiveCoins,
  type Selection,
  type SelectionTask,
  searchTask,
  selectCoins,
} from './coin-selection.js';
import type { Coin, RandomBelow } from './selection-searches.js';
import { branchAndBound } from './selection-searches.js';
import { CHANGE_VBYTES, feeAt, INPUT_VBYTES } from './weight.js';

const UNLIMITED = 21_000_000n * 100_000_000n;

/** Random numbers that a seed repeats (Park and Miller). */
function seeded(seed: number): RandomBelow {
  let state = (seed % 2_147_483_646) + 1;
  return (bound) => {
    state = (state * 48_271) % 2_147_483_647;
    return state % bound;
  };
}

function coinsOf(amounts: readonly bigint[]): Coin[] {
  return amounts.map((amountSats, index) => ({
    outpoint: `${index.toString(16).padStart(64, '0')}:0`,
    amountSats,
  }));
}

function taskOf(task: Partial<SelectionTask> & { readonly targetSats: bigint }): SelectionTask {
  return {
    fixedVbytes: 42n,
    feeRate: 10_000n,
    longTermFeeRate: 10_000n,
    maxFeeSats: UNLIMITED,
    maxInputs: 200,
    minChangeSats: 294n,
    ...task,
  };
}

function selected(coins: readonly Coin[], task: SelectionTask, seed = 1): Selection {
  const result = selectCoins(coins, task, seeded(seed));
  if (result.kind !== 'selected') throw new Error(`expected a selection, got ${result.kind}`);
  return result.selection;
}

const amounts = (maxLength: number) => fc.array(fc.bigInt(1n, 300_000n), { minLength: 1, maxLength });
const rate = fc.bigInt(100n, 60_000n);
const someTask = fc
  .record({
    targetSats: fc.bigInt(294n, 900_000n),
    feeRate: rate,
    longTermFeeRate: rate,
    fixedVbytes: fc.bigInt(42n, 400n),
    maxInputs: fc.integer({ min: 1, max: 30 }),
  })
  .map(taskOf);

describe('coin selection', () => {
  it('spends one coin that fits exactly, without change', () => {
    const task = taskOf({ targetSats: 100_000n });
    const exact = 100_000n + feeAt(task.feeRate, task.fixedVbytes + INPUT_VBYTES);
    const selection = selected(coinsOf([1_000_000n, exact, 70_000n]), task);
    expect(selection).toMatchObject({ changeSats: 0n, search: 'branch-and-bound' });
    expect(selection.coins.map((coin) => coin.amountSats)).toEqual([exact]);
  });

  it('makes change of all that is left when that is worth it', () => {
    const task = taskOf({ targetSats: 100_000n });
    const selection = selected(coinsOf([1_000_000n]), task);
    expect(selection.feeSats).toBe(feeAt(task.feeRate, task.fixedVbytes + INPUT_VBYTES + CHANGE_VBYTES));
    expect(selection.changeSats).toBe(900_000n - selection.feeSats);
  });

  it('gives to the fee what is too little for change', () => {
    const task = taskOf({ targetSats: 100_000n });
    const needed = feeAt(task.feeRate, task.fixedVbytes + INPUT_VBYTES);
    const selection = selected(coinsOf([100_000n + needed + 500n]), task);
    expect(selection).toMatchObject({ changeSats: 0n, feeSats: needed + 500n, wasteSats: 500n });
  });

  it('gathers small coins while fees are low, and spares them while fees are high', () => {
    const coins = coinsOf([1_000_000n, ...Array.from({ length: 20 }, () => 20_000n)]);
    const low = selected(coins, taskOf({ targetSats: 100_000n, feeRate: 1_000n }));
    const high = selected(coins, taskOf({ targetSats: 100_000n, feeRate: 50_000n }));
    expect(low.coins.length).toBeGreaterThan(5);
    expect(low.wasteSats).toBeLessThan(0n);
    expect(high.coins.length).toBe(1);
  });

  it('gathers at most half of the coins, so that the next payment finds some', () => {
    const coins = coinsOf(Array.from({ length: 9 }, () => 200_000n));
    const task = taskOf({ targetSats: 100_000n, feeRate: 1_000n });
    expect(selected(coins, task).coins.length).toBe(4);
    expect(selected(coins.slice(0, 3), task).coins.length).toBe(1);
  });

  it('gathers no more than the fee ceiling allows', () => {
    const coins = coinsOf([1_000_000n, ...Array.from({ length: 20 }, () => 20_000n)]);
    const task = taskOf({ targetSats: 100_000n, feeRate: 1_000n, maxFeeSats: 200n });
    const selection = selected(coins, task);
    expect(selection.feeSats).toBeLessThanOrEqual(200n);
  });

  it('says insufficient-funds when the coins do not cover payment and fee by one satoshi', () => {
    const task = taskOf({ targetSats: 100_000n });
    const needed = feeAt(task.feeRate, task.fixedVbytes + INPUT_VBYTES);
    expect(selectCoins(coinsOf([100_000n + needed - 1n]), task, seeded(1)).kind).toBe('insufficient-funds');
    expect(selectCoins(coinsOf([100_000n + needed]), task, seeded(1)).kind).toBe('selected');
  });

  it('says insufficient-funds without any coin', () => {
    expect(selectCoins([], taskOf({ targetSats: 1_000n }), seeded(1)).kind).toBe('insufficient-funds');
  });

  it('does not count coins that cost more than they bring', () => {
    const coins = coinsOf(Array.from({ length: 100 }, () => 680n));
    expect(selectCoins(coins, taskOf({ targetSats: 300n }), seeded(1)).kind).toBe('insufficient-funds');
  });

  it('says fee-above-ceiling when the coins suffice but the ceiling does not', () => {
    const result = selectCoins(
      coinsOf([1_000_000n]),
      taskOf({ targetSats: 100_000n, maxFeeSats: 100n }),
      seeded(1),
    );
    expect(result.kind).toBe('fee-above-ceiling');
  });

  it('keeps the inputs of what it replaces, and adds coins only when they do not suffice', () => {
    const [kept, other] = coinsOf([200_000n, 500_000n]);
    if (kept === undefined || other === undefined) throw new Error('two coins');
    const enough = selectCoins([other], taskOf({ targetSats: 100_000n }), seeded(1), [kept]);
    const more = selectCoins([other], taskOf({ targetSats: 300_000n }), seeded(1), [kept]);
    expect(enough).toMatchObject({ kind: 'selected', selection: { coins: [kept] } });
    expect(more).toMatchObject({ kind: 'selected' });
    if (more.kind === 'selected')
      expect(more.selection.coins.map((c) => c.outpoint)).toContain(kept.outpoint);
  });

  it('never selects too little, never pays more fee than size and dust explain, never the same coin twice', () => {
    fc.assert(
      fc.property(amounts(40), someTask, fc.nat(), (values, task, seed) => {
        const result = selectCoins(coinsOf(values), task, seeded(seed));
        if (result.kind !== 'selected') return;
        const { coins, changeSats, feeSats } = result.selection;
        const total = coins.reduce((sum, coin) => sum + coin.amountSats, 0n);
        expect(total).toBe(task.targetSats + changeSats + feeSats);
        const vbytes =
          task.fixedVbytes + INPUT_VBYTES * BigInt(coins.length) + (changeSats > 0n ? CHANGE_VBYTES : 0n);
        const needed = feeAt(task.feeRate, vbytes);
        expect(feeSats).toBeGreaterThanOrEqual(needed);
        const tolerance = changeSats > 0n ? 0n : task.minChangeSats + feeAt(task.feeRate, CHANGE_VBYTES);
        expect(feeSats - needed).toBeLessThanOrEqual(tolerance);
        expect(changeSats === 0n || changeSats >= task.minChangeSats).toBe(true);
        expect(coins.length).toBeLessThanOrEqual(task.maxInputs);
        expect(new Set(coins.map((coin) => coin.outpoint)).size).toBe(coins.length);
      }),
      { numRuns: 400 },
    );
  });

  it('never pays above the ceiling', () => {
    fc.assert(
      fc.property(
        amounts(20),
        someTask,
        fc.bigInt(0n, 20_000n),
        fc.nat(),
        (values, task, maxFeeSats, seed) => {
          const result = selectCoins(coinsOf(values), { ...task, maxFeeSats }, seeded(seed));
          if (result.kind === 'selected') expect(result.selection.feeSats).toBeLessThanOrEqual(maxFeeSats);
        },
      ),
    );
  });

  it('finds a selection whenever the greatest coins suffice', () => {
    fc.assert(
      fc.property(amounts(30), someTask, fc.nat(), (values, task, seed) => {
        const effective = effectiveCoins(coinsOf(values), task.feeRate).slice(0, task.maxInputs);
        const reach = effective.reduce((sum, coin) => sum + coin.effectiveSats, 0n);
        const result = selectCoins(coinsOf(values), task, seeded(seed));
        if (reach >= searchTask(task).goalSats) expect(result.kind).toBe('selected');
      }),
    );
  });

  it('gives the same selection for the same coins, task and randomness', () => {
    fc.assert(
      fc.property(amounts(30), someTask, fc.nat(), (values, task, seed) => {
        const coins = coinsOf(values);
        expect(selectCoins(coins, task, seeded(seed))).toEqual(
          selectCoins(coins.toReversed(), task, seeded(seed)),
        );
      }),
    );
  });
});

describe('branch and bound', () => {
  it('wastes no more than the best of all subsets, for up to 12 coins', () => {
    fc.assert(
      fc.property(amounts(12), someTask, (values, task) => {
        const coins = effectiveCoins(coinsOf(values), task.feeRate);
        const search = searchTask(task);
        const wasteOf = (sum: bigint, count: number) =>
          sum >= search.goalSats &&
          sum <= search.goalSats + search.costOfChangeSats &&
          count <= search.maxInputs
            ? search.inputWasteSats * BigInt(count) + sum - search.goalSats
            : undefined;
        let least: bigint | undefined;
        for (let set = 1; set < 2 ** coins.length; set += 1) {
          const chosen = coins.filter((_, index) => (set >> index) & 1);
          const waste = wasteOf(
            chosen.reduce((sum, coin) => sum + coin.effectiveSats, 0n),
            chosen.length,
          );
          if (waste !== undefined && (least === undefined || waste < least)) least = waste;
        }
        const found = branchAndBound(coins, search);
        const waste =
          found &&
          wasteOf(
            found.reduce((sum, coin) => sum + coin.effectiveSats, 0n),
            found.length,
          );
        expect(waste).toBe(least);
      }),
      {
        numRuns: 300,
        examples: [
          // A goal that only a combination hits, with equal coins about.
          [[50_000n, 50_000n, 30_000n, 20_000n, 20_000n], taskOf({ targetSats: 97_000n })],
        ],
      },
    );
  });

  it('hits targets that are sums of coins', () => {
    fc.assert(
      fc.property(amounts(12), fc.nat(), rate, rate, (values, mask, feeRate, longTermFeeRate) => {
        const coins = effectiveCoins(coinsOf(values), feeRate);
        const chosen = coins.filter((_, index) => (mask >> index) & 1);
        const goalSats = chosen.reduce((sum, coin) => sum + coin.effectiveSats, 0n);
        if (chosen.length === 0) return;
        const { costOfChangeSats, changeRoomSats, inputWasteSats } = searchTask(
          taskOf({ targetSats: 0n, feeRate, longTermFeeRate }),
        );
        const search = { goalSats, costOfChangeSats, changeRoomSats, inputWasteSats, maxInputs: 12 };
        expect(branchAndBound(coins, search)).toBeDefined();
      }),
    );
  });

  it('ends although there are more subsets than it may try', () => {
    const coins = effectiveCoins(
      coinsOf(Array.from({ length: 60 }, (_, i) => 2n ** 32n + 2n ** BigInt(i % 32))),
      1_000n,
    );
    const search = { ...searchTask(taskOf({ targetSats: 2n ** 36n + 1n })), costOfChangeSats: 0n };
    expect(branchAndBound(coins, search)).toBeUndefined();
  });
});
