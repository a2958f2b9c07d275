// A signer with everything around it that a test or a benchmark needs: a SoftHSM token with wallet keys made in it, a
// genesis, officers and backends, and a client that plays the orchestrator, compromised or not. Officers and backends
// sign with throw-away software keys here, since they are not what is tested; everything on the signer's side is real.

import { createHash, generateKeyPairSync, type KeyObject, randomBytes, sign } from 'node:crypto';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type KeySigner, type TokenStatus } from '../hardware/key-signer.js';
import { spawnToken } from '../hardware/pkcs11/token-client.js';
import type { NoteKey } from '../src/core/audit/note.js';
import type { OrderedTransfer, SigningOrder } from '../src/core/authorization/signing-order.js';
import {
  type Change,
  type Credential,
  type EntryBody,
  type EntrySignature,
  type Erc20Token,
  entryBytes,
  entryHash,
  GOVERNANCE_TYPE,
  type GovernanceEntry,
  NO_PREVIOUS,
  type PolicyDocument,
  policyHashOf,
  type Timelock,
} from '../src/core/governance/entry.js';
import {
  HEAD_TYPE,
  type HeadStatement,
  headBytes,
  type SignedHead,
} from '../src/core/governance/fresh-head.js';
import {
  type Approval,
  approvalBytes,
  givenApprovalDigest,
  statementOf,
  type TransferStatement,
} from '../src/core/statements/approval.js';
import {
  REQUEST_TYPE,
  type RequestStatement,
  requestBytes,
  type SignedRequest,
} from '../src/core/statements/request.js';
import type { SignerConfig } from '../src/signer/config.js';
import { listen, type RunningServer } from '../src/signer/server.js';
import { type TimeSource } from '../src/signer/signer-clock.js';
import { initialise, type RunningSigner, startSigner } from '../src/signer/start.js';
import { compileProgram } from './compile-program.js';
import { repositoryRoot } from './paths.js';
import { codeOf, SocketClient } from './socket-client.js';
import { createSoftHsm, type SoftHsm } from './softhsm.js';

export const BITCOIN = 'bip122:0f9188f13cb7b2c71f2a335e3a4fc328';
export const ETHEREUM = 'eip155:31337';
export const TOKEN_CONTRACT = '0x5FbDB2315678afecb367f032d93F642f64180aa3';
export const BTC = { kind: 'native', symbol: 'BTC', decimals: 8 } as const;
export const ETH = { kind: 'native', symbol: 'ETH', decimals: 18 } as const;
export const USDX = { kind: 'erc20', symbol: 'USDX', decimals: 18, contract: TOKEN_CONTRACT } as const;

/** Stands on no chain: the signer looks at none. */
const UNSEEN_TOKEN: Erc20Token = {
  chain: ETHEREUM,
  contract: TOKEN_CONTRACT,
  symbol: 'USDX',
  decimals: 18,
  codeHash: createHash('sha256').update('not looked at by the signer').digest('hex'),
};

export interface Officer {
  readonly personId: string;
  readonly credential: Credential;
  readonly privateKey: KeyObject;
}

export function makeOfficer(personId: string, credentialId = `${personId}-token`): Officer {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
  const point = publicKey.export({ format: 'der', type: 'spki' }).subarray(-65).toString('hex');
  const credential = {
    credentialId,
    credentialClass: 'pkcs11',
    algorithm: 'p256',
    publicKey: point,
  } as const;
  return { personId, credential, privateKey };
}

export interface Backend {
  readonly keyId: string;
  readonly publicKey: string;
  readonly owners: string[];
  readonly privateKey: KeyObject;
}

export function makeBackend(keyId: string, owners: string[]): Backend {
  const { publicKey, privateKey } = generateKeyPairSync('ed25519');
  const raw = publicKey.export({ format: 'der', type: 'spki' }).subarray(-32).toString('hex');
  return { keyId, publicKey: raw, owners, privateKey };
}

