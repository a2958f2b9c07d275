// A compromised orchestrator at the signer's socket tries to have signed again what was signed once, and to bend the
// governance log.

import { describe, expect, it } from '@jest/globals';
import { makeOfficer } from '../../devnet/deployment.js';
import { codeOf } from '../../devnet/socket-client.js';
import { type Coin, coin, eip1559, payTo } from '../../devnet/transactions.js';
import {
  ALICE_BTC,
  bitcoinOrder,
  bitcoinTransfer,
  deployment,
  ETHER,
  ethereumOrder,
  HONEST_ETH,
  nextNonce,
  nonceUsed,
  own,
  prepareAttacks,
  signer,
  THIEF_BTC,
} from './honest-orders.js';

prepareAttacks();

describe('what was signed once: the signer refuses', () => {
  it('an outpoint for another transfer (outpoint-used)', async () => {
    const coins = [coin(own, 10_000_000n)];
    const otherChange = [payTo(ALICE_BTC, 5_000_000n), { script: own, amountSats: 4_989_999n }];
    expect(codeOf(await signer.sign(bitcoinOrder({ coins })))).toBe('done');
    expect(codeOf(await signer.sign(bitcoinOrder({ coins })))).toBe('transaction-of-other-order');
    expect(codeOf(await signer.sign(bitcoinOrder({ coins, outputs: otherChange })))).toBe('outpoint-used');
    expect(codeOf(await signer.sign(bitcoinOrder({ coins: [...coins, coin(own, 10_000n)] })))).toBe(
      'outpoint-used',
    );
  });

  it('a second transaction for a transfer from other inputs (transfer-already-signed)', async () => {
    const transfers = [bitcoinTransfer()];
    expect(codeOf(await signer.sign(bitcoinOrder({ transfers })))).toBe('done');
    expect(codeOf(await signer.sign(bitcoinOrder({ transfers })))).toBe('transfer-already-signed');
  });

  it('a second transaction for a transfer under another nonce (transfer-already-signed)', async () => {
    const order = ethereumOrder();
    expect(codeOf(await signer.sign(order))).toBe('done');
    nonceUsed();
    const transaction = eip1559({ to: HONEST_ETH, value: ETHER, nonce: nextNonce });
    expect(codeOf(await signer.sign({ ...order, transaction }))).toBe('transfer-already-signed');
  });

  it('a transfer taken out of its batch and paid alone', async () => {
    const transfers = [bitcoinTransfer(), bitcoinTransfer()];
    const coins = [coin(own, 20_000_000n)];
    const both = [
      payTo(ALICE_BTC, 5_000_000n),
      payTo(ALICE_BTC, 5_000_000n),
      { script: own, amountSats: 9_990_000n },
    ];
    expect(codeOf(await signer.sign(bitcoinOrder({ transfers, coins, outputs: both })))).toBe('done');
    const alone = transfers.slice(0, 1);
    const one = [payTo(ALICE_BTC, 5_000_000n), { script: own, amountSats: 14_990_000n }];
    expect(codeOf(await signer.sign(bitcoinOrder({ transfers: alone, coins, outputs: one })))).toBe(
      'outpoint-used',
    );
    expect(codeOf(await signer.sign(bitcoinOrder({ transfers: alone })))).toBe('transfer-already-signed');
  });

  it('a cancel that costs more than the cancelled transfer was allowed to, or brings in fresh coins', async () => {
    const coins = [coin(own, 10_000_000n)];
    expect(codeOf(await signer.sign(bitcoinOrder({ coins })))).toBe('done');
    const cancel = (amountSats: bigint, more: readonly Coin[] = []) =>
      signer.sign(
        bitcoinOrder({ transfers: [], coins: [...coins, ...more], outputs: [{ script: own, amountSats }] }),
      );
    expect(codeOf(await cancel(9_979_999n))).toBe('fee-above-ceiling');
    expect(codeOf(await cancel(10_000_000n, [coin(own, 10_000n)]))).toBe('cancel-spends-unused');
    const elsewhere = { transfers: [], coins, outputs: [payTo(THIEF_BTC, 9_990_000n)] };
    expect(codeOf(await signer.sign(bitcoinOrder(elsewhere)))).toBe('cancel-not-to-self');
    expect(codeOf(await cancel(9_985_000n))).toBe('done');
    const otherChange = [payTo(ALICE_BTC, 5_000_000n), { script: own, amountSats: 4_989_999n }];
    expect(codeOf(await signer.sign(bitcoinOrder({ coins, outputs: otherChange })))).toBe('outpoint-used');
  });

  it('a replacement that pays more in fees than the ceiling, but not one within it, expired or not', async () => {
    const transfers = [bitcoinTransfer()];
    const coins = [coin(own, 10_000_000n)];
    const paying = (changeSats: bigint) =>
      signer.sign(
        bitcoinOrder({
          transfers,
          coins,
          outputs: [payTo(ALICE_BTC, 5_000_000n), { script: own, amountSats: changeSats }],
        }),
      );
    expect(codeOf(await paying(4_990_000n))).toBe('done');
    deployment.time.advance(2 * 3_600_000);
    expect(codeOf(await paying(4_979_999n))).toBe('fee-above-ceiling');
    expect(codeOf(await paying(4_985_000n))).toBe('done');
  });
});

