// The whole spine on real parts: nodes of both chains, a signer with a SoftHSM token behind its socket, one or more
// orchestrators on SQLite or PostgreSQL, and the people who use them over HTTP. It holds the officers' and the backends'
// keys, as tests must; no key that moves money is in this process.

import { randomBytes } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  type Backend,
  Deployment,
  type DeploymentOptions,
  ETH,
  ETHEREUM,
  type Officer,
  RunningTime,
} from '../../devnet/deployment.js';
import { type PostgresDevnet, startPostgres } from '../../devnet/postgres.js';
import { bareEnvironment, type Program, startProgram } from '../../devnet/process.js';
import { SocketClient } from '../../devnet/socket-client.js';
import type { Change, PolicyDocument } from '../../src/core/governance/entry.js';
import { replayLog } from '../../src/core/governance/replay.js';
import { p2wpkhAddress } from '../../src/core/intents/bitcoin/address.js';
import { addressOfPublicKey } from '../../src/core/intents/ethereum/address.js';
import type { SignedRequest } from '../../src/core/statements/request.js';
import { statementToSign } from '../../src/orchestrator/approvals/approval.endpoints.js';
import { auditEntities } from '../../src/orchestrator/audit/audit.entity.js';
import { type DatabaseCheck, Fsck } from '../../src/orchestrator/audit/fsck.js';
import { allLogKeys } from '../../src/orchestrator/audit/log-key.js';
import { Database } from '../../src/orchestrator/database/database.js';
import { type TransferAnswer, transferView } from '../../src/orchestrator/transfers/transfer.dto.js';
import { isFinished, type TransferState } from '../../src/orchestrator/transfers/transfer-states.js';
import { getBalances } from '../../src/orchestrator/wallets/wallet.endpoints.js';
import { nativeVerifier } from '../../src/platform/native-verifier.js';
import { systemClock } from '../../src/platform/system-clock.js';
import type { SignerConfig } from '../../src/signer/config.js';
import { type Answer, ApiClient, type CallOptions } from '../orchestrator/api-client.js';
import { Chains, freshBitcoinAddress, freshEthereumAddress } from './chains.js';
import {
  AS_SHIPPED,
  type Orchestrator,
  type OrchestratorOptions,
  OrchestratorProgram,
  orchestratorInside,
  type ProgramMaking,
} from './orchestrators.js';
import { policiesWithOddTokens } from './policies.js';

export const BITCOIN_FUNDS = 10n ** 9n;
export const ETHER = 10n ** 18n;
export const ETHEREUM_FUNDS = 100n * ETHER;
export const TOKEN_FUNDS = 1_000_000n * ETHER;

/** Coins that the Bitcoin wallet begins with, unless a test says otherwise. */
const COINS = 10n;
const WAIT_MS = 30_000;
const LOOK_MS = 60;
const LOG_TAIL = 3_000;

export interface RigOptions {
  readonly database?: 'sqlite' | 'postgres';
  /** Signer and orchestrators as programs that can be killed; inside the test otherwise, on a clock that it can advance. */
  readonly programs?: boolean;
  readonly making?: ProgramMaking;
  /** Another token process than the shipped one. */
  readonly tokenProgram?: NonNullable<DeploymentOptions['tokenProgram']>;
  /** Coins that the Bitcoin wallet begins with. */
  readonly coins?: bigint;
  readonly orchestrators?: number;
  readonly policies?: readonly PolicyDocument[];
  /** Governance names the audit log, so that the signer signs its checkpoints. */
  readonly auditLog?: boolean;
  readonly settings?: Partial<OrchestratorOptions>;
  /** What each of several orchestrators has of its own, in their order. */
  readonly each?: readonly Partial<OrchestratorOptions>[];
  /** Another door of the signer than its unix socket, and a way through it. For programs alone. */
  readonly door?: { readonly listen: SignerConfig['listen']; readonly connect: () => Promise<SocketClient> };
  /** Puts something between the orchestrators and their database: another URL for the one that is given. */
  readonly databaseThrough?: (url: string) => Promise<string>;
  /** Told once the nodes run: what the orchestrators are configured with beyond that. */
  readonly settingsFor?: (chains: Chains) => Promise<Partial<OrchestratorOptions>>;
}

