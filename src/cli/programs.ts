// The programs that are installed beside this one, asked as processes of their own: what needs their settings, or what they
// alone may open, is theirs to say.

import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const PROGRAMS = {
  orchestrator: new URL('../orchestrator/main.js', import.meta.url),
  signer: new URL('../signer/main.js', import.meta.url),
  watcher: new URL('../watcher/main.js', import.meta.url),
};
export type ProgramName = keyof typeof PROGRAMS;

const MOST_BYTES = 16 * 1024 * 1024;

export interface Answered {
  readonly output: string;
  readonly errors: string;
}

/** Path of a program, if it is installed. */
export function programOf(name: ProgramName): string | undefined {
  const path = fileURLToPath(PROGRAMS[name]);
  return existsSync(path) ? path : undefined;
}

/** What the program says; a bad exit code says nothing that its output does not. */
export function ask(program: string, args: readonly string[], withinMs: number): Promise<Answered> {
  return new Promise((resolve) => {
    execFile(
      process.execPath,
      [program, ...args],
      { timeout: withinMs, maxBuffer: MOST_BYTES, env: {} },
      (_error, output, errors) => resolve({ output, errors }),
    );
  });
}

/** Why a program gave no answer, in its own words, if it had any. */
export function lastWords({ output, errors }: Answered): string {
  const [line = ''] = (errors || output).trim().split('\n').slice(-1);
  return line.slice(0, 1_000);
}
