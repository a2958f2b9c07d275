import { describe, expect, it } from '@jest/globals';
import { ed25519 } from '@noble/curves/ed25519.js';
import { bytesToHex } from '@noble/hashes/utils.js';
import { portableVerifier } from '../statements/signature.js';
import {
  type Change,
  type Delegation,
  entryBytes,
  type GovernanceEntry,
  type WhitelistEntry,
} from './entry.js';
import {
  ADD_DAVE,
  alice,
  appended,
  BITCOIN,
  bob,
  bodyAfter,
  codeOf,
  dave,
  ETHEREUM,
  GENESIS,
  genesisOf,
  personOf,
  start,
  stateOf,
  whyOf,
} from './people.fixture.js';
import { candidatesFor } from '../policy/approvals.js';
import { replayEntry, replayGenesis } from './replay.js';
import { type GovernanceState, groupsAt, whitelistedAt } from './state.js';

const ADDRESS = '0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed';
const DESK: WhitelistEntry = {
  entryId: 'otc-b',
  label: 'OTC desk B',
  chain: ETHEREUM,
  address: ADDRESS,
  tiers: ['hot', 'warm'],
};

function adding(altered: Partial<WhitelistEntry> = {}): Change {
  return { kind: 'whitelist-added', entry: { ...DESK, ...altered } };
}

const added = stateOf(appended(start, adding()));

describe('a whitelist entry', () => {
  it('is found by chain, address and tier, in whatever case, with the entry since which it acts', () => {
    const found = { ...DESK, sequence: 1 };
    expect(whitelistedAt(added, { chain: ETHEREUM, address: ADDRESS, tier: 'hot' }, 5)).toEqual(found);
    const lower = ADDRESS.toLowerCase();
    expect(whitelistedAt(added, { chain: ETHEREUM, address: lower, tier: 'warm' }, 5)).toEqual(found);
    expect(whitelistedAt(added, { chain: ETHEREUM, address: ADDRESS, tier: 'cold' }, 5)).toBeUndefined();
    expect(whitelistedAt(added, { chain: 'eip155:1', address: ADDRESS, tier: 'hot' }, 5)).toBeUndefined();
  });

  it('is none any more from its end on', () => {
    const until = stateOf(appended(start, adding({ endsAtMs: 1_000 })));
    const asked = { chain: ETHEREUM, address: ADDRESS, tier: 'hot' } as const;
    expect(whitelistedAt(until, asked, 999)).toBeDefined();
    expect(whitelistedAt(until, asked, 1_000)).toBeUndefined();
  });

  it('is gone once it was removed, and its id never comes back', () => {
    const removed = stateOf(appended(added, { kind: 'whitelist-removed', entryId: 'otc-b' }));
    expect(removed.whitelist.size).toBe(0);
    expect(whyOf(appended(removed, adding()))).toEqual([
      'governance-change-invalid',
      'registered before: whitelist:otc-b',
      'whitelist-added',
    ]);
    expect(codeOf(appended(removed, adding({ entryId: 'otc-b-2' })))).toBe('accepted');
  });

  it.each<[string, Partial<WhitelistEntry>, string]>([
    [
      'an address of another chain',
      { address: 'bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080' },
      'no address of its chain',
    ],
    ['an address without its checksum', { address: ADDRESS.toLowerCase() }, 'no address of its chain'],
    [
      'a Bitcoin address of another network',
      { chain: BITCOIN, address: 'bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4' },
      'no address of its chain',
    ],
    ['a chain that nobody registered', { chain: 'eip155:5' }, 'on a chain that is not registered'],
  ])('is refused with %s', (_, altered, why) => {
    expect(whyOf(appended(start, adding(altered)))).toEqual([
      'governance-change-invalid',
      `a whitelist entry ${why === 'no address of its chain' ? 'has no address of its chain' : `is ${why}`}`,
      'whitelist-added',
    ]);
  });

  it('is refused for an address that has one', () => {
    expect(whyOf(appended(added, adding({ entryId: 'other' })))).toEqual([
      'governance-change-invalid',
      'this address is on the whitelist already',
      'whitelist-added',
    ]);
  });

  it('is refused to be removed where there is none', () => {
    expect(whyOf(appended(start, { kind: 'whitelist-removed', entryId: 'otc-b' }))).toEqual([
      'governance-change-invalid',
      'no such whitelist entry',
      'whitelist-removed',
    ]);
  });
});

