// The files of a restore: the statement on its way from officer to officer, what the signer's host printed of the record on
// its token, and where one stands between them.

import { z } from 'zod';
import { accepted, type Outcome, refused } from '../core/fault.js';
import type { GovernanceEntry } from '../core/governance/entry.js';
import type { GovernanceState } from '../core/governance/state.js';
import { p2wpkhAddress } from '../core/intents/bitcoin/address.js';
import { parsePolicies } from '../core/policy/parse.js';
import {
  checkLogReaches,
  type RestoredWallet,
  type RestoreRefusalCode,
  type RestoreStatement,
  restoreStatement,
  verifyRestore,
} from '../core/recovery/restore.js';
import { sha256Hex, wholeNumber } from '../core/statements/fields.js';
import { nativeVerifier } from '../platform/native-verifier.js';
import { cliFault } from './exit.js';
import { readJson, readText } from './files.js';
import type { KnownGovernance } from './governance-log.js';
import { fileSignatures } from './quorum-file.js';

export const restoreFile = z.strictObject({ statement: restoreStatement, signatures: fileSignatures });
export type RestoreFile = z.infer<typeof restoreFile>;

/** Faults `file-unreadable`, `file-malformed`. */
export function readRestore(path: string): RestoreFile {
  return readJson(path, restoreFile, 'a restore');
}

const record = z
  .object({
    event: z.literal('record'),
    deploymentId: sha256Hex,
    sequence: wholeNumber(0),
    hash: sha256Hex,
    /** These two are not there when the record is from before records had them. */
    governanceSequence: wholeNumber(0).exactOptional(),
    governanceHead: sha256Hex.exactOptional(),
  })
  .refine((line) => (line.governanceSequence === undefined) === (line.governanceHead === undefined));
export type SignerRecord = Omit<z.infer<typeof record>, 'event'>;

/** The line of `signer record` in what the signer printed. Faults `file-unreadable`, `file-malformed`. */
export function readRecord(path: string): SignerRecord {
  for (const line of readText(path).split('\n')) {
    let value: unknown;
    try {
      value = JSON.parse(line);
    } catch {
      // Other lines may stand around it.
      continue;
    }
    const parsed = record.safeParse(value);
    if (parsed.success) return parsed.data;
  }
  throw cliFault('file-malformed', `${path} does not hold the line that \`signer record\` prints`, { path });
}

/**
 * What core refuses this statement for, were it signed by all that are needed. `nowMs` undefined: a restore that was
 * accepted once does not expire.
 */
export function contentRefusal(
  statement: RestoreStatement,
  { entries, state }: KnownGovernance,
  nowMs: number | undefined,
): Outcome<undefined, RestoreRefusalCode> {
  const unsigned = { statement, signatures: [] };
  const verified = verifyRestore(unsigned, entries, state.deploymentId, nativeVerifier, nowMs);
  const isSound = verified.kind === 'accepted' || verified.code === 'governance-quorum-missing';
  return isSound ? accepted(undefined) : verified;
}

/**
 * What the signer refuses this statement for, by what the officer has been told of the record on its token: it is about
 * another one, or the log at hand, if there is one, is not that of the lost store.
 */
export function recordRefusal(
  { lost, deploymentId }: RestoreStatement,
  found: SignerRecord,
  log: readonly GovernanceEntry[] | undefined,
): Outcome<undefined, 'restore-other-record' | 'restore-other-deployment' | 'restore-governance-behind'> {
  if (found.deploymentId !== deploymentId) {
    return refused('restore-other-deployment', { statement: deploymentId, token: found.deploymentId });
  }
  if (lost.sequence !== found.sequence || lost.hash !== found.hash) {
    return refused('restore-other-record', { statement: lost.sequence, token: found.sequence });
  }
  const { governanceSequence, governanceHead } = found;
  const isPinned = governanceSequence !== undefined && governanceHead !== undefined;
  return isPinned && log
    ? checkLogReaches(log, { sequence: governanceSequence, hash: governanceHead })
    : accepted(undefined);
}

/** Addresses of a Bitcoin wallet, from the keys in governance; none for another family. */
export function addressesOf({ walletId }: RestoredWallet, state: GovernanceState): readonly string[] {
  const wallet = state.wallets.get(walletId);
  const chain = wallet && state.chains.get(wallet.chain);
  if (!wallet || chain?.family !== 'bitcoin') return [];
  return wallet.keys.map(({ publicKey }) => p2wpkhAddress(publicKey, chain.network));
}

/** The longest window of any limit: for so long the signer has to run before every limit is open again. */
export function longestWindowMs(state: GovernanceState): number {
  const parsed = parsePolicies(state.policies, state);
  if (parsed.kind === 'refused') {
    throw cliFault('governance-mismatch', `the policies do not hold: ${parsed.code}`, parsed.facts);
  }
  const windows = parsed.value.policies.flatMap(({ limits, rules }) =>
    [...limits, ...rules.flatMap(({ limits: ofRule = [] }) => ofRule)].map(({ windowMs }) => windowMs),
  );
  return Math.max(0, ...windows);
}
