// One run: a world, some hundred turns in which the seed decides what happens next, then peace, and time enough for all that is
// under way to come to its end. The judge looks after every turn; the run ends at the first violation.

import { LEAST_CONFIRMATIONS } from '../../src/core/recovery/burial.js';
import { Crowd } from './crowd.js';
import type { Violation } from './judge.js';
import { badDay, healthy } from './node-moods.js';
import { type Parked, settled } from './scheduler.js';
import { FINAL } from './settings.js';
import { Thief } from './thief.js';
import { World, type WorldOptions } from './world.js';

export interface Report {
  readonly seed: number;
  readonly steps: number;
  readonly violations: readonly Violation[];
  readonly counts: ReadonlyMap<string, number>;
  /** Of everything that happened, in its order. */
  readonly digest: string;
}

const MAX_ROUNDS = 60;
const MAX_TURNS_OF_A_ROUND = 4_000;
const AT_ONCE = 3;
/** In a run that is to see a restore, the store is lost at this round of the peace at the latest. */
const LATEST_LOSS = 3;
/** In so many rounds of the peace, time passes before the next blocks come. */
const PENDING_ROUNDS = 3;
/** In so many rounds of a run that is to see burials, officers still outbid what is stuck. */
const OUTBIDDING_ROUNDS = 8;

interface Action {
  readonly weight: number;
  /** Whatever it comes back with is waited for. */
  readonly does: () => unknown;
}

class Simulation {
  private readonly crowd: Crowd;
  private readonly thief: Thief;
  private steps = 0;
  /** The store is not lost before much has been signed. */
  private readonly isLate: boolean;
  /** Who has kept what a lost store signed keeps it until all is paid anew. */
  private readonly isPatient: boolean;

  constructor(private readonly world: World) {
    this.crowd = new Crowd(world);
    this.thief = new Thief(world, this.crowd);
    this.isLate = world.chance.hit(600);
    this.isPatient = world.chance.hit(600);
  }

  private get honest(): boolean {
    return this.world.settings.attack === 'honest';
  }

  private get failed(): boolean {
    return this.world.judge.violations.length > 0;
  }

  async run(): Promise<number> {
    const { world } = this;
    await this.startAll();
    this.crowd.vouch();
    this.steps = 0;
    for (let turn = 0; turn < world.settings.steps && !this.failed; turn += 1) {
      this.losesNow(!this.isLate && turn > world.settings.steps / 2);
      const action = world.chance.weighted(this.actions());
      await action?.does();
      await this.turned();
    }
    // Where a thief has used the wallets' keys, the orchestrators rightly wait for people.
    if (!this.failed && this.honest) await this.comeToRest();
    if (!this.failed && this.honest) await this.closeBooks();
    await settled();
    return this.steps;
  }

  /**
   * Does the signer's store go now? Somewhen in a run that is to see it, and best where an answer with a signature is on its
   * way: it is lost with the signer, and nobody but a thief has it.
   */
  private losesNow(isTime: boolean): void {
    const { settings, chance, drill, scheduler, trace } = this.world;
    if (settings.scene !== 'restore' || drill.restoredMs !== undefined || drill.isUnderWay) return;
    const answers = scheduler.parked.filter(({ what }) => what === 'reply sign');
    const isOnItsWay = answers.length > 0 && chance.hit(500);
    if (!isOnItsWay && !isTime) return;
    if (isOnItsWay) trace.count('store lost with a signature on its way');
    for (const one of isOnItsWay ? answers : []) scheduler.tamper(one, 'lose');
    drill.lose();
  }

  private get isOfLost(): boolean {
    return this.world.drill.restoredMs !== undefined || this.world.signer.lost;
  }

  /** All that could go on has gone on; the judge looks. */
  private async turned(): Promise<void> {
    this.steps += 1;
    await settled();
    if (this.honest) await this.world.books.look();
  }

  private async startAll(): Promise<void> {
    const { signer, orchestrators } = this.world;
    void signer.start();
    for (const one of orchestrators) void one.start();
    await settled();
    // Nobody waits in vain for what was parked on the way up.
    for (let turn = 0; turn < MAX_TURNS_OF_A_ROUND && this.world.scheduler.parked.length > 0; turn += 1) {
      const [first] = this.world.scheduler.parked;
      if (first) this.world.scheduler.take(first);
      await settled();
    }
  }

