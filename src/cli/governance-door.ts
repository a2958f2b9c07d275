// Where governance is read and handed in: the orchestrator's API, or the signer's own socket. Nothing is judged here; who
// asks replays what was read.

import { z } from 'zod';
import type { Outcome } from '../core/fault.js';
import type { GovernanceEntry } from '../core/governance/entry.js';
import type { Api } from '../sdk/api.js';
import { governanceHead } from '../sdk/shapes.js';
import { type PendingReport, pendingReport } from '../signer-protocol/messages.js';
import { cliFault } from './exit.js';
import { fetchLog } from './governance-log.js';
import { appendAtDoor, readAtDoor, statusAtDoor } from './signer-door.js';

export interface GovernanceDoor {
  /** Whose word it is that the signer has an entry, or how long one still waits. */
  readonly saidBy: 'signer' | 'orchestrator';
  read(): Promise<readonly GovernanceEntry[]>;
  append(entry: GovernanceEntry): Promise<Outcome<z.infer<typeof governanceHead>>>;
  /** What the signer says of the entries that wait; undefined where it cannot be asked. */
  pending(): Promise<readonly PendingReport[] | undefined>;
}

const MOST_PAGES = 20_001;

/** Of `/v1/status`, as far as it is read here. */
const waiting = z.object({ signer: z.object({ pending: z.array(pendingReport).nullable() }) });

async function readWhole(path: string): Promise<GovernanceEntry[]> {
  const entries: GovernanceEntry[] = [];
  for (let page = 0; page < MOST_PAGES; page += 1) {
    const { entries: more, sequence } = await readAtDoor(path, entries.length);
    entries.push(...more);
    if (more.length === 0 || entries.length > sequence) break;
  }
  return entries;
}

export function signersDoor(path: string): GovernanceDoor {
  return {
    saidBy: 'signer',
    read: () => readWhole(path),
    append: (entry) => appendAtDoor(path, entry),
    pending: async () => (await statusAtDoor(path)).pending,
  };
}

export function apiDoor(api: Api): GovernanceDoor {
  return {
    saidBy: 'orchestrator',
    read: () => fetchLog(api),
    append: (entry) => api.post('/v1/governance/entries', entry, governanceHead),
    pending: async () => {
      const answer = await api.get('/v1/status', waiting);
      if (answer.kind === 'accepted') return answer.value.signer.pending ?? undefined;
      throw cliFault(
        'api-unavailable',
        `the state of the signer cannot be had: ${answer.code}`,
        answer.facts,
      );
    },
  };
}
