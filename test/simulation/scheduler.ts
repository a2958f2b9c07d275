// Who goes on next. Whatever a program of the simulated world waits for is parked here: a message on its way, a node that is
// asked, the token, a place between two database transactions. The simulation takes one parked call at a time and lets it
// go on, until nothing moves any more; so all that happens has one order, and the seed decides it.
//
// A process that dies never goes on: what it had parked is forgotten, and what it asks for afterwards never comes back.

import type { Chance } from './chance.js';
import type { Trace } from './trace.js';

export class Process {
  alive = true;
  /** It was told to end, but something has to be let go of first: its token fails, and it ends by that. */
  ending = false;
  readonly name: string;
  /** Comes when it dies: what others see of that, a connection that breaks. */
  readonly death: Promise<void>;
  private buried: () => void = () => undefined;

  constructor(
    readonly kind: 'signer' | 'orchestrator',
    name: string,
  ) {
    this.name = `${kind}-${name}`;
    this.death = new Promise((resolve) => {
      this.buried = resolve;
    });
  }

  die(): void {
    this.alive = false;
    this.buried();
  }
}

export interface Parked {
  readonly process: Process | undefined;
  readonly what: string;
  /** Order of parking, for those that are let go first come first served. */
  readonly number: number;
  go(): void;
  /** What else the world may do with it: lose it, send it twice. */
  readonly mischief?: { readonly lose: () => void; readonly double: () => void } | undefined;
}

/** In so many of 1,000 cases. */
export interface Knobs {
  /** A process dies at a place where it could. */
  crash: number;
  /** The same for the signer, which comes past fewer of them. */
  signerCrash: number;
  /** A call is parked where it could go on at once. */
  park: number;
}

/** Never comes back: for those who ask after their death. */
export function never<T>(): Promise<T> {
  return new Promise<T>(() => undefined);
}

/** Everything that can go on without anybody from outside has gone on. */
export function settled(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}

export class Scheduler {
  parked: Parked[] = [];
  private numbers = 0;

  constructor(
    private readonly chance: Chance,
    private readonly trace: Trace,
    private readonly knobs: Knobs,
    /** Told which process dies, and where. */
    private readonly dies: (process: Process, where: string) => void,
    /** More that is to be said of where a process stands. */
    private readonly standing: (process: Process, where: string) => readonly string[] = () => [],
  ) {}

  /** A boundary at which a process dies once where it can, whatever the odds; they are many, and some are rare. */
  target: string | undefined;

  park(process: Process | undefined, what: string, go: () => void, mischief?: Parked['mischief']): void {
    this.numbers += 1;
    this.parked.push({ process, what, number: this.numbers, go, mischief });
  }

  /** Waits until the world lets it go on. */
  wait(process: Process, what: string): Promise<void> {
    if (!process.alive) return never();
    return new Promise((resolve) => this.park(process, what, resolve));
  }

  /** A line between two effects: the process may die there, or others may come in between. */
  point(process: Process, where: string, about = ''): Promise<void> {
    if (!process.alive) return never();
    const { kind } = process;
    const places = [
      where,
      ...(about === '' ? [] : [`${where}: ${about}`]),
      ...this.standing(process, where),
    ].map((place) => `${kind} ${place}`);
    for (const place of places) this.trace.count(`boundary ${place}`);
    const crash = kind === 'signer' ? this.knobs.signerCrash : this.knobs.crash;
    if (!process.ending && this.isHere(places, crash)) {
      for (const place of places) this.trace.count(`died ${place}`);
      this.dies(process, where);
      return process.alive ? Promise.resolve() : never();
    }
    return this.chance.hit(this.knobs.park) ? this.wait(process, where) : Promise.resolve();
  }

  private isHere(places: readonly string[], crash: number): boolean {
    if (this.target !== undefined && places.includes(this.target) && this.chance.hit(850)) {
      this.target = undefined;
      return true;
    }
    return this.chance.hit(crash);
  }

  take(parked: Parked): void {
    this.parked = this.parked.filter((one) => one !== parked);
    parked.go();
  }

  /** Loses or doubles a message. A double is delivered now and again later. */
  tamper(parked: Parked, how: 'lose' | 'double'): void {
    if (how === 'lose') this.parked = this.parked.filter((one) => one !== parked);
    parked.mischief?.[how]();
  }

  forget(process: Process): void {
    this.parked = this.parked.filter((one) => one.process !== process);
  }
}
