// Burials: a quorum's word that what was signed for a transfer can never be mined, which alone lets it be paid by other
// coins or another nonce. The attacker here owns the orchestrator, and would have one transfer paid twice.

import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { whileTokenFails, whileTokenWaits } from '../../devnet/broken-token.js';
import {
  Deployment,
  ETH,
  ETHEREUM,
  makeBackend,
  type Officer,
  officersSign,
} from '../../devnet/deployment.js';
import { codeOf, type SocketClient } from '../../devnet/socket-client.js';
import { type Coin, coin, eip1559, payTo, psbt } from '../../devnet/transactions.js';
import type { OrderedTransfer, SigningOrder } from '../../src/core/authorization/signing-order.js';
import { decisionsOf, MAX_CERTIFIED_BURIALS } from '../../src/core/certificates/certificate.js';
import { verifyCertificate } from '../../src/core/certificates/verify.js';
import { p2wpkhScript } from '../../src/core/intents/bitcoin/address.js';
import { addressOfPublicKey } from '../../src/core/intents/ethereum/address.js';
import {
  BURIAL_TYPE,
  type Burial,
  type BurialStatement,
  burialBytes,
} from '../../src/core/recovery/burial.js';
import { attestedVoid } from '../../src/core/recovery/void.js';
import { requestDigest, transferIdOf } from '../../src/core/statements/request.js';
import { portableVerifier } from '../../src/core/statements/signature.js';
import type { SignerStore } from '../../src/signer/store.js';
import {
  type Reply,
  type SignResult,
  signResult,
  statusResult,
  type TransferRecord,
} from '../../src/signer-protocol/messages.js';

const DESTINATION = 'bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080';
const DESTINATION_ETH = '0x70997970C51812dc3A010C7d01b50e0d17dc79C8';
const COIN_SATS = 1_000_000n;
const DAY_MS = 25 * 3_600_000;

let deployment: Deployment;
let signer: SocketClient;
let own: string;

beforeAll(async () => {
  deployment = await Deployment.create();
  signer = await deployment.start();
  own = p2wpkhScript(deployment.publicKeys.bitcoin);
});
afterAll(() => deployment.destroy());
// Limits are not what is tested here.
beforeEach(() => deployment.time.advance(DAY_MS));

function small(amount = '100000'): OrderedTransfer {
  return deployment.transfer(deployment.request({ amount, destination: DESTINATION }));
}

function idOf({ request }: OrderedTransfer): string {
  return transferIdOf(requestDigest(request.statement));
}

function paying(transfer: OrderedTransfer, spent: readonly Coin[], feeSats = 1_000n): SigningOrder {
  const amountSats = BigInt(transfer.request.statement.amount);
  const change = { script: own, amountSats: COIN_SATS * BigInt(spent.length) - amountSats - feeSats };
  return {
    wallet: 'hot-btc',
    transaction: psbt(spent, [payTo(DESTINATION, amountSats), change]),
    transfers: [transfer],
  };
}

function cancelling(spent: readonly Coin[], feeSats = 4_000n): SigningOrder {
  const back = { script: own, amountSats: COIN_SATS * BigInt(spent.length) - feeSats };
  return { wallet: 'hot-btc', transaction: psbt(spent, [back]), transfers: [] };
}

async function signed(order: SigningOrder): Promise<SignResult> {
  const answer = await signer.sign(order);
  if (answer.kind !== 'done') throw new Error(`not signed: ${codeOf(answer)}`);
  return signResult.parse(answer.result);
}

async function recordOf(transfer: OrderedTransfer): Promise<TransferRecord> {
  const answer = await signer.ask({ verb: 'status', transferIds: [idOf(transfer)] });
  if (answer.kind !== 'done') throw new Error(codeOf(answer));
  const [record] = statusResult.parse(answer.result).transfers;
  if (!record) throw new Error('no record');
  return record;
}

