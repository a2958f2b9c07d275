import { describe, expect, it } from '@jest/globals';
import { secp256k1 } from '@noble/curves/secp256k1.js';
import { bytesToHex } from '@noble/hashes/utils.js';
import { portableVerifier } from '../statements/signature.js';
import { MOST_PENDING } from './apply.js';
import { type Change, type EntryBody, entryHash, type GovernanceEntry, type Person } from './entry.js';
import {
  ADD_DAVE,
  alice,
  aliceSpare,
  auditLogOf,
  bob,
  bodyAfter,
  carol,
  codeOf,
  dave,
  GENESIS,
  genesisOf,
  type Key,
  newKey,
  POLICY,
  personOf,
  REMOVE_CAROL,
  signed,
  stateOf,
  whyOf,
} from './people.fixture.js';
import { replayEntry, replayGenesis } from './replay.js';
import type { GovernanceState } from './state.js';

const HOUR_MS = 3_600_000;
const erin = newKey('erin-1');
const frank = newKey('frank-1');

/** Governors alice, bob, carol; erin and frank watch over them and are none, carol does both. */
const slow = slowWith('watch');
/** Where no governor can veto. */
const apart = slowWith('guards');

function slowWith(vetoers: string, governors: readonly Person[] = GENESIS.persons): GovernanceState {
  const genesis = genesisOf({
    persons: [...governors, personOf('erin', erin), personOf('frank', frank)],
    groups: [
      ...GENESIS.groups,
      { groupId: 'watch', members: ['erin', 'frank', 'carol'] },
      { groupId: 'guards', members: ['erin', 'frank'] },
    ],
    quorum: { group: 'governors', threshold: 2 },
    timelock: { whitelistMs: 24 * HOUR_MS, policyMs: 48 * HOUR_MS, veto: { group: vetoers, threshold: 1 } },
  });
  return stateOf(replayGenesis(genesis, portableVerifier));
}

function entryAfter(
  state: GovernanceState,
  change: Change,
  keys: readonly Key[],
  altered: Partial<EntryBody> = {},
): GovernanceEntry {
  return signed({ ...bodyAfter(state, change), ...altered }, ...keys);
}

function taken(state: GovernanceState, entry: GovernanceEntry): GovernanceState {
  return stateOf(replayEntry(state, entry, portableVerifier));
}

function codeFor(state: GovernanceState, entry: GovernanceEntry): string {
  return codeOf(replayEntry(state, entry, portableVerifier));
}

const proposed = entryAfter(slow, ADD_DAVE, [alice, bob]);
const waiting = taken(slow, proposed);
const hash = entryHash(proposed.body);
const RIPE_MS = proposed.body.createdAtMs + 48 * HOUR_MS;

function activation(
  state: GovernanceState,
  keys: readonly Key[],
  createdAtMs = RIPE_MS,
  entry = hash,
): GovernanceEntry {
  return entryAfter(state, { kind: 'activated', entry }, keys, { createdAtMs });
}

const LOOSENING: readonly (readonly [string, Change])[] = [
  ['a person added', ADD_DAVE],
  ['a credential added', { kind: 'credential-added', personId: 'bob', credential: credentialOf(dave) }],
  [
    'a larger group',
    { kind: 'group-set', group: { groupId: 'treasury', members: ['alice', 'bob', 'frank'] } },
  ],
  ['a smaller quorum', { kind: 'quorum-set', quorum: { group: 'governors', threshold: 2 } }],
  [
    'a request key',
    {
      kind: 'request-key-added',
      requestKey: { keyId: 'desk', algorithm: 'ed25519', publicKey: 'e2'.repeat(32), owners: ['desk'] },
    },
  ],
  [
    'a fact key',
    {
      kind: 'fact-key-added',
      factKey: {
        keyId: 'watcher-1',
        algorithm: 'ed25519',
        publicKey: auditLogOf(1).key.publicKey,
        source: 'watcher-1',
        kinds: ['price'],
      },
    },
  ],
  ['policies', { kind: 'policies-set', policies: [{ name: 'hot', lines: POLICY }] }],
  ['fewer who may veto', { kind: 'group-set', group: { groupId: 'watch', members: ['erin', 'frank'] } }],
  [
    'a delegation',
    {
      kind: 'delegation-added',
      delegation: {
        delegationId: 'holiday',
        group: 'treasury',
        from: 'bob',
        to: 'frank',
        startsAtMs: 1,
        endsAtMs: 2,
      },
    },
  ],
];

