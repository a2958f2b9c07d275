// What the chains say in the end of all that was asked for: read from the nodes alone, and then compared with the books.

import { expect } from '@jest/globals';
import { scriptOfAddress } from '../../src/core/intents/bitcoin/address.js';
import type { TransferAnswer } from '../../src/orchestrator/transfers/transfer.dto.js';
import { expectBooksAgree, expectNonceOrder } from '../e2e/books.js';
import { BITCOIN_FUNDS, ETHEREUM_FUNDS, type Rig, TOKEN_FUNDS, type Wish } from '../e2e/rig.js';

/** A transfer that was taken, as it was asked for. Each has a destination of its own. */
export interface Asked {
  readonly asset: Wish['asset'];
  readonly amount: bigint;
  readonly destination: string;
  readonly id: string;
}

/** Payments of the chains by destination, in base units of what was asked for. */
async function paymentsTo(rig: Rig, asked: readonly Asked[]): Promise<Map<string, bigint[]>> {
  const { chains, ethereumAddress } = rig;
  const byScript = new Map<string, bigint[]>();
  for (const { transactions = [] } of await chains.bitcoinBlocks()) {
    for (const { outs } of transactions) {
      for (const { script, value } of outs) {
        const key = Buffer.from(script).toString('hex');
        byScript.set(key, [...(byScript.get(key) ?? []), value]);
      }
    }
  }
  const coin = Map.groupBy(await chains.ethereumPayments(ethereumAddress), ({ to }) => to);
  const found = new Map<string, bigint[]>();
  for (const { asset, destination } of asked) {
    if (asset === 'BTC') {
      const script = scriptOfAddress(destination, 'regtest');
      found.set(destination, script.kind === 'accepted' ? (byScript.get(script.value) ?? []) : []);
    } else if (asset === 'ETH') {
      found.set(
        destination,
        (coin.get(destination) ?? []).map(({ value }) => value),
      );
    } else {
      found.set(destination, [...(await chains.tokenPayments(chains.token(asset).contract, destination))]);
    }
  }
  return found;
}

export interface Audit {
  readonly byState: Readonly<Record<string, number>>;
  readonly indeterminate: readonly TransferAnswer[];
}

/**
 * Fails unless every transfer has come to an end, each that is settled is in the chain exactly once and to the unit, none of the
 * others is, and wallets, fees and nonces in the books are those of the chains. Says how many ended how.
 */
export async function expectAllInOrder(rig: Rig, asked: readonly Asked[]): Promise<Audit> {
  const payments = await paymentsTo(rig, asked);
  const transfers = new Map<string, TransferAnswer>();
  for (const { id } of asked) transfers.set(id, await rig.transfer(id));
  const byState: Record<string, number> = {};
  const wrong: unknown[] = [];
  for (const { id, asset, amount, destination } of asked) {
    const transfer = transfers.get(id);
    const state = transfer?.state ?? 'unknown';
    byState[state] = (byState[state] ?? 0) + 1;
    const paid = payments.get(destination) ?? [];
    const right =
      state === 'settled'
        ? paid.length === 1 && paid[0] === amount
        : ['failed', 'refused', 'expired', 'cancelled', 'replaced', 'void', 'indeterminate'].includes(
            state,
          ) &&
          (paid.length === 0 || asset === 'LIES' || asset === 'SKIM');
    if (!right) wrong.push({ id, asset, state, amount: `${amount}`, paid: paid.map(String), transfer });
  }
  expect(wrong).toEqual([]);
  await expectNonceOrder(rig);
  await expectFeesAgree(rig, [...transfers.values()]);
  expect((await rig.auditCheck()).findings).toEqual([]);
  const indeterminate = [...transfers.values()].filter(({ state }) => state === 'indeterminate');
  // What may still be paid stays reserved, so the wallets hold what the chain says only when there is nothing of that kind.
  if (indeterminate.length === 0) await expectBooksAgree(rig);
  return { byState, indeterminate };
}

