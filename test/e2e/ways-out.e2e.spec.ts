// The ways out on real parts: a request that expired is voided and paid anew, what is stuck is cancelled on the chain, buried by
// a quorum and paid by other coins or another nonce, exactly once. Blocks are made by hand here.

import { randomBytes, sign } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { z } from 'zod';
import { whileTokenFails } from '../../devnet/broken-token.js';
import { officersSign } from '../../devnet/deployment.js';
import { isList } from '../../devnet/json-rpc.js';
import { codeOf } from '../../devnet/socket-client.js';
import { coin, payTo, psbt } from '../../devnet/transactions.js';
import { p2wpkhScript } from '../../src/core/intents/bitcoin/address.js';
import { type Burial, type BurialStatement, burialBytes } from '../../src/core/recovery/burial.js';
import { type VoidAuthority, verifyVoid } from '../../src/core/recovery/void.js';
import type { SignedRequest } from '../../src/core/statements/request.js';
import { portableVerifier } from '../../src/core/statements/signature.js';
import { auditPage } from '../../src/orchestrator/audit/audit.endpoints.js';
import type { TransferAnswer } from '../../src/orchestrator/transfers/transfer.dto.js';
import {
  buryAnswer,
  cancelAnswer,
  type WayName,
  type WaysOutView,
  waysOutView,
} from '../../src/orchestrator/ways-out/ways-out.dto.js';
import { Api } from '../../src/sdk/api.js';
import { requestVoid, submitRequest, transferIdFor, voidAuthorityOf } from '../../src/sdk/backend.js';
import type { Answer } from '../orchestrator/api-client.js';
import { expectBooksAgree, expectNonceOrder } from './books.js';
import { ETHER, eventually, Rig } from './rig.js';

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DEEP = { bitcoin: 6, ethereum: 64 } as const;

let rig: Rig;
let authority: VoidAuthority;

beforeAll(async () => {
  rig = await Rig.start({
    settings: {
      bitcoin: { finalConfirmations: 3 },
      // Nothing is bid for by itself: what is stuck stays stuck.
      workers: { bumpAfterMs: { bitcoin: 24 * HOUR_MS, ethereum: 24 * HOUR_MS } },
    },
  });
  await rig.chains.ethereum.setAutoMine(false);
  const { log, deploymentId } = rig.deployment;
  const [genesis] = log;
  if (!genesis) throw new Error('a log has a genesis');
  const found = voidAuthorityOf(genesis, deploymentId);
  if (found.kind === 'refused') throw new Error(found.code);
  authority = found.value;
});
afterAll(() => rig?.stop());

/** The backend as it uses the SDK. */
function backend(): Api {
  const { exchange, time } = rig.deployment;
  return new Api(
    rig.first().url,
    {
      keyId: exchange.keyId,
      alg: 'ed25519',
      sign: async (bytes) => new Uint8Array(sign(null, bytes, exchange.privateKey)),
    },
    { nowMs: () => time.wall },
    { bytes: (length) => new Uint8Array(randomBytes(length)), fraction: () => 0.5 },
  );
}

const problem = z.object({ code: z.string() });

function refusalOf({ status, body, text }: Answer): string {
  if (status < 400) throw new Error(`not refused: ${status} ${text}`);
  return problem.parse(body).code;
}

async function waysOut(transferId: string): Promise<WaysOutView> {
  const answer = await rig.client(rig.deployment.alice).get(`/v1/transfers/${transferId}/ways-out`);
  if (answer.status !== 200) throw new Error(`${answer.status} ${answer.text}`);
  return waysOutView.parse(answer.body);
}

function openWays({ ways }: WaysOutView): WayName[] {
  return ways.filter(({ open }) => open).map(({ way }) => way);
}

async function voidOver(request: SignedRequest, who = rig.deployment.exchange): Promise<Answer> {
  const transferId = transferIdFor(request.statement);
  return rig.client(who).post(`/v1/transfers/${transferId}/void`, { body: request });
}

async function cancelOnChain(transferId: string): Promise<Answer> {
  return rig.client(rig.deployment.bob).post(`/v1/transfers/${transferId}/cancel-on-chain`, {});
}

function buried(statement: BurialStatement, officers = [rig.deployment.alice, rig.deployment.bob]): Burial {
  return { statement, signatures: officersSign(burialBytes(statement), officers) };
}

async function handIn(burial: Burial): Promise<Answer> {
  return rig.client(rig.deployment.carol).post('/v1/burials', { body: burial });
}

async function draftOf(transferId: string): Promise<BurialStatement> {
  const { burial, ways } = await waysOut(transferId);
  if (!burial) throw new Error(`no draft: ${JSON.stringify(ways)}`);
  return burial;
}

