// One simulated world: a signer, two orchestrators over one database, both chains with their nodes, a token, the ways between
// them, and the judge. It begins from a copy of a deployment that was founded once for all runs of a process.

import { copyFileSync, existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Fault } from '../../src/core/fault.js';
import { p2wpkhScript } from '../../src/core/intents/bitcoin/address.js';
import { entities } from '../../src/orchestrator/app.module.js';
import { Database } from '../../src/orchestrator/database/database.js';
import { GovernanceService } from '../../src/orchestrator/governance/governance.service.js';
import { nativeVerifier } from '../../src/platform/native-verifier.js';
import { ANCHOR_RECORD } from '../../src/signer/anchor.js';
import { BitcoinChain } from './bitcoin.model.js';
import { BitcoinNodes } from './bitcoin-node.model.js';
import { Books } from './books.js';
import { Chance } from './chance.js';
import { Drill } from './drill.js';
import { EthereumChain } from './ethereum.model.js';
import { EthereumNodes } from './ethereum-node.model.js';
import { Judge } from './judge.js';
import { OrchestratorHost, type OrchestratorSabotage } from './orchestrator-host.js';
import { BTC_KEY, COIN, DEPLOYMENT_ID, ETHER, GENESIS, START_MS, walletAddress } from './people.js';
import { type Process, Scheduler } from './scheduler.js';
import {
  bitcoinSettingsOf,
  ethereumSettingsOf,
  FINAL,
  PIPELINE,
  type Settings,
  settingsOf,
} from './settings.js';
import { foundStore, type Sabotage, SignerHost } from './signer-host.js';
import { SignerLink } from './signer-link.js';
import { SoftwareToken } from './token.model.js';
import { Trace } from './trace.js';

export interface WorldOptions {
  readonly seed: number;
  readonly steps: number;
  readonly print?: (line: string) => void;
  readonly change?: (settings: Settings) => Settings;
  readonly sabotage?: {
    readonly signer?: Sabotage;
    readonly orchestrator?: OrchestratorSabotage;
    readonly drill?: (drill: Drill) => void;
  };
}

const FUNDED_WEI = 12n * ETHER;
const FUNDED_UNITS = 1_500n * ETHER;
const MANY_COINS = [COIN / 5n, COIN / 5n, COIN / 10n, COIN / 10n, COIN / 20n, COIN / 50n];
const FEW_COINS = [COIN / 2n, COIN / 5n];

/** Where files that nobody keeps are fast. */
const MEMORY = '/dev/shm';

let founded: string | undefined;

/** The deployment that all runs begin from: a signer's store and a database with the schema and the genesis. */
async function foundation(): Promise<string> {
  if (founded !== undefined) return founded;
  const folder = mkdtempSync(join(existsSync(MEMORY) ? MEMORY : tmpdir(), 'portcullis-simulation-'));
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
  foundStore(join(folder, 'signer.db'));
  const clock = { nowMs: () => START_MS };
  const database = await Database.open({ url: `sqlite:${join(folder, 'orchestrator.db')}`, entities, clock });
  const log = { entries: [GENESIS], sequence: 0, head: DEPLOYMENT_ID };
  const source = {
    governanceRead: async () => log,
    governanceAppend: () => Promise.reject(new Error('nothing is appended to a foundation')),
  };
  await new GovernanceService(database, source, nativeVerifier, clock, DEPLOYMENT_ID).refresh();
  await database.close();
  founded = folder;
  return folder;
}

export class World {
  trueMs = START_MS + 1_000;
  /** How far the signer's wall clock is off. */
  signerSkewMs = 0;
  readonly chance: Chance;
  readonly settings: Settings;
  readonly trace: Trace;
  readonly judge: Judge;
  readonly books: Books;
  readonly drill: Drill;
  readonly scheduler: Scheduler;
  readonly token = new SoftwareToken();
  readonly ethereum: EthereumNodes;
  readonly bitcoin: BitcoinNodes;
  readonly signer: SignerHost;
  readonly link: SignerLink;
  readonly orchestrators: readonly OrchestratorHost[];
  /** Faults that are switched off when the world is to come to rest. */
  readonly knobs: Settings['knobs'];
  /** The database has changed since the judge looked. */
  dirty = true;
  readonly alarms: string[] = [];
  private readonly coins: readonly bigint[];
  private ended = false;

