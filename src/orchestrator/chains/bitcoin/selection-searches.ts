// The searches that coin selection compares. Each takes coins with the greatest effective value first and a goal for
// their sum; it answers with a selection that reaches the goal, or with undefined when it found none. None of them makes
// change, knows fees, or judges what it found.

/** A P2WPKH coin that may be spent. */
export interface Coin {
  /** `txid:vout`, as displayed. */
  readonly outpoint: string;
  readonly amountSats: bigint;
}

/** A uniformly random integer from 0 to `bound - 1`. */
export type RandomBelow = (bound: number) => number;

/** A coin with what it adds after paying for its own input; always above zero. */
export interface EffectiveCoin extends Coin {
  readonly effectiveSats: bigint;
}

/** What the searches work with. */
export interface SearchTask {
  /** Payments and the fee of everything but the inputs: what effective values must reach. */
  readonly goalSats: bigint;
  /** As much above the goal costs no more than change would. */
  readonly costOfChangeSats: bigint;
  /** Above the goal, what change of a sensible size takes together with its own output's fee. */
  readonly changeRoomSats: bigint;
  /** Waste of one more input: its fee now less its fee at the long-term rate. May be negative. */
  readonly inputWasteSats: bigint;
  readonly maxInputs: number;
}

/** Bitcoin Core's bound. Each try is one coin taken or left. */
const MAX_TRIES = 100_000;
const KNAPSACK_ROUNDS = 100;

/**
 * The selection of least waste whose sum is between the goal and the goal plus the cost of change, so that it needs no
 * change. Depth first over "take it, leave it"; the best one there is unless the tries run out.
 * After M. Erhardt, "An Evaluation of Coin Selection Strategies" (2016), as in Bitcoin Core.
 */
export function branchAndBound(
  coins: readonly EffectiveCoin[],
  task: SearchTask,
): readonly EffectiveCoin[] | undefined {
  const { goalSats, costOfChangeSats, inputWasteSats, maxInputs } = task;
  const upper = goalSats + costOfChangeSats;
  // behind[i]: what coins i and later add up to.
  const behind = suffixSums(coins);
  if (goalSats <= 0n || (behind[0] ?? 0n) < goalSats) return undefined;

  const taken: number[] = [];
  let sum = 0n;
  let best: readonly number[] | undefined;
  let bestWaste = 0n;
  let index = 0;
  for (let tries = 0; tries < MAX_TRIES; tries += 1) {
    const waste = inputWasteSats * BigInt(taken.length);
    let backtrack =
      sum + (behind[index] ?? 0n) < goalSats ||
      sum > upper ||
      taken.length > maxInputs ||
      // Only when more inputs mean more waste does a branch never get better again.
      (best !== undefined && inputWasteSats > 0n && waste > bestWaste);
    if (!backtrack && sum >= goalSats) {
      const found = waste + sum - goalSats;
      if (best === undefined || found <= bestWaste) {
        best = [...taken];
        bestWaste = found;
      }
      // A further coin adds excess, and waste too, unless inputs are cheaper now than later.
      backtrack = inputWasteSats >= 0n;
    }
    if (backtrack || index >= coins.length) {
      const last = taken.pop();
      if (last === undefined) break;
      sum -= coins[last]?.effectiveSats ?? 0n;
      // Leaving this coin but taking an equal one behind it would be the same selection again.
      index = nextDifferent(coins, last);
    } else {
      sum += coins[index]?.effectiveSats ?? 0n;
      taken.push(index);
      index += 1;
    }
  }
  return best === undefined ? undefined : pick(coins, best);
}

/** The greatest coins until the goal is reached: the fewest inputs, hence the smallest fee. */
export function largestFirst(
  coins: readonly EffectiveCoin[],
  goalSats: bigint,
  maxInputs: number,
): readonly EffectiveCoin[] | undefined {
  return prefix(coins, goalSats, maxInputs);
}

/** As many of the smallest coins as may be inputs, with greater ones only as far as the goal needs them. */
export function smallestFirst(
  coins: readonly EffectiveCoin[],
  goalSats: bigint,
  maxInputs: number,
): readonly EffectiveCoin[] | undefined {
  for (let greatest = 0; greatest <= Math.min(coins.length, maxInputs); greatest += 1) {
    const room = maxInputs - greatest;
    const small = room === 0 ? [] : coins.slice(greatest).slice(-room);
    const chosen = [...coins.slice(0, greatest), ...small];
    if (chosen.length > 0 && sumOf(chosen) >= goalSats) return chosen;
  }
  return undefined;
}