/** What a test wants paid; whatever it leaves out is an unremarkable small withdrawal. */
export interface Wish {
  readonly asset: 'BTC' | 'ETH' | 'USDX' | 'LIES' | 'SKIM';
  readonly amount: bigint;
  readonly destination?: string;
  readonly customer?: string;
  readonly feeCeiling?: bigint;
  readonly backend?: Backend;
  readonly expiresInMs?: number;
  readonly requestId?: string;
}

/** In base units. */
export interface Holding {
  readonly available: bigint;
  readonly pending: bigint;
  readonly reserved: bigint;
}

export class Rig {
  readonly orchestrators: Orchestrator[] = [];
  private postgres: PostgresDevnet | undefined;
  private signer: Program | undefined;
  private signerStarts = 0;
  databaseUrl = '';
  /** How far the clocks of those who call the API are ahead of the time that requests and approvals are made at. */
  callersAheadMs = 0;

  private constructor(
    readonly folder: string,
    readonly chains: Chains,
    readonly deployment: Deployment,
    readonly bitcoinAddress: string,
    readonly ethereumAddress: string,
    private readonly options: RigOptions,
  ) {}

  /** Starts everything, with funds in both wallets. What started is stopped again when something does not. */
  static async start(options: RigOptions = {}): Promise<Rig> {
    const folder = mkdtempSync(join(tmpdir(), 'portcullis-e2e-'));
    const chains = await Chains.start(folder);
    const deployment = await Deployment.create({
      policies: options.policies ?? (await policiesWithOddTokens()),
      tokens: chains.tokens,
      time: new RunningTime(),
      ...(options.tokenProgram === undefined ? {} : { tokenProgram: options.tokenProgram }),
    }).catch(async (error: unknown) => {
      await chains.stop();
      throw error;
    });
    const { publicKeys } = deployment;
    const bitcoinAddress = p2wpkhAddress(publicKeys.bitcoin, 'regtest');
    const ethereumAddress = addressOfPublicKey(publicKeys.ethereum);
    const rig = new Rig(folder, chains, deployment, bitcoinAddress, ethereumAddress, options);
    try {
      await rig.fund();
      await rig.startSigner();
      if (options.auditLog === true) await rig.setAuditLog();
      if (options.database === 'postgres') {
        rig.postgres = await startPostgres({ logFile: join(folder, 'postgres.log') });
        const url = await rig.postgres.createDatabase();
        rig.databaseUrl = (await options.databaseThrough?.(url)) ?? url;
      } else {
        rig.databaseUrl = `sqlite:${join(folder, 'orchestrator.db')}`;
      }
      for (let count = 0; count < (options.orchestrators ?? 1); count += 1) await rig.addOrchestrator();
      if (rig.orchestrators.length > 0) await rig.vouch();
      return rig;
    } catch (error) {
      await rig.stop();
      throw error;
    }
  }

  async stop(): Promise<void> {
    const failures: unknown[] = [];
    const end = async (part: { stop(): Promise<unknown> } | undefined) => {
      await part?.stop().catch((error: unknown) => failures.push(error));
    };
    for (const orchestrator of this.orchestrators) await end(orchestrator);
    await end(this.signer);
    await end({ stop: () => this.deployment.destroy() });
    await end(this.postgres);
    await end(this.chains);
    rmSync(this.folder, { recursive: true, force: true });
    if (failures.length > 0) throw new AggregateError(failures, 'a part did not stop');
  }

  private async fund(): Promise<void> {
    const { bitcoin, ethereum } = this.chains;
    const coins = this.options.coins ?? COINS;
    for (let coin = 0n; coin < coins; coin += 1n) {
      await bitcoin.fund(this.bitcoinAddress, BITCOIN_FUNDS / coins);
    }
    await bitcoin.mine(1);
    await ethereum.fund(this.ethereumAddress, ETHEREUM_FUNDS);
    await ethereum.fundToken(this.chains.token('USDX').contract, this.ethereumAddress, TOKEN_FUNDS);
  }

