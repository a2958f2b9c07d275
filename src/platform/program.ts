// What programs without a framework have in common: a log of one JSON line an event, and an end in order when they are told.

import type { Facts } from '../core/fault.js';

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
