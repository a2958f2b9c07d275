import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Transaction } from 'bitcoinjs-lib';
import { attachBitcoinDevnet, type BitcoinDevnet, startBitcoinDevnet } from '../../devnet/bitcoin-node.js';
import { type PurseCoin, payFromPurse, purseAddress, purseFee } from '../../devnet/bitcoin-purse.js';

const RECIPIENT = 'bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080';
const externalUrl = process.env.BITCOIN_RPC_URL;
const folder = mkdtempSync(join(tmpdir(), 'portcullis-btc-'));
const logFile = join(folder, 'node.log');

afterAll(() => rmSync(folder, { recursive: true }));

describe('the Bitcoin node of the devnet', () => {
  behavesLikeANode(() => startBitcoinDevnet({ logFile }));

  it('keeps its chain and its waiting transactions from one start to the next', async () => {
    await keepsBoth(join(folder, 'kept'), (node) => node.stop());
  });

  it('keeps them through a crash', async () => {
    await keepsBoth(join(folder, 'crashed'), async (node) => {
      node.program?.signal('SIGKILL');
      await node.program?.exited;
    });
  });

  it('forgets an evicted transaction', async () => {
    await withNode(async (node) => {
      const { txid } = await node.fund(RECIPIENT, 10_000n);
      await node.evict(txid);
      await expect(node.call('getmempoolentry', [txid])).rejects.toMatchObject({ facts: { rpcCode: -5 } });
    });
  });

  it('answers 401 to a caller without the password', async () => {
    await withNode(async (node) => {
      const { host } = new URL(node.rpcUrl);
      const response = await fetch(`http://${host}/`, { method: 'POST', body: '{"method":"getblockcount"}' });
      expect(response.status).toBe(401);
    });
  });
});

const external = externalUrl === undefined ? describe.skip : describe;
external('a Bitcoin Core node (skipped unless BITCOIN_RPC_URL names one)', () => {
  behavesLikeANode(() => attachBitcoinDevnet(externalUrl ?? ''));
});

