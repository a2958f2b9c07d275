// The mirror against a signer that shows it other logs than before.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { accepted } from '../../core/fault.js';
import { entryHash, type GovernanceEntry } from '../../core/governance/entry.js';
import { nativeVerifier } from '../../platform/native-verifier.js';
import { Database } from '../database/database.js';
import { Cast, START_MS } from '../transfers/cast.fixture.js';
import { governanceEntities } from './governance.entity.js';
import { GovernanceService, type GovernanceSource } from './governance.service.js';

const clock = { nowMs: () => START_MS };
const group = (members: string[]) => ({
  kind: 'group-set' as const,
  group: { groupId: 'treasury', members },
});

let folder: string;
let database: Database;
let cast: Cast;
let log: readonly GovernanceEntry[];
let reads: number;

function source(): GovernanceSource {
  const answer = (from: number) => {
    const last = log.at(-1);
    return {
      entries: log.slice(from, from + 50),
      sequence: log.length - 1,
      head: last ? entryHash(last.body) : '0'.repeat(64),
    };
  };
  return {
    governanceRead: async (from) => {
      reads += 1;
      return answer(from);
    },
    governanceAppend: async (entry) => {
      log = [...log, entry];
      return accepted(answer(log.length - 1));
    },
  };
}

function service(deploymentId = cast.deploymentId): GovernanceService {
  return new GovernanceService(database, source(), nativeVerifier, clock, deploymentId);
}

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'portcullis-governance-'));
  database = await Database.open({
    url: `sqlite:${join(folder, 'test.db')}`,
    entities: governanceEntities,
    clock,
  });
  cast = new Cast();
  log = cast.entries;
  reads = 0;
});

afterEach(async () => {
  await database.close();
  rmSync(folder, { recursive: true });
});

describe('GovernanceService', () => {
  it('throws governance-unavailable before the log was ever read', () => {
    expect(() => service().state()).toThrow(expect.objectContaining({ code: 'governance-unavailable' }));
  });

  it('throws governance-unavailable when the signer has no log at all', async () => {
    log = [];
    await expect(service().refresh()).rejects.toMatchObject({ code: 'governance-unavailable' });
  });

  it('follows the log over many pages, and tells of it inside the transaction that mirrors it', async () => {
    for (let count = 0; count < 60; count += 1)
      cast.amend(group(count % 2 === 0 ? ['alice', 'bob', 'carol'] : ['alice', 'bob']));
    const governance = service();
    const told: [number, number][] = [];
    governance.onChange(async (db, state) => {
      told.push([state.sequence, await db.count('governance_entries')]);
    });
    await governance.refresh();
    expect(governance.state()).toMatchObject({ sequence: 60, deploymentId: cast.deploymentId });
    expect(told).toEqual([
      [49, 50],
      [60, 61],
    ]);
    expect(await governance.entries(55)).toHaveLength(6);
    expect(governance.policies().policies).toHaveLength(3);
  });

  it('knows the log again after a restart, without the signer', async () => {
    await service().refresh();
    const governance = service();
    await governance.load();
    expect(governance.state().head).toBe(cast.deploymentId);
  });

  it('reads once for many who ask at the same time', async () => {
    const governance = service();
    await Promise.all([governance.refresh(), governance.refresh(), governance.refresh()]);
    expect(reads).toBe(1);
  });

  it('refuses a signer of another deployment', async () => {
    await expect(service('ab'.repeat(32)).refresh()).rejects.toMatchObject({
      code: 'governance-other-genesis',
    });
  });

  it.each([
    ['a shorter log', () => cast.entries.slice(0, 1)],
    [
      'another last entry',
      () => {
        const other = [...cast.entries.slice(0, 1)];
        cast.entries.length = 1;
        cast.amend(group(['bob', 'alice']));
        return [...other, ...cast.entries.slice(1)];
      },
    ],
    ['no log', () => []],
  ])('believes nothing any more when the signer shows %s', async (_what, other) => {
    cast.amend(group(['alice', 'bob', 'carol']));
    const governance = service();
    await governance.refresh();
    log = other();
    await expect(governance.refresh()).rejects.toMatchObject({ code: 'governance-diverged' });
    expect(() => governance.state()).toThrow(expect.objectContaining({ code: 'governance-diverged' }));
  });

  it('believes nothing any more when the next entry lacks its quorum', async () => {
    const governance = service();
    await governance.refresh();
    cast.amend(group(['alice', 'bob', 'carol']));
    log = cast.entries.map((entry) => ({ ...entry, signatures: entry.signatures.slice(0, 1) }));
    await expect(governance.refresh()).rejects.toMatchObject({
      code: 'governance-diverged',
      facts: { refusal: 'governance-quorum-missing' },
    });
  });

  it('refuses a mirror that was edited', async () => {
    await service().refresh();
    await database.transaction(async (db) => {
      await db.query('DROP TRIGGER governance_entries_no_update');
      await db.query(`UPDATE governance_entries SET entry = replace(entry, 'treasury', 'thieves')`);
    });
    await expect(service().load()).rejects.toMatchObject({ code: 'governance-mirror-damaged' });
  });

  it('keeps the database from changing what was mirrored', async () => {
    await service().refresh();
    const edited = database.transaction((db) => db.query("UPDATE governance_entries SET entry = ''"));
    await expect(edited).rejects.toThrow(/append-only/);
    const deleted = database.transaction((db) => db.query('DELETE FROM governance_entries'));
    await expect(deleted).rejects.toThrow(/append-only/);
  });

  it('gives the new state when the signer took an entry', async () => {
    const governance = service();
    await governance.refresh();
    log = [...cast.entries];
    cast.amend(group(['bob', 'alice']));
    const entry = cast.entries.at(-1);
    if (!entry) throw new Error('no entry');
    expect(await governance.append(entry)).toMatchObject({ kind: 'accepted', value: { sequence: 1 } });
    expect(governance.state().groups.get('treasury')).toEqual(['bob', 'alice']);
  });
});
