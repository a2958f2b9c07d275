// How long to wait after the n-th attempt in a row came to nothing: doubling up to a bound, spread so that many workers
// do not come back at once.

import type { Randomness } from '../../core/randomness.js';

interface Bounds {
  readonly randomness: Randomness;
  readonly settings: { readonly backoffMinMs: number; readonly backoffMaxMs: number };
}

const MAX_DOUBLINGS = 20;

/** Whole milliseconds; between half of the bound for this attempt and all of it. `attempts` counts from 1. */
export function backoffMs({ randomness, settings }: Bounds, attempts: number): number {
  const doublings = Math.min(Math.max(attempts - 1, 0), MAX_DOUBLINGS);
  const bound = Math.min(settings.backoffMaxMs, settings.backoffMinMs * 2 ** doublings);
  return Math.ceil(bound * (0.5 + randomness.fraction() / 2));
}
