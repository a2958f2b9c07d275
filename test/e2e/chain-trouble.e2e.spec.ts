// Chains that take things back, forget them, or grow dear: what was signed is followed until it is settled, once.
// Blocks are made by hand here.

import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { isList } from '../../devnet/json-rpc.js';
import type { TransferAnswer } from '../../src/orchestrator/transfers/transfer.dto.js';
import { expectBooksAgree } from './books.js';
import { ETHER, eventually, Rig } from './rig.js';

const GWEI = 10n ** 9n;
const BUMP_MS = 1_500;
const FINAL_CONFIRMATIONS = 3;
const PLAIN_GAS = 21_000n;

let rig: Rig;

beforeAll(async () => {
  rig = await Rig.start({
    settings: {
      bitcoin: { finalConfirmations: FINAL_CONFIRMATIONS },
      workers: { bumpAfterMs: { bitcoin: 3_600_000, ethereum: BUMP_MS } },
    },
  });
  await rig.chains.ethereum.setAutoMine(false);
});
afterAll(() => rig?.stop());

async function broadcast(asset: 'BTC' | 'ETH', amount: bigint, feeCeiling?: bigint): Promise<TransferAnswer> {
  const wish = { asset, amount, ...(feeCeiling === undefined ? {} : { feeCeiling }) };
  return rig.until(await rig.taken(rig.request(wish)), ['broadcast']);
}

async function inMempool(txid: string): Promise<boolean> {
  const waiting = await rig.chains.bitcoin.call('getrawmempool');
  return isList(waiting) && waiting.includes(txid);
}

function reasonsOf(transfer: TransferAnswer): readonly string[] {
  return transfer.transitions.map(({ to, reason }) => `${to}: ${reason.code}`);
}

/** Waits until a settled transfer is on its way again. */
async function undone(transferId: string): Promise<TransferAnswer> {
  let transfer = await rig.transfer(transferId);
  await eventually('it is on its way again', async () => {
    transfer = await rig.transfer(transferId);
    return transfer.state === 'broadcast';
  });
  expect(transfer.reason.code).toBe('reorganised');
  return transfer;
}

describe('Bitcoin', () => {
  it('takes two blocks back: the withdrawal in them is pending again, and settles', async () => {
    const sent = await broadcast('BTC', 400_000n);
    await rig.chains.bitcoin.mine(FINAL_CONFIRMATIONS - 1);
    await eventually('two confirmations', async () => {
      const { transactions } = await rig.transfer(sent.transferId);
      return transactions[0]?.confirmations === FINAL_CONFIRMATIONS - 1;
    });
    await rig.chains.bitcoin.reorg(FINAL_CONFIRMATIONS - 1);
    const pending = await rig.until(sent.transferId, ['broadcast']);
    expect(pending.reason.code).toBe('reorganised');
    expect(pending.transactions[0]).toMatchObject({ blockHash: null, confirmations: 0 });
    await rig.chains.bitcoin.mine(FINAL_CONFIRMATIONS);
    const settled = await rig.until(sent.transferId, ['settled']);
    expect(reasonsOf(settled).slice(-4)).toEqual([
      'confirming: in-a-block',
      'broadcast: reorganised',
      'confirming: in-a-block',
      'settled: final',
    ]);
    expect(await rig.chains.bitcoinOutputs(sent.destination)).toEqual([
      { txid: sent.transactions[0]?.transactionId, sats: 400_000n },
    ]);
    await expectBooksAgree(rig);
  });

  it('takes three blocks back and drops a settled withdrawal: it is noticed, sent again, and settles once', async () => {
    const sent = await broadcast('BTC', 350_000n);
    const txid = sent.transactions[0]?.transactionId ?? '';
    await rig.chains.bitcoin.mine(FINAL_CONFIRMATIONS);
    await rig.until(sent.transferId, ['settled']);
    await rig.chains.bitcoin.reorg(FINAL_CONFIRMATIONS);
    await rig.chains.bitcoin.evict(txid);
    expect(await rig.chains.bitcoinOutputs(sent.destination)).toEqual([]);
    const again = await undone(sent.transferId);
    expect(again.spendable).toEqual({ is: 'yes', transactionIds: [txid] });
    expect(rig.first().logs()).toContain('settled-reorganised');
    await eventually('the transaction is in the mempool again', () => inMempool(txid));
    await rig.chains.bitcoin.mine(FINAL_CONFIRMATIONS);
    const settled = await rig.until(sent.transferId, ['settled']);
    expect(reasonsOf(settled).slice(-4)).toEqual([
      'settled: final',
      'broadcast: reorganised',
      'confirming: in-a-block',
      'settled: final',
    ]);
    expect(settled.transactions.map(({ transactionId }) => transactionId)).toEqual([txid]);
    expect(await rig.chains.bitcoinOutputs(sent.destination)).toEqual([{ txid, sats: 350_000n }]);
    await expectBooksAgree(rig);
  });

  it('drops a withdrawal from its mempool: it is sent again', async () => {
    const sent = await broadcast('BTC', 300_000n);
    const txid = sent.transactions[0]?.transactionId ?? '';
    expect(await inMempool(txid)).toBe(true);
    await rig.chains.bitcoin.evict(txid);
    expect(await inMempool(txid)).toBe(false);
    await eventually('the transaction is in the mempool again', () => inMempool(txid));
    await rig.chains.bitcoin.mine(FINAL_CONFIRMATIONS);
    await rig.until(sent.transferId, ['settled']);
    expect(await rig.chains.bitcoinOutputs(sent.destination)).toEqual([{ txid, sats: 300_000n }]);
  });
});

