// The governance log, from a file or from the API, replayed here. What it says is believed only as far as it leads back
// to the deployment that the person trusts; without one, the answer says so.

import { z } from 'zod';
import { Fault } from '../core/fault.js';
import { type GovernanceEntry, governanceEntry } from '../core/governance/entry.js';
import { replayLog } from '../core/governance/replay.js';
import type { GovernanceState } from '../core/governance/state.js';
import { nativeVerifier } from '../platform/native-verifier.js';
import type { Api } from '../sdk/api.js';
import { governancePage } from '../sdk/shapes.js';
import type { Given } from './command-line.js';
import { cliFault } from './exit.js';
import { readJson } from './files.js';
import { attention, type Line } from './lines.js';

/** More than a log may have: bounds for a loop over what an API says. */
const MAX_PAGES = 20_001;
const MAX_ENTRIES = 100_000;

export interface KnownGovernance {
  readonly entries: readonly GovernanceEntry[];
  readonly state: GovernanceState;
  /** The log leads back to the deployment id that the person or their configuration named. */
  readonly pinned: boolean;
}

export interface PinOptions {
  readonly deployment?: string;
  readonly log?: string;
}

/** A log file: a list of entries, or genesis alone. */
const logFile = z.union([z.array(governanceEntry).min(1), governanceEntry.transform((entry) => [entry])]);

/** Faults `file-unreadable`, `file-malformed`. */
export function readLog(path: string): GovernanceEntry[] {
  return readJson(path, logFile, 'a governance log');
}

/** Replays entries. Faults `governance-mismatch` when they are no log, or another deployment's than `pinned`. */
export function replayed(entries: readonly GovernanceEntry[], pinned: string | undefined): KnownGovernance {
  const outcome = replayLog(entries, nativeVerifier);
  if (outcome.kind === 'refused') {
    throw cliFault('governance-mismatch', `the governance log does not hold: ${outcome.code}`, outcome.facts);
  }
  const state = outcome.value;
  if (pinned !== undefined && state.deploymentId !== pinned) {
    throw cliFault('governance-mismatch', 'this is the governance log of another deployment', {
      trusted: pinned,
      found: state.deploymentId,
    });
  }
  return { entries, state, pinned: pinned !== undefined };
}

/** All entries that the API has. Its refusals are thrown as faults: without a log there is nothing to go on with. */
export async function fetchLog(api: Api): Promise<GovernanceEntry[]> {
  const entries: GovernanceEntry[] = [];
  for (let page = 0; page < MAX_PAGES; page += 1) {
    const answer = await api.get('/v1/governance', governancePage, { from: `${entries.length}` });
    if (answer.kind === 'refused') {
      throw cliFault('governance-mismatch', `the governance log cannot be had: ${answer.code}`, answer.facts);
    }
    for (const entry of answer.value.entries) entries.push(entry);
    if (entries.length > MAX_ENTRIES) {
      throw cliFault('governance-mismatch', 'the governance log has no end', { entries: entries.length });
    }
    if (answer.value.nextFrom !== entries.length || answer.value.entries.length === 0) break;
  }
  return entries;
}

/** From `--log` or the configured file if there is one, else from the API. */
export async function knownGovernance(
  given: Given<PinOptions>,
  api: Api | undefined,
): Promise<KnownGovernance> {
  const file = given.options.log ?? (api === undefined ? given.config.log : undefined);
  const pinned = given.options.deployment ?? given.config.deployment;
  if (file !== undefined) return replayed(readLog(file), pinned);
  if (api === undefined) {
    throw cliFault('setting-missing', 'say --log FILE, or put "log" into the configuration', {
      setting: 'log',
    });
  }
  return replayed(await fetchLog(api), pinned);
}

/**
 * The newest log that this person knows: the named file, the configured one and the API's, of which each must be a part of the
 * longest. A log that was cut short would bring back people who were removed; whoever signs under it compares all that
 * they have. Faults `governance-mismatch` where two logs go apart, `setting-missing` without any.
 */
export async function newestGovernance(
  given: Given<PinOptions>,
  api: Api | undefined,
): Promise<KnownGovernance> {
  const pinned = given.options.deployment ?? given.config.deployment;
  const files = new Set([given.options.log, given.config.log].filter((file) => file !== undefined));
  const logs = [...files].map((file) => replayed(readLog(file), pinned));
  const served = api === undefined ? undefined : await servedLog(given, api, logs.length > 0);
  if (served !== undefined) logs.push(replayed(served, pinned));
  const [newest, ...others] = logs.toSorted((one, other) => other.entries.length - one.entries.length);
  if (newest === undefined) return knownGovernance(given, undefined);
  for (const { state } of others) {
    if (newest.state.history[state.sequence] === state.head) continue;
    throw cliFault('governance-mismatch', 'two of the governance logs at hand go apart', {
      at: state.sequence,
      one: newest.state.history[state.sequence] ?? '',
      other: state.head,
    });
  }
  return needPinned(newest);
}

/** The API's log; none, and a word about it, when it does not answer and there is another one to go by. */
async function servedLog(
  { terminal }: Given<PinOptions>,
  api: Api,
  hasOther: boolean,
): Promise<GovernanceEntry[] | undefined> {
  try {
    return await fetchLog(api);
  } catch (error) {
    const isAway = error instanceof Fault && ['api-unreachable', 'api-unavailable'].includes(error.code);
    if (!isAway || !hasOther) throw error;
    terminal.tell([
      [attention('Note: '), 'the API does not answer, so only the log in the file was looked at.'],
      '  Ask the other officers by another channel whether theirs has the same newest entry.',
    ]);
    return undefined;
  }
}

/**
 * For what rests on the log: an API that may choose the log can choose everything in it, addresses and names of chains
 * included. Faults `setting-missing`.
 */
export function needPinned(known: KnownGovernance): KnownGovernance {
  if (known.pinned) return known;
  throw cliFault(
    'setting-missing',
    'say --deployment ID, or put "deployment" into the configuration: without it, this log could be anybody\'s',
    { setting: 'deployment', served: known.state.deploymentId },
  );
}

/** Said wherever a log was replayed without knowing which deployment it should be. */
export function notPinned(): Line {
  return [
    attention('Note: '),
    'no deployment id is configured, so this log is only known to agree with itself. See --deployment.',
  ];
}

/** What the configured log file comes to, for showing names and units; undefined when none is configured. */
export function configuredState({ config }: Given<unknown>): GovernanceState | undefined {
  return config.log === undefined ? undefined : replayed(readLog(config.log), config.deployment).state;
}
