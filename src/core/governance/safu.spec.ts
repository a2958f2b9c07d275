import { describe, expect, it } from '@jest/globals';
import { secp256k1 } from '@noble/curves/secp256k1.js';
import { bytesToHex } from '@noble/hashes/utils.js';
import { portableVerifier } from '../statements/signature.js';
import type { Change } from './entry.js';
import {
  alice,
  appended,
  BITCOIN,
  bob,
  carol,
  codeOf,
  dave,
  ETHEREUM,
  GENESIS,
  type Genesis,
  genesisOf,
  newKey,
  POLICY,
  personOf,
  signed,
  stateOf,
  whyOf,
} from './people.fixture.js';
import { replayGenesis } from './replay.js';

const gina = newKey('gina-1');
const hugo = newKey('hugo-1');
const ivan = newKey('ivan-1');

const SAFU_POLICY = [
  'policy: safu',
  'applies-to: { tier: safu }',
  'fee-caps: { absolute: "0.001 BTC", relative: "5%" }',
  'rules:',
  '  - { id: payout, when: { asset: BTC }, then: { approve: [{ group: custodians, quorum: 2 }] } }',
];

/** Its public key is that of a small secret: no wallet that holds anything. */
function walletOf(walletId: string, tier: 'hot' | 'cold' | 'safu', token: string, secret: number) {
  const publicKey = bytesToHex(secp256k1.getPublicKey(new Uint8Array(32).fill(secret)));
  return { walletId, chain: BITCOIN, tier, token, keys: [{ label: walletId, publicKey }] };
}

const SAFU_WALLET = walletOf('safu-btc', 'safu', 'safu', 2);
const WITH_SAFU: Partial<Genesis> = {
  persons: [...GENESIS.persons, personOf('gina', gina), personOf('hugo', hugo)],
  groups: [...GENESIS.groups, { groupId: 'custodians', members: ['gina', 'hugo'] }],
  safu: { group: 'custodians', threshold: 2 },
  wallets: [...GENESIS.wallets, SAFU_WALLET],
  policies: [...GENESIS.policies, { name: 'safu', lines: SAFU_POLICY }],
};

const treasury = [alice, bob] as const;
const custodians = [gina, hugo] as const;
const state = stateOf(replayGenesis(genesisOf(WITH_SAFU, ...treasury, ...custodians), portableVerifier));

describe('SAFU in a genesis', () => {
  const refusalOf = (altered: Partial<Genesis>) =>
    whyOf(
      replayGenesis(
        signed(genesisOf({ ...WITH_SAFU, ...altered }).body, ...treasury, ...custodians),
        portableVerifier,
      ),
    );

  it('takes the signatures of its custodians too', () => {
    expect(codeOf(replayGenesis(genesisOf(WITH_SAFU, alice, bob, carol), portableVerifier))).toBe(
      'governance-quorum-missing',
    );
    expect(codeOf(replayGenesis(genesisOf(WITH_SAFU, alice, bob, gina), portableVerifier))).toBe(
      'governance-quorum-missing',
    );
    expect(codeOf(replayGenesis(genesisOf(WITH_SAFU, gina, hugo), portableVerifier))).toBe(
      'governance-quorum-missing',
    );
  });

  it('is refused without a quorum of its own', () => {
    const { safu, ...without } = { ...genesisOf(WITH_SAFU).body.change } as Genesis;
    expect(safu).toBeDefined();
    const entry = { ...genesisOf().body, change: without };
    expect(whyOf(replayGenesis(signed(entry, ...treasury), portableVerifier))).toEqual([
      'governance-change-invalid',
      "a SAFU wallet without SAFU's own quorum",
      'safu-btc',
    ]);
  });

  it('is refused where a wallet of another tier has its keys in the same token', () => {
    expect(refusalOf({ wallets: [...GENESIS.wallets, walletOf('safu-btc', 'safu', 'treasury', 2)] })).toEqual(
      ['governance-change-invalid', "a wallet has its keys in SAFU's token", 'hot-btc'],
    );
  });

  it('is refused where a custodian is in another group', () => {
    const groups = [...GENESIS.groups, { groupId: 'custodians', members: ['gina', 'carol'] }];
    expect(refusalOf({ groups })).toEqual([
      'governance-change-invalid',
      'a custodian of SAFU is in another group',
      'carol',
    ]);
  });
});

