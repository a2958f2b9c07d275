// A part of the kills at durable boundaries: real programs that die at each boundary of the part, while withdrawals of all kinds
// are under way on both chains, nodes misbehave, blocks are taken back, and policies change. Whatever dies where: in the end
// each withdrawal is in the chain once or not at all, as the books say, and nothing is stuck.
//
// A life of a program ends at the first boundary that it comes to and that no life before has ended at, so the common ones
// are through after some dozens of short lives. What is rare is then made to happen, one kind after the other.

import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from '@jest/globals';
import type { Program } from '../../devnet/process.js';
import { Fault } from '../../src/core/fault.js';
import { policiesWithOddTokens } from '../e2e/policies.js';
import { ETHER, Rig, type RigOptions } from '../e2e/rig.js';
import { expectAllInOrder } from './audit.js';
import type { Plan } from './boundary-runtime.js';
import { AT_THE_STOP, type Part, partOf } from './division.js';
import { FaultyNode, TROUBLES } from './faulty-node.js';
import { isAskedFor, keep } from './kill-list.js';
import { type Killable, Killer } from './killer.js';
import { killedWhileSigning, signingWindows } from './signing-windows.js';
import { type Nodes, type Rarity, Workload } from './workload.js';

/** As long as programs die, they have enough to do by themselves. */
const QUIET_MS = 1_500;
/** For as long one of the rare kinds goes on. */
const TURN_MS = 8_000;
const STOPPED_EVERY_MS = 4_000;
/** Nobody died for so long: the rest is not come to. */
const GIVE_UP_MS = 100_000;
const LATE_WALLETS = 12;

