// Structured logs of the orchestrator: one JSON object a line on standard output. What is logged are facts, chosen one
// by one; nothing logs a request, a header, a body or a configuration. `scrub` is the net beneath for the texts of
// errors, which other people's code writes.

import { inspect } from 'node:util';
import type { LoggerService } from '@nestjs/common';
import { type DestinationStream, type Logger, pino } from 'pino';
import { type Facts, Fault } from '../../core/fault.js';
import type { LogSettings } from '../config/settings.js';

const MAX_TEXT = 2_000;
const MAX_CAUSES = 4;

const SECRETS: readonly [RegExp, string][] = [
  [/-----BEGIN [A-Z ]{1,40}-----[\s\S]{0,20000}?(?:-----END [A-Z ]{1,40}-----|$)/g, '[pem]'],
  // A URL keeps its scheme and host. User and password go, and so do path and query: node providers put keys there.
  [/\b([a-z][a-z0-9+.-]{1,20}:\/\/)(?:[^\s/@]{1,512}@)?([^\s/?#"'<>]{1,260})[^\s"'<>]*/gi, '$1$2'],
  [/\b(Bearer|Basic)\s+[A-Za-z0-9+/=._~-]{4,}/g, '$1 [removed]'],
  [
    /\b(pin|password|passwd|passphrase|secret|token|authorization|api[-_]?key)\b(["']?\s*[=:]\s*)("[^"]*"|'[^']*'|\S+)/gi,
    '$1$2[removed]',
  ],
];

/** A text without what looks like a secret, and not longer than a log line should be. */
export function scrub(text: string): string {
  let clean = text;
  for (const [pattern, replacement] of SECRETS) clean = clean.replaceAll(pattern, replacement);
  return clean.length > MAX_TEXT ? `${clean.slice(0, MAX_TEXT)}…` : clean;
}

export interface LoggedError {
  readonly name: string;
  readonly message: string;
  readonly code?: string;
  readonly facts?: Facts;
  readonly stack?: string;
  readonly cause?: LoggedError;
}

/** An error as logs show it: message, stack and causes scrubbed, nothing else of whatever was thrown. */
export function loggedError(error: unknown, depth = 0): LoggedError {
  if (!(error instanceof Error)) return { name: 'NotAnError', message: scrub(String(error)) };
  return {
    name: error.name,
    message: scrub(error.message),
    ...(error instanceof Fault ? { code: error.code, facts: error.facts } : {}),
    ...(error.stack === undefined ? {} : { stack: scrub(error.stack) }),
    ...(error.cause === undefined || depth >= MAX_CAUSES
      ? {}
      : { cause: loggedError(error.cause, depth + 1) }),
  };
}

export type LogFacts = Readonly<Record<string, string | number | boolean | null | undefined>>;

/** The one way to write a log line: a message that never varies, and facts that do. */
export class Log implements LoggerService {
  private constructor(private readonly sink: Logger) {}

  static to(settings: LogSettings, destination?: DestinationStream): Log {
    const options = {
      level: settings.level,
      base: { program: 'orchestrator' },
      timestamp: pino.stdTimeFunctions.isoTime,
    };
    return new Log(destination === undefined ? pino(options) : pino(options, destination));
  }

  info(message: string, facts: LogFacts = {}): void {
    this.sink.info(facts, message);
  }

  warning(message: string, facts: LogFacts = {}, error?: unknown): void {
    this.sink.warn(error === undefined ? facts : { ...facts, error: loggedError(error) }, message);
  }

  failure(message: string, facts: LogFacts, error: unknown): void {
    this.sink.error({ ...facts, error: loggedError(error) }, message);
  }

  // Nest's own messages. It says a lot while it wires modules, which is of interest only when that fails.
  log(message: unknown, context?: unknown): void {
    this.sink.debug({ context: text(context) }, text(message));
  }
  warn(message: unknown, context?: unknown): void {
    this.sink.warn({ context: text(context) }, text(message));
  }
  error(message: unknown, ...rest: unknown[]): void {
    this.sink.error({ context: text(rest.at(-1)) }, text(message));
  }
}

function text(value: unknown): string {
  if (value instanceof Error) return scrub(value.stack ?? value.message);
  if (typeof value === 'string') return scrub(value);
  return value === undefined || value === null ? '' : scrub(inspect(value, { depth: 2 }));
}
