// A watcher for the demo and the tests: the real program, with a key of its own, on 127.0.0.1 and a free port.

import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { execFileSync, spawnSync } from 'node:child_process';
import { z } from 'zod';
import type { FactKey } from '../src/core/governance/entry.js';
import { factKind, type SignedFact, signedFact } from '../src/core/facts/fact.js';
import { Fault } from '../src/core/fault.js';
import type { watcherConfig } from '../src/watcher/config.js';
import { compileProgram } from './compile-program.js';
import { bareEnvironment, onFreePort, type ProcessFaultCode, type Program, startProgram } from './process.js';

type Settings = Omit<z.input<typeof watcherConfig>, 'deploymentId' | 'key' | 'sequenceFile' | 'listen'>;

/** One price, in prices.json as `{"btc": 60000}`, and a list of addresses, in listed: both as they stand when they are asked for. */
export function fromFiles(folder: string, chain: string): Settings {
  return {
    prices: [
      {
        chain,
        sources: [{ name: 'one', place: { file: join(folder, 'prices.json') }, pointer: '/btc' }],
        leastSources: 1,
        maxSpreadBasisPoints: 100,
      },
    ],
    screenings: [
      {
        kind: 'list',
        chains: [chain],
        file: join(folder, 'listed'),
        otherwise: { result: 'clear', riskScore: 3 },
      },
    ],
  };
}

const answerShape = z.object({
  facts: z.array(signedFact),
  missing: z.array(z.object({ subject: z.string(), code: z.string() })),
});

/** What a test has otherwise than it is shipped. */
export interface WatcherStart {
  /** The same port at every start, for those who were told it. */
  readonly port?: number;
  /** Beside PATH, when given. */
  readonly environment?: Readonly<Record<string, string>>;
}

/** A watcher's folder, with its key made: what governance registers before it can state anything. */
export class WatcherHome {
  readonly key: FactKey;
  private readonly configFile: string;

  private constructor(
    readonly folder: string,
    readonly program: string,
    publicKey: string,
    keyId: string,
  ) {
    this.configFile = join(folder, 'watcher.json');
    this.key = {
      keyId,
      algorithm: 'ed25519',
      publicKey,
      source: keyId,
      kinds: [...factKind.options],
    };
  }

  static async make(
    folder: string,
    keyId = 'watcher-1',
    compile: (entry: string) => Promise<string> = compileProgram,
  ): Promise<WatcherHome> {
    mkdirSync(folder, { recursive: true });
    const program = await compile('src/watcher/main.ts');
    const out = join(folder, 'fact-key.pem');
    const said = execFileSync(process.execPath, [program, 'key', '--out', out], { encoding: 'utf8' });
    const { publicKey } = z.object({ publicKey: z.string() }).parse(JSON.parse(said));
    return new WatcherHome(folder, program, publicKey, keyId);
  }

  /** Starts it with these settings; the numbers of its facts go on where they ended. */
  start(deploymentId: string, settings: Settings, how: WatcherStart = {}): Promise<RunningWatcher> {
    const { port, environment } = how;
    const env = bareEnvironment(environment);
    const started = async (at: number) => {
      const config = {
        deploymentId,
        key: { keyId: this.key.keyId, file: join(this.folder, 'fact-key.pem') },
        sequenceFile: join(this.folder, 'sequence'),
        listen: { port: at },
        ...settings,
      };
      writeFileSync(this.configFile, JSON.stringify(config), { mode: 0o600 });
      if (!this.isInitialised()) this.initialise(env);
      const url = `http://127.0.0.1:${at}`;
      const program = await startProgram({
        name: 'the watcher',
        command: process.execPath,
        args: [this.program, 'serve', '--config', this.configFile],
        logFile: join(this.folder, 'watcher.log'),
        ready: async () => (await fetch(`${url}/health`)).ok,
        env,
      });
      return new RunningWatcher(url, program);
    };
    return port === undefined ? onFreePort(started) : started(port);
  }

  /** As any start, it may end early. */
  private initialise(env: NodeJS.ProcessEnv): void {
    const { signal, status } = spawnSync(
      process.execPath,
      [this.program, 'init', '--config', this.configFile],
      { stdio: 'ignore', env },
    );
    if (status !== 0) {
      const message = `watcher init ended with ${signal ?? status}`;
      throw new Fault<ProcessFaultCode>('program-ended-early', message, { facts: { folder: this.folder } });
    }
  }

  private isInitialised(): boolean {
    try {
      return readFileSync(join(this.folder, 'sequence'), 'utf8') !== '';
    } catch {
      // Not there: it has never run.
      return false;
    }
  }
}

export class RunningWatcher {
  constructor(
    readonly url: string,
    readonly program: Program,
  ) {}

  async ask(...subjects: readonly string[]): Promise<z.output<typeof answerShape>> {
    const query = subjects.map((subject) => `subject=${encodeURIComponent(subject)}`).join('&');
    return answerShape.parse(await (await fetch(`${this.url}/facts?${query}`)).json());
  }

  /** All of these, or it throws. */
  async facts(...subjects: readonly string[]): Promise<SignedFact[]> {
    const { facts, missing } = await this.ask(...subjects);
    if (missing.length > 0) throw new Error(JSON.stringify(missing));
    return facts;
  }

  async stop(): Promise<void> {
    await this.program.stop();
  }
}
