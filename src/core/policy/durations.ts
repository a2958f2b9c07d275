// Durations as documents write them: 30m, 24h, 7d. Whole minutes.

import { MAX_REQUEST_LIFETIME_MS } from '../authorization/requests.js';
import { malformed, type Page, type Path } from './page.js';

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;
const UNIT_MS = new Map([
  ['m', MINUTE_MS],
  ['h', HOUR_MS],
  ['d', DAY_MS],
]);
export const MAX_WINDOW_MS = 90 * DAY_MS;

function durationOf(page: Page, path: Path, text: string, what: string): number {
  const unitMs = UNIT_MS.get(text.slice(-1)) ?? malformed(page, path, `${what} is written like 24h`);
  const durationMs = Number.parseInt(text.slice(0, -1), 10) * unitMs;
  return durationMs <= MAX_WINDOW_MS ? durationMs : malformed(page, path, `${what} is at most 90d`);
}

export function windowMsOf(page: Page, path: Path, text: string): number {
  return durationOf(page, path, text, 'a window');
}

export function ageOf(page: Page, path: Path, text: string): number {
  return durationOf(page, path, text, 'an age');
}

/** A request dies in the end: what waits for longer than it may live never leaves. */
export function holdMsOf(page: Page, path: Path, text: string): number {
  const holdMs = durationOf(page, path, text, 'a hold');
  return holdMs < MAX_REQUEST_LIFETIME_MS
    ? holdMs
    : malformed(
        page,
        path,
        `a hold is shorter than ${durationWords(MAX_REQUEST_LIFETIME_MS)}, for which a request may live`,
      );
}

/** `30m`, `24h`, `7d`: in days where it is more than one and whole. What a document says is whole minutes. */
export function durationWords(durationMs: number): string {
  if (durationMs > DAY_MS && durationMs % DAY_MS === 0) return `${durationMs / DAY_MS}d`;
  return durationMs % HOUR_MS === 0 ? `${durationMs / HOUR_MS}h` : `${durationMs / MINUTE_MS}m`;
}