/** The statement that honest officers would sign: this cancel is in the chain, so all else is dead. */
async function statementOn(
  transfer: OrderedTransfer,
  cancel: SignResult,
  altered: Partial<BurialStatement> = {},
): Promise<BurialStatement> {
  const { transactions } = await recordOf(transfer);
  const winner = transactions.find(({ transactionId }) => transactionId === cancel.transactionId);
  const living = transactions.filter(({ state }) => state === 'signed' || state === 'reserved');
  return {
    type: BURIAL_TYPE,
    deploymentId: deployment.deploymentId,
    governanceHead: deployment.head,
    transferIds: [idOf(transfer)],
    dead: living.map(({ transactionKey }) => transactionKey).filter((key) => key !== winner?.transactionKey),
    conflicting: {
      transactionKey: winner?.transactionKey ?? '',
      transactionId: cancel.transactionId,
      blockHash: randomBytes(32).toString('hex'),
      blockHeight: 700,
      confirmations: 64,
    },
    createdAtMs: deployment.time.wall,
    expiresAtMs: deployment.time.wall + 3_600_000,
    ...altered,
  };
}

function burialOf(statement: BurialStatement, officers: readonly Officer[]): Burial {
  return { statement, signatures: officersSign(burialBytes(statement), officers) };
}

function bury(statement: BurialStatement, officers?: readonly Officer[]): Promise<Reply> {
  const burial = burialOf(statement, officers ?? [deployment.alice, deployment.bob]);
  return signer.ask({ verb: 'bury', burial });
}

/** A payment, its fee bump, and the cancel that was mined instead of both. */
async function cancelledPayment() {
  const transfer = small();
  const [a, b, c] = [coin(own, COIN_SATS), coin(own, COIN_SATS), coin(own, COIN_SATS)];
  const first = await signed(paying(transfer, [a, b]));
  const bump = await signed(paying(transfer, [a, b, c], 3_000n));
  const cancel = await signed(cancelling([a]));
  return { transfer, coins: { a, b, c }, first, bump, cancel };
}

