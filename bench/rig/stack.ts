// The whole of Portcullis as the benchmarks use it: signer and orchestrator as the programs that people run, a SoftHSM
// token, a real Ethereum node that makes a block for each transaction, and SQLite or PostgreSQL that write to the disk.
// Bitcoin is not served here. It can be given a long past, cloned from one real withdrawal.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { callerOf } from '../../devnet/caller.js';
import { compileProgram } from '../../devnet/compile-program.js';
import {
  type Backend,
  Deployment,
  ETH,
  ETHEREUM,
  type Officer,
  RunningTime,
} from '../../devnet/deployment.js';
import { type EthereumDevnet, startEthereumDevnet } from '../../devnet/ethereum-node.js';
import { type PostgresDevnet, startPostgres } from '../../devnet/postgres.js';
import { freePort, type Program, startProgram } from '../../devnet/process.js';
import { signHttpRequest } from '../../src/core/http-message-signatures/sign.js';
import { addressOfPublicKey } from '../../src/core/intents/ethereum/address.js';
import { requestDigest, transferIdOf } from '../../src/core/statements/request.js';
import { BooksReader } from './books.js';
import { giveBooksAPast } from './past-books.js';
import { giveJournalAPast } from './past-journal.js';
import { widePolicies } from './policies.js';
import { socketOf, startSignerProgram } from './signer-program.js';

export type DatabaseKind = 'sqlite' | 'postgres';

const DESTINATION = '0x70997970C51812dc3A010C7d01b50e0d17dc79C8';
const ETHER = 10n ** 18n;
/** Below what the shipped policy lets through unattended. */
const AMOUNT = ETHER / 1_000n;
const SIGNED_WITHIN_MS = 120_000;

export interface StackOptions {
  readonly database: DatabaseKind;
  /** Finished withdrawals to begin with. */
  readonly stored: number;
  /** For Node.js, in both programs. */
  readonly nodeFlags?: readonly string[];
}

export class Stack {
  private signer: Program | undefined;
  private orchestrator: Program | undefined;
  private requests = 0;

  private constructor(
    private readonly folder: string,
    private readonly options: StackOptions,
    readonly deployment: Deployment,
    private readonly ethereum: EthereumDevnet,
    private readonly postgres: PostgresDevnet | undefined,
    private readonly databaseUrl: string,
    private readonly port: number,
    readonly books: BooksReader,
  ) {}

