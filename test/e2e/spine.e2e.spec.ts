// The main job, end to end: signed requests over HTTP, officers' approvals, signatures from the token, payments in the
// chains, books that agree with them, and certificates that anybody can check.

import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { checkDossier } from '../../src/core/certificates/dossier.js';
import { verifyCertificate } from '../../src/core/certificates/verify.js';
import { canonicalJson } from '../../src/core/statements/canonical-json.js';
import { certificatePage } from '../../src/orchestrator/certificates/certificate.endpoints.js';
import { certificateFile, type TransferAnswer } from '../../src/orchestrator/transfers/transfer.dto.js';
import { nativeVerifier } from '../../src/platform/native-verifier.js';
import { freshBitcoinAddress } from './chains.js';
import { BITCOIN_FUNDS, ETHER, ETHEREUM_FUNDS, eventually, Rig, TOKEN_FUNDS } from './rig.js';

const total = (amounts: readonly bigint[]) => amounts.reduce((sum, amount) => sum + amount, 0n);

/** Fees of every transaction of these transfers that is in a block, each transaction once. */
function feesOf(transfers: readonly TransferAnswer[]): bigint {
  const fees = new Map(
    transfers.flatMap(({ transactions }) =>
      transactions.map(({ transactionKey, feePaid }) => [transactionKey, BigInt(feePaid ?? '0')] as const),
    ),
  );
  return total([...fees.values()]);
}

