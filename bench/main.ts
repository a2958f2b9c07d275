// npm run bench: measures the named benchmarks, or all of them, and prints a table. docs/benchmarks.md explains it.
//   npm run bench [NAME…]
//   npm run bench -- [NAME…] [--json FILE] [--quick] [--list]

import { writeFileSync } from 'node:fs';
import { cpus, loadavg } from 'node:os';
import { parseArgs } from 'node:util';
import { auditDatabaseBenchmark } from './audit-database.js';
import { auditLogBenchmark } from './audit-log.js';
import type { Benchmark, Result } from './benchmark.js';
import { canonicalJsonBenchmark } from './canonical-json.js';
import { governanceReplayBenchmark } from './governance-replay.js';
import { limitsBenchmark } from './limits.js';
import { memoryBenchmark } from './memory.js';
import { policyBenchmark } from './policy.js';
import { policyReplayBenchmark } from './policy-replay.js';
import { signBtcBenchmark, signEthBenchmark } from './signing.js';
import { signerStartBenchmark, startBenchmark } from './starts.js';
import { withdrawalsPostgresBenchmark, withdrawalsSqliteBenchmark } from './withdrawals.js';

const BENCHMARKS: readonly Benchmark[] = [
  canonicalJsonBenchmark,
  policyBenchmark,
  auditLogBenchmark,
  auditDatabaseBenchmark,
  limitsBenchmark,
  policyReplayBenchmark,
  governanceReplayBenchmark,
  signEthBenchmark,
  signBtcBenchmark,
  withdrawalsSqliteBenchmark,
  withdrawalsPostgresBenchmark,
  memoryBenchmark,
  signerStartBenchmark,
  startBenchmark,
];

async function main(): Promise<number> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { json: { type: 'string' }, list: { type: 'boolean' }, quick: { type: 'boolean' } },
  });
  if (values.list === true) {
    for (const { name, says } of BENCHMARKS) console.log(`${name.padEnd(NAME_WIDTH)} ${says}`);
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
  console.log(`${cpus().length} cores, ${cpus()[0]?.model ?? 'unknown'}, Node.js ${process.version}\n`);
  console.log(row('benchmark', 'value', 'baseline', 'ratio', 'unit', 'aim'));
  for (const benchmark of chosen) {
    const loadBefore = load();
    const report = await benchmark.run({ quick: values.quick === true });
    results.push(...report.results);
    for (const { name, value, baseline, ratio, unit } of report.results) {
      const aim = benchmark.aims?.[name] ?? '';
      console.log(row(name, rounded(value), rounded(baseline), ratio.toFixed(3), unit, aim));
    }
    for (const line of [benchmark.says, ...(report.notes ?? [])]) console.log(`  ${line}`);
    console.log(`  load of the machine over the last minute: ${loadBefore} before, ${load()} after`);
  }
  if (values.json !== undefined) writeFileSync(values.json, `${JSON.stringify(results, null, 2)}\n`);
  return 0;
}

const NAME_WIDTH = 36;
const UNIT_WIDTH = 13;

function row(
  name: string,
  value: string,
  baseline: string,
  ratio: string,
  unit: string,
  aim: string,
): string {
  const figures = `${value.padStart(12)} ${baseline.padStart(12)} ${ratio.padStart(8)}`;
  return `${name.padEnd(NAME_WIDTH)} ${figures}  ${unit.padEnd(UNIT_WIDTH)}  ${aim}`.trimEnd();
}

function rounded(value: number): string {
  return value >= 100 ? Math.round(value).toLocaleString('en') : value.toPrecision(3);
}

function load(): string {
  return (loadavg()[0] ?? 0).toFixed(1);
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
