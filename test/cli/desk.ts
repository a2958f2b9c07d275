// What tests of the command line share: a SoftHSM with tokens of people, and the compiled program in a process of its own.

import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { compileProgram } from '../../devnet/compile-program.js';
import { bareEnvironment } from '../../devnet/process.js';
import { createSoftHsm, type SoftHsm } from '../../devnet/softhsm.js';
import type { CliConfig } from '../../src/cli/cli-config.js';

const TIMEOUT_MS = 60_000;

export interface Ended {
  readonly exit: number;
  readonly output: string;
  readonly errors: string;
  /** Standard output as JSON; undefined when it is none. */
  readonly answer: Readonly<Record<string, unknown>> | undefined;
  /** Code of the failure, with `--json`. */
  readonly code: string | undefined;
}

export class Desk {
  private constructor(
    readonly folder: string,
    readonly softHsm: SoftHsm,
    private readonly program: string,
  ) {}

  /** With a token for each owner; its PIN is in the token's PIN file. */
  static async create(owners: readonly string[]): Promise<Desk> {
    const folder = await mkdtemp(join(tmpdir(), 'portcullis-cli-'));
    const softHsm = await createSoftHsm(join(folder, 'hsm'));
    for (const label of owners) await softHsm.initToken({ label, soPin: '11223344', pin: pinOf(label) });
    return new Desk(folder, softHsm, await compileProgram('src/cli/main.ts'));
  }

  path(name: string): string {
    return join(this.folder, name);
  }

  pinFile(owner: string): string {
    return join(this.folder, 'hsm', 'pins', `${owner}.pin`);
  }

  async write(name: string, content: unknown, mode = 0o600): Promise<string> {
    await writeFile(this.path(name), typeof content === 'string' ? content : JSON.stringify(content), {
      mode,
    });
    return this.path(name);
  }

  /** A configuration file of the owner of a token. */
  config(owner: string, more: Partial<CliConfig> = {}): Promise<string> {
    const config: CliConfig = {
      token: {
        module: this.softHsm.modulePath,
        label: owner,
        pinFile: this.pinFile(owner),
        environment: { ...this.softHsm.environment },
      },
      credential: { id: `${owner}-token`, key: 'approvals' },
      ...more,
    };
    return this.write(`${owner}.yaml`, stringify(config));
  }

  run(...args: string[]): Promise<Ended> {
    return new Promise((resolve) => {
      execFile(
        process.execPath,
        [this.program, ...args],
        {
          cwd: this.folder,
          timeout: TIMEOUT_MS,
          env: bareEnvironment(this.softHsm.environment),
        },
        (error, output, errors) => {
          const exit = error === null ? 0 : error.code;
          const failure = jsonOf(errors.trimEnd().split('\n').at(-1) ?? '')?.error;
          resolve({
            exit: typeof exit === 'number' ? exit : -1,
            output,
            errors,
            answer: jsonOf(output),
            code: codeIn(failure),
          });
        },
      );
    });
  }

  async destroy(): Promise<void> {
    await rm(this.folder, { recursive: true, force: true });
  }
}

export function pinOf(owner: string): string {
  return `${owner}-4711`;
}

function jsonOf(text: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? { ...value } : undefined;
  } catch {
    // Text for people is no JSON.
    return undefined;
  }
}

function codeIn(failure: unknown): string | undefined {
  const coded = typeof failure === 'object' && failure !== null && 'code' in failure;
  return coded && typeof failure.code === 'string' ? failure.code : undefined;
}