/** What has to happen for which boundaries. */
const LEADS_TO: Readonly<Record<Rarity, readonly RegExp[]>> = {
  voids: [/voidRequest|Voids|attest|reports|ways-out\.service/],
  'cancels on the chain': [/ways-out\/(?:cancels|burials)|:bury:|conflicted:moveTransfer/],
  'a hesitant signer': [
    /releaseOne|recordSilence|Workers\.(?:failed|step)|noteWaiting|TransferService\.(?:cancel|end)/,
  ],
  'dear times': [/bumpIfStuck|apply:moveTransaction\(row|conflicted:/],
  reorganisations: [/reorganised|recordWatched|confirmed:|Scanner\.remove/],
  'swallowing nodes': [/sighted/],
  'faulty nodes': [/outlook|FollowingSteps\.note|Workers\.failed/],
  'long chains': [/node\.submit:/],
  'forgetful nodes': [/apply:moveTransaction\('broadcast/],
  governors: [/overnance|decideAgain|recordRefused|releaseOne/],
  'new wallets': [/Scanner\.(?:watch|searchEarlier)|checkWallet/],
};

/** A program that the rig has none of. */
export interface Beside {
  process(): Program;
  /** Throws as the start of any program does. */
  start(): Promise<void>;
}

export class BoundaryPart {
  readonly killer = new Killer();
  private readonly begunMs = performance.now();
  private readonly killedAt: string[] = [];
  private readonly never: string[] = [];
  private readonly signerKilledAtMs: number[] = [];
  private lastKillMs = performance.now();
  /** By program: where no life of it has ended yet. */
  private readonly ahead = new Map<Killable, Set<string>>();
  private readonly beside = new Map<Killable, Beside>();
  private running: Rig | undefined;
  private nodes: Nodes | undefined;

  constructor(readonly part: Part) {}

  get rig(): Rig {
    if (!this.running) throw new RangeError('nothing was started yet');
    return this.running;
  }

  /** Everything, with nodes that can be made to misbehave. */
  async start(options: RigOptions = {}): Promise<Rig> {
    this.running = await Rig.start({
      programs: true,
      making: this.killer,
      auditLog: true,
      ...options,
      settings: {
        signerTimeoutMs: 1_000,
        ...options.settings,
        workers: {
          // Whoever dies in the middle of a step holds up others for no longer.
          leaseMs: 1_000,
          bumpAfterMs: { bitcoin: 3_600_000, ethereum: 1_000 },
          ...options.settings?.workers,
        },
      },
      settingsFor: async (chains) => {
        this.nodes ??= {
          bitcoin: await FaultyNode.before(chains.bitcoin.rpcUrl),
          ethereum: await FaultyNode.before(chains.ethereum.rpcUrl),
        };
        const { bitcoin, ethereum } = this.nodes;
        return {
          bitcoin: { nodes: [{ url: bitcoin.url }], timeoutMs: 500, ...options.settings?.bitcoin },
          ethereum: {
            providers: [{ name: 'faulty', url: ethereum.url }],
            timeoutMs: 500,
            reorgDepth: 6,
            ...options.settings?.ethereum,
          },
        };
      },
    });
    // What was sent waits for the next block, as it does elsewhere.
    await this.running.chains.ethereum.setAutoMine(false);
    return this.running;
  }

  async stop(): Promise<void> {
    await this.running?.stop();
    await this.nodes?.bitcoin.stop();
    await this.nodes?.ethereum.stop();
    this.killer.remove();
  }

  /** Has this program killed as well, when it is its turn. */
  runsBeside(program: Killable, beside: Beside): void {
    this.beside.set(program, beside);
  }

  /** A workload of which nothing happens by itself. */
  workload(): Workload {
    return new Workload(this.rig, this.nodes, (rarity) => this.isWanted(rarity));
  }

  /** Payments of all kinds, and everything that may happen to them when it is wanted. */
  async everything(): Promise<Workload> {
    const late = await this.lateWallets();
    const work = this.workload();
    work.pays([{ asset: 'BTC', amount: 150_000n }]);
    work.pays([
      { asset: 'BTC', amount: 160_000n },
      { asset: 'BTC', amount: 1_100_000n },
    ]);
    work.pays([
      { asset: 'ETH', amount: ETHER / 100n },
      { asset: 'ETH', amount: ETHER / 9n },
    ]);
    work.pays([
      { asset: 'USDX', amount: ETHER },
      { asset: 'ETH', amount: ETHER / 100n },
    ]);
    work.officers();
    work.resolvers();
    work.oddments();
    work.hesitantSigner();
    work.longChains();
    work.dearTimes();
    work.reorganisations();
    work.faultyNodes(TROUBLES);
    work.swallowingNodes();
    work.forgetfulNodes();
    work.governors(await policiesWithOddTokens());
    work.newWallets(late);
    work.voids();
    work.cancelsOnChain();
    return work;
  }

  private async lateWallets(): Promise<string[]> {
    const token = this.rig.deployment.spawnTreasury();
    const late: string[] = [];
    for (let count = 0; count < LATE_WALLETS; count += 1) {
      const { publicKey } = await token.generateKey(`late-${count}`, 'secp256k1');
      late.push(`${Number.parseInt(publicKey.slice(-2), 16) % 2 ? '03' : '02'}${publicKey.slice(2, 66)}`);
    }
    await token.close();
    return late;
  }

  /** One rare kind at a time, in turns, of those that lead to what is ahead; none while programs die anyway. */
  private isWanted(rarity: Rarity): boolean {
    const nowMs = performance.now();
    if (nowMs - this.lastKillMs < QUIET_MS) return false;
    const boundaries = [...this.ahead.values()].flatMap((ahead) => [...ahead]);
    const kinds = (Object.keys(LEADS_TO) as Rarity[]).filter((kind) =>
      LEADS_TO[kind].some((lead) => boundaries.some((boundary) => lead.test(boundary))),
    );
    return kinds[Math.floor((nowMs - this.begunMs) / TURN_MS) % kinds.length] === rarity;
  }

  /** The boundaries of this part that a program comes to, or some of them. */
  boundariesOf(program: Killable, which = /(?:)/): string[] {
    return [...this.killer.boundaries[program]].filter(
      (one) => partOf(one) === this.part && which.test(one) && isAskedFor(one),
    );
  }

  /** Has the program, or its token's process, die at each of its boundaries, and starts it again each time. */
  async killAtEach(
    program: Killable,
    boundaries = this.boundariesOf(program),
    pauses: Plan['pauses'] = {},
  ): Promise<void> {
    const ahead = new Set(boundaries);
    if (ahead.size === 0) return;
    this.ahead.set(program, ahead);
    this.lastKillMs = performance.now();
    this.killer.arm(program, ahead, pauses);
    await this.process(program).stop();
    let stoppedMs = performance.now();
    while (ahead.size > 0 && performance.now() - this.lastKillMs < GIVE_UP_MS) {
      if (!this.process(program).running) await this.bringUp(program);
      this.note(program, ahead);
      const isStopWanted = [...ahead].some((one) => AT_THE_STOP.test(one));
      if (isStopWanted && performance.now() - stoppedMs > STOPPED_EVERY_MS) {
        await this.process(program).stop();
        stoppedMs = performance.now();
      }
      await sleep(20);
    }
    this.never.push(...ahead);
    this.ahead.delete(program);
    this.killer.arm(program, []);
    // Whoever lives on knows of no boundary any more.
    await this.process(program).stop();
    if (!(await this.bringUp(program))) throw new Error(`it does not start any more: ${program}`);
  }

  private note(program: Killable, ahead: Set<string>): void {
    for (const boundary of this.killer.killedAt(program)) {
      if (!ahead.delete(boundary)) continue;
      const nowMs = performance.now();
      process.stdout.write(`killed after ${Math.round(nowMs - this.lastKillMs)} ms: ${boundary}\n`);
      this.lastKillMs = nowMs;
      this.killedAt.push(boundary);
      if (program === 'signer' || program === 'token') this.signerKilledAtMs.push(Date.now());
    }
  }

  /** At a moment that the test has chosen. */
  async killSigner(): Promise<void> {
    this.signerKilledAtMs.push(Date.now());
    await this.rig.killSigner();
  }

  /** False when it died before it was ready, as some boundaries have it. */
  private async bringUp(program: Killable): Promise<boolean> {
    return this.started(program).then(
      () => true,
      (error: unknown) => {
        if (error instanceof Fault && error.code === 'program-ended-early') return false;
        throw error;
      },
    );
  }

  private started(program: Killable): Promise<void> {
    const beside = this.beside.get(program);
    if (beside) return beside.start();
    return program === 'orchestrator' ? this.rig.program(0).start() : this.rig.startSigner();
  }

  private process(program: Killable): Program {
    const beside = this.beside.get(program);
    if (beside) return beside.process();
    return program === 'orchestrator' ? this.rig.program(0).process() : this.rig.signerProcess();
  }

  /** Sees all that was begun to its end, asks the chains, and keeps where the kills were. */
  async finish(work: Workload): Promise<void> {
    const stands = this.never.length === 0 ? {} : await work.standing();
    await work.finish();
    const audit = await expectAllInOrder(this.rig, work.asked);
    const ended = JSON.stringify(audit.byState);
    process.stdout.write(
      `${this.part}: ${work.asked.length} withdrawals ${ended}, once indeterminate ${work.unknown.size}\n`,
    );
    expect(audit.indeterminate).toEqual([]);
    await this.expectCutOff([...work.unknown]);
    this.keep();
    if (this.never.length === 0) return;
    const meanwhile = JSON.stringify(stands, null, 1);
    throw new Error(`never come to:\n${this.never.join('\n')}\nmeanwhile: ${meanwhile}`);
  }

  /** Only of a signature that a kill of the signer cut off may nobody know whether it was made. */
  private async expectCutOff(unknown: readonly string[]): Promise<void> {
    if (unknown.length === 0) return;
    await this.rig.signerProcess().stop();
    const windows = signingWindows(this.rig.deployment.config().storePath);
    expect(unknown.filter((id) => !killedWhileSigning(windows, id, this.signerKilledAtMs))).toEqual([]);
  }

  keep(): void {
    keep(this.part, this.killer, this.killedAt, this.begunMs);
  }
}
