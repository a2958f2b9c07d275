// Bringing a signer up: vectors, tokens, store, anchor, keys, in this order, and nothing is served before all of it holds.
// Making a store is an act of its own (`initialise`), done once at the ceremony.

import type { KeySigner } from '../../hardware/key-signer.js';
import { spawnToken } from '../../hardware/pkcs11/token-client.js';
import { accepted, Fault, type Outcome, refused } from '../core/fault.js';
import { entryHash, type GovernanceEntry } from '../core/governance/entry.js';
import { replayGenesis } from '../core/governance/replay.js';
import {
  checkLogReaches,
  type Restore,
  type RestoreRefusalCode,
  restoreBytes,
  verifyRestore,
} from '../core/recovery/restore.js';
import { nativeVerifier } from '../platform/native-verifier.js';
import { ownArithmetic, type SignatureArithmetic } from '../platform/signature-arithmetic.js';
import {
  ANCHOR_RECORD,
  Anchor,
  type Anchored,
  type AnchorFaultCode,
  anchorValue,
  readAnchor,
} from './anchor.js';
import type { SignerConfig } from './config.js';
import type { Restored } from './journal.js';
import { makeSeal, readSeal, type Seal } from './seal.js';
import { checkVectors, type Token } from './self-check.js';
import { Signer, type SignerFaultCode } from './signer.js';
import { hostTime, SignerClock, type TimeSource } from './signer-clock.js';
import { type JournalHead, SignerStore, type SyncFile } from './store.js';
import type { StoreFaultCode } from './store-file.js';

const HEARTBEAT_MS = 5_000;

export interface StartOptions {
  readonly time?: TimeSource;
  /** Closed by who made it, after the signer. */
  readonly arithmetic?: SignatureArithmetic;
  /** Compiled token process, where it is not beside the token client. */
  readonly tokenProgram?: string;
  readonly onTokenProcessLost?: (token: string, facts: object) => void;
  /** Told when the time could not be written: a full disk, say. Limits then last longer after a restart, no more. */
  readonly onHeartbeatLost?: (error: unknown) => void;
}

/** What of the configuration says where the store is, and which deployment it is of. */
type Place = Pick<SignerConfig, 'storePath' | 'deploymentId' | 'anchorToken'>;

export type RestoringRefusalCode = RestoreRefusalCode | 'restore-other-record' | 'restore-governance-behind';

export interface RunningSigner {
  readonly signer: Signer;
  close(): Promise<void>;
}

async function openTokens(config: SignerConfig, options: StartOptions): Promise<Map<string, Token>> {
  const tokens = new Map<string, Token>();
  try {
    for (const [name, settings] of Object.entries(config.tokens)) {
      const signer = spawnToken(settings, {
        ...(options.tokenProgram === undefined ? {} : { programPath: options.tokenProgram }),
        onProcessLost: (facts) => options.onTokenProcessLost?.(name, facts),
      });
      tokens.set(name, { signer, serial: '' });
      tokens.set(name, { signer, serial: (await signer.status()).serial });
    }
    return tokens;
  } catch (error) {
    await closeTokens(tokens);
    throw error;
  }
}

async function closeTokens(tokens: ReadonlyMap<string, Token>): Promise<void> {
  await Promise.all([...tokens.values()].map(({ signer }) => signer.close()));
}

function anchorTokenOf(config: Pick<SignerConfig, 'anchorToken'>, tokens: ReadonlyMap<string, Token>): Token {
  const token = tokens.get(config.anchorToken);
  if (token) return token;
  throw new Fault<SignerFaultCode>('token-unknown', 'the token for the anchor is not configured', {
    facts: { token: config.anchorToken },
  });
}

/**
 * Makes the store and pins the genesis on the token. For the ceremony alone. Doing it again after a crash in the middle
 * is safe; doing it over a store or token that has gone on is refused.
 */