  private actions(): Action[] {
    const { world, crowd, thief } = this;
    const { chance, scheduler, orchestrators, signer, settings, link, drill } = world;
    const waiting = scheduler.parked;
    const ready = orchestrators.filter(({ life, busy, quiet }) => life && busy < AT_ONCE && !quiet);
    const up = orchestrators.filter(({ life, scanning }) => life && !scanning);
    const down = orchestrators.filter(({ process }) => process === undefined);
    const crash = world.knobs.crash > 0 ? 1 : 0;
    const outbids = settings.scene === 'burial';
    return [
      { weight: waiting.length > 0 ? 14 + waiting.length : 0, does: () => this.letGo(chance.pick(waiting)) },
      { weight: ready.length * 7, does: () => chance.pick(ready).step() },
      { weight: up.length * 1.5, does: () => chance.pick(up).scan() },
      { weight: crowd.canWant ? 3 : crowd.unanswered > 0 ? 1 : 0, does: () => crowd.ask() },
      { weight: 3, does: () => crowd.approve() },
      { weight: 0.2, does: () => crowd.cancel() },
      { weight: 0.4, does: () => crowd.resolve() },
      { weight: 0.25, does: () => crowd.govern() },
      { weight: 0.25, does: () => crowd.vouch() },
      { weight: 0.5, does: () => crowd.void() },
      { weight: outbids ? 4 : 0.3, does: () => crowd.outbid() },
      { weight: outbids ? 2 : 0.3, does: () => crowd.bury() },
      { weight: outbids ? 0.5 : 0, does: () => this.mineDeep() },
      { weight: 0.3, does: () => crowd.askAnew() },
      { weight: drill.isUnderWay ? 3 : 0, does: () => drill.advance() },
      { weight: this.isOfLost && !this.isPatient ? 0.6 : 0, does: () => thief.broadcastWithheld() },
      { weight: 0.5, does: () => crowd.refresh() },
      { weight: 8, does: () => this.pass(chance.between(200, 6_000)) },
      { weight: 0.5, does: () => this.pass(chance.between(60_000, 900_000)) },
      { weight: 0.06, does: () => this.pass(chance.between(1_200_000, 4_200_000)) },
      { weight: outbids ? 1.5 : 3, does: () => this.mine(chance.pick(['ethereum', 'bitcoin']), 850) },
      { weight: 0.4, does: () => this.reorganise() },
      { weight: 0.4, does: () => this.evict() },
      { weight: 0.5, does: () => this.newFees() },
      { weight: 1, does: () => this.newMoods() },
      { weight: 0.3 * crash, does: () => chance.pick(orchestrators).kill() },
      { weight: 0.3 * crash, does: () => signer.kill() },
      { weight: down.length * 2, does: () => void chance.pick(down).start() },
      { weight: signer.process ? 0 : signer.lost ? 0.4 : 3, does: () => void signer.start() },
      { weight: settings.clockJumps ? 0.4 : 0, does: () => this.turnClocks() },
      { weight: crash * 0.3, does: () => this.cut(!link.cut) },
      { weight: 0.2, does: () => signer.takeCopy() },
      { weight: signer.canPutBack ? 2 : 0, does: () => void signer.putBackCopy() },
      { weight: thief.weight, does: () => thief.strike() },
      { weight: this.honest ? 0.1 : 1, does: () => thief.buryAlive() },
    ];
  }

  /** One parked call goes on, or one message meets with an accident. */
  private letGo(parked: Parked): void {
    const { world } = this;
    const { lose, double } = world.settings.network;
    if (parked.mischief && world.chance.hit(lose)) {
      world.trace.note('lost', parked.what);
      world.scheduler.tamper(parked, 'lose');
      return;
    }
    if (parked.mischief && world.chance.hit(double)) {
      world.trace.note('doubled', parked.what);
      world.scheduler.tamper(parked, 'double');
    }
    if (parked !== world.scheduler.parked[0]) world.trace.count('reordered');
    world.trace.note('on', `${parked.process?.name ?? ''} ${parked.what}`);
    world.scheduler.take(parked);
  }