const ADD_IVAN: Change = { kind: 'person-added', person: personOf('ivan', ivan), groups: ['custodians'] };
const WHITELISTED: Change = {
  kind: 'whitelist-added',
  entry: {
    entryId: 'relief',
    label: 'Relief fund',
    chain: ETHEREUM,
    address: '0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed',
    tiers: ['hot', 'safu'],
  },
};
const otherRules = SAFU_POLICY.map((line) => line.replace('quorum: 2', 'quorum: 1'));
const otherHot = POLICY.map((line) => line.replace('quorum: 2', 'quorum: 3'));
const TIMELOCK: Change = { kind: 'timelock-set', timelock: { ...state.timelock, freshHeadMs: 60_000 } };

describe('what touches SAFU', () => {
  it.each<[string, Change]>([
    ['another custodian', ADD_IVAN],
    [
      'a custodian removed',
      { kind: 'group-set', group: { groupId: 'custodians', members: ['gina', 'hugo'] } },
    ],
    [
      'a custodian with another key',
      { kind: 'credential-added', personId: 'gina', credential: credentialOf(ivan) },
    ],
    ['a wallet of SAFU', { kind: 'wallet-added', wallet: walletOf('safu-2', 'safu', 'safu', 3) }],
    ['its policy', policiesOf(POLICY, otherRules)],
    ['its policy taken away', { kind: 'policies-set', policies: [{ name: 'hot', lines: POLICY }] }],
    ['a destination', WHITELISTED],
    ['its quorum', { kind: 'safu-quorum-set', quorum: { group: 'custodians', threshold: 2 } }],
    ['the timelock', TIMELOCK],
  ])('needs the custodians and the quorum: %s', (_, change) => {
    expect(codeOf(appended(state, change, alice, bob, carol))).toBe('governance-quorum-missing');
    expect(codeOf(appended(state, change, ...custodians))).toBe('governance-quorum-missing');
    expect(codeOf(appended(state, change, ...treasury, ...custodians))).toBe('accepted');
  });

  it('never comes down to one custodian where it took two', () => {
    const quorum = { group: 'custodians', threshold: 1 };
    const lowered = appended(state, { kind: 'safu-quorum-set', quorum }, ...treasury, ...custodians);
    expect(whyOf(lowered)).toEqual([
      'governance-change-invalid',
      'one custodian alone could then speak for SAFU',
      'custodians',
    ]);
  });

  it.each<[string, Change]>(
    [
      ['a thaw of everything', { kind: 'everything' }],
      ['a thaw of its wallet', { kind: 'wallet', walletId: 'safu-btc' }],
    ].map(([name, scope]) => [String(name), { kind: 'thawed', scope } as Change]),
  )('needs them: %s', (_, thaw) => {
    if (thaw.kind !== 'thawed') throw new Error('not a thaw');
    const frozen = stateOf(appended(state, { kind: 'frozen', scope: thaw.scope, why: 'seen' }, carol));
    expect(codeOf(appended(frozen, thaw, ...treasury))).toBe('governance-quorum-missing');
    expect(codeOf(appended(frozen, thaw, ...treasury, ...custodians))).toBe('accepted');
  });

  it.each<[string, Change]>([
    [
      'another person of the treasury',
      { kind: 'person-added', person: personOf('dave', dave), groups: ['treasury'] },
    ],
    ['the policy of another wallet', policiesOf(otherHot, SAFU_POLICY)],
    ['a wallet of another tier', { kind: 'wallet-added', wallet: walletOf('hot-2', 'hot', 'treasury', 3) }],
  ])('is not: %s', (_, change) => {
    expect(codeOf(appended(state, change, ...treasury))).toBe('accepted');
  });

  describe('where a board approves beside its custodians', () => {
    const withBoard = SAFU_POLICY.map((line) =>
      line.replace(
        '{ group: custodians, quorum: 2 }',
        '{ group: custodians, quorum: 1, not-members-of: [desk] }, { group: board, quorum: 1 }',
      ),
    );
    const boarded = stateOf(
      replayGenesis(
        genesisOf(
          {
            ...WITH_SAFU,
            persons: [...(WITH_SAFU.persons ?? []), personOf('ivan', ivan)],
            groups: [
              ...(WITH_SAFU.groups ?? []),
              { groupId: 'board', members: ['ivan'] },
              { groupId: 'desk', members: ['carol'] },
            ],
            policies: [...GENESIS.policies, { name: 'safu', lines: withBoard }],
          },
          ...treasury,
          ...custodians,
        ),
        portableVerifier,
      ),
    );
    const standIn = (group: string, from: string, to: string): Change => ({
      kind: 'delegation-added',
      delegation: { delegationId: 'holiday', group, from, to, startsAtMs: 1, endsAtMs: 2 },
    });

    it.each<[string, Change]>([
      ['other members', { kind: 'group-set', group: { groupId: 'board', members: ['alice'] } }],
      [
        'other members of who is kept out',
        { kind: 'group-set', group: { groupId: 'desk', members: ['bob'] } },
      ],
      ['a new member', { kind: 'person-added', person: personOf('dave', dave), groups: ['board'] }],
      [
        'another key of a member',
        { kind: 'credential-added', personId: 'ivan', credential: credentialOf(dave) },
      ],
      ["somebody in a member's place", standIn('board', 'ivan', 'alice')],
    ])('needs the custodians and the quorum: %s', (_, change) => {
      expect(codeOf(appended(boarded, change, alice, bob, carol))).toBe('governance-quorum-missing');
      expect(codeOf(appended(boarded, change, ...treasury, ...custodians))).toBe('accepted');
    });

    it('removes a member as fast as anybody', () => {
      const two = stateOf(
        appended(
          boarded,
          { kind: 'group-set', group: { groupId: 'board', members: ['ivan', 'alice'] } },
          ...treasury,
          ...custodians,
        ),
      );
      expect(codeOf(appended(two, { kind: 'person-removed', personId: 'ivan' }, ...treasury))).toBe(
        'accepted',
      );
    });

    it('lets nobody stand in for a custodian and for another, or be both', () => {
      const both = (change: Change) => whyOf(appended(boarded, change, ...treasury, ...custodians));
      const flaw = ['governance-change-invalid', 'a custodian of SAFU is in another group'];
      expect(both(standIn('treasury', 'alice', 'gina'))).toEqual([...flaw, 'gina']);
      expect(both(standIn('custodians', 'gina', 'alice'))).toEqual([...flaw, 'alice']);
    });
  });

  it('needs the custodians for a token on the chain of one of its wallets: its decimals say what it is worth', () => {
    const token = {
      chain: ETHEREUM,
      contract: '0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed',
      symbol: 'USDX',
      decimals: 30,
      codeHash: 'c0'.repeat(32),
    };
    const add: Change = { kind: 'token-added', token };
    const lines = SAFU_POLICY.map((line) => line.replace('tier: safu', 'wallets: [safu-btc]'));
    const two = stateOf(
      replayGenesis(
        genesisOf(
          {
            ...WITH_SAFU,
            wallets: [
              ...(WITH_SAFU.wallets ?? []),
              { ...walletOf('safu-eth', 'safu', 'safu', 4), chain: ETHEREUM },
            ],
            policies: [...GENESIS.policies, { name: 'safu', lines }],
          },
          ...treasury,
          ...custodians,
        ),
        portableVerifier,
      ),
    );
    expect(codeOf(appended(state, add, ...treasury))).toBe('accepted');
    expect(codeOf(appended(two, add, ...treasury))).toBe('governance-quorum-missing');
    expect(codeOf(appended(two, add, ...treasury, ...custodians))).toBe('accepted');
  });

  it('leaves custodians no way into the treasury, and the treasury none to them', () => {
    const join = (personId: string, groupId: string, others: string[]): Change => ({
      kind: 'group-set',
      group: { groupId, members: [...others, personId] },
    });
    const all = [...treasury, ...custodians];
    expect(whyOf(appended(state, join('carol', 'custodians', ['gina', 'hugo']), ...all))).toEqual([
      'governance-change-invalid',
      'a custodian of SAFU is in another group',
      'carol',
    ]);
    expect(whyOf(appended(state, join('gina', 'treasury', ['alice', 'bob']), ...all))).toEqual([
      'governance-change-invalid',
      'a custodian of SAFU is in another group',
      'gina',
    ]);
  });
});

