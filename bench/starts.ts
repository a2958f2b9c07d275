// signer-start: how long the signer takes until it serves, by the length of its journal, all of which it replays.
// start: how long `npm start` takes, on an installed machine, until everything is ready.

import { spawn } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { stripVTControlCharacters } from 'node:util';
import { Deployment, RunningTime } from '../devnet/deployment.js';
import { repositoryRoot } from '../devnet/paths.js';
import { type Benchmark, measure, type Report, resultOf, type Settings } from './benchmark.js';
import { ethereumOrder } from './rig/orders.js';
import { giveJournalAPast } from './rig/past-journal.js';
import { PipelineClient, signedOf, signFrame } from './rig/pipeline.js';
import { widePolicies } from './rig/policies.js';
import { socketOf, startSignerProgram } from './rig/signer-program.js';

/** A deployment whose signer has signed so many transactions: one really, the rest cloned. Two entries for each. */
async function deploymentWith(signed: number): Promise<Deployment> {
  const deployment = await Deployment.create({ policies: await widePolicies(), time: new RunningTime() });
  const program = await startSignerProgram(deployment);
  const client = await PipelineClient.connect(socketOf(deployment));
  const { answers } = await client.exchange([signFrame('first', ethereumOrder(deployment, 0))], 1);
  answers.map(signedOf);
  client.close();
  await program.stop();
  await giveJournalAPast(deployment, signed - 1);
  // The first start after that pins the newest entry on the token; those that are measured find it there.
  await startMs(deployment);
  return deployment;
}

async function startMs(deployment: Deployment): Promise<number> {
  const started = performance.now();
  const program = await startSignerProgram(deployment);
  const ms = performance.now() - started;
  await program.stop();
  return ms;
}

async function runSignerStart({ quick }: Settings): Promise<Report> {
  const entries = quick ? [100, 1_000, 10_000] : [100, 10_000, 100_000];
  const deployments: Deployment[] = [];
  try {
    for (const count of entries) deployments.push(await deploymentWith(count / 2));
    const [short, middle, long] = deployments;
    if (!short || !middle || !long) throw new Error('a deployment is missing');
    const samples = quick ? 2 : 5;
    const contest = { unit: 'ms', samples };
    return {
      results: [
        await measure({
          ...contest,
          name: 'signer-start',
          subject: () => startMs(long),
          baseline: () => startMs(middle),
        }),
        await measure({
          ...contest,
          name: `signer-start/${entries[1]}`,
          subject: () => startMs(middle),
          baseline: () => startMs(short),
        }),
      ],
      notes: [
        `a journal of ${entries[2]?.toLocaleString('en')} entries against one of ${entries[1]?.toLocaleString('en')}, and that one against ${entries[0]}`,
      ],
    };
  } finally {
    for (const deployment of deployments) await deployment.destroy();
  }
}

export const signerStartBenchmark: Benchmark = {
  name: 'signer-start',
  says: 'from the start of the signer to its first answer, with a long journal against a shorter one',
  run: runSignerStart,
};

/** What the demo prints when its programs run and the API says that it is ready. */
const READY = '✓ everything well';
const READY_WITHIN_MS = 300_000;

interface Started {
  readonly firstLineMs: number;
  readonly readyMs: number;
}

/** As a person types it; ended by the signal that Ctrl-C sends. */
async function npmStart(): Promise<Started> {
  const started = performance.now();
  const npm = spawn('npm', ['start'], {
    cwd: repositoryRoot,
    stdio: ['ignore', 'pipe', 'inherit'],
    detached: true,
  });
  const ended = new Promise<void>((resolve) => npm.once('close', () => resolve()));
  let shown = '';
  let firstLineMs: number | undefined;
  npm.stdout.on('data', (chunk: Buffer) => {
    shown += stripVTControlCharacters(chunk.toString());
    if (shown.includes('Portcullis · the parts')) firstLineMs ??= performance.now() - started;
  });
  try {
    while (!shown.includes(READY)) {
      if (performance.now() - started > READY_WITHIN_MS || npm.exitCode !== null) {
        throw new Error(`npm start was not ready; it has shown:\n${shown.slice(-2_000)}`);
      }
      await sleep(5);
    }
    return { firstLineMs: firstLineMs ?? Number.NaN, readyMs: performance.now() - started };
  } finally {
    // To the group that npm leads, as a terminal does.
    if (npm.exitCode === null && npm.pid !== undefined) process.kill(-npm.pid, 'SIGINT');
    await ended;
  }
}

async function runStart({ quick }: Settings): Promise<Report> {
  // The first one may build what has changed, and holds the ceremony where none was held.
  await npmStart();
  const starts: Started[] = [];
  for (let sample = 0; sample < (quick ? 1 : 5); sample += 1) starts.push(await npmStart());
  return {
    results: [
      resultOf(
        'start',
        'ms',
        starts.map(({ readyMs }) => readyMs),
        starts.map(({ firstLineMs }) => firstLineMs),
      ),
    ],
    notes: [
      'until both nodes, signer and orchestrator run and say that all is well; against until the first of them is started',
    ],
  };
}

export const startBenchmark: Benchmark = {
  name: 'start',
  says: 'npm start, installed, until everything is ready, against until it begins',
  run: runStart,
};