function credentialOf({ credentialId, publicKey }: Key) {
  return { credentialId, credentialClass: 'pkcs11', algorithm: 'p256', publicKey } as const;
}

describe('what loosens', () => {
  it('waits, and does nothing until it is activated', () => {
    expect(waiting.persons.has('dave')).toBe(false);
    expect(waiting.sequence).toBe(1);
    expect(waiting.head).toBe(hash);
    expect([...waiting.pending.values()]).toEqual([
      {
        hash,
        sequence: 1,
        createdAtMs: proposed.body.createdAtMs,
        delayMs: 48 * HOUR_MS,
        change: ADD_DAVE,
        signers: new Map([
          ['alice', { credentialId: 'alice-1', credentialClass: 'pkcs11' }],
          ['bob', { credentialId: 'bob-1', credentialClass: 'pkcs11' }],
        ]),
      },
    ]);
  });

  it.each(LOOSENING)('waits: %s', (name, change) => {
    const before =
      name === 'a smaller quorum'
        ? taken(
            apart,
            entryAfter(apart, { kind: 'quorum-set', quorum: { group: 'governors', threshold: 3 } }, [
              alice,
              bob,
            ]),
          )
        : slow;
    // Governance of three leaves erin, who watches, to activate.
    const after = taken(before, entryAfter(before, change, [alice, bob, carol]));
    expect([...after.pending.values()].map(({ delayMs }) => delayMs)).toEqual([48 * HOUR_MS]);
  });

  it('waits where a timelock no longer says how long a word is good, as entries of before waited', () => {
    const said = (freshHeadMs: number | undefined) => ({
      kind: 'timelock-set' as const,
      timelock: { ...slow.timelock, ...(freshHeadMs !== undefined && { freshHeadMs }) },
    });
    const strict = taken(slow, entryAfter(slow, said(24 * HOUR_MS), [alice, bob]));
    expect(strict.pending.size).toBe(0);
    const silent = taken(strict, entryAfter(strict, said(undefined), [alice, bob]));
    expect([...silent.pending.values()].map(({ delayMs }) => delayMs)).toEqual([48 * HOUR_MS]);
  });

  it('waits a day when it is a whitelist entry', () => {
    const after = taken(slow, entryAfter(slow, whitelisting(), [alice, bob]));
    expect([...after.pending.values()].map(({ delayMs }) => delayMs)).toEqual([24 * HOUR_MS]);
    expect(after.whitelist.size).toBe(0);
  });

  it('acts when somebody who may veto and did not sign it activates it after its time', () => {
    const after = taken(waiting, activation(waiting, [erin]));
    expect(after.persons.has('dave')).toBe(true);
    expect(after.pending.size).toBe(0);
    expect(after.sequence).toBe(2);
  });

  it('is not activated a millisecond before its time, by its own words', () => {
    expect(codeFor(waiting, activation(waiting, [erin], RIPE_MS - 1))).toBe('governance-timelock');
  });

  it('is not activated by who signed it, nor by who may not veto, nor together with them', () => {
    const own = taken(slow, entryAfter(slow, ADD_DAVE, [alice, carol]));
    const ownHash = own.head;
    expect(codeFor(own, activation(own, [carol], RIPE_MS, ownHash))).toBe('governance-activator-proposed');
    expect(codeFor(own, activation(own, [erin, carol], RIPE_MS, ownHash))).toBe(
      'governance-activator-proposed',
    );
    expect(codeFor(own, activation(own, [bob], RIPE_MS, ownHash))).toBe('governance-quorum-missing');
    expect(codeFor(own, activation(own, [erin], RIPE_MS, ownHash))).toBe('accepted');
  });

  it('is not activated twice, nor when it was vetoed, nor under a hash of nothing', () => {
    const once = taken(waiting, activation(waiting, [erin]));
    expect(codeFor(once, activation(once, [erin]))).toBe('governance-not-pending');
    const vetoed = taken(
      waiting,
      entryAfter(waiting, { kind: 'vetoed', entry: hash, why: 'not agreed' }, [erin]),
    );
    expect(vetoed.pending.size).toBe(0);
    expect(codeFor(vetoed, activation(vetoed, [erin]))).toBe('governance-not-pending');
    expect(codeFor(waiting, activation(waiting, [erin], RIPE_MS, 'ab'.repeat(32)))).toBe(
      'governance-not-pending',
    );
  });

  it('is vetoed by who may, and by nobody else', () => {
    const veto: Change = { kind: 'vetoed', entry: hash, why: 'not agreed' };
    expect(codeFor(waiting, entryAfter(waiting, veto, [alice, bob]))).toBe('governance-quorum-missing');
    expect(codeFor(waiting, entryAfter(waiting, { ...veto, entry: 'ab'.repeat(32) }, [erin]))).toBe(
      'governance-not-pending',
    );
  });

  it('counts no more for who was removed while it waited', () => {
    const removed = taken(
      waiting,
      entryAfter(waiting, { kind: 'person-removed', personId: 'bob' }, [alice, carol]),
    );
    expect(codeFor(removed, activation(removed, [erin]))).toBe('governance-quorum-missing');
  });

  it('counts no more for a signature whose credential was removed while it waited', () => {
    const byThief = taken(slow, entryAfter(slow, ADD_DAVE, [aliceSpare, bob]));
    const missed = taken(
      byThief,
      entryAfter(byThief, { kind: 'credential-removed', credentialId: 'alice-2' }, [alice, carol]),
    );
    expect(codeFor(missed, activation(missed, [erin], RIPE_MS, byThief.head))).toBe(
      'governance-quorum-missing',
    );
    const other = taken(
      waiting,
      entryAfter(waiting, { kind: 'credential-removed', credentialId: 'alice-2' }, [alice, carol]),
    );
    expect(codeFor(other, activation(other, [erin]))).toBe('accepted');
  });

  it('is judged again when it acts: what it stood on may have gone', () => {
    const add: Change = { kind: 'person-added', person: personOf('dave', dave), groups: ['governors'] };
    const twice = taken(waiting, entryAfter(waiting, { ...add, groups: ['treasury'] }, [alice, carol]));
    const first = taken(twice, activation(twice, [erin]));
    expect(
      whyOf(replayEntry(first, activation(first, [erin], RIPE_MS + 1, twice.head), portableVerifier)),
    ).toEqual(['governance-change-invalid', 'this person is in the roster already', 'person-added']);
  });

  it('is refused at once when it could not act today', () => {
    const nobody: Change = { kind: 'person-added', person: personOf('dave', dave), groups: ['nobody'] };
    expect(whyOf(replayEntry(slow, entryAfter(slow, nobody, [alice, bob]), portableVerifier))).toEqual([
      'governance-change-invalid',
      'no such group: nobody',
      'person-added',
    ]);
  });

  it('is refused when as many wait as may', () => {
    let state = slow;
    for (let count = 0; count < MOST_PENDING; count += 1) {
      state = taken(state, entryAfter(state, ADD_DAVE, [alice, bob]));
    }
    expect(whyOf(replayEntry(state, entryAfter(state, ADD_DAVE, [alice, bob]), portableVerifier))).toEqual([
      'governance-change-invalid',
      'too many entries wait',
      String(MOST_PENDING),
    ]);
    // What tightens acts all the same.
    expect(codeFor(state, entryAfter(state, REMOVE_CAROL, [alice, bob]))).toBe('accepted');
  });
});

