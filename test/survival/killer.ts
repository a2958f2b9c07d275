// Compiles our programs with their boundaries watched, and says at which of them each process is to die.

import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join, relative, resolve } from 'node:path';
import { compileProgram } from '../../devnet/compile-program.js';
import type { ProgramMaking } from '../e2e/orchestrators.js';
import { instrument } from './boundaries.js';
import { PLAN_VARIABLE, type Plan } from './boundary-runtime.js';

export const KILLABLE = ['signer', 'token', 'orchestrator', 'watcher'] as const;
export type Killable = (typeof KILLABLE)[number];

const ENTRIES: Readonly<Record<string, Killable>> = {
  'src/signer/main.ts': 'signer',
  'src/orchestrator/main.ts': 'orchestrator',
  'src/watcher/main.ts': 'watcher',
};

/** Waits that are hours in earnest, so that a test sees what follows them: text in a source file, and what stands there instead. */
const HASTENED: readonly { readonly file: string; readonly text: string; readonly instead: string }[] = [
  { file: 'src/orchestrator/http/sweeper.ts', text: 'EVERY_MS = 5 * 60_000', instead: 'EVERY_MS = 1_500' },
  { file: 'src/signer/start.ts', text: 'HEARTBEAT_MS = 5_000', instead: 'HEARTBEAT_MS = 700' },
];

export class Killer implements ProgramMaking {
  readonly nodeOptions = [];
  /** Every boundary, by the process that comes to it. */
  readonly boundaries: Readonly<Record<Killable, Set<string>>> = {
    signer: new Set(),
    token: new Set(),
    orchestrator: new Set(),
    watcher: new Set(),
  };
  /** What the programs were compiled from: another name whenever a source is another one. */
  readonly builds = new Map<string, string>();
  private readonly compiled = new Map<string, Promise<string>>();
  private readonly folder = mkdtempSync(join(tmpdir(), 'portcullis-killer-'));

  constructor() {
    for (const program of KILLABLE) this.arm(program, []);
  }

  /** Once for all starts: whoever edits a source meanwhile has it in the next run. */
  compile(entry: string): Promise<string> {
    const known = this.compiled.get(entry) ?? this.watched(entry);
    this.compiled.set(entry, known);
    return known;
  }

  private async watched(entry: string): Promise<string> {
    const program = ENTRIES[entry];
    if (program === undefined) throw new RangeError(`no such program: ${entry}`);
    const path = await compileProgram(entry, (file, source) => {
      const hastened = HASTENED.find((one) => file.endsWith(one.file));
      if (hastened && !source.includes(hastened.text)) throw new RangeError(`${hastened.file} has changed`);
      const quick = hastened ? source.replace(hastened.text, hastened.instead) : source;
      const { text, boundaries } = instrument(file, quick);
      for (const one of boundaries) this.boundaries[one.startsWith('hardware/') ? 'token' : program].add(one);
      return text;
    });
    this.builds.set(program, basename(resolve(path, '..', relative(dirname(entry), '.'))));
    return path;
  }

  environment(program: string): Readonly<Record<string, string>> {
    return {
      [PLAN_VARIABLE]: this.file(program, 'json'),
      // Programs start a few hundred times here.
      NODE_COMPILE_CACHE: join(this.folder, 'compile-cache'),
    };
  }

  /** From its next start on, each life of the program ends at the first of these boundaries that no life has ended at. */
  arm(program: Killable, kills: Iterable<string>, pauses: Plan['pauses'] = {}): void {
    const plan: Plan = { killed: this.file(program, 'killed'), kills: [...kills], pauses };
    writeFileSync(this.file(program, 'json'), JSON.stringify(plan));
  }

  /** Where the program has died so far. */
  killedAt(program: Killable): ReadonlySet<string> {
    const file = this.file(program, 'killed');
    return new Set(existsSync(file) ? readFileSync(file, 'utf8').split('\n').filter(Boolean) : []);
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }

  private file(program: string, kind: string): string {
    return join(this.folder, `${program}.${kind}`);
  }
}
