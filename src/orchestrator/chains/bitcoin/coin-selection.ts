// Which coins pay for a transaction. Pure: coins, rates and randomness are arguments. It does NOT know which coins may
// be spent, nor who gets paid.
//
// The measure is Bitcoin Core's waste: what the inputs cost now above what they would cost at the long-term rate, plus
// what is lost by making change (its output now, its spending later) or by giving the excess to the fee. Branch and bound
// looks for a selection without change first; what it finds competes with a knapsack, with the largest coins first, with a
// random draw, and, when fees are low, with a selection that gathers small coins.

import { compareBigints } from './bigints.js';
import {
  branchAndBound,
  type Coin,
  type EffectiveCoin,
  knapsack,
  largestFirst,
  type RandomBelow,
  type SearchTask,
  singleRandomDraw,
  smallestFirst,
} from './selection-searches.js';
import { CHANGE_VBYTES, feeAt, INPUT_VBYTES } from './weight.js';

export interface SelectionTask {
  /** What the payments amount to. */
  readonly targetSats: bigint;
  /** Virtual bytes of the transaction without inputs and without change. */
  readonly fixedVbytes: bigint;
  readonly feeRate: bigint;
  readonly longTermFeeRate: bigint;
  /** The most that the transaction may pay in fees. */
  readonly maxFeeSats: bigint;
  readonly maxInputs: number;
  /** Change below this is not made; it goes to the fee. At least the dust threshold. */
  readonly minChangeSats: bigint;
}

export interface Selection {
  readonly coins: readonly Coin[];
  /** 0 for none. */
  readonly changeSats: bigint;
  readonly feeSats: bigint;
  /** Bitcoin Core's measure, in satoshi; negative when gathering coins now is cheaper than later. */
  readonly wasteSats: bigint;
  readonly search: 'branch-and-bound' | 'knapsack' | 'largest-first' | 'random-draw' | 'gathering' | 'kept';
}

export type SelectionResult =
  | { readonly kind: 'selected'; readonly selection: Selection }
  | { readonly kind: 'insufficient-funds' }
  /** There are coins enough, but no way to pay that keeps below `maxFeeSats`. */
  | { readonly kind: 'fee-above-ceiling' };

export function searchTask(task: SelectionTask): SearchTask {
  const changeFee = feeAt(task.feeRate, CHANGE_VBYTES);
  const inputFee = feeAt(task.feeRate, INPUT_VBYTES);
  const laterInputFee = feeAt(task.longTermFeeRate, INPUT_VBYTES);
  return {
    goalSats: task.targetSats + feeAt(task.feeRate, task.fixedVbytes),
    costOfChangeSats: changeFee + laterInputFee,
    changeRoomSats: changeFee + task.minChangeSats,
    inputWasteSats: inputFee - laterInputFee,
    maxInputs: task.maxInputs,
  };
}

/** Coins that are worth more than spending them costs, with their effective values, the greatest first. */
export function effectiveCoins(coins: readonly Coin[], feeRate: bigint): EffectiveCoin[] {
  const inputFee = feeAt(feeRate, INPUT_VBYTES);
  return coins
    .filter((coin) => coin.amountSats > inputFee)
    .map((coin) => ({ ...coin, effectiveSats: coin.amountSats - inputFee }))
    .toSorted(
      (a, b) => compareBigints(b.effectiveSats, a.effectiveSats) || (a.outpoint < b.outpoint ? -1 : 1),
    );
}

/**
 * Selects from `coins`; those in `kept` (the inputs of a transaction that is to be replaced) are always in. The same
 * arguments and randomness give the same answer. The fee of a selection is exact for its size, except that without
 * change it also holds what was too little to make change of.
 */
export function selectCoins(
  coins: readonly Coin[],
  task: SelectionTask,
  random: RandomBelow,
  kept: readonly Coin[] = [],
): SelectionResult {
  const search = searchTask(task);
  const keptEffective = kept.reduce(
    (sum, coin) => sum + coin.amountSats - feeAt(task.feeRate, INPUT_VBYTES),
    0n,
  );
  const rest: SearchTask = {
    ...search,
    goalSats: search.goalSats - keptEffective,
    maxInputs: search.maxInputs - kept.length,
  };
  const usable = considered(effectiveCoins(coins, task.feeRate));
  const candidates = candidatesOf(usable, rest, random, kept.length > 0)
    .map(({ search: name, coins: chosen }) => finish(name, [...kept, ...chosen], task))
    .filter((selection) => selection !== undefined);
  if (candidates.length === 0) return { kind: 'insufficient-funds' };
  const affordable = candidates.filter(({ feeSats }) => feeSats <= task.maxFeeSats);
  const best = affordable.toSorted(better)[0];
  return best === undefined ? { kind: 'fee-above-ceiling' } : { kind: 'selected', selection: best };
}

