// `portcullis policy`: what is wrong with policy documents, and what they would say of a transfer, before anybody signs them. How
// these commands are called; what each does is in a file of its own.

import { transferKind } from '../core/statements/fields.js';
import type { CommandLine } from './command-line.js';
import { LOG_FLAG } from './policy-documents.js';
import { check, checkOptions } from './policy-check.command.js';
import { explainOptions, explainTransfer } from './policy-explain.command.js';
import { replay, replayOptions } from './policy-replay.command.js';
import { simulateOptions, simulateTransfer } from './policy-simulate.command.js';
import { officerFlags, pinFlags } from './options.js';

const KIND_FLAG = ['--kind <kind>', `what it is: ${transferKind.options.join(', ')}`, 'withdrawal'] as const;

export function policyCommands(cli: CommandLine): void {
  const policy = cli.group('policy', 'policy documents, before anybody signs them');
  cli.add(
    policy,
    {
      usage: 'check [files...]',
      summary: 'what is wrong with policy documents',
      description:
        'Reads all documents of a deployment together, as the signer would, against what a governance log knows of wallets, assets and groups. Names the line and what is wrong with it. Without files: the documents in force.',
      example: 'policy check policies/*.policy.yaml --log governance.json',
    },
    [LOG_FLAG],
    checkOptions,
    (given, ...files) => check(given, files),
  );
  cli.add(
    policy,
    {
      usage: 'explain [files...]',
      summary: 'what policies say of a transfer, and why no other rule decided',
      description:
        'Decides about a transfer that need not exist, or with --transfer about one that somebody asked for, under the documents in force or those in files. What was signed is explained from its certificate, by the documents, facts, knowledge and limits of then; of what was not, the answer says what was not looked up. Consumes nothing. Exit code 0: it may leave, perhaps with approvals; 1: it is refused.',
      example:
        'policy explain --wallet hot-btc --amount "0.5 BTC" --to bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080 --requester payouts --customer customer-7 --log governance.json',
    },
    [
      ['--transfer <id>', 'a transfer that somebody asked for, in place of all that is imagined'],
      ['--wallet <id>', 'the wallet that pays'],
      ['--amount <amount>', 'like "0.5 BTC"'],
      ['--to <address>', 'where it goes'],
      ['--requester <name>', 'who asks'],
      ['--customer <name>', 'for whom'],
      KIND_FLAG,
      ['--fee <amount>', 'the most that it may cost; else nothing'],
      ['--at <time>', 'when, like 2026-03-02T09:30:00+01:00; else now'],
      ['--first-use', 'to where this wallet paid nothing before'],
      ['--look-alike-of <address>', 'to what could be taken for this address'],
      ['--whitelisted <entry>', 'to what is on the whitelist, as this entry'],
      ['--whitelist-label <label>', 'which has this label'],
      ['--whitelist-hours <n>', 'and is in effect for so many hours; else 0'],
      ['--price <prices>', 'what watchers say that it is worth, like "60000 USD"; several apart by commas'],
      ['--screening <results>', 'what they say of the destination: result and risk, like "clear 3"'],
      ['--balance <amounts>', 'what they say that the wallet holds of the asset, like "12.5 BTC"'],
      ['--hot-share <shares>', 'how much of all of it lies in hot wallets, like "4.5%"'],
      LOG_FLAG,
      ...officerFlags,
    ],
    explainOptions,
    (given, ...files) => explainTransfer(given, files),
  );
  cli.add(
    policy,
    {
      usage: 'simulate',
      summary: 'what would become of a transfer now, without asking for it',
      description:
        'Asks the service what would be decided of a transfer that nobody has asked for, by the policies in force and by counters, facts and freezes as they stand now; with --policy, by a draft in their place. Nothing is created, counted, reserved or signed; that you asked is in the audit log. The signer decides by its own counters. Exit code 0: it may leave, perhaps with approvals; 1: it is refused.',
      example:
        'policy simulate --wallet hot-btc --amount "0.5 BTC" --to bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080 --fee "0.0002 BTC" --requester payouts --customer customer-7',
    },
    [
      ['--wallet <id>', 'the wallet that pays'],
      ['--amount <amount>', 'like "0.5 BTC"'],
      ['--to <address>', 'where it goes'],
      ['--fee <amount>', 'the most that it may cost, like "0.0002 BTC"'],
      ['--requester <name>', 'who asks'],
      ['--customer <name>', 'for whom'],
      KIND_FLAG,
      ['--request-key <id>', 'the request key; the first that speaks for the requester unless said'],
      ['--policy <files...>', 'a draft: all documents that would be in force'],
      ...pinFlags,
      ...officerFlags,
    ],
    simulateOptions,
    (given) => simulateTransfer(given),
  );
  cli.add(
    policy,
    {
      usage: 'replay <certificates...>',
      summary: 'what would have changed under other policies',
      description:
        'Verifies decision certificates and decides about their transfers again, oldest first, under the documents in files, with limits that count from the first of them. Shows each decision that would be another one, with the approvals and the wait that were asked for then and would be. Wallets, groups and what was known are those of that time. What the draft asks for and nobody stated or noted then cannot be judged, and is listed apart. With --refused it also decides about what policies refused then, and shows what the draft would let pass. Without it, only what was signed is decided again.',
      example: 'policy replay all-certificates.jsonl --policy draft/*.policy.yaml --log governance.json',
    },
    [
      ['--policy <files...>', 'the draft: all documents that would be in force'],
      ['--refused <file>', 'requests that policies refused, as `refusals --out` saves them'],
      [
        '--days <n>',
        'show only the last so many days before the newest certificate; limits count what was before',
      ],
      LOG_FLAG,
    ],
    replayOptions,
    (given, ...files) => replay(given, files),
  );
}
