import { describe, expect, it } from '@jest/globals';
import { portableVerifier } from '../statements/signature.js';
import type { Change, FactKey, FactRule } from './entry.js';
import {
  ADD_DAVE,
  AUDIT_LOG_SET,
  alice,
  appended,
  auditLogOf,
  BITCOIN,
  bob,
  carol,
  codeOf,
  dave,
  ETHEREUM,
  GENESIS,
  type Genesis,
  genesisOf,
  type Key,
  newKey,
  POLICY,
  personOf,
  QUORUM_OF_3,
  REMOVE_CAROL,
  signed,
  start,
  stateOf,
  whyOf,
} from './people.fixture.js';
import { replayGenesis } from './replay.js';
import type { GovernanceState } from './state.js';

describe('a genesis', () => {
  const refusalOf = (change: Partial<Genesis>) => whyOf(replayGenesis(genesisOf(change), portableVerifier));
  const invalid = 'governance-change-invalid';

  it('is refused without the quorum that it names', () => {
    expect(codeOf(replayGenesis(genesisOf({}, alice), portableVerifier))).toBe('governance-quorum-missing');
  });

  it('is refused with a predecessor, or when it names a deployment', () => {
    const { body } = genesisOf();
    for (const change of [{ previous: 'ab'.repeat(32) }, { deploymentId: 'ab'.repeat(32) }]) {
      const entry = signed({ ...body, ...change }, alice, bob);
      expect(codeOf(replayGenesis(entry, portableVerifier))).toBe('governance-previous-mismatch');
    }
  });

  it('is refused as a later entry', () => {
    expect(whyOf(appended(start, GENESIS))).toEqual([
      invalid,
      'genesis stands only at the beginning',
      'genesis',
    ]);
  });

  it('is refused with a field that nobody knows', () => {
    const entry = genesisOf();
    const odd = { ...entry, body: { ...entry.body, note: 'hello' } };
    expect(codeOf(replayGenesis(odd, portableVerifier))).toBe('governance-entry-malformed');
  });

  it('is refused when one key is of two persons', () => {
    const twin = { ...alice, credentialId: 'bob-2' };
    expect(
      refusalOf({
        persons: [personOf('alice', alice), personOf('bob', bob, twin), personOf('carol', carol)],
      }),
    ).toEqual([invalid, 'a key or credential is registered twice', `key:${alice.publicKey}`]);
  });

  it('is refused when one credential id is of two persons', () => {
    const twin = { ...newKey('x'), credentialId: 'alice-1' };
    expect(
      refusalOf({
        persons: [personOf('alice', alice), personOf('bob', bob, twin), personOf('carol', carol)],
      }),
    ).toEqual([invalid, 'a key or credential is registered twice', 'id:alice-1']);
  });

  it('is refused when a person is there twice', () => {
    expect(refusalOf({ persons: [...GENESIS.persons, personOf('bob', dave)] })).toEqual([
      invalid,
      'something is named twice',
      '',
    ]);
  });

  it('is refused when its quorum is above the number of members', () => {
    expect(refusalOf({ quorum: { group: 'governors', threshold: 4 } })).toEqual([
      invalid,
      'the quorum could never be reached',
      'governors',
    ]);
  });

  it('is refused when its quorum names no group', () => {
    expect(refusalOf({ quorum: { group: 'nobody', threshold: 1 } })).toEqual([
      invalid,
      'the quorum names a group that does not exist',
      'nobody',
    ]);
  });

  it('is refused when a group names a stranger, or somebody twice', () => {
    const [governors] = GENESIS.groups;
    if (!governors) throw new Error('no groups');
    const treasury = (...members: string[]) => [governors, { groupId: 'treasury', members }];
    expect(refusalOf({ groups: treasury('alice', 'bob', 'mallory') })).toEqual([
      invalid,
      'a group names somebody who is not in the roster',
      'mallory',
    ]);
    expect(refusalOf({ groups: treasury('alice', 'bob', 'alice') })).toEqual([
      invalid,
      'a group names somebody twice',
      'treasury',
    ]);
  });

  it('is refused when a policy names a group that is not there, with the place', () => {
    const lines = POLICY.map((line) => line.replace('group: treasury', 'group: treasurers'));
    expect(refusalOf({ policies: [{ name: 'hot', lines }] })).toEqual([
      invalid,
      'a policy is not valid',
      'hot:5:65: no such group: treasurers; perhaps treasury',
    ]);
  });

  it('is refused when a wallet is on a chain that is not there', () => {
    expect(
      refusalOf({ wallets: GENESIS.wallets.map((wallet) => ({ ...wallet, chain: 'eip155:5' })) }),
    ).toEqual([invalid, 'a wallet is on a chain that is not registered', 'hot-btc']);
  });

  it('is refused when a key is no point of its curve, so that nothing could ever be signed with it', () => {
    const [first] = GENESIS.wallets;
    if (!first) throw new Error('no wallets');
    const keys = [{ label: 'hot-btc-0', publicKey: `02${'00'.repeat(31)}05` }];
    expect(refusalOf({ wallets: [{ ...first, keys }] })).toEqual([
      invalid,
      'a wallet names a public key that is no point of secp256k1',
      'hot-btc',
    ]);
    const stray = { ...dave, publicKey: `04${'11'.repeat(64)}` };
    const persons = [personOf('alice', alice, stray), personOf('bob', bob), personOf('carol', carol)];
    expect(refusalOf({ persons })).toEqual([
      invalid,
      'a credential has a public key that is no point of its curve',
      stray.credentialId,
    ]);
  });

  it('is refused when the attestation key is no point of P-256, since no void could ever be verified', () => {
    const publicKey = `04${'11'.repeat(64)}`;
    expect(refusalOf({ attestation: { ...GENESIS.attestation, publicKey } })).toEqual([
      invalid,
      'the attestation key is no point of P-256',
      GENESIS.attestation.label,
    ]);
  });

  it('is refused when a token contract is not written with its checksum, since no request could name it', () => {
    const token = { chain: ETHEREUM, symbol: 'USDX', decimals: 18, codeHash: 'cd'.repeat(32) };
    const contract = '0x5fbdb2315678afecb367f032d93f642f64180aa3';
    expect(refusalOf({ tokens: [{ ...token, contract }] })).toEqual([
      invalid,
      'a token contract is not written with its checksum (EIP-55)',
      contract,
    ]);
  });

  it('is refused when two wallets have one key', () => {
    const twins = GENESIS.wallets.flatMap((wallet) => [wallet, { ...wallet, walletId: 'hot-btc-2' }]);
    expect(refusalOf({ wallets: twins })).toEqual([
      invalid,
      'a key or credential is registered twice',
      `key:02${'a1'.repeat(32)}`,
    ]);
  });

  it('is refused when a token has the symbol of the coin, in whatever letters', () => {
    const token = {
      chain: ETHEREUM,
      contract: '0x5FbDB2315678afecb367f032d93F642f64180aa3',
      symbol: 'eth',
      decimals: 18,
      codeHash: 'ab'.repeat(32),
    };
    expect(refusalOf({ tokens: [token] })).toEqual([
      invalid,
      'two assets of a chain have one symbol',
      'eip155:31337/eth',
    ]);
  });
});

