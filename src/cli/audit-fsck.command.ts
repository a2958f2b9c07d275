// `portcullis audit fsck`: the audit log in the orchestrator's database, held against the records that it is about. The
// orchestrator's own program does it, with its own settings; here is what people read of it.

import type { Command } from 'commander';
import { z } from 'zod';
import { accepted, type Outcome } from '../core/fault.js';
import type { Answer, CommandLine, Given } from './command-line.js';
import { cliFault, EXIT } from './exit.js';
import { attention, bad, fields, good, type Line, strong } from './lines.js';
import { ask, lastWords, programOf } from './programs.js';

/** Every entry and record is read: an hour is for a log of many millions. */
const ANSWER_WITHIN_MS = 60 * 60_000;

const finding = z.looseObject({ kind: z.string() });
const report = z.object({
  entries: z.int(),
  records: z.int(),
  waiting: z.int(),
  checkpoints: z.int(),
  forgotten: z.int(),
  findings: z.array(finding),
  origin: z.string().nullable(),
  governance: z.string().nullable(),
});
type Report = z.infer<typeof report>;

const WORDS: Readonly<Record<string, string>> = {
  'entry-malformed': 'is no entry of this log, or not at its place',
  'entry-missing': 'is not there',
  'record-missing': 'the record that it is about is gone',
  'record-differs': 'the record says something else than was logged',
  'sealed-differs': 'what its salted hash stands for was changed',
  'sealed-missing': 'the salt of the hash of its record is gone',
  'subjects-differ': 'it is not found by what it is about, or by something else',
  'record-not-logged': 'a record never came into the log',
  'row-differs':
    'a row says something else than the request, transition, signature or entry that it follows from',
  'tile-differs': 'a stored hash is not that of the entries',
  'tile-missing': 'stored hashes are not there',
  'root-differs': 'the entries lead to another root',
  'checkpoint-invalid': 'a checkpoint is not signed by the key that governance names',
};

function findingLine({ kind, ...facts }: z.infer<typeof finding>): Line {
  const where = Object.entries(facts).map(([name, value]) => `${name} ${String(value)}`);
  return [bad('✗ '), strong(where.join(', ')), ': ', WORDS[kind] ?? kind];
}

function linesOf(found: Report): Line[] {
  const isWhole = found.findings.length === 0;
  return [
    isWhole
      ? [good('✓'), ' the audit log agrees with itself and with every record']
      : [bad('✗'), ` ${found.findings.length} things do not agree`],
    ...fields([
      ['log', found.origin ?? 'governance names none: its checkpoints were not looked at'],
      ['entries', `${found.entries}`],
      ['records held against them', `${found.records}`],
      ['in line for the log', `${found.waiting}`],
      ['checkpoints', `${found.checkpoints}`],
      ['forgotten', `${found.forgotten}`],
    ]),
    ...(found.governance === null
      ? []
      : [[attention('! '), `the mirrored governance log does not replay: ${found.governance}`]]),
    ...found.findings.map(findingLine),
  ];
}

async function fsck(_given: Given<object>, file: string): Promise<Outcome<Answer>> {
  const program = programOf('orchestrator');
  if (program === undefined) {
    throw cliFault('arguments-invalid', 'the orchestrator is not installed here: run this on its host');
  }
  const answered = await ask(program, ['fsck', '--config', file], ANSWER_WITHIN_MS);
  let found: Report;
  try {
    found = report.parse(JSON.parse(answered.output));
  } catch (cause) {
    const words = lastWords(answered);
    throw cliFault(
      'configuration-invalid',
      words === '' ? 'the orchestrator gave no answer' : words,
      {},
      cause,
    );
  }
  const isSound = found.findings.length === 0 && found.governance === null;
  return accepted({ json: found, lines: linesOf(found), exit: isSound ? EXIT.ok : EXIT.refused });
}

/** Into the group of the log's commands. */
export function auditFsckCommand(cli: CommandLine, audit: Command): void {
  cli.add(
    audit,
    {
      usage: 'fsck <file>',
      summary: "check the audit log in the orchestrator's database against everything that it is about",
      description:
        'On the host of the orchestrator, whose configuration is named. Works out every hash again, holds every entry against its record and every record against the log, opens every checkpoint, and names what was edited, deleted, inserted or moved. The orchestrator may run meanwhile. Exit code 0: all agree; 1: something does not. Against a log that was made anew as a whole only a mirror helps: `audit mirror`.',
      example: 'audit fsck /etc/portcullis/orchestrator/portcullis.yaml',
    },
    [],
    z.object({}),
    fsck,
  );
}
