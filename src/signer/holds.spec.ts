import { describe, expect, it } from '@jest/globals';
import type { SigningOrder } from '../core/authorization/signing-order.js';
import { refused } from '../core/fault.js';
import {
  REQUEST_TYPE,
  type RequestStatement,
  requestDigest,
  transferIdOf,
} from '../core/statements/request.js';
import { beginHold, MOST_HOLDS_A_DAY } from './holds.js';
import type { JournalBody } from './journal.js';

const POLICIES = { policyHash: 'ab'.repeat(32) };
const AT = { wallMs: 1_800_000_000_000, measuredMs: 100 * 3_600_000 };
const statement: RequestStatement = {
  type: REQUEST_TYPE,
  deploymentId: 'cd'.repeat(32),
  requestId: 'w-1',
  keyId: 'backend',
  kind: 'withdrawal',
  chain: 'eip155:31337',
  wallet: 'hot-eth',
  asset: { kind: 'native', symbol: 'ETH', decimals: 18 },
  amount: '1',
  destination: '0x70997970C51812dc3A010C7d01b50e0d17dc79C8',
  feeCeiling: '1',
  requester: 'exchange',
  customer: 'customer-1',
  createdAtMs: AT.wallMs,
  expiresAtMs: AT.wallMs + 3_600_000,
};
const order: SigningOrder = {
  wallet: 'hot-eth',
  transaction: { kind: 'eip1559', hex: '02' },
  transfers: [{ request: { statement, signature: '00'.repeat(64) }, statement: null, approvals: [] }],
};
const transferId = transferIdOf(requestDigest(statement));
const begins = refused('transfer-held', { transferId, rule: 'hot/held', leftMs: 1, begins: true });

function begun(earlier: number, refusal: Parameters<typeof beginHold>[2] = begins) {
  const written: JournalBody[] = [];
  const asked: (readonly [string, number])[] = [];
  const store = {
    ledger: {
      holdsBegun: (keyId: string, afterMs: number) => {
        asked.push([keyId, afterMs]);
        return earlier;
      },
    },
    append: (body: JournalBody) => {
      written.push(body);
      return { sequence: 1, hash: '', body };
    },
  };
  return { answer: beginHold(store, POLICIES, refusal, order, AT), written, asked };
}

describe('a hold that begins', () => {
  it('is written down with the key that asked, and answered as it is', () => {
    const { answer, written, asked } = begun(MOST_HOLDS_A_DAY - 1);
    expect(answer).toEqual(begins);
    expect(written).toEqual([
      { kind: 'held', at: AT, transferId, rule: 'hot/held', ...POLICIES, keyId: statement.keyId },
    ]);
    expect(asked).toEqual([[statement.keyId, AT.measuredMs - 24 * 3_600_000]]);
  });

  it('is not written when the key has begun as many in a day as it may (holds-too-many)', () => {
    const { answer, written } = begun(MOST_HOLDS_A_DAY);
    expect(answer).toMatchObject({ code: 'holds-too-many', facts: { keyId: statement.keyId } });
    expect(written).toEqual([]);
  });

  it('is none where a refusal says something else, or of a transfer that the order does not have', () => {
    for (const other of [
      refused('transfer-held', { transferId, rule: 'hot/held', leftMs: 1, begins: false }),
      refused('policy-refused', { transferId, rule: 'hot/held', begins: true }),
      refused('transfer-held', { transferId: `tr-${'0'.repeat(40)}`, rule: 'hot/held', begins: true }),
    ]) {
      const { answer, written } = begun(0, other);
      expect(answer).toEqual(other);
      expect(written).toEqual([]);
    }
  });
});
