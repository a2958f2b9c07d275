// Runs a mutation: the one test that has to notice it, in a process of its own, with the mutated text in place of the
// file's. A test that fails is what is wanted; everything that keeps the question from being asked is an error.

import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { stripVTControlCharacters } from 'node:util';
import { z } from 'zod';
import { syntaxError } from './codes.js';
import { edited, LOADED_VARIABLE, MUTATION_VARIABLE } from './mutation.js';
import type { Tooth } from './tooth.js';

export const root = join(import.meta.dirname, '../..');

/** A mutated product may wait for ever; no test here takes a quarter as long. */
const DEADLINE_MS = 180_000;

const report = z.object({
  testResults: z.array(
    z.object({
      name: z.string(),
      message: z.string(),
      assertionResults: z.array(
        z.object({
          fullName: z.string(),
          status: z.string(),
          failureMessages: z.array(z.string()).nullable(),
        }),
      ),
    }),
  ),
});
export type Report = z.infer<typeof report>['testResults'];

export type Verdict =
  | { readonly kind: 'killed'; readonly tests: readonly string[]; readonly instead: string }
  | { readonly kind: 'survived' }
  | { readonly kind: 'error'; readonly why: string };

/** The text to load in place of each file. Throws when an edit does not fit, or what comes of it does not parse. */
export function checkEdits({ edits }: Pick<Tooth, 'edits'>): void {
  const sources = new Map<string, string>();
  for (const edit of edits) {
    const source = sources.get(edit.file) ?? readFileSync(join(root, edit.file), 'utf8');
    sources.set(edit.file, edited(source, edit));
  }
  for (const [file, source] of sources) {
    const flaw = syntaxError(file, source);
    if (flaw !== undefined) throw new Error(`${file}: does not parse any more: ${flaw}`);
  }
}

interface JestRun {
  readonly testResults: Report;
  readonly loaded: readonly string[];
}

/** The tests in some files that have any of these in their titles, with our transformer. Throws when Jest gives no report. */
export async function jest(
  files: readonly string[],
  options: { readonly titles: readonly string[]; readonly edits?: Tooth['edits']; readonly workers: number },
): Promise<JestRun> {
  const folder = mkdtempSync(join(tmpdir(), 'portcullis-teeth-'));
  const output = join(folder, 'report.json');
  const loaded = join(folder, 'loaded');
  const args = [
    ...['--experimental-vm-modules', '--no-warnings', join(root, 'node_modules/jest/bin/jest.js')],
    ...['--config', join(root, 'test/teeth/jest.config.mjs'), '--json', '--outputFile', output],
    ...(options.workers === 1 ? ['--runInBand'] : ['--maxWorkers', String(options.workers)]),
    ...['--testNamePattern', options.titles.map(escaped).join('|')],
    ...['--runTestsByPath', ...files],
  ];
  const env = {
    ...process.env,
    NODE_OPTIONS: '',
    [MUTATION_VARIABLE]: JSON.stringify(options.edits ?? []),
    [LOADED_VARIABLE]: loaded,
  };
  try {
    const told = await ended(args, env, options.edits === undefined ? DEADLINE_MS * 5 : DEADLINE_MS);
    if (!existsSync(output)) throw new Error(`no report from the test run: ${told.slice(-1_000)}`);
    const { testResults } = report.parse(JSON.parse(readFileSync(output, 'utf8')));
    return { testResults, loaded: existsSync(loaded) ? readFileSync(loaded, 'utf8').split('\n') : [] };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** A title as the pattern that matches it and nothing else. */
function escaped(title: string): string {
  return title.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&');
}

/** Process groups of test runs under way. */
const running = new Set<number>();

/** Ends whatever test run is under way; for whoever stops before the end. */
export function stop(): void {
  for (const group of running) process.kill(-group, 'SIGKILL');
}

/** What a run of Node.js said, once it has ended. A process group of its own, so that nothing of it outlives the deadline. */
function ended(args: readonly string[], env: NodeJS.ProcessEnv, deadlineMs: number): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, args, {
      cwd: root,
      env,
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    if (child.pid !== undefined) running.add(child.pid);
    let told = '';
    const hear = (chunk: Buffer) => {
      told = (told + chunk.toString('utf8')).slice(-20_000);
    };
    child.stdout.on('data', hear);
    child.stderr.on('data', hear);
    const timer = setTimeout(() => {
      if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL');
    }, deadlineMs);
    child.on('error', reject);
    child.on('close', (_code, signal) => {
      clearTimeout(timer);
      if (child.pid !== undefined) running.delete(child.pid);
      if (signal === null) resolve(told);
      else reject(new Error(`the test run was ended by ${signal}`));
    });
  });
}