describe('a delegation', () => {
  const HOLIDAY: Delegation = {
    delegationId: 'holiday',
    group: 'treasury',
    from: 'bob',
    to: 'dave',
    startsAtMs: 1_000,
    endsAtMs: 2_000,
  };
  const withDave = stateOf(appended(start, { ...ADD_DAVE, groups: [] }));
  const delegated = stateOf(appended(withDave, { kind: 'delegation-added', delegation: HOLIDAY }));

  it('gives the place to the other for its time, and to nobody twice', () => {
    const treasury = (state: GovernanceState, nowMs: number) => groupsAt(state, nowMs).get('treasury');
    expect(treasury(delegated, 999)).toEqual(['alice', 'bob', 'carol']);
    expect(treasury(delegated, 1_000)).toEqual(['alice', 'dave', 'carol']);
    expect(treasury(delegated, 1_999)).toEqual(['alice', 'dave', 'carol']);
    expect(treasury(delegated, 2_000)).toEqual(['alice', 'bob', 'carol']);
    expect(groupsAt(delegated, 1_500).get('governors')).toEqual(['alice', 'bob', 'carol']);
  });

  it('to a member of the group gives no second place', () => {
    const toCarol: Change = { kind: 'delegation-added', delegation: { ...HOLIDAY, to: 'carol' } };
    const state = stateOf(appended(start, toCarol));
    expect(groupsAt(state, 1_500).get('treasury')).toEqual(['alice', 'bob', 'carol']);
  });

  it('counts for nothing in governance itself', () => {
    expect(codeOf(appended(delegated, { kind: 'person-removed', personId: 'carol' }, alice))).toBe(
      'governance-quorum-missing',
    );
  });

  it('ends when it is taken back', () => {
    const back = stateOf(appended(delegated, { kind: 'delegation-removed', delegationId: 'holiday' }));
    expect(groupsAt(back, 1_500).get('treasury')).toEqual(['alice', 'bob', 'carol']);
  });

  it.each<[string, Partial<Delegation>, string]>([
    ['that ends before it begins', { endsAtMs: 1_000 }, 'a delegation ends before it begins'],
    ['to oneself', { to: 'bob' }, 'a delegation of nothing'],
    [
      'of a group that is not there',
      { group: 'nobody' },
      'a place is lent by somebody who has none in the group',
    ],
    ['of a place that is none', { from: 'dave' }, 'a place is lent by somebody who has none in the group'],
    ['to nobody', { to: 'ghost' }, 'a place is lent to somebody who is not in the roster'],
  ])('is refused %s', (_, altered, why) => {
    const change: Change = { kind: 'delegation-added', delegation: { ...HOLIDAY, ...altered } };
    expect(whyOf(appended(withDave, change)).slice(0, 2)).toEqual(['governance-change-invalid', why]);
  });

  it('is refused where a rule would ask meanwhile for approvals that nobody can give', () => {
    const owned = stateOf(
      replayGenesis(
        genesisOf({
          persons: [...GENESIS.persons, personOf('dave', dave)],
          groups: [
            { groupId: 'governors', members: ['alice', 'bob', 'carol'] },
            { groupId: 'treasury', members: ['alice', 'bob'] },
          ],
          requestKeys: [
            { keyId: 'backend', algorithm: 'ed25519', publicKey: 'e1'.repeat(32), owners: ['dave'] },
          ],
        }),
        portableVerifier,
      ),
    );
    expect(whyOf(appended(owned, { kind: 'delegation-added', delegation: HOLIDAY }))).toEqual([
      'governance-change-invalid',
      'as long as this place is lent, a rule asks for approvals that nobody can give',
      'hot/all',
    ]);
  });

  it('lies idle once who stands in has left: the place is its owner’s again', () => {
    const left = stateOf(appended(delegated, { kind: 'person-removed', personId: 'dave' }));
    expect(groupsAt(left, 1_500).get('treasury')).toEqual(['alice', 'bob', 'carol']);
  });

  it('keeps both from what keeps the group out: who lends a place, and who has it meanwhile', () => {
    const apart = { group: 'governors', quorum: 1, notMembersOf: ['treasury'] };
    const governors = { groupId: 'governors', members: ['alice', 'bob', 'carol', 'dave'] };
    const desk = { groupId: 'treasury', members: ['alice', 'bob'] };
    const lent = stateOf(
      appended(stateOf(appended(withDave, { kind: 'group-set', group: governors })), {
        kind: 'delegation-added',
        delegation: HOLIDAY,
      }),
    );
    const narrowed = { ...lent, groups: new Map(lent.groups).set('treasury', desk.members) };
    expect(candidatesFor(apart, groupsAt(narrowed, 999))).toEqual(['carol', 'dave']);
    expect(candidatesFor(apart, groupsAt(narrowed, 1_500))).toEqual(['carol']);
    expect(candidatesFor(apart, groupsAt(narrowed, 2_000))).toEqual(['carol', 'dave']);
  });

  it('is refused twice, and to be ended where there is none', () => {
    const again: Change = { kind: 'delegation-added', delegation: HOLIDAY };
    expect(whyOf(appended(delegated, again))).toEqual([
      'governance-change-invalid',
      'this delegation exists already',
      'delegation-added',
    ]);
    expect(whyOf(appended(withDave, { kind: 'delegation-removed', delegationId: 'holiday' }))).toEqual([
      'governance-change-invalid',
      'no such delegation',
      'delegation-removed',
    ]);
  });
});

