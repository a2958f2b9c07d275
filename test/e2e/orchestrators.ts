// Starts orchestrators: as Nest applications inside the test, which share its clock, or as programs of their own, which
// can be killed. Both are what `src/orchestrator/main.ts` runs, under a configuration file's content.

import { randomBytes } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { compileProgram } from '../../devnet/compile-program.js';
import { BITCOIN, type Deployment, ETHEREUM } from '../../devnet/deployment.js';
import { isRecord, type JsonValue } from '../../devnet/json-rpc.js';
import { bareEnvironment, freePort, type Program, startProgram } from '../../devnet/process.js';
import { appModule } from '../../src/orchestrator/app.module.js';
import { configuration as configurationSchema } from '../../src/orchestrator/config/settings.js';
import { serve } from '../../src/orchestrator/http/serve.js';
import { Log } from '../../src/orchestrator/logging/log.js';
import { systemRandomness } from '../../src/platform/system-randomness.js';
import type { Chains } from './chains.js';

export interface OrchestratorOptions {
  readonly databaseUrl: string;
  /** Nodes asked for Bitcoin; the devnet's unless given. */
  readonly bitcoin?: Readonly<Record<string, unknown>>;
  readonly ethereum?: Readonly<Record<string, unknown>>;
  readonly workers?: Readonly<Record<string, unknown>>;
  readonly approvals?: Readonly<Record<string, unknown>>;
  /** Where the signer is; the deployment's unix socket unless given. */
  readonly signer?: Readonly<Record<string, unknown>>;
  /** How far the host's clock is ahead of the true one, as the program sees it. For programs alone. */
  readonly clockAheadMs?: number;
  readonly signerTimeoutMs?: number;
  readonly http?: Readonly<Record<string, unknown>>;
  readonly audit?: Readonly<Record<string, unknown>>;
  readonly watchers?: readonly Readonly<Record<string, unknown>>[];
}

/** How programs are compiled and started, for tests that look into them; as they are shipped unless said otherwise. */
export interface ProgramMaking {
  readonly compile: (entry: string) => Promise<string>;
  /** Beside PATH; asked at every start. */
  readonly environment: (program: string) => Readonly<Record<string, string>>;
  /** For Node.js itself. */
  readonly nodeOptions?: readonly string[];
}

/** By entry: a test file starts the same program every time, whoever edits a source meanwhile. */
const compiled = new Map<string, Promise<string>>();

export const AS_SHIPPED: ProgramMaking = {
  compile: (entry) => {
    const known = compiled.get(entry) ?? compileProgram(entry);
    compiled.set(entry, known);
    return known;
  },
  environment: () => ({}),
};

export interface Orchestrator {
  readonly url: string;
  /** What it has logged, for messages of tests that fail. */
  logs(): string;
  stop(): Promise<void>;
}

/** A configuration as it would stand in a file, with short waits. */
export function configurationOf(
  deployment: Deployment,
  chains: Chains,
  folder: string,
  port: number,
  options: OrchestratorOptions,
): Record<string, unknown> {
  const bitcoin = new URL(chains.bitcoin.rpcUrl);
  const passwordFile = join(folder, `bitcoin-password-${randomBytes(4).toString('hex')}`);
  writeFileSync(passwordFile, `${decodeURIComponent(bitcoin.password)}\n`, { mode: 0o600 });
  const { listen } = deployment.config();
  const plenty = { perMinute: 1_000_000, burst: 1_000_000 };
  return {
    deploymentId: deployment.deploymentId,
    http: { port, rateLimits: { perAddress: plenty, perPrincipal: plenty }, drainMs: 2_000, ...options.http },
    database: { url: options.databaseUrl },
    signer: options.signer ?? {
      socket: listen.kind === 'unix' ? listen.path : '',
      timeoutMs: options.signerTimeoutMs ?? 10_000,
    },
    chains: {
      bitcoin: {
        [BITCOIN]: {
          nodes: [{ url: `http://${bitcoin.host}/`, user: bitcoin.username, passwordFile }],
          pollMs: 100,
          startHeight: chains.firstHeight,
          reorgDepth: 20,
          finalConfirmations: 2,
          foreignCoinConfirmations: 1,
          fallbackFeeRate: '2000',
          ...options.bitcoin,
        },
      },
      ethereum: {
        [ETHEREUM]: {
          providers: [{ name: 'devnet', url: chains.ethereum.rpcUrl }],
          confirmations: { by: 'depth', depth: 2 },
          ...options.ethereum,
        },
      },
    },
    workers: {
      pollMs: 25,
      leaseMs: 5_000,
      backoffMinMs: 50,
      backoffMaxMs: 1_000,
      followMs: { bitcoin: 200, ethereum: 200 },
      ...options.workers,
    },
    audit: { addMs: 200, checkpointMs: 1_000, ...options.audit },
    approvals: { ...options.approvals },
    watchers: [...(options.watchers ?? [])],
    log: { level: 'warn' },
  };
}