  private pass(ms: number): void {
    const { world } = this;
    world.trueMs += ms;
    for (const one of world.orchestrators) one.quiet = false;
    if (world.chance.hit(500)) world.signer.beat();
    world.trace.note('time', `${ms}`);
  }

  private mine(on: 'ethereum' | 'bitcoin', willing: number): void {
    const { world } = this;
    if (on === 'ethereum') {
      const { number, hash, transactions } = world.ethereum.chain.mine(world.trueMs, willing);
      world.trace.note('block', `ethereum ${number} ${hash} ${transactions.length}`);
    } else {
      world.bitcoin.chain.mine(willing);
      world.trace.note('block', `bitcoin ${world.bitcoin.chain.height} ${world.bitcoin.chain.tip}`);
    }
  }

  private reorganise(): void {
    const { world } = this;
    const { chance, trueMs } = world;
    const depth = chance.between(1, world.settings.reorgDepth);
    if (depth >= FINAL) {
      world.books.deepReorganisations += 1;
      world.trace.count('reorganisation deeper than final');
    }
    const keep = chance.pick([0, 500, 1_000]);
    const chain = chance.hit(500) ? 'ethereum' : 'bitcoin';
    if (chain === 'ethereum') world.ethereum.chain.reorganise(depth, trueMs, keep, 600);
    else world.bitcoin.chain.reorganise(depth, keep, 600);
    world.trace.note('reorganisation', `${chain} ${depth}`);
  }

  private evict(): void {
    const { chance, ethereum, bitcoin, trace } = this.world;
    const [one, other] = [[...ethereum.chain.pool.keys()], [...bitcoin.chain.mempool.keys()]];
    if (one.length > 0 && chance.hit(500)) {
      ethereum.chain.pool.delete(chance.pick(one));
      trace.note('evicted', 'ethereum');
    } else if (other.length > 0) {
      bitcoin.chain.evict(chance.pick(other));
      trace.note('evicted', 'bitcoin');
    }
  }

  /** Time for what is mined to be as deep as a burial wants it. */
  private async mineDeep(): Promise<void> {
    const on = await this.crowd.outbidOn();
    if (on === undefined) return;
    for (let block = 0; block < LEAST_CONFIRMATIONS[on]; block += 1) this.mine(on, 850);
  }

  private newFees(): void {
    const { chance, bitcoin } = this.world;
    bitcoin.feeRate = `0.000${chance.pick(['01000', '02000', '05000', '20000', '40000'])}`;
  }

  private newMoods(): void {
    const { chance, ethereum, bitcoin, trace, settings } = this.world;
    if (settings.knobs.crash + settings.knobs.databaseFails === 0) return;
    for (const moods of [ethereum.moods, bitcoin.moods]) {
      for (const name of moods.keys()) {
        // Only one node of a quorum is ever a liar.
        const mayLie = name === 'eth-c' || (name === 'btc-a' && chance.hit(200));
        const mood = chance.hit(350) ? badDay(chance, mayLie) : healthy();
        moods.set(name, mood);
        trace.note('mood', `${name} ${JSON.stringify(mood)}`);
      }
    }
  }

  private turnClocks(): void {
    const { world } = this;
    const { chance, trace } = world;
    const host = chance.pick(world.orchestrators);
    host.skewMs = chance.pick([0, 1, -1]) * chance.between(1, 60) * 1_000 * chance.pick([1, 1, 1, 30]);
    world.signerSkewMs = chance.pick([0, 0, 1, -1]) * chance.between(1, 60) * 1_000;
    host.quiet = false;
    trace.note('clock', `${host.name} ${host.skewMs}, signer ${world.signerSkewMs}`);
  }

  private cut(cut: boolean): void {
    this.world.link.cut = cut;
    this.world.trace.note('link', cut ? 'cut' : 'mended');
  }

