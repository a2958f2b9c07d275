// Shares as documents write them: "2.5%", in hundredths of a percent. Exact.

import { parseUnits } from '../money/amount.js';
import { malformed, type Page, type Path } from './page.js';

export const WHOLE_BASIS_POINTS = 10_000n;

export function basisPointsOf(page: Page, path: Path, written: string): bigint {
  const basisPoints = parseUnits(written.slice(0, -1), 2);
  return basisPoints >= 1n && basisPoints <= WHOLE_BASIS_POINTS
    ? basisPoints
    : malformed(page, path, 'must be more than 0% and at most 100%');
}

/** `2%`, `0.5%`, `0.05%`. */
export function shareWords(basisPoints: bigint): string {
  const [whole, fraction] = [basisPoints / 100n, (basisPoints % 100n).toString().padStart(2, '0')];
  return `${whole}${fraction === '00' ? '' : `.${fraction.replace(/0$/, '')}`}%`;
}
