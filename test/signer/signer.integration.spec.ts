// The signer doing what it is for, over its own socket, with keys in a real SoftHSM.

import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Transaction as EthereumTransaction } from 'ethers';
import { Deployment, ETH, ETHEREUM, TOKEN_CONTRACT, USDX } from '../../devnet/deployment.js';
import { codeOf, type SocketClient } from '../../devnet/socket-client.js';
import { coin, eip1559, erc20Transfer, payTo, psbt } from '../../devnet/transactions.js';
import { decisionsOf } from '../../src/core/certificates/certificate.js';
import { verifyCertificate } from '../../src/core/certificates/verify.js';
import { p2wpkhScript } from '../../src/core/intents/bitcoin/address.js';
import { addressOfPublicKey } from '../../src/core/intents/ethereum/address.js';
import { portableVerifier } from '../../src/core/statements/signature.js';
import { statusResult } from '../../src/signer-protocol/messages.js';

const DESTINATION = '0x70997970C51812dc3A010C7d01b50e0d17dc79C8';
const GWEI = 10n ** 9n;

/** What an auditor gets from a certificate with nothing but the log and the genesis hash. */
function audited(certificate: unknown) {
  return verifyCertificate(certificate, deployment.log, deployment.deploymentId, portableVerifier);
}

let deployment: Deployment;
let signer: SocketClient;
beforeAll(async () => {
  deployment = await Deployment.create();
  signer = await deployment.start();
});
afterAll(() => deployment.destroy());

describe('a signer', () => {
  it('signs a small Bitcoin withdrawal unattended, and gives the same signature again', async () => {
    const request = deployment.request();
    const own = p2wpkhScript(deployment.publicKeys.bitcoin);
    const order = {
      wallet: 'hot-btc',
      transaction: psbt(
        [coin(own, 1_000_000n)],
        [payTo(request.statement.destination, 500_000n), { script: own, amountSats: 499_000n }],
      ),
      transfers: [deployment.transfer(request)],
    };
    const first = await signer.signed(order);
    const second = await signer.signed(order);
    expect(first.repeated).toBe(false);
    expect(second).toEqual({ ...first, repeated: true });
    expect(decisionsOf(first.certificate)[0]).toMatchObject({
      kind: 'allow',
      rule: 'hot-bitcoin/small',
      approvers: [],
    });
    expect(audited(first.certificate)).toMatchObject({ kind: 'accepted' });
    expect(first.certificate.outcome).toMatchObject({ tokenSerial: (await deployment.tokenStatus()).serial });
  });

  it('signs a middle ETH withdrawal once two officers have approved, from the key that governance names', async () => {
    const request = deployment.request({
      chain: ETHEREUM,
      wallet: 'hot-eth',
      asset: ETH,
      amount: (5n * 10n ** 18n).toString(),
      destination: DESTINATION,
      feeCeiling: (10n ** 15n).toString(),
    });
    const transaction = eip1559({ to: DESTINATION, value: 5n * 10n ** 18n, nonce: 0 });
    const alone = {
      wallet: 'hot-eth',
      transaction,
      transfers: [deployment.transfer(request, [deployment.alice])],
    };
    expect(codeOf(await signer.sign(alone))).toBe('approvals-insufficient');
    const both = [deployment.alice, deployment.bob];
    const order = { wallet: 'hot-eth', transaction, transfers: [deployment.transfer(request, both)] };
    const result = await signer.signed(order);
    const signed = EthereumTransaction.from(`0x${result.signedTransaction}`);
    expect(signed.from).toBe(addressOfPublicKey(deployment.publicKeys.ethereum));
    expect(signed.hash).toBe(result.transactionId);
    expect(audited(result.certificate)).toMatchObject({ kind: 'accepted' });
    const { reservation } = result.certificate;
    const { at } = reservation;
    const withoutBob = structuredClone(result.certificate);
    withoutBob.reservation.order.transfers[0]?.approvals.pop();
    expect(audited(withoutBob)).toMatchObject({ kind: 'refused', code: 'approvals-insufficient' });
    expect(
      audited({
        ...result.certificate,
        reservation: { ...reservation, at: { ...at, wallMs: at.wallMs + 4_000_000 } },
      }),
    ).toMatchObject({
      kind: 'refused',
      code: 'request-expired',
    });
    expect(decisionsOf(result.certificate)[0]?.approvers).toEqual(['alice', 'bob']);
  });

  it('signs an ERC-20 transfer, and a replacement of it with a higher fee inside the ceiling', async () => {
    const amount = 100n * 10n ** 18n;
    const request = deployment.request({
      chain: ETHEREUM,
      wallet: 'hot-eth',
      asset: USDX,
      amount: amount.toString(),
      destination: DESTINATION,
      feeCeiling: (10n ** 15n).toString(),
    });
    const fields = {
      to: TOKEN_CONTRACT,
      data: erc20Transfer(DESTINATION, amount),
      nonce: 1,
      gasLimit: 100_000n,
    };
    const transfers = [deployment.transfer(request)];
    const first = await signer.signed({ wallet: 'hot-eth', transaction: eip1559(fields), transfers });
    const bumped = eip1559({ ...fields, maxFeePerGas: 3n * GWEI });
    const second = await signer.signed({ wallet: 'hot-eth', transaction: bumped, transfers });
    expect(decisionsOf(second.certificate)[0]).toMatchObject({ past: 'signed', limits: [] });
    expect(audited(second.certificate)).toMatchObject({ kind: 'accepted' });
    const { signedTransaction } = first;
    const otherSignature = {
      ...second.certificate,
      outcome: { ...second.certificate.outcome, signedTransaction },
    };
    expect(audited(otherSignature)).toMatchObject({
      kind: 'refused',
      code: 'certificate-transaction-mismatch',
    });
    expect(second.transactionId).not.toBe(first.transactionId);
    const status = await signer.ask({
      verb: 'status',
      transferIds: [decisionsOf(first.certificate)[0]?.transferId],
    });
    if (status.kind !== 'done') throw new Error('no status');
    const { transfers: known, nonces, anchoredSequence } = statusResult.parse(status.result);
    expect(known).toEqual([
      expect.objectContaining({
        state: 'signed',
        transactionIds: [first.transactionId, second.transactionId],
      }),
    ]);
    expect(nonces).toEqual([{ walletId: 'hot-eth', next: 2 }]);
    expect(anchoredSequence).toBeGreaterThan(0);
  });

  it('goes on after a restart where it was', async () => {
    await deployment.stop();
    signer = await deployment.start();
    const request = deployment.request({
      chain: ETHEREUM,
      wallet: 'hot-eth',
      asset: ETH,
      amount: (10n ** 17n).toString(),
      destination: DESTINATION,
      feeCeiling: (10n ** 15n).toString(),
    });
    const order = (nonce: number) => ({
      wallet: 'hot-eth',
      transaction: eip1559({ to: DESTINATION, value: 10n ** 17n, nonce }),
      transfers: [deployment.transfer(request)],
    });
    expect(codeOf(await signer.sign(order(1)))).toBe('nonce-used');
    expect(codeOf(await signer.sign(order(3)))).toBe('nonce-gap');
    expect(codeOf(await signer.sign(order(2)))).toBe('done');
  });
});
