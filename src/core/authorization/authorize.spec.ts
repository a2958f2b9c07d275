// What of an order's judgement is not one of its parts: cancels, the caps on fees, and the order that does not fit itself.
// Orders as a whole are under test at the signer's socket.

import { generateKeyPairSync, sign } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import type { SignedFact } from '../facts/fact.js';
import { factBy, priceOf, watching } from '../facts/facts.fixture.js';
import { accepted } from '../fault.js';
import { alice, BITCOIN, start, wordOf } from '../governance/people.fixture.js';
import type { GovernanceState } from '../governance/state.js';
import { decodePsbt } from '../intents/bitcoin/decode.js';
import { draftOf, psbtOf, testKey } from '../intents/bitcoin/psbt.fixture.js';
import { parsePolicies } from '../policy/parse.js';
import type { PolicySet } from '../policy/types.js';
import { REQUEST_TYPE, type RequestStatement, requestBytes } from '../statements/request.js';
import { portableVerifier } from '../statements/signature.js';
import { authorize, type Circumstances } from './authorize.js';
import type { DecodedOrder, Movement } from './decode-order.js';
import type { VerifiedRequest } from './requests.js';
import { type SigningOrder, signingOrder } from './signing-order.js';

const NOW_MS = 1_760_000_000_000;
const backend = generateKeyPairSync('ed25519');
const publicKey = Buffer.from(backend.publicKey.export({ format: 'jwk' }).x ?? '', 'base64url').toString(
  'hex',
);
const state: GovernanceState = {
  ...start,
  requestKeys: new Map([
    ['backend', { keyId: 'backend', algorithm: 'ed25519', publicKey, owners: ['payouts'] }],
  ]),
};
const head = wordOf(state, alice, { createdAtMs: NOW_MS });
const POLICY = [
  'policy: hot',
  'applies-to: { wallets: [hot-btc] }',
  'fee-caps: { absolute: "0.001 BTC", relative: "5%" }',
  'rules:',
  '  - { id: all, when: { asset: BTC }, then: allow }',
];

function policies(): PolicySet {
  const parsed = parsePolicies([{ name: 'hot', lines: POLICY }], state);
  if (parsed.kind === 'refused') throw new Error(JSON.stringify(parsed.facts));
  return parsed.value;
}

const own = testKey('own');
const transaction: SigningOrder['transaction'] = {
  kind: 'psbt',
  base64: psbtOf(draftOf([{ script: own.script, sats: 100_000n }], [{ script: own.script, sats: 99_000n }])),
};

/** Bytes that compare as they are told to: comparing is match.ts. */
function decodedWith(altered: Partial<DecodedOrder>): DecodedOrder {
  const wallet = state.wallets.get('hot-btc');
  const chain = state.chains.get(BITCOIN);
  const intent = decodePsbt(transaction.kind === 'psbt' ? transaction.base64 : '', 'regtest');
  if (!wallet || !chain || intent.kind === 'refused') throw new Error('the fixture does not fit');
  return {
    intent: intent.value,
    wallet,
    chain,
    spends: [`${BITCOIN}/${'ab'.repeat(32)}:0`],
    nonce: undefined,
    maxFee: 1_000n,
    toSign: [],
    matchPayments: (requests) => accepted(requests.map((request) => movement(request))),
    matchCancel: () => accepted([]),
    ...altered,
  };
}

function movement(request: VerifiedRequest, contract = 'native'): Movement {
  const { amount, destination } = request.statement;
  return { request, contract, amount: BigInt(amount), destination };
}

function given(altered: Partial<Circumstances> = {}): Circumstances {
  return {
    state,
    policies: policies(),
    verifier: portableVerifier,
    nowMs: NOW_MS,
    usage: () => 0n,
    pastOf: () => 'unseen',
    knowing: () => undefined,
    heldMs: () => undefined,
    cancelled: () => ({ feeCeiling: 10_000n, moved: 1_000_000n }),
    ...altered,
  };
}