/** Each officer's signature over a text that the quorum signs. */
export function officersSign(bytes: Uint8Array, officers: readonly Officer[]): EntrySignature[] {
  return officers.map(({ credential, privateKey }) => ({
    credentialId: credential.credentialId,
    signature: sign('sha256', bytes, { key: privateKey, dsaEncoding: 'ieee-p1363' }).toString('hex'),
  }));
}

export function signEntry(body: EntryBody, officers: readonly Officer[]): GovernanceEntry {
  return { body, signatures: officersSign(entryBytes(body), officers) };
}

export async function shippedPolicies(): Promise<PolicyDocument[]> {
  const names = ['hot-bitcoin', 'hot-ethereum', 'everything'];
  return Promise.all(
    names.map(async (name) => {
      const text = await readFile(join(repositoryRoot, 'policies', `${name}.policy.yaml`), 'utf8');
      return { name, lines: text.trimEnd().split('\n') };
    }),
  );
}

/** A clock that a test turns; it stands still otherwise. */
export class TestTime implements TimeSource {
  constructor(
    private wallAt = Date.now(),
    private monotonicAt = 0,
  ) {}
  get wall(): number {
    return this.wallAt;
  }
  set wall(ms: number) {
    this.wallAt = ms;
  }
  wallMs(): number {
    return this.wall;
  }
  monotonicMs(): number {
    return this.monotonicAt;
  }
  advance(ms: number): void {
    this.wallAt += ms;
    this.monotonicAt += ms;
  }
}

/** The machine's own clock, ahead of it by what a test has advanced it. */
export class RunningTime extends TestTime {
  private aheadMs = 0;
  override get wall(): number {
    return Date.now() + this.aheadMs;
  }
  override set wall(ms: number) {
    this.aheadMs = ms - Date.now();
  }
  override monotonicMs(): number {
    return Math.floor(performance.now()) + this.aheadMs;
  }
  override advance(ms: number): void {
    this.aheadMs += ms;
  }
}

export interface DeploymentOptions {
  /** The shipped ones unless given. */
  readonly policies?: readonly PolicyDocument[];
  /** Tokens that genesis registers; one at `TOKEN_CONTRACT` unless given. */
  readonly tokens?: readonly Erc20Token[];
  /** Nothing waits unless given; then erika watches too, who is no governor: the group `watchers`. */
  readonly timelock?: Timelock;
  /** A clock that stands still unless given. */
  readonly time?: TestTime;
  /** How long one call may be at the token before its process is killed. */
  readonly deadlineMs?: number;
  /** Sessions of the signer's token process; 4 unless given. */
  readonly sessions?: number;
  /** False: keys and genesis are made, and the signer's part of the ceremony is left to the test. */
  readonly initialised?: boolean;
  /** TypeScript file of another token process than the shipped one, and what it finds in its environment. */
  readonly tokenProgram?: { readonly entry: string; readonly environment: Readonly<Record<string, string>> };
}

const NO_TIMELOCK: Timelock = {
  whitelistMs: 0,
  policyMs: 0,
  veto: { group: 'governors', threshold: 1 },
};

export const TREASURY_PIN = '987654';

export class Deployment {
  readonly alice = makeOfficer('alice');
  readonly bob = makeOfficer('bob');
  readonly carol = makeOfficer('carol');
  readonly erika = makeOfficer('erika');
  /** The exchange's own backend, and a desk that officer carol runs herself. */
  readonly exchange = makeBackend('exchange-1', ['exchange']);
  readonly desk = makeBackend('carol-desk', ['carol']);
  readonly log: GovernanceEntry[] = [];
  policies: readonly PolicyDocument[] = [];
  publicKeys = { bitcoin: '', ethereum: '', attestation: '' };
  private running: RunningSigner | undefined;
  private server: RunningServer | undefined;
  private clients: SocketClient[] = [];