  private async setAuditLog(): Promise<void> {
    const client = await (this.options.door?.connect() ?? this.deployment.connect());
    try {
      await this.deployment.setAuditLog(client);
    } finally {
      client.close();
    }
  }

  async addOrchestrator(): Promise<Orchestrator> {
    const own = {
      ...(await this.options.settingsFor?.(this.chains)),
      ...this.options.each?.[this.orchestrators.length],
    };
    const options = { databaseUrl: this.databaseUrl, ...this.options.settings, ...own };
    const { deployment, chains, folder } = this;
    const orchestrator = this.options.programs
      ? await OrchestratorProgram.start(deployment, chains, folder, options, this.options.making)
      : await orchestratorInside(deployment, chains, folder, options);
    this.orchestrators.push(orchestrator);
    return orchestrator;
  }

  async startSigner(): Promise<void> {
    if (!this.options.programs) {
      await this.deployment.start();
      return;
    }
    this.signerStarts += 1;
    const usual = this.deployment.config();
    const config = { ...usual, listen: this.options.door?.listen ?? usual.listen };
    const configFile = join(this.folder, 'signer.json');
    const making = this.options.making ?? AS_SHIPPED;
    const environment = making.environment('signer');
    const tokens = Object.entries(config.tokens).map(([name, token]) => [
      name,
      { ...token, environment: { ...token.environment, ...making.environment('token') } },
    ]);
    writeFileSync(configFile, JSON.stringify({ ...config, tokens: Object.fromEntries(tokens) }), {
      mode: 0o600,
    });
    const path = config.listen.kind === 'unix' ? config.listen.path : '';
    const connect = this.options.door?.connect ?? (() => SocketClient.connect(path));
    this.signer = await startProgram({
      name: 'the signer',
      command: process.execPath,
      args: [
        '--no-deprecation',
        ...(making.nodeOptions ?? []),
        await making.compile('src/signer/main.ts'),
        'serve',
        '--config',
        configFile,
      ],
      env: bareEnvironment(environment),
      logFile: join(this.folder, `signer-${this.signerStarts}.log`),
      ready: async () => {
        const client = await connect();
        // One that is killed in the middle of its answer closes the connection, and says nothing more.
        const answer = await Promise.race([client.ask({ verb: 'status', transferIds: [] }), client.ended]);
        client.close();
        return answer?.kind === 'done';
      },
    });
  }

  /** What the books' own log says of them: every entry against its record, every record against the log. */
  async auditCheck(): Promise<DatabaseCheck> {
    const database = await Database.open({
      url: this.databaseUrl,
      entities: auditEntities,
      clock: systemClock,
    });
    try {
      const state = replayLog(this.deployment.log, nativeVerifier);
      if (state.kind === 'refused') throw new Error(state.code);
      const keys = allLogKeys(state.value);
      return await database.read((db) => new Fsck(db, nativeVerifier, keys).run());
    } finally {
      await database.close();
    }
  }

  /** The signer's process that runs now, or ran last. */
  signerProcess(): Program {
    if (this.signer === undefined) throw new RangeError('the signer was never started as a program');
    return this.signer;
  }

  /** SIGKILL; its token process ends by itself. */
  async killSigner(): Promise<void> {
    this.signer?.signal('SIGKILL');
    await this.signer?.exited;
  }

  /** SIGSTOP and SIGCONT: whoever asks meanwhile waits. SIGHUP: it takes new certificates. */
  signalSigner(signal: 'SIGSTOP' | 'SIGCONT' | 'SIGHUP'): void {
    this.signer?.signal(signal);
  }

  /** What the signer has logged since it was started last. */
  signerLog(): string {
    return this.signer === undefined ? '' : readFileSync(this.signer.logFile, 'utf8');
  }

  /** An orchestrator that is a program of its own. */
  program(index: number): OrchestratorProgram {
    const program = this.orchestrators[index];
    if (program instanceof OrchestratorProgram) return program;
    throw new RangeError('the rig was not started with programs');
  }

