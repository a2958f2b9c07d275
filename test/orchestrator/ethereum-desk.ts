// One wallet, its driver and its database for tests: does what the pipeline would do with a driver, and what the signer
// would do with a transaction (with a throw-away key, in tests only). It judges nothing.

import { Wallet as KeyPair, Transaction } from 'ethers';
import type { Fault } from '../../src/core/fault.js';
import type { Erc20Token, Wallet } from '../../src/core/governance/entry.js';
import { type GovernanceState, tokenKey } from '../../src/core/governance/state.js';
import type {
  Payable,
  PlannedTransaction,
  ReserveResult,
  SignedTransaction,
} from '../../src/orchestrator/chains/chain-driver.js';
import { EthereumDriver } from '../../src/orchestrator/chains/ethereum/ethereum.driver.js';
import { type EthereumPlan, parsePlan } from '../../src/orchestrator/chains/ethereum/plan.js';
import { type EthereumSettings, ethereumSettings } from '../../src/orchestrator/chains/ethereum/settings.js';
import type { Database } from '../../src/orchestrator/database/database.js';

export const CHAIN = 'eip155:31337';
export const ETHER = 10n ** 18n;
export const GWEI = 10n ** 9n;

export type SettingsText = Parameters<typeof ethereumSettings.parse>[0];

let wallets = 0;
let transfers = 0;

export interface PayableTerms {
  readonly to: string;
  readonly amount: bigint;
  readonly token?: Erc20Token;
  readonly feeCeiling?: bigint;
  readonly absoluteMax?: bigint;
  readonly relativeMaxBasisPoints?: bigint;
}

export class Desk {
  readonly keys = KeyPair.createRandom();
  readonly wallet: Wallet;
  readonly driver: EthereumDriver;
  readonly settings: EthereumSettings;
  readonly alarms: Fault[] = [];
  readonly tokens = new Map<string, Erc20Token>();
  signerNextNonce = 0;

  constructor(
    readonly database: Database,
    settings: SettingsText,
  ) {
    wallets += 1;
    this.wallet = {
      walletId: `hot-eth-${wallets}`,
      chain: CHAIN,
      tier: 'hot',
      token: 'treasury',
      keys: [{ label: 'hot-eth', publicKey: this.keys.publicKey.slice(2) }],
    };
    this.settings = ethereumSettings.parse(settings);
    this.driver = new EthereumDriver({
      database,
      clock: { nowMs: () => Date.now() },
      chains: { [CHAIN]: this.settings },
      governance: () => this.governance(),
      signerNextNonce: () => Promise.resolve(this.signerNextNonce),
      alarm: (fault) => this.alarms.push(fault),
    });
  }

  get address(): string {
    return this.keys.address;
  }

  payable(terms: PayableTerms): Payable {
    transfers += 1;
    const { token } = terms;
    return {
      transferId: `tr-${transfers.toString(16).padStart(40, '0')}`,
      feeCaps: {
        absoluteMax: terms.absoluteMax ?? ETHER,
        relativeMaxBasisPoints: terms.relativeMaxBasisPoints ?? 10_000n,
      },
      request: {
        type: 'portcullis/request/v1',
        deploymentId: '1'.repeat(64),
        requestId: `request-${transfers}`,
        keyId: 'backend',
        kind: 'withdrawal',
        chain: CHAIN,
        wallet: this.wallet.walletId,
        asset:
          token === undefined
            ? { kind: 'native', symbol: 'ETH', decimals: 18 }
            : {
                kind: 'erc20',
                symbol: token.symbol,
                decimals: token.decimals,
                contract: token.contract,
              },
        amount: terms.amount.toString(),
        destination: terms.to,
        feeCeiling: (terms.feeCeiling ?? ETHER / 10n).toString(),
        requester: 'shop',
        customer: 'customer-1',
        createdAtMs: 1,
        expiresAtMs: 2,
      },
    };
  }