async function stuck(
  asset: 'BTC' | 'ETH',
  amount: bigint,
): Promise<TransferAnswer & { request: SignedRequest }> {
  const request = rig.request({ asset, amount });
  const transfer = await rig.until(await rig.taken(request), ['broadcast']);
  return { ...transfer, request };
}

async function mine(asset: 'BTC' | 'ETH', blocks: number): Promise<void> {
  if (asset === 'BTC') await rig.chains.bitcoin.mine(blocks);
  else await rig.chains.ethereum.mine(blocks);
}

async function inMempool(txid: string | null | undefined): Promise<boolean> {
  const waiting = await rig.chains.bitcoin.call('getrawmempool');
  return isList(waiting) && waiting.includes(txid ?? '');
}

/** The node replaces the payment by the cancel, which is dearer; the cancel is mined. */
async function cancelMined(sent: TransferAnswer, asset: 'BTC' | 'ETH'): Promise<void> {
  await eventually('the node has the cancel', async () => {
    const { transactions } = await waysOut(sent.transferId);
    const cancel = transactions.find(({ purpose }) => purpose === 'cancels');
    if (cancel?.state !== 'broadcast') return false;
    if (asset === 'ETH') return true;
    const { transactionId } = sent.transactions[0] ?? {};
    return (await inMempool(cancel.transactionId)) && !(await inMempool(transactionId));
  });
  await mine(asset, 3);
  await rig.until(sent.transferId, ['replaced']);
}

describe('a request that expired', () => {
  it('is voided, and its customer is paid by a new one; the old one is never signed any more', async () => {
    const request = rig.request({ asset: 'BTC', amount: 60_000_000n, expiresInMs: HOUR_MS });
    const transferId = await rig.taken(request);
    await rig.until(transferId, ['awaiting-approvals']);
    expect(refusalOf(await voidOver(request))).toBe('transfer-not-voidable');
    rig.deployment.time.advance(2 * HOUR_MS);
    await rig.until(transferId, ['expired']);
    expect(openWays(await waysOut(transferId))).toEqual(['void']);

    const given = await requestVoid(backend(), request, authority);
    if (given.kind === 'refused') throw new Error(given.code);
    expect(given.value.statement).toMatchObject({ transferId, basis: 'never-signed' });
    const after = await rig.transfer(transferId);
    expect(after).toMatchObject({ state: 'void', reason: { code: 'voided' }, void: given.value });
    expect(after.transitions.at(-1)?.by).toBe(`request-key:${rig.deployment.exchange.keyId}`);
    // Whenever it is asked for, it is the same statement.
    const again = await requestVoid(backend(), request, authority);
    expect(again).toMatchObject({ kind: 'accepted', value: { statement: given.value.statement } });

    const signer = await rig.deployment.connect();
    const script = p2wpkhScript(rig.deployment.publicKeys.bitcoin);
    const spent = coin(script, 100_000_000n);
    const change = { script, amountSats: 39_990_000n };
    const order = {
      wallet: 'hot-btc',
      transaction: psbt([spent], [payTo(request.statement.destination, 60_000_000n), change]),
      transfers: [rig.deployment.transfer(request, [rig.deployment.alice, rig.deployment.bob])],
    };
    expect(codeOf(await signer.sign(order))).toBe('transfer-void');
    const record = await signer.ask({ verb: 'status', transferIds: [transferId] });
    expect(record).toMatchObject({
      kind: 'done',
      result: { transfers: [{ state: 'void', transactions: [] }] },
    });
    signer.close();

    const submitted = await submitRequest(backend(), request);
    expect(submitted).toMatchObject({ kind: 'accepted', value: { state: 'void' } });
    const { destination, customer } = request.statement;
    const anew = rig.request({ asset: 'BTC', amount: 400_000n, destination, customer });
    const paid = await rig.taken(anew);
    await rig.until(paid, ['broadcast']);
    await rig.chains.bitcoin.mine(3);
    await rig.until(paid, ['settled']);
    expect((await rig.chains.bitcoinOutputs(destination)).map(({ sats }) => sats)).toEqual([400_000n]);
    expect(await requestVoid(backend(), anew, authority)).toMatchObject({ code: 'transfer-not-voidable' });
  });

  it('that never arrived is voided as well, and is refused when it arrives all the same', async () => {
    const request = rig.request({ asset: 'BTC', amount: 300_000n });
    const given = await requestVoid(backend(), request, authority);
    expect(given.kind).toBe('accepted');
    const transferId = await rig.taken(request);
    const refused = await rig.until(transferId, ['refused']);
    expect(refused.reason.code).toBe('transfer-void');
    expect(await rig.chains.bitcoinOutputs(request.statement.destination)).toEqual([]);
    expect((await requestVoid(backend(), request, authority)).kind).toBe('accepted');
    await rig.until(transferId, ['void']);
    await expectBooksAgree(rig);
  });

  it('is not taken for void by a word that is not the signer’s, or is about another request', async () => {
    const [one, other] = [
      rig.request({ asset: 'BTC', amount: 1_000n }),
      rig.request({ asset: 'BTC', amount: 2_000n }),
    ];
    const given = await requestVoid(backend(), one, authority);
    if (given.kind === 'refused') throw new Error(given.code);
    const verify = (of: SignedRequest, value: unknown, by = authority) =>
      verifyVoid(value, of.statement, by, portableVerifier);
    expect(verify(one, given.value).kind).toBe('accepted');
    expect(verify(other, given.value)).toMatchObject({ code: 'void-other-request' });
    const forged = { ...given.value, statement: { ...given.value.statement, basis: 'buried' } };
    expect(verify(one, forged)).toMatchObject({ code: 'void-signature-invalid' });
    const { alice } = rig.deployment;
    const theirs = { ...authority, attestationKey: alice.credential.publicKey };
    expect(verify(one, given.value, theirs)).toMatchObject({ code: 'void-signature-invalid' });
  });

  it('is voided by its own key and by officers alone', async () => {
    const request = rig.request({ asset: 'BTC', amount: 1_500n });
    const { desk, alice, exchange } = rig.deployment;
    expect(refusalOf(await voidOver(request, desk))).toBe('request-of-another-key');
    const elsewhere = await rig
      .client(exchange)
      .post(`/v1/transfers/tr-${'0'.repeat(40)}/void`, { body: request });
    expect(refusalOf(elsewhere)).toBe('request-of-another-transfer');
    const altered = { ...request, statement: { ...request.statement, amount: '1' } };
    expect(refusalOf(await voidOver(altered))).toBe('request-signature-invalid');
    const byOfficer = await rig
      .client(alice)
      .post(`/v1/transfers/${transferIdFor(request.statement)}/void`, { body: request });
    expect(byOfficer.status).toBe(200);
  });
});

