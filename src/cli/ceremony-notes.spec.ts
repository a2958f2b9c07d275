import { describe, expect, it } from '@jest/globals';
import {
  alice,
  bob,
  carol,
  GENESIS,
  type Genesis,
  genesisOf,
  newKey,
  personOf,
  stateOf,
} from '../core/governance/people.fixture.js';
import { replayGenesis } from '../core/governance/replay.js';
import { portableVerifier } from '../core/statements/signature.js';
import { ceremonyNotes } from './ceremony-notes.js';

const HOUR_MS = 3_600_000;
const erin = personOf('erin', newKey('erin-1'));
const frank = personOf('frank', newKey('frank-1'));

function notesOf(change: Partial<Genesis>): readonly string[] {
  return ceremonyNotes(stateOf(replayGenesis(genesisOf(change, alice, bob, carol), portableVerifier)));
}

const usual = { whitelistMs: 24 * HOUR_MS, policyMs: 48 * HOUR_MS, freshHeadMs: 24 * HOUR_MS };
const watched: Partial<Genesis> = {
  persons: [...GENESIS.persons, erin, frank],
  groups: [...GENESIS.groups, { groupId: 'watch', members: ['erin', 'frank'] }],
  timelock: { ...usual, veto: { group: 'watch', threshold: 1 } },
};

/** Four govern by three; two of the same can veto. */
const among: Partial<Genesis> = {
  persons: [...GENESIS.persons, erin],
  groups: [
    { groupId: 'governors', members: ['alice', 'bob', 'carol', 'erin'] },
    { groupId: 'treasury', members: ['alice', 'bob', 'carol'] },
  ],
  quorum: { group: 'governors', threshold: 3 },
  timelock: { ...usual, veto: { group: 'governors', threshold: 2 } },
};

describe('what the ceremony is told of a genesis', () => {
  it('is nothing where it waits as long as usual and somebody beside the governors activates', () => {
    expect(notesOf(watched)).toEqual([]);
  });

  it('is that no governor can be removed before another was added, where all who activate are governors', () => {
    const [note, ...others] = notesOf(among);
    expect(note).toBe(
      'alice, bob, carol, erin cannot be removed, also not when their token is stolen, before somebody was added, which waits 2 days: else nobody who may activate is left when the quorum has signed',
    );
    expect(others).toEqual([]);
  });

  it('is that a quorum of all its members can spare none', () => {
    const quorum = { group: 'governors', threshold: 3 };
    expect(notesOf({ ...watched, quorum })).toEqual([
      'alice, bob, carol cannot be removed, also not when their token is stolen, before somebody was added, which waits 2 days: else the quorum could never be reached',
    ]);
  });

  it('is each wait that is shorter than usual', () => {
    const veto = { group: 'watch', threshold: 1 };
    const shorter = { ...usual, whitelistMs: 24 * HOUR_MS - 1, policyMs: 0, veto };
    const notes = notesOf({ ...watched, timelock: shorter });
    expect(notes).toEqual([
      `a new whitelist entry waits ${24 * HOUR_MS - 1} milliseconds only; the usual wait is 1 day`,
      'whatever else loosens acts at once; the usual wait is 2 days',
    ]);
    expect(
      notesOf({ ...among, timelock: { ...shorter, veto: { group: 'governors', threshold: 2 } } }),
    ).toHaveLength(3);
  });

  it('is that nobody vouches for the head, where none is asked to', () => {
    const { whitelistMs, policyMs } = usual;
    const veto = { group: 'watch', threshold: 1 };
    const notes = notesOf({ ...watched, timelock: { whitelistMs, policyMs, veto } });
    expect(notes).toEqual([expect.stringContaining("without a governor's word a day")]);
  });
});
