// The `portcullis` command as a whole: which commands there are, and the help of the program itself. docs/cli.md describes
// every command. It holds no key and does no work of its own.

import { approvalCommands } from './approval.commands.js';
import { auditCommands } from './audit.commands.js';
import { burialCommands } from './burial.commands.js';
import { ceremonyCommands } from './ceremony.commands.js';
import { certificateCommands } from './certificate.commands.js';
import { refusalsCommand } from './refusals.command.js';
import { CommandLine } from './command-line.js';
import { configCommands } from './config.commands.js';
import { governanceCommands } from './governance.commands.js';
import { keysCommands } from './keys.commands.js';
import { policyCommands } from './policy.commands.js';
import { resolveCommand } from './resolve.command.js';
import { restoreCommands } from './restore.commands.js';
import { statusCommand } from './status.command.js';
import type { Terminal } from './terminal.js';
import { transferCommands } from './transfer.commands.js';
import { verifyCommand } from './verify.command.js';
import { CLI_VERSION } from './version.js';
import { voidCommands } from './void.commands.js';
import { walletsCommand } from './wallets.command.js';

/** The program with all of its commands; `run` takes a command line to its exit code. */
export function portcullis(
  terminal: Terminal,
  environment: Readonly<Record<string, string | undefined>>,
): CommandLine {
  const cli = new CommandLine(terminal, environment, CLI_VERSION);
  cli.program.description(
    "Portcullis: the gate that an exchange's money passes through.\nAsk for withdrawals, approve them with your own token, follow them, and check afterwards why each was signed.",
  );
  cli.program.commandsGroup('Transfers:');
  transferCommands(cli);
  certificateCommands(cli);
  refusalsCommand(cli);
  approvalCommands(cli);
  resolveCommand(cli);
  voidCommands(cli);
  burialCommands(cli);
  cli.program.commandsGroup('Checking:');
  verifyCommand(cli);
  auditCommands(cli);
  statusCommand(cli);
  walletsCommand(cli);
  configCommands(cli);
  policyCommands(cli);
  cli.program.commandsGroup('Keys and governance:');
  keysCommands(cli);
  ceremonyCommands(cli);
  governanceCommands(cli);
  restoreCommands(cli);
  cli.program.addHelpText(
    'after',
    `
Exit codes: 0 done · 1 refused or failed · 2 usage · 3 not reachable · 4 does not fit what you trust
            5 not confirmed · 6 not yet · 7 outcome unknown: do not repeat, look. Errors name a code; --json gives them as JSON.

Example:
  $ portcullis approve tr-3f9a1c0b7d2e45863f9a1c0b7d2e45863f9a1c0b --config alice.yaml`,
  );
  return cli;
}
