// `main.js fsck`: the audit log in the database that a configuration names, checked while the orchestrator may go on. The
// log's key is the one that the mirrored governance log names, replayed from the pinned genesis.

import { accepted, type Outcome, refused } from '../../core/fault.js';
import { governanceEntry } from '../../core/governance/entry.js';
import { replayLog } from '../../core/governance/replay.js';
import { nativeVerifier } from '../../platform/native-verifier.js';
import { systemClock } from '../../platform/system-clock.js';
import { databaseUrl } from '../config/database-url.js';
import { loadConfiguration } from '../config/load.js';
import { Database } from '../database/database.js';
import { GovernanceEntryRow, governanceEntities } from '../governance/governance.entity.js';
import { auditEntities } from './audit.entity.js';
import { type DatabaseCheck, Fsck } from './fsck.js';
import { logKeyOf } from './log-key.js';

export interface FsckReport extends DatabaseCheck {
  /** Name of the log whose checkpoints were opened; null where governance names none, or does not replay. */
  readonly origin: string | null;
  /** Why the mirrored governance log was not believed; null when it was. */
  readonly governance: string | null;
}

/** Throws what keeps the configuration or the database from being opened. */
export async function fsck(configurationFile: string): Promise<FsckReport> {
  const configuration = loadConfiguration(configurationFile);
  const database = await Database.open({
    url: databaseUrl(configuration.database),
    entities: [...auditEntities, ...governanceEntities],
    clock: systemClock,
  });
  try {
    const key = await keyIn(database, configuration.deploymentId);
    const logKey = key.kind === 'accepted' ? key.value : undefined;
    const check = await database.read((db) => new Fsck(db, nativeVerifier, logKey).run());
    return {
      ...check,
      origin: logKey?.name ?? null,
      governance: key.kind === 'refused' ? key.code : null,
    };
  } finally {
    await database.close();
  }
}

async function keyIn(
  database: Database,
  deploymentId: string,
): Promise<Outcome<ReturnType<typeof logKeyOf>>> {
  const found = await database.read((db) => db.find(GovernanceEntryRow, { order: { sequence: 'ASC' } }));
  const entries = found.map(({ entry }) => governanceEntry.safeParse(JSON.parse(entry)).data);
  const whole = entries.filter((entry) => entry !== undefined);
  if (whole.length < entries.length) return refused('governance-entry-malformed');
  const state = replayLog(whole, nativeVerifier);
  if (state.kind === 'refused') return state;
  return state.value.deploymentId === deploymentId
    ? accepted(logKeyOf(state.value))
    : refused('governance-other-deployment');
}
