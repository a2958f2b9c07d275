// What programs without a framework have in common: a log of one JSON line an event, an end in order when they are told, and
// exit codes that say whether a person has to look.

import { type Facts, Fault } from '../core/fault.js';

export type ProgramLog = (level: 'info' | 'warn' | 'error', event: string, facts: Facts) => void;

/** One JSON line an event; facts are whitelisted where they arise. */
export function logOf(program: string): ProgramLog {
  return (level, event, facts) => {
    process.stdout.write(
      `${JSON.stringify({ time: new Date().toISOString(), level, program, event, ...facts })}\n`,
    );
  };
}

/** At the first SIGTERM or SIGINT; what else comes changes nothing. */
export function stopWhenTold(log: ProgramLog, close: () => Promise<void>): void {
  let stopping = false;
  const stop = (signal: string) => {
    if (stopping) return;
    stopping = true;
    log('info', 'stopping', { signal });
    close().then(
      () => log('info', 'stopped', {}),
      (error: unknown) => {
        log('error', 'stop-failed', { message: String(error).slice(0, 300) });
        process.exitCode = 1;
      },
    );
  };
  process.on('SIGTERM', () => stop('SIGTERM'));
  process.on('SIGINT', () => stop('SIGINT'));
}

/** What may be otherwise at the next try, and what a person has to look at first: systemd does not start the program again then. */
const EXIT_TRY_AGAIN = 1;
const EXIT_LOOK_FIRST = 3;

/** Runs the program, and says why it did not start. What no code names, an address in use for example, may pass by itself. */
export function run(log: ProgramLog, main: () => Promise<void>, passing: readonly string[] = []): void {
  main().catch((error: unknown) => {
    const fault = error instanceof Fault ? error : undefined;
    log('error', 'not-started', {
      code: fault?.code ?? 'internal',
      message: error instanceof Error ? error.message.slice(0, 1_000) : String(error),
      ...fault?.facts,
    });
    process.exitCode = fault && !passing.includes(fault.code) ? EXIT_LOOK_FIRST : EXIT_TRY_AGAIN;
  });
}
