// npm run test:teeth -- [CODE…] [--list] [--json FILE] [--jobs N]: runs the table of teeth and prints it with what came
// of it. Exit code 1 when a mutation survived, or could not be judged.

import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import process from 'node:process';
import { parseArgs } from 'node:util';
import { baseline, judge, pooled, root, stop, type Verdict } from './judge.js';
import { TEETH, TOOTHLESS } from './table.js';
import type { Tooth } from './tooth.js';

interface Judged {
  readonly tooth: Tooth;
  readonly verdict: Verdict;
  readonly seconds: number;
}

/** File and line of the check. */
function siteOf({ edits: [{ file, was }] }: Tooth): { readonly file: string; readonly line: number } {
  const before = readFileSync(join(root, file), 'utf8').split(was)[0] ?? '';
  return { file, line: before.split('\n').length };
}

function outcomeOf(verdict: Verdict): string {
  switch (verdict.kind) {
    case 'killed':
      return `killed; instead: ${verdict.instead}`;
    case 'survived':
      return 'SURVIVED';
    case 'error':
      return `ERROR: ${verdict.why}`;
  }
}

function print(judged: readonly Judged[]): void {
  const byFile = Map.groupBy(judged, ({ tooth }) => siteOf(tooth).file);
  for (const [file, rows] of byFile) {
    console.log(`\n${file}`);
    for (const { tooth, verdict, seconds } of rows) {
      const line = `${siteOf(tooth).line}`.padStart(5);
      console.log(`${line}  ${tooth.code.padEnd(32)} without ${tooth.without}`);
      console.log(`       ${outcomeOf(verdict)}`);
      console.log(`       ${tooth.test} › ${tooth.title} (${seconds.toFixed(1)} s)`);
    }
  }
  for (const { code, file, why } of TOOTHLESS) console.log(`\nnot mutated: ${code} in ${file}: ${why}`);
}

/** Judges with so many at once, telling each as it comes. Results in the order of the table. */
async function judgeAll(teeth: readonly Tooth[], jobs: number): Promise<readonly Judged[]> {
  let done = 0;
  return pooled(teeth, jobs, async (tooth) => {
    const began = performance.now();
    const verdict = await judge(tooth);
    done += 1;
    const mark = verdict.kind === 'killed' ? '✓' : '✗';
    console.log(
      `${mark} ${done}/${teeth.length} ${tooth.code}, without ${tooth.without}: ${outcomeOf(verdict)}`,
    );
    return { tooth, verdict, seconds: (performance.now() - began) / 1_000 };
  });
}

/** Runs what the arguments ask for. Gives the exit code. */
export async function main(args: readonly string[]): Promise<number> {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      list: { type: 'boolean' },
      json: { type: 'string' },
      jobs: { type: 'string', default: '2' },
    },
  });
  const unknown = positionals.filter((code) => !TEETH.some((tooth) => tooth.code === code));
  if (unknown.length > 0) {
    console.error(`no tooth has the code ${unknown.join(', ')}`);
    return 1;
  }
  const teeth = TEETH.filter(({ code }) => positionals.length === 0 || positionals.includes(code));
  if (values.list) {
    for (const tooth of teeth) {
      const { file, line } = siteOf(tooth);
      console.log(`${tooth.code.padEnd(32)} ${file}:${line}  without ${tooth.without}`);
    }
    return 0;
  }
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => {
      stop();
      process.exit(1);
    });
  }
  const jobs = Math.min(Math.max(Number.parseInt(values.jobs, 10) || 1, 1), 16);
  const began = performance.now();
  console.log(`the tests of ${teeth.length} teeth as they are, without any mutation`);
  const untested = await baseline(teeth, jobs);
  for (const { tooth, why } of untested) console.log(`✗ ${tooth.code}: ${why}`);
  if (untested.length > 0) return 1;

  const judged = await judgeAll(teeth, jobs);
  print(judged);
  if (values.json !== undefined) {
    const table = judged.map(({ tooth, verdict, seconds }) => ({
      ...tooth,
      ...siteOf(tooth),
      ...verdict,
      seconds,
    }));
    writeFileSync(values.json, `${JSON.stringify(table, null, 2)}\n`);
  }
  const of = (kind: Verdict['kind']) => judged.filter(({ verdict }) => verdict.kind === kind).length;
  const codes = new Set(teeth.map(({ code }) => code)).size;
  const seconds = Math.round((performance.now() - began) / 1_000);
  console.log(
    `\n${codes} codes, ${teeth.length} checks taken out: ${of('killed')} killed, ${of('survived')} survived, ${of('error')} errors (${seconds} s)`,
  );
  return of('killed') === judged.length && judged.length > 0 ? 0 : 1;
}
