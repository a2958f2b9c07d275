import { describe, expect, it } from '@jest/globals';
import type { StoredCoin } from './coins.store.js';
import { buildableUpon, type OwnTransactions, type SignedByUs, standingOf } from './family.js';
import { spendableCoins } from './spendable.js';

const RULES = { height: 200, foreignConfirmations: 6, maxUnconfirmedChain: 2 };

const txid = (name: string) => Buffer.from(name).toString('hex').padEnd(64, '0');

function coin(maker: string, more: Partial<StoredCoin> = {}): StoredCoin {
  return {
    outpoint: `${txid(maker)}:0`,
    txid: txid(maker),
    vout: 0,
    walletId: 'hot',
    script: `0014${'11'.repeat(20)}`,
    amountSats: 1_000n,
    coinbase: false,
    ours: false,
    height: 100,
    spentHeight: undefined,
    spentBy: undefined,
    reservedBy: undefined,
    previousBytes: 100,
    ...more,
  };
}

function signed(name: string, inputs: readonly string[], family = name): SignedByUs {
  return { txid: txid(name), family, inputs: inputs.map((input) => `${txid(input)}:0`) };
}

function own(
  transactions: readonly SignedByUs[],
  coins: readonly StoredCoin[],
  contested: readonly string[] = [],
): OwnTransactions {
  return {
    signed: new Map(transactions.map((one) => [one.txid, one])),
    contested: new Set(contested),
    coins: new Map(coins.map((one) => [one.outpoint, one])),
  };
}

const nothing = own([], []);

describe('what may be spent', () => {
  it('is what others paid once it is deep enough, and own change after one confirmation', () => {
    const coins = [
      coin('deep', { height: 195 }),
      coin('young', { height: 196 }),
      coin('change', { height: 200, ours: true }),
    ];
    const result = spendableCoins(coins, nothing, RULES);
    expect(result.coins.map((one) => one.txid)).toEqual([txid('deep'), txid('change')]);
    expect(result).toMatchObject({ availableSats: 2_000n, pendingSats: 1_000n, reservedSats: 0n });
  });

  it('is no block reward before its hundredth confirmation', () => {
    const coins = [
      coin('ripe', { coinbase: true, height: 101 }),
      coin('unripe', { coinbase: true, height: 102 }),
    ];
    expect(spendableCoins(coins, nothing, RULES).coins.map((one) => one.txid)).toEqual([txid('ripe')]);
  });

  it('is nothing that is reserved, and nothing that vanished', () => {
    const coins = [
      coin('reserved', { reservedBy: 'btc-1' }),
      coin('vanished', { height: undefined }),
      coin('both', { height: undefined, reservedBy: 'btc-2' }),
    ];
    expect(spendableCoins(coins, nothing, RULES)).toEqual({
      coins: [],
      availableSats: 0n,
      pendingSats: 0n,
      reservedSats: 1_000n,
      chainTooLong: false,
    });
  });

  it('is own unconfirmed change, up to the configured depth', () => {
    const base = coin('base');
    const links = ['a', 'b', 'c'].map((name) => coin(name, { height: undefined, ours: true }));
    const transactions = [signed('a', ['base']), signed('b', ['a']), signed('c', ['b'])];
    const all = own(transactions, [base, ...links]);
    const at = (index: number) => spendableCoins(links.slice(index, index + 1), all, RULES);
    expect(at(1)).toMatchObject({ coins: [{ confirmed: false }], pendingSats: 1_000n, chainTooLong: false });
    expect(at(2)).toMatchObject({ coins: [], pendingSats: 1_000n, chainTooLong: true });
  });

  it('carries along no more unconfirmed transactions than nodes relay', () => {
    const bases = Array.from({ length: 30 }, (_, index) => coin(`base${index}`));
    const changes = bases.map((_, index) => coin(`c${index}`, { height: undefined, ours: true }));
    const transactions = bases.map((_, index) => signed(`c${index}`, [`base${index}`]));
    const result = spendableCoins(changes, own(transactions, [...bases, ...changes]), RULES);
    expect(result.coins).toHaveLength(20);
    expect(result.chainTooLong).toBe(true);
  });
});

describe('what must not be built upon', () => {
  const base = coin('base');

  it('is a transaction that has replacements', () => {
    const parent = signed('a', ['base']);
    expect(buildableUpon(parent, own([parent], [base], ['a']))).toBeUndefined();
  });

  it('is a transaction whose input another one has spent, or whose parent is such', () => {
    const spent = coin('base', { spentHeight: 150, spentBy: txid('thief') });
    const [a, b] = [signed('a', ['base']), signed('b', ['a'])];
    const all = own([a, b], [spent, coin('a', { height: undefined, ours: true })]);
    expect(buildableUpon(a, all)).toBeUndefined();
    expect(buildableUpon(b, all)).toBeUndefined();
    expect(standingOf(b, all)).toEqual({ kind: 'conflicted', by: txid('thief'), height: 150 });
  });

  it('is a transaction that spends a coin which has vanished or is not known', () => {
    const a = signed('a', ['base']);
    expect(buildableUpon(a, own([a], [coin('base', { height: undefined })]))).toBeUndefined();
    expect(buildableUpon(a, own([a], []))).toBeUndefined();
  });

  it('ends on transactions that claim to hang on each other', () => {
    const [a, b] = [signed('a', ['b']), signed('b', ['a'])];
    const coins = [coin('a', { height: undefined }), coin('b', { height: undefined })];
    expect(buildableUpon(a, own([a, b], coins))).toBeUndefined();
    expect(standingOf(a, own([a, b], coins))).toEqual({ kind: 'unconfirmed' });
  });
});

describe('where a transaction stands', () => {
  it('is mined when the scanned chain spends its inputs by it', () => {
    const a = signed('a', ['base']);
    const spent = coin('base', { spentHeight: 150, spentBy: a.txid });
    expect(standingOf(a, own([a], [spent]))).toEqual({ kind: 'mined', height: 150 });
  });

  it('is unconfirmed when nothing is spent', () => {
    const a = signed('a', ['base']);
    expect(standingOf(a, own([a], [coin('base')]))).toEqual({ kind: 'unconfirmed' });
  });
});
