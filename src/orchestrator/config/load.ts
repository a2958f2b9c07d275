// From a file to a Configuration, or to a message that says where the mistake is and what would be right. It reads one
// file and nothing else: no environment variable and no flag can change a single setting.

import { readFileSync, statSync } from 'node:fs';
import { parseDocument } from 'yaml';
import type { z } from 'zod';
import { Fault } from '../../core/fault.js';
import { type Configuration, configuration } from './settings.js';

export type ConfigurationFaultCode =
  | 'configuration-missing'
  | 'configuration-unreadable'
  | 'configuration-malformed'
  | 'configuration-invalid';

const MAX_BYTES = 1024 * 1024;
const MAX_REPORTED = 20;

/** `--config PATH` or PORTCULLIS_CONFIG. Throws `configuration-missing`. */
export function configurationPath(
  args: readonly string[],
  environment: Readonly<Record<string, string | undefined>>,
): string {
  const flag = args.indexOf('--config');
  const joined = args.find((arg) => arg.startsWith('--config='));
  const path =
    flag >= 0 ? args[flag + 1] : (joined?.slice('--config='.length) ?? environment.PORTCULLIS_CONFIG);
  if (path === undefined || path === '' || path.startsWith('--')) {
    throw new Fault<ConfigurationFaultCode>(
      'configuration-missing',
      'no configuration: give its file with --config PATH, or in PORTCULLIS_CONFIG',
    );
  }
  return path;
}

/** Throws `configuration-unreadable`, `configuration-malformed`, `configuration-invalid`; the message is for the person who wrote the file. */
export function loadConfiguration(path: string): Configuration {
  return parseConfiguration(read(path), path);
}

function read(path: string): string {
  try {
    const { size } = statSync(path);
    if (size > MAX_BYTES) throw new Error(`${size} bytes, more than ${MAX_BYTES}`);
    return readFileSync(path, 'utf8');
  } catch (cause) {
    throw new Fault<ConfigurationFaultCode>(
      'configuration-unreadable',
      `cannot read the configuration ${path}: ${cause instanceof Error ? cause.message : 'unknown reason'}`,
      { facts: { path }, cause },
    );
  }
}

/** YAML 1.2 or JSON, which is a subset. Values stay out of messages: a database URL may hold a password. */
export function parseConfiguration(text: string, path = 'configuration'): Configuration {
  const document = parseDocument(text, { uniqueKeys: true, strict: true, merge: false, logLevel: 'silent' });
  const [problem] = [...document.errors, ...document.warnings];
  if (problem) {
    const [start] = problem.linePos ?? [];
    const where = start ? `${path}:${start.line}:${start.col}` : path;
    throw new Fault<ConfigurationFaultCode>(
      'configuration-malformed',
      `${where}: not YAML or JSON (${problem.code})`,
      { facts: { path } },
    );
  }
  const parsed = configuration.safeParse(document.toJS({ maxAliasCount: 0 }));
  if (parsed.success) return parsed.data;
  const lines = parsed.error.issues.slice(0, MAX_REPORTED).map(describe);
  throw new Fault<ConfigurationFaultCode>(
    'configuration-invalid',
    `${path}: ${lines.length === 1 ? '' : `${parsed.error.issues.length} mistakes\n  `}${lines.join('\n  ')}`,
    { facts: { path, mistakes: parsed.error.issues.length } },
  );
}

function describe(issue: z.core.$ZodIssue): string {
  const at = issue.path.length === 0 ? '(top)' : issue.path.map(String).join('.');
  if (issue.code === 'unrecognized_keys') {
    return `${at}: unknown ${issue.keys.length === 1 ? 'setting' : 'settings'} ${issue.keys.join(', ')}`;
  }
  if (issue.code === 'invalid_type' && issue.message.endsWith('received undefined')) {
    return `${at}: missing; expected ${issue.expected}`;
  }
  return `${at}: ${issue.message}`;
}
