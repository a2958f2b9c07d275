// An act of one person: an entry of governance that one signature makes, handed in at once, through the API or at the
// signer's own host without the orchestrator. Where another entry was faster it is made anew on top of that one, unasked as
// long as it still does what the person was shown. What is done, and what is said of it, is each command's.

import { z } from 'zod';
import { accepted, type Outcome } from '../core/fault.js';
import { draftEntry, type PossibleEntry } from '../core/governance/draft.js';
import { type Change, type EntryBody, entryBytes, type GovernanceEntry } from '../core/governance/entry.js';
import { vetoRoster } from '../core/governance/last-veto.js';
import { checkQuorum } from '../core/governance/quorum.js';
import type { GovernanceState, Signers } from '../core/governance/state.js';
import { wordsOfChange } from '../core/governance/words.js';
import { asOfficerHere, checkOwnKey, type OfficerHere } from './caller.js';
import { needed } from './cli-config.js';
import type { Given } from './command-line.js';
import { entryLines } from './entry-words.js';
import { cliFault } from './exit.js';
import { apiDoor, type GovernanceDoor, signersDoor } from './governance-door.js';
import { type KnownGovernance, needPinned, notPinned, replayed } from './governance-log.js';
import type { Line } from './lines.js';
import { officerFlags, officerShape, pinShape, socketFlags, socketShape } from './options.js';

export const actShape = {
  ...socketShape,
  yes: z.boolean().default(false),
  deployment: pinShape.deployment,
  ...officerShape,
};
const actOptions = z.object(actShape);
export type ActOptions = z.infer<typeof actOptions>;

export const actFlags = [
  ...socketFlags,
  ['--yes', 'do not ask'],
  ['--deployment <id>', 'deployment id that you trust'],
  ...officerFlags,
] as const;

/** Who signs, as a state knows them. */
export interface Hand {
  /** Nobody, where it is a key that stands for no person. */
  readonly signers: Signers;
  readonly sign: (body: EntryBody) => Promise<GovernanceEntry>;
}

/** Where the log is read and handed in, and who signs under a state of it. */
export interface Desk {
  readonly door: GovernanceDoor;
  /** Faults `key-mismatch` where the state does not know the key. */
  readonly handIn: (state: GovernanceState) => Promise<Hand>;
}

export interface Act {
  /** What is typed to have it done. */
  readonly word: string;
  /** True where it lets something happen: then the log must lead back to the deployment that the person trusts. */
  readonly loosens: boolean;
  /** The change to make on top of a state; a refusal where there is nothing to make. */
  changeOn(state: GovernanceState): Outcome<Change>;
  /** What to read before the words of the entry itself. */
  explain?(state: GovernanceState): Line[];
}

/**
 * What is typed where one person is not enough: a draft that all of them sign, as a file where the signer's socket was named and
 * else at the API.
 */
export function byAll(kind: Change['kind'], socket: string | undefined): string {
  const asked = `with a change of kind "${kind}"`;
  return socket === undefined
    ? `governance propose, ${asked}`
    : `governance propose --out FILE --socket ${socket}, ${asked}; governance sign FILE by each; governance submit FILE --socket ${socket}`;
}

/** An act that has been done. */
export interface Done {
  readonly door: GovernanceDoor;
  readonly body: EntryBody;
  /** The state that it stands on. */
  readonly before: GovernanceState;
}

/** Entries that others may put before ours while we sign. */
const MOST_TRIES = 5;
const OVERTAKEN: readonly string[] = ['governance-sequence', 'governance-previous-mismatch'];

async function officersHand(here: OfficerHere, state: GovernanceState): Promise<Hand> {
  const { credentialId } = here;
  const { personId, credentialClass, sign } = await checkOwnKey(here, state);
  return {
    signers: new Map([[personId, { credentialId, credentialClass }]]),
    sign: async (body) => {
      const signature = await sign(entryBytes(body));
      return { body, signatures: [{ credentialId, signature }] };
    },
  };
}

/** With what the officer signs with, at the socket that was named or else through the API. */
export function atOfficersDesk<O extends ActOptions, T>(
  given: Given<O>,
  work: (desk: Desk) => Promise<T>,
): Promise<T> {
  const { socket } = given.options;
  return asOfficerHere(given, (here) =>
    work({
      door: socket === undefined ? apiDoor(needed(here.api, 'api', '--api URL')) : signersDoor(socket),
      handIn: (state) => officersHand(here, state),
    }),
  );
}

async function confirm(
  { terminal, options: { yes } }: Given<ActOptions>,
  { state, pinned }: KnownGovernance,
  act: Act,
  { body, after }: PossibleEntry,
): Promise<void> {
  if (!terminal.json || terminal.attended) {
    terminal.tell([...(act.explain?.(state) ?? []), ...entryLines(body, state, after), '']);
  }
  if (!pinned) terminal.tell([notPinned(), '']);
  if (yes) return;
  const typed = await terminal.ask(`Type ${act.word} to sign it and hand it in, anything else to stop: `);
  if (typed.trim().toLowerCase() !== act.word) throw cliFault('not-confirmed', 'nothing was signed');
}

/**
 * Makes the entry, shows it, asks, signs it and hands it in. Refusals are the signer's own, or what this machine's replay
 * says before. Faults `not-confirmed` too where it would not do any more, on top of another entry, what was shown.
 */
export async function doAct<O extends ActOptions>(
  given: Given<O>,
  act: Act,
  { door, handIn }: Desk,
): Promise<Outcome<Done>> {
  const { clock, config, options } = given;
  const pinned = options.deployment ?? config.deployment;
  let shown: string | undefined;
  for (let tries = 1; ; tries += 1) {
    const known = replayed(await door.read(), pinned);
    if (act.loosens) needPinned(known);
    const before = known.state;
    const change = act.changeOn(before);
    if (change.kind === 'refused') return change;
    // Who was taken out of the group that vetoes may still do that.
    const roster = change.value.kind === 'vetoed' ? vetoRoster(before, change.value.entry) : before;
    const { signers, sign } = await handIn(roster);
    const enough = checkQuorum(roster, change.value, signers);
    if (enough.kind === 'refused') return enough;
    const possible = draftEntry(before, change.value, clock.nowMs(), signers);
    if (possible.kind === 'refused') return possible;
    const { body, after } = possible.value;
    const words = JSON.stringify(wordsOfChange(before, after));
    if (shown === undefined) await confirm(given, known, act, possible.value);
    else if (words !== shown) {
      throw cliFault('not-confirmed', 'another entry was faster, and this one would do something else now');
    }
    shown = words;
    const answer = await door.append(await sign(body));
    if (answer.kind === 'accepted') return accepted({ door, body, before });
    if (tries >= MOST_TRIES || !OVERTAKEN.includes(answer.code)) return answer;
  }
}