describe('governance: the signer refuses', () => {
  const removal = { kind: 'person-removed', personId: 'carol' } as const;
  const append = (entry: unknown) => signer.ask({ verb: 'governance-append', entry });

  it('entries without the quorum, out of order, for another deployment, or edited', async () => {
    const { alice, bob } = deployment;
    expect(codeOf(await append(deployment.entry(removal, [alice])))).toBe('governance-quorum-missing');
    expect(codeOf(await append(deployment.entry(removal, [alice, alice])))).toBe(
      'governance-signer-duplicate',
    );
    expect(codeOf(await append(deployment.entry(removal, [alice, makeOfficer('bob', 'bob-token')])))).toBe(
      'governance-signature-invalid',
    );
    expect(codeOf(await append(deployment.entry(removal, [alice, bob], { sequence: 2 })))).toBe(
      'governance-sequence',
    );
    expect(codeOf(await append(deployment.entry(removal, [alice, bob], { previous: 'aa'.repeat(32) })))).toBe(
      'governance-previous-mismatch',
    );
    expect(
      codeOf(await append(deployment.entry(removal, [alice, bob], { deploymentId: 'aa'.repeat(32) }))),
    ).toBe('governance-other-deployment');
    const edited = structuredClone(deployment.entry(removal, [alice, bob]));
    Object.assign(edited.body.change, { personId: 'bob' });
    expect(codeOf(await append(edited))).toBe('governance-signature-invalid');
    expect(codeOf(await append(deployment.log[0]))).toBe('governance-other-deployment');
  });

  it('an approval by an officer who has been removed since (approver-not-in-roster), and governs no more', async () => {
    const { alice, bob, carol } = deployment;
    const request = deployment.request({ amount: '5000000', destination: ALICE_BTC });
    const before = deployment.transfer(request, [alice, carol]);
    const entry = deployment.entry(removal, [alice, bob]);
    expect(codeOf(await append(entry))).toBe('done');
    deployment.log.push(entry);
    expect(codeOf(await signer.sign(bitcoinOrder({ transfers: [before] })))).toBe('approver-not-in-roster');
    const back = { kind: 'request-key-removed', keyId: 'carol-desk' } as const;
    expect(codeOf(await append(deployment.entry(back, [alice, carol])))).toBe('governance-signer-unknown');
    // What the others approved under the older head still stands: the policy is the same, and they are in the roster.
    const others = deployment.statement(request, { governanceHead: deployment.deploymentId });
    const approvals = [alice, bob].map((officer) => deployment.approve(others, officer));
    expect(
      codeOf(await signer.sign(bitcoinOrder({ transfers: [{ request, statement: others, approvals }] }))),
    ).toBe('done');
  });
});
