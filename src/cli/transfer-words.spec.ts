import { describe, expect, it } from '@jest/globals';
import type { Transfer } from '../sdk/shapes.js';
import { NOW, requestWith, state } from './cli.fixture.js';
import { EXIT } from './exit.js';
import { render } from './lines.js';
import { ended } from './transfer.commands.js';
import { listLines, momentLine, momentOf, transferLines } from './transfer-words.js';

const { statement } = requestWith();

function transferIn(altered: Partial<Transfer> = {}): Transfer {
  return {
    ...statement,
    transferId: `tr-${'1'.repeat(40)}`,
    requestDigest: '11'.repeat(32),
    state: 'awaiting-approvals',
    reason: { code: 'approvals-needed', facts: {} },
    waitingFor: null,
    receivedAtMs: NOW,
    updatedAtMs: NOW,
    rule: 'hot/all',
    policyHash: state.policyHash,
    limits: [],
    approvals: {
      required: [{ group: 'treasury', quorum: 2 }],
      given: [{ personId: 'alice', credentialId: 'alice-1', verdict: 'approve', after: [], atMs: NOW }],
      missing: [{ group: 'treasury', quorum: 1 }],
      statementDigest: null,
    },
    spendable: { is: 'no', transactionIds: [] },
    transactions: [],
    transitions: [],
    ...altered,
  };
}

const transaction: Transfer['transactions'][number] = {
  transactionKey: 'k',
  state: 'mined',
  transactionId: 'ab'.repeat(32),
  maxFee: '20000',
  feePaid: '705',
  blockHash: 'cd'.repeat(32),
  blockHeight: 444,
  confirmations: 2,
  replaces: null,
  certified: true,
  reason: null,
};

const textOf = (one: Transfer) => render(transferLines(one, NOW + 60_000, state), false);

describe('transfers in words', () => {
  it('says what a transfer pays, to whom, and whose approval is missing', () => {
    const text = textOf(transferIn());
    for (const words of [
      '0.25 BTC  =  25000000 sat',
      'bcrt 1qw5',
      '2 of treasury; missing 1 of treasury',
      'approved by alice',
      'hot/all',
    ]) {
      expect(text).toContain(words);
    }
  });

  it('says in which transaction and block it is, and what it cost', () => {
    const text = textOf(transferIn({ state: 'confirming', transactions: [transaction] }));
    for (const words of ['ab'.repeat(32), 'in block 444, 2 confirmations', 'fee paid 0.00000705 BTC']) {
      expect(text).toContain(words);
    }
  });

  it('says that what was signed can still be paid, also of one that has expired', () => {
    expect(
      textOf(transferIn({ state: 'expired', spendable: { is: 'yes', transactionIds: ['ab'] } })),
    ).toMatch(/spendable +yes {2}by ab, until/);
    expect(
      textOf(transferIn({ state: 'indeterminate', spendable: { is: 'maybe', transactionIds: [] } })),
    ).toMatch(/spendable +perhaps/);
    expect(textOf(transferIn())).not.toContain('spendable');
    const statement = { basis: 'never-signed', voidedAtMs: 1_700_000_000_000 };
    expect(textOf(transferIn({ state: 'void', void: { statement } }))).toContain(
      'since 2023-11-14 22:13:20 UTC  never-signed',
    );
    expect(textOf(transferIn())).not.toContain('never-signed');
  });

  it('says why it ended, with the facts', () => {
    const reason = { code: 'limit-exceeded', facts: { limit: 'hot/day', used: '5' } };
    expect(textOf(transferIn({ state: 'refused', reason }))).toContain(
      'refused  limit-exceeded  limit hot/day, used 5',
    );
  });

  it('shows no control character that somebody put into a fact', () => {
    const reason = { code: 'x', facts: { why: '\u001b[31mnothing\r' } };
    expect(textOf(transferIn({ state: 'refused', reason }))).toContain('why ?[31mnothing?');
  });

  it('makes one line of each in a list, and says so when there is none', () => {
    expect(render(listLines([transferIn()], NOW + 60_000), false)).toContain(
      '0.25 BTC  customer-7  1 minute ago',
    );
    expect(render(listLines([], NOW), false)).toContain('There are no transfers');
  });

  it('tells a followed transfer again only when something about it is new', () => {
    const before = transferIn({ state: 'confirming', transactions: [transaction] });
    const deeper = { ...transaction, confirmations: 3 };
    expect(momentOf(before)).toBe(momentOf({ ...before, updatedAtMs: NOW + 1 }));
    expect(momentOf(before)).not.toBe(momentOf({ ...before, transactions: [deeper] }));
    expect(render([momentLine({ ...before, transactions: [deeper] }, NOW)], false)).toBe(
      '22:15:00  confirming  3 confirmations\n',
    );
  });
});

describe('the end of a transfer that was followed', () => {
  it.each([
    ['settled', EXIT.ok],
    ['refused', EXIT.refused],
    ['failed', EXIT.refused],
    ['indeterminate', EXIT.unknown],
  ])('as %s gives exit code %i', (state, exit) => {
    expect(ended(transferIn({ state })).exit).toBe(exit);
  });
});
