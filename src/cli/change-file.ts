// A change of governance as an officer writes it down. A policy can be named by its file.

import { z } from 'zod';
import { type Change, change } from '../core/governance/entry.js';
import { readYaml } from './files.js';
import { policyFrom } from './plan.js';

const changeFile = z.union([
  z.strictObject({ kind: z.literal('policies-set'), files: z.array(z.string().min(1)).min(1) }),
  change,
]);

/** Faults `file-unreadable`, `file-malformed`. */
export function readChange(path: string): Change {
  const wanted = readYaml(path, changeFile, 'a change of governance');
  return 'files' in wanted
    ? { kind: 'policies-set', policies: wanted.files.map((file) => policyFrom(file)) }
    : wanted;
}