describe.each([
  ['Bitcoin', 'BTC', 'bitcoin', 500_000n],
  ['Ethereum', 'ETH', 'ethereum', ETHER / 10n],
] as const)('a payment that is stuck on %s', (_name, asset, family, amount) => {
  it('is cancelled on the chain, buried by a quorum, and paid by other means exactly once', async () => {
    const sent = await stuck(asset, amount);
    const { transferId, destination, request } = sent;
    expect(openWays(await waysOut(transferId))).toEqual(['wait', 'cancel-on-chain']);
    expect(refusalOf(await voidOver(request))).toBe('transfer-not-voidable');

    const planned = cancelAnswer.parse((await cancelOnChain(transferId)).body);
    expect(planned).toMatchObject({ transferIds: [transferId], again: false });
    expect(BigInt(planned.maxFee)).toBeLessThanOrEqual(BigInt(sent.feeCeiling));
    expect(cancelAnswer.parse((await cancelOnChain(transferId)).body)).toMatchObject({
      planKey: planned.planKey,
      again: true,
    });
    await cancelMined(sent, asset);

    // Signed, and not deep enough: neither void nor burial.
    expect(refusalOf(await voidOver(request))).toBe('transfer-signed');
    const early = await waysOut(transferId);
    expect(early.burial).toBeNull();
    expect(early.ways.find(({ way }) => way === 'bury')?.why).toContain(`${DEEP[family]} are needed`);
    // Until the orchestrator has seen it mined, it offers the same cancel again.
    await eventually(
      'nothing is left to cancel',
      async () => (await cancelOnChain(transferId)).status >= 400,
    );
    expect(refusalOf(await cancelOnChain(transferId))).toBe('transfer-not-stuck');

    await mine(asset, DEEP[family]);
    await eventually('it is deep enough', async () => (await waysOut(transferId)).burial !== null);
    const statement = await draftOf(transferId);
    const { alice, bob, carol } = rig.deployment;
    expect(refusalOf(await handIn(buried(statement, [alice])))).toBe('governance-quorum-missing');
    const shallow = { ...statement.conflicting, confirmations: DEEP[family] - 1 };
    expect(refusalOf(await handIn(buried({ ...statement, conflicting: shallow })))).toBe(
      'burial-too-shallow',
    );
    const more = { ...statement, dead: [...statement.dead, `bitcoin:${'0'.repeat(64)}`] };
    expect(refusalOf(await handIn(buried(more)))).toBe('burial-incomplete');
    expect((await rig.transfer(transferId)).state).toBe('replaced');

    const taken = await handIn(buried(statement, [bob, carol]));
    expect(taken.status).toBe(200);
    expect(buryAnswer.parse(taken.body).transfers).toEqual([{ transferId, state: 'approved' }]);
    const anew = await rig.until(transferId, ['broadcast']);
    expect(anew.transactions.map(({ state }) => state)).toEqual(['dead', 'broadcast']);
    // Handed in again it is accepted, and moves nothing.
    expect((await handIn(buried(statement, [bob, carol]))).status).toBe(200);
    expect((await rig.transfer(transferId)).state).toBe('broadcast');
    await mine(asset, 3);
    const settled = await rig.until(transferId, ['settled']);
    expect(settled.spendable).toEqual({ is: 'no', transactionIds: [] });
    const [dead, paid] = settled.transactions;
    expect(paid?.transactionId).not.toBe(dead?.transactionId);
    if (asset === 'BTC') {
      expect(await rig.chains.bitcoinOutputs(destination)).toEqual([
        { txid: paid?.transactionId, sats: amount },
      ]);
    } else {
      expect(await rig.chains.ethereum.balance(destination)).toBe(amount);
      await expectNonceOrder(rig);
    }
    await expectBooksAgree(rig);
    // Charged once: by the plan that is dead.
    expect(settled.limits.length).toBeGreaterThan(0);
    await expectLogged(transferId);
  });

  it('whose request has expired meanwhile is buried, voided on that ground, and not paid', async () => {
    const request = rig.request({ asset, amount, expiresInMs: 2 * HOUR_MS });
    const sent = await rig.until(await rig.taken(request), ['broadcast']);
    const { transferId, destination } = sent;
    cancelAnswer.parse((await cancelOnChain(transferId)).body);
    await cancelMined(sent, asset);
    await mine(asset, DEEP[family]);
    await eventually('it is deep enough', async () => (await waysOut(transferId)).burial !== null);
    rig.deployment.time.advance(3 * HOUR_MS);
    const taken = await handIn(buried(await draftOf(transferId)));
    expect(buryAnswer.parse(taken.body).transfers).toEqual([{ transferId, state: 'expired' }]);
    const given = await requestVoid(backend(), request, authority);
    expect(given).toMatchObject({ kind: 'accepted', value: { statement: { basis: 'buried' } } });
    await rig.until(transferId, ['void']);
    if (asset === 'BTC') expect(await rig.chains.bitcoinOutputs(destination)).toEqual([]);
    else expect(await rig.chains.ethereum.balance(destination)).toBe(0n);
    await expectBooksAgree(rig);
  });
});

