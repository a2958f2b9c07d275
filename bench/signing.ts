// sign-eth and sign-btc-100: signatures per second through the signer's whole path, as the program that people run, asked
// over its socket, against nothing but C_Sign on the same token with as many sessions. The signer, its token's process
// and this client share the machine's cores; the bare program has them for itself.
//
// Once with one session, where a token that takes its time is what limits and the rest has to keep up beside it; and once
// with four, which for SoftHSM are as many as a small machine has cores for, so that everything else is taken from it.
//
// When the clock has stopped, every answer is read, and of one in ten the certificate is checked as an auditor would.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Deployment, RunningTime, TREASURY_PIN } from '../devnet/deployment.js';
import type { Program } from '../devnet/process.js';
import type { SigningOrder } from '../src/core/authorization/signing-order.js';
import { verifyCertificate } from '../src/core/certificates/verify.js';
import { nativeVerifier } from '../src/platform/native-verifier.js';
import { type Benchmark, measure, type Report, type Result, resultOf, type Settings } from './benchmark.js';
import { BareSigning } from './rig/bare-signing.js';
import { bitcoinOrder, ethereumOrder } from './rig/orders.js';
import { PipelineClient, signedOf, signFrame } from './rig/pipeline.js';
import { widePolicies } from './rig/policies.js';
import { childrenOf, cpuMs } from './rig/processes.js';
import { socketOf, startSignerProgram } from './rig/signer-program.js';
import { OTHER, SIGNER_STAGES, stagesOf } from './rig/stages.js';

const IN_FLIGHT = 16;
const CHECKED_EVERY = 10;

interface Kind {
  readonly name: string;
  readonly keyLabel: string;
  readonly signaturesPerOrder: number;
  /** For one sample; a few seconds' work, so that its beginning and its end weigh little. */
  readonly orders: number;
  readonly order: (deployment: Deployment, index: number) => SigningOrder;
}

const ETHEREUM_KIND: Kind = {
  name: 'sign-eth',
  keyLabel: 'hot-eth-1',
  signaturesPerOrder: 1,
  orders: 4_000,
  order: ethereumOrder,
};
const BITCOIN_KIND: Kind = {
  name: 'sign-btc-100',
  keyLabel: 'hot-btc-1',
  signaturesPerOrder: 100,
  orders: 96,
  order: (deployment) => bitcoinOrder(deployment, 100),
};

/** CPU milliseconds for each signature, of a process over one sample. */
interface CpuTake {
  readonly signer: number;
  readonly token: number;
}

class SigningSubject {
  private index = 0;
  readonly cpu: CpuTake[] = [];

  constructor(
    private readonly kind: Kind,
    private readonly deployment: Deployment,
    private readonly orders: number,
  ) {}

  /** In one sample. */
  get signatures(): number {
    return this.orders * this.kind.signaturesPerOrder;
  }

  /** Signatures per second. */
  async take(program: Program, client: PipelineClient): Promise<number> {
    const { kind, deployment } = this;
    const frames = Array.from({ length: this.orders }, () => {
      const order = kind.order(deployment, this.index);
      this.index += 1;
      return signFrame(`order-${this.index}`, order);
    });
    const [tokenProcess = 0] = childrenOf(program.pid);
    const before = { signer: cpuMs(program.pid), token: cpuMs(tokenProcess) };
    const { ms, answers } = await client.exchange(frames, IN_FLIGHT);
    const { signatures } = this;
    this.cpu.push({
      signer: (cpuMs(program.pid) - before.signer) / signatures,
      token: (cpuMs(tokenProcess) - before.token) / signatures,
    });
    this.check(answers);
    return (signatures * 1000) / ms;
  }

  private check(answers: readonly Uint8Array[]): void {
    const results = answers.map(signedOf);
    const ids = new Set(results.map(({ transactionId }) => transactionId));
    if (ids.size !== this.orders) throw new Error('two orders were answered with one transaction');
    for (const [index, { certificate }] of results.entries()) {
      if (index % CHECKED_EVERY > 0) continue;
      const { log, deploymentId } = this.deployment;
      const verified = verifyCertificate(certificate, log, deploymentId, nativeVerifier);
      if (verified.kind === 'refused') throw new Error(`a certificate does not verify: ${verified.code}`);
    }
  }
}

