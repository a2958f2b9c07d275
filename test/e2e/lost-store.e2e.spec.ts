// A lost store of the signer, from the orchestrator's side: what it tells a quorum of the chains, what becomes of transfers of
// before, and how what the lost store signed and nobody sent is used up, so that it can never be mined.

import { rm } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { z } from 'zod';
import { ETH, ETHEREUM, officersSign } from '../../devnet/deployment.js';
import { type Coin, eip1559, payTo, psbt } from '../../devnet/transactions.js';
import { p2wpkhScript } from '../../src/core/intents/bitcoin/address.js';
import {
  RESTORE_TYPE,
  type RestoredWallet,
  type RestoreStatement,
  restoreBytes,
} from '../../src/core/recovery/restore.js';
import { refreshAnswer, restoreFacts, waysOutView } from '../../src/orchestrator/ways-out/ways-out.dto.js';
import { readRecord, restoreStore } from '../../src/signer/start.js';
import { signResult } from '../../src/signer-protocol/messages.js';
import { expectBooksAgree, expectNonceOrder } from './books.js';
import { freshBitcoinAddress, freshEthereumAddress } from './chains.js';
import { ETHER, eventually, Rig } from './rig.js';

const HOUR_MS = 3_600_000;
const GWEI = 10n ** 9n;

let rig: Rig;
beforeAll(async () => {
  rig = await Rig.start({
    coins: 3n,
    settings: {
      // A few confirmations, so that what is refreshed can be seen to come to its end.
      bitcoin: { finalConfirmations: 2 },
      workers: { bumpAfterMs: { bitcoin: 100 * HOUR_MS, ethereum: 100 * HOUR_MS } },
    },
  });
  await rig.chains.ethereum.setAutoMine(false);
});
afterAll(() => rig?.stop());

async function mine(): Promise<void> {
  await rig.chains.bitcoin.mine(2);
  await rig.chains.ethereum.mine(2);
}

async function paid(asset: 'BTC' | 'ETH', amount: bigint): Promise<string> {
  const transferId = await rig.taken(rig.request({ asset, amount }));
  await rig.until(transferId, ['broadcast']);
  await mine();
  await rig.until(transferId, ['settled']);
  return transferId;
}

async function facts(): Promise<readonly RestoredWallet[]> {
  const answer = await rig.client(rig.deployment.alice).get('/v1/restore-facts');
  const { wallets } = restoreFacts.parse(answer.body);
  return wallets.map(({ wallet, why }) => {
    if (!wallet) throw new Error(why ?? 'no facts');
    return wallet;
  });
}

function bitcoinOf(wallets: readonly RestoredWallet[]): Extract<RestoredWallet, { family: 'bitcoin' }> {
  const found = wallets.find((wallet) => wallet.family === 'bitcoin');
  if (found?.family !== 'bitcoin') throw new Error('no Bitcoin wallet');
  return found;
}

async function coinAt(outpoint: string): Promise<Coin> {
  const txid = outpoint.slice(0, 64);
  const vout = Number.parseInt(outpoint.slice(65), 10);
  for (const { transactions = [] } of await rig.chains.bitcoinBlocks()) {
    const previous = transactions.find((one) => one.getId() === txid);
    const output = previous?.outs[vout];
    if (previous && output) {
      return { previous, vout, amountSats: output.value, script: Buffer.from(output.script).toString('hex') };
    }
  }
  throw new Error(`no coin ${outpoint}`);
}

/** Has the signer sign what the orchestrator never hears of, and nobody sends. */
async function withheld(nonce: number): Promise<{ bitcoin: string; ethereum: string; to: string[] }> {
  const { deployment } = rig;
  const signer = await deployment.connect();
  const [outpoint = ''] = bitcoinOf(await facts()).unspent;
  const spent = await coinAt(outpoint);
  const [toBitcoin, toEthereum] = [freshBitcoinAddress(), freshEthereumAddress()];
  const orders = [
    {
      wallet: 'hot-btc',
      transaction: psbt(
        [spent],
        [
          payTo(toBitcoin, 200_000n),
          { script: p2wpkhScript(deployment.publicKeys.bitcoin), amountSats: spent.amountSats - 201_000n },
        ],
      ),
      transfers: [
        deployment.transfer(
          deployment.request({ amount: '200000', destination: toBitcoin, feeCeiling: '20000' }),
        ),
      ],
    },
    {
      wallet: 'hot-eth',
      transaction: eip1559({ to: toEthereum, value: ETHER / 100n, nonce, maxFeePerGas: 20n * GWEI }),
      transfers: [
        deployment.transfer(
          deployment.request({
            chain: ETHEREUM,
            wallet: 'hot-eth',
            asset: ETH,
            amount: (ETHER / 100n).toString(),
            feeCeiling: (ETHER / 1_000n).toString(),
            destination: toEthereum,
          }),
        ),
      ],
    },
  ];
  const signed: string[] = [];
  for (const order of orders) {
    const answer = await signer.sign(order);
    if (answer.kind !== 'done') throw new Error(`not signed: ${JSON.stringify(answer)}`);
    signed.push(signResult.parse(answer.result).signedTransaction);
  }
  signer.close();
  const [bitcoin = '', ethereum = ''] = signed;
  return { bitcoin, ethereum, to: [toBitcoin, toEthereum] };
}