/** The log has who did what to it, and what the signer decided each time: the payment, the cancel, the payment anew. */
async function expectLogged(transferId: string): Promise<void> {
  await eventually('all is in the log', async () => (await rig.auditCheck()).waiting === 0);
  expect((await rig.auditCheck()).findings).toEqual([]);
  const answer = await rig.client(rig.deployment.alice).get(`/v1/audit?transfer=${transferId}&limit=200`);
  const { items } = auditPage.parse(answer.body);
  const said = items.map(({ entry, person }) => `${entry.kind} ${entry.what} ${person ?? ''}`.trim());
  expect(said).toEqual(expect.arrayContaining(['transition cancel-asked bob', 'approval buried carol']));
  const signatures = items.filter(({ entry }) => entry.what === 'signature').toReversed();
  const decided = signatures.map(({ record }) => JSON.parse(JSON.parse(record)[5]));
  expect(decided.map((decisions) => decisions.length)).toEqual([1, 0, 1]);
  expect(decided[0]).toMatchObject([{ transferId, kind: 'allow', limits: expect.any(Array) }]);
  expect(decided[0][0].limits[0]).toMatchObject({
    usedBefore: expect.stringMatching(/^[0-9]+$/),
    usedAfter: expect.stringMatching(/^[0-9]+$/),
  });
}