function payment(): SigningOrder['transfers'][number] {
  const statement: RequestStatement = {
    type: REQUEST_TYPE,
    deploymentId: state.deploymentId,
    requestId: 'req-1',
    keyId: 'backend',
    kind: 'withdrawal',
    chain: BITCOIN,
    wallet: 'hot-btc',
    asset: { kind: 'native', symbol: 'BTC', decimals: 8 },
    amount: '1000000',
    destination: 'bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080',
    feeCeiling: '100000000',
    requester: 'payouts',
    customer: 'customer-7',
    createdAtMs: NOW_MS,
    expiresAtMs: NOW_MS + 3_600_000,
  };
  const signature = sign(null, requestBytes(statement), backend.privateKey).toString('hex');
  return { request: { statement, signature }, statement: null, approvals: [] };
}

function answerTo(
  transfers: SigningOrder['transfers'],
  decoded: Partial<DecodedOrder> = {},
  circumstances: Partial<Circumstances> = {},
): string {
  const order: SigningOrder = { wallet: 'hot-btc', transaction, transfers, head };
  const outcome = authorize(order, decodedWith(decoded), given(circumstances));
  return outcome.kind === 'refused' ? outcome.code : 'accepted';
}

describe('a wallet that is frozen', () => {
  const freezeOfAll = { scope: { kind: 'everything' }, why: 'drill', sequence: 4 } as const;
  const frozen: GovernanceState = { ...state, frozen: new Map([['everything', freezeOfAll]]) };

  it.each([
    ['payment', [payment()]],
    ['cancel', []],
  ])('is authorized no %s (wallet-frozen)', (_, transfers) => {
    const order: SigningOrder = { wallet: 'hot-btc', transaction, transfers, head };
    expect(authorize(order, decodedWith({}), given({ state: frozen }))).toMatchObject({
      kind: 'refused',
      code: 'wallet-frozen',
      facts: { wallet: 'hot-btc', scope: 'everything', entry: 4, why: 'drill' },
    });
    expect(authorize(order, decodedWith({}), given()).kind).toBe('accepted');
  });
});

describe('a cancel', () => {
  it('is authorized within the caps', () => {
    expect(answerTo([], { maxFee: 50_000n })).toBe('accepted');
  });

  it('is refused with nothing-to-cancel when nothing spends what it spends', () => {
    expect(answerTo([], {}, { cancelled: () => undefined })).toBe('nothing-to-cancel');
  });

  it('is refused with policy-no-match when no document covers its wallet', () => {
    expect(answerTo([], {}, { policies: { hash: '', policies: [] } })).toBe('policy-no-match');
  });

  it.each([
    ['fee-above-relative-cap', 'it costs one satoshi above 5 % of what was to be moved', 50_001n, 1_000_000n],
    ['fee-above-absolute-cap', 'it costs one satoshi above the cap', 100_001n, 100_000_000n],
    ['fee-above-absolute-cap', 'it costs one satoshi above the cap, and moved a token', 100_001n, undefined],
  ])('is refused with %s when %s', (code, _, maxFee, moved) => {
    expect(answerTo([], { maxFee }, { cancelled: () => ({ feeCeiling: 10n ** 10n, moved }) })).toBe(code);
  });
});

