// `portcullis governance pending`, `activate` and `veto`: what waits in governance, and the one signature that lets it act or
// ends it. What an entry would do is said from this machine's own replay; how long it still waits is the signer's measure.

import type { Command } from 'commander';
import { z } from 'zod';
import { accepted, type Outcome, refused } from '../core/fault.js';
import { entryHash } from '../core/governance/entry.js';
import { takesCredentials } from '../core/governance/last-veto.js';
import { spanWords } from '../core/governance/names.js';
import type { GovernanceState, PendingEntry } from '../core/governance/state.js';
import { quorumWords, wantedFor } from '../core/governance/wanted.js';
import { wordsOfWaiting } from '../core/governance/words.js';
import { displayName } from '../core/statements/fields.js';
import type { PendingReport } from '../signer-protocol/messages.js';
import { asOfficer } from './caller.js';
import type { Answer, CommandLine, Given } from './command-line.js';
import { wordLines } from './entry-words.js';
import { cliFault } from './exit.js';
import { apiDoor, type GovernanceDoor, signersDoor } from './governance-door.js';
import { notPinned, replayed } from './governance-log.js';
import { attention, fields, good, grouped, type Line, strong } from './lines.js';
import { type Act, actFlags, actShape, atOfficersDesk, byAll, type Done, doAct } from './one-person.js';
import { officerFlags, officerShape, pinShape, socketFlags, socketShape } from './options.js';
import { instant } from './words.js';

/** So many digits of a hash name an entry among those that wait. */
const hashStart = z
  .string()
  .transform((text) => text.replaceAll(/[\s-]/g, '').toLowerCase())
  .pipe(z.string().regex(/^[0-9a-f]{8,64}$/));

/** Faults `arguments-invalid`; refuses `governance-not-pending`. */
function waitingEntry({ pending }: GovernanceState, text: string): Outcome<PendingEntry> {
  const start = hashStart.safeParse(text);
  if (!start.success) {
    throw cliFault('arguments-invalid', 'say at least the first 8 digits of the hash of an entry that waits');
  }
  const [found, another] = [...pending.values()].filter(({ hash }) => hash.startsWith(start.data));
  if (another) throw cliFault('arguments-invalid', 'more than one entry that waits begins like this');
  return found ? accepted(found) : refused('governance-not-pending', { entry: start.data });
}

/** Who may let it act: of the veto group, and not of those who signed it. */
function activators(state: GovernanceState, { hash }: PendingEntry): readonly string[] {
  return wantedFor({ kind: 'activated', entry: hash }, state)[0]?.candidates ?? [];
}

function activatorWords(state: GovernanceState, entry: PendingEntry): string {
  const [, ...beside] = wantedFor({ kind: 'activated', entry: entry.hash }, state);
  const safu = beside.map((one) => `, and ${quorumWords(one)} for SAFU`).join('');
  return `one of ${activators(state, entry).join(', ') || 'nobody'}${safu}`;
}

function vetoWords({ timelock, lastVetoes }: GovernanceState, { change }: PendingEntry): string {
  const last = takesCredentials(change) ? [] : [...lastVetoes.values()].map(({ personId }) => personId);
  const { veto } = timelock;
  return quorumWords({ ...veto, group: [veto.group, ...new Set(last)].join(', ') });
}

function doingLines(state: GovernanceState, entry: PendingEntry): Line[] {
  const words = wordsOfWaiting(state, entry);
  return words ? wordLines(words) : [[attention('As things are now, it could not act any more.')]];
}

function leftWords(leftMs: number | undefined, { delayMs }: PendingEntry): string {
  if (leftMs === undefined) return `not known: the signer was not asked; ${spanWords(delayMs)} in all`;
  // Rounded up: what is not over is not said to be over.
  const minutes = Math.ceil(leftMs / 60_000);
  return leftMs === 0
    ? 'it has waited'
    : `${Math.floor(minutes / 60)} h ${minutes % 60} min, of time in which the signer runs`;
}

function waitingLines(state: GovernanceState, entry: PendingEntry, leftMs: number | undefined): Line[] {
  return [
    [strong(`Entry ${entry.sequence}`), ', once it is activated:'],
    ...doingLines(state, entry),
    ...fields([
      ['hash', [strong(grouped(entry.hash, 8))]],
      ['signed by', `${[...entry.signers.keys()].join(', ')}, ${instant(entry.createdAtMs)}`],
      ['still to wait', leftWords(leftMs, entry)],
      ['activated by', activatorWords(state, entry)],
      ['vetoed by', vetoWords(state, entry)],
    ]),
  ];
}

function pendingAnswer(
  state: GovernanceState,
  pinned: boolean,
  saidBy: GovernanceDoor['saidBy'],
  reports: readonly PendingReport[] | undefined,
): Answer {
  const leftMs = (hash: string) => reports?.find((report) => report.hash === hash)?.leftMs;
  const waiting = [...state.pending.values()];
  return {
    json: {
      saidBy,
      pinned,
      pending: waiting.map((entry) => ({
        ...entry,
        signers: [...entry.signers.keys()],
        leftMs: leftMs(entry.hash) ?? null,
        activators: activators(state, entry),
      })),
    },
    lines: [
      ...(waiting.length === 0 ? ['Nothing waits.'] : []),
      ...waiting.flatMap((entry, index) => [
        ...(index === 0 ? [] : ['']),
        ...waitingLines(state, entry, leftMs(entry.hash)),
      ]),
      ...(pinned ? [] : ['', notPinned()]),
    ],
  };
}

