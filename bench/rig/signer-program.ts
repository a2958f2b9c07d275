// The signer as the program that people run, on a deployment of the benchmarks.

import { mkdirSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { compileProgram } from '../../devnet/compile-program.js';
import type { Deployment } from '../../devnet/deployment.js';
import { type Program, startProgram } from '../../devnet/process.js';

/** A start replays the whole journal. */
const READY_WITHIN_MS = 600_000;

export function socketOf(deployment: Deployment): string {
  const { listen } = deployment.config();
  if (listen.kind !== 'unix') throw new Error('the deployment listens on a unix socket');
  return listen.path;
}

export interface SignerProgramOptions {
  /** For Node.js. */
  readonly nodeFlags?: readonly string[];
  /** Where to leave a CPU profile when the program ends (`node --cpu-prof`). */
  readonly profileFolder?: string;
}

export async function startSignerProgram(
  deployment: Deployment,
  { profileFolder, nodeFlags = [] }: SignerProgramOptions = {},
): Promise<Program> {
  const configFile = join(deployment.directory, 'signer.yaml');
  const socket = socketOf(deployment);
  mkdirSync(join(deployment.directory, 'run'), { recursive: true, mode: 0o750 });
  writeFileSync(configFile, stringify(deployment.config()), { mode: 0o600 });
  const profiling =
    profileFolder === undefined
      ? []
      : ['--cpu-prof', `--cpu-prof-dir=${profileFolder}`, '--cpu-prof-interval=200'];
  return startProgram({
    name: 'the signer',
    command: process.execPath,
    args: [
      ...nodeFlags,
      ...profiling,
      await compileProgram('src/signer/main.ts'),
      'serve',
      '--config',
      configFile,
    ],
    env: { PATH: process.env.PATH },
    logFile: join(deployment.directory, 'signer.log'),
    ready: () => answersOn(socket),
    readyWithinMs: READY_WITHIN_MS,
  });
}

function answersOn(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path);
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}