/** The rate; with one session, by itself, also where the time goes. */
async function runSigning(kind: Kind, sessions: number, { quick }: Settings): Promise<Result[]> {
  const deployment = await Deployment.create({
    policies: await widePolicies(),
    time: new RunningTime(),
    sessions,
  });
  const bare = await BareSigning.start(deployment.softHsm, {
    tokenLabel: 'treasury',
    pin: TREASURY_PIN,
    keyLabel: kind.keyLabel,
    sessions,
  });
  const subject = new SigningSubject(kind, deployment, quick ? Math.ceil(kind.orders / 5) : kind.orders);
  const bareCpu: number[] = [];
  const baseline = async () => {
    const { signatures, ms, cpuMs: cpu } = await bare.run(quick ? 500 : 1_500);
    bareCpu.push(cpu / signatures);
    return (signatures * 1000) / ms;
  };
  try {
    const rate = await withSigner(deployment, undefined, (program, client) =>
      measure({
        name: sessions === 1 ? kind.name : `${kind.name}/${sessions}-sessions`,
        unit: 'signatures/s',
        samples: quick ? 2 : 7,
        subject: () => subject.take(program, client),
        baseline,
      }),
    );
    if (sessions > 1) return [rate];
    return [
      rate,
      cpuRow(
        `${kind.name}/cpu-signer`,
        subject.cpu.map((take) => take.signer),
        bareCpu,
      ),
      cpuRow(
        `${kind.name}/cpu-token-process`,
        subject.cpu.map((take) => take.token),
        bareCpu,
      ),
      ...(await stageRows(kind, deployment, subject)),
    ];
  } finally {
    await bare.close();
    await deployment.destroy();
  }
}

function cpuRow(name: string, samples: readonly number[], baselines: readonly number[]): Result {
  return resultOf(name, 'ms/signature', samples, baselines);
}

async function withSigner<T>(
  deployment: Deployment,
  profileFolder: string | undefined,
  work: (program: Program, client: PipelineClient) => Promise<T>,
): Promise<T> {
  const program = await startSignerProgram(deployment, profileFolder === undefined ? {} : { profileFolder });
  try {
    const client = await PipelineClient.connect(socketOf(deployment));
    try {
      return await work(program, client);
    } finally {
      client.close();
    }
  } finally {
    await program.stop();
  }
}

/** One more sample, under the profiler and not timed; the shares of its stages. */
async function stageRows(kind: Kind, deployment: Deployment, subject: SigningSubject): Promise<Result[]> {
  const folder = mkdtempSync(join(tmpdir(), 'portcullis-profile-'));
  try {
    await withSigner(deployment, folder, async (program, client) => {
      for (let take = 0; take < 3; take += 1) await subject.take(program, client);
    });
    const signatures = 3 * subject.signatures;
    const spent = stagesOf(folder);
    const all = [...spent.values()].reduce((sum, ms) => sum + ms, 0) / signatures;
    return [...Object.keys(SIGNER_STAGES), OTHER].map((stage) =>
      cpuRow(`${kind.name}/cpu-${stage}`, [(spent.get(stage) ?? 0) / signatures], [all]),
    );
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

const SESSIONS = [1, 4] as const;

async function report(kind: Kind, settings: Settings): Promise<Report> {
  const results: Result[] = [];
  for (const sessions of SESSIONS) results.push(...(await runSigning(kind, sessions, settings)));
  return {
    results,
    notes: [
      `one session on both sides unless a row says otherwise, ${IN_FLIGHT} requests in flight; CPU in ms for each signature, against that of a bare C_Sign for the two programs, of the signer's own for the stages`,
    ],
  };
}

export const signEthBenchmark: Benchmark = {
  name: ETHEREUM_KIND.name,
  says: 'Ethereum transfers, each with its request and two approvals, against bare C_Sign',
  aims: { [ETHEREUM_KIND.name]: 'ratio at least 0.35' },
  run: (settings) => report(ETHEREUM_KIND, settings),
};

export const signBtcBenchmark: Benchmark = {
  name: BITCOIN_KIND.name,
  says: 'inputs of Bitcoin transactions of 100 inputs, against bare C_Sign',
  aims: { [BITCOIN_KIND.name]: 'ratio at least 0.85' },
  run: (settings) => report(BITCOIN_KIND, settings),
};