async function restore(wallets: readonly RestoredWallet[]): Promise<RestoreStatement> {
  const { deployment } = rig;
  const { storePath } = deployment.config();
  for (const suffix of ['', '-wal', '-shm']) await rm(`${storePath}${suffix}`, { force: true });
  const options = { time: deployment.time, tokenProgram: deployment.tokenProgram };
  const { sequence, hash } = await readRecord(deployment.config(), options);
  const statement: RestoreStatement = {
    type: RESTORE_TYPE,
    deploymentId: deployment.deploymentId,
    governanceSequence: deployment.log.length - 1,
    governanceHead: deployment.head,
    lost: { sequence, hash },
    wallets: [...wallets],
    createdAtMs: deployment.time.wall,
    expiresAtMs: deployment.time.wall + HOUR_MS,
  };
  const signatures = officersSign(restoreBytes(statement), [deployment.alice, deployment.bob]);
  const outcome = await restoreStore(deployment.config(), { statement, signatures }, deployment.log, options);
  if (outcome.kind === 'refused') throw new Error(outcome.code);
  return statement;
}

async function refresh(wallet: RestoredWallet, walletId = wallet.walletId) {
  return rig.client(rig.deployment.bob).post(`/v1/wallets/${walletId}/refresh`, { body: wallet });
}

async function refreshed(wallet: RestoredWallet): Promise<number> {
  let planned = 0;
  await eventually(`${wallet.walletId} is refreshed`, async () => {
    const answer = await refresh(wallet);
    if (answer.status !== 200) throw new Error(answer.text);
    const { underWay, remaining, planned: keys } = refreshAnswer.parse(answer.body);
    planned += keys.length;
    if (underWay > 0) await mine();
    return underWay === 0 && remaining === 0;
  });
  return planned;
}

describe('a signer whose store was lost', () => {
  it('goes on: old requests end, what was withheld can never be mined, and new ones are paid', async () => {
    await paid('BTC', 300_000n);
    await paid('ETH', ETHER / 50n);
    const waiting = await rig.taken(
      rig.request({ asset: 'BTC', amount: 50_000_000n, expiresInMs: 100 * HOUR_MS }),
    );
    await rig.until(waiting, ['awaiting-approvals']);
    const sent = await rig.until(await rig.taken(rig.request({ asset: 'ETH', amount: ETHER / 25n })), [
      'broadcast',
    ]);
    const lost = await withheld(2);

    await rig.deployment.stop();
    const asked = rig.request({ asset: 'BTC', amount: 150_000n, expiresInMs: 100 * HOUR_MS });
    const unknown = await rig.until(await rig.taken(asked), ['built']);
    const known = await facts();
    const wallets = known.map((wallet) =>
      // Officers go past what may have been signed and withheld: nobody here knows how much that is.
      wallet.family === 'ethereum' ? { ...wallet, nextNonce: wallet.nextNonce + 2 } : wallet,
    );
    expect(known.find(({ family }) => family === 'ethereum')).toMatchObject({ minedNonces: 1, nextNonce: 2 });
    expect(bitcoinOf(known).unspent).toHaveLength(3);
    const statement = await restore(wallets);
    await rig.deployment.start();

    // The lost store may have been asked for this one; for the other one, nobody was asked yet.
    expect(await rig.until(unknown.transferId, ['indeterminate'])).toMatchObject({
      reason: { code: 'request-before-restore' },
    });
    await rig.approve(waiting, [rig.deployment.alice, rig.deployment.bob]);
    expect(await rig.until(waiting, ['refused'])).toMatchObject({
      reason: { code: 'request-before-restore' },
    });
    const ways = waysOutView.parse(
      (await rig.client(rig.deployment.alice).get(`/v1/transfers/${unknown.transferId}/ways-out`)).body,
    );
    expect(ways.ways.filter(({ open }) => open).map(({ way }) => way)).toContain('record-not-paid');
    const noVoid = await rig
      .client(rig.deployment.alice)
      .post(`/v1/transfers/${unknown.transferId}/void`, { body: asked });
    expect(z.object({ code: z.string() }).parse(noVoid.body).code).toBe('request-before-restore');
    // What was signed and sent before is followed to its end.
    await mine();
    await rig.until(sent.transferId, ['settled']);

    const [bitcoin, ethereum] = [
      bitcoinOf(statement.wallets),
      statement.wallets.find(({ family }) => family === 'ethereum'),
    ];
    if (!ethereum) throw new Error('no Ethereum wallet');
    const other = await refresh(bitcoin, 'hot-eth');
    expect(z.object({ code: z.string() }).parse(other.body).code).toBe('wallet-of-another-restore');
    expect(await refreshed(bitcoin)).toBeGreaterThan(0);
    expect(await refreshed(ethereum)).toBe(2);
    expect(refreshAnswer.parse((await refresh(bitcoin)).body).planned).toEqual([]);

    // Now the thief sends what was withheld.
    await rig.chains.bitcoin.call('sendrawtransaction', [lost.bitcoin]).catch(() => undefined);
    await rig.chains.ethereum.call('eth_sendRawTransaction', [`0x${lost.ethereum}`]).catch(() => undefined);
    await mine();
    expect(await rig.chains.bitcoinOutputs(lost.to[0] ?? '')).toEqual([]);
    expect(await rig.chains.ethereum.balance(lost.to[1] ?? '')).toBe(0n);

    // Limits are exhausted for one window; then the wallets pay as ever.
    rig.deployment.time.advance(25 * HOUR_MS);
    await rig.vouch();
    await paid('BTC', 250_000n);
    await paid('ETH', ETHER / 20n);
    await expectNonceOrder(rig);
    await expectBooksAgree(rig);
  });
});