describe('a payment', () => {
  it('is authorized within the caps', () => {
    expect(answerTo([payment()], { maxFee: 50_000n })).toBe('accepted');
  });

  it('that nobody approves is refused with head-missing, unless it was signed before', () => {
    const order: SigningOrder = { wallet: 'hot-btc', transaction, transfers: [payment()] };
    expect(authorize(order, decodedWith({}), given())).toMatchObject({
      code: 'head-missing',
      facts: { maxAgeMs: 24 * 3_600_000 },
    });
    for (const past of ['unseen', 'reserved', 'dead'] as const) {
      const again = authorize(order, decodedWith({}), given({ pastOf: () => past }));
      expect(again).toMatchObject({ code: 'head-missing' });
    }
    expect(authorize(order, decodedWith({}), given({ pastOf: () => 'signed' })).kind).toBe('accepted');
  });

  it('is refused with fee-above-relative-cap when it costs one satoshi above 5 %', () => {
    expect(answerTo([payment()], { maxFee: 50_001n })).toBe('fee-above-relative-cap');
  });

  it('is refused with fee-above-absolute-cap when it costs one satoshi above the cap', () => {
    const moves = (amount: bigint): Partial<DecodedOrder> => ({
      matchPayments: (requests) => accepted(requests.map((request) => ({ ...movement(request), amount }))),
      maxFee: 100_001n,
    });
    expect(answerTo([payment()], moves(100_000_000n))).toBe('fee-above-absolute-cap');
  });

  describe('that its rule holds', () => {
    const lines = POLICY.map((line) => line.replace('then: allow', 'then: { hold: 2h, then: allow }'));
    const parsed = parsePolicies([{ name: 'hot', lines }], state);
    if (parsed.kind === 'refused') throw new Error(JSON.stringify(parsed.facts));
    const having = (heldMs: number | undefined, more: Partial<Circumstances> = {}) => {
      const order: SigningOrder = { wallet: 'hot-btc', transaction, transfers: [payment()], head };
      const held = { policies: parsed.value, heldMs: () => heldMs, ...more };
      return authorize(order, decodedWith({}), given(held));
    };

    it('is refused with transfer-held until it has waited, to the millisecond', () => {
      expect(having(7_199_999)).toMatchObject({
        code: 'transfer-held',
        facts: { rule: 'hot/all', leftMs: 1, begins: false },
      });
      expect(having(7_200_000)).toMatchObject({
        kind: 'accepted',
        value: { transfers: [{ heldMs: 7_200_000 }] },
      });
    });

    it('begins to wait when nothing else is missing, and not before', () => {
      expect(having(undefined)).toMatchObject({
        code: 'transfer-held',
        facts: { leftMs: 7_200_000, begins: true },
      });
      const dear = authorize(
        { wallet: 'hot-btc', transaction, transfers: [payment()], head },
        decodedWith({ maxFee: 100_001n }),
        given({ policies: parsed.value }),
      );
      expect(dear).toMatchObject({ code: 'fee-above-absolute-cap' });
    });

    it.each(['reserved', 'signed', 'dead'] as const)('does not wait again once it was %s', (past) => {
      const again = having(undefined, { pastOf: () => past });
      expect(again).toMatchObject({ kind: 'accepted', value: { transfers: [{ heldMs: undefined }] } });
    });
  });

  it('is refused with policy-error when the bytes would carry out more than was ordered', () => {
    const twice: DecodedOrder['matchPayments'] = (requests) =>
      accepted([...requests, ...requests].map((request) => movement(request)));
    expect(answerTo([payment()], { matchPayments: twice })).toBe('policy-error');
  });
});

describe('facts in an order', () => {
  const watcher = watching('watcher-1');
  const knowing: GovernanceState = { ...state, factKeys: new Map([[watcher.key.keyId, watcher.key]]) };
  const stranger = factBy(watching('mallory'), priceOf('60000'));
  const answer = (transfers: SigningOrder['transfers'], fact: SignedFact) => {
    const order: SigningOrder = { wallet: 'hot-btc', transaction, transfers, head, facts: [fact] };
    const outcome = authorize(order, decodedWith({}), given({ state: knowing }));
    return outcome.kind === 'refused' ? outcome.code : 'accepted';
  };

  it.each([
    ['payment', [payment()]],
    ['cancel', []],
  ])('are verified for a %s, whether or not a rule asks for them', (_, transfers) => {
    expect(answer(transfers, factBy(watcher, priceOf('60000')))).toBe('accepted');
    expect(answer(transfers, stranger)).toBe('fact-key-unknown');
  });

  it('are left out where there are none, and never an empty list', () => {
    const order = { wallet: 'hot-btc', transaction, transfers: [payment()] };
    expect(signingOrder.safeParse(order).success).toBe(true);
    expect(signingOrder.safeParse({ ...order, facts: [] }).success).toBe(false);
    expect(signingOrder.safeParse({ ...order, facts: undefined }).success).toBe(false);
    expect(signingOrder.safeParse({ ...order, facts: Array(513).fill(stranger) }).success).toBe(false);
  });
});