function behavesLikeANode(open: () => Promise<BitcoinDevnet>): void {
  let node: BitcoinDevnet;
  beforeAll(async () => {
    node = await open();
  });
  afterAll(() => node.stop());

  it('funds an address to the satoshi', async () => {
    const { txid, vout } = await node.fund(RECIPIENT, 123_456_789n);
    await node.mine();
    expect(await node.call('gettxout', [txid, vout])).toMatchObject({ value: 1.23456789, confirmations: 1 });
  });

  it('pays more than one block reward at once, and several payments asked for at the same time', async () => {
    const payments = await Promise.all([
      node.fund(RECIPIENT, 8_000_000_000n),
      node.fund(RECIPIENT, 700_000_000n),
      node.fund(RECIPIENT, 1_000n),
    ]);
    const [hash] = await node.mine();
    expect(await transactionsOf(node, hash)).toEqual(payments.map(({ txid }) => txid).sort());
  });

  it('gives raw blocks and raw transactions whose bytes are those that were sent', async () => {
    const { txid, hex } = await node.fund(RECIPIENT, 50_000n);
    const [hash] = await node.mine();
    expect(await node.call('getblock', [hash, 0])).toContain(hex);
    expect(await node.call('getrawtransaction', [txid])).toBe(hex);
  });

  it('refuses a transaction with a broken signature, code -26, and says so in testmempoolaccept', async () => {
    const coin = await ownCoin(node);
    const transaction = Transaction.fromHex(payFromPurse([coin], RECIPIENT, 30_000n).hex);
    const [payment] = transaction.outs;
    if (payment !== undefined) payment.value -= 1n;
    const broken = transaction.toHex();
    expect(await node.call('testmempoolaccept', [[broken]])).toMatchObject([{ allowed: false }]);
    await expect(node.call('sendrawtransaction', [broken])).rejects.toMatchObject({
      facts: { rpcCode: -26 },
    });
    expect(await node.call('getrawmempool')).not.toContain(transaction.getId());
  });

  it('refuses a transaction whose inputs nobody knows, code -25', async () => {
    const { hex } = payFromPurse([unknownCoin('ab')], RECIPIENT, 50_000n);
    await expect(node.call('sendrawtransaction', [hex])).rejects.toMatchObject({ facts: { rpcCode: -25 } });
  });

  it('refuses a transaction that would create money, code -26', async () => {
    const coin = await ownCoin(node);
    const { hex } = payFromPurse([{ ...coin, sats: coin.sats + 1_000_000n }], RECIPIENT, 1_500_000n);
    await expect(node.call('sendrawtransaction', [hex])).rejects.toMatchObject({ facts: { rpcCode: -26 } });
  });

  it('refuses bytes that are no transaction, code -22', async () => {
    await expect(node.call('sendrawtransaction', ['00ff'])).rejects.toMatchObject({
      facts: { rpcCode: -22 },
    });
  });

  it('takes the same transaction twice while it waits, and refuses it, code -27, once it is in a block', async () => {
    const { hex, txid } = await node.fund(RECIPIENT, 60_000n);
    expect(await node.call('sendrawtransaction', [hex])).toBe(txid);
    await node.mine();
    await expect(node.call('sendrawtransaction', [hex])).rejects.toMatchObject({ facts: { rpcCode: -27 } });
  });

  it('refuses a replacement that does not pay more, code -26, and takes one that does', async () => {
    const coin = await ownCoin(node);
    const first = payFromPurse([coin], purseAddress, coin.sats - purseFee(1));
    const same = payFromPurse([coin], RECIPIENT, coin.sats - purseFee(1));
    const better = payFromPurse([coin], RECIPIENT, coin.sats - purseFee(1) - 200n);
    await node.call('sendrawtransaction', [first.hex]);
    await expect(node.call('sendrawtransaction', [same.hex])).rejects.toMatchObject({
      facts: { rpcCode: -26 },
    });
    expect(await node.call('sendrawtransaction', [better.hex])).toBe(better.txid);
    const waiting = await node.call('getrawmempool');
    expect(waiting).toContain(better.txid);
    expect(waiting).not.toContain(first.txid);
  });

  it('changes nothing when asked by testmempoolaccept', async () => {
    const { hex, txid } = payFromPurse([await ownCoin(node)], RECIPIENT, 10_000n);
    expect(await node.call('testmempoolaccept', [[hex]])).toMatchObject([{ txid, allowed: true }]);
    expect(await node.call('getrawmempool')).not.toContain(txid);
    expect(await node.call('sendrawtransaction', [hex])).toBe(txid);
  });

  it('mines only the transactions that it is told to', async () => {
    await node.mine();
    const one = await node.fund(RECIPIENT, 11_000n);
    const two = await node.fund(RECIPIENT, 12_000n);
    const hash = await node.mineBlock([two.hex]);
    expect(await transactionsOf(node, hash)).toEqual([two.txid]);
    expect(await node.call('getrawmempool')).toEqual([one.txid]);
  });

  it('replaces blocks by a longer fork, and what they held waits again', async () => {
    await node.mine();
    const mined = await node.fund(RECIPIENT, 70_000n);
    const [replaced] = await node.mine();
    await node.mine();
    const waiting = await node.fund(RECIPIENT, 71_000n);
    const height = await node.height();
    const tip = await node.reorg(2);
    expect(await node.height()).toBe(height + 1);
    expect(await node.blockHash(height + 1)).toBe(tip);
    expect(await node.blockHash(height - 1)).not.toBe(replaced);
    expect(await node.call('getblockheader', [replaced])).toMatchObject({ confirmations: -1 });
    const left = (await node.call('getrawmempool')) as string[];
    expect([...left].sort()).toEqual([mined.txid, waiting.txid].sort());
  });

  it('drops a transaction for good when the fork spends its input elsewhere', async () => {
    await node.mine();
    const coin = await ownCoin(node);
    const paid = payFromPurse([coin], RECIPIENT, 80_000n);
    const diverted = payFromPurse([coin], purseAddress, 80_000n);
    await node.call('sendrawtransaction', [paid.hex]);
    await node.mine();
    await node.reorg(1, [diverted.hex]);
    expect(await node.call('getrawmempool')).toEqual([]);
    await expect(node.call('sendrawtransaction', [paid.hex])).rejects.toMatchObject({
      facts: { rpcCode: -25 },
    });
    await expect(node.call('getrawtransaction', [paid.txid])).rejects.toMatchObject({
      facts: { rpcCode: -5 },
    });
  });

  it('refuses a block with a transaction that is not valid', async () => {
    const { hex } = payFromPurse([unknownCoin('cd')], RECIPIENT, 50_000n);
    const height = await node.height();
    await expect(node.mineBlock([hex])).rejects.toMatchObject({ code: 'block-refused' });
    expect(await node.height()).toBe(height);
  });
}

async function withNode(work: (node: BitcoinDevnet) => Promise<void>): Promise<void> {
  const node = await startBitcoinDevnet({ logFile });
  try {
    await work(node);
  } finally {
    await node.stop();
  }
}

async function keepsBoth(dataFolder: string, end: (node: BitcoinDevnet) => Promise<void>): Promise<void> {
  const first = await startBitcoinDevnet({ logFile, dataFolder });
  const { txid } = await first.fund(RECIPIENT, 10_000n);
  const tip = await first.call('getbestblockhash');
  await end(first);
  const second = await startBitcoinDevnet({ logFile, dataFolder });
  try {
    expect(await second.call('getbestblockhash')).toBe(tip);
    expect(await second.call('getrawmempool')).toEqual([txid]);
  } finally {
    await second.stop();
  }
}

/** The sorted transaction ids of a block without its coinbase. */
async function transactionsOf(node: BitcoinDevnet, hash: string | undefined): Promise<string[]> {
  const block = (await node.call('getblock', [hash])) as { tx: string[] };
  return block.tx.slice(1).sort();
}

/** A confirmed coin of the purse that no other payment of the suite will touch. */
async function ownCoin(node: BitcoinDevnet): Promise<PurseCoin> {
  const { txid, vout } = await node.fund(purseAddress, 1_000_000n);
  await node.mine();
  return { txid, vout, sats: 1_000_000n };
}

function unknownCoin(byte: string): PurseCoin {
  return { txid: byte.repeat(32), vout: 0, sats: 100_000n };
}