/** Inside the test, on the deployment's clock. */
export async function orchestratorInside(
  deployment: Deployment,
  chains: Chains,
  folder: string,
  options: OrchestratorOptions,
): Promise<Orchestrator> {
  const text = configurationOf(deployment, chains, folder, 0, options);
  const configuration = configurationSchema.parse(text);
  let logged = '';
  const write = (line: string) => {
    logged += line;
  };
  const log = Log.to(configuration.log, { write });
  const clock = { nowMs: () => deployment.time.wall };
  const platform = { clock, randomness: systemRandomness, log };
  const served = await serve(appModule(configuration, platform), configuration, log);
  return { url: served.url, logs: () => logged, stop: () => served.stop() };
}

/** An orchestrator as a program. It keeps its port and its configuration over restarts. */
export class OrchestratorProgram {
  private program: Program | undefined;
  private starts = 0;

  private constructor(
    private readonly entry: string,
    private readonly configFile: string,
    private readonly folder: string,
    readonly name: string,
    private readonly clockAheadMs: number,
    readonly url: string,
    private readonly making: ProgramMaking,
  ) {}

  static async start(
    deployment: Deployment,
    chains: Chains,
    folder: string,
    options: OrchestratorOptions,
    making: ProgramMaking = AS_SHIPPED,
  ): Promise<OrchestratorProgram> {
    const entry = await making.compile('src/orchestrator/main.ts');
    const port = await freePort();
    const name = `orchestrator-${port}`;
    const configFile = join(folder, `${name}.json`);
    const configuration = configurationOf(deployment, chains, folder, port, options);
    writeFileSync(configFile, JSON.stringify(configuration), { mode: 0o600 });
    const url = `http://127.0.0.1:${port}`;
    const ahead = options.clockAheadMs ?? 0;
    const orchestrator = new OrchestratorProgram(entry, configFile, folder, name, ahead, url, making);
    await orchestrator.start();
    return orchestrator;
  }

  /** Returns once it says that it is ready. */
  async start(): Promise<void> {
    this.starts += 1;
    this.program = await startProgram({
      name: this.name,
      command: process.execPath,
      args: [
        '--no-deprecation',
        ...this.clock(),
        ...(this.making.nodeOptions ?? []),
        this.entry,
        '--config',
        this.configFile,
      ],
      env: bareEnvironment({
        CLOCK_AHEAD_MS: `${this.clockAheadMs}`,
        ...this.making.environment('orchestrator'),
      }),
      logFile: join(this.folder, `${this.name}-${this.starts}.log`),
      ready: async () => (await fetch(`${this.url}/readyz`, { signal: AbortSignal.timeout(2_000) })).ok,
    });
  }

  /** A person changes one setting in its configuration file; it holds from its next start on. */
  reconfigure(path: readonly string[], value: string | number): void {
    const configuration: JsonValue = JSON.parse(readFileSync(this.configFile, 'utf8'));
    let at = configuration;
    for (const name of path.slice(0, -1)) {
      const next = isRecord(at) ? at[name] : undefined;
      if (next === undefined) throw new RangeError(`no such setting: ${path.join('.')}`);
      at = next;
    }
    Object.assign(at ?? {}, { [path.at(-1) ?? '']: value });
    writeFileSync(this.configFile, JSON.stringify(configuration), { mode: 0o600 });
  }

  private clock(): string[] {
    return this.clockAheadMs === 0 ? [] : ['--import', join(import.meta.dirname, 'clock-ahead.mjs')];
  }

  /** SIGSTOP and SIGCONT: hung, and going on from there as if nothing had been. */
  signal(signal: 'SIGSTOP' | 'SIGCONT'): void {
    this.program?.signal(signal);
  }

  /** The process that runs now, or ran last. */
  process(): Program {
    if (this.program === undefined) throw new RangeError('it was never started');
    return this.program;
  }

  /** SIGKILL, in the middle of whatever it does. */
  async kill(): Promise<void> {
    this.program?.signal('SIGKILL');
    await this.program?.exited;
  }

  async stop(): Promise<void> {
    await this.program?.stop();
  }

  logs(): string {
    return this.program === undefined ? '' : readFileSync(this.program.logFile, 'utf8');
  }
}
