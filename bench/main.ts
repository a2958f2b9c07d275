// npm run bench: measures the named benchmarks, or all of them, and prints a table.
//   npm run bench [-- NAME… --json FILE --list]

import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { type Benchmark, measure, type Result } from './benchmark.js';
import { canonicalJsonBenchmark } from './canonical-json.js';

const BENCHMARKS: readonly Benchmark[] = [canonicalJsonBenchmark];

async function main(): Promise<number> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { json: { type: 'string' }, list: { type: 'boolean' } },
  });
  if (values.list === true) {
    for (const { name, says } of BENCHMARKS) console.log(`${name.padEnd(20)} ${says}`);
    return 0;
  }
  const unknown = positionals.filter((name) => BENCHMARKS.every((benchmark) => benchmark.name !== name));
  if (unknown.length > 0) {
    const known = BENCHMARKS.map(({ name }) => name).join(', ');
    console.error(`There is no benchmark called ${unknown.join(', ')}. There are: ${known}.`);
    return 2;
  }
  const chosen = BENCHMARKS.filter(({ name }) => positionals.length === 0 || positionals.includes(name));
  const results: Result[] = [];
  console.log(row('benchmark', 'value', 'baseline', 'ratio', 'unit'));
  for (const benchmark of chosen) {
    const result = await measure(benchmark);
    results.push(result);
    console.log(
      row(result.name, rounded(result.value), rounded(result.baseline), result.ratio.toFixed(3), result.unit),
    );
    console.log(`  ${benchmark.says}`);
  }
  if (values.json !== undefined) writeFileSync(values.json, `${JSON.stringify(results, null, 2)}\n`);
  return 0;
}

function row(name: string, value: string, baseline: string, ratio: string, unit: string): string {
  return `${name.padEnd(20)} ${value.padStart(14)} ${baseline.padStart(14)} ${ratio.padStart(8)}  ${unit}`;
}

function rounded(value: number): string {
  return value >= 100 ? Math.round(value).toLocaleString('en') : value.toPrecision(3);
}

main().then(
  (code) => {
    process.exitCode = code;
  },
  (error: unknown) => {
    console.error(error instanceof Error ? error.message : error);
    process.exitCode = 1;
  },
);
