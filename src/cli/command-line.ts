// What every command shares: how it is declared, how its options are parsed, and how its answer becomes text, JSON and an
// exit code. It knows no command by itself.

import { Command, CommanderError } from 'commander';
import { z } from 'zod';
import type { Clock } from '../core/clock.js';
import { Fault, type Outcome, type Refusal } from '../core/fault.js';
import type { Randomness } from '../core/randomness.js';
import { systemClock } from '../platform/system-clock.js';
import { systemRandomness } from '../platform/system-randomness.js';
import { adviceFor } from './advice.js';
import { type CliConfig, loadCliConfig } from './cli-config.js';
import { cliFault, EXIT, type ExitCode, exitCodeOf } from './exit.js';
import { bad, faint, fields, type Line, strong, wrapped } from './lines.js';
import type { Terminal } from './terminal.js';

/** What a command has to say: for people and for programs, the same facts. */
export interface Answer {
  readonly lines: readonly Line[];
  readonly json: unknown;
  /** Other than `ok` where the answer itself is bad news. */
  readonly exit?: ExitCode;
}

export interface Given<O> {
  readonly terminal: Terminal;
  readonly config: CliConfig;
  readonly options: O;
  readonly clock: Clock;
  readonly randomness: Randomness;
}

export interface CommandText {
  /** `approve <transfer>` */
  readonly usage: string;
  readonly summary: string;
  /** What it does, in a few sentences. */
  readonly description?: string;
  /** One line that could be typed, without the program's name. */
  readonly example: string;
}

type Environment = Readonly<Record<string, string | undefined>>;

export class CommandLine {
  readonly program: Command;
  private exit: ExitCode = EXIT.ok;

  constructor(
    private readonly terminal: Terminal,
    private readonly environment: Environment,
    version: string,
  ) {
    this.program = new Command('portcullis')
      .version(version, '-V, --version', 'print the version')
      .option('--config <file>', 'settings; else PORTCULLIS_CLI_CONFIG, else ./portcullis.yaml')
      .option('--json', 'answer as one line of JSON on standard output', false)
      .helpOption('-h, --help', 'print this help')
      .helpCommand(false)
      .configureHelp({ showGlobalOptions: true, helpWidth: 100 })
      .configureOutput({
        writeOut: (text) => this.terminal.print(linesOf(text)),
        writeErr: (text) => this.terminal.tell(linesOf(text)),
        // Told in the same form as every other failure, see `run`.
        outputError: () => undefined,
      })
      .showSuggestionAfterError(true)
      .exitOverride();
  }

  /** A command that only holds others, in another such or in the program. */
  group(name: string, summary: string, parent: Command = this.program): Command {
    return parent.command(name).description(summary).summary(summary).helpCommand(false);
  }

  /** A command of `parent`, which may hold others; the handler gets the positional arguments and the parsed options. */
  add<S extends z.ZodType>(
    parent: Command,
    text: CommandText,
    options: readonly (readonly [flags: string, description: string, fallback?: string])[],
    schema: S,
    handler: (given: Given<z.output<S>>, ...args: string[]) => Promise<Outcome<Answer>>,
  ): Command {
    const command = parent
      .command(text.usage)
      .helpCommand(false)
      .summary(text.summary)
      .description(text.description ?? text.summary)
      .addHelpText('after', `\nExample:\n  $ portcullis ${text.example}`);
    for (const [flags, description, fallback] of options) command.option(flags, description, fallback);
    command.action(async (...all: unknown[]) => {
      // The last two are commander's own: the options, which are parsed below, and the command.
      const positional = all.slice(0, -2).flatMap(textsOf);
      await this.handle(command, schema, handler, positional);
    });
    return command;
  }

  private async handle<S extends z.ZodType>(
    command: Command,
    schema: S,
    handler: (given: Given<z.output<S>>, ...args: string[]) => Promise<Outcome<Answer>>,
    args: string[],
  ): Promise<void> {
    const {
      config: configFile,
      json,
      ...own
    } = z.looseObject({ config: z.string().optional(), json: z.boolean() }).parse(command.optsWithGlobals());
    this.terminal.json = json;
    const parsed = schema.safeParse(own);
    if (!parsed.success) throw invalidOption(parsed.error.issues);
    const outcome = await handler(
      {
        terminal: this.terminal,
        config: loadCliConfig(configFile, this.environment),
        options: parsed.data,
        clock: systemClock,
        randomness: systemRandomness,
      },
      ...args,
    );
    if (outcome.kind === 'refused') this.refuse(outcome);
    else this.answer(outcome.value);
  }

  private answer({ lines, json, exit }: Answer): void {
    if (this.terminal.json) this.terminal.printJson(json);
    else this.terminal.print(lines);
    this.exit = exit ?? EXIT.ok;
  }

  private refuse(refusal: Refusal): void {
    this.exit = EXIT.refused;
    this.report('Refused', refusal.code, '', refusal.facts);
  }

  private report(
    what: string,
    code: string,
    message: string,
    facts: Readonly<Record<string, unknown>>,
  ): void {
    if (this.terminal.json) this.terminal.tellJson({ error: { code, message, facts } });
    else this.terminal.tell(errorLines(what, code, message, facts));
  }

  /** Runs one command line (without node and script) to its exit code. Never throws. */
  async run(argv: readonly string[]): Promise<ExitCode> {
    this.terminal.json = argv.includes('--json');
    try {
      await this.program.parseAsync([...argv], { from: 'user' });
      return this.exit;
    } catch (error) {
      if (error instanceof CommanderError) {
        if (error.code === 'commander.helpDisplayed' || error.code === 'commander.version') return EXIT.ok;
        // A group without its command: its help has been shown.
        if (error.code === 'commander.help') return EXIT.usage;
        this.report('Failed', 'arguments-invalid', error.message.replace(/^error: /, ''), {});
        return EXIT.usage;
      }
      const fault = error instanceof Fault ? error : undefined;
      const message = error instanceof Error ? error.message : String(error);
      this.report('Failed', fault?.code ?? 'internal', message, fault?.facts ?? {});
      return exitCodeOf(error);
    }
  }
}

/** What went wrong, its code, and what can be done about it. Exported for its test. */
export function errorLines(
  what: string,
  code: string,
  message: string,
  facts: Readonly<Record<string, unknown>>,
): Line[] {
  const { detail, title, ...rest } = facts;
  const advice = adviceFor(code) ?? (typeof detail === 'string' ? detail : undefined);
  const shown = Object.entries(rest).map(([name, value]) => [name, String(value)] as const);
  const said = message === '' && typeof title === 'string' ? title : message;
  return [
    [bad(what), ': ', strong(code), ...(said === '' ? [] : [faint(' · '), said])],
    ...fields(shown),
    ...(advice === undefined ? [] : wrapped(advice)),
  ];
}

function invalidOption(issues: readonly z.core.$ZodIssue[]): Fault {
  const [issue] = issues;
  const name = String(issue?.path[0] ?? '').replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
  const missing = issue?.code === 'invalid_type' && issue.message.endsWith('received undefined');
  return cliFault(
    'arguments-invalid',
    missing ? `--${name} is missing` : `--${name}: ${issue?.message ?? 'not valid'}`,
    { option: `--${name}` },
  );
}

/** One argument, or all of a variadic one. */
function textsOf(value: unknown): string[] {
  if (Array.isArray(value)) return value.map(String);
  return typeof value === 'string' ? [value] : [];
}

function linesOf(text: string): Line[] {
  return text.replace(/\n$/, '').split('\n');
}