  private constructor(
    readonly directory: string,
    readonly softHsm: SoftHsm,
    readonly pinFile: string,
    readonly tokenProgram: string,
    readonly time: TestTime,
    private readonly deadlineMs: number,
    private readonly sessions: number,
    private readonly tokenEnvironment: Readonly<Record<string, string>>,
  ) {}

  /** Ceremony included; the signer is not started yet. */
  static async create(options: DeploymentOptions = {}): Promise<Deployment> {
    const directory = await mkdtemp(join(tmpdir(), 'portcullis-signer-'));
    const softHsm = await createSoftHsm(join(directory, 'hsm'));
    const { pinFile } = await softHsm.initToken({ label: 'treasury', soPin: '11223344', pin: TREASURY_PIN });
    const tokenProgram = await compileProgram(
      options.tokenProgram?.entry ?? 'hardware/pkcs11/token-process.ts',
    );
    const deployment = new Deployment(
      directory,
      softHsm,
      pinFile,
      tokenProgram,
      options.time ?? new TestTime(),
      options.deadlineMs ?? 15_000,
      options.sessions ?? 4,
      options.tokenProgram?.environment ?? {},
    );
    await deployment.ceremony(options);
    return deployment;
  }

  spawnTreasury(): KeySigner {
    return spawnToken(this.tokenConfig(), { programPath: this.tokenProgram });
  }

  tokenConfig() {
    return {
      modulePath: this.softHsm.modulePath,
      tokenLabel: 'treasury',
      sessions: this.sessions,
      pin: { kind: 'file' as const, path: this.pinFile },
      environment: { ...this.softHsm.environment, ...this.tokenEnvironment },
      deadlineMs: this.deadlineMs,
      startDeadlineMs: 20_000,
    };
  }

  private async ceremony(options: DeploymentOptions): Promise<void> {
    const token = this.spawnTreasury();
    try {
      const compress = (point: string) =>
        `${Number.parseInt(point.slice(-2), 16) % 2 ? '03' : '02'}${point.slice(2, 66)}`;
      this.publicKeys = {
        bitcoin: compress((await token.generateKey('hot-btc-1', 'secp256k1')).publicKey),
        ethereum: compress((await token.generateKey('hot-eth-1', 'secp256k1')).publicKey),
        attestation: (await token.generateKey('attestation', 'p256')).publicKey,
      };
    } finally {
      await token.close();
    }
    this.policies = options.policies ?? (await shippedPolicies());
    const officers = [this.alice, this.bob, this.carol];
    const people = options.timelock ? [...officers, this.erika] : officers;
    const body: EntryBody = {
      type: GOVERNANCE_TYPE,
      sequence: 0,
      previous: NO_PREVIOUS,
      deploymentId: NO_PREVIOUS,
      createdAtMs: this.time.wall,
      change: {
        kind: 'genesis',
        seed: randomBytes(32).toString('hex'),
        persons: people.map(({ personId, credential }) => ({
          personId,
          name: personId,
          credentials: [credential],
        })),
        groups: [
          { groupId: 'treasury', members: ['alice', 'bob', 'carol'] },
          { groupId: 'governors', members: ['alice', 'bob', 'carol'] },
          ...(options.timelock ? [{ groupId: 'watchers', members: ['alice', 'bob', 'carol', 'erika'] }] : []),
        ],
        quorum: { group: 'governors', threshold: 2 },
        timelock: options.timelock ?? NO_TIMELOCK,
        attestation: {
          token: 'treasury',
          label: 'attestation',
          algorithm: 'p256',
          publicKey: this.publicKeys.attestation,
        },
        requestKeys: [this.exchange, this.desk].map(({ keyId, publicKey, owners }) => ({
          keyId,
          algorithm: 'ed25519',
          publicKey,
          owners,
        })),
        chains: [
          { family: 'bitcoin', chain: BITCOIN, network: 'regtest', coin: { symbol: 'BTC', decimals: 8 } },
          { family: 'ethereum', chain: ETHEREUM, coin: { symbol: 'ETH', decimals: 18 } },
        ],
        wallets: [
          {
            walletId: 'hot-btc',
            chain: BITCOIN,
            tier: 'hot',
            token: 'treasury',
            keys: [{ label: 'hot-btc-1', publicKey: this.publicKeys.bitcoin }],
          },
          {
            walletId: 'hot-eth',
            chain: ETHEREUM,
            tier: 'hot',
            token: 'treasury',
            keys: [{ label: 'hot-eth-1', publicKey: this.publicKeys.ethereum }],
          },
        ],
        tokens: [...(options.tokens ?? [UNSEEN_TOKEN])],
        policies: [...this.policies],
      },
    };
    const genesis = signEntry(body, officers);
    this.log.push(genesis);
    if (options.initialised === false) return;
    await initialise(this.config(), genesis, { tokenProgram: this.tokenProgram });
  }

