// What the signer is asked when a log is to get a checkpoint, from a log in memory.

import { bytesToHex } from '@noble/hashes/utils.js';
import type { LogInMemory } from '../../src/core/audit/log.fixture.js';
import { proveConsistency, rootAt } from '../../src/core/audit/prove.js';
import type { Outcome } from '../../src/core/fault.js';
import type { Growth } from '../../src/signer-protocol/messages.js';

/** Throws for a refusal. */
export function valueIn<T>(outcome: Outcome<T>): T {
  if (outcome.kind === 'refused') throw new Error(outcome.code);
  return outcome.value;
}

/** That the first `size` entries begin with the first `from`. */
export async function growthOf(log: LogInMemory, from: number, size: number): Promise<Growth> {
  const { path } = valueIn(await proveConsistency(log, from, size));
  const root = bytesToHex(valueIn(await rootAt(log, size)));
  return { from, size, root, path: path.map(bytesToHex) };
}
