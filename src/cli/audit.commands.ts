// `portcullis audit`: the public form of an audit log in a folder, checked as a whole, and proofs from it for people who do
// not have all of it. Offline, and without any trust in who keeps the log.

import { z } from 'zod';
import { entriesOf } from '../core/audit/bundle.js';
import { type Checkpoint, parseCheckpoint } from '../core/audit/checkpoint.js';
import { leafHash } from '../core/audit/merkle.js';
import { parseNote } from '../core/audit/note.js';
import { proveConsistency, proveInclusion, rootAt } from '../core/audit/prove.js';
import { checkPublicForm, type Finding, type PublicForm } from '../core/audit/public-form.js';
import { base64Of } from '../core/audit/texts.js';
import { CHECKPOINT_PATH, TILE_WIDTH, tileAt } from '../core/audit/tile-path.js';
import { readTileFile, type StoredLog } from '../core/audit/tiles.js';
import { verifyConsistency, verifyInclusion } from '../core/audit/verify-proof.js';
import { accepted, type Outcome, refused } from '../core/fault.js';
import { nativeVerifier } from '../platform/native-verifier.js';
import { auditFsckCommand } from './audit-fsck.command.js';
import { auditLookupCommands } from './audit-lookup.commands.js';
import type { Answer, CommandLine, Given } from './command-line.js';
import { cliFault, EXIT } from './exit.js';
import { attention, bad, faint, fields, good, type Line, strong } from './lines.js';
import { logFolder } from './log-folder.js';
import { logKeyFlags, logKeyFrom } from './options.js';

const verifyOptions = z.object({ key: z.string() });

/** What is wrong, after the name of its file. */
function wordsOf(finding: Finding): string {
  switch (finding.kind) {
    case 'file-missing':
      return 'is missing';
    case 'file-malformed':
      return 'is cut off, too long, or not of its form';
    case 'file-unknown':
      return 'is no file of a log';
    case 'file-differs':
      return `begins otherwise than ${finding.from}`;
    case 'tile-differs':
      return `hash ${finding.position} is not that of ${finding.from}`;
    case 'entry-differs':
      return `entry ${finding.entry} is not the one in ${finding.from}`;
    case 'entry-refused':
      return `entry ${finding.entry} is none of an audit log: ${finding.code}`;
    case 'root-differs':
      return `the ${finding.from} lead to another root`;
  }
}

function checkpointFields({ origin, size, root }: Checkpoint): Line[] {
  return fields([
    ['log', origin],
    ['entries', `${size}`],
    ['root', base64Of(root)],
  ]);
}

async function verify(
  { options }: Given<z.infer<typeof verifyOptions>>,
  folder: string,
): Promise<Outcome<Answer>> {
  const key = logKeyFrom(options.key);
  const checked = await checkPublicForm(logFolder(folder), key, nativeVerifier);
  if (checked.kind === 'refused') return checked;
  const { checkpoint, findings, beyond } = checked.value;
  const isWhole = findings.length === 0;
  return accepted({
    json: {
      valid: isWhole,
      origin: checkpoint.origin,
      size: checkpoint.size,
      root: base64Of(checkpoint.root),
      findings,
      beyond,
    },
    lines: [
      isWhole
        ? [good('✓'), ' ', strong(folder), ': every entry and every tile is what the checkpoint says']
        : [
            bad('✗'),
            ' ',
            strong(folder),
            `: ${findings.length === 1 ? 'one thing does' : `${findings.length} things do`} not agree`,
          ],
      ...checkpointFields(checkpoint),
      ...findings.map((finding): Line => [bad('✗ '), strong(finding.path), ': ', wordsOf(finding)]),
      ...beyond.map((path): Line => [attention('! '), path, ' holds more than the checkpoint is about']),
      [faint('Whether it began as the log of an earlier checkpoint: `portcullis audit prove --from SIZE`.')],
    ],
    exit: isWhole ? EXIT.ok : EXIT.refused,
  });
}

const countOption = z
  .string()
  .regex(/^(?:0|[1-9][0-9]{0,15})$/, 'a number of entries')
  .transform(Number)
  .exactOptional();
const proveOptions = z.object({ entry: countOption, from: countOption });

interface Opened {
  readonly log: StoredLog;
  readonly checkpoint: Checkpoint;
  /** As it stands in the folder: whoever gets a proof verifies it with their own key. */
  readonly note: string;
}

async function opened(form: PublicForm): Promise<Outcome<Opened>> {
  const bytes = await form.readTile(CHECKPOINT_PATH);
  if (bytes === undefined) return refused('audit-checkpoint-missing', { path: CHECKPOINT_PATH });
  const note = parseNote(bytes);
  if (note.kind === 'refused') return note;
  const checkpoint = parseCheckpoint(note.value.text);
  if (checkpoint.kind === 'refused') return checkpoint;
  const log = { size: checkpoint.value.size, readTile: (path: string) => form.readTile(path) };
  return accepted({ log, checkpoint: checkpoint.value, note: Buffer.from(bytes).toString('utf8') });
}

