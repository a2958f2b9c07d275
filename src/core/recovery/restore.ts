// The restore: a quorum's word on what a signer whose store is lost begins again with. Limits begin exhausted, whatever was
// asked for before is dead, and what is spent is taken from the chain as the officers saw it. It names the record on the
// token that it continues from, so it serves once, for that token, and never again.
//
// It does NOT bring back what was signed and never broadcast: such a transaction may turn up until the coins and nonces
// that it uses are gone. docs/restore.md says how they are used up.

import { z } from 'zod';
import { MAX_CLOCK_SKEW_MS } from '../authorization/requests.js';
import { accepted, type Outcome, refused } from '../fault.js';
import { entryHash, entrySignatures, type GovernanceEntry } from '../governance/entry.js';
import { verifyQuorum } from '../governance/quorum.js';
import { replayLog } from '../governance/replay.js';
import type { GovernanceRefusalCode, GovernanceState, QuorumRefusalCode } from '../governance/state.js';
import { addressOfPublicKey } from '../intents/ethereum/address.js';
import {
  baseUnits,
  chainId,
  evmAddress,
  identifier,
  sha256Hex,
  timestampMs,
  wholeNumber,
} from '../statements/fields.js';
import { statementBytes } from '../statements/preimage.js';
import type { SignatureVerifier } from '../statements/signature.js';

export const RESTORE_TYPE = 'portcullis/restore/v1';
export const MAX_RESTORE_LIFETIME_MS = 24 * 60 * 60 * 1000;

export const seenBlock = z.strictObject({ height: wholeNumber(0), hash: sha256Hex });

export const restoredWallet = z.discriminatedUnion('family', [
  z.strictObject({
    family: z.literal('bitcoin'),
    walletId: identifier,
    chain: chainId,
    block: seenBlock,
    /** `txid:vout` of every coin of the wallet that is unspent as of the block, and of change that was on its way then. */
    unspent: z.array(z.string().regex(/^[0-9a-f]{64}:(?:0|[1-9][0-9]{0,9})$/)).max(5_000),
    /** The most that one transaction may cost which does nothing but move such coins within the wallet. Satoshi. */
    refreshFeeCeiling: baseUnits,
  }),
  z.strictObject({
    family: z.literal('ethereum'),
    walletId: identifier,
    chain: chainId,
    /** EIP-55. */
    address: evmAddress,
    block: seenBlock,
    /** Nonces below it are used on the chain. */
    minedNonces: wholeNumber(0),
    /** The first nonce that may pay again. Those from `minedNonces` on up to it may have been signed: they are only used up. */
    nextNonce: wholeNumber(0),
    /** The most that one transaction may cost which does nothing but use up such a nonce. Wei. */
    refreshFeeCeiling: baseUnits,
  }),
]);
export type RestoredWallet = z.infer<typeof restoredWallet>;

export const restoreStatement = z.strictObject({
  type: z.literal(RESTORE_TYPE),
  deploymentId: sha256Hex,
  /** The newest entry of the governance log. A shorter log than that is refused. */
  governanceSequence: wholeNumber(0),
  governanceHead: sha256Hex,
  /** The record on the token: the newest entry of the lost journal that is known to have existed. */
  lost: z.strictObject({ sequence: wholeNumber(0), hash: sha256Hex }),
  /** Every wallet, each once. */
  wallets: z.array(restoredWallet).max(256),
  /** When it was drafted. What is dead is counted from when the signer accepts it (see `restoreCutoffMs`). */
  createdAtMs: timestampMs,
  expiresAtMs: timestampMs,
});
export type RestoreStatement = z.infer<typeof restoreStatement>;

/** An entry of the governance log that is known to have been the newest one. */
export const governanceEnd = z.strictObject({ sequence: wholeNumber(0), hash: sha256Hex });
export type GovernanceEnd = z.infer<typeof governanceEnd>;

export const restore = z.strictObject({ statement: restoreStatement, signatures: entrySignatures });
export type Restore = z.infer<typeof restore>;

export function restoreBytes(statement: RestoreStatement): Uint8Array {
  return statementBytes(RESTORE_TYPE, statement);
}

/**
 * Requests that were created up to this time are dead after a restore which the signer accepted at `acceptedAtMs` by its own
 * clock. The statement's own time is its drafter's word: a slow clock, or a hand that set it back, would revive requests.
 */
export function restoreCutoffMs(acceptedAtMs: number): number {
  return acceptedAtMs + MAX_CLOCK_SKEW_MS;
}

/** How many nonces one restore may have used up; each costs a transaction. */
export const MAX_REFRESHED_NONCES = 1_000;

/**
 * What of a wallet may be spent by a transaction that pays the wallet itself and nobody else, so that whatever was signed
 * over it and never broadcast is dead. Named as spends are named everywhere (see `Spending`).
 */