  static async start(options: StackOptions): Promise<Stack> {
    const folder = mkdtempSync(join(tmpdir(), 'portcullis-bench-'));
    const ethereum = await startEthereumDevnet({ logFile: join(folder, 'ethereum.log') });
    const deployment = await Deployment.create({ policies: await widePolicies(), time: new RunningTime() });
    const postgres =
      options.database === 'postgres'
        ? await startPostgres({ logFile: join(folder, 'postgres.log'), durable: true })
        : undefined;
    const databaseUrl = (await postgres?.createDatabase()) ?? `sqlite:${join(folder, 'orchestrator.db')}`;
    const books = new BooksReader(databaseUrl);
    const parts = [folder, options, deployment, ethereum, postgres, databaseUrl] as const;
    const stack = new Stack(...parts, await freePort(), books);
    try {
      await ethereum.fund(stack.address, 1_000n * ETHER);
      await stack.startPrograms();
      // What is asked for here nobody approves.
      await stack.post(deployment.alice, '/v1/governance/head', deployment.word());
      if (options.stored > 0) await stack.givePast(options.stored);
      return stack;
    } catch (error) {
      await stack.stop();
      throw error;
    }
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  private get address(): string {
    return addressOfPublicKey(this.deployment.publicKeys.ethereum);
  }

  /** The programs that are measured. */
  get pids(): { readonly signer: number; readonly orchestrator: number } {
    return { signer: this.signer?.pid ?? 0, orchestrator: this.orchestrator?.pid ?? 0 };
  }

  signalPrograms(signal: NodeJS.Signals): void {
    this.signer?.signal(signal);
    this.orchestrator?.signal(signal);
  }

  async startPrograms(): Promise<void> {
    const flags = this.options.nodeFlags ?? [];
    this.signer = await startSignerProgram(this.deployment, { nodeFlags: flags });
    const configFile = join(this.folder, 'orchestrator.json');
    writeFileSync(configFile, JSON.stringify(this.configuration()), { mode: 0o600 });
    const entry = await compileProgram('src/orchestrator/main.ts');
    this.orchestrator = await startProgram({
      name: 'the orchestrator',
      command: process.execPath,
      args: [...flags, '--no-deprecation', entry, '--config', configFile],
      env: { PATH: process.env.PATH },
      logFile: join(this.folder, 'orchestrator.log'),
      ready: async () => (await fetch(`${this.url}/readyz`, { signal: AbortSignal.timeout(2_000) })).ok,
      readyWithinMs: 120_000,
    });
  }

  async stopPrograms(): Promise<void> {
    await this.orchestrator?.stop();
    await this.signer?.stop();
    this.orchestrator = undefined;
    this.signer = undefined;
  }

  private configuration(): unknown {
    const plenty = { perMinute: 1_000_000, burst: 1_000_000 };
    return {
      deploymentId: this.deployment.deploymentId,
      http: { port: this.port, rateLimits: { perAddress: plenty, perPrincipal: plenty } },
      database: { url: this.databaseUrl },
      signer: { socket: socketOf(this.deployment) },
      chains: {
        ethereum: {
          [ETHEREUM]: {
            providers: [{ name: 'devnet', url: this.ethereum.rpcUrl }],
            confirmations: { by: 'depth', depth: 2 },
          },
        },
      },
      workers: { pollMs: 50 },
      log: { level: 'warn' },
    };
  }

  /**
   * One real withdrawal, and as many clones of it as are wanted: in the orchestrator's books, in the signer's journal,
   * and as used nonces on the chain.
   */
  private async givePast(stored: number): Promise<void> {
    const transferId = await this.withdraw();
    await this.untilSettled(transferId);
    await this.stopPrograms();
    await giveBooksAPast(this.databaseUrl, transferId, stored);
    await giveJournalAPast(this.deployment, stored);
    await this.ethereum.call('anvil_setNonce', [this.address, `0x${(stored + 1).toString(16)}`]);
    await this.ethereum.mine(3);
    await this.startPrograms();
  }

  /** Asks for a withdrawal over HTTP and waits until its transaction is signed. The transfer's id. */
  async withdraw(): Promise<string> {
    this.requests += 1;
    const request = this.deployment.request({
      chain: ETHEREUM,
      wallet: 'hot-eth',
      asset: ETH,
      amount: AMOUNT.toString(),
      destination: DESTINATION,
      feeCeiling: (ETHER / 200n).toString(),
      customer: `customer-${this.requests % 1_000}`,
    });
    const transferId = transferIdOf(requestDigest(request.statement));
    await this.post(this.deployment.exchange, '/v1/transfers', request, transferId);
    await this.books.untilSigned(transferId, SIGNED_WITHIN_MS);
    return transferId;
  }

  private async untilSettled(transferId: string): Promise<void> {
    const deadline = performance.now() + SIGNED_WITHIN_MS;
    while (!(await this.books.isSettled(transferId))) {
      if (performance.now() > deadline) throw new Error(`${transferId} was not settled in time`);
      await this.ethereum.mine(1);
      await sleep(100);
    }
  }

  private async post(who: Backend | Officer, path: string, body: unknown, key?: string): Promise<void> {
    const bytes = Buffer.from(JSON.stringify(body));
    const url = this.url + path;
    const headers = await signHttpRequest(
      {
        method: 'POST',
        url,
        headers: {
          'content-type': 'application/json',
          ...(key === undefined ? {} : { 'idempotency-key': key }),
        },
        body: bytes,
      },
      callerOf(who, Date.now()),
    );
    const answer = await fetch(url, {
      method: 'POST',
      headers,
      body: bytes,
      signal: AbortSignal.timeout(SIGNED_WITHIN_MS),
    });
    const text = await answer.text();
    if (answer.status !== 201) throw new Error(`not taken: ${answer.status} ${text}`);
  }

  async stop(): Promise<void> {
    await this.stopPrograms();
    await this.books.close();
    await this.deployment.destroy();
    await this.postgres?.stop();
    await this.ethereum.stop();
    rmSync(this.folder, { recursive: true, force: true });
  }
}