export async function initialise(
  config: SignerConfig,
  genesis: GovernanceEntry,
  options: StartOptions = {},
): Promise<void> {
  checkVectors(nativeVerifier);
  const replayed = replayGenesis(genesis, nativeVerifier);
  if (replayed.kind === 'refused') {
    throw new Fault<StoreFaultCode>('store-other-genesis', `the genesis is not valid: ${replayed.code}`, {
      facts: { code: replayed.code, ...replayed.facts },
    });
  }
  requireDeployment(config, entryHash(genesis.body));
  const tokens = await openTokens(config, options);
  try {
    const { signer: token } = anchorTokenOf(config, tokens);
    const pinned = await readAnchor(token);
    if (pinned) throw new Fault<AnchorFaultCode>('anchor-exists', 'the token is pinned to a genesis already');
    const store = createOrResume(config.storePath, genesis, await makeSeal(token));
    try {
      const head = store.head();
      await token.writeRecord(ANCHOR_RECORD, {
        version: BigInt(head.sequence) + 1n,
        value: anchorValue(config.deploymentId, head.hash, store.outliving()),
      });
    } finally {
      store.close();
    }
  } finally {
    await closeTokens(tokens);
  }
}

/** A store that holds nothing but this very genesis is what a ceremony leaves behind that was cut short. */
function createOrResume(path: string, genesis: GovernanceEntry, seal: Seal): SignerStore {
  try {
    return SignerStore.create(path, genesis, seal);
  } catch (error) {
    if (!(error instanceof Fault) || error.code !== ('store-exists' satisfies StoreFaultCode)) throw error;
    const store = SignerStore.open(path, seal);
    const [only] = store.governance(0, 1);
    if (store.head().sequence === 0 && only && entryHash(only.body) === entryHash(genesis.body)) return store;
    store.close();
    throw error;
  }
}

/** What the token remembers, for the statement of a restore. Throws `anchor-missing`, `anchor-malformed`, and the token's faults. */
export async function readRecord(config: SignerConfig, options: StartOptions = {}): Promise<Anchored> {
  const tokens = await openTokens(config, options);
  try {
    const pinned = await readAnchor(anchorTokenOf(config, tokens).signer);
    if (pinned) return pinned;
    throw new Fault<AnchorFaultCode>('anchor-missing', 'the token was never part of a ceremony');
  } finally {
    await closeTokens(tokens);
  }
}

/**
 * Makes a store that goes on where a lost one ended, because a quorum says so. Refuses what is not signed by it, is about
 * another record than the token's, comes with another governance log than the lost store's, or has expired; never touches a
 * store that is there. Doing it again after a crash in the
 * middle is safe. Afterwards this restore is of no use any more: the token's record has moved on.
 */
export async function restoreStore(
  config: SignerConfig,
  restore: Restore,
  log: readonly GovernanceEntry[],
  options: StartOptions = {},
): Promise<Outcome<JournalHead, RestoringRefusalCode>> {
  checkVectors(nativeVerifier);
  const tokens = await openTokens(config, options);
  try {
    return await bringBack(config, restore, log, tokens, options.time ?? hostTime);
  } finally {
    await closeTokens(tokens);
  }
}

/** `restoreStore` with tokens that are open. */
export async function bringBack(
  config: Place,
  restore: Restore,
  log: readonly GovernanceEntry[],
  tokens: ReadonlyMap<string, Token>,
  time: TimeSource,
): Promise<Outcome<JournalHead, RestoringRefusalCode>> {
  const { signer: token } = anchorTokenOf(config, tokens);
  const pinned = await readPinned(config, token);
  const { statement } = restore;
  if (statement.lost.sequence !== pinned.sequence || statement.lost.hash !== pinned.hash) {
    return refused('restore-other-record', { statement: statement.lost.sequence, token: pinned.sequence });
  }
  const { wallMs } = new SignerClock(time, { wallMs: 0, measuredMs: 0 }).now();
  const verified = verifyRestore(restore, log, config.deploymentId, nativeVerifier, wallMs);
  if (verified.kind === 'refused') return verified;
  // A record from before records had it pins no entry of governance: there it is the quorum's word alone, as it was then.
  const reaches = pinned.governance ? checkLogReaches(log, pinned.governance) : accepted(undefined);
  if (reaches.kind === 'refused') return reaches;
  const at = { wallMs: Math.max(wallMs, statement.createdAtMs), measuredMs: 0 };
  const seal = await readSeal(token);
  const { checkpoint, reservation } = pinned;
  const begin: Restored = {
    kind: 'restored',
    at,
    restore,
    ...(checkpoint && { checkpoint }),
    ...(reservation && { reservation }),
  };
  const store = restoreOrResume(config.storePath, begin, log, seal);
  try {
    const head = store.head();
    await token.writeRecord(ANCHOR_RECORD, {
      version: BigInt(head.sequence) + 1n,
      value: anchorValue(config.deploymentId, head.hash, store.outliving()),
    });
    return accepted(head);
  } finally {
    store.close();
  }
}

