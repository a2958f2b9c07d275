// Files that people pass around: bounded when read, never overwritten when written.

import { closeSync, openSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { parseDocument } from 'yaml';
import type { z } from 'zod';
import type { Outcome } from '../core/fault.js';
import { cliFault } from './exit.js';

const MAX_BYTES = 32 * 1024 * 1024;

/** Faults `file-unreadable`. */
export function readText(path: string): string {
  try {
    const { size } = statSync(path);
    if (size > MAX_BYTES) throw new Error(`it has ${size} bytes`);
    return readFileSync(path, 'utf8');
  } catch (cause) {
    throw cliFault('file-unreadable', `cannot read ${path}: ${reasonOf(cause)}`, { path }, cause);
  }
}

/** Faults `file-unreadable`, `file-malformed`. */
export function readJson<S extends z.ZodType>(path: string, schema: S, what: string): z.output<S> {
  let value: unknown;
  try {
    value = JSON.parse(readText(path));
  } catch (cause) {
    if (!(cause instanceof SyntaxError)) throw cause;
    throw cliFault('file-malformed', `${path} is not JSON`, { path }, cause);
  }
  return parsed(path, value, schema, what);
}

/** YAML without aliases and repeated keys. Faults `file-unreadable`, `file-malformed`. */
export function readYaml<S extends z.ZodType>(path: string, schema: S, what: string): z.output<S> {
  const document = parseDocument(readText(path), {
    uniqueKeys: true,
    strict: true,
    merge: false,
    logLevel: 'silent',
  });
  const [problem] = [...document.errors, ...document.warnings];
  if (problem) {
    const [start] = problem.linePos ?? [];
    const where = start ? `${path}:${start.line}:${start.col}` : path;
    throw cliFault('file-malformed', `${where}: not YAML (${problem.code})`, { path });
  }
  let value: unknown;
  try {
    value = document.toJS({ maxAliasCount: 0 });
  } catch (cause) {
    throw cliFault('file-malformed', `${path}: anchors and aliases are not allowed here`, { path }, cause);
  }
  return parsed(path, value, schema, what);
}

function parsed<S extends z.ZodType>(path: string, value: unknown, schema: S, what: string): z.output<S> {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  const at = issue && issue.path.length > 0 ? `${issue.path.map(String).join('.')}: ` : '';
  throw cliFault('file-malformed', `${path} is not ${what}: ${at}${issue?.message ?? 'unknown'}`, { path });
}

/** Writes a file that is not there yet. Faults `file-exists`. */
export function writeNew(path: string, text: string, mode = 0o644): void {
  tried(path, () => writeFileSync(path, text, { flag: 'wx', mode }));
}

/** A file that is not there yet, piece by piece. It is gone again where `work` does not go well. Faults `file-exists`. */
export async function writeNewByPiece<T>(
  path: string,
  mode: number,
  work: (append: (text: string) => void) => Promise<Outcome<T>>,
): Promise<Outcome<T>> {
  const file = tried(path, () => openSync(path, 'wx', mode));
  let isWhole = false;
  try {
    const outcome = await work((text) => tried(path, () => writeFileSync(file, text)));
    isWhole = outcome.kind === 'accepted';
    return outcome;
  } finally {
    closeSync(file);
    if (!isWhole) rmSync(path, { force: true });
  }
}

function tried<T>(path: string, write: () => T): T {
  try {
    return write();
  } catch (cause) {
    throw unwritten(path, cause);
  }
}

function unwritten(path: string, cause: unknown): Error {
  return codeOf(cause) === 'EEXIST'
    ? cliFault('file-exists', `${path} is there already; nothing was written`, { path }, cause)
    : cliFault('file-unreadable', `cannot write ${path}: ${reasonOf(cause)}`, { path }, cause);
}

/** Writes over a file that this command has just read. */
export function rewrite(path: string, text: string): void {
  try {
    writeFileSync(path, text);
  } catch (cause) {
    throw cliFault('file-unreadable', `cannot write ${path}: ${reasonOf(cause)}`, { path }, cause);
  }
}

export function jsonText(value: unknown): string {
  return `${JSON.stringify(value, null, 2)}\n`;
}

/** Node's errors, told by what they carry. */
function codeOf(error: unknown): string | undefined {
  const carries = typeof error === 'object' && error !== null && 'code' in error;
  return carries && typeof error.code === 'string' ? error.code : undefined;
}

export function reasonOf(error: unknown): string {
  const code = codeOf(error);
  if (code === 'ENOENT') return 'there is no such file or folder';
  if (code === 'EACCES') return 'no permission';
  return code ?? (error instanceof Error ? error.message : 'unknown reason');
}