  async reserve(...payables: readonly Payable[]): Promise<ReserveResult> {
    const outlook = await this.driver.outlook(this.wallet, payables);
    return this.database.transaction((db) => this.driver.reserve(db, this.wallet, payables, outlook, 0));
  }

  async plan(terms: PayableTerms): Promise<PlannedTransaction> {
    return planned(await this.reserve(this.payable(terms)));
  }

  async replace(of: SignedTransaction, payables: readonly Payable[]): Promise<ReserveResult> {
    const outlook = await this.driver.outlook(this.wallet, payables);
    return this.database.transaction((db) => this.driver.replace(db, this.wallet, of, payables, outlook));
  }

  release(transaction: PlannedTransaction): Promise<readonly string[]> {
    return this.database.transaction((db) => this.driver.release(db, transaction));
  }

  /** Signs as the signer would, by another implementation of Ethereum than the driver's, and records it. */
  async sign(transaction: PlannedTransaction): Promise<SignedTransaction> {
    const unsigned = await this.database.read((db) => this.driver.build(db, this.wallet, transaction));
    if (unsigned.kind !== 'eip1559') throw new Error('not an Ethereum transaction');
    const bytes = Transaction.from(`0x${unsigned.hex}`);
    bytes.signature = this.keys.signingKey.sign(bytes.unsignedHash);
    const signed: SignedTransaction = {
      transactionKey: transaction.transactionKey,
      walletId: transaction.walletId,
      chain: transaction.chain,
      transactionId: bytes.hash ?? '',
      signedHex: bytes.serialized.slice(2),
      plan: transaction.plan,
    };
    await this.database.transaction((db) => this.driver.signed(db, signed));
    this.signerNextNonce = Math.max(this.signerNextNonce, bytes.nonce + 1);
    return signed;
  }

  /** Plans, signs and sends one payment. */
  async pay(terms: PayableTerms): Promise<SignedTransaction> {
    const signed = await this.sign(await this.plan(terms));
    const sent = await this.driver.broadcast(signed);
    if (sent.kind !== 'accepted') throw new Error(`not accepted: ${JSON.stringify(sent)}`);
    return signed;
  }

  private governance(): GovernanceState {
    return {
      deploymentId: '1'.repeat(64),
      sequence: 0,
      head: '1'.repeat(64),
      history: ['1'.repeat(64)],
      persons: new Map(),
      groups: new Map(),
      quorum: { group: 'officers', threshold: 2 },
      safu: undefined,
      timelock: { whitelistMs: 0, policyMs: 0, veto: { group: 'officers', threshold: 1 } },
      pending: new Map(),
      whitelist: new Map(),
      delegations: new Map(),
      freezeKeys: new Map(),
      timeSet: undefined,
      attestation: {
        token: 'treasury',
        label: 'attestation',
        algorithm: 'p256',
        publicKey: `04${'0'.repeat(128)}`,
      },
      attestations: [],
      auditLog: undefined,
      auditLogs: [],
      requestKeys: new Map(),
      everRequestKeys: new Map(),
      factKeys: new Map(),
      factRules: new Map(),
      chains: new Map([[CHAIN, { family: 'ethereum', chain: CHAIN, coin: { symbol: 'ETH', decimals: 18 } }]]),
      wallets: new Map([[this.wallet.walletId, this.wallet]]),
      retired: new Map(),
      tokens: new Map(
        [...this.tokens.values()].map((token) => [tokenKey(token.chain, token.contract), token]),
      ),
      bands: new Map(),
      policies: [],
      policyHash: '2'.repeat(64),
      policiesSince: 0,
      lastVetoes: new Map(),
      frozen: new Map(),
      everRegistered: new Set(),
    };
  }
}

export function planned(result: ReserveResult): PlannedTransaction {
  if (result.kind !== 'planned') throw new Error(`not planned: ${JSON.stringify(result)}`);
  return result.transaction;
}

export function planOf(transaction: PlannedTransaction): EthereumPlan {
  return parsePlan(transaction.plan);
}
