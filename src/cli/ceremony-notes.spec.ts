import { describe, expect, it } from '@jest/globals';
import { secp256k1 } from '@noble/curves/secp256k1.js';
import { bytesToHex } from '@noble/hashes/utils.js';
import type { Credential } from '../core/governance/entry.js';
import {
  GENESIS,
  type Genesis,
  genesisOf,
  newKey,
  personOf,
  stateOf,
} from '../core/governance/people.fixture.js';
import { ceremonyNotes } from './ceremony-notes.js';
import { stateAfter } from './entry-file.js';

const HOUR_MS = 3_600_000;
const erin = personOf('erin', newKey('erin-1'));
const frank = personOf('frank', newKey('frank-1'));
const grace = personOf('grace', newKey('grace-1'));
const heidi = personOf('heidi', newKey('heidi-1'));

function publicKeyOf(byte: number): string {
  return bytesToHex(secp256k1.getPublicKey(new Uint8Array(32).fill(byte)));
}

function deviceOf(personId: string, byte: number): Credential {
  const publicKey = publicKeyOf(byte);
  return {
    credentialId: `${personId}-device`,
    credentialClass: 'device-display',
    algorithm: 'eip191',
    publicKey,
  };
}
/** Each governor has a device: whoever is removed, the others can go on. */
const seeing = GENESIS.persons.map((person, index) => ({
  ...person,
  credentials: [...person.credentials, deviceOf(person.personId, index + 1)],
}));
const WITH = { 'device-display': 1 } as const;

function notesOf(change: Partial<Genesis>): readonly string[] {
  return ceremonyNotes(stateOf(stateAfter(genesisOf(change).body, undefined)));
}

const usual = { whitelistMs: 24 * HOUR_MS, policyMs: 48 * HOUR_MS, freshHeadMs: 24 * HOUR_MS };
const watched: Partial<Genesis> = {
  persons: [...seeing, erin, frank],
  quorum: { ...GENESIS.quorum, with: WITH },
  groups: [...GENESIS.groups, { groupId: 'watch', members: ['erin', 'frank'] }],
  timelock: { ...usual, veto: { group: 'watch', threshold: 1 } },
};

/** Four govern by three; two of the same can veto. */
const among: Partial<Genesis> = {
  persons: [...seeing, erin],
  groups: [
    { groupId: 'governors', members: ['alice', 'bob', 'carol', 'erin'] },
    { groupId: 'treasury', members: ['alice', 'bob', 'carol'] },
  ],
  quorum: { group: 'governors', threshold: 3, with: WITH },
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
    const quorum = { group: 'governors', threshold: 3, with: WITH };
    expect(notesOf({ ...watched, quorum })).toEqual([
      'alice, bob, carol cannot be removed, also not when their token is stolen, before somebody was added, which waits 2 days: else the quorum could never be reached',
    ]);
  });

  it('is that one person alone can change everything, or speaks for SAFU', () => {
    const quorum = { group: 'governors', threshold: 1, with: WITH };
    const [note] = notesOf({ ...watched, quorum });
    expect(note).toBe('one person of governors alone can change all of governance');
    const persons = [...(watched.persons ?? []), grace, heidi];
    const groups = [...(watched.groups ?? []), { groupId: 'custodians', members: ['grace', 'heidi'] }];
    const safu = { group: 'custodians', threshold: 1, with: { pkcs11: 1 } };
    expect(notesOf({ ...watched, persons, groups, safu })[0]).toBe(
      'one person of custodians alone speaks for SAFU',
    );
  });

  it('is whom a policy cannot do without', () => {
    const persons = [...seeing, erin, frank, grace, heidi];
    const groups = [...(watched.groups ?? []), { groupId: 'desk', members: ['grace', 'heidi'] }];
    const policies = GENESIS.policies.map(({ name, lines }) => ({
      name,
      lines: lines.map((line) => line.replace('group: treasury', 'group: desk')),
    }));
    expect(notesOf({ ...watched, persons, groups, policies })).toEqual([
      expect.stringMatching(
        /^grace, heidi cannot be removed.*: else a policy is not valid \(hot:5:\d+: desk has 1 members/,
      ),
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

  it('is who need not see on a device of their own what they sign', () => {
    const blind = 'see it on the display of a device (class device-display)';
    const { quorum } = GENESIS;
    const custodians = { groupId: 'custodians', members: ['grace', 'heidi'] };
    const persons = [...(watched.persons ?? []), grace, heidi];
    const safu = { group: 'custodians', threshold: 2 };
    const groups = [...(watched.groups ?? []), custodians];
    expect(notesOf({ ...watched, persons, groups, quorum, safu }).slice(0, 2)).toEqual([
      expect.stringContaining(`sign a change of governance has to ${blind}`),
      expect.stringContaining(`sign what touches SAFU has to ${blind}`),
    ]);
  });

  it('is by which rules a warm, cold or SAFU wallet pays what nobody has to see there', () => {
    const [hotWallet] = GENESIS.wallets;
    if (!hotWallet) throw new Error('no wallet');
    const wallets = (['hot', 'warm'] as const).map((tier, at) => ({
      ...hotWallet,
      walletId: `${tier}-btc`,
      tier,
      keys: [{ label: tier, publicKey: publicKeyOf(at + 10) }],
    }));
    const document = (tier: string, ways: string) => ({
      name: tier,
      lines: [
        `policy: ${tier}`,
        `applies-to: { wallets: [${tier}-btc] }`,
        'fee-caps: { absolute: "0.001 BTC", relative: "5%" }',
        `rules: [{ id: all, when: { asset: BTC }, then: { approve: ${ways} } }]`,
      ],
    });
    const seen = '[{ group: treasury, quorum: 2, with: { device-display: 1 } }]';
    const unseen = '[{ group: treasury, quorum: 2, with: { pkcs11: 1 } }]';
    const notesBy = (ways: string) =>
      notesOf({ ...watched, wallets, policies: [document('hot', unseen), document('warm', ways)] });
    expect(notesBy(seen)).toEqual([]);
    for (const ways of [unseen, `{ any-of: [${seen}, ${unseen}] }`]) {
      expect(notesBy(ways)).toEqual([expect.stringContaining('sign a payment by warm/all has to see it')]);
    }
  });
});
