import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import {
  approvalBytes,
  matchStatement,
  statementOf,
  type TransferStatement,
  transferStatement,
} from './approval.js';
import { REQUEST_TYPE, type RequestStatement, requestDigest, requestStatement } from './request.js';

const request: RequestStatement = {
  type: REQUEST_TYPE,
  deploymentId: 'd1'.repeat(32),
  requestId: 'payout-1',
  keyId: 'payout-desk',
  kind: 'withdrawal',
  chain: 'eip155:31337',
  wallet: 'hot-eth',
  asset: {
    kind: 'erc20',
    symbol: 'USDX',
    decimals: 6,
    contract: '0x5FbDB2315678afecb367f032d93F642f64180aa3',
  },
  amount: '1000000',
  destination: '0x70997970C51812dc3A010C7d01b50e0d17dc79C8',
  feeCeiling: '300000000000000',
  requester: 'exchange',
  customer: 'customer-7',
  createdAtMs: 1_767_225_600_000,
  expiresAtMs: 1_767_229_200_000,
};
const context = {
  policyHash: 'aa'.repeat(32),
  governanceHead: 'bb'.repeat(32),
  expiresAtMs: 1_767_227_000_000,
};
const statement = statementOf(request, context);
const textOf = (verdict: 'approve' | 'reject', of = statement) =>
  new TextDecoder().decode(approvalBytes(verdict, of));

describe('the statement that officers sign', () => {
  it('says in full what will happen, and what it was decided under', () => {
    const [type, json] = textOf('approve').split('\n');
    expect(type).toBe('portcullis/approve/v1');
    expect(JSON.parse(json ?? '')).toEqual({
      deploymentId: request.deploymentId,
      transferId: `tr-${requestDigest(request).slice(0, 40)}`,
      requestDigest: requestDigest(request),
      kind: 'withdrawal',
      chain: 'eip155:31337',
      wallet: 'hot-eth',
      asset: request.asset,
      amount: '1000000',
      destination: '0x70997970C51812dc3A010C7d01b50e0d17dc79C8',
      feeCeiling: '300000000000000',
      requester: 'exchange',
      customer: 'customer-7',
      policyHash: context.policyHash,
      governanceHead: context.governanceHead,
      expiresAtMs: context.expiresAtMs,
    });
  });

  it('is other bytes for a rejection', () => {
    expect(textOf('reject')).toBe(textOf('approve').replace('portcullis/approve/v1', 'portcullis/reject/v1'));
  });

  const others: readonly [keyof TransferStatement, unknown][] = [
    ['kind', 'sweep'],
    ['chain', 'eip155:1'],
    ['wallet', 'hot-eth-2'],
    ['asset', { ...request.asset, decimals: 18 }],
    ['asset', { ...request.asset, contract: '0xe7f1725E7734CE288F8367e1Bb143E90bb3F0512' }],
    ['asset', { ...request.asset, symbol: 'USDT' }],
    ['amount', '1000001'],
    ['destination', '0x3C44CdDdB6a900fa2b585dd299e03d12FA4293BC'],
    ['feeCeiling', '300000000000001'],
    ['requester', 'mallory'],
    ['customer', 'customer-8'],
  ];
  it.each(others)('refuses approval-altered when its %s is %j', (field, value) => {
    const altered = { ...statement, [field]: value } as TransferStatement;
    expect(matchStatement(altered, request)).toMatchObject({
      kind: 'refused',
      code: 'approval-altered',
      facts: { field },
    });
  });

  it('refuses the statement of another transfer and of another deployment', () => {
    const other = statementOf({ ...request, requestId: 'payout-2' }, context);
    expect(matchStatement(other, request)).toMatchObject({ code: 'approval-other-transfer' });
    const elsewhere = statementOf({ ...request, deploymentId: 'd2'.repeat(32) }, context);
    expect(matchStatement(elsewhere, request)).toMatchObject({ code: 'approval-other-deployment' });
  });

  it.each(Object.keys(statement))('refuses a statement without %s, and one with something more', (field) => {
    const without = Object.fromEntries(Object.entries(statement).filter(([name]) => name !== field));
    expect(transferStatement.safeParse(without).success).toBe(false);
    expect(transferStatement.safeParse({ ...statement, note: 'x' }).success).toBe(false);
  });
});

describe('the texts in requests and statements', () => {
  const fields = Object.entries(request).flatMap(([field, value]) =>
    typeof value === 'string' ? [field] : [],
  );

  it('are printable ASCII of bounded length in every field, whatever somebody sends', () => {
    const hostile = fc.oneof(
      fc.string({ unit: 'binary', maxLength: 200 }),
      fc.string({ unit: 'grapheme-ascii', maxLength: 200 }),
      fc
        .tuple(
          fc.constantFrom(...Object.values(request).map(String)),
          fc.constantFrom('\n', '\u202e', ' ', '\0', 'é'),
        )
        .map((parts) => parts.join('')),
    );
    fc.assert(
      fc.property(fc.constantFrom(...fields), hostile, (field, text) => {
        const parsed = requestStatement.safeParse({ ...request, [field]: text });
        if (!parsed.success) return;
        expect(text).toMatch(/^[\x21-\x7e]{1,90}$/);
        expect(textOf('approve', statementOf(parsed.data, context)).length).toBeLessThan(2_048);
      }),
      { numRuns: 2_000 },
    );
  });

  it.each([
    ['a customer of 65 letters', { customer: 'c'.repeat(65) }],
    ['a destination of 91 letters', { destination: 'a'.repeat(91) }],
    ['an amount of 79 digits', { amount: '1'.repeat(79) }],
    ['an amount of nothing', { amount: '0' }],
    ['an amount with a sign', { amount: '-1' }],
    ['an amount with a leading zero', { amount: '01' }],
    ['an amount that is a number', { amount: 1 }],
    ['a customer with a blank', { customer: 'customer 7' }],
    ['a symbol with letters of another script', { asset: { ...request.asset, symbol: 'UЅDX' } }],
    ['a token with 31 decimals', { asset: { ...request.asset, decimals: 31 } }],
    ['a kind that nobody knows', { kind: 'consolidation' }],
  ])('refuse %s', (_title, altered) => {
    expect(requestStatement.safeParse({ ...request, ...altered }).success).toBe(false);
    expect(requestStatement.safeParse(request).success).toBe(true);
  });
});

describe('the bytes of a statement', () => {
  it('are worked out anew where it can change, and once where it is frozen to the bottom', () => {
    const open = { ...statement, asset: { ...statement.asset } };
    const before = textOf('approve', open);
    open.amount = '2';
    expect(textOf('approve', open)).toBe(before.replace('"amount":"1000000"', '"amount":"2"'));
    const half = Object.freeze({ ...statement, asset: { ...statement.asset } });
    const asset = half.asset as { symbol: string };
    expect(textOf('approve', half)).toBe(before);
    asset.symbol = 'USDT';
    expect(textOf('approve', half)).toContain('"symbol":"USDT"');
    const parsed = transferStatement.parse(statement);
    expect(approvalBytes('approve', parsed)).toBe(approvalBytes('approve', parsed));
    expect(() => Object.assign(parsed, { amount: '2' })).toThrow(TypeError);
    expect(() => Object.assign(parsed.asset, { symbol: 'USDT' })).toThrow(TypeError);
  });
});