/** Searches take time that grows with the coins, and a database transaction waits meanwhile. */
const MOST_CONSIDERED = 2_000;

/** The greatest and the smallest of very many coins: the former pay, the latter want to be gathered. */
function considered(coins: readonly EffectiveCoin[]): readonly EffectiveCoin[] {
  if (coins.length <= MOST_CONSIDERED) return coins;
  return [...coins.slice(0, MOST_CONSIDERED / 2), ...coins.slice(-MOST_CONSIDERED / 2)];
}

/** The least fee that any selection could pay, by the fewest inputs and no change; undefined when the coins do not suffice. */
export function leastFee(coins: readonly Coin[], task: SelectionTask): bigint | undefined {
  const { goalSats, maxInputs } = searchTask(task);
  const fewest = largestFirst(effectiveCoins(coins, task.feeRate), goalSats, maxInputs);
  return fewest && feeAt(task.feeRate, task.fixedVbytes + INPUT_VBYTES * BigInt(fewest.length));
}

interface Candidate {
  readonly search: Selection['search'];
  readonly coins: readonly EffectiveCoin[];
}

function candidatesOf(
  coins: readonly EffectiveCoin[],
  task: SearchTask,
  random: RandomBelow,
  keepsSome: boolean,
): Candidate[] {
  if (task.goalSats <= 0n && keepsSome) {
    return [{ search: 'kept', coins: [] }];
  }
  const found: [Selection['search'], readonly EffectiveCoin[] | undefined][] = [
    ['branch-and-bound', branchAndBound(coins, task)],
    ['largest-first', largestFirst(coins, task.goalSats, task.maxInputs)],
    ['largest-first', largestFirst(coins, task.goalSats + task.changeRoomSats, task.maxInputs)],
    ['knapsack', knapsack(coins, task.goalSats + task.changeRoomSats, task.maxInputs, random)],
    ['random-draw', singleRandomDraw(coins, task.goalSats + task.changeRoomSats, task.maxInputs, random)],
  ];
  // Every further input then lowers the waste. A replacement is no occasion: its fee is what is at stake. At most half of
  // the coins, and the small ones, so that the next payment need not wait for the change of this one.
  if (task.inputWasteSats < 0n && !keepsSome) {
    const most = Math.min(task.maxInputs, Math.floor(coins.length / 2));
    found.push(['gathering', smallestFirst(coins, task.goalSats + task.changeRoomSats, most)]);
  }
  return found.flatMap(([search, chosen]) => (chosen === undefined ? [] : [{ search, coins: chosen }]));
}

/** Makes change of what is left over, or gives it to the fee. Undefined when the coins do not suffice after all. */
function finish(
  search: Selection['search'],
  coins: readonly Coin[],
  task: SelectionTask,
): Selection | undefined {
  if (coins.length === 0 || coins.length > task.maxInputs) return undefined;
  const total = coins.reduce((sum, coin) => sum + coin.amountSats, 0n);
  const inputVbytes = INPUT_VBYTES * BigInt(coins.length);
  const left = total - task.targetSats;
  const feeWithout = feeAt(task.feeRate, task.fixedVbytes + inputVbytes);
  if (left < feeWithout) return undefined;
  const { inputWasteSats, costOfChangeSats } = searchTask(task);
  const inputWaste = inputWasteSats * BigInt(coins.length);
  const feeWith = feeAt(task.feeRate, task.fixedVbytes + inputVbytes + CHANGE_VBYTES);
  const changeSats = left - feeWith;
  return changeSats >= task.minChangeSats
    ? { coins, changeSats, feeSats: feeWith, wasteSats: inputWaste + costOfChangeSats, search }
    : { coins, changeSats: 0n, feeSats: left, wasteSats: inputWaste + left - feeWithout, search };
}

/** Less waste first; of equal waste more coins (fewer remain to be spent later), then the smaller fee, then the search that came first. */
function better(a: Selection, b: Selection): number {
  return (
    compareBigints(a.wasteSats, b.wasteSats) ||
    b.coins.length - a.coins.length ||
    compareBigints(a.feeSats, b.feeSats)
  );
}