/** What the books say that was paid in fees is what the wallets are short of beyond what they paid out. */
async function expectFeesAgree(rig: Rig, transfers: readonly TransferAnswer[]): Promise<void> {
  const { chains, bitcoinAddress, ethereumAddress } = rig;
  const ended = new Map(
    transfers.flatMap(({ chain, transactions }) =>
      transactions
        .filter((one) => one.state === 'final' || one.state === 'failed')
        .map(({ transactionKey, transactionId, feePaid }) => {
          const paid = { chain, transactionId, fee: BigInt(feePaid ?? 0) };
          return [transactionKey, paid] as const;
        }),
    ),
  );
  const fees = (family: string) =>
    [...ended.values()]
      .filter(({ chain }) => chain.startsWith(family))
      .reduce((sum, { fee }) => sum + fee, 0n);
  const out = (wanted: (transfer: TransferAnswer) => boolean) =>
    transfers
      .filter((transfer) => transfer.state === 'settled' && wanted(transfer))
      .reduce((sum, { amount }) => sum + BigInt(amount), 0n);
  // What cancels and refreshes cost stands in no transfer: the chain shows them, as payments of the wallet to itself.
  const cancels = (await chains.ethereumPayments(ethereumAddress))
    .filter(({ to }) => to === ethereumAddress)
    .reduce((sum, { feeWei }) => sum + feeWei, 0n);
  const spending = [...(await bitcoinSpending(rig))];
  const selfPaid = spending.reduce((sum, [, one]) => sum + (one.isSelfPaid ? one.fee : 0n), 0n);
  const booked = new Map([...ended.values()].map(({ transactionId, fee }) => [transactionId, fee]));
  const otherwise = spending.filter(([id, one]) => !one.isSelfPaid && booked.get(id) !== one.fee);
  expect(otherwise.map(([id, one]) => ({ id, ...one, booked: booked.get(id) }))).toEqual([]);
  const bitcoin = await chains.bitcoinBalance(bitcoinAddress);
  const ether = await chains.ethereum.balance(ethereumAddress);
  const dollars = await chains.ethereum.tokenBalance(chains.token('USDX').contract, ethereumAddress);
  expect({ bitcoin, ether, dollars }).toEqual({
    bitcoin: BITCOIN_FUNDS - out(({ asset }) => asset.symbol === 'BTC') - fees('bip122') - selfPaid,
    ether: ETHEREUM_FUNDS - out(({ asset }) => asset.symbol === 'ETH') - fees('eip155') - cancels,
    dollars: TOKEN_FUNDS - out(({ asset }) => asset.symbol === 'USDX'),
  });
}

interface Spending {
  readonly fee: bigint;
  /** It paid nobody but the wallet. */
  readonly isSelfPaid: boolean;
}

/** What the wallet's Bitcoin transactions cost, by id, from the raw blocks. */
async function bitcoinSpending({ chains, bitcoinAddress }: Rig): Promise<ReadonlyMap<string, Spending>> {
  const own = scriptOfAddress(bitcoinAddress, 'regtest');
  if (own.kind === 'refused') throw new RangeError(`no address: ${bitcoinAddress}`);
  const coins = new Map<string, bigint>();
  const spending = new Map<string, Spending>();
  for (const { transactions = [] } of await chains.bitcoinBlocks()) {
    for (const transaction of transactions) {
      const id = transaction.getId();
      const spent = transaction.ins.reduce((sum, { hash, index }) => {
        const outpoint = `${Buffer.from(hash.toReversed()).toString('hex')}:${index}`;
        return sum + (coins.get(outpoint) ?? 0n);
      }, 0n);
      const isOwn = transaction.outs.map(({ script }) => Buffer.from(script).toString('hex') === own.value);
      for (const [vout, { value }] of transaction.outs.entries()) {
        if (isOwn[vout]) coins.set(`${id}:${vout}`, value);
      }
      const paid = transaction.outs.reduce((sum, { value }) => sum + value, 0n);
      if (spent > 0n) spending.set(id, { fee: spent - paid, isSelfPaid: isOwn.every(Boolean) });
    }
  }
  return spending;
}