describe('who has a place of SAFU', () => {
  const lent = (to: string): Change => ({
    kind: 'delegation-added',
    delegation: {
      delegationId: 'holiday',
      group: 'custodians',
      from: 'hugo',
      to,
      startsAtMs: 1,
      endsAtMs: 2,
    },
  });
  const both = [...treasury, ...custodians] as const;
  const withIvan = stateOf(
    replayGenesis(
      genesisOf({ ...WITH_SAFU, persons: [...(WITH_SAFU.persons ?? []), personOf('ivan', ivan)] }, ...both),
      portableVerifier,
    ),
  );

  it('for a time gets no other key, and does not leave, without its quorum', () => {
    const state = stateOf(appended(withIvan, lent('ivan'), ...both));
    const changes: Change[] = [
      { kind: 'credential-added', personId: 'ivan', credential: credentialOf(dave) },
      { kind: 'person-removed', personId: 'ivan' },
    ];
    for (const change of changes) {
      expect(codeOf(appended(withIvan, change, ...treasury))).toBe('accepted');
      expect(codeOf(appended(state, change, ...treasury))).toBe('governance-quorum-missing');
      expect(codeOf(appended(state, change, ...both))).toBe('accepted');
    }
  });

  it('is somebody who exists when it is lent, and comes back with no other key without it', () => {
    expect(whyOf(appended(withIvan, lent('mallory'), ...both))[1]).toBe(
      'a place is lent to somebody who is not in the roster',
    );
    const gone = stateOf(
      appended(
        stateOf(appended(withIvan, lent('ivan'), ...both)),
        { kind: 'person-removed', personId: 'ivan' },
        ...both,
      ),
    );
    const again: Change = { kind: 'person-added', person: personOf('ivan', dave), groups: [] };
    expect(codeOf(appended(gone, again, ...treasury))).not.toBe('accepted');
  });
});