/** Coins in random order until the goal is reached. When they become too many, the least one goes for each that comes. */
export function singleRandomDraw(
  coins: readonly EffectiveCoin[],
  goalSats: bigint,
  maxInputs: number,
  random: RandomBelow,
): readonly EffectiveCoin[] | undefined {
  const drawn: EffectiveCoin[] = [];
  let sum = 0n;
  for (const coin of shuffled(coins, random)) {
    drawn.push(coin);
    sum += coin.effectiveSats;
    if (drawn.length > maxInputs) {
      const least = drawn.reduce((a, b) => (b.effectiveSats < a.effectiveSats ? b : a));
      drawn.splice(drawn.indexOf(least), 1);
      sum -= least.effectiveSats;
    }
    if (sum >= goalSats) return drawn;
  }
  return undefined;
}

/**
 * The nearest sum above the goal that random rounds find among the coins below it, or the least single coin above it.
 * The oldest of Bitcoin Core's searches: stochastic subset sum, each round twice over the coins.
 */
export function knapsack(
  coins: readonly EffectiveCoin[],
  goalSats: bigint,
  maxInputs: number,
  random: RandomBelow,
): readonly EffectiveCoin[] | undefined {
  if (goalSats <= 0n) return undefined;
  const atLeast = coins.findLast((coin) => coin.effectiveSats >= goalSats);
  const below = coins.filter((coin) => coin.effectiveSats < goalSats);
  const single = atLeast === undefined ? undefined : [atLeast];
  if (sumOf(below) < goalSats) return single;

  let best = single;
  let bestSum = atLeast?.effectiveSats;
  for (let round = 0; round < KNAPSACK_ROUNDS && bestSum !== goalSats; round += 1) {
    const found = knapsackRound(below, goalSats, random);
    if (found.length > maxInputs) continue;
    const sum = sumOf(found);
    if (bestSum === undefined || sum < bestSum) {
      best = found;
      bestSum = sum;
    }
  }
  return best;
}

function knapsackRound(
  coins: readonly EffectiveCoin[],
  goalSats: bigint,
  random: RandomBelow,
): EffectiveCoin[] {
  const included = new Set<EffectiveCoin>();
  let best = [...coins];
  let bestSum = sumOf(coins);
  let sum = 0n;
  for (const pass of ['random', 'rest'] as const) {
    for (const coin of coins) {
      // First any coin with even odds, then every one that was left out, until the goal is reached.
      if (pass === 'random' ? random(2) === 0 : included.has(coin)) continue;
      included.add(coin);
      sum += coin.effectiveSats;
      if (sum < goalSats) continue;
      if (sum < bestSum) {
        best = [...included];
        bestSum = sum;
      }
      // Without this one the next, smaller ones may come nearer.
      included.delete(coin);
      sum -= coin.effectiveSats;
    }
  }
  return best;
}

function prefix(
  coins: readonly EffectiveCoin[],
  goalSats: bigint,
  maxInputs: number,
): readonly EffectiveCoin[] | undefined {
  let sum = 0n;
  for (let count = 1; count <= Math.min(coins.length, maxInputs); count += 1) {
    sum += coins[count - 1]?.effectiveSats ?? 0n;
    if (sum >= goalSats) return coins.slice(0, count);
  }
  return undefined;
}

/** Fisher and Yates. */
export function shuffled<T>(items: readonly T[], random: RandomBelow): T[] {
  const order = [...items];
  for (let last = order.length - 1; last > 0; last -= 1) {
    const other = random(last + 1);
    const [a, b] = [order[last], order[other]];
    if (a === undefined || b === undefined) continue;
    order[last] = b;
    order[other] = a;
  }
  return order;
}

function nextDifferent(coins: readonly EffectiveCoin[], index: number): number {
  let next = index + 1;
  while (next < coins.length && coins[next]?.effectiveSats === coins[index]?.effectiveSats) next += 1;
  return next;
}

function suffixSums(coins: readonly EffectiveCoin[]): bigint[] {
  const sums: bigint[] = Array.from({ length: coins.length + 1 }, () => 0n);
  for (let i = coins.length - 1; i >= 0; i -= 1)
    sums[i] = (sums[i + 1] ?? 0n) + (coins[i]?.effectiveSats ?? 0n);
  return sums;
}

function sumOf(coins: readonly EffectiveCoin[]): bigint {
  return coins.reduce((sum, coin) => sum + coin.effectiveSats, 0n);
}

function pick(coins: readonly EffectiveCoin[], indices: readonly number[]): EffectiveCoin[] {
  return indices.flatMap((index) => coins[index] ?? []);
}
