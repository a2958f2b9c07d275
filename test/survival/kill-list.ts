// Where each part has killed, kept in files that the last test adds up: parts may run one after the other, at another time, or on
// another machine. What was compiled from other sources does not count.

import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { repositoryRoot } from '../../devnet/paths.js';
import { PARTS, type Part } from './division.js';
import type { Killer } from './killer.js';

/** For some of them: an environment variable with a regular expression. All unless given. */
export const ONLY_VARIABLE = 'KILL_AT';

const FOLDER = join(repositoryRoot, '.portcullis', 'kills');

const kept = z.object({
  /** By program: the name of what it was compiled to. */
  builds: z.record(z.string(), z.string()),
  seconds: z.number(),
  killedAt: z.array(z.string()),
});
export type Kept = z.infer<typeof kept>;

export function isAskedFor(boundary: string): boolean {
  return new RegExp(process.env[ONLY_VARIABLE] ?? '').test(boundary);
}

/** Where a part has killed, once it has found everything in order. It may be run piece by piece. */
export function keep(part: Part, killer: Killer, killedAt: readonly string[], begunMs: number): void {
  const seconds = Math.round((performance.now() - begunMs) / 1_000);
  process.stdout.write(`${part}: killed at ${killedAt.length} boundaries, ${seconds} s\n`);
  const builds = Object.fromEntries(killer.builds);
  const before = keptParts().get(part);
  const isSame = JSON.stringify(before?.builds) === JSON.stringify(builds);
  const earlier = before && isSame ? before : { seconds: 0, killedAt: [] };
  mkdirSync(FOLDER, { recursive: true });
  const result: Kept = {
    builds,
    seconds: earlier.seconds + seconds,
    killedAt: [...new Set([...earlier.killedAt, ...killedAt])],
  };
  writeFileSync(join(FOLDER, `${part}.json`), JSON.stringify(result, null, 1));
}

/** What was kept of each part. */
export function keptParts(): ReadonlyMap<Part, Kept> {
  return new Map(
    PARTS.flatMap((part) => {
      const file = join(FOLDER, `${part}.json`);
      return existsSync(file) ? [[part, kept.parse(JSON.parse(readFileSync(file, 'utf8')))] as const] : [];
    }),
  );
}