  get deploymentId(): string {
    const [genesis] = this.log;
    return genesis ? entryHash(genesis.body) : '';
  }

  get head(): string {
    const newest = this.log.at(-1);
    return newest ? entryHash(newest.body) : '';
  }

  config(): SignerConfig {
    return {
      listen: { kind: 'unix', path: join(this.directory, 'run', 'signer.sock') },
      storePath: join(this.directory, 'signer.db'),
      deploymentId: this.deploymentId,
      anchorToken: 'treasury',
      tokens: { treasury: this.tokenConfig() },
    };
  }

  /** Starts the signer and connects to its socket. */
  async start(): Promise<SocketClient> {
    const config = this.config();
    this.running = await startSigner(config, { time: this.time, tokenProgram: this.tokenProgram });
    this.server = await listen(config.listen, this.running.signer, () => undefined);
    return this.connect();
  }

  /** The signer that runs now, for a test that puts a door of its own before it. */
  serving(): RunningSigner {
    if (!this.running) throw new Error('the signer is not started');
    return this.running;
  }

  async connect(): Promise<SocketClient> {
    const { listen: at } = this.config();
    if (at.kind !== 'unix') throw new Error('the test deployment listens on a unix socket');
    const client = await SocketClient.connect(at.path, this.vouched);
    this.clients.push(client);
    return client;
  }

  async stop(): Promise<void> {
    for (const client of this.clients) client.close();
    this.clients = [];
    await this.server?.close();
    await this.running?.close();
    this.server = undefined;
    this.running = undefined;
  }

  async destroy(): Promise<void> {
    await this.stop();
    await rm(this.directory, { recursive: true, force: true });
  }

  async tokenStatus(): Promise<TokenStatus> {
    const token = this.spawnTreasury();
    try {
      return await token.status();
    } finally {
      await token.close();
    }
  }

  /** The next entry of the governance log, signed; not sent. */
  entry(change: Change, officers: readonly Officer[], altered: Partial<EntryBody> = {}): GovernanceEntry {
    const body: EntryBody = {
      type: GOVERNANCE_TYPE,
      sequence: this.log.length,
      previous: this.head,
      deploymentId: this.deploymentId,
      createdAtMs: this.time.wall,
      change,
      ...altered,
    };
    return signEntry(body, officers);
  }

  /** Makes a key for the audit log's checkpoints in the token; the entry that names it, signed by two officers, not sent. */
  async auditLogEntry(label = 'audit-1', origin = 'exchange.example/audit'): Promise<GovernanceEntry> {
    const token = this.spawnTreasury();
    try {
      const { publicKey } = await token.generateKey(label, 'ed25519');
      const key = { token: 'treasury', label, algorithm: 'ed25519', publicKey } as const;
      return this.entry({ kind: 'audit-log-set', auditLog: { origin, key } }, [this.alice, this.bob]);
    } finally {
      await token.close();
    }
  }

