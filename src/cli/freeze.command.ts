// `portcullis governance freeze`: one officer stops the signer, at once. Nothing about it is to be in the way: it needs no
// other officer, and at the signer's own host no orchestrator. What it signs can only stop something, so it may be signed
// again, unasked, where another entry was faster.

import type { Command } from 'commander';
import { z } from 'zod';
import { accepted, type Outcome } from '../core/fault.js';
import { draftEntry, type PossibleEntry } from '../core/governance/draft.js';
import {
  type Change,
  type EntryBody,
  entryBytes,
  entryHash,
  type FreezeScope,
  type GovernanceEntry,
} from '../core/governance/entry.js';
import { scopeWords } from '../core/governance/names.js';
import { displayName, identifier } from '../core/statements/fields.js';
import { governanceHead } from '../sdk/shapes.js';
import { asOfficerHere, checkOwnKey, type OfficerHere } from './caller.js';
import { needed } from './cli-config.js';
import type { Answer, CommandLine, Given } from './command-line.js';
import { entryLines } from './entry-words.js';
import { cliFault } from './exit.js';
import { fetchLog, type KnownGovernance, notPinned, replayed } from './governance-log.js';
import { attention, good, type Line } from './lines.js';
import { signWithToken } from './officer-token.js';
import { officerFlags, officerShape, pinShape } from './options.js';
import { appendAtDoor, readAtDoor } from './signer-door.js';

const options = z.object({
  wallet: identifier.exactOptional(),
  everything: z.boolean().default(false),
  why: displayName,
  socket: z.string().min(1).exactOptional(),
  yes: z.boolean().default(false),
  deployment: pinShape.deployment,
  ...officerShape,
});
type Options = z.infer<typeof options>;

/** Where the log is read, and the entry handed in. */
interface Door {
  /** Whose word it is that the signer has the entry. */
  readonly isSigner: boolean;
  read(): Promise<readonly GovernanceEntry[]>;
  append(entry: GovernanceEntry): Promise<Outcome<z.infer<typeof governanceHead>>>;
}

/** Entries that others may put before ours while we sign. */
const MOST_TRIES = 5;
const MOST_PAGES = 20_001;
const OVERTAKEN: readonly string[] = ['governance-sequence', 'governance-previous-mismatch'];

async function readWhole(path: string): Promise<GovernanceEntry[]> {
  const entries: GovernanceEntry[] = [];
  for (let page = 0; page < MOST_PAGES; page += 1) {
    const { entries: more, sequence } = await readAtDoor(path, entries.length);
    entries.push(...more);
    if (more.length === 0 || entries.length > sequence) break;
  }
  return entries;
}

function doorOf({ options: { socket } }: Given<Options>, { api }: OfficerHere): Door {
  if (socket !== undefined) {
    return {
      isSigner: true,
      read: () => readWhole(socket),
      append: (entry) => appendAtDoor(socket, entry),
    };
  }
  const served = needed(api, 'api', '--api URL');
  return {
    isSigner: false,
    read: () => fetchLog(served),
    append: (entry) => served.post('/v1/governance/entries', entry, governanceHead),
  };
}

function changeFor({ everything, wallet, why }: Options): Extract<Change, { kind: 'frozen' }> {
  if (everything === (wallet !== undefined)) {
    throw cliFault('arguments-invalid', 'say --wallet ID, or --everything', {});
  }
  const scope =
    wallet === undefined ? ({ kind: 'everything' } as const) : { kind: 'wallet' as const, walletId: wallet };
  return { kind: 'frozen', scope, why };
}

async function confirm(
  { terminal, options: { yes } }: Given<Options>,
  known: KnownGovernance,
  { body, after }: PossibleEntry,
): Promise<void> {
  if (!terminal.json || terminal.attended) terminal.tell([...entryLines(body, known.state, after), '']);
  if (!known.pinned) terminal.tell([notPinned(), '']);
  if (yes) return;
  const typed = await terminal.ask('Type freeze to sign it and hand it in, anything else to stop: ');
  if (typed.trim().toLowerCase() !== 'freeze') throw cliFault('not-confirmed', 'nothing was signed');
}

async function signedBy(here: OfficerHere, body: EntryBody, publicKey: string): Promise<GovernanceEntry> {
  const { credentialId, keyLabel, token } = here;
  const signature = await signWithToken(token, keyLabel, publicKey, entryBytes(body));
  return { body, signatures: [{ credentialId, signature }] };
}

/** Over the API this is the orchestrator's word, and it may be the orchestrator that was taken over. */
function frozenLines({ isSigner }: Door, sequence: number, scope: FreezeScope): Line[] {
  const stops = `nothing is signed any more for ${scopeWords(scope)}.`;
  if (isSigner) return [[good('Frozen.'), ` The signer has it as entry ${sequence}: ${stops}`]];
  return [
    [good('Handed in.'), ` The orchestrator says that the signer has it as entry ${sequence}: then ${stops}`],
    [
      attention("  It is the orchestrator's word alone."),
      " To be sure, freeze at the signer's host: --socket.",
    ],
  ];
}

async function freeze(given: Given<Options>): Promise<Outcome<Answer>> {
  const change = changeFor(given.options);
  const pinned = given.options.deployment ?? given.config.deployment;
  return asOfficerHere(given, async (here) => {
    const door = doorOf(given, here);
    for (let tries = 1; ; tries += 1) {
      const known = replayed(await door.read(), pinned);
      const { publicKey } = await checkOwnKey(here, known.state);
      const possible = draftEntry(known.state, change, given.clock.nowMs());
      if (possible.kind === 'refused') return possible;
      const { body } = possible.value;
      if (tries === 1) await confirm(given, known, possible.value);
      const answer = await door.append(await signedBy(here, body, publicKey));
      if (answer.kind === 'refused') {
        if (tries < MOST_TRIES && OVERTAKEN.includes(answer.code)) continue;
        return answer;
      }
      const { sequence } = body;
      return accepted({
        json: {
          sequence,
          hash: entryHash(body),
          scope: change.scope,
          saidBy: door.isSigner ? 'signer' : 'orchestrator',
        },
        lines: [
          ...frozenLines(door, sequence, change.scope),
          '  A quorum thaws it: portcullis governance propose, with a change of kind "thawed".',
        ],
      });
    }
  });
}

export function freezeCommand(cli: CommandLine, governance: Command): void {
  cli.add(
    governance,
    {
      usage: 'freeze',
      summary: 'stop the signer, for a wallet or for all: your signature alone, at once',
      description:
        "Signs a freeze with your token and hands it to the signer, through the API or, with --socket, at the signer's own host. Nothing leaves the signer for what is frozen until a quorum thaws it.",
      example: 'governance freeze --wallet hot-btc --why "payments nobody asked for" --config alice.yaml',
    },
    [
      ['--wallet <id>', 'freeze this wallet'],
      ['--everything', 'freeze all wallets'],
      ['--why <text>', 'for the log; at most 64 characters'],
      ['--socket <path>', "the signer's socket, in place of the API"],
      ['--yes', 'do not ask'],
      ['--deployment <id>', 'deployment id that you trust'],
      ...officerFlags,
    ],
    options,
    freeze,
  );
}