function whitelisting(altered: object = {}): Change {
  const entry = {
    entryId: 'otc-b',
    label: 'OTC desk B',
    chain: 'eip155:31337',
    address: '0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed',
    tiers: ['hot' as const],
    ...altered,
  };
  return { kind: 'whitelist-added', entry };
}

describe('a group that policies keep out', () => {
  const lines = POLICY.map((line) => line.replace('quorum: 2', 'quorum: 1, not-members-of: [desk]'));
  const groups = [
    ...GENESIS.groups,
    { groupId: 'desk', members: ['bob', 'carol'] },
    { groupId: 'watch', members: ['erin', 'frank'] },
  ];
  const kept = stateOf(
    replayGenesis(
      genesisOf({
        persons: [...GENESIS.persons, personOf('erin', erin), personOf('frank', frank)],
        groups,
        timelock: slow.timelock,
        policies: [{ name: 'hot', lines }],
      }),
      portableVerifier,
    ),
  );
  const deskOf = (...members: string[]): Change => ({
    kind: 'group-set',
    group: { groupId: 'desk', members },
  });

  it('waits when it is made smaller: more persons approve then', () => {
    const after = taken(kept, entryAfter(kept, deskOf('bob'), [alice, bob]));
    expect([...after.pending.values()].map(({ delayMs }) => delayMs)).toEqual([48 * HOUR_MS]);
    expect(after.groups.get('desk')).toEqual(['bob', 'carol']);
  });

  it('waits when who stood in for one of its members may approve again', () => {
    const lend = (group: string, to: string): Change => ({
      kind: 'delegation-added',
      delegation: { delegationId: group, group, from: 'bob', to, startsAtMs: 1, endsAtMs: 2 },
    });
    // Beside alice somebody else can approve, so that her standing in leaves one.
    const treasury = ['alice', 'bob', 'carol', 'frank'];
    const wide = { ...kept, groups: new Map(kept.groups).set('treasury', treasury) };
    const lent = (group: string, to: string) => {
      const asked = entryAfter(wide, lend(group, to), [alice, bob]);
      const createdAtMs = asked.body.createdAtMs + 48 * HOUR_MS;
      const before = taken(wide, asked);
      return taken(before, activation(before, [frank], createdAtMs, entryHash(asked.body)));
    };
    const back = (group: string, to: string) => {
      const state = lent(group, to);
      const change: Change = { kind: 'delegation-removed', delegationId: group };
      const createdAtMs = RIPE_MS + HOUR_MS;
      return taken(state, entryAfter(state, change, [alice, bob], { createdAtMs }));
    };
    expect(back('desk', 'alice').pending.size).toBe(1);
    // Who is none of those who approve is rid of at once.
    expect(back('desk', 'erin').pending.size).toBe(0);
    expect(back('treasury', 'erin').pending.size).toBe(0);
  });

  it('acts at once when its members only stand in another order', () => {
    const after = taken(kept, entryAfter(kept, deskOf('carol', 'bob'), [alice, bob]));
    expect(after.pending.size).toBe(0);
  });
});