  /** The same, and the signer takes it in: what its checkpoints are verified with from then on. */
  async setAuditLog(client: SocketClient, label?: string): Promise<NoteKey> {
    return this.takeAuditLog(client, await this.auditLogEntry(label));
  }

  async takeAuditLog(client: SocketClient, entry: GovernanceEntry): Promise<NoteKey> {
    const code = codeOf(await client.ask({ verb: 'governance-append', entry }));
    const { change } = entry.body;
    if (code !== 'done' || change.kind !== 'audit-log-set')
      throw new Error(`the audit log is not set: ${code}`);
    this.log.push(entry);
    const { origin, key } = change.auditLog;
    return { name: origin, publicKey: Uint8Array.from(Buffer.from(key.publicKey, 'hex')) };
  }

  /** A governor's word that the newest entry is that one, of now. */
  word(officer: Officer = this.alice, altered: Partial<HeadStatement> = {}): SignedHead {
    const statement: HeadStatement = {
      type: HEAD_TYPE,
      deploymentId: this.deploymentId,
      sequence: this.log.length - 1,
      head: this.head,
      createdAtMs: this.time.wall,
      ...altered,
    };
    const [signed] = officersSign(headBytes(statement), [officer]);
    return { statement, credentialId: officer.credential.credentialId, signature: signed?.signature ?? '' };
  }

  /** With a word of now, as an orchestrator gives it along, unless there is one. */
  readonly vouched = <T extends SigningOrder>(order: T): T & Pick<SigningOrder, 'head'> => ({
    head: this.word(),
    ...order,
  });

  request(altered: Partial<RequestStatement> = {}, backend = this.exchange): SignedRequest {
    const statement: RequestStatement = {
      type: REQUEST_TYPE,
      deploymentId: this.deploymentId,
      requestId: `req-${randomBytes(8).toString('hex')}`,
      keyId: backend.keyId,
      kind: 'withdrawal',
      chain: BITCOIN,
      wallet: 'hot-btc',
      asset: BTC,
      amount: '500000',
      destination: 'bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080',
      feeCeiling: '20000',
      requester: backend.owners[0] ?? '',
      customer: 'customer-7',
      createdAtMs: this.time.wall,
      expiresAtMs: this.time.wall + 3_600_000,
      ...altered,
    };
    return { statement, signature: sign(null, requestBytes(statement), backend.privateKey).toString('hex') };
  }

  statement(request: SignedRequest, altered: Partial<TransferStatement> = {}): TransferStatement {
    return {
      ...statementOf(request.statement, {
        policyHash: policyHashOf(this.policies),
        governanceHead: this.head,
        expiresAtMs: this.time.wall + 1_800_000,
      }),
      ...altered,
    };
  }

  approve(
    statement: TransferStatement,
    officer: Officer,
    verdict: 'approve' | 'reject' = 'approve',
    before: readonly Approval[] = [],
  ): Approval {
    const follows = before.map((one) => givenApprovalDigest(one, statement)).sort();
    return this.approveNaming(statement, officer, follows, verdict);
  }

  /** A verdict that follows these, by their digests, whether there is such a one or not. */
  approveNaming(
    statement: TransferStatement,
    officer: Officer,
    follows: readonly string[],
    verdict: 'approve' | 'reject' = 'approve',
  ): Approval {
    const bytes = approvalBytes(verdict, statement, follows);
    const signature = sign('sha256', bytes, { key: officer.privateKey, dsaEncoding: 'ieee-p1363' });
    return {
      credentialId: officer.credential.credentialId,
      verdict,
      signature: signature.toString('hex'),
      ...(follows.length > 0 && { follows: [...follows] }),
    };
  }

  /** A request with the approvals of these officers. */
  transfer(request: SignedRequest, officers: readonly Officer[] = []): OrderedTransfer {
    if (officers.length === 0) return { request, statement: null, approvals: [] };
    const statement = this.statement(request);
    return { request, statement, approvals: officers.map((officer) => this.approve(statement, officer)) };
  }
}
