import { describe, expect, it } from '@jest/globals';
import { type Change, entryHash } from '../core/governance/entry.js';
import {
  AUDIT_LOG_SET,
  appended,
  bodyAfter,
  genesisOf,
  POLICY,
  REMOVE_CAROL,
  start,
  stateOf,
} from '../core/governance/people.fixture.js';
import { stateAfter } from './entry-file.js';
import { changeLines, entryLines } from './entry-words.js';
import { render } from './lines.js';

function textOf(change: Change): string {
  const body = bodyAfter(start, change);
  return render(entryLines(body, start, stateOf(stateAfter(body, start))), false);
}

describe('a governance entry as officers read it', () => {
  it('shows all that a genesis says, its policies to the letter, and the id to read aloud', () => {
    const { body } = genesisOf();
    const text = render(entryLines(body, undefined, stateOf(stateAfter(body, undefined))), false);
    for (const word of [
      'GENESIS',
      'alice',
      'bob-1',
      '2 of the 3 in governors',
      'backend',
      'payouts',
      'hot-btc',
    ]) {
      expect(text).toContain(word);
    }
    for (const line of POLICY) expect(text).toContain(`+ ${line}`);
    expect(text.replaceAll(' ', '')).toContain(entryHash(body));
  });

  it('shows a change as sentences, what follows from it as a note, and what it stands on', () => {
    const text = textOf(REMOVE_CAROL);
    expect(text).toContain('Removes the person carol');
    expect(text).toContain('Note: Every one of governors is then needed');
    expect(text).toContain(start.head);
    expect(text.replaceAll(' ', '')).toContain(entryHash(bodyAfter(start, REMOVE_CAROL)));
  });

  it('shows the lines of a policy that go and that come', () => {
    const lines = POLICY.map((line) => line.replace('"5%"', '"4%"'));
    const text = textOf({ kind: 'policies-set', policies: [{ name: 'hot', lines }] });
    expect(text).toContain(`    - ${POLICY[2]}`);
    expect(text).toContain(`    + ${lines[2]}`);
  });

  it('groups what is to be compared letter by letter, and labels keys', () => {
    const [wallet] = start.wallets.values();
    if (!wallet) throw new Error('no wallet');
    const added = {
      ...wallet,
      walletId: 'warm-btc',
      keys: [
        { label: 'w-0', publicKey: '0279be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798' },
      ],
    };
    expect(textOf({ kind: 'wallet-added', wallet: added })).toMatch(/w-0 {2}bcrt 1q/);
    expect(textOf(AUDIT_LOG_SET)).toContain('audit-1');
  });

  it('says so when nothing changes', () => {
    const same: Change = {
      kind: 'group-set',
      group: { groupId: 'treasury', members: ['alice', 'bob', 'carol'] },
    };
    expect(textOf(same)).toContain('It changes nothing.');
    expect(changeLines(start, stateOf(appended(start, same)))).toEqual(['It changes nothing.']);
  });
});
