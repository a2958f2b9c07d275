// `portcullis audit`: the public form of an audit log in a folder, checked as a whole, and proofs from it for people who do
// not have all of it. Offline, and without any trust in who keeps the log.

import { z } from 'zod';
import { checkPublicForm, type Finding } from '../core/audit/public-form.js';
import { base64Of } from '../core/audit/texts.js';
import { accepted, type Outcome } from '../core/fault.js';
import { nativeVerifier } from '../platform/native-verifier.js';
import { auditFsckCommand } from './audit-fsck.command.js';
import { auditLookupCommands } from './audit-lookup.commands.js';
import { checkpointFields, isProofFile, verifyProofFile } from './audit-proof-file.js';
import { opened, proveEntry, proveFrom, proveTransfer } from './audit-prove.js';
import type { Answer, CommandLine, Given } from './command-line.js';
import { cliFault, EXIT } from './exit.js';
import { attention, bad, faint, good, type Line, strong } from './lines.js';
import { logFolder } from './log-folder.js';
import { logKeyFlags, logKeyFrom } from './options.js';
import { transferIdFrom } from './transfer.commands.js';

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

async function verify(
  { options }: Given<z.infer<typeof verifyOptions>>,
  folder: string,
): Promise<Outcome<Answer>> {
  const key = logKeyFrom(options.key);
  if (isProofFile(folder)) return verifyProofFile(folder, key);
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
const proveOptions = z.object({
  entry: countOption,
  from: countOption,
  transfer: z.string().exactOptional(),
});

async function prove(
  { options: { entry, from, transfer } }: Given<z.infer<typeof proveOptions>>,
  folder: string,
): Promise<Outcome<Answer>> {
  if ([entry, from, transfer].filter((one) => one !== undefined).length !== 1)
    throw cliFault('arguments-invalid', 'one of --entry, --transfer and --from');
  const transferId = transfer === undefined ? undefined : transferIdFrom(transfer);
  const log = await opened(logFolder(folder));
  if (log.kind === 'refused') return log;
  if (entry !== undefined) return proveEntry(log.value, entry);
  if (transferId !== undefined) return proveTransfer(log.value, transferId);
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
      summary: 'check all of an audit log, or a proof from it, against its signed checkpoint',
      description:
        'A folder with the log, or a file with what `audit prove --json` printed. Verifies the checkpoint with the key that you know from elsewhere, works all tiles out again from the entries, and names every file, hash and entry that does not agree; of a proof, the entries that it is about. Needs no network. Exit code 0: all agree; 1: something does not.',
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
      summary:
        'a proof that an entry, or all about a transfer, is in the log, or that the log has only grown',
      description:
        "Prints a proof for somebody who has a checkpoint and not the log; `audit verify` verifies what it printed as JSON. It is tried against the root in the folder's checkpoint first; the checkpoint's signature is for whoever gets the proof to verify.",
      example: 'audit prove audit-log --entry 4711',
    },
    [
      ['--entry <n>', 'that this entry, counted from 0, is in the log'],
      ['--transfer <id>', 'that all entries are in it that name this transfer'],
      ['--from <size>', 'that the log began as it was when it had so many entries'],
    ],
    proveOptions,
    prove,
  );
}