describe('a quorum', () => {
  it('does not count whoever asked for the transfer', async () => {
    const { desk, alice, carol } = rig.deployment;
    const request = rig.request({ asset: 'ETH', amount: ETHER / 50n, backend: desk });
    const sent = await rig.until(await rig.taken(request), ['broadcast', 'awaiting-approvals']);
    expect(sent.state).toBe('broadcast');
    cancelAnswer.parse((await cancelOnChain(sent.transferId)).body);
    await cancelMined(sent, 'ETH');
    await rig.chains.ethereum.mine(DEEP.ethereum);
    await eventually('it is deep enough', async () => (await waysOut(sent.transferId)).burial !== null);
    const statement = await draftOf(sent.transferId);
    expect(refusalOf(await handIn(buried(statement, [alice, carol])))).toBe('governance-quorum-missing');
    expect((await handIn(buried(statement))).status).toBe(200);
    await rig.until(sent.transferId, ['broadcast']);
    await rig.chains.ethereum.mine(3);
    await rig.until(sent.transferId, ['settled']);
    expect(await rig.chains.ethereum.balance(sent.destination)).toBe(ETHER / 50n);
    await expectNonceOrder(rig);
  });
});

describe('a transfer of which nobody knows whether it was signed', () => {
  it.each(['BTC', 'ETH'] as const)(
    'is voided once the signer answers again, and %s flows on',
    async (asset) => {
      const amount = asset === 'BTC' ? 700_000n : ETHER / 40n;
      await rig.deployment.stop();
      const request = rig.request({ asset, amount, expiresInMs: HOUR_MS });
      const transferId = await rig.taken(request);
      if (asset === 'BTC') {
        await rig.until(transferId, ['built']);
        // What the signer was never asked for simply expires.
        await eventually('the signer was asked', async () => {
          return (await rig.transfer(transferId)).waitingFor !== null;
        });
      } else {
        // Without the signer no nonce can be taken: the request waits, and expires.
        rig.deployment.time.advance(2 * HOUR_MS);
        await rig.until(transferId, ['expired']);
      }
      if (asset === 'BTC') {
        rig.deployment.time.advance(2 * HOUR_MS);
        const lost = await rig.until(transferId, ['indeterminate']);
        expect(lost).toMatchObject({ reason: { code: 'signer-silent' }, spendable: { is: 'maybe' } });
        const dark = await waysOut(transferId);
        expect(dark.signer).toBeNull();
        expect(openWays(dark)).toEqual(['ask-signer', 'record-paid', 'record-not-paid']);
        const notPaid = dark.ways.find(({ way }) => way === 'record-not-paid');
        expect(notPaid?.cost).toContain('paid twice');
      }
      await rig.deployment.start();
      await eventually('the signer answers', async () => (await waysOut(transferId)).signer !== null);
      expect(openWays(await waysOut(transferId))).toContain('void');
      await eventually('it is void', async () => {
        const given = await requestVoid(backend(), request, authority).catch(() => undefined);
        return given?.kind === 'accepted';
      });
      await rig.until(transferId, ['void']);
      await expectBooksAgree(rig);
      const next = await rig.taken(rig.request({ asset, amount }));
      await rig.until(next, ['broadcast']);
      await mine(asset, 3);
      await rig.until(next, ['settled']);
      await expectBooksAgree(rig);
    },
  );
});

describe('a transfer that the signer had begun and never signed', () => {
  it.each(['BTC', 'ETH'] as const)(
    'is voided: its %s plan is given back, and what waited behind it is paid',
    async (asset) => {
      const amount = asset === 'BTC' ? 650_000n : ETHER / 45n;
      const request = rig.request({ asset, amount, expiresInMs: HOUR_MS });
      const behind = rig.request({ asset, amount: amount + 1n, expiresInMs: 100 * HOUR_MS });
      const { transferId, next } = await whileTokenFails(rig.deployment, async () => {
        const first = await rig.taken(request);
        await eventually('the signer has begun', async () => {
          const { signer } = await waysOut(first);
          return signer?.state === 'reserved';
        });
        return { transferId: first, next: await rig.taken(behind) };
      });
      // Expired, and not so long ago that the signer would count as silent.
      rig.deployment.time.advance(HOUR_MS + 5 * MINUTE_MS);
      const begun = await rig.until(transferId, ['indeterminate']);
      expect(begun).toMatchObject({
        reason: { code: 'refused-though-begun', facts: { code: 'request-expired', signer: 'reserved' } },
        spendable: { is: 'maybe' },
      });
      expect(openWays(await waysOut(transferId))).toEqual([
        'ask-signer',
        'void',
        'record-paid',
        'record-not-paid',
      ]);
      const given = await requestVoid(backend(), request, authority);
      expect(given).toMatchObject({ kind: 'accepted', value: { statement: { basis: 'never-signed' } } });
      expect(await rig.transfer(transferId)).toMatchObject({ state: 'void', spendable: { is: 'no' } });
      await rig.until(next, ['broadcast']);
      await mine(asset, 3);
      await rig.until(next, ['settled']);
      if (asset === 'ETH') await expectNonceOrder(rig);
      await expectBooksAgree(rig);
    },
  );
});