  /** Everybody behaves, everything is up, and time goes on. */
  private async comeToRest(): Promise<void> {
    const { world, crowd } = this;
    const { drill } = world;
    world.trace.note('peace');
    Object.assign(world.knobs, {
      crash: 0,
      signerCrash: 0,
      park: 0,
      faultBefore: 0,
      faultAfter: 0,
      diskFull: 0,
      databaseFails: 0,
      commitLost: 0,
    });
    for (const moods of [world.ethereum.moods, world.bitcoin.moods]) {
      for (const name of moods.keys()) moods.set(name, healthy());
    }
    this.cut(false);
    world.signerSkewMs = 0;
    for (const one of world.orchestrators) one.skewMs = 0;
    world.bitcoin.feeRate = '0.00002000';
    world.ethereum.chain.calm = true;
    let graves = 4;
    let avenged = false;
    for (let round = 0; round < MAX_ROUNDS && !this.failed; round += 1) {
      if (!world.signer.lost) void world.signer.start();
      for (const one of world.orchestrators) {
        void one.start();
        await settled();
        one.scan();
        await settled();
      }
      if (round === LATEST_LOSS) this.losesNow(true);
      if (this.isOfLost && !this.isPatient && world.chance.hit(200)) this.thief.broadcastWithheld();
      await this.drain();
      if (round % 4 === 0) {
        crowd.refresh();
        await this.drain();
        crowd.vouch();
      }
      for (let most = 3 * crowd.unanswered; most > 0 && crowd.unanswered > 0; most -= 1) {
        crowd.ask();
        await this.drain();
      }
      for (let step = 0; step < 3 && drill.isUnderWay; step += 1) {
        drill.advance();
        await this.drain();
      }
      if (world.settings.scene === 'burial' && round < OUTBIDDING_ROUNDS) await crowd.outbid();
      await crowd.approve(true);
      await crowd.resolve();
      if (round % 2 === 1) await crowd.void();
      await this.drain();
      const owes = await crowd.askAnew();
      await this.drain();
      if ((await world.books.atRest()) && !drill.isUnderWay && !owes) {
        // What was outbid may be paid after all, once the officers have buried it.
        const buries = graves > 0 && (await crowd.bury());
        if (buries) {
          graves -= 1;
          await this.mineDeep();
        } else if (this.isOfLost && !avenged) {
          avenged = true;
          await this.avenge();
        } else return;
      }
      if (round < PENDING_ROUNDS) {
        // What was sent is looked at while it waits.
        this.pass(10_000);
        await this.drain();
      }
      for (let block = 0; block < 2; block += 1) {
        this.mine('ethereum', 1_000);
        this.mine('bitcoin', 1_000);
      }
      // What only time ends (expiry, a window, a bump) is given time, more and more of it.
      const isLong = drill.stage === 'over' || round >= 24;
      this.pass(isLong ? 1_200_000 : round < 12 ? 20_000 : 130_000);
    }
    if (!this.failed && drill.isUnderWay)
      world.judge.violated('stuck', `the restore comes to no end: ${drill.stage}`);
  }

  /** When all is paid that will be: who has kept what a lost store signed, and every order of before, brings it now. */
  private async avenge(): Promise<void> {
    await this.thief.replayAll();
    await this.drain();
    this.thief.broadcastWithheld(true);
  }

  /** Until nothing is parked and nothing is due. */
  private async drain(): Promise<void> {
    const { scheduler, orchestrators } = this.world;
    for (let turn = 0; turn < MAX_TURNS_OF_A_ROUND && !this.failed; turn += 1) {
      this.losesNow(false);
      const [first] = scheduler.parked;
      const ready = orchestrators.filter(({ life, busy, quiet }) => life && busy < AT_ONCE && !quiet);
      if (first) scheduler.take(first);
      else if (ready.length > 0) ready[turn % ready.length]?.step();
      else return;
      await this.turned();
    }
    if (!this.failed) {
      const about = await this.world.books.unrest();
      this.world.judge.violated('stuck', `the orchestrators do not come to rest: ${about}`);
    }
  }

  private async closeBooks(): Promise<void> {
    this.world.books.deepReorganisations = 0;
    await this.world.books.close();
  }
}

/** Runs one seed. */
export async function simulate(options: WorldOptions): Promise<Report> {
  const world = await World.create(options);
  try {
    const steps = await new Simulation(world).run();
    const { trace, judge } = world;
    trace.count('reservations', judge.reservations);
    return {
      seed: options.seed,
      steps,
      violations: judge.violations,
      counts: trace.counts,
      digest: trace.digest(),
    };
  } finally {
    await world.end();
  }
}
