// What the API says that the wallets hold, beside what the chains say: the two must agree to the unit whenever nothing is
// under way.

import { expect } from '@jest/globals';
import type { Rig } from './rig.js';

/** Fails unless both wallets hold, in the books, exactly what the chains give them, with nothing reserved or pending. */
export async function expectBooksAgree(rig: Rig): Promise<void> {
  const { chains, bitcoinAddress, ethereumAddress } = rig;
  const token = chains.token('USDX').contract;
  const [bitcoin, ethereum] = [await rig.balances('hot-btc'), await rig.balances('hot-eth')];
  const nothing = { pending: 0n, reserved: 0n };
  expect({
    BTC: bitcoin.get('BTC'),
    ETH: ethereum.get('ETH'),
    USDX: ethereum.get('USDX'),
  }).toEqual({
    BTC: { available: await chains.bitcoinBalance(bitcoinAddress), ...nothing },
    ETH: { available: await chains.ethereum.balance(ethereumAddress), ...nothing },
    USDX: { available: await chains.ethereum.tokenBalance(token, ethereumAddress), ...nothing },
  });
}

/** Fails unless the wallet's nonces in the chain begin with 0 and have no gap. */
export async function expectNonceOrder(rig: Rig): Promise<void> {
  const nonces = (await rig.chains.ethereumPayments(rig.ethereumAddress)).map(({ nonce }) => nonce);
  expect(nonces).toEqual(nonces.map((_, index) => index));
}

/** What somebody wanted paid, and where it has to be. */
export interface Wanted {
  readonly asset: 'BTC' | 'ETH';
  readonly amount: bigint;
  readonly destination: string;
  readonly id: string;
}

/** Fails unless each is settled, in the chain exactly once, and by the only transaction that was ever signed for it. */
export async function expectPaidOnce(rig: Rig, wanted: readonly Wanted[], withinMs: number): Promise<void> {
  const transfers = await rig.settled(
    wanted.map(({ id }) => id),
    withinMs,
  );
  for (const [index, { asset, amount, destination }] of wanted.entries()) {
    const signed = (transfers[index]?.transactions ?? []).flatMap(({ transactionId }) => transactionId ?? []);
    expect(signed).toHaveLength(1);
    if (asset === 'ETH') {
      expect(await rig.chains.ethereum.balance(destination)).toBe(amount);
    } else {
      const [txid] = signed;
      expect(await rig.chains.bitcoinOutputs(destination)).toEqual([{ txid, sats: amount }]);
    }
  }
  await expectNonceOrder(rig);
}
