#!/usr/bin/env node
// The `portcullis` command: for officers, operators, backends' operators and auditors. It holds no key: officers' keys are
// in their tokens, a backend's key is in the backend's file. docs/cli.md describes every command.

import { approvalCommands } from './approval.commands.js';
import { ceremonyCommands } from './ceremony.commands.js';
import { CommandLine } from './command-line.js';
import { governanceCommands } from './governance.commands.js';
import { keysCommands } from './keys.commands.js';
import { statusCommand } from './status.command.js';
import { Terminal } from './terminal.js';
import { transferCommands } from './transfer.commands.js';
import { verifyCommand } from './verify.command.js';
import { CLI_VERSION } from './version.js';
import { walletsCommand } from './wallets.command.js';

const terminal = new Terminal(
  { input: process.stdin, output: process.stdout, errors: process.stderr },
  process.env,
);
const cli = new CommandLine(terminal, process.env, CLI_VERSION);
cli.program.description(
  "Portcullis: the gate that an exchange's money passes through.\nAsk for withdrawals, approve them with your own token, follow them, and check afterwards why each was signed.",
);
cli.program.commandsGroup('Transfers:');
transferCommands(cli);
approvalCommands(cli);
cli.program.commandsGroup('Checking:');
verifyCommand(cli);
statusCommand(cli);
walletsCommand(cli);
cli.program.commandsGroup('Keys and governance:');
keysCommands(cli);
ceremonyCommands(cli);
governanceCommands(cli);
cli.program.addHelpText(
  'after',
  `
Exit codes: 0 done · 1 refused or failed · 2 usage · 3 not reachable · 4 does not fit what you trust
            5 not confirmed · 6 not yet. Errors name a code; --json gives them as JSON.

Example:
  $ portcullis approve tr-3f9a1c0b7d2e45863f9a1c0b7d2e45863f9a1c0b --config alice.yaml`,
);
process.exitCode = await cli.run(process.argv.slice(2));
