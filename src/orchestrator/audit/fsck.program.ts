// `main.js fsck`: the audit log in the database that a configuration names, checked while the orchestrator may go on. The
// log's key is the one that the mirrored governance log names, replayed from the pinned genesis.

import { z } from 'zod';
import type { NoteKey } from '../../core/audit/note.js';
import { accepted, type Outcome, refused } from '../../core/fault.js';
import { governanceEntry } from '../../core/governance/entry.js';
import { replayLog } from '../../core/governance/replay.js';
import { nativeVerifier } from '../../platform/native-verifier.js';
import { systemClock } from '../../platform/system-clock.js';
import { databaseUrl } from '../config/database-url.js';
import { loadConfiguration } from '../config/load.js';
import { Database } from '../database/database.js';
import { rows } from '../database/sql.js';
import { auditEntities } from './audit.entity.js';
import { type DatabaseCheck, Fsck } from './fsck.js';
import { allLogKeys } from './log-key.js';

export interface FsckReport extends DatabaseCheck {
  /** Name of the log that governance names now; null where governance names none, or does not replay. */
  readonly origin: string | null;
  /** Why the mirrored governance log was not believed; null when it was. */
  readonly governance: string | null;
}

/** Throws what keeps the configuration or the database from being opened. */
export async function fsck(configurationFile: string): Promise<FsckReport> {
  const configuration = loadConfiguration(configurationFile);
  const database = await Database.open({
    url: databaseUrl(configuration.database),
    entities: auditEntities,
    clock: systemClock,
  });
  try {
    const keys = await keysIn(database, configuration.deploymentId);
    const known = keys.kind === 'accepted' ? keys.value : [];
    const check = await database.read((db) => new Fsck(db, nativeVerifier, known).run());
    return {
      ...check,
      origin: known.at(-1)?.name ?? null,
      governance: keys.kind === 'refused' ? keys.code : null,
    };
  } finally {
    await database.close();
  }
}

const entryRow = z.object({ entry: z.string() });

async function keysIn(database: Database, deploymentId: string): Promise<Outcome<readonly NoteKey[]>> {
  const found = await database.read((db) =>
    rows(db, entryRow, 'SELECT entry FROM governance_entries ORDER BY sequence'),
  );
  const entries = found.flatMap(({ entry }) => governanceEntry.safeParse(jsonOf(entry)).data ?? []);
  if (entries.length < found.length) return refused('governance-entry-malformed');
  const state = replayLog(entries, nativeVerifier);
  if (state.kind === 'refused') return state;
  return state.value.deploymentId === deploymentId
    ? accepted(allLogKeys(state.value))
    : refused('governance-other-deployment');
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // No JSON; nothing is what no schema accepts.
    return undefined;
  }
}