describe('what has waited', () => {
  const DAY_MS = 24 * HOUR_MS;

  it('is not activated when it has waited thirty days too long (governance-pending-stale)', () => {
    expect(codeFor(waiting, activation(waiting, [erin], RIPE_MS + 30 * DAY_MS))).toBe('accepted');
    expect(codeFor(waiting, activation(waiting, [erin], RIPE_MS + 30 * DAY_MS + 1))).toBe(
      'governance-pending-stale',
    );
  });

  it('waits as long as it would have to today, where the timelock has become longer', () => {
    const timelock = { ...slow.timelock, policyMs: 72 * HOUR_MS };
    const slower = taken(waiting, entryAfter(waiting, { kind: 'timelock-set', timelock }, [alice, bob]));
    expect(codeFor(slower, activation(slower, [erin]))).toBe('governance-timelock');
    expect(codeFor(slower, activation(slower, [erin], RIPE_MS + 24 * HOUR_MS))).toBe('accepted');
  });

  it('ends when what it would set is set otherwise meanwhile', () => {
    const members = ['alice', 'bob', 'carol', 'frank'];
    const larger: Change = { kind: 'group-set', group: { groupId: 'treasury', members } };
    const asked = taken(slow, entryAfter(slow, larger, [alice, bob]));
    const smaller: Change = { kind: 'group-set', group: { groupId: 'treasury', members: ['alice', 'bob'] } };
    const cut = taken(asked, entryAfter(asked, smaller, [alice, bob]));
    expect(cut.pending.size).toBe(0);
    expect(codeFor(cut, activation(cut, [erin], RIPE_MS, asked.head))).toBe('governance-not-pending');
    const other: Change = {
      kind: 'group-set',
      group: { groupId: 'governors', members: ['alice', 'bob', 'carol'] },
    };
    expect(taken(asked, entryAfter(asked, other, [alice, bob])).pending.size).toBe(1);
  });
});

