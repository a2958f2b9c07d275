// What the steps of the pipeline share: the parts that they work with and the settings that bound them. Nothing here
// remembers anything between two steps; all that matters is in the database.

import type { Clock } from '../../core/clock.js';
import { Fault } from '../../core/fault.js';
import type { Wallet } from '../../core/governance/entry.js';
import type { Randomness } from '../../core/randomness.js';
import type { SignatureVerifier } from '../../core/statements/signature.js';
import type { ChainDriver } from '../chains/chain-driver.js';
import type { DatabaseDoor } from '../database/database.js';
import type { FactSources } from '../facts/fact-sources.js';
import type { GovernanceService } from '../governance/governance.service.js';
import type { SignerClient } from '../signer-client/signer-client.js';
import type { TransferFaultCode } from './transfer.errors.js';
import { wakeWaitingTransfers } from './work.store.js';

export interface PipelineSettings {
  /** Name of this process in leases and transitions. */
  readonly worker: string;
  /** Steps under way at once. 0: this process only answers the API. */
  readonly concurrency: number;
  readonly pollMs: number;
  readonly leaseMs: number;
  /** Steps that a worker does one after the other under one lease, while each leaves the next one due at once. */
  readonly stepsPerLease: number;
  readonly backoffMinMs: number;
  readonly backoffMaxMs: number;
  /** A statement lives this long, or as long as its request if that is less. */
  readonly approvalTtlMs: number;
  /** Transfers offered to a driver at once. */
  readonly batchSize: number;
  /** How often a transaction that was sent is looked at. */
  readonly followMs: Readonly<Record<ChainDriver['family'], number>>;
  /** An unconfirmed transaction gets a higher fee after this. */
  readonly bumpAfterMs: Readonly<Record<ChainDriver['family'], number>>;
  /** How long past a request's expiry the signer may be silent about a signature that was begun, before a person must decide. */
  readonly silenceMs: number;
  /** Refusals by the signer that are not a transfer's own fault, after which it is refused all the same. */
  readonly maxSignerRefusals: number;
}

const MINUTE_MS = 60_000;

export const defaultPipelineSettings: Omit<PipelineSettings, 'worker'> = {
  concurrency: 4,
  pollMs: 500,
  leaseMs: MINUTE_MS,
  stepsPerLease: 8,
  backoffMinMs: 500,
  backoffMaxMs: MINUTE_MS,
  approvalTtlMs: 24 * 60 * MINUTE_MS,
  batchSize: 100,
  followMs: { bitcoin: 5_000, ethereum: 2_000 },
  bumpAfterMs: { bitcoin: 30 * MINUTE_MS, ethereum: 3 * MINUTE_MS },
  silenceMs: 15 * MINUTE_MS,
  maxSignerRefusals: 3,
};

/** In looks at what is not final yet: so far apart at most are the looks at what is. */
const LONGEST_WATCH_LOOKS = 720;

export function longestWatchMs(
  { followMs }: Pick<PipelineSettings, 'followMs'>,
  family: ChainDriver['family'],
): number {
  return followMs[family] * LONGEST_WATCH_LOOKS;
}

/** What the pipeline asks of the signer. */
export type PipelineSigner = Pick<SignerClient, 'sign' | 'records' | 'void' | 'bury'>;

export interface PipelineParts {
  readonly database: DatabaseDoor;
  readonly governance: GovernanceService;
  readonly facts: FactSources;
  readonly signer: PipelineSigner;
  readonly drivers: readonly ChainDriver[];
  readonly verifier: SignatureVerifier;
  readonly clock: Clock;
  readonly randomness: Randomness;
  readonly settings: PipelineSettings;
}

/** The parts together. Making one sees to it that waiting transfers are looked at again when governance changes. */
export class Pipeline implements PipelineParts {
  readonly database: DatabaseDoor;
  readonly governance: GovernanceService;
  readonly facts: FactSources;
  readonly signer: PipelineSigner;
  readonly drivers: readonly ChainDriver[];
  readonly verifier: SignatureVerifier;
  readonly clock: Clock;
  readonly randomness: Randomness;
  readonly settings: PipelineSettings;

  constructor(parts: PipelineParts) {
    this.database = parts.database;
    this.governance = parts.governance;
    this.facts = parts.facts;
    this.signer = parts.signer;
    this.drivers = parts.drivers;
    this.verifier = parts.verifier;
    this.clock = parts.clock;
    this.randomness = parts.randomness;
    this.settings = parts.settings;
    this.governance.onChange((db) => wakeWaitingTransfers(db, this.clock.nowMs()));
  }
}

export interface ServedWallet {
  readonly wallet: Wallet;
  readonly driver: ChainDriver;
}

/** A wallet of governance and its chain's driver. Throws `transfer-inconsistent`, or what governance throws while it is not known. */
export function servedWallet(parts: PipelineParts, walletId: string): ServedWallet {
  const state = parts.governance.state();
  const wallet = state.wallets.get(walletId);
  const family = wallet && state.chains.get(wallet.chain)?.family;
  const driver = parts.drivers.find((candidate) => candidate.family === family);
  if (!wallet || !driver) {
    throw new Fault<TransferFaultCode>('transfer-inconsistent', 'no driver serves this wallet', {
      facts: { walletId },
    });
  }
  return { wallet, driver };
}
