// npm run simulate [-- --seeds N --seed S --steps N --target BOUNDARY --trace]: runs the simulation over many seeds, or replays one.

import { parseArgs } from 'node:util';
import { DEFAULT_STEPS, targeting } from './settings.js';
import { type Report, simulate } from './simulation.js';

function number(text: string | undefined, otherwise: number): number {
  if (text === undefined) return otherwise;
  if (!/^[0-9]{1,9}$/.test(text)) throw new RangeError(`not a number: ${text}`);
  return Number.parseInt(text, 10);
}

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      seeds: { type: 'string' },
      seed: { type: 'string' },
      steps: { type: 'string' },
      target: { type: 'string' },
      trace: { type: 'boolean' },
    },
  });
  const first = number(values.seed, 1);
  const seeds = number(values.seeds, values.seed === undefined ? 100 : 1);
  const steps = number(values.steps, DEFAULT_STEPS);
  const counts = new Map<string, number>();
  let turns = 0;
  let failures = 0;
  const aim = values.target === undefined ? {} : { change: targeting(values.target) };
  const print = values.trace === true ? { print: (line: string) => console.log(line) } : {};
  for (let seed = first; seed < first + seeds; seed += 1) {
    const report: Report = await simulate({ seed, steps, ...aim, ...print });
    turns += report.steps;
    for (const [kind, count] of report.counts) counts.set(kind, (counts.get(kind) ?? 0) + count);
    for (const { code, about } of report.violations) console.log(`seed ${seed}: ${code}: ${about}`);
    if (report.violations.length > 0) failures += 1;
    if (seeds === 1) console.log(`seed ${seed}: ${report.steps} turns, digest ${report.digest}`);
  }
  for (const [kind, count] of [...counts].toSorted(([a], [b]) => (a < b ? -1 : 1))) {
    console.log(`${kind.padEnd(56)} ${count}`);
  }
  console.log(`${seeds} seeds, ${turns} turns, ${failures} with violations`);
  return failures === 0 ? 0 : 1;
}

main().then(
  (code) => {
    process.exitCode = code;
  },
  (error: unknown) => {
    console.error(error instanceof Error ? error.stack : error);
    process.exitCode = 1;
  },
);