export function refreshable(wallet: RestoredWallet): string[] {
  if (wallet.family === 'bitcoin') return wallet.unspent.map((outpoint) => `${wallet.chain}/${outpoint}`);
  const { chain, address, minedNonces, nextNonce } = wallet;
  return Array.from(
    { length: nextNonce - minedNonces },
    (_, index) => `${chain}/${address.toLowerCase()}/${minedNonces + index}`,
  );
}

export type RestoreRefusalCode =
  | QuorumRefusalCode
  | GovernanceRefusalCode
  | 'restore-other-deployment'
  | 'restore-governance-mismatch'
  | 'restore-expired'
  | 'restore-wallets-incomplete'
  | 'restore-coins-repeated'
  | 'restore-nonces-backwards';

function checkWallets(
  { wallets }: RestoreStatement,
  state: GovernanceState,
): Outcome<undefined, RestoreRefusalCode> {
  const named = new Map(wallets.map((wallet) => [wallet.walletId, wallet]));
  const coins = new Set<string>();
  if (named.size !== wallets.length || named.size !== state.wallets.size) {
    return refused('restore-wallets-incomplete', { named: wallets.length, wallets: state.wallets.size });
  }
  for (const { walletId, chain, keys } of state.wallets.values()) {
    const wallet = named.get(walletId);
    if (wallet?.family !== state.chains.get(chain)?.family || wallet?.chain !== chain) {
      return refused('restore-wallets-incomplete', { walletId });
    }
    if (wallet.family === 'bitcoin') {
      for (const coin of refreshable(wallet)) {
        if (coins.has(coin)) return refused('restore-coins-repeated', { walletId, coin });
        coins.add(coin);
      }
      continue;
    }
    if (wallet.address !== addressOfPublicKey(keys[0]?.publicKey ?? '')) {
      return refused('restore-wallets-incomplete', { walletId, address: wallet.address });
    }
    const gap = wallet.nextNonce - wallet.minedNonces;
    if (gap < 0 || gap > MAX_REFRESHED_NONCES) return refused('restore-nonces-backwards', { walletId, gap });
  }
  return accepted(undefined);
}

/**
 * Does the log hold the entry that the lost store is known to have had, at its place? Otherwise it was cut before it or leads
 * elsewhere, and those who were removed since could sign a restore as the quorum that they once were. What comes after that
 * entry is not asked. The log is hostile.
 */
export function checkLogReaches(
  log: readonly GovernanceEntry[],
  known: GovernanceEnd,
): Outcome<undefined, 'restore-governance-behind'> {
  const entry = log[known.sequence];
  return entry !== undefined && entryHash(entry.body) === known.hash
    ? accepted(undefined)
    : refused('restore-governance-behind', { known: known.sequence, log: log.length - 1 });
}

/**
 * Is this restore signed by the quorum of the log's newest state, and about all of its wallets? Log and restore are
 * hostile; `deploymentId` is what the token was pinned to. Expiry is asked only when it is first accepted (`nowMs`
 * undefined: it was accepted before). Whether the token remembers the record that it names is the caller's to compare, and
 * so is whether the log is that of the lost store (`checkLogReaches`): each log has a quorum of its own.
 */
export function verifyRestore(
  { statement, signatures }: Restore,
  log: readonly GovernanceEntry[],
  deploymentId: string,
  verifier: SignatureVerifier,
  nowMs: number | undefined,
): Outcome<GovernanceState, RestoreRefusalCode> {
  const [genesis] = log;
  if (!genesis || entryHash(genesis.body) !== deploymentId || statement.deploymentId !== deploymentId) {
    return refused('restore-other-deployment', { statement: statement.deploymentId, deploymentId });
  }
  const replayed = replayLog(log, verifier);
  if (replayed.kind === 'refused') return replayed;
  const state = replayed.value;
  if (statement.governanceHead !== state.head || statement.governanceSequence !== state.sequence) {
    return refused('restore-governance-mismatch', {
      statement: statement.governanceSequence,
      log: state.sequence,
    });
  }
  const lifetimeMs = statement.expiresAtMs - statement.createdAtMs;
  const isTooLong = lifetimeMs <= 0 || lifetimeMs > MAX_RESTORE_LIFETIME_MS;
  const isOutOfTime =
    nowMs !== undefined &&
    (statement.expiresAtMs <= nowMs || statement.createdAtMs > nowMs + MAX_CLOCK_SKEW_MS);
  if (isTooLong || isOutOfTime) {
    return refused('restore-expired', {
      createdAtMs: statement.createdAtMs,
      expiresAtMs: statement.expiresAtMs,
    });
  }
  const wallets = checkWallets(statement, state);
  if (wallets.kind === 'refused') return wallets;
  const signed = verifyQuorum(restoreBytes(statement), signatures, state, verifier);
  return signed.kind === 'refused' ? signed : accepted(state);
}