describe('a burial', () => {
  it('lets a transfer be paid once more by other coins, and by nothing that does not conflict with that again', async () => {
    const { transfer, coins, cancel } = await cancelledPayment();
    const fresh = [coin(own, COIN_SATS)];
    expect(codeOf(await signer.sign(paying(transfer, fresh)))).toBe('transfer-already-signed');
    expect(codeOf(await bury(await statementOn(transfer, cancel)))).toBe('done');
    const record = await recordOf(transfer);
    expect(record.state).toBe('dead');
    expect(record.transactions.map(({ state }) => state)).toEqual(['dead', 'dead', 'buried']);

    const again = await signed(paying(transfer, fresh));
    expect((await recordOf(transfer)).state).toBe('signed');
    expect(codeOf(await signer.sign(paying(transfer, [coin(own, COIN_SATS)])))).toBe(
      'transfer-already-signed',
    );
    expect(codeOf(await signer.sign(paying(transfer, [...fresh, coins.b], 2_000n)))).toBe('done');

    const { certificate } = again;
    expect(decisionsOf(certificate).map(({ past, limits }) => [past, limits])).toEqual([['dead', []]]);
    const check = (altered: object) => {
      const audited = verifyCertificate(
        { ...certificate, ...altered },
        deployment.log,
        deployment.deploymentId,
        portableVerifier,
      );
      return audited.kind === 'refused' ? audited.code : audited.kind;
    };
    expect(check({})).toBe('accepted');
    expect(check({ burials: [] })).toBe('certificate-burial-missing');
    const [burial] = certificate.burials;
    const [only] = burial?.signatures ?? [];
    expect(check({ burials: [{ ...burial, signatures: [only] }] })).toBe('governance-quorum-missing');
    const late = { ...burial?.statement, expiresAtMs: (burial?.statement.expiresAtMs ?? 0) + 1 };
    expect(check({ burials: [{ ...burial, statement: late }] })).toBe('governance-signature-invalid');
  });

  it('frees the coins that only the dead would have spent, and not what the buried one spent (outpoint-used)', async () => {
    const { transfer, coins, cancel } = await cancelledPayment();
    expect(codeOf(await signer.sign(paying(small(), [coins.b])))).toBe('outpoint-used');
    expect(codeOf(await bury(await statementOn(transfer, cancel)))).toBe('done');
    expect(codeOf(await signer.sign(paying(small(), [coins.a])))).toBe('outpoint-used');
    expect(codeOf(await signer.sign(paying(transfer, [coins.a])))).toBe('outpoint-used');
    expect(codeOf(await signer.sign(paying(small(), [coins.b])))).toBe('done');
    expect(codeOf(await signer.sign(paying(transfer, [coins.c])))).toBe('done');
  });

  it('makes expiry hold again, and a void possible that says on what it rests', async () => {
    const { transfer, cancel } = await cancelledPayment();
    deployment.time.advance(2 * 3_600_000);
    const voiding = () => signer.ask({ verb: 'void', request: transfer.request });
    expect(codeOf(await voiding())).toBe('transfer-signed');
    expect(codeOf(await bury(await statementOn(transfer, cancel)))).toBe('done');
    expect(codeOf(await signer.sign(paying(transfer, [coin(own, COIN_SATS)])))).toBe('request-expired');
    const answer = await voiding();
    if (answer.kind !== 'done') throw new Error(codeOf(answer));
    expect(attestedVoid.parse(answer.result).statement.basis).toBe('buried');
    expect((await recordOf(transfer)).state).toBe('void');
  });

  it('charges no limit again, and gives none back', async () => {
    const transfer = small('150000');
    const a = coin(own, COIN_SATS);
    await signed(paying(transfer, [a]));
    const cancel = await signed(cancelling([a]));
    const before = await usedBy(small('150000'));
    expect(codeOf(await bury(await statementOn(transfer, cancel)))).toBe('done');
    await signed(paying(transfer, [coin(own, COIN_SATS)]));
    // The payment that asked before, with what it may cost; nothing of the one that was made anew.
    expect((await usedBy(small('150000'))).day - before.day).toBe(170_000n);
  });

  it('works for nonces as for coins', async () => {
    const request = deployment.request({
      chain: ETHEREUM,
      wallet: 'hot-eth',
      asset: ETH,
      amount: '1000000000000000',
      feeCeiling: '5000000000000000',
      destination: DESTINATION_ETH,
    });
    const transfer = deployment.transfer(request);
    const pay = (nonce: number) => ({
      wallet: 'hot-eth',
      transaction: eip1559({ to: DESTINATION_ETH, value: 1_000_000_000_000_000n, nonce }),
      transfers: [transfer],
    });
    const to = addressOfPublicKey(deployment.publicKeys.ethereum);
    await signed(pay(0));
    const cancel = await signed({ wallet: 'hot-eth', transaction: eip1559({ to, nonce: 0 }), transfers: [] });
    expect(codeOf(await signer.sign(pay(1)))).toBe('transfer-already-signed');
    const statement = await statementOn(transfer, cancel);
    const { conflicting } = statement;
    const shallow = { ...statement, conflicting: { ...conflicting, confirmations: 63 } };
    expect(codeOf(await bury(shallow))).toBe('burial-too-shallow');
    expect(codeOf(await bury(statement))).toBe('done');
    expect(codeOf(await signer.sign(pay(1)))).toBe('done');
    expect(codeOf(await signer.sign(pay(2)))).toBe('transfer-already-signed');
  });

  it('is there after a restart, and accepted again when it is sent again', async () => {
    const { transfer, cancel } = await cancelledPayment();
    const statement = await statementOn(transfer, cancel);
    expect(codeOf(await bury(statement))).toBe('done');
    await deployment.stop();
    signer = await deployment.start();
    expect(codeOf(await bury(statement))).toBe('done');
    expect((await recordOf(transfer)).state).toBe('dead');
    expect(codeOf(await signer.sign(paying(transfer, [coin(own, COIN_SATS)])))).toBe('done');
    expect(codeOf(await bury(statement))).toBe('done');
    expect((await recordOf(transfer)).state).toBe('signed');
    expect(codeOf(await signer.sign(paying(transfer, [coin(own, COIN_SATS)])))).toBe(
      'transfer-already-signed',
    );
  });
});