  client(who: Backend | Officer, orchestrator = this.first()): ApiClient {
    return new ApiClient(orchestrator.url, who, () => this.deployment.time.wall + this.callersAheadMs);
  }

  first(): Orchestrator {
    const [first] = this.orchestrators;
    if (!first) throw new RangeError('no orchestrator was started');
    return first;
  }

  /** A signed request for what a test wants paid. */
  request(wish: Wish): SignedRequest {
    const { deployment } = this;
    const { asset } = wish;
    const isBitcoin = asset === 'BTC';
    const onEthereum =
      asset === 'BTC' ? {} : { chain: ETHEREUM, wallet: 'hot-eth', asset: this.assetOf(asset) };
    const { wall } = deployment.time;
    const statement = {
      ...onEthereum,
      amount: wish.amount.toString(),
      destination: wish.destination ?? (isBitcoin ? freshBitcoinAddress() : freshEthereumAddress()),
      feeCeiling: (wish.feeCeiling ?? (isBitcoin ? 20_000n : ETHER / 200n)).toString(),
      customer: wish.customer ?? `customer-${randomBytes(6).toString('hex')}`,
      ...(wish.expiresInMs === undefined ? {} : { expiresAtMs: wall + wish.expiresInMs }),
      ...(wish.requestId === undefined ? {} : { requestId: wish.requestId }),
    };
    return deployment.request(statement, wish.backend ?? deployment.exchange);
  }

  private assetOf(symbol: Exclude<Wish['asset'], 'BTC'>) {
    if (symbol === 'ETH') return ETH;
    const { contract, decimals } = this.chains.token(symbol);
    return { kind: 'erc20', symbol, decimals, contract } as const;
  }

  /** Submits a request as the backend whose key signed it. */
  async submit(
    request: SignedRequest,
    call: { readonly orchestrator?: Orchestrator; readonly idempotencyKey?: string } = {},
  ): Promise<Answer> {
    const { deployment } = this;
    const { keyId } = request.statement;
    const backend = keyId === deployment.desk.keyId ? deployment.desk : deployment.exchange;
    const idempotencyKey = call.idempotencyKey ?? `key-${randomBytes(8).toString('hex')}`;
    return this.client(backend, call.orchestrator).post('/v1/transfers', { body: request, idempotencyKey });
  }

  /** Submits it and expects it taken; the transfer's id. */
  async taken(request: SignedRequest, orchestrator?: Orchestrator): Promise<string> {
    const answer = await this.submit(request, orchestrator === undefined ? {} : { orchestrator });
    if (answer.status !== 201) throw new Error(`not taken: ${answer.status} ${answer.text}`);
    return transferView.parse(answer.body).transferId;
  }

  /** Submits it under one idempotency key until it is taken, as a backend would whose calls are cut off. */
  async insist(request: SignedRequest, withinMs = WAIT_MS): Promise<string> {
    const idempotencyKey = `key-${randomBytes(8).toString('hex')}`;
    const deadline = performance.now() + withinMs;
    for (;;) {
      const answer = await this.submit(request, { idempotencyKey }).catch((error: unknown) => error);
      if (isAnswer(answer) && answer.status === 201) return transferView.parse(answer.body).transferId;
      // A program that was down for as long as it lived never takes it, and says so.
      const isTooLate = isAnswer(answer) && answer.status >= 400 && answer.text.includes('"request-expired"');
      if (isTooLate || performance.now() > deadline) throw new Error('never taken', { cause: answer });
      await sleep(LOOK_MS);
    }
  }

  async transfer(transferId: string, orchestrator?: Orchestrator): Promise<TransferAnswer> {
    const answer = await this.client(this.deployment.alice, orchestrator).get(`/v1/transfers/${transferId}`);
    if (answer.status !== 200) throw new Error(`not shown: ${answer.status} ${answer.text}`);
    return transferView.parse(answer.body);
  }

