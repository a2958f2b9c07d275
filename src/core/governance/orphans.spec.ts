import { describe, expect, it } from '@jest/globals';
import { portableVerifier } from '../statements/signature.js';
import type { Change, RequestKey } from './entry.js';
import {
  alice,
  appended,
  GENESIS,
  genesisOf,
  REMOVE_CAROL,
  start,
  stateOf,
  whyOf,
} from './people.fixture.js';
import { replayGenesis } from './replay.js';

const invalid = 'governance-change-invalid';
const NOBODY_APPROVES =
  'the approvers of a rule own the request keys, and could approve nothing that those ask for';

function keyOf(keyId: string, seed: string, ...owners: string[]): RequestKey {
  return { keyId, algorithm: 'ed25519', publicKey: seed.repeat(32), owners };
}

const add = (requestKey: RequestKey): Change => ({ kind: 'request-key-added', requestKey });
const remove = (keyId: string): Change => ({ kind: 'request-key-removed', keyId });

describe('an entry that orphans what it changes', () => {
  it('is refused when one person alone could change governance after it', () => {
    const quorum = { group: 'governors', threshold: 1 };
    expect(whyOf(appended(start, { kind: 'quorum-set', quorum }))).toEqual([
      invalid,
      'one person alone could then change governance',
      'governors',
    ]);
  });

  it('is not refused for that where one person alone governed from the beginning', () => {
    const quorum = { group: 'governors', threshold: 1 };
    const sole = stateOf(replayGenesis(genesisOf({ quorum }, alice), portableVerifier));
    expect(
      whyOf(appended(sole, { kind: 'quorum-set', quorum: { ...quorum, group: 'treasury' } }, alice)),
    ).toBe('accepted');
  });

  it('is refused when the approvers of a rule own all request keys that are left', () => {
    const withDesk = stateOf(appended(start, add(keyOf('desk', 'e2', 'alice', 'bob'))));
    expect(whyOf(appended(withDesk, remove('backend')))).toEqual([invalid, NOBODY_APPROVES, 'hot/all']);
  });

  it('is refused when somebody leaves without whom no request could be approved', () => {
    const withDesk = stateOf(appended(start, add(keyOf('desk', 'e2', 'alice'))));
    const deskAlone = stateOf(appended(withDesk, remove('backend')));
    expect(whyOf(appended(deskAlone, REMOVE_CAROL))).toEqual([invalid, NOBODY_APPROVES, 'hot/all']);
    const smaller: Change = { kind: 'group-set', group: { groupId: 'treasury', members: ['alice', 'bob'] } };
    expect(whyOf(appended(deskAlone, smaller))).toEqual([invalid, NOBODY_APPROVES, 'hot/all']);
  });

  it('is a genesis too, when nobody could approve what its only request key asks for', () => {
    const requestKeys = [keyOf('desk', 'e2', 'bob', 'carol')];
    expect(whyOf(replayGenesis(genesisOf({ requestKeys }), portableVerifier))).toEqual([
      invalid,
      NOBODY_APPROVES,
      'hot/all',
    ]);
  });

  it('is not refused as long as one request key is left that others can approve for, or none at all', () => {
    const withDesk = stateOf(appended(start, add(keyOf('desk', 'e2', 'alice', 'bob'))));
    expect(withDesk.requestKeys.size).toBe(2);
    expect(whyOf(appended(start, remove('backend')))).toBe('accepted');
    expect(GENESIS.requestKeys).toHaveLength(1);
  });
});