describe('whoever alone can veto', () => {
  const invalid = (why: string, about: string) => ['governance-change-invalid', why, about];

  it('is never one whom nobody could remove: not in a genesis', () => {
    const timelock = { ...slow.timelock, veto: { group: 'governors', threshold: 1 } };
    expect(whyOf(replayGenesis(genesisOf({ timelock }), portableVerifier))).toEqual(
      invalid('alice could veto every change and never be removed', 'genesis'),
    );
  });

  it('is never one whom nobody could remove: not by a later change either', () => {
    const alone: Change = { kind: 'group-set', group: { groupId: 'watch', members: ['erin'] } };
    expect(whyOf(replayEntry(slow, entryAfter(slow, alone, [alice, bob]), portableVerifier))).toEqual(
      invalid('erin could veto every change and never be removed', 'group-set'),
    );
    const all: Change = { kind: 'quorum-set', quorum: { group: 'governors', threshold: 3 } };
    expect(whyOf(replayEntry(slow, entryAfter(slow, all, [alice, bob]), portableVerifier))).toEqual(
      invalid('carol could veto every change and never be removed', 'quorum-set'),
    );
  });

  it('is never one without whom a policy could not be met', () => {
    const policies = (group: string): Change => ({
      kind: 'policies-set',
      policies: [
        { name: 'hot', lines: POLICY.map((line) => line.replace('group: treasury', `group: ${group}`)) },
      ],
    });
    const setting = (group: string) =>
      replayEntry(apart, entryAfter(apart, policies(group), [alice, bob]), portableVerifier);
    expect(whyOf(setting('guards'))).toEqual(
      invalid('erin could veto every change and never be removed', 'policies-set'),
    );
    expect(stateOf(setting('watch')).pending.size).toBe(1);
  });

  it('is never one who alone holds what a quorum asks for', () => {
    const publicKey = bytesToHex(secp256k1.getPublicKey(new Uint8Array(32).fill(7)));
    const carols = personOf('carol', carol);
    const holding = slowWith('watch', [
      personOf('alice', alice, aliceSpare),
      personOf('bob', bob),
      {
        ...carols,
        credentials: [
          ...carols.credentials,
          { credentialId: 'carol-ledger', credentialClass: 'device-display', algorithm: 'eip191', publicKey },
        ],
      },
    ]);
    const quorum = { group: 'governors', threshold: 2, with: { 'device-display': 1 } };
    expect(
      whyOf(
        replayEntry(
          holding,
          entryAfter(holding, { kind: 'quorum-set', quorum }, [alice, bob]),
          portableVerifier,
        ),
      ),
    ).toEqual(invalid('carol could veto every change and never be removed', 'quorum-set'));
  });

  it('is removed at once by the quorum, also where that leaves another who is', () => {
    const removed = taken(slow, entryAfter(slow, { kind: 'person-removed', personId: 'erin' }, [alice, bob]));
    expect(removed.groups.get('watch')).toEqual(['frank', 'carol']);
    const again = taken(
      removed,
      entryAfter(removed, { kind: 'person-removed', personId: 'frank' }, [alice, bob]),
    );
    expect(again.groups.get('watch')).toEqual(['carol']);
  });
});

