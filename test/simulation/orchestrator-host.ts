// A machine that an orchestrator runs on: the real pipeline, services, drivers and scanner over the shared database, with a clock
// of its own that may be wrong, a way to the signer and ways to the nodes. Its process may be killed at any line where it
// waits, and before and after each database transaction.

import type { Clock } from '../../src/core/clock.js';
import { Fault } from '../../src/core/fault.js';
import { ApprovalService } from '../../src/orchestrator/approvals/approval.service.js';
import { BitcoinDriver } from '../../src/orchestrator/chains/bitcoin/bitcoin.driver.js';
import { bitcoinChain } from '../../src/orchestrator/chains/bitcoin/bitcoin-chain.js';
import { Scanner } from '../../src/orchestrator/chains/bitcoin/scanner.js';
import type { BitcoinSettings } from '../../src/orchestrator/chains/bitcoin/settings.js';
import { EthereumDriver } from '../../src/orchestrator/chains/ethereum/ethereum.driver.js';
import type { EthereumSettings } from '../../src/orchestrator/chains/ethereum/settings.js';
import type { DatabaseFaultCode } from '../../src/orchestrator/database/database.errors.js';
import type { Database, DatabaseDoor } from '../../src/orchestrator/database/database.js';
import { FactSources } from '../../src/orchestrator/facts/fact-sources.js';
import { GovernanceService } from '../../src/orchestrator/governance/governance.service.js';
import { Heads } from '../../src/orchestrator/governance/heads.js';
import { SignerClient } from '../../src/orchestrator/signer-client/signer-client.js';
import {
  defaultPipelineSettings,
  Pipeline,
  type PipelineSettings,
} from '../../src/orchestrator/transfers/pipeline.js';
import { TransferService } from '../../src/orchestrator/transfers/transfer.service.js';
import { Workers } from '../../src/orchestrator/transfers/workers.js';
import { Burials } from '../../src/orchestrator/ways-out/burials.js';
import { Cancels } from '../../src/orchestrator/ways-out/cancels.js';
import { Restores } from '../../src/orchestrator/ways-out/restores.js';
import { Voids } from '../../src/orchestrator/ways-out/voids.js';
import { WaysOut } from '../../src/orchestrator/ways-out/ways-out.service.js';
import { nativeVerifier } from '../../src/platform/native-verifier.js';
import type { BitcoinNodes } from './bitcoin-node.model.js';
import type { Chance } from './chance.js';
import { commitOf, committed, onErrand } from './errand.js';
import type { EthereumNodes } from './ethereum-node.model.js';
import { BITCOIN, DEPLOYMENT_ID, ETHEREUM } from './people.js';
import { never, Process, type Scheduler } from './scheduler.js';
import type { SignerLink } from './signer-link.js';
import type { Trace } from './trace.js';

export interface OrchestratorKnobs {
  /** In so many of 1,000 transactions: the database fails, and nothing was written. */
  databaseFails: number;
  /** The database has committed, and the answer is lost. */
  commitLost: number;
}

export interface OrchestratorWorld {
  readonly database: Database;
  readonly link: SignerLink;
  readonly ethereum: EthereumNodes;
  readonly bitcoin: BitcoinNodes;
  readonly ethereumSettings: EthereumSettings;
  readonly bitcoinSettings: BitcoinSettings;
  readonly scheduler: Scheduler;
  readonly chance: Chance;
  readonly trace: Trace;
  readonly knobs: OrchestratorKnobs;
  readonly pipeline: Partial<PipelineSettings>;
  readonly nowMs: () => number;
  /** The database is not what it was. */
  readonly onCommit: () => void;
  readonly onFailure: (what: string, error: unknown) => void;
  readonly onAlarm: (fault: Fault) => void;
}

/** A test's way to break an orchestrator on purpose, once it is up. */
export type OrchestratorSabotage = (life: OrchestratorLife) => void;

export interface OrchestratorLife {
  readonly process: Process;
  readonly governance: GovernanceService;
  readonly heads: Heads;
  readonly pipeline: Pipeline;
  readonly workers: Workers;
  readonly transfers: TransferService;
  readonly approvals: ApprovalService;
  readonly voids: Voids;
  readonly cancels: Cancels;
  readonly burials: Burials;
  readonly restores: Restores;
  readonly waysOut: WaysOut;
  readonly scanner: Scanner;
  readonly ethereum: EthereumDriver;
  readonly bitcoin: BitcoinDriver;
  readonly signer: SignerClient;
}

/** Faults with which a step may fail on a bad day. Others are a bug. */
const ORDINARY: ReadonlySet<string> = new Set([
  'chain-unavailable',
  'signer-unreachable',
  'signer-timeout',
  'signer-connection-lost',
  'signer-fault',
  'signer-busy',
  'database-contended',
  'lease-lost',
  'transfer-changed',
  'governance-unavailable',
  'nonce-behind-signer',
  'release-blocked',
  'block-mismatch',
]);

export class OrchestratorHost implements Clock {
  life: OrchestratorLife | undefined;
  process: Process | undefined;
  /** Steps, looks and calls under way in this life. */
  busy = 0;
  scanning = false;
  /** Nothing was due at the last look, and nothing has happened since. */
  quiet = false;
  skewMs = 0;
  private lives = 0;

  constructor(
    readonly name: string,
    private readonly world: OrchestratorWorld,
    private readonly sabotage: OrchestratorSabotage = () => undefined,
  ) {}