describe("what SAFU's policy names", () => {
  const withRule = (when: string) =>
    stateOf(
      replayGenesis(
        genesisOf(
          {
            ...WITH_SAFU,
            policies: [
              ...GENESIS.policies,
              { name: 'safu', lines: SAFU_POLICY.map((line) => line.replace('{ asset: BTC }', when)) },
            ],
          },
          ...treasury,
          ...custodians,
        ),
        portableVerifier,
      ),
    );
  const cold: Change = { kind: 'wallet-added', wallet: walletOf('cold-btc', 'cold', 'treasury', 9) };
  const desk: Change = {
    kind: 'request-key-added',
    requestKey: { keyId: 'desk', algorithm: 'ed25519', publicKey: 'e9'.repeat(32), owners: ['payouts'] },
  };

  it.each([
    ['a tier that it pays gets another wallet', cold, '{ asset: BTC, to-own-tier-in: [cold] }'],
    [
      'a tier that it pays gets another wallet, where that stands in a branch',
      cold,
      '{ asset: BTC, any-of: [{ to-own-tier-in: [cold] }, { whitelisted: yes }] }',
    ],
    ['who may ask it gets another key', desk, '{ asset: BTC, requester-in: [payouts] }'],
  ])('takes its quorum when %s', (_, change, when) => {
    const state = withRule(when);
    expect(codeOf(appended(state, change, ...treasury))).toBe('governance-quorum-missing');
    expect(codeOf(appended(state, change, ...treasury, ...custodians))).toBe('accepted');
    expect(codeOf(appended(withRule('{ asset: BTC }'), change, ...treasury))).toBe('accepted');
  });
});

function credentialOf({ credentialId, publicKey }: typeof ivan) {
  return { credentialId, credentialClass: 'pkcs11', algorithm: 'p256', publicKey } as const;
}

function policiesOf(hot: readonly string[], safu: readonly string[]): Change {
  return {
    kind: 'policies-set',
    policies: [
      { name: 'hot', lines: [...hot] },
      { name: 'safu', lines: [...safu] },
    ],
  };
}
