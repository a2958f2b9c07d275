// Unattended signing takes a governor's word about the head of governance: whoever owns the orchestrator keeps a
// freeze or a removal from the signer, and gains the word's age at most.

import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Deployment, type Officer } from '../../devnet/deployment.js';
import { codeOf, type SocketClient } from '../../devnet/socket-client.js';
import { coin, payTo, psbt } from '../../devnet/transactions.js';
import type { SigningOrder } from '../../src/core/authorization/signing-order.js';
import { verifyCertificate } from '../../src/core/certificates/verify.js';
import { p2wpkhScript } from '../../src/core/intents/bitcoin/address.js';
import { nativeVerifier } from '../../src/platform/native-verifier.js';
import { MAX_DIVERGENCE_MS } from '../../src/signer/signer-clock.js';
import { signResult } from '../../src/signer-protocol/messages.js';

const HOUR_MS = 3_600_000;
const DESTINATION = 'bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080';

let deployment: Deployment;
let signer: SocketClient;
let own: string;
let amount = 100_000n;

beforeAll(async () => {
  const veto = { group: 'governors', threshold: 1 };
  deployment = await Deployment.create({
    timelock: { whitelistMs: 0, policyMs: 0, freshHeadMs: 24 * HOUR_MS, veto },
  });
  signer = await deployment.start();
  own = p2wpkhScript(deployment.publicKeys.bitcoin);
});
afterAll(() => deployment.destroy());

const head = (officer?: Officer) => deployment.word(officer);

function paying(more: Partial<SigningOrder> = {}, officers: readonly Officer[] = []): SigningOrder {
  amount += 1n;
  const sats = officers.length > 0 ? 10_000_000n + amount : amount;
  const request = deployment.request({ amount: sats.toString(), destination: DESTINATION });
  const outputs = [payTo(DESTINATION, sats), { script: own, amountSats: 199_998_000n - sats }];
  return {
    wallet: 'hot-btc',
    transaction: psbt([coin(own, 200_000_000n)], outputs),
    transfers: [deployment.transfer(request, officers)],
    ...more,
  };
}

describe('what nobody approves', () => {
  it('is signed with a fresh word alone, and its certificate carries it', async () => {
    expect(codeOf(await signer.ask({ verb: 'sign', order: paying() }))).toBe('head-missing');
    const answer = await signer.sign(paying({ head: head() }));
    if (answer.kind !== 'done') throw new Error(codeOf(answer));
    const { certificate } = signResult.parse(answer.result);
    expect(certificate.reservation.order.head?.credentialId).toBe('alice-token');
    const verify = (altered: object) =>
      verifyCertificate(altered, deployment.log, deployment.deploymentId, nativeVerifier);
    const verified = verify(certificate);
    if (verified.kind === 'refused') throw new Error(verified.code);
    expect(verified.value.proved.join()).toMatch(
      /alice-token, a governor's, has signed \d+ minutes before that entry/,
    );
    expect(verified.value.trusted).toContain('that governance had no newer entry then, as alice-token says');
    const { reservation } = certificate;
    const { head: _, ...without } = reservation.order;
    expect(verify({ ...certificate, reservation: { ...reservation, order: without } })).toMatchObject({
      code: 'head-missing',
    });
  });

  it('is not signed a day after, whatever became of the host’s clock', async () => {
    const old = head();
    deployment.time.advance(24 * HOUR_MS - 1);
    expect(codeOf(await signer.sign(paying({ head: old })))).toBe('done');
    const asked = paying({ head: old });
    deployment.time.advance(1);
    const after = deployment.time.wall;
    for (const [backMs, code] of [
      [MAX_DIVERGENCE_MS, 'head-stale'],
      [10 * HOUR_MS, 'clock-diverged'],
    ] as const) {
      deployment.time.wall = after - backMs;
      expect(codeOf(await signer.sign(asked))).toBe(code);
    }
    deployment.time.wall = after;
    expect(codeOf(await signer.sign({ ...asked, head: head() }))).toBe('done');
  });

  it('stops once a governor vouches for an entry that was kept from the signer', async () => {
    const entry = deployment.entry({ kind: 'frozen', scope: { kind: 'everything' }, why: 'seen' }, [
      deployment.bob,
    ]);
    deployment.log.push(entry);
    const known = head(deployment.bob);
    expect(codeOf(await signer.sign(paying({ head: known })))).toBe('head-unknown');
    deployment.log.pop();
  });

  it('is not signed on the word of somebody else', async () => {
    const forged = { ...head(deployment.alice), credentialId: 'bob-token' };
    expect(codeOf(await signer.sign(paying({ head: forged })))).toBe('head-signature-invalid');
    const stranger = { ...head(deployment.alice), credentialId: 'mallory' };
    expect(codeOf(await signer.sign(paying({ head: stranger })))).toBe('head-signer-not-governor');
  });
});

describe('what officers approve', () => {
  it('needs no such word: what they sign names a head', async () => {
    expect(codeOf(await signer.sign(paying({}, [deployment.alice, deployment.bob])))).toBe('done');
  });
});