/** What a transfer's limits say had been used before it. */
async function usedBy(transfer: OrderedTransfer): Promise<{ day: bigint }> {
  const { certificate } = await signed(paying(transfer, [coin(own, COIN_SATS)]));
  const limits = decisionsOf(certificate)[0]?.limits ?? [];
  const day = limits.find(({ limitId, key }) => key === 'hot-btc' && limitId.startsWith('hot-bitcoin/'));
  if (!day) throw new Error(JSON.stringify(limits));
  return { day: BigInt(day.usedBefore) };
}

describe('a burial: the signer refuses', () => {
  const expectRefused = async (
    altered: Partial<BurialStatement>,
    code: string,
    officers?: readonly Officer[],
  ) => {
    const { transfer, cancel } = await cancelledPayment();
    expect(codeOf(await bury(await statementOn(transfer, cancel, altered), officers))).toBe(code);
    expect(codeOf(await signer.sign(paying(transfer, [coin(own, COIN_SATS)])))).toBe(
      'transfer-already-signed',
    );
  };

  it('too few officers, strangers, one officer twice, and a changed text', async () => {
    const { alice, bob } = deployment;
    await expectRefused({}, 'governance-quorum-missing', [alice]);
    await expectRefused({}, 'governance-signer-duplicate', [alice, alice]);
    const { transfer, cancel } = await cancelledPayment();
    const { signatures, statement } = burialOf(await statementOn(transfer, cancel), [alice, bob]);
    const changed = { statement: { ...statement, expiresAtMs: statement.expiresAtMs + 1 }, signatures };
    expect(codeOf(await signer.ask({ verb: 'bury', burial: changed }))).toBe('governance-signature-invalid');
    const stranger = [{ credentialId: 'nobody', signature: signatures[0]?.signature ?? '' }];
    expect(codeOf(await signer.ask({ verb: 'bury', burial: { statement, signatures: stranger } }))).toBe(
      'governance-signer-unknown',
    );
  });

  it('to count whoever asked for the transfer', async () => {
    const { alice, bob, carol, desk } = deployment;
    const request = deployment.request(
      { amount: '100000', destination: DESTINATION, requester: 'carol' },
      desk,
    );
    const transfer = deployment.transfer(request);
    const a = coin(own, COIN_SATS);
    await signed(paying(transfer, [a]));
    const statement = await statementOn(transfer, await signed(cancelling([a])));
    expect(codeOf(await bury(statement, [alice, carol]))).toBe('governance-quorum-missing');
    expect(codeOf(await bury(statement, [alice, bob]))).toBe('done');
  });

  it('what is too shallow, expired, for too long, of another deployment, or of an older governance', async () => {
    const { wall } = deployment.time;
    const { transfer, cancel } = await cancelledPayment();
    const statement = await statementOn(transfer, cancel);
    const cases: [Partial<BurialStatement>, string][] = [
      [{ conflicting: { ...statement.conflicting, confirmations: 5 } }, 'burial-too-shallow'],
      [{ createdAtMs: wall - 2, expiresAtMs: wall }, 'burial-expired'],
      [{ expiresAtMs: wall + 8 * DAY_MS }, 'burial-expired'],
      [{ createdAtMs: wall + 10, expiresAtMs: wall + 10 }, 'burial-expired'],
      [{ deploymentId: '0'.repeat(64) }, 'burial-other-deployment'],
      [{ governanceHead: '0'.repeat(64) }, 'burial-governance-moved'],
    ];
    for (const [altered, code] of cases) expect(codeOf(await bury({ ...statement, ...altered }))).toBe(code);
    const six = { ...statement, conflicting: { ...statement.conflicting, confirmations: 6 } };
    expect(codeOf(await bury(six))).toBe('done');
  });

  it('a list that leaves one of the dead out, or names one too many (burial-incomplete)', async () => {
    const { transfer, cancel } = await cancelledPayment();
    const statement = await statementOn(transfer, cancel);
    const [first = ''] = statement.dead;
    expect(statement.dead).toHaveLength(2);
    expect(codeOf(await bury({ ...statement, dead: [first] }))).toBe('burial-incomplete');
    const more = [...statement.dead, `bitcoin:${'0'.repeat(64)}`];
    expect(codeOf(await bury({ ...statement, dead: more }))).toBe('burial-incomplete');
  });

  it('a conflicting transaction that was never signed here, is named wrongly, or does not conflict', async () => {
    const { transfer, cancel } = await cancelledPayment();
    const statement = await statementOn(transfer, cancel);
    const unknown = { ...statement.conflicting, transactionKey: `bitcoin:${'1'.repeat(64)}` };
    expect(codeOf(await bury({ ...statement, conflicting: unknown }))).toBe('burial-conflicting-unknown');
    const misnamed = { ...statement.conflicting, transactionId: '2'.repeat(64) };
    expect(codeOf(await bury({ ...statement, conflicting: misnamed }))).toBe('burial-conflicting-unknown');

    const other = small();
    const elsewhere = await signed(paying(other, [coin(own, COIN_SATS)]));
    const [record] = (await recordOf(other)).transactions;
    const unrelated = {
      ...statement.conflicting,
      transactionKey: record?.transactionKey ?? '',
      transactionId: elsewhere.transactionId,
    };
    const withCancel = [...statement.dead, statement.conflicting.transactionKey];
    expect(codeOf(await bury({ ...statement, dead: withCancel, conflicting: unrelated }))).toBe(
      'burial-not-conflicting',
    );
  });

  it('a conflicting transaction that pays the transfer itself (burial-conflicting-pays)', async () => {
    const { transfer, first } = await cancelledPayment();
    const statement = await statementOn(transfer, first);
    expect(codeOf(await bury(statement))).toBe('burial-conflicting-pays');
  });

  it('transfers that nothing was signed for (burial-transfer-unknown)', async () => {
    const { transfer, cancel } = await cancelledPayment();
    const statement = await statementOn(transfer, cancel, { transferIds: [idOf(small())] });
    expect(codeOf(await bury(statement))).toBe('burial-transfer-unknown');
  });

  it('to sign what was only begun and is dead now (transaction-dead)', async () => {
    const transfer = small();
    const [a, b] = [coin(own, COIN_SATS), coin(own, COIN_SATS)];
    const first = await signed(paying(transfer, [a]));
    const begun = paying(transfer, [a, b], 3_000n);
    expect(codeOf(await whileTokenFails(deployment, () => signer.sign(begun)))).toBe('internal');
    const cancel = await signed(cancelling([a]));
    const statement = await statementOn(transfer, cancel);
    expect(statement.dead).toHaveLength(2);
    expect(codeOf(await bury(statement))).toBe('done');
    expect(codeOf(await signer.sign(begun))).toBe('transaction-dead');
    // What was signed gives the same signature again, also when it is dead.
    expect((await signed(paying(transfer, [a]))).signedTransaction).toBe(first.signedTransaction);
  });

  it('while one of the dead is being signed (transfer-being-signed)', async () => {
    const transfer = small();
    const a = coin(own, COIN_SATS);
    await signed(paying(transfer, [a]));
    const cancel = await signed(cancelling([a]));
    const statement = await statementOn(transfer, cancel);
    const bump = paying(transfer, [a], 3_000n);
    // The bump is on its way to the token when the burial comes, which names it as honest officers could not know to.
    const signing = signer.sign(bump);
    let { transactions } = await recordOf(transfer);
    for (let looks = 0; transactions.length < 3; looks++) {
      if (looks > 100) throw new Error('the bump was never reserved');
      ({ transactions } = await recordOf(transfer));
    }
    const named = transactions.map(({ transactionKey }) => transactionKey);
    const dead = named.filter((key) => key !== statement.conflicting.transactionKey);
    const answer = await bury({ ...statement, dead });
    expect(['transfer-being-signed', 'done']).toContain(codeOf(answer));
    expect(codeOf(await signing)).toBe('done');
    expect((await recordOf(transfer)).state).toBe(codeOf(answer) === 'done' ? 'dead' : 'signed');
  });

  it('while the token is at one of the dead, however long it takes (transfer-being-signed)', async () => {
    const transfer = small();
    const a = coin(own, COIN_SATS);
    await signed(paying(transfer, [a]));
    const cancel = await signed(cancelling([a]));
    const { signing, answer } = await whileTokenWaits(deployment, async () => {
      const begun = signer.sign(paying(transfer, [a], 3_000n));
      for (let looks = 0; (await recordOf(transfer)).transactions.length < 3; looks++) {
        if (looks > 100) throw new Error('the bump was never reserved');
      }
      return { signing: begun, answer: await bury(await statementOn(transfer, cancel)) };
    });
    expect(codeOf(answer)).toBe('transfer-being-signed');
    expect(codeOf(await signing)).toBe('done');
    expect(codeOf(await bury(await statementOn(transfer, cancel)))).toBe('done');
  });

  it('some transfers of a batch without the others (burial-incomplete)', async () => {
    const batch = [small(), small('110000')];
    const [first, second] = batch;
    if (!first || !second) throw new Error('no batch');
    const a = coin(own, COIN_SATS);
    const change = { script: own, amountSats: COIN_SATS - 211_000n };
    const outputs = [payTo(DESTINATION, 100_000n), payTo(DESTINATION, 110_000n), change];
    await signed({ wallet: 'hot-btc', transaction: psbt([a], outputs), transfers: batch });
    const statement = await statementOn(first, await signed(cancelling([a])));
    expect(codeOf(await bury(statement))).toBe('burial-incomplete');
    expect(codeOf(await bury({ ...statement, transferIds: batch.map(idOf) }))).toBe('done');
  });

  it('to count whoever else the key speaks for that asked for the transfer', async () => {
    const { alice, bob, carol } = deployment;
    const shared = makeBackend('shared-desk', ['exchange', 'bob']);
    const { keyId, publicKey, owners } = shared;
    const requestKey = { keyId, algorithm: 'ed25519' as const, publicKey, owners };
    const entry = deployment.entry({ kind: 'request-key-added', requestKey }, [alice, bob]);
    expect(codeOf(await signer.ask({ verb: 'governance-append', entry }))).toBe('done');
    deployment.log.push(entry);
    const transfer = deployment.transfer(
      deployment.request({ amount: '100000', destination: DESTINATION }, shared),
    );
    const a = coin(own, COIN_SATS);
    await signed(paying(transfer, [a]));
    const statement = await statementOn(transfer, await signed(cancelling([a])));
    expect(codeOf(await bury(statement, [alice, bob]))).toBe('governance-quorum-missing');
    expect(codeOf(await bury(statement, [alice, carol]))).toBe('done');
  });

  it('to count whoever asked, also where nothing that pays is among the dead', async () => {
    const { alice, bob, carol, desk } = deployment;
    const asked = { amount: '100000', destination: DESTINATION, requester: 'carol' };
    const transfer = deployment.transfer(deployment.request(asked, desk));
    const other = small('110000');
    const a = coin(own, COIN_SATS);
    const outputs = [payTo(DESTINATION, 100_000n), payTo(DESTINATION, 110_000n)];
    const change = { script: own, amountSats: COIN_SATS - 211_000n };
    const batch = {
      wallet: 'hot-btc',
      transaction: psbt([a], [...outputs, change]),
      transfers: [transfer, other],
    };
    expect(codeOf(await whileTokenFails(deployment, () => signer.sign(batch)))).toBe('internal');
    await signed(cancelling([a], 3_000n));
    const mined = await signed(cancelling([a], 4_000n));
    // Void with its companion, the batch is not among the living any more; its cancels are.
    expect(codeOf(await signer.ask({ verb: 'void', request: other.request }))).toBe('done');
    const statement = await statementOn(transfer, mined);
    expect(statement.dead).toHaveLength(1);
    expect(codeOf(await bury(statement, [alice, carol]))).toBe('governance-quorum-missing');
    expect(codeOf(await bury(statement, [alice, bob]))).toBe('done');
  });

  it('a transfer that is named twice (message-malformed)', async () => {
    const { transfer, cancel } = await cancelledPayment();
    const twice = [idOf(transfer), idOf(transfer)];
    expect(codeOf(await bury(await statementOn(transfer, cancel, { transferIds: twice })))).toBe(
      'message-malformed',
    );
  });
});

