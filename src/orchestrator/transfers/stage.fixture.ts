// A stage for tests of the pipeline: one world (signer, chain, clock, database file) and as many lives of the program on
// it as a test wants. A life that crashes is thrown away with everything that it held in memory.

import type { Clock } from '../../core/clock.js';
import { Fault } from '../../core/fault.js';
import type { Approval } from '../../core/statements/approval.js';
import type { SignedRequest } from '../../core/statements/request.js';
import { nativeVerifier } from '../../platform/native-verifier.js';
import { ApprovalService } from '../approvals/approval.service.js';
import { auditEntities } from '../audit/audit.entity.js';
import { Database } from '../database/database.js';
import { governanceEntities } from '../governance/governance.entity.js';
import { FactSources } from '../facts/fact-sources.js';
import { GovernanceService } from '../governance/governance.service.js';
import { Cast, START_MS } from './cast.fixture.js';
import { defaultPipelineSettings, Pipeline, type PipelineParts, type PipelineSettings } from './pipeline.js';
import { transferEntities } from './transfer.entity.js';
import { TransferService } from './transfer.service.js';
import type { TransferView } from './transfer.view.js';
import { type StepFailure, Workers } from './workers.js';
import { type CrashPoint, ScriptedChain, ScriptedDriver, ScriptedSigner } from './world.fixture.js';

const MAX_STEPS = 2_000;

/** Thrown where a process dies; nothing that it does afterwards has an effect. */
export class Crash extends Error {}

/** Counts the places where the program could die, and kills it at one of them. */
export class Fuse {
  passed = 0;
  blown = false;

  constructor(private readonly at: number) {}

  readonly point: CrashPoint = (where) => {
    if (!this.blown) {
      this.passed += 1;
      if (this.passed === this.at) this.blown = true;
    }
    if (this.blown) throw new Crash(where);
  };
}

export interface StageOptions {
  readonly url: string;
  readonly cast?: Cast;
  readonly settings?: Partial<PipelineSettings>;
}

export class Stage implements Clock {
  readonly cast: Cast;
  readonly signer: ScriptedSigner;
  readonly chain = new ScriptedChain();
  private atMs = START_MS + 1_000;

  constructor(readonly options: StageOptions) {
    this.cast = options.cast ?? new Cast();
    this.signer = new ScriptedSigner(this.cast, () => this.atMs);
  }

  nowMs(): number {
    return this.atMs;
  }

  pass(ms: number): void {
    this.atMs += ms;
  }

  /** A life of the program on this stage. With a fuse, it dies at that point. */
  async life(name: string, fuse: Fuse = new Fuse(0)): Promise<Life> {
    return Life.begin(this, await this.open(), name, fuse);
  }

  /** Several lives share one on SQLite, as one program does; on PostgreSQL each has its own. */
  open(): Promise<Database> {
    const { url } = this.options;
    const entities = [...governanceEntities, ...transferEntities, ...auditEntities];
    return Database.open({ url, entities, clock: this });
  }
}

export class Life {
  readonly failures: StepFailure[] = [];
  readonly alarms: Fault[] = [];
  readonly drivers: readonly [ScriptedDriver, ScriptedDriver];
  readonly pipeline: Pipeline;
  readonly transfers: TransferService;
  readonly approvals: ApprovalService;
  readonly workers: Workers;
  /** As `workers`, but gives the lease back after each step. */
  private readonly pausing: Workers;