  /** Two officers change governance over the API. */
  async govern(change: Change): Promise<void> {
    const { alice, bob, log } = this.deployment;
    const entry = this.deployment.entry(change, [alice, bob]);
    const answer = await this.client(alice).post('/v1/governance/entries', { body: entry });
    if (answer.status !== 201) throw new Error(`not appended: ${answer.status} ${answer.text}`);
    log.push(entry);
    if (change.kind === 'policies-set') this.deployment.policies = change.policies;
  }

  /** A governor says what the newest entry is, for what nobody approves. */
  async vouch(): Promise<void> {
    const { alice } = this.deployment;
    const answer = await this.client(alice).post('/v1/governance/head', { body: this.deployment.word() });
    if (answer.status !== 201) throw new Error(`not vouched: ${answer.status} ${answer.text}`);
  }

  /** What the API says that a wallet holds, by symbol. */
  async balances(walletId: string): Promise<ReadonlyMap<string, Holding>> {
    const answer = await this.client(this.deployment.bob).get(`/v1/wallets/${walletId}/balances`);
    const { balances } = getBalances.answer.schema.parse(answer.body);
    return new Map(
      balances.map(({ symbol, available, pending, reserved }) => [
        symbol,
        { available: BigInt(available), pending: BigInt(pending), reserved: BigInt(reserved) },
      ]),
    );
  }

  /** One officer fetches the statement, signs it and sends the verdict. */
  async verdict(
    transferId: string,
    officer: Officer,
    verdict: 'approve' | 'reject' = 'approve',
    call: CallOptions = {},
  ): Promise<Answer> {
    const client = this.client(officer);
    const shown = await client.get(`/v1/transfers/${transferId}/statement`);
    if (shown.status !== 200) return shown;
    const { statement } = statementToSign.parse(shown.body);
    const body = this.deployment.approve(statement, officer, verdict);
    return client.post(`/v1/transfers/${transferId}/approvals`, { body, ...call });
  }

  /** These officers approve it, as soon as it waits for them. */
  async approve(transferId: string, officers: readonly Officer[]): Promise<void> {
    await this.until(transferId, ['awaiting-approvals']);
    for (const officer of officers) {
      const answer = await this.verdict(transferId, officer);
      if (answer.status !== 201) throw new Error(`not approved: ${answer.status} ${answer.text}`);
    }
  }

  /** Waits until the transfer is in one of these states; throws at once when it has come to another end. */
  async until(
    transferId: string,
    states: readonly TransferState[],
    { withinMs = WAIT_MS, orchestrator }: { withinMs?: number; orchestrator?: Orchestrator } = {},
  ): Promise<TransferAnswer> {
    const deadline = performance.now() + withinMs;
    let last = 'never shown';
    while (performance.now() < deadline) {
      const transfer = await this.transfer(transferId, orchestrator).catch((error: unknown) => {
        last = String(error);
        return undefined;
      });
      if (transfer && states.includes(transfer.state)) return transfer;
      if (transfer) last = JSON.stringify(transfer, null, 1);
      if (transfer && isFinished(transfer.state)) break;
      await sleep(LOOK_MS);
    }
    const logs = this.orchestrators.map((one) => one.logs().slice(-LOG_TAIL)).join('\n');
    throw new Error(`${transferId} never came to ${states.join(' or ')}: ${last}\n${logs}`);
  }

  /** Waits until all of them are settled. */
  async settled(transferIds: readonly string[], withinMs = WAIT_MS): Promise<readonly TransferAnswer[]> {
    const deadline = performance.now() + withinMs;
    const settled: TransferAnswer[] = [];
    for (const transferId of transferIds) {
      const left = Math.max(1_000, deadline - performance.now());
      settled.push(await this.until(transferId, ['settled'], { withinMs: left }));
    }
    return settled;
  }
}

/** Until it is so, and no longer than a test may wait. */
export async function eventually(what: string, holds: () => Promise<boolean>): Promise<void> {
  const deadline = performance.now() + WAIT_MS;
  while (!(await holds())) {
    if (performance.now() > deadline) throw new Error(`never: ${what}`);
    await sleep(LOOK_MS);
  }
}

function isAnswer(value: unknown): value is Answer {
  return typeof value === 'object' && value !== null && 'status' in value;
}