describe('a freeze key', () => {
  const secret = new Uint8Array(32).fill(7);
  const key = {
    keyId: 'watcher-1',
    algorithm: 'ed25519',
    publicKey: bytesToHex(ed25519.getPublicKey(secret)),
    holder: 'the watcher',
  } as const;
  const withKey = stateOf(appended(start, { kind: 'freeze-key-added', freezeKey: key }));
  const FREEZE: Change = { kind: 'frozen', scope: { kind: 'everything' }, why: 'the chain has forked' };

  function byKey(state: GovernanceState, change: Change, signer = secret): GovernanceEntry {
    const body = bodyAfter(state, change);
    const signature = bytesToHex(ed25519.sign(entryBytes(body), signer));
    return { body, signatures: [{ credentialId: key.keyId, signature }] };
  }

  const codeFor = (state: GovernanceState, entry: GovernanceEntry) =>
    codeOf(replayEntry(state, entry, portableVerifier));

  it('freezes', () => {
    const frozen = stateOf(replayEntry(withKey, byKey(withKey, FREEZE), portableVerifier));
    expect([...frozen.frozen.values()]).toEqual([
      { scope: { kind: 'everything' }, why: 'the chain has forked', sequence: 2 },
    ]);
  });

  it('does nothing else', () => {
    const frozen = stateOf(replayEntry(withKey, byKey(withKey, FREEZE), portableVerifier));
    expect(codeFor(frozen, byKey(frozen, { kind: 'thawed', scope: { kind: 'everything' } }))).toBe(
      'governance-signer-unknown',
    );
    expect(codeFor(withKey, byKey(withKey, { kind: 'person-removed', personId: 'bob' }))).toBe(
      'governance-signer-unknown',
    );
  });

  it('does not freeze with the signature of another key, nor when it was removed, nor beside a person', () => {
    expect(codeFor(withKey, byKey(withKey, FREEZE, new Uint8Array(32).fill(8)))).toBe(
      'governance-signature-invalid',
    );
    const removed = stateOf(appended(withKey, { kind: 'freeze-key-removed', keyId: key.keyId }));
    expect(codeFor(removed, byKey(removed, FREEZE))).toBe('governance-signer-unknown');
    const both = byKey(withKey, FREEZE);
    const [own] = both.signatures;
    if (!own) throw new Error('no signature');
    expect(codeFor(withKey, { ...both, signatures: [own, own] })).toBe('governance-signer-unknown');
  });

  it('is refused with the id or key of somebody else, or a key that is none', () => {
    const adding = (altered: object): Change => ({
      kind: 'freeze-key-added',
      freezeKey: { ...key, ...altered },
    });
    expect(whyOf(appended(start, adding({ keyId: 'alice-1' })))).toEqual([
      'governance-change-invalid',
      'registered before: id:alice-1',
      'freeze-key-added',
    ]);
    expect(whyOf(appended(start, adding({ publicKey: '01'.padEnd(64, '0') })))).toEqual([
      'governance-change-invalid',
      'the freeze key is no point of Ed25519',
      'freeze-key-added',
    ]);
    expect(whyOf(appended(start, { kind: 'freeze-key-removed', keyId: 'watcher-1' }))).toEqual([
      'governance-change-invalid',
      'no such freeze key',
      'freeze-key-removed',
    ]);
  });
});

describe('a credential', () => {
  it('is removed, but not the last one of a person, nor one that is not there', () => {
    const removed = stateOf(
      appended(start, { kind: 'credential-removed', credentialId: 'alice-2' }, alice, bob),
    );
    expect(removed.persons.get('alice')?.credentials.map((one) => one.credentialId)).toEqual(['alice-1']);
    expect(
      whyOf(appended(removed, { kind: 'credential-removed', credentialId: 'alice-1' }, alice, bob)),
    ).toEqual([
      'governance-change-invalid',
      'it is the last credential of this person',
      'credential-removed',
    ]);
    expect(whyOf(appended(start, { kind: 'credential-removed', credentialId: 'x' }))).toEqual([
      'governance-change-invalid',
      'no such credential',
      'credential-removed',
    ]);
  });
});