  private constructor(
    private readonly stage: Stage,
    readonly database: Database,
    readonly governance: GovernanceService,
    name: string,
    fuse: Fuse,
  ) {
    const { point } = fuse;
    this.drivers = [
      new ScriptedDriver('ethereum', stage.chain, point),
      new ScriptedDriver('bitcoin', stage.chain, point),
    ];
    this.pipeline = new Pipeline({
      database: {
        read: async (work) => {
          if (fuse.blown) throw new Crash('read');
          return database.read(work);
        },
        transaction: async (work) => {
          point('before commit');
          const result = await database.transaction(work);
          point('after commit');
          return result;
        },
      },
      governance,
      facts: new FactSources([], nativeVerifier, stage, () => undefined),
      signer: {
        sign: async (order) => {
          point('before sign');
          const result = stage.signer.sign(order);
          point('after sign');
          return result;
        },
        records: async (transferIds) => {
          point('before records');
          return stage.signer.records(transferIds);
        },
        void: async (request) => {
          point('before void');
          const result = stage.signer.void(request);
          point('after void');
          return result;
        },
        bury: async (burial) => {
          point('before bury');
          const result = stage.signer.bury(burial);
          point('after bury');
          return result;
        },
      },
      drivers: this.drivers,
      verifier: nativeVerifier,
      clock: stage,
      randomness: { bytes: (length) => new Uint8Array(length), fraction: () => 0 },
      settings: { ...defaultPipelineSettings, worker: name, ...stage.options.settings },
    });
    this.transfers = new TransferService(this.pipeline);
    this.approvals = new ApprovalService(this.pipeline);
    const workers = (parts: PipelineParts) =>
      new Workers(
        parts,
        (failure) => this.failures.push(failure),
        (fault) => this.alarms.push(fault),
      );
    this.workers = workers(this.pipeline);
    this.pausing = workers({
      ...this.pipeline,
      settings: { ...this.pipeline.settings, stepsPerLease: 1 },
    });
  }

  static async begin(stage: Stage, database: Database, name: string, fuse: Fuse): Promise<Life> {
    const { signer, cast } = stage;
    const governance = new GovernanceService(
      database,
      {
        governanceRead: async (from) => signer.governanceRead(from),
        governanceAppend: async (entry) => signer.governanceAppend(entry),
      },
      nativeVerifier,
      stage,
      cast.deploymentId,
    );
    await governance.load();
    await governance.refresh();
    return new Life(stage, database, governance, name, fuse);
  }

  async end(): Promise<void> {
    await this.database.close();
  }

  /** One step and no more, for tests that act between two. False when nothing is due. */
  step(): Promise<boolean> {
    return this.pausing.runOne();
  }

  /** Steps until nothing is due. Throws Crash when this life ends. */
  async work(): Promise<void> {
    for (let steps = 0; await this.workers.runOne(); steps += 1) {
      if (steps > MAX_STEPS) throw new Fault('fixture', 'the pipeline does not come to rest');
    }
  }

  /** Works through `rounds` of time, a block in each. */
  async live(rounds: number, ms = 5_000): Promise<void> {
    for (let round = 0; round < rounds; round += 1) {
      await this.work();
      this.stage.chain.mine();
      this.stage.pass(ms);
    }
    await this.work();
  }

  /** Bitcoin transfers that are all approved before the first plan is made, so that one plan holds them all. */
  async batchOf(size: number): Promise<string[]> {
    const ids: string[] = [];
    this.drivers[1].wait = 'node-behind';
    for (let count = 0; count < size; count += 1) {
      ids.push((await this.submitted(this.stage.cast.bitcoinRequest('1000'))).transferId);
    }
    await this.work();
    this.drivers[1].wait = undefined;
    this.stage.pass(60_000);
    return ids;
  }

  async submitted(request: SignedRequest): Promise<TransferView> {
    return certain(await this.transfers.submit(request));
  }

  async view(transferId: string): Promise<TransferView> {
    return certain(await this.transfers.get(transferId));
  }

  async approved(transferId: string, approval: Approval): Promise<TransferView> {
    return certain(await this.approvals.submit(transferId, approval));
  }
}

export function certain<T>(outcome: { kind: 'accepted'; value: T } | { kind: 'refused'; code: string }): T {
  if (outcome.kind === 'accepted') return outcome.value;
  throw new Fault('fixture', `refused: ${outcome.code}`, { facts: { code: outcome.code } });
}

export const statesOf = (view: TransferView) => view.transitions.map((transition) => transition.to);
export const reasonsOf = (view: TransferView) => view.transitions.map((transition) => transition.reason.code);