  private constructor(
    readonly options: WorldOptions,
    private readonly folder: string,
    readonly database: Database,
  ) {
    const { seed, steps, print, change = (settings) => settings, sabotage = {} } = options;
    this.chance = new Chance(`seed ${seed}`);
    this.settings = change(settingsOf(this.chance, steps));
    this.knobs = { ...this.settings.knobs };
    const { chance, knobs, settings } = this;
    const nowMs = () => this.trueMs;
    this.trace = new Trace(() => this.trueMs - START_MS, print);
    const covered = () => Number((this.token.records.get(ANCHOR_RECORD)?.version ?? 0n) - 1n);
    this.judge = new Judge(nowMs, covered, (what) => this.trace.count(`reserved: ${what}`));
    const standing = (process: Process, where: string) =>
      process === this.signer.process ? this.signer.standing(where) : [];
    this.scheduler = new Scheduler(chance, this.trace, knobs, (process) => this.dies(process), standing);
    this.scheduler.target = settings.target;
    const eth = new EthereumChain(
      chance,
      { address: walletAddress(), wei: FUNDED_WEI, units: FUNDED_UNITS },
      this.trueMs,
    );
    this.ethereum = new EthereumNodes(eth, settings.ethereumNodes, chance, this.trace);
    const btc = new BitcoinChain(chance, nowMs);
    this.coins = settings.fewCoins ? FEW_COINS : MANY_COINS;
    btc.fund(p2wpkhScript(BTC_KEY.publicKey), this.coins);
    for (let count = 0; count < FINAL + 2; count += 1) btc.mine(0);
    this.bitcoin = new BitcoinNodes(btc, settings.bitcoinNodes, chance, this.trace);
    const bootMs = this.trueMs;
    const time = {
      wallMs: () => this.trueMs + this.signerSkewMs,
      monotonicMs: () => this.trueMs - bootMs,
    };
    this.signer = new SignerHost(
      folder,
      this.token,
      time,
      this.scheduler,
      chance,
      this.trace,
      this.judge,
      knobs,
      sabotage.signer,
    );
    this.link = new SignerLink(this.signer, this.scheduler, this.trace);
    const common = {
      database,
      link: this.link,
      ethereum: this.ethereum,
      bitcoin: this.bitcoin,
      ethereumSettings: ethereumSettingsOf(settings.ethereumNodes),
      bitcoinSettings: bitcoinSettingsOf(settings.bitcoinNodes),
      scheduler: this.scheduler,
      chance,
      trace: this.trace,
      knobs,
      pipeline: PIPELINE,
      nowMs,
      onCommit: () => {
        this.dirty = true;
      },
      onFailure: (what: string, error: unknown) => this.failed(what, error),
      onAlarm: ({ code }: Fault) => {
        this.alarms.push(code);
        this.trace.note('alarm', code);
      },
    };
    this.orchestrators = ['a', 'b'].map((name) => new OrchestratorHost(name, common, sabotage.orchestrator));
    this.books = new Books(this);
    this.drill = new Drill(this);
    sabotage.drill?.(this.drill);
  }

  static async create(options: WorldOptions): Promise<World> {
    const from = await foundation();
    const folder = join(from, `run-${options.seed}`);
    rmSync(folder, { recursive: true, force: true });
    mkdirSync(folder);
    for (const name of ['signer.db', 'orchestrator.db']) copyFileSync(join(from, name), join(folder, name));
    const url = `sqlite:${join(folder, 'orchestrator.db')}`;
    const database = await Database.open({ url, entities, clock: { nowMs: () => START_MS } });
    return new World(options, folder, database);
  }

  get funded() {
    return { wei: FUNDED_WEI, units: FUNDED_UNITS, sats: this.coins.reduce((sum, one) => sum + one, 0n) };
  }

  private failed(what: string, error: unknown): void {
    const code = error instanceof Fault ? error.code : '';
    // Whose key somebody else has used stops the wallet, and says so.
    if (this.settings.attack === 'rogue' && ['nonce-foreign', 'wallet-stopped'].includes(code)) return;
    // What a lost store had signed is strange to the books until the refresh has told them up to which nonce that may be so.
    if (this.drill.isUnderWay && code === 'nonce-foreign') return;
    if (this.ended) return;
    const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
    this.judge.violated('program-failure', `${what}: ${text.slice(0, 1_500)}`);
  }

  private dies(process: Process): void {
    if (this.signer.process === process) this.signer.kill();
    for (const one of this.orchestrators) if (one.process === process) one.kill();
  }

  async end(): Promise<void> {
    this.ended = true;
    this.signer.kill();
    for (const one of this.orchestrators) one.kill();
    await this.database.close();
    rmSync(this.folder, { recursive: true, force: true });
  }
}
