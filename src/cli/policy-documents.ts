// Policy documents in files, and the governance log that they are read against. What they mean is read elsewhere.

import { basename } from 'node:path';
import { z } from 'zod';
import { type PolicyDocument, policyDocument } from '../core/governance/entry.js';
import type { GovernanceState } from '../core/governance/state.js';
import { needed } from './cli-config.js';
import type { Given } from './command-line.js';
import { cliFault } from './exit.js';
import { readText } from './files.js';
import { readLog, replayed } from './governance-log.js';

const NAME = /\.policy\.ya?ml$|\.ya?ml$/;

/** Named after its file, as the shipped ones are. Faults `file-unreadable`, `file-malformed`. */
export function readDocument(path: string): PolicyDocument {
  const lines = readText(path).replace(/\n$/, '').split('\n');
  const parsed = policyDocument.safeParse({ name: basename(path).replace(NAME, ''), lines });
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  const line =
    issue?.path[0] === 'lines' && typeof issue.path[1] === 'number' ? issue.path[1] + 1 : undefined;
  throw cliFault(
    'file-malformed',
    `${path} is no policy document: ${line === undefined ? 'its name or its length' : `line ${line} is too long, or not printable ASCII`}`,
    { path },
  );
}

export const logOption = { log: z.string().exactOptional() };
export const LOG_FLAG = [
  '--log <file>',
  'the governance log: `portcullis governance log --out FILE`',
] as const;

export function stateFrom({ options, config }: Given<{ readonly log?: string }>): GovernanceState {
  const log = readLog(needed(options.log ?? config.log, 'log', '--log FILE'));
  return replayed(log, config.deployment).state;
}

/** The documents of these files, or those in force. */
export function documentsOf(files: readonly string[], state: GovernanceState): readonly PolicyDocument[] {
  return files.length === 0 ? state.policies : files.map(readDocument);
}
