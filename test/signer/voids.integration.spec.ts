// Voids: the signer's word that a request was never signed and never will be. A backend pays anew on the strength of one,
// so there must be no way to have both a void and a signature.

import { createHash, randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { whileTokenFails, whileTokenWaits } from '../../devnet/broken-token.js';
import { Deployment, makeBackend } from '../../devnet/deployment.js';
import { codeOf, type SocketClient } from '../../devnet/socket-client.js';
import { type Coin, coin, eip1559, payTo, psbt } from '../../devnet/transactions.js';
import type { OrderedTransfer, SigningOrder } from '../../src/core/authorization/signing-order.js';
import { p2wpkhScript } from '../../src/core/intents/bitcoin/address.js';
import { type AttestedVoid, attestedVoid, verifyVoid } from '../../src/core/recovery/void.js';
import { requestDigest, type SignedRequest, transferIdOf } from '../../src/core/statements/request.js';
import { portableVerifier } from '../../src/core/statements/signature.js';
import { type Reply, statusResult } from '../../src/signer-protocol/messages.js';

const DESTINATION = 'bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080';
const COIN_SATS = 1_000_000n;

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
beforeEach(() => deployment.time.advance(25 * 3_600_000));

function small(amount = '100000'): OrderedTransfer {
  return deployment.transfer(deployment.request({ amount, destination: DESTINATION }));
}

function paying(transfers: readonly OrderedTransfer[], spent: readonly Coin[] = [coin(own, COIN_SATS)]) {
  const payments = transfers.map(({ request }) => payTo(DESTINATION, BigInt(request.statement.amount)));
  const paid = payments.reduce((sum, { amountSats }) => sum + amountSats, 0n);
  const change = { script: own, amountSats: COIN_SATS * BigInt(spent.length) - paid - 2_000n };
  return { wallet: 'hot-btc', transaction: psbt(spent, [...payments, change]), transfers: [...transfers] };
}

function ask(request: SignedRequest, client = signer): Promise<Reply> {
  return client.ask({ verb: 'void', request });
}

function voidIn(answer: Reply): AttestedVoid {
  if (answer.kind !== 'done') throw new Error(`no void: ${codeOf(answer)}`);
  return attestedVoid.parse(answer.result);
}

const authority = () => ({
  deploymentId: deployment.deploymentId,
  attestationKey: deployment.publicKeys.attestation,
});

async function stateOf(request: SignedRequest, client = signer) {
  const transferIds = [transferIdOf(requestDigest(request.statement))];
  const answer = await client.ask({ verb: 'status', transferIds });
  return answer.kind === 'done' ? statusResult.parse(answer.result).transfers[0]?.state : codeOf(answer);
}

/** The same request again, signed by its own key once more with something changed. */
function other(request: SignedRequest, altered: object): SignedRequest {
  return deployment.request({ ...request.statement, ...altered });
}

describe('a void', () => {
  it('can be checked by its backend with the genesis alone, and is the same one whenever it is asked for', async () => {
    const { request } = small();
    const first = voidIn(await ask(request));
    expect(verifyVoid(first, request.statement, authority(), portableVerifier).kind).toBe('accepted');
    expect(first.statement.basis).toBe('never-signed');
    expect(voidIn(await ask(request)).statement).toEqual(first.statement);
    expect(await stateOf(request)).toBe('void');
  });

  it('ends the request for good: it is never signed afterwards, not by a restarted signer either (transfer-void)', async () => {
    const transfer = small();
    const { statement } = voidIn(await ask(transfer.request));
    expect(codeOf(await signer.sign(paying([transfer])))).toBe('transfer-void');
    await deployment.stop();
    signer = await deployment.start();
    expect(codeOf(await signer.sign(paying([transfer])))).toBe('transfer-void');
    expect(voidIn(await ask(transfer.request)).statement).toEqual(statement);
  });

  it('is impossible once anything was signed, also after it was cancelled (transfer-signed)', async () => {
    const transfer = small();
    const spent = [coin(own, COIN_SATS)];
    expect(codeOf(await signer.sign(paying([transfer], spent)))).toBe('done');
    expect(codeOf(await ask(transfer.request))).toBe('transfer-signed');
    const back = { script: own, amountSats: COIN_SATS - 4_000n };
    const cancel = { wallet: 'hot-btc', transaction: psbt(spent, [back]), transfers: [] };
    expect(codeOf(await signer.sign(cancel))).toBe('done');
    expect(codeOf(await ask(transfer.request))).toBe('transfer-signed');
  });

  it('uses up the request id: another request under it is refused (request-id-used)', async () => {
    const { request } = small();
    voidIn(await ask(request));
    const renamed = deployment.transfer(other(request, { amount: '100001' }));
    expect(codeOf(await signer.sign(paying([renamed])))).toBe('request-id-used');
  });

  it('of another request under an id that was signed leaves that one as it is', async () => {
    const transfer = small();
    const order = paying([transfer]);
    expect(codeOf(await signer.sign(order))).toBe('done');
    const rival = other(transfer.request, { amount: '100001' });
    voidIn(await ask(rival));
    expect(await stateOf(transfer.request)).toBe('signed');
    expect(codeOf(await signer.sign(order))).toBe('done');
  });

  it('is given for what a key asked for that was removed since, and for what has expired', async () => {
    const { request } = small();
    const bydesk = deployment.request({ requester: 'carol' }, deployment.desk);
    const removal = deployment.entry({ kind: 'request-key-removed', keyId: deployment.desk.keyId }, [
      deployment.alice,
      deployment.bob,
    ]);
    expect(codeOf(await signer.ask({ verb: 'governance-append', entry: removal }))).toBe('done');
    deployment.log.push(removal);
    voidIn(await ask(bydesk));
    deployment.time.advance(2 * 3_600_000);
    expect(codeOf(await signer.sign(paying([deployment.transfer(request)])))).toBe('request-expired');
    voidIn(await ask(request));
  });
});

describe('a void: the signer refuses', () => {
  it('what is from the future: a restore would not know it for dead (request-from-the-future)', async () => {
    const createdAtMs = deployment.time.wall + 20 * 60_000;
    const request = deployment.request({ createdAtMs, expiresAtMs: createdAtMs + 3_600_000 });
    expect(codeOf(await ask(request))).toBe('request-from-the-future');
    expect(await stateOf(request)).toBe('unseen');
    deployment.time.advance(15 * 60_000);
    expect(codeOf(await ask(request))).toBe('done');
  });

  it('what nobody asked for whom governance ever knew (request-key-unknown, request-signature-invalid, request-other-deployment)', async () => {
    const stranger = makeBackend('stranger', ['exchange']);
    expect(codeOf(await ask(deployment.request({}, stranger)))).toBe('request-key-unknown');
    const { request } = small();
    const forged = { ...request, statement: { ...request.statement, amount: '1' } };
    expect(codeOf(await ask(forged))).toBe('request-signature-invalid');
    const elsewhere = deployment.request({ deploymentId: randomBytes(32).toString('hex') });
    expect(codeOf(await ask(elsewhere))).toBe('request-other-deployment');
    expect(await stateOf(forged)).toBe('unseen');
  });

  it('while the token is at a signature for it, however long it takes (transfer-being-signed)', async () => {
    const transfer = small();
    const { signing, answer } = await whileTokenWaits(deployment, async () => {
      const begun = signer.sign(paying([transfer]));
      for (let looks = 0; (await stateOf(transfer.request)) !== 'reserved'; looks++) {
        if (looks > 100) throw new Error('it was never reserved');
      }
      return { signing: begun, answer: await ask(transfer.request) };
    });
    expect(codeOf(answer)).toBe('transfer-being-signed');
    expect(codeOf(await signing)).toBe('done');
    expect(codeOf(await ask(transfer.request))).toBe('transfer-signed');
  });

  it('to have both, however void and signature are raced', async () => {
    const second = await deployment.connect();
    const outcomes = { voids: 0, signatures: 0 };
    for (let round = 0; round < 30; round++) {
      deployment.time.advance(25 * 3_600_000);
      const transfer = small('41000');
      const order = paying([transfer]);
      const atOnce = (one: () => Promise<Reply>) => one;
      const later = (one: () => Promise<Reply>) => () => sleep(1 + (round % 7)).then(one);
      // Who begins has the advantage, so each of them begins in half of the rounds.
      const [voiding, signing] = round % 2 === 0 ? [atOnce, later] : [later, atOnce];
      const asks = [
        signing(() => second.sign(order)),
        voiding(() => ask(transfer.request)),
        signing(() => signer.sign(order)),
        voiding(() => ask(transfer.request, second)),
      ];
      const turned = [...asks.slice(round % 4), ...asks.slice(0, round % 4)];
      const answers = await Promise.all(turned.map(async (one) => one()));
      const done = answers.flatMap((answer) => (answer.kind === 'done' ? [answer.result] : []));
      const voids = done.filter((result) => attestedVoid.safeParse(result).success).length;
      expect(voids === 0 || voids === done.length).toBe(true);
      expect(done.length).toBeGreaterThan(0);
      outcomes[voids > 0 ? 'voids' : 'signatures']++;
      for (const answer of answers.filter(({ kind }) => kind !== 'done')) {
        expect(['transfer-void', 'transfer-being-signed', 'transfer-signed']).toContain(codeOf(answer));
      }
    }
    expect(Math.min(outcomes.voids, outcomes.signatures)).toBeGreaterThan(0);
  });
});

describe('what was begun and never signed', () => {
  async function reserved(order: SigningOrder, body: () => Promise<void>) {
    const answer = await whileTokenFails(deployment, () => signer.sign(order));
    expect(codeOf(answer)).toBe('internal');
    await body();
  }

  it('is void with its request: its coins are free, and the others that it was to pay are paid by another transaction', async () => {
    const [lost, kept] = [small(), small('110000')];
    const spent = [coin(own, COIN_SATS)];
    const order = paying([lost, kept], spent);
    await reserved(order, async () => {
      expect(codeOf(await signer.sign(paying([kept])))).toBe('transfer-already-signed');
      expect(codeOf(await signer.sign(paying([small('120000')], spent)))).toBe('outpoint-used');
      expect(voidIn(await ask(lost.request)).statement.basis).toBe('never-signed');
      expect(codeOf(await signer.sign(order))).toBe('transfer-void');
      expect(codeOf(await signer.sign(paying([small('120000')], spent)))).toBe('done');
      expect(codeOf(await signer.sign(paying([kept])))).toBe('done');
    });
  });

  it('leaves a cancel of it a way to be bumped, within the same ceiling, and frees nothing meanwhile', async () => {
    const lost = small();
    const spent = [coin(own, COIN_SATS)];
    const cancel = (feeSats: bigint) => ({
      wallet: 'hot-btc',
      transaction: psbt(spent, [{ script: own, amountSats: COIN_SATS - feeSats }]),
      transfers: [],
    });
    await reserved(paying([lost], spent), async () => {
      expect(codeOf(await signer.sign(cancel(300n)))).toBe('done');
      voidIn(await ask(lost.request));
      expect(codeOf(await signer.sign(paying([small('120000')], spent)))).toBe('outpoint-used');
      expect(codeOf(await signer.sign(cancel(20_001n)))).toBe('fee-above-ceiling');
      expect(codeOf(await signer.sign(cancel(3_000n)))).toBe('done');
      expect(codeOf(await signer.sign(paying([lost], spent)))).toBe('transfer-void');
    });
  });

  it('is not cancelled once its coins are free (nothing-to-cancel)', async () => {
    const lost = small();
    const spent = [coin(own, COIN_SATS)];
    await reserved(paying([lost], spent), async () => {
      voidIn(await ask(lost.request));
      const back = { script: own, amountSats: COIN_SATS - 300n };
      const cancel = { wallet: 'hot-btc', transaction: psbt(spent, [back]), transfers: [] };
      expect(codeOf(await signer.sign(cancel))).toBe('nothing-to-cancel');
      expect(codeOf(await signer.sign(paying([small('120000')], spent)))).toBe('done');
    });
  });

  it('gives its nonce back to another transfer, and to nothing else', async () => {
    const address = '0x70997970C51812dc3A010C7d01b50e0d17dc79C8';
    const base = 1_000_000_000_000_000n;
    const transferOf = (more: bigint) =>
      deployment.transfer(
        deployment.request({
          chain: 'eip155:31337',
          wallet: 'hot-eth',
          asset: { kind: 'native', symbol: 'ETH', decimals: 18 },
          amount: (base + more).toString(),
          feeCeiling: '5000000000000000',
          destination: address,
        }),
      );
    const orderOf = (transfer: OrderedTransfer, nonce: number) => ({
      wallet: 'hot-eth',
      transaction: eip1559({ to: address, value: BigInt(transfer.request.statement.amount), nonce }),
      transfers: [transfer],
    });
    const lost = transferOf(1n);
    await reserved(orderOf(lost, 0), async () => {
      expect(codeOf(await signer.sign(orderOf(transferOf(2n), 0)))).toBe('nonce-used');
      voidIn(await ask(lost.request));
      expect(codeOf(await signer.sign(orderOf(lost, 0)))).toBe('transfer-void');
      const next = transferOf(3n);
      expect(codeOf(await signer.sign(orderOf(next, 2)))).toBe('nonce-gap');
      expect(codeOf(await signer.sign(orderOf(next, 0)))).toBe('done');
      expect(codeOf(await signer.sign(orderOf(transferOf(4n), 0)))).toBe('nonce-used');
    });
  });
});

describe('whoever checks a void refuses', () => {
  const codes = (input: unknown, request: SignedRequest, changed: object = {}) => {
    const checked = verifyVoid(input, request.statement, { ...authority(), ...changed }, portableVerifier);
    return checked.kind === 'refused' ? checked.code : checked.kind;
  };

  it('one of another request, deployment or key, and one with any field changed', async () => {
    const { request } = small();
    const given = voidIn(await ask(request));
    expect(codes(given, request)).toBe('accepted');
    expect(codes(given, small().request)).toBe('void-other-request');
    expect(codes(given, request, { deploymentId: '0'.repeat(64) })).toBe('void-other-deployment');
    expect(codes(given, request, { attestationKey: deployment.alice.credential.publicKey })).toBe(
      'void-signature-invalid',
    );
    expect(codes({ ...given, more: 1 }, request)).toBe('void-malformed');
    const digest = createHash('sha256').update('another').digest('hex');
    for (const changed of [
      { basis: 'buried' },
      { journalSequence: given.statement.journalSequence + 1 },
      { journalHash: digest },
      { voidedAtMs: given.statement.voidedAtMs + 1 },
    ]) {
      const altered = { ...given, statement: { ...given.statement, ...changed } };
      expect(codes(altered, request)).toBe('void-signature-invalid');
    }
  });
});
