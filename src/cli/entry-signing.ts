// Before an officer signs an entry, wherever it comes from: does it stand on what they know, and have they read it?

import { type Change, type EntryBody, entryHash } from '../core/governance/entry.js';
import type { GovernanceState } from '../core/governance/state.js';
import { quorumWords, wantedFor } from '../core/governance/wanted.js';
import type { Given } from './command-line.js';
import { cliFault } from './exit.js';
import type { Line } from './lines.js';

/** Faults `governance-mismatch` when an entry is not the next one of this log. */
export function checkPlace(body: EntryBody, state: GovernanceState): void {
  if (body.deploymentId !== state.deploymentId) {
    throw cliFault('governance-mismatch', 'the entry is for another deployment', {
      entry: body.deploymentId,
    });
  }
  if (body.sequence !== state.sequence + 1 || body.previous !== state.head) {
    throw cliFault(
      'governance-mismatch',
      'the entry does not stand on top of the newest one: propose it anew',
      {
        entry: body.sequence,
        newest: state.sequence,
      },
    );
  }
}

/** Shows it and asks. Faults `not-confirmed`, `confirmation-needed`. */
export async function confirmEntry(
  { terminal, options }: Given<{ readonly yes: boolean }>,
  body: EntryBody,
  lines: readonly Line[],
): Promise<void> {
  if (!terminal.json || terminal.attended) terminal.tell([...lines, '']);
  if (options.yes) return;
  const wanted = entryHash(body).slice(0, 8);
  const typed = await terminal.ask('Type the first 8 digits of the hash to sign it, anything else to stop: ');
  if (typed.toLowerCase() !== wanted) throw cliFault('not-confirmed', 'the digits do not match');
}

/** Whose signatures an entry needs, under the state before it: `2 of governors (1 with a display)`. */
export function wantedWords({ change }: EntryBody, state: GovernanceState): string {
  return wantedFor(change, state).map(quorumWords).join(' and ');
}

const AT_ONCE: Partial<Record<Change['kind'], string>> = {
  frozen: 'portcullis governance freeze',
  activated: 'portcullis governance activate',
  vetoed: 'portcullis governance veto',
};

/** The same, and what does it all at once where one is enough. */
export function signersFor(body: EntryBody, state: GovernanceState): string {
  const takesOne = wantedFor(body.change, state).every(({ threshold }) => threshold === 1);
  const command = takesOne ? AT_ONCE[body.change.kind] : undefined;
  const who = wantedWords(body, state);
  return command === undefined ? `${who}, each` : `${who} (${command} does it all at once)`;
}