/** A store that begins with this very restore and holds nothing but the log is what one leaves behind that was cut short. */
function restoreOrResume(
  path: string,
  begin: Restored,
  log: readonly GovernanceEntry[],
  seal: Seal,
): SignerStore {
  try {
    return SignerStore.restore(path, begin, log, seal);
  } catch (error) {
    if (!(error instanceof Fault) || error.code !== ('store-exists' satisfies StoreFaultCode)) throw error;
    const store = SignerStore.open(path, seal);
    const found = store.restoredFrom()?.restore.statement;
    const wanted = begin.restore.statement;
    const isSame = found && Buffer.from(restoreBytes(found)).equals(restoreBytes(wanted));
    if (isSame && store.head().sequence === wanted.lost.sequence + 1 + log.length) return store;
    store.close();
    throw error;
  }
}

function requireDeployment(config: Pick<SignerConfig, 'deploymentId'>, found: string): void {
  if (found === config.deploymentId) return;
  throw new Fault<StoreFaultCode>('store-other-genesis', 'another genesis than the configured deployment', {
    facts: { configured: config.deploymentId, found },
  });
}

/** What the token remembers of this deployment. Throws `anchor-missing`, `store-other-genesis`, and the token's faults. */
async function readPinned(config: Place, token: KeySigner): Promise<Anchored> {
  const pinned = await readAnchor(token);
  if (!pinned) throw new Fault<AnchorFaultCode>('anchor-missing', 'the token was never part of a ceremony');
  requireDeployment(config, pinned.genesisHash);
  return pinned;
}

/** Starts a signer. Throws the fault of the first thing that does not hold, with everything closed again. */
export async function startSigner(config: SignerConfig, options: StartOptions = {}): Promise<RunningSigner> {
  checkVectors(nativeVerifier);
  const tokens = await openTokens(config, options);
  try {
    const { signer, store, clock } = await bringUp(config, tokens, {
      time: options.time ?? hostTime,
      ...(options.arithmetic === undefined ? {} : { arithmetic: options.arithmetic }),
    });
    const heartbeat = setInterval(() => {
      try {
        store.beat(clock.now(), clock.told());
      } catch (error) {
        options.onHeartbeatLost?.(error);
      }
    }, HEARTBEAT_MS);
    heartbeat.unref();
    return {
      signer,
      close: async () => {
        clearInterval(heartbeat);
        await signer.idle();
        try {
          store.beat(clock.now(), clock.told());
        } finally {
          store.close();
          await closeTokens(tokens);
        }
      },
    };
  } catch (error) {
    await closeTokens(tokens);
    throw error;
  }
}

export interface SignerUp {
  readonly signer: Signer;
  readonly store: SignerStore;
  readonly clock: SignerClock;
}

/** What a signer takes from the machine; whoever leaves out the last two has it done here, and on the disk. */
export interface Surroundings {
  readonly time: TimeSource;
  readonly arithmetic?: SignatureArithmetic;
  readonly sync?: SyncFile;
}

/** From open tokens to a signer that may serve. Throws the fault of the first thing that does not hold; the store is closed then. */
export async function bringUp(
  config: Place,
  tokens: ReadonlyMap<string, Token>,
  { time, arithmetic = ownArithmetic, sync }: Surroundings,
): Promise<SignerUp> {
  const { signer: token } = anchorTokenOf(config, tokens);
  const pinned = await readPinned(config, token);
  const store = SignerStore.open(config.storePath, await readSeal(token), sync);
  try {
    // With the journal's hash, what else the record says as of that entry is pinned: governance has no other place to be.
    store.requireAnchor(pinned);
    const clock = new SignerClock(time, store.lastInstant(), store.toldTime());
    const anchor = new Anchor(token, config.deploymentId, store, pinned);
    const signer = Signer.start({ store, clock, verifier: nativeVerifier, arithmetic, anchor, tokens });
    requireDeployment(config, signer.deploymentId());
    // What a crash left above the record is covered now; nothing of it was ever given out.
    await anchor.cover(store.head().sequence);
    await signer.checkWallets();
    return { signer, store, clock };
  } catch (error) {
    store.close();
    throw error;
  }
}