/** Takes a tooth's check out and says whether its test notices. */
export async function judge(tooth: Tooth): Promise<Verdict> {
  try {
    checkEdits(tooth);
    const { testResults, loaded } = await jest([tooth.test], {
      titles: [tooth.title],
      edits: tooth.edits,
      workers: 1,
    });
    return verdictOn(tooth, testResults, loaded);
  } catch (error) {
    return { kind: 'error', why: error instanceof Error ? error.message : String(error) };
  }
}

function verdictOn(tooth: Tooth, testResults: Report, loaded: readonly string[]): Verdict {
  const broken = testResults.find(({ assertionResults }) => assertionResults.length === 0);
  if (broken)
    return {
      kind: 'error',
      why: `the test file could not run: ${stripVTControlCharacters(broken.message).slice(0, 500)}`,
    };
  const unseen = tooth.edits.find(({ file }) => !loaded.includes(file));
  if (unseen) return { kind: 'error', why: `${tooth.test} does not load ${unseen.file}` };
  const ran = testResults
    .flatMap(({ assertionResults }) => assertionResults)
    .filter(({ status }) => status === 'passed' || status === 'failed');
  if (ran.length === 0)
    return { kind: 'error', why: `no test in ${tooth.test} has the title “${tooth.title}”` };
  const failed = ran.filter(({ status }) => status === 'failed');
  const [first] = failed;
  if (!first) return { kind: 'survived' };
  const message = stripVTControlCharacters(first.failureMessages?.[0] ?? '');
  // A mutation that names what is not there breaks the program, which proves nothing about the check.
  if (message.startsWith('ReferenceError')) return { kind: 'error', why: message.slice(0, 300) };
  return { kind: 'killed', tests: failed.map(({ fullName }) => fullName), instead: insteadOf(message) };
}

/** What the test was given in place of the refusal, as far as its message says so. */
function insteadOf(message: string): string {
  const answers = message.replace(/^\s*\+ Received.*$/m, '');
  const [, received] = /^\s*(?:Received(?: value| function)?|\+):?\s+(.+)$/m.exec(answers) ?? [];
  if (received === undefined) return (message.split('\n')[0] ?? '').slice(0, 100);
  const [, answer = received] = /^(?:"(?:code|kind)": )?"?(.+?)"?,?$/.exec(received) ?? [];
  return answer === 'undefined' ? 'no code at all' : answer.slice(0, 100);
}

export interface Untested {
  readonly tooth: Tooth;
  readonly why: string;
}

/** Runs each task with so many at once; results in the order of the tasks. */
export async function pooled<T, R>(
  tasks: readonly T[],
  jobs: number,
  work: (task: T) => Promise<R>,
): Promise<R[]> {
  const results: R[] = [];
  const queue = tasks.entries();
  const worker = async () => {
    for (const [index, task] of queue) results[index] = await work(task);
  };
  await Promise.all(Array.from({ length: jobs }, worker));
  return results;
}

/**
 * Runs the teeth's tests without any mutation: whose tests are missing, or fail as it is? Unit tests run together; those
 * with real parts run one by one, as they will with their mutations, since one may rest on what another left behind.
 */
export async function baseline(teeth: readonly Tooth[], jobs: number): Promise<readonly Untested[]> {
  const units = teeth.filter(({ test }) => !test.startsWith('test/'));
  const others = teeth.filter((tooth) => !units.includes(tooth));
  const alone = [...new Map(others.map((tooth) => [`${tooth.test} ${tooth.title}`, tooth])).values()];
  const titles = [...new Set(units.map(({ title }) => title))];
  const files = [...new Set(units.map(({ test }) => test))];
  const together = files.length === 0 ? [] : (await jest(files, { titles, workers: jobs })).testResults;
  const single = await pooled(alone, jobs, async ({ test, title }) => ({
    of: `${test} ${title}`,
    results: (await jest([test], { titles: [title], workers: 1 })).testResults,
  }));
  return teeth.flatMap((tooth): Untested[] => {
    const found = single.find(({ of }) => of === `${tooth.test} ${tooth.title}`)?.results ?? together;
    const results = found.find(({ name }) => name === join(root, tooth.test))?.assertionResults ?? [];
    const meant = results.filter(({ fullName }) => fullName.includes(tooth.title));
    const bad = meant.find(({ status }) => status !== 'passed');
    if (meant.length === 0) return [{ tooth, why: `${tooth.test} has no test “${tooth.title}”` }];
    return bad ? [{ tooth, why: `“${bad.fullName}” is ${bad.status} without any mutation` }] : [];
  });
}