const pendingOptions = z.object({
  ...socketShape,
  deployment: pinShape.deployment,
  ...officerShape,
});

async function readPending(
  { config, options }: Given<z.infer<typeof pendingOptions>>,
  door: GovernanceDoor,
): Promise<Outcome<Answer>> {
  const { state, pinned } = replayed(await door.read(), options.deployment ?? config.deployment);
  return accepted(pendingAnswer(state, pinned, door.saidBy, await door.pending()));
}

export function activation(text: string, socket?: string): Act {
  return {
    word: 'activate',
    loosens: true,
    changeOn: (state) => {
      const found = waitingEntry(state, text);
      if (found.kind === 'refused') return found;
      const change = { kind: 'activated', entry: found.value.hash } as const;
      const [, beside] = wantedFor(change, state);
      return beside
        ? refused('governance-quorum-missing', {
            group: beside.group ?? 'anybody',
            needed: beside.threshold,
            counted: 0,
            instead: byAll('activated', socket),
          })
        : accepted(change);
    },
  };
}

export function vetoing(text: string, why: string, socket?: string): Act {
  return {
    word: 'veto',
    loosens: false,
    changeOn: (state) => {
      const found = waitingEntry(state, text);
      if (found.kind === 'refused') return found;
      const { group, threshold } = state.timelock.veto;
      return threshold === 1
        ? accepted({ kind: 'vetoed', entry: found.value.hash, why })
        : refused('governance-quorum-missing', {
            group,
            needed: threshold,
            counted: 1,
            instead: byAll('vetoed', socket),
          });
    },
    explain: (state) => {
      const found = waitingEntry(state, text);
      if (found.kind === 'refused') return [];
      return ['This is what will not be:', ...doingLines(state, found.value), ''];
    },
  };
}

function doneAnswer({ door, body }: Done, entry: string, words: string): Answer {
  const { sequence } = body;
  const whose = door.saidBy === 'signer' ? 'The signer' : 'The orchestrator says that the signer';
  return {
    json: { sequence, hash: entryHash(body), entry, saidBy: door.saidBy },
    lines: [
      [
        good(door.saidBy === 'signer' ? 'Done.' : 'Handed in.'),
        ` ${whose} has it as entry ${sequence}: ${words}`,
      ],
      ...(door.saidBy === 'signer'
        ? []
        : [
            [
              attention("  It is the orchestrator's word alone."),
              ' portcullis governance log reads the log.',
            ],
          ]),
    ],
  };
}

const activateOptions = z.object(actShape);
const vetoOptions = z.object({ why: displayName, ...actShape });

async function doneWith<O extends z.infer<typeof activateOptions>>(
  given: Given<O>,
  act: Act,
  words: string,
): Promise<Outcome<Answer>> {
  const done = await atOfficersDesk(given, (desk) => doAct(given, act, desk));
  if (done.kind === 'refused') return done;
  const { change } = done.value.body;
  const entry = change.kind === 'activated' || change.kind === 'vetoed' ? change.entry : '';
  return accepted(doneAnswer(done.value, entry, words));
}

export function waitingCommands(cli: CommandLine, governance: Command): void {
  cli.add(
    governance,
    {
      usage: 'pending',
      summary: 'show what waits, what it would do, and how long it still has to wait',
      description:
        "Says what each entry that waits would do if it acted now, who signed it, who can activate or veto it, and how long it still waits by the signer's own measure. With --socket it asks the signer and needs no token.",
      example: 'governance pending --config alice.yaml',
    },
    [...socketFlags, ['--deployment <id>', 'deployment id that you trust'], ...officerFlags],
    pendingOptions,
    (given) => {
      const { socket } = given.options;
      return socket === undefined
        ? asOfficer(given, ({ api }) => readPending(given, apiDoor(api)))
        : readPending(given, signersDoor(socket));
    },
  );

  cli.add(
    governance,
    {
      usage: 'activate <hash>',
      summary: 'let an entry act that has waited: your signature, if you did not sign it before',
      description:
        'Shows what the entry does from now on, asks, signs an activation with your token and hands it to the signer, which takes it only when the entry has waited by its own measure.',
      example: 'governance activate 5f2c91aa --config dora.yaml',
    },
    actFlags,
    activateOptions,
    (given, hash = '') => doneWith(given, activation(hash, given.options.socket), 'what waited is in force.'),
  );

  cli.add(
    governance,
    {
      usage: 'veto <hash>',
      summary: 'end an entry that waits: your signature alone, at once',
      description:
        'Shows what the entry would do, asks, signs a veto with your token and hands it to the signer, through the API or, with --socket, at its own host. Where a veto takes several persons, they all sign a proposal, or a file at that host.',
      example: 'governance veto 5f2c91aa --why "nobody told us" --config dora.yaml',
    },
    [['--why <text>', 'for the log; at most 64 characters'], ...actFlags],
    vetoOptions,
    (given, hash = '') =>
      doneWith(given, vetoing(hash, given.options.why, given.options.socket), 'what waited never acts.'),
  );
}
