// The portcullis command, run as a person would run it: the compiled program, in a process of its own. What the demo does
// for officers and backends it does through this, so that it shows the real thing.

import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { z } from 'zod';
import { repositoryRoot } from '../devnet/paths.js';
import { Fault } from '../src/core/fault.js';
import type { DemoFaultCode } from './failure.js';
import { shown } from './stage.js';

const PROGRAM = join(repositoryRoot, 'dist', 'src', 'cli', 'main.js');
const TIMEOUT_MS = 120_000;
const MAX_OUTPUT = 16 * 1024 * 1024;

const failure = z.object({
  error: z.object({ code: z.string(), message: z.string(), facts: z.record(z.string(), z.unknown()) }),
});

export interface CommandResult {
  readonly exit: number;
  /** Standard output, parsed. */
  readonly answer: unknown;
  /** Code of the refusal or fault, when there was one. */
  readonly code: string | undefined;
  readonly facts: Readonly<Record<string, unknown>>;
  readonly errors: string;
}

/** Runs `portcullis ARGS --json`. `environment` is added to ours. */
export async function portcullis(
  args: readonly string[],
  environment: Readonly<Record<string, string>> = {},
): Promise<CommandResult> {
  const { exit, output, errors } = await run([...args, '--json'], environment);
  const line = errors.trimEnd().split('\n').at(-1) ?? '';
  const failed = exit === 0 ? undefined : failure.safeParse(parsedOr(line)).data?.error;
  return { exit, answer: parsedOr(output), code: failed?.code, facts: failed?.facts ?? {}, errors };
}

/** Runs it and expects it to succeed. Throws `command-failed`. */
export async function portcullisOk<S extends z.ZodType>(
  args: readonly string[],
  schema: S,
  environment: Readonly<Record<string, string>> = {},
): Promise<z.output<S>> {
  const result = await portcullis(args, environment);
  if (result.exit !== 0) {
    throw new Fault<DemoFaultCode>(
      'command-failed',
      `${typed(args)}\nended with exit code ${result.exit}: ${said(result).slice(0, 2_000)}`,
    );
  }
  return schema.parse(result.answer);
}

function said({ errors, answer }: CommandResult): string {
  return errors.trim() === '' ? JSON.stringify(answer) : errors.trim();
}

/** What a person would type for it, from the repository's root. */
export function typed(args: readonly string[]): string {
  return ['./portcullis', ...args.map((arg) => (arg.startsWith(repositoryRoot) ? shown(arg) : arg))].join(
    ' ',
  );
}

function run(
  args: readonly string[],
  environment: Readonly<Record<string, string>>,
): Promise<{ exit: number; output: string; errors: string }> {
  return new Promise((resolve) => {
    execFile(
      process.execPath,
      [PROGRAM, ...args],
      {
        cwd: repositoryRoot,
        env: { ...process.env, ...environment, NO_COLOR: '1' },
        timeout: TIMEOUT_MS,
        maxBuffer: MAX_OUTPUT,
      },
      (error, output, errors) => {
        const code = error === null ? 0 : error.code;
        resolve({ exit: typeof code === 'number' ? code : 1, output, errors });
      },
    );
  });
}

function parsedOr(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // Not every failure is told as JSON (a crash is not); the text itself is kept beside it.
    return undefined;
  }
}