describe('Ethereum', () => {
  /** One block at this base fee: whatever offers less waits on. */
  async function blockAt(baseFeeWei: bigint): Promise<void> {
    await rig.chains.ethereum.call('anvil_setNextBlockBaseFeePerGas', [`0x${baseFeeWei.toString(16)}`]);
    await rig.chains.ethereum.mine();
  }

  /** Blocks until it is settled: nodes that dropped it have to be given it again first. */
  async function minedUntilSettled(
    sent: TransferAnswer,
    block: () => Promise<void> = () => rig.chains.ethereum.mine(),
  ): Promise<void> {
    await eventually('it is settled', async () => {
      await block();
      return (await rig.transfer(sent.transferId)).state === 'settled';
    });
  }

  it('grows dear: a stuck withdrawal is replaced by a dearer one within its ceiling, and settled once', async () => {
    const before = await rig.chains.ethereum.balance(rig.ethereumAddress);
    const amount = ETHER / 10n;
    const sent = await broadcast('ETH', amount);
    await blockAt(20n * GWEI);
    let replaced: TransferAnswer | undefined;
    await eventually('a replacement is sent', async () => {
      replaced = await rig.transfer(sent.transferId);
      return replaced.transactions.some(({ replaces, state }) => replaces !== null && state === 'broadcast');
    });
    for (const transaction of replaced?.transactions ?? []) {
      expect(BigInt(transaction.maxFee)).toBeLessThanOrEqual(BigInt(sent.feeCeiling));
    }
    await minedUntilSettled(sent);
    await eventually('the replaced one is known to be dead', async () => {
      const { transactions } = await rig.transfer(sent.transferId);
      return transactions.every(({ state }) => state === 'final' || state === 'conflicted');
    });
    const settled = await rig.transfer(sent.transferId);
    expect(settled.transactions.filter(({ state }) => state === 'final')).toHaveLength(1);
    expect(await rig.chains.ethereum.balance(sent.destination)).toBe(amount);
    const [payment, ...others] = (await rig.chains.ethereumPayments(rig.ethereumAddress)).filter(
      ({ to }) => to === sent.destination,
    );
    expect(others).toEqual([]);
    const paid = settled.transactions.find(({ state }) => state === 'final');
    expect(paid?.transactionId).toBe(payment?.hash);
    expect(paid?.feePaid).toBe(payment?.feeWei.toString());
    expect(await rig.chains.ethereum.balance(rig.ethereumAddress)).toBe(
      before - amount - (payment?.feeWei ?? 0n),
    );
  });

  it('grows dearer than the ceiling: nothing more is bid, and it settles when fees have fallen', async () => {
    await blockAt(GWEI);
    const ceiling = 4n * GWEI * PLAIN_GAS;
    const sent = await broadcast('ETH', ETHER / 10n, ceiling);
    await blockAt(50n * GWEI);
    await sleep(3 * BUMP_MS);
    const waiting = await rig.transfer(sent.transferId);
    expect(waiting.state).toBe('broadcast');
    expect(waiting.transactions).toHaveLength(1);
    await minedUntilSettled(sent, () => blockAt(GWEI));
    const used = (await rig.chains.ethereumPayments(rig.ethereumAddress)).filter(
      ({ to }) => to === sent.destination,
    );
    expect(used.map(({ value }) => value)).toEqual([ETHER / 10n]);
    expect(used[0]?.feeWei).toBeLessThanOrEqual(ceiling);
  });

  it('forgets a withdrawal: it is sent again', async () => {
    const sent = await broadcast('ETH', ETHER / 20n);
    const hash = sent.transactions[0]?.transactionId ?? '';
    await rig.chains.ethereum.dropTransaction(hash);
    await eventually('the node has it again', async () => {
      const found = await rig.chains.ethereum.call('eth_getTransactionByHash', [hash]);
      return found !== null;
    });
    await minedUntilSettled(sent);
    expect(await rig.chains.ethereum.balance(sent.destination)).toBe(ETHER / 20n);
  });

  it('takes three blocks back and drops a settled withdrawal: it is noticed, sent again, and settles once', async () => {
    const amount = ETHER / 30n;
    const sent = await broadcast('ETH', amount);
    const hash = sent.transactions[0]?.transactionId ?? '';
    await rig.chains.ethereum.mine(3);
    await rig.until(sent.transferId, ['settled']);
    await rig.chains.ethereum.reorg(3);
    expect(await rig.chains.ethereum.balance(sent.destination)).toBe(0n);
    const again = await undone(sent.transferId);
    expect(again.spendable).toEqual({ is: 'yes', transactionIds: [hash] });
    await minedUntilSettled(sent);
    const settled = await rig.transfer(sent.transferId);
    expect(reasonsOf(settled)).toContain('broadcast: reorganised');
    expect(settled.transactions.filter(({ state }) => state === 'final')).toHaveLength(1);
    expect(await rig.chains.ethereum.balance(sent.destination)).toBe(amount);
  });

  it('takes a block back: the withdrawal in it is sent again, and settles', async () => {
    const sent = await broadcast('ETH', ETHER / 20n);
    await rig.chains.ethereum.mine(1);
    await rig.until(sent.transferId, ['confirming']);
    await rig.chains.ethereum.reorg(1);
    await rig.until(sent.transferId, ['broadcast']);
    await minedUntilSettled(sent);
    expect(reasonsOf(await rig.transfer(sent.transferId))).toContain('broadcast: reorganised');
    expect(await rig.chains.ethereum.balance(sent.destination)).toBe(ETHER / 20n);
  });
});