const FINAL = stateOf(appended(stateOf(appended(start, ADD_DAVE)), REMOVE_CAROL));

describe('a change', () => {
  const invalid = 'governance-change-invalid';

  it('is refused when it leaves a quorum that nobody can reach', () => {
    const strict = stateOf(appended(start, QUORUM_OF_3));
    expect(whyOf(appended(strict, REMOVE_CAROL, alice, bob, carol))).toEqual([
      invalid,
      'the quorum could never be reached',
      'governors',
    ]);
    const smaller: Change = { kind: 'group-set', group: { groupId: 'governors', members: ['alice'] } };
    expect(whyOf(appended(start, smaller))).toEqual([
      invalid,
      'the quorum could never be reached',
      'governors',
    ]);
  });

  it("is refused when it leaves a policy's approvals that nobody can give", () => {
    const smaller: Change = { kind: 'group-set', group: { groupId: 'treasury', members: ['alice'] } };
    expect(whyOf(appended(start, smaller))).toEqual([
      invalid,
      'a policy is not valid',
      'hot:5:83: treasury has 1 members, 2 can never approve',
    ]);
  });

  it('is refused when it brings a policy that names an unknown group', () => {
    const lines = POLICY.map((line) => line.replace('group: treasury', 'group: nobody'));
    const set: Change = { kind: 'policies-set', policies: [{ name: 'hot', lines }] };
    expect(whyOf(appended(start, set))).toEqual([
      invalid,
      'a policy is not valid',
      'hot:5:65: no such group: nobody',
    ]);
  });

  it('puts a policy in force under another hash', () => {
    const lines = POLICY.map((line) => line.replace('"5%"', '"4%"'));
    const state = stateOf(appended(start, { kind: 'policies-set', policies: [{ name: 'hot', lines }] }));
    expect(state.policyHash).not.toBe(start.policyHash);
  });

  it('is refused when it adds a person who is in the roster', () => {
    const again: Change = { kind: 'person-added', person: personOf('carol', dave), groups: [] };
    expect(whyOf(appended(start, again))).toEqual([
      invalid,
      'this person is in the roster already',
      'person-added',
    ]);
  });

  it('is refused when it brings a removed person back, with the old key or a new one', () => {
    for (const key of [carol, newKey('carol-2')]) {
      const again: Change = { kind: 'person-added', person: personOf('carol', key), groups: [] };
      expect(whyOf(appended(FINAL, again, alice, bob, dave))).toEqual([
        invalid,
        'registered before: person:carol',
        'person-added',
      ]);
    }
  });

  it("is refused when it gives a removed person's key or credential id to somebody else", () => {
    const eve = (key: Key): Change => ({ kind: 'person-added', person: personOf('eve', key), groups: [] });
    expect(whyOf(appended(FINAL, eve({ ...carol, credentialId: 'eve-1' }), alice, bob, dave))).toEqual([
      invalid,
      `registered before: key:${carol.publicKey}`,
      'person-added',
    ]);
    expect(whyOf(appended(FINAL, eve(newKey('carol-1')), alice, bob, dave))).toEqual([
      invalid,
      'registered before: id:carol-1',
      'person-added',
    ]);
  });

  it('is refused when one person brings one key twice', () => {
    const twice: Change = {
      kind: 'person-added',
      person: personOf('dave', dave, { ...dave, credentialId: 'dave-2' }),
      groups: [],
    };
    expect(whyOf(appended(start, twice))).toEqual([
      invalid,
      `registered before: key:${dave.publicKey}`,
      'person-added',
    ]);
  });

  it('is refused when it registers a request key again that was removed', () => {
    const [requestKey] = GENESIS.requestKeys;
    if (!requestKey) throw new Error('no request key');
    const removed = stateOf(appended(start, { kind: 'request-key-removed', keyId: 'backend' }));
    expect(removed.requestKeys.size).toBe(0);
    for (const [again, mark] of [
      [requestKey, 'request:backend'],
      [{ ...requestKey, keyId: 'backend-2' }, `key:${requestKey.publicKey}`],
    ] as const) {
      expect(whyOf(appended(removed, { kind: 'request-key-added', requestKey: again }))).toEqual([
        invalid,
        `registered before: ${mark}`,
        'request-key-added',
      ]);
    }
  });

  const missing: readonly (readonly [Change, string])[] = [
    [{ kind: 'person-removed', personId: 'nobody' }, 'no such person'],
    [{ kind: 'request-key-removed', keyId: 'nothing' }, 'no such request key'],
    [{ kind: 'token-removed', chain: ETHEREUM, contract: `0x${'00'.repeat(20)}` }, 'no such token'],
    [{ ...ADD_DAVE, groups: ['nobody'] }, 'no such group: nobody'],
  ];
  for (const [change, why] of missing) {
    it(`is refused when it is about something that is not there: ${change.kind}`, () => {
      expect(whyOf(appended(start, change))).toEqual([invalid, why, change.kind]);
    });
  }

  it('is refused when a group would have somebody twice', () => {
    expect(whyOf(appended(start, { ...ADD_DAVE, groups: ['governors', 'governors'] }))).toEqual([
      invalid,
      'a group names somebody twice',
      'governors',
    ]);
  });

  it('is refused when it registers one token twice, in other letters', () => {
    const contract = '0x5FbDB2315678afecb367f032d93F642f64180aa3';
    const token = { chain: ETHEREUM, contract, symbol: 'USDX', decimals: 18, codeHash: 'ab'.repeat(32) };
    const state = stateOf(appended(start, { kind: 'token-added', token }));
    const again = { ...token, contract: contract.toLowerCase(), symbol: 'OTHER' };
    expect(whyOf(appended(state, { kind: 'token-added', token: again }))).toEqual([
      invalid,
      'this token is registered already',
      'token-added',
    ]);
    expect(
      stateOf(appended(state, { kind: 'token-removed', chain: ETHEREUM, contract: again.contract })).tokens
        .size,
    ).toBe(0);
  });

  it('is refused for a token on a Bitcoin chain', () => {
    const token = {
      chain: BITCOIN,
      contract: `0x${'01'.repeat(20)}`,
      symbol: 'USDX',
      decimals: 18,
      codeHash: 'ab'.repeat(32),
    };
    expect(whyOf(appended(start, { kind: 'token-added', token }))).toEqual([
      invalid,
      'a token is on a chain that is not a registered Ethereum chain',
      token.contract,
    ]);
  });

  it('is refused for an Ethereum wallet with two keys', () => {
    const keys = [`02${'a3'.repeat(32)}`, `03${'22'.repeat(32)}`].map((publicKey, index) => ({
      label: `hot-eth-${index}`,
      publicKey,
    }));
    const wallet = { walletId: 'hot-eth', chain: ETHEREUM, tier: 'hot' as const, token: 'treasury', keys };
    expect(whyOf(appended(start, { kind: 'wallet-added', wallet }))).toEqual([
      invalid,
      'an Ethereum wallet has exactly one key',
      'hot-eth',
    ]);
    expect(
      codeOf(appended(start, { kind: 'wallet-added', wallet: { ...wallet, keys: keys.slice(0, 1) } })),
    ).toBe('accepted');
  });

  it('is refused when it adds a wallet under a name that is taken, with a key of its own', () => {
    const [wallet] = GENESIS.wallets;
    if (!wallet) throw new Error('no wallets');
    const keys = [{ label: 'hot-btc-1', publicKey: `02${'a3'.repeat(32)}` }];
    expect(whyOf(appended(start, { kind: 'wallet-added', wallet: { ...wallet, keys } }))).toEqual([
      invalid,
      'this wallet exists already',
      'wallet-added',
    ]);
  });

  it('names the audit log, which keeps its name and gets other keys', () => {
    expect(start.auditLog).toBeUndefined();
    const named = stateOf(appended(start, AUDIT_LOG_SET));
    expect(named.auditLog).toEqual(auditLogOf(1));
    const rotated = stateOf(appended(named, { kind: 'audit-log-set', auditLog: auditLogOf(2) }));
    expect(rotated.auditLog).toEqual(auditLogOf(2));
  });

  it('closes the audit log when it names another one, and remembers all that there ever were', () => {
    const named = stateOf(appended(start, AUDIT_LOG_SET));
    const other = auditLogOf(2, { origin: 'exchange.example/other' });
    const next = stateOf(appended(named, { kind: 'audit-log-set', auditLog: other }));
    expect(next.auditLog).toEqual(other);
    expect(next.auditLogs).toEqual([auditLogOf(1), other]);
    const rotated = { ...other, key: auditLogOf(3).key };
    expect(stateOf(appended(next, { kind: 'audit-log-set', auditLog: rotated })).auditLogs).toHaveLength(3);
  });

  it('is refused when it names an audit log again that was closed, with another key too', () => {
    const names = ['exchange.example/b', 'exchange.example/c'];
    let state = stateOf(appended(start, AUDIT_LOG_SET));
    for (const [at, origin] of names.entries()) {
      const auditLog = auditLogOf(at + 2, { origin });
      state = stateOf(appended(state, { kind: 'audit-log-set', auditLog }));
    }
    for (const origin of [AUDIT_LOG_SET.auditLog.origin, 'exchange.example/b']) {
      const auditLog = auditLogOf(9, { origin });
      expect(whyOf(appended(state, { kind: 'audit-log-set', auditLog }))).toEqual([
        invalid,
        'the audit log of this origin is closed for good',
        'audit-log-set',
      ]);
    }
  });

  it('is refused when it gives the audit log a key that was ever registered, for this or for anything else', () => {
    const named = stateOf(appended(start, AUDIT_LOG_SET));
    const rotated = stateOf(appended(named, { kind: 'audit-log-set', auditLog: auditLogOf(2) }));
    for (const auditLog of [auditLogOf(1), auditLogOf(2)]) {
      expect(whyOf(appended(rotated, { kind: 'audit-log-set', auditLog }))).toEqual([
        invalid,
        `registered before: key:${auditLog.key.publicKey}`,
        'audit-log-set',
      ]);
    }
    const { publicKey } = auditLogOf(3).key;
    const requestKey = { keyId: 'desk', algorithm: 'ed25519' as const, publicKey, owners: ['carol'] };
    const desk = stateOf(appended(start, { kind: 'request-key-added', requestKey }));
    expect(whyOf(appended(desk, { kind: 'audit-log-set', auditLog: auditLogOf(3) }))).toEqual([
      invalid,
      `registered before: key:${publicKey}`,
      'audit-log-set',
    ]);
    const taken = { ...requestKey, publicKey: auditLogOf(1).key.publicKey };
    expect(codeOf(appended(named, { kind: 'request-key-added', requestKey: taken }))).toBe(invalid);
  });

  it.each([
    ['no point', '02'.repeat(32)],
    ['the neutral point', `01${'00'.repeat(31)}`],
    ['a point of small order', '00'.repeat(32)],
  ])('is refused when the key of the audit log is %s', (_, publicKey) => {
    const auditLog = auditLogOf(1);
    const broken = { ...auditLog, key: { ...auditLog.key, publicKey } };
    expect(whyOf(appended(start, { kind: 'audit-log-set', auditLog: broken }))).toEqual([
      invalid,
      'the key of the audit log is no point of Ed25519',
      'audit-log-set',
    ]);
  });

  it.each(['', 'two words', 'plus+sign', 'x'.repeat(256)])(
    'is refused when the origin of the audit log is no name of a key: %j',
    (origin) => {
      const auditLog = auditLogOf(1, { origin });
      expect(codeOf(appended(start, { kind: 'audit-log-set', auditLog }))).toBe('governance-entry-malformed');
    },
  );

  it('leaves the state before it as it was', () => {
    const before = structuredClone(start);
    appended(start, ADD_DAVE);
    appended(start, REMOVE_CAROL);
    appended(start, { kind: 'group-set', group: { groupId: 'governors', members: ['alice', 'bob'] } });
    expect(start).toEqual(before);
  });
});

