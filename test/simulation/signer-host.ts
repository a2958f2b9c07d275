// The machine that the signer runs on: the real signer over its real store in a file, with a token and a time of the simulated
// world. Its process may be killed at any line where it waits; what is on the disk then is what the next life starts from.

import { copyFileSync, existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { Fault } from '../../src/core/fault.js';
import type { GovernanceEntry } from '../../src/core/governance/entry.js';
import type { Restore } from '../../src/core/recovery/restore.js';
import { attestedVoid } from '../../src/core/recovery/void.js';
import { ANCHOR_RECORD, anchorValue } from '../../src/signer/anchor.js';
import { parseQuery, replyTo } from '../../src/signer/conversation.js';
import type { JournalBody, JournalEntry } from '../../src/signer/journal.js';
import { Seal } from '../../src/signer/seal.js';
import type { TimeSource } from '../../src/signer/signer-clock.js';
import { bringBack, bringUp, type SignerUp } from '../../src/signer/start.js';
import { type JournalHead, SignerStore } from '../../src/signer/store.js';
import { signResult } from '../../src/signer-protocol/messages.js';
import type { Chance } from './chance.js';
import type { Judge } from './judge.js';
import { DEPLOYMENT_ID, GENESIS, SEAL_SECRET } from './people.js';
import { never, Process, type Scheduler } from './scheduler.js';
import { type SoftwareToken, TokenDoor, type TokenKnobs } from './token.model.js';
import type { Trace } from './trace.js';

export interface SignerKnobs extends TokenKnobs {
  /** In so many of 1,000 entries: the disk is full. */
  diskFull: number;
  /** In so many of 1,000 deaths: what the token's record does not cover is lost with the power. */
  tailLost: number;
  /** In so many of 1,000 deaths: the newest writes to the token are lost with the power. */
  recordLost: number;
}

interface Copied {
  readonly sequence: number;
  readonly losses: number;
}

/** With these a signer may refuse to start while its store is lost. */
const LOST_CODES = ['store-missing', 'store-rolled-back', 'store-diverged', 'store-restore-unfinished'];

/** A test's way to break the signer on purpose, once it is up. */
export type Sabotage = (up: SignerUp) => void;

/** Makes the store and the token's record as a ceremony does. */
export function foundStore(path: string): void {
  SignerStore.create(path, GENESIS, new Seal(SEAL_SECRET)).close();
}

export class SignerHost {
  process: Process | undefined;
  private up: SignerUp | undefined;
  private starting = false;
  private lives = 0;
  /** Governance entries as this signer has them. */
  readonly log: GovernanceEntry[] = [GENESIS];
  /** The thief's copy of the store: its newest entry, and how many stores had been lost before. */
  private copied: Copied | undefined;
  /** The same while that copy stands in the place of the store. */
  private stolen: Copied | undefined;
  /** There is no store, or none that holds: nothing but a restore helps. */
  lost = false;
  private losses = 0;
  /** `signer restore` runs. */
  restoring = false;
  /** The newest entry of the journal that the token's record may not cover yet, and its kind. */
  private newest: { readonly sequence: number; readonly kind: string } | undefined;

  constructor(
    private readonly folder: string,
    private readonly token: SoftwareToken,
    private readonly time: TimeSource,
    private readonly scheduler: Scheduler,
    private readonly chance: Chance,
    private readonly trace: Trace,
    private readonly judge: Judge,
    private readonly knobs: SignerKnobs,
    private readonly sabotage: Sabotage = () => undefined,
  ) {
    const path = this.storePath;
    const store = SignerStore.open(path, new Seal(SEAL_SECRET));
    const { sequence, hash } = store.head();
    const outliving = store.outliving();
    store.close();
    token.write(ANCHOR_RECORD, {
      version: BigInt(sequence) + 1n,
      value: anchorValue(DEPLOYMENT_ID, hash, outliving),
    });
  }

  get storePath(): string {
    return join(this.folder, 'signer.db');
  }

  get serves(): boolean {
    return this.up !== undefined;
  }

  /** Comes back when it serves, or has failed to start, or was killed meanwhile. */
  async start(): Promise<void> {
    if (this.process) return;
    this.lives += 1;
    const process = new Process('signer', `${this.lives}`);
    this.process = process;
    const { trace, judge } = this;
    this.starting = true;
    judge.selfChecking = true;
    try {
      const up = await bringUp(this.config, this.tokensOf(process), {
        time: this.time,
        // Threads come back when they like, and this world has one order.
        sync: () => Promise.resolve(),
      });
      if (this.stolen !== undefined) this.servesStolen(this.stolen, up.store.head().sequence);
      else if (this.lost) judge.violated('old-store-serves', 'a signer whose store is lost');
      this.newest = undefined;
      this.log.splice(0, this.log.length, ...up.store.governance(0, Number.MAX_SAFE_INTEGER));
      judge.onLog(this.log);
      this.hear(up.store);
      this.sabotage(up);
      this.up = up;
      trace.note('signer-up', `${this.lives} at ${up.store.head().sequence}`);
    } catch (error) {
      process.die();
      this.process = undefined;
      const code = error instanceof Fault ? error.code : String(error);
      trace.note('signer-not-up', code);
      if (this.stolen !== undefined && code.startsWith('store-')) trace.count(`old copy refused: ${code}`);
      else if (this.lost && LOST_CODES.includes(code)) trace.count(`lost store refused: ${code}`);
      else if (!['transient', 'indeterminate', 'closed'].includes(code)) {
        judge.violated('program-failure', `the signer does not start: ${code}`);
      }
    } finally {
      this.starting = false;
      judge.selfChecking = false;
    }
  }

  private get config() {
    return { storePath: this.storePath, deploymentId: DEPLOYMENT_ID, anchorToken: 'treasury' };
  }

  private tokensOf(process: Process) {
    const { token, scheduler, chance, trace, knobs, judge } = this;
    const onSigned = (label: string, digest: Uint8Array) => judge.onTokenSigned(label, digest);
    const signer = new TokenDoor(token, process, scheduler, chance, trace, knobs, onSigned);
    return new Map([['treasury', { signer, serial: 'simulated' }]]);
  }

  /** An old copy was taken for the store. It may only be one that nothing has left since; and of no lost store. */
  private servesStolen({ losses }: Copied, newest: number): void {
    if (losses !== this.losses)
      this.judge.violated('old-store-serves', `a copy at ${newest} of a lost store`);
    this.judge.onTailLost(newest + 1);
    this.lost = false;
  }

  /** What a death at this place would come between: an entry and the token's record of it, or the halves of a restore. */
  standing(where: string): readonly string[] {
    if (this.restoring) return [`${where}, in a restore`];
    const { newest } = this;
    return newest && newest.sequence > this.record().sequence
      ? [`between an entry and the record: ${newest.kind}`]
      : [];
  }

  private hear(store: SignerStore): void {
    const append = store.append.bind(store);
    const appendSoon = store.appendSoon.bind(store);
    const heard = (body: JournalBody, add: () => JournalEntry): JournalEntry => {
      if (this.chance.hit(this.knobs.diskFull)) {
        this.trace.note('disk-full', body.kind);
        throw new Error('SQLITE_FULL: database or disk is full');
      }
      const entry = add();
      this.trace.note('journal', `${entry.sequence} ${body.kind} ${entry.hash}`);
      this.trace.count(`journal: ${body.kind}`);
      this.newest = { sequence: entry.sequence, kind: body.kind };
      if (body.kind === 'governance') this.log.push(body.entry);
      this.judge.onJournal(entry);
      return entry;
    };
    store.append = (body) => heard(body, () => append(body));
    store.appendSoon = (body, text) => heard(body, () => appendSoon(body, text));
  }

  /** Kills the process where it stands. */
  kill(): void {
    const { process } = this;
    if (!process) return;
    if (this.starting) {
      // Its store is open somewhere inside: the token's failure has it closed.
      process.ending = true;
      return;
    }
    process.die();
    this.process = undefined;
    this.scheduler.forget(process);
    this.up?.store.close();
    this.up = undefined;
    this.newest = undefined;
    this.trace.note('signer-killed', process.name);
    this.judge.onTailLost(this.newestOnDisk() + 1);
    if (this.chance.hit(this.knobs.recordLost)) this.loseRecord();
    else if (this.chance.hit(this.knobs.tailLost)) this.loseTail();
  }

  /** Not while the thief has a copy: a store and a record of the same past are one that nothing on the host can tell from now. */
  private loseRecord(): void {
    if (this.copied !== undefined) return;
    const writes = this.chance.between(1, 2);
    if (this.token.forgetNewest(ANCHOR_RECORD, writes)) this.trace.note('record-lost', `${writes}`);
  }

  /** A disk that lied about having written: entries above the token's record may be gone, the newest first. */
  private loseTail(): void {
    const covered = Number((this.token.records.get(ANCHOR_RECORD)?.version ?? 1n) - 1n);
    const newest = this.newestOnDisk();
    if (newest <= covered) return;
    const from = this.chance.between(covered + 1, newest);
    const db = new Database(this.storePath);
    // The table's own guard is put back at the next start.
    db.exec('DROP TRIGGER journal_no_delete');
    db.prepare('DELETE FROM journal WHERE sequence >= ?').run(from);
    db.close();
    this.trace.note('tail-lost', `${from} to ${newest}`);
    this.judge.onTailLost(from);
  }

  /** What a life that ended has left: the rest it had not committed. */
  private newestOnDisk(): number {
    const db = new Database(this.storePath);
    const { newest } = db.prepare('SELECT max(sequence) AS newest FROM journal').get() as { newest: number };
    db.close();
    return newest;
  }

  beat(): void {
    this.up?.store.beat(this.up.clock.now(), this.up.clock.told());
  }

  /** One message in, its reply out; undefined when nobody serves, or whoever did has died over it. */
  async ask(message: Uint8Array): Promise<Uint8Array | undefined> {
    const { up, process } = this;
    if (!up || !process) return undefined;
    return Promise.race([this.reply(up, process, message), process.death.then(() => undefined)]);
  }

  /** Never comes back in a life that has ended. */
  private async reply(up: SignerUp, process: Process, message: Uint8Array): Promise<Uint8Array> {
    const asked = parseQuery(message);
    const verb = 'kind' in asked ? 'what cannot be read' : asked.verb;
    await this.scheduler.point(process, 'before a message is judged', verb);
    if (!process.alive) return never();
    const reply = 'kind' in asked ? asked : await replyTo(up.signer, asked, () => undefined);
    await this.scheduler.point(process, 'before an answer leaves', verb);
    if (!process.alive) return never();
    if (!('kind' in asked) && asked.verb === 'sign') {
      this.trace.note('signer-said', reply.kind === 'done' ? 'signed' : `${reply.kind} ${reply.code}`);
      if (reply.kind === 'done') this.judge.onLeft(signResult.parse(reply.result));
    }
    if (!('kind' in asked) && asked.verb === 'void' && reply.kind === 'done') {
      this.judge.onVoidLeft(attestedVoid.parse(reply.result));
    }
    if (reply.kind === 'fault' && reply.code === 'internal' && !this.isDiskFull()) {
      this.judge.violated('program-failure', 'the signer reports an internal fault');
    }
    return new TextEncoder().encode(JSON.stringify(reply));
  }

  private isDiskFull(): boolean {
    return this.knobs.diskFull > 0;
  }

  /** A thief takes a copy of the store, for later. */
  takeCopy(): void {
    if (!this.up) return;
    copyStore(this.storePath, this.copyPath);
    this.copied = { sequence: this.up.store.head().sequence, losses: this.losses };
    this.trace.note('store-copied', `${this.copied.sequence}`);
  }

  get canPutBack(): boolean {
    return this.copied !== undefined && this.process === undefined;
  }

  /**
   * The thief puts his copy in the place of the store, and the signer is started. It must refuse, unless nothing has left
   * since; the true store comes back then.
   */
  async putBackCopy(): Promise<void> {
    const { copied, storePath } = this;
    if (copied === undefined || this.process) return;
    const aside = join(this.folder, 'aside.db');
    copyStore(storePath, aside);
    copyStore(this.copyPath, storePath);
    this.stolen = copied;
    await this.start();
    if (this.up === undefined && this.process === undefined) copyStore(aside, storePath);
    this.stolen = undefined;
    this.copied = undefined;
  }

  /** The machine dies, and its disk with it: what comes back when it is started is told apart from a store. */
  lose(): void {
    this.kill();
    if (this.process) return;
    for (const suffix of ['', '-wal', '-shm']) rmSync(`${this.storePath}${suffix}`, { force: true });
    this.lost = true;
    this.trace.note('store-lost', `${this.losses}`);
  }

  /** The newest entry that the token knows of, as `signer record` tells it. */
  record(): JournalHead {
    const { version, value } = this.token.records.get(ANCHOR_RECORD) ?? {
      version: 0n,
      value: new Uint8Array(64),
    };
    return { sequence: Number(version) - 1, hash: Buffer.from(value.subarray(32, 64)).toString('hex') };
  }

  /** `signer restore` on the signer's host: what it says, and `died` when it was cut short. */
  async restore(restore: Restore, log: readonly GovernanceEntry[]): Promise<string> {
    if (this.process) return 'busy';
    this.lives += 1;
    const process = new Process('signer', `${this.lives}`);
    this.process = process;
    this.starting = true;
    this.restoring = true;
    try {
      const outcome = await bringBack(this.config, restore, log, this.tokensOf(process), this.time);
      return outcome.kind === 'refused' ? outcome.code : 'done';
    } catch (error) {
      return process.ending ? 'died' : error instanceof Fault ? error.code : String(error);
    } finally {
      process.die();
      this.process = undefined;
      this.starting = false;
      this.restoring = false;
    }
  }

  /** The record on the token is of the new store. */
  restored(): void {
    this.lost = false;
    this.losses += 1;
    // A token that forgets a restore would let it serve twice: SoftHSM's files are for rehearsals, as docs/restore.md says.
    this.token.history.splice(0, this.token.history.length - 1);
  }

  /** What a restore that was cut short has left is put away: it is of no use to another restore. */
  clear(): void {
    for (const suffix of ['', '-wal', '-shm']) rmSync(`${this.storePath}${suffix}`, { force: true });
  }

  private get copyPath(): string {
    return join(this.folder, 'copy.db');
  }
}

function copyStore(from: string, to: string): void {
  for (const suffix of ['', '-wal']) {
    if (existsSync(`${from}${suffix}`)) copyFileSync(`${from}${suffix}`, `${to}${suffix}`);
    else rmSync(`${to}${suffix}`, { force: true });
  }
}