describe('burials one after the other', () => {
  it('may rest on the same transaction in the chain twice', async () => {
    const { transfer, coins, cancel } = await cancelledPayment();
    const first = await statementOn(transfer, cancel);
    expect(codeOf(await bury(first))).toBe('done');
    const other = small('110000');
    const fresh = coin(own, COIN_SATS);
    const outputs = [payTo(DESTINATION, 100_000n), payTo(DESTINATION, 110_000n)];
    const change = { script: own, amountSats: COIN_SATS - 211_000n };
    const transfers = [transfer, other];
    const batch = { wallet: 'hot-btc', transaction: psbt([fresh], [...outputs, change]), transfers };
    expect(codeOf(await whileTokenFails(deployment, () => signer.sign(batch)))).toBe('internal');
    await signed(cancelling([coins.a, fresh], 3_000n));
    expect(codeOf(await signer.ask({ verb: 'void', request: other.request }))).toBe('done');
    const again = await statementOn(transfer, cancel);
    expect(again.dead).toHaveLength(1);
    expect(codeOf(await bury(again))).toBe('done');
    for (const repeated of [first, again]) expect(codeOf(await bury(repeated))).toBe('done');
    await deployment.stop();
    signer = await deployment.start();
    for (const repeated of [first, again]) expect(codeOf(await bury(repeated))).toBe('done');
    expect(codeOf(await signer.sign(paying(transfer, [coin(own, COIN_SATS)])))).toBe('done');
  });

  it('are counted by an auditor against those alone who asked for what they name', async () => {
    const { alice, carol, desk } = deployment;
    const { transfer, cancel } = await cancelledPayment();
    expect(codeOf(await bury(await statementOn(transfer, cancel), [alice, carol]))).toBe('done');
    // Paid anew beside what carol's own desk asks for.
    const asked = { amount: '110000', destination: DESTINATION, requester: 'carol' };
    const beside = deployment.transfer(deployment.request(asked, desk));
    const outputs = [payTo(DESTINATION, 100_000n), payTo(DESTINATION, 110_000n)];
    const change = { script: own, amountSats: COIN_SATS - 211_000n };
    const { certificate } = await signed({
      wallet: 'hot-btc',
      transaction: psbt([coin(own, COIN_SATS)], [...outputs, change]),
      transfers: [transfer, beside],
    });
    const { log, deploymentId } = deployment;
    const audited = verifyCertificate(certificate, log, deploymentId, portableVerifier);
    expect(audited.kind === 'refused' ? audited.code : audited.kind).toBe('accepted');
  });

  it('are never more than an answer can carry (order-too-large)', async () => {
    const buriedTimes = async (times: number) => {
      const { transfer, cancel } = await cancelledPayment();
      const statement = await statementOn(transfer, cancel);
      expect(codeOf(await bury(statement))).toBe('done');
      const { signer: serving } = deployment.serving();
      const { store } = (serving as unknown as { parts: { store: SignerStore } }).parts;
      // As after long years: straight into the journal, since each of them takes three signatures otherwise.
      for (let count = 1; count < times; count++) {
        const transactionKey = `bitcoin:${randomBytes(32).toString('hex')}`;
        const conflicting = { ...statement.conflicting, transactionKey };
        const at = { wallMs: deployment.time.wall, measuredMs: 0 };
        const burial = burialOf({ ...statement, conflicting }, [deployment.alice]);
        store.append({ kind: 'buried', at, burial });
      }
      return paying(transfer, [coin(own, COIN_SATS)]);
    };
    const { certificate } = await signed(await buriedTimes(MAX_CERTIFIED_BURIALS));
    expect(certificate.burials).toHaveLength(MAX_CERTIFIED_BURIALS);
    const over = await buriedTimes(MAX_CERTIFIED_BURIALS + 1);
    expect(codeOf(await signer.sign(over))).toBe('order-too-large');
  });
});