describe('fact keys and what facts have to meet', () => {
  const invalid = 'governance-change-invalid';
  const keyOf = (seed: number, altered: Partial<FactKey> = {}): FactKey => ({
    keyId: `watcher-${seed}`,
    algorithm: 'ed25519',
    publicKey: auditLogOf(seed).key.publicKey,
    source: `watcher-${seed}`,
    kinds: ['price', 'screening'],
    ...altered,
  });
  const added = (state: GovernanceState, factKey: FactKey) =>
    appended(state, { kind: 'fact-key-added', factKey });
  const ruled = (state: GovernanceState, rule: FactRule) => appended(state, { kind: 'fact-rule-set', rule });

  it('come and go by entries', () => {
    const one = stateOf(added(start, keyOf(1)));
    const two = stateOf(added(one, keyOf(2)));
    expect([...two.factKeys.values()]).toEqual([keyOf(1), keyOf(2)]);
    const rule = { kind: 'price', agree: 2, maxAgeMs: 30_000 } as const;
    const strict = stateOf(ruled(two, rule));
    expect([...strict.factRules.values()]).toEqual([rule]);
    const fewer = stateOf(appended(strict, { kind: 'fact-key-removed', keyId: 'watcher-1' }));
    expect([...fewer.factKeys.keys()]).toEqual(['watcher-2']);
    expect([...fewer.factRules.values()]).toEqual([rule]);
  });

  it('are refused when the key or its id was ever registered', () => {
    const one = stateOf(added(start, keyOf(1)));
    const gone = stateOf(appended(one, { kind: 'fact-key-removed', keyId: 'watcher-1' }));
    for (const state of [one, gone]) {
      expect(whyOf(added(state, keyOf(1)))).toEqual([
        invalid,
        'registered before: fact:watcher-1',
        'fact-key-added',
      ]);
      expect(codeOf(added(state, keyOf(1, { keyId: 'other' })))).toBe(invalid);
    }
    const requestKey = {
      keyId: 'desk',
      algorithm: 'ed25519' as const,
      publicKey: keyOf(3).publicKey,
      owners: ['carol'],
    };
    const desk = stateOf(appended(start, { kind: 'request-key-added', requestKey }));
    expect(codeOf(added(desk, keyOf(3)))).toBe(invalid);
  });

  it('are refused when the key is no point, of small order, or speaks about nothing', () => {
    expect(whyOf(added(start, keyOf(1, { publicKey: '00'.repeat(32) })))).toEqual([
      invalid,
      'the fact key is no point of Ed25519',
      'fact-key-added',
    ]);
    expect(codeOf(added(start, keyOf(1, { kinds: [] })))).toBe('governance-entry-malformed');
  });

  it('are refused when a key that is not there would be removed', () => {
    expect(whyOf(appended(start, { kind: 'fact-key-removed', keyId: 'watcher-1' }))).toEqual([
      invalid,
      'no such fact key',
      'fact-key-removed',
    ]);
  });

  it('are refused when more sources would have to agree than there are, however many keys they have', () => {
    const one = stateOf(added(start, keyOf(1)));
    const twin = stateOf(added(one, keyOf(2, { source: 'watcher-1' })));
    const deaf = stateOf(added(twin, keyOf(3, { kinds: ['balance'] })));
    for (const state of [one, twin, deaf]) {
      expect(whyOf(ruled(state, { kind: 'price', agree: 2, maxAgeMs: 30_000 }))).toEqual([
        invalid,
        'only 1 sources state facts of this kind',
        'fact-rule-set',
      ]);
    }
  });

  it.each([
    [{ agree: 0, maxAgeMs: 30_000 }],
    [{ agree: 5, maxAgeMs: 30_000 }],
    [{ agree: 1, maxAgeMs: 999 }],
    [{ agree: 1, maxAgeMs: 86_400_001 }],
  ])('are refused when a rule is out of bounds: %j', (bounds) => {
    const one = stateOf(added(start, keyOf(1)));
    expect(codeOf(ruled(one, { kind: 'price', ...bounds }))).toBe('governance-entry-malformed');
  });

  it('are of no use for an asset that is called like a currency', () => {
    const token = {
      chain: ETHEREUM,
      contract: '0x5FbDB2315678afecb367f032d93F642f64180aa3',
      symbol: 'Usd',
      decimals: 6,
      codeHash: 'ab'.repeat(32),
    };
    expect(whyOf(appended(start, { kind: 'token-added', token }))).toEqual([
      invalid,
      'an asset has the symbol of a currency',
      'Usd',
    ]);
  });
});
