import { describe, expect, it } from '@jest/globals';
import { type Change, entryHash } from '../core/governance/entry.js';
import {
  ADD_DAVE,
  AUDIT_LOG_SET,
  BITCOIN,
  bodyAfter,
  GENESIS,
  genesisOf,
  POLICY,
  REMOVE_CAROL,
  start,
} from '../core/governance/people.fixture.js';
import { entryLines } from './entry-words.js';
import { render } from './lines.js';

const TOKEN = '0x5FbDB2315678afecb367f032d93F642f64180aa3';

function textOf(change: Change): string {
  return render(entryLines(bodyAfter(start, change), start.chains), false);
}

describe('a governance entry in words', () => {
  it('shows all that a genesis says: people, groups, quorum, keys, wallets, and the policies to the letter', () => {
    const { body } = genesisOf();
    const text = render(entryLines(body, new Map()), false);
    for (const word of [
      'GENESIS',
      'alice',
      'bob-1',
      'governors',
      '2 of governors',
      'backend',
      'payouts',
      'hot-btc',
    ]) {
      expect(text).toContain(word);
    }
    for (const line of POLICY) expect(text).toContain(line);
    expect(text.replaceAll(' ', '')).toContain(entryHash(body));
  });

  it("says so when a wallet's key is no public key at all", () => {
    const [wallet] = GENESIS.wallets;
    const broken = {
      ...wallet,
      walletId: 'hot-btc',
      keys: [{ label: 'one', publicKey: `02${'00'.repeat(32)}` }],
    };
    const { body } = genesisOf({ wallets: [{ ...broken, chain: BITCOIN, tier: 'hot', token: 'treasury' }] });
    expect(render(entryLines(body, new Map()), false)).toContain('NOT A PUBLIC KEY');
  });

  const changes: readonly (readonly [Change, readonly string[]])[] = [
    [ADD_DAVE, ['ADDS A PERSON', 'dave', 'governors']],
    [REMOVE_CAROL, ['REMOVES the person carol']],
    [{ kind: 'group-set', group: { groupId: 'risk', members: ['bob'] } }, ['group risk', 'exactly: bob']],
    [{ kind: 'quorum-set', quorum: { group: 'governors', threshold: 3 } }, ['3 of governors']],
    [{ kind: 'request-key-removed', keyId: 'backend' }, ['REMOVES the request key backend']],
    [
      {
        kind: 'request-key-added',
        requestKey: { keyId: 'desk', algorithm: 'ed25519', publicKey: 'e2'.repeat(32), owners: ['carol'] },
      },
      ['ADDS A REQUEST KEY', 'desk', 'carol', 'e2'.repeat(32)],
    ],
    [
      {
        kind: 'token-added',
        token: {
          chain: 'eip155:31337',
          contract: TOKEN,
          symbol: 'USDX',
          decimals: 6,
          codeHash: 'cc'.repeat(32),
        },
      },
      ['REGISTERS A TOKEN', 'USDX', '6 decimals', 'cc'.repeat(32)],
    ],
    [{ kind: 'token-removed', chain: 'eip155:31337', contract: TOKEN }, ['REMOVES the token', TOKEN]],
    [AUDIT_LOG_SET, ['SETS THE AUDIT LOG', 'exchange.example/audit', 'audit-1', 'treasury']],
    [
      { kind: 'policies-set', policies: [{ name: 'hot', lines: POLICY }] },
      ['REPLACES ALL POLICIES', ...POLICY],
    ],
  ];
  it.each(changes)('says what it does: %j', (change, words) => {
    const text = textOf(change);
    for (const word of words) expect(text).toContain(word);
    expect(text).toContain(start.head);
  });
});
