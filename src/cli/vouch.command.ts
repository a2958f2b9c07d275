// `portcullis governance vouch`: once a day a governor says which entry is the newest that they know. Nothing is signed unattended
// without: whoever keeps a freeze or a removal from the signer gains a day at most.

import type { Command } from 'commander';
import { z } from 'zod';
import { accepted, type Outcome } from '../core/fault.js';
import { HEAD_TYPE, type HeadStatement, headBytes } from '../core/governance/fresh-head.js';
import { governanceHeadWord } from '../sdk/shapes.js';
import { asOfficer, checkOwnKey } from './caller.js';
import type { Answer, CommandLine, Given } from './command-line.js';
import { cliFault } from './exit.js';
import { type KnownGovernance, newestGovernance, notPinned } from './governance-log.js';
import { fields, good, grouped, type Line, strong } from './lines.js';
import { officerFlags, officerShape, pinFlags, pinShape } from './options.js';
import { instant } from './words.js';

const options = z.object({ yes: z.boolean().default(false), ...pinShape, ...officerShape });
type Options = z.infer<typeof options>;

function headLines({ state, entries }: KnownGovernance, nowMs: number): Line[] {
  const newest = entries.at(-1)?.body;
  return [
    [strong('You say that this is the newest entry of governance that you know, today.')],
    ...fields([
      ['entry', `number ${state.sequence}, made ${newest ? instant(newest.createdAtMs) : 'never'}`],
      ['what it is', newest?.change.kind ?? ''],
      ['hash', [strong(grouped(state.head, 8))]],
      ['said', instant(nowMs)],
    ]),
    'If you know of a later one, a freeze or somebody who was removed, do not sign: this log is behind.',
  ];
}

async function confirm({ terminal, options: { yes } }: Given<Options>): Promise<void> {
  if (yes) return;
  const typed = await terminal.ask('Type vouch to sign it, anything else to stop: ');
  if (typed.trim().toLowerCase() !== 'vouch') throw cliFault('not-confirmed', 'nothing was signed');
}

async function vouch(given: Given<Options>): Promise<Outcome<Answer>> {
  return asOfficer(given, async (here) => {
    const { api, credentialId } = here;
    const known = await newestGovernance(given, api);
    const { sign } = await checkOwnKey(here, known.state);
    const { deploymentId, sequence, head } = known.state;
    const createdAtMs = given.clock.nowMs();
    const statement: HeadStatement = { type: HEAD_TYPE, deploymentId, sequence, head, createdAtMs };
    const { terminal } = given;
    if (!terminal.json || terminal.attended) terminal.tell([...headLines(known, createdAtMs), '']);
    if (!known.pinned) terminal.tell([notPinned(), '']);
    await confirm(given);
    const signature = await sign(headBytes(statement));
    const answer = await api.post(
      '/v1/governance/head',
      { statement, credentialId, signature },
      governanceHeadWord,
    );
    if (answer.kind === 'refused') return answer;
    const { freshForMs } = answer.value;
    const until = createdAtMs + freshForMs;
    return accepted({
      json: { sequence, head, createdAtMs, freshUntilMs: until },
      lines: [
        [good('Vouched.'), ` Entry ${sequence} is the newest, says ${credentialId}.`],
        `  What nobody approves is signed with it until ${instant(until)}.`,
      ],
    });
  });
}

export function vouchCommand(cli: CommandLine, governance: Command): void {
  cli.add(
    governance,
    {
      usage: 'vouch',
      summary: 'say once a day which entry of governance is the newest',
      description:
        'Replays the newest governance log that this machine can have, compares it with the logs it has, and signs with your token that its last entry is the newest you know. The signer signs what nobody approves only while such a word is fresh.',
      example: 'governance vouch --config alice.yaml',
    },
    [['--yes', 'do not ask'], ...pinFlags, ...officerFlags],
    options,
    vouch,
  );
}