async function entryAt(log: StoredLog, index: number): Promise<Outcome<Uint8Array>> {
  const name = tileAt('entries', Math.floor(index / TILE_WIDTH), log.size);
  const file = name && (await readTileFile(log, name));
  if (file === undefined) return refused('audit-tile-missing', { entry: index });
  const entry = entriesOf(file.bytes, file.width)?.[index % TILE_WIDTH];
  return entry ? accepted(entry) : refused('audit-tile-malformed', { path: file.path });
}

async function proveEntry({ log, checkpoint, note }: Opened, index: number): Promise<Outcome<Answer>> {
  const proof = await proveInclusion(log, index, log.size);
  if (proof.kind === 'refused') return proof;
  const entry = await entryAt(log, index);
  if (entry.kind === 'refused') return entry;
  const leaf = leafHash(entry.value);
  const verdict = verifyInclusion(leaf, proof.value, checkpoint.root);
  if (verdict.kind === 'refused') return verdict;
  const path = proof.value.path.map(base64Of);
  return accepted({
    json: { proof: 'inclusion', index, size: log.size, entry: base64Of(entry.value), path, checkpoint: note },
    lines: [
      [good('✓'), ` entry ${index} is in the log of ${log.size} entries`],
      ...fields([
        ['leaf hash', base64Of(leaf)],
        ['beside it', ...(path.length === 0 ? ['nothing: it is the only one'] : path)],
      ]),
      ...checkpointFields(checkpoint),
    ],
  });
}

async function proveFrom({ log, checkpoint, note }: Opened, from: number): Promise<Outcome<Answer>> {
  const proof = await proveConsistency(log, from, log.size);
  if (proof.kind === 'refused') return proof;
  const root = await rootAt(log, from);
  if (root.kind === 'refused') return root;
  const verdict = verifyConsistency(proof.value, root.value, checkpoint.root);
  if (verdict.kind === 'refused') return verdict;
  const path = proof.value.path.map(base64Of);
  return accepted({
    json: {
      proof: 'consistency',
      from,
      size: log.size,
      fromRoot: base64Of(root.value),
      path,
      checkpoint: note,
    },
    lines: [
      [good('✓'), ` the log of ${log.size} entries begins with the one of ${from} that has this root:`],
      ...fields([
        ['root of then', base64Of(root.value)],
        ['hashes', ...(path.length === 0 ? ['none are needed'] : path)],
      ]),
      ...checkpointFields(checkpoint),
      [faint('Compare the root of then with the checkpoint that you kept.')],
    ],
  });
}

async function prove(
  { options: { entry, from } }: Given<z.infer<typeof proveOptions>>,
  folder: string,
): Promise<Outcome<Answer>> {
  if ((entry === undefined) === (from === undefined))
    throw cliFault('arguments-invalid', 'either --entry or --from, and one of them');
  const log = await opened(logFolder(folder));
  if (log.kind === 'refused') return log;
  if (entry !== undefined) return proveEntry(log.value, entry);
  return proveFrom(log.value, from ?? 0);
}

export function auditCommands(cli: CommandLine): void {
  const audit = cli.group(
    'audit',
    'the audit log: its public form in a folder, and what the orchestrator has',
  );
  auditLookupCommands(cli, audit);
  auditFsckCommand(cli, audit);
  cli.add(
    audit,
    {
      usage: 'verify <folder>',
      summary: 'check all of an audit log against its signed checkpoint',
      description:
        'Verifies the checkpoint with the key that you know from elsewhere, works all tiles out again from the entries, and names every file, hash and entry that does not agree. Needs no network. Exit code 0: all agree; 1: something does not.',
      example: 'audit verify audit-log --key exchange.example/audit+3f9a1c0b+AQID…',
    },
    logKeyFlags,
    verifyOptions,
    verify,
  );
  cli.add(
    audit,
    {
      usage: 'prove <folder>',
      summary: 'a proof that an entry is in the log, or that the log has only grown',
      description:
        "Prints a proof for somebody who has a checkpoint and not the log. It is tried against the root in the folder's checkpoint first; the checkpoint's signature is for whoever gets the proof to verify.",
      example: 'audit prove audit-log --entry 4711',
    },
    [
      ['--entry <n>', 'that this entry, counted from 0, is in the log'],
      ['--from <size>', 'that the log began as it was when it had so many entries'],
    ],
    proveOptions,
    prove,
  );
}