describe('what tightens', () => {
  it.each<[string, Change]>([
    ['a person removed', { kind: 'person-removed', personId: 'bob' }],
    ['a larger quorum', { kind: 'quorum-set', quorum: { group: 'governors', threshold: 3 } }],
    ['a smaller group', { kind: 'group-set', group: { groupId: 'treasury', members: ['alice', 'bob'] } }],
    ['a request key removed', { kind: 'request-key-removed', keyId: 'backend' }],
    [
      'a longer timelock',
      {
        kind: 'timelock-set',
        timelock: { ...slow.timelock, policyMs: 49 * HOUR_MS },
      },
    ],
  ])('acts at once: %s', (_, change) => {
    const before = change.kind === 'quorum-set' ? apart : slow;
    const after = taken(before, entryAfter(before, change, [alice, bob]));
    expect(after.pending.size).toBe(0);
  });

  it.each<[string, Partial<GovernanceState['timelock']>]>([
    ['shorter for policies', { policyMs: 48 * HOUR_MS - 1 }],
    ['shorter for the whitelist', { whitelistMs: 0 }],
    ['longer for policies and shorter for the whitelist', { policyMs: 90 * 24 * HOUR_MS, whitelistMs: 1 }],
    ['with another group that may veto', { veto: { group: 'guards', threshold: 1 } }],
  ])('is not a timelock %s', (_, altered) => {
    const timelock = { ...slow.timelock, ...altered };
    const after = taken(slow, entryAfter(slow, { kind: 'timelock-set', timelock }, [alice, bob]));
    expect([...after.pending.values()].map(({ delayMs }) => delayMs)).toEqual([48 * HOUR_MS]);
    expect(after.timelock).toEqual(slow.timelock);
  });
});

describe('a timelock', () => {
  const refusalOf = (timelock: GovernanceState['timelock'], quorum = { group: 'governors', threshold: 2 }) =>
    whyOf(replayGenesis(genesisOf({ timelock, quorum }, alice, bob, carol), portableVerifier));

  it('is refused when a veto takes as many as a change', () => {
    expect(refusalOf({ ...slow.timelock, veto: { group: 'governors', threshold: 2 } })).toEqual([
      'governance-change-invalid',
      'a veto takes as many as a change',
      'governors',
    ]);
  });

  it('is refused when nobody is left to activate what the quorum has signed', () => {
    const veto = { group: 'governors', threshold: 2 };
    expect(refusalOf({ ...slow.timelock, veto }, { group: 'governors', threshold: 3 })).toEqual([
      'governance-change-invalid',
      'nobody who may activate is left when the quorum has signed',
      'governors',
    ]);
  });

  it('is refused when its group is not there, or too small', () => {
    expect(refusalOf({ ...slow.timelock, veto: { group: 'nobody', threshold: 1 } })).toEqual([
      'governance-change-invalid',
      'the quorum names a group that does not exist',
      'nobody',
    ]);
    expect(refusalOf({ ...slow.timelock, veto: { group: 'treasury', threshold: 4 } })).toEqual([
      'governance-change-invalid',
      'the quorum could never be reached',
      'treasury',
    ]);
  });
});