describe.each(['sqlite', 'postgres'] as const)('on %s', (database) => {
  let rig: Rig;

  beforeAll(async () => {
    rig = await Rig.start({ database });
    rig.chains.startMining();
  });
  afterAll(() => rig?.stop());

  describe('three withdrawals that two officers approve', () => {
    const [bitcoinSats, wei, tokenUnits] = [5_000_000n, ETHER, 1_000n * ETHER];
    let transfers: readonly TransferAnswer[];

    beforeAll(async () => {
      const requests = [
        rig.request({ asset: 'BTC', amount: bitcoinSats }),
        rig.request({ asset: 'ETH', amount: wei }),
        rig.request({ asset: 'USDX', amount: tokenUnits }),
      ];
      const ids = await Promise.all(requests.map((request) => rig.taken(request)));
      for (const id of ids) await rig.approve(id, [rig.deployment.alice, rig.deployment.carol]);
      transfers = await rig.settled(ids);
    });

    function transferOf(asset: string): TransferAnswer {
      const transfer = transfers.find((one) => one.asset.symbol === asset);
      if (!transfer) throw new RangeError(`no transfer of ${asset}`);
      return transfer;
    }

    it('are in the chain once each, to the unit, in the transactions that the API names', async () => {
      const bitcoin = transferOf('BTC');
      const [transaction] = bitcoin.transactions;
      expect(await rig.chains.bitcoinOutputs(bitcoin.destination)).toEqual([
        { txid: transaction?.transactionId, sats: bitcoinSats },
      ]);
      const payments = await rig.chains.ethereumPayments(rig.ethereumAddress);
      expect(payments.map(({ nonce }) => nonce)).toEqual([0, 1]);
      for (const transfer of [transferOf('ETH'), transferOf('USDX')]) {
        const [one] = transfer.transactions;
        const payment = payments.find(({ hash }) => hash === one?.transactionId);
        expect(payment?.feeWei.toString()).toBe(one?.feePaid);
      }
      expect(await rig.chains.ethereum.balance(transferOf('ETH').destination)).toBe(wei);
      const { contract } = rig.chains.token('USDX');
      expect(await rig.chains.tokenPayments(contract, transferOf('USDX').destination)).toEqual([tokenUnits]);
    });

    it('leave books that agree with the chain to the unit', async () => {
      const bitcoin = await rig.balances('hot-btc');
      const expectedSats = BITCOIN_FUNDS - bitcoinSats - feesOf([transferOf('BTC')]);
      expect(bitcoin.get('BTC')).toEqual({ available: expectedSats, pending: 0n, reserved: 0n });
      expect(await rig.chains.bitcoinBalance(rig.bitcoinAddress)).toBe(expectedSats);
      const ethereum = await rig.balances('hot-eth');
      const expectedWei = ETHEREUM_FUNDS - wei - feesOf([transferOf('ETH'), transferOf('USDX')]);
      expect(ethereum.get('ETH')).toEqual({ available: expectedWei, pending: 0n, reserved: 0n });
      expect(await rig.chains.ethereum.balance(rig.ethereumAddress)).toBe(expectedWei);
      expect(ethereum.get('USDX')?.available).toBe(TOKEN_FUNDS - tokenUnits);
    });

    it('show how they came about, with who did it and why', () => {
      for (const { transitions, approvals, rule } of transfers) {
        expect(rule).toMatch(/^hot-(bitcoin\/middle|ethereum\/(eth|usdx)-middle)$/);
        expect(approvals.given.map(({ personId }) => personId).toSorted()).toEqual(['alice', 'carol']);
        expect(transitions.map(({ to, reason }) => `${to}: ${reason.code}`)).toEqual([
          'requested: request-accepted',
          'screened: request-verified',
          'decided: rule-matched',
          'awaiting-approvals: approvals-needed',
          'approved: approvals-complete',
          'reserved: reserved',
          'built: built',
          'signed: signed',
          'broadcast: accepted-by-node',
          'confirming: in-a-block',
          'settled: final',
        ]);
        expect(transitions.map(({ sequence }) => sequence)).toEqual(transitions.map((_, index) => index + 1));
        expect(transitions[0]?.by).toBe('request-key:exchange-1');
        expect(transitions[4]?.by).toBe('person:carol');
      }
    });

    it('have certificates that verify offline, and not after one digit was changed', async () => {
      const { log, deploymentId } = rig.deployment;
      for (const { transferId, transactions } of transfers) {
        const answer = await rig.client(rig.deployment.bob).get(`/v1/transfers/${transferId}/certificates`);
        const [certificate, ...others] = certificateFile.parse(answer.body).certificates;
        expect(others).toEqual([]);
        const verified = verifyCertificate(certificate, log, deploymentId, nativeVerifier);
        if (verified.kind === 'refused') throw new Error(JSON.stringify(verified));
        expect(verified.value.certificate.outcome).toMatchObject({
          kind: 'signed',
          transactionId: transactions[0]?.transactionId,
        });
        const edited = JSON.parse(JSON.stringify(certificate).replace('"amount":"', '"amount":"1'));
        expect(verifyCertificate(edited, log, deploymentId, nativeVerifier)).toMatchObject({
          kind: 'refused',
          code: verified.value.attested ? 'certificate-attestation-mismatch' : 'request-signature-invalid',
        });
      }
    });

    it('leave a chain of certificates that the signer attests, whole and without a gap', async () => {
      const { log, deploymentId, bob } = rig.deployment;
      const evidence = { log, genesisHash: deploymentId, verifier: nativeVerifier };
      const client = rig.client(bob);
      const all = async () => certificatePage.parse((await client.get('/v1/certificates')).body).certificates;
      // A page may have been made while one was begun only.
      await eventually('the signer has attested all three', async () => {
        const signed = (await all()).filter(({ outcome }) => outcome.kind === 'signed');
        return signed.length === 3;
      });
      const text = (await all()).map((one) => `${canonicalJson(one)}\n`).join('');
      expect(checkDossier([{ name: 'all', text }], evidence, true).verdict).toBe('proved');
      for (const { transferId } of transfers) {
        const { text: answer } = await client.get(`/v1/transfers/${transferId}/certificates`);
        expect(checkDossier([{ name: 'one', text: answer }], evidence, false).verdict).toBe('proved');
      }
    });
  });

  describe('twelve small Bitcoin withdrawals at once', () => {
    it('are paid in few transactions, each exactly once', async () => {
      const before = await rig.balances('hot-btc');
      const wishes = Array.from({ length: 12 }, (_, index) => ({
        asset: 'BTC' as const,
        amount: 200_000n + BigInt(index),
        destination: freshBitcoinAddress(),
      }));
      const ids = await Promise.all(wishes.map((wish) => rig.taken(rig.request(wish))));
      const transfers = await rig.settled(ids);
      const txids = new Set<string>();
      for (const { destination, amount } of wishes) {
        const outputs = await rig.chains.bitcoinOutputs(destination);
        expect(outputs.map(({ sats }) => sats)).toEqual([amount]);
        for (const { txid } of outputs) txids.add(txid);
      }
      expect(txids.size).toBeLessThanOrEqual(4);
      const spent = total(wishes.map(({ amount }) => amount)) + feesOf(transfers);
      const available = (before.get('BTC')?.available ?? 0n) - spent;
      expect((await rig.balances('hot-btc')).get('BTC')).toEqual({ available, pending: 0n, reserved: 0n });
      expect(await rig.chains.bitcoinBalance(rig.bitcoinAddress)).toBe(available);
    });
  });

  describe('tokens that do not do as they should', () => {
    it.each([
      // Answers false instead of reverting; keeps a part of what is sent.
      ['LIES', 'transfer-log-missing'],
      ['SKIM', 'transfer-log-mismatch'],
    ] as const)('%s: the transfer ends as failed (%s), and the books have its fee', async (asset, code) => {
      const before = await rig.balances('hot-eth');
      const id = await rig.taken(rig.request({ asset, amount: 5n * ETHER }));
      const failed = await rig.until(id, ['failed']);
      expect(failed.reason.code).toBe(code);
      const [transaction, ...others] = failed.transactions;
      expect(others).toEqual([]);
      expect(transaction?.state).toBe('failed');
      const fee = BigInt(transaction?.feePaid ?? '0');
      expect(fee).toBeGreaterThan(0n);
      const payments = await rig.chains.ethereumPayments(rig.ethereumAddress);
      expect(payments.at(-1)).toMatchObject({ hash: transaction?.transactionId, feeWei: fee });
      const available = (before.get('ETH')?.available ?? 0n) - fee;
      expect((await rig.balances('hot-eth')).get('ETH')).toEqual({ available, pending: 0n, reserved: 0n });
      expect(await rig.chains.ethereum.balance(rig.ethereumAddress)).toBe(available);
    });

    it('are followed by the next withdrawal as if nothing had been', async () => {
      const [settled] = await rig.settled([
        await rig.taken(rig.request({ asset: 'ETH', amount: ETHER / 50n })),
      ]);
      expect(await rig.chains.ethereum.balance(settled?.destination ?? '')).toBe(ETHER / 50n);
    });
  });
});