  nowMs(): number {
    return this.world.nowMs() + this.skewMs;
  }

  async start(): Promise<void> {
    if (this.process) return;
    this.lives += 1;
    const { world } = this;
    const process = new Process('orchestrator', `${this.name}-${this.lives}`);
    this.process = process;
    this.busy = 0;
    this.scanning = false;
    this.quiet = false;
    const database = this.door(process);
    const { link, chance, scheduler } = world;
    const signer = new SignerClient({
      endpoint: link.endpoint(process),
      clock: this,
      randomness: chance,
      timeoutMs: 1,
    });
    const governance = new GovernanceService(database, signer, nativeVerifier, this, DEPLOYMENT_ID);
    try {
      await governance.load();
    } catch (error) {
      // As a program that exits at its start: it is started again.
      process.die();
      this.process = undefined;
      this.world.trace.note('orchestrator-not-up', error instanceof Fault ? error.code : String(error));
      return;
    }
    const chain = bitcoinChain(BITCOIN, world.bitcoinSettings, (url, _headers, body) =>
      world.bitcoin.post(process, scheduler, url, body),
    );
    const bitcoin = new BitcoinDriver([chain], database, this, chance);
    const scanner = new Scanner(BITCOIN, world.bitcoinSettings, database, chain.node, () =>
      [...governance.state().wallets.values()].filter((wallet) => wallet.chain === BITCOIN),
    );
    const ethereum = new EthereumDriver({
      database,
      clock: this,
      chains: { [ETHEREUM]: world.ethereumSettings },
      governance: () => governance.state(),
      signerNextNonce: async (walletId) => {
        const { nonces } = await signer.status();
        return nonces.find((one) => one.walletId === walletId)?.next;
      },
      alarm: world.onAlarm,
      post: (target, _headers, body) => world.ethereum.post(process, scheduler, target, body),
    });
    const pipeline = new Pipeline({
      database,
      governance,
      facts: new FactSources([], nativeVerifier, this, () => undefined),
      signer,
      drivers: [ethereum, bitcoin],
      verifier: nativeVerifier,
      clock: this,
      randomness: chance,
      settings: { ...defaultPipelineSettings, ...world.pipeline, worker: process.name },
    });
    const workers = new Workers(
      pipeline,
      ({ kind, code, error }) => {
        world.trace.note('step-failed', `${kind} ${code}`);
        if (!ORDINARY.has(code)) world.onFailure(`a step of a ${kind}`, error);
      },
      world.onAlarm,
    );
    const transfers = new TransferService(pipeline);
    const approvals = new ApprovalService(pipeline);
    const parts = { process, governance, pipeline, workers, transfers, approvals, scanner };
    const heads = new Heads(database, governance, nativeVerifier, this);
    const ways = {
      voids: new Voids(pipeline),
      cancels: new Cancels(pipeline),
      burials: new Burials(pipeline),
      restores: new Restores(pipeline),
      waysOut: new WaysOut(pipeline),
    };
    this.life = { ...parts, ...ways, heads, ethereum, bitcoin, signer };
    this.sabotage(this.life);
    world.trace.note('orchestrator-up', process.name);
  }

  kill(): void {
    const { process } = this;
    if (!process) return;
    process.die();
    this.process = undefined;
    this.life = undefined;
    this.world.scheduler.forget(process);
    this.world.trace.note('orchestrator-killed', process.name);
  }

  /**
   * Does something in the name of the life that runs now; false when there was nothing to do. Never rejects; what a dead
   * life was at never ends.
   */
  run(what: string, work: (life: OrchestratorLife) => Promise<boolean>): void {
    const { life } = this;
    if (!life) return;
    this.busy += 1;
    const over = (quiet: boolean) => {
      if (this.life !== life) return;
      this.busy -= 1;
      this.quiet = quiet;
    };
    onErrand(what, () => work(life)).then(
      (worked) => over(!worked),
      (error: unknown) => {
        const code = error instanceof Fault ? error.code : 'internal';
        this.world.trace.note('call-failed', `${what} ${code}`);
        if (!ORDINARY.has(code)) this.world.onFailure(what, error);
        over(false);
      },
    );
  }

  step(): void {
    this.run('step', ({ workers }) => workers.runOne());
  }

  scan(): void {
    this.scanning = true;
    this.run('scan', async ({ scanner }) => {
      try {
        const { blocksAdded, blocksRemoved } = await scanner.scan();
        return blocksAdded + blocksRemoved > 0;
      } finally {
        this.scanning = false;
      }
    });
  }

  /** The database as one process sees it: it can die before and after everything that it writes. */
  private door(process: Process): DatabaseDoor {
    const { database, scheduler, chance, trace, knobs, onCommit } = this.world;
    const fails = (): never => {
      trace.note('database-fails');
      throw new Fault<DatabaseFaultCode>('database-contended', 'the database is not to be had');
    };
    return {
      read: async (work) => {
        await scheduler.point(process, 'before a database read');
        if (!process.alive) return never();
        if (chance.hit(knobs.databaseFails)) fails();
        return database.read(work);
      },
      transaction: async (work) => {
        const about = commitOf();
        await scheduler.point(process, 'before a database commit', about);
        if (!process.alive) return never();
        if (chance.hit(knobs.databaseFails)) fails();
        const result = await database.transaction(work);
        onCommit();
        if (chance.hit(knobs.commitLost)) fails();
        await scheduler.point(process, 'after a database commit', about);
        committed();
        return result;
      },
    };
  }
}
