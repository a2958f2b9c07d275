// What a policy asks of the signer's own memory and clock: whether a destination was paid before, what it could be taken for,
// which hour it is. Nobody's word changes it, a restart forgets nothing of it, and the certificate says what it was.

import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Deployment, ETH, ETHEREUM } from '../../devnet/deployment.js';
import { codeOf, type SocketClient } from '../../devnet/socket-client.js';
import { eip1559 } from '../../devnet/transactions.js';
import type { SigningOrder } from '../../src/core/authorization/signing-order.js';
import { type Certificate, decisionsOf } from '../../src/core/certificates/certificate.js';
import type { CertifiedDecision } from '../../src/core/certificates/decision.js';
import { verifyCertificate } from '../../src/core/certificates/verify.js';
import type { Change } from '../../src/core/governance/entry.js';
import { compressed } from '../../src/core/governance/names.js';
import { checksumAddress } from '../../src/core/intents/ethereum/address.js';
import { portableVerifier } from '../../src/core/statements/signature.js';
import { MAX_DIVERGENCE_MS } from '../../src/signer/signer-clock.js';
import { signResult } from '../../src/signer-protocol/messages.js';

const HOUR_MS = 3_600_000;
const WEI_PER_MILLI = 10n ** 15n;
const POLICY = `
policy: hot-ethereum
applies-to: { wallets: [hot-eth] }
fee-caps: { absolute: "0.01 ETH", relative: "100%" }
rules:
  - { id: poisoned, when: { look-alike: yes }, then: refuse }
  - { id: new, when: { asset: ETH, first-use: yes, amount-at-most: "0.001 ETH" }, then: allow }
  - { id: desk, when: { asset: ETH, whitelist-label-in: [OTC desk B], whitelist-age-at-least: 24h, amount-at-most: "1 ETH" }, then: allow }
  - { id: known, when: { asset: ETH, first-use: no, amount-at-most: "0.01 ETH" }, then: allow }
  - id: by-day
    when:
      asset: ETH
      first-use: no
      amount-at-most: "0.1 ETH"
      fee-at-most: "0.002 ETH"
      within-hours: { from: "08:00", to: "18:00", zone: UTC }
    then: allow
`;
/** As a cold wallet's: what was never paid before goes nowhere. */
const COLD_POLICY = `
policy: cold-ethereum
applies-to: { tier: cold }
fee-caps: { absolute: "0.01 ETH", relative: "100%" }
rules:
  - { id: poisoned, when: { look-alike: yes }, then: refuse }
  - { id: strange, when: { first-use: yes }, then: refuse }
  - { id: known, when: { asset: ETH }, then: allow }
`;

/** An address with these hex digits at its beginning and end, and whatever between them. */
function address(begin: string, end: string, between: string): string {
  return checksumAddress(Buffer.from(`${begin}${between.repeat(32)}${end}`, 'hex'));
}
const PAID = address('5290', '9ee7', '1');
const TAKEN_FOR_IT = address('5290', '9ee7', '2');
const DESK = address('abcd', '0123', '3');
const TAKEN_FOR_DESK = address('abcd', '0123', '4');
const ANOTHER = address('5291', '9ee7', '2');

let deployment: Deployment;
let client: SocketClient;
let nonce = 0;

beforeAll(async () => {
  deployment = await Deployment.create({
    policies: [{ name: 'hot-ethereum', lines: POLICY.trim().split('\n') }],
  });
  deployment.time.wall = Date.UTC(2030, 0, 7, 20);
  client = await deployment.start();
});
afterAll(() => deployment.destroy());

/** The host's clock is so much later then. */
async function restartedAt(laterMs: number): Promise<void> {
  await deployment.stop();
  deployment.time.wall += laterMs;
  client = await deployment.start();
}

async function govern(change: Change): Promise<void> {
  const entry = deployment.entry(change, [deployment.alice, deployment.bob]);
  expect(codeOf(await client.ask({ verb: 'governance-append', entry }))).toBe('done');
  deployment.log.push(entry);
}

function orderTo(destination: string, milliEther: bigint, tip = 1n, wallet = 'hot-eth') {
  const amount = milliEther * WEI_PER_MILLI;
  const request = deployment.request({
    chain: ETHEREUM,
    wallet,
    asset: ETH,
    amount: amount.toString(),
    destination,
    feeCeiling: (2n * WEI_PER_MILLI).toString(),
  });
  return orderFor(request, tip);
}

function orderFor(request: ReturnType<Deployment['request']>, tip: bigint) {
  const { destination, amount, wallet } = request.statement;
  const transaction = eip1559({
    to: destination,
    value: BigInt(amount),
    nonce: wallet === 'hot-eth' ? nonce : 0,
    maxPriorityFeePerGas: tip * 1_000_000_000n,
    maxFeePerGas: (30n + tip) * 1_000_000_000n,
  });
  return { wallet, transaction, transfers: [deployment.transfer(request)] };
}

async function answered(order: SigningOrder): Promise<string | Certificate> {
  const answer = await client.sign(order);
  return answer.kind === 'done' ? signResult.parse(answer.result).certificate : codeOf(answer);
}

/** The certificate of an order that is signed. */
async function certificateOf(order: SigningOrder): Promise<Certificate> {
  const answer = await answered(order);
  if (typeof answer === 'string') throw new Error(answer);
  return answer;
}

/** The reservation of a certificate as if the signer had decided otherwise. */
function withDecisions({ reservation }: Certificate, altered: (decision: CertifiedDecision) => object) {
  const transfers = reservation.transfers.map((one) => ({ ...one, decision: altered(one.decision) }));
  return { ...reservation, transfers };
}

function audited(certificate: unknown) {
  return verifyCertificate(certificate, deployment.log, deployment.deploymentId, portableVerifier);
}

describe('what the signer knows', () => {
  it('bounds what a new destination may get, whatever is asked for first', async () => {
    expect(await answered(orderTo(PAID, 2n))).toBe('policy-no-match');
    const decisions = decisionsOf(await certificateOf(orderTo(PAID, 1n)));
    nonce += 1;
    expect(decisions[0]).toMatchObject({ rule: 'hot-ethereum/new', knew: { firstUse: true } });
    const later = await certificateOf(orderTo(PAID, 10n));
    nonce += 1;
    expect(decisionsOf(later)[0]).toMatchObject({ rule: 'hot-ethereum/known', knew: { firstUse: false } });
  });

  it('refuses what could be taken for a destination that was paid, and not its neighbours', async () => {
    expect(await answered(orderTo(TAKEN_FOR_IT, 1n))).toBe('policy-refused');
    expect(typeof (await answered(orderTo(ANOTHER, 1n)))).toBe('object');
    nonce += 1;
  });

  it('is known after a restart as before it', async () => {
    await deployment.stop();
    client = await deployment.start();
    expect(await answered(orderTo(TAKEN_FOR_IT, 1n))).toBe('policy-refused');
    expect(typeof (await answered(orderTo(PAID, 10n)))).toBe('object');
    nonce += 1;
  });

  it('lets its hours begin and end', async () => {
    expect(await answered({ ...orderTo(PAID, 11n), head: deployment.word() })).toBe('policy-no-match');
    deployment.time.advance(12 * HOUR_MS);
    const order = orderTo(PAID, 11n);
    const certificate = await certificateOf(order);
    expect(decisionsOf(certificate)[0]).toMatchObject({
      rule: 'hot-ethereum/by-day',
      knew: { atMs: Date.UTC(2030, 0, 8, 8) },
    });
    // Another moment than that of the decision is nobody's word.
    const lying = (altered: object) =>
      audited({
        ...certificate,
        reservation: withDecisions(certificate, (decision) => ({
          ...decision,
          knew: { ...decision.knew, ...altered },
        })),
      });
    expect(lying({ atMs: Date.UTC(2030, 0, 8, 8) + 1 })).toMatchObject({
      code: 'certificate-decision-mismatch',
    });
    const [transfer] = order.transfers;
    if (!transfer) throw new Error('no transfer');
    // What replaces it is judged by the hour of the first: a fee can be raised at night as well.
    deployment.time.advance(12 * HOUR_MS);
    const raised = await certificateOf(orderFor(transfer.request, 9n));
    nonce += 1;
    expect(decisionsOf(raised)[0]).toMatchObject({
      past: 'signed',
      rule: 'hot-ethereum/by-day',
      knew: { atMs: Date.UTC(2030, 0, 8, 8) },
    });
    expect(audited(raised).kind).toBe('accepted');
    expect(await answered(orderTo(PAID, 11n))).toBe('policy-no-match');
  });

  it('does not take an hour from a clock that was set forward while it ran', async () => {
    deployment.time.wall += 12 * HOUR_MS;
    expect(await answered(orderTo(PAID, 11n))).toBe('clock-diverged');
    deployment.time.wall -= 12 * HOUR_MS;
    expect(await answered(orderTo(PAID, 11n))).toBe('policy-no-match');
    deployment.time.advance(12 * HOUR_MS);
    expect(typeof (await answered(orderTo(PAID, 11n)))).toBe('object');
    nonce += 1;
  });

  it('takes no hour from a clock that was set forward while it was off, until a governor says the same', async () => {
    deployment.time.advance(12 * HOUR_MS);
    await restartedAt(0);
    expect(await answered(orderTo(PAID, 11n))).toBe('policy-no-match');
    // At night, by the true clock: whoever starts the signer with another one gets no office hours.
    const before = deployment.word();
    await restartedAt(13 * HOUR_MS);
    for (const head of [
      undefined,
      before,
      { ...deployment.word(), signature: '00'.repeat(64) },
      { ...deployment.word(), credentialId: 'erika-token' },
      deployment.word(deployment.alice, { sequence: 999 }),
      deployment.word(deployment.alice, { createdAtMs: deployment.time.wall - MAX_DIVERGENCE_MS }),
      deployment.word(deployment.alice, { createdAtMs: deployment.time.wall + MAX_DIVERGENCE_MS }),
    ]) {
      const order = { ...orderTo(PAID, 11n), ...(head && { head }) };
      expect(await client.ask({ verb: 'sign', order })).toMatchObject({
        code: 'fact-missing',
        facts: { rule: 'hot-ethereum/by-day', fact: 'hour' },
      });
    }
    // What asks for no hour goes on.
    await certificateOf({ ...orderTo(PAID, 10n), head: before });
    nonce += 1;
    // Another start with that clock makes it no truer.
    await restartedAt(0);
    expect(await answered({ ...orderTo(PAID, 11n), head: before })).toBe('fact-missing');
    await certificateOf(orderTo(PAID, 11n));
    nonce += 1;
    await certificateOf(orderTo(PAID, 11n));
    nonce += 1;
    await restartedAt(MAX_DIVERGENCE_MS / 2);
    const known = await certificateOf(orderTo(PAID, 11n));
    nonce += 1;
    expect(decisionsOf(known)[0]?.knew?.atMs).toBe(deployment.time.wall);
    expect(audited(known).kind).toBe('accepted');
    const earlier = deployment.word();
    await restartedAt(MAX_DIVERGENCE_MS + 1);
    expect(await answered({ ...orderTo(PAID, 11n), head: earlier })).toBe('fact-missing');
    await govern({ kind: 'time-set', timeMs: deployment.time.wall });
    await certificateOf(orderTo(PAID, 11n));
    nonce += 1;
  });

  it('is of the wallet that paid: what a hot one paid is as new to a cold one as anything', async () => {
    const token = deployment.spawnTreasury();
    const { publicKey } = await token.generateKey('cold-eth-1', 'secp256k1');
    await token.close();
    const keys = [{ label: 'cold-eth-1', publicKey: compressed(publicKey) }];
    const wallet = { walletId: 'cold-eth', chain: ETHEREUM, tier: 'cold', token: 'treasury' } as const;
    const cold = { name: 'cold-ethereum', lines: COLD_POLICY.trim().split('\n') };
    deployment.policies = [...deployment.policies, cold];
    await govern({ kind: 'wallet-added', wallet: { ...wallet, keys } });
    await govern({ kind: 'policies-set', policies: [...deployment.policies] });
    expect(await client.sign(orderTo(PAID, 1n, 1n, 'cold-eth'))).toMatchObject({
      code: 'policy-refused',
      facts: { rule: 'cold-ethereum/strange' },
    });
    // What another wallet paid can be taken for all the same.
    expect(await client.sign(orderTo(TAKEN_FOR_IT, 1n, 1n, 'cold-eth'))).toMatchObject({
      code: 'policy-refused',
      facts: { rule: 'cold-ethereum/poisoned' },
    });
  });

  it('takes the whitelist from governance, and its age from time that it ran', async () => {
    const entry = {
      entryId: 'wl-1',
      label: 'OTC desk B',
      chain: ETHEREUM,
      address: DESK,
      tiers: ['hot' as const],
    };
    await govern({ kind: 'whitelist-added', entry });
    expect(await answered(orderTo(TAKEN_FOR_DESK, 1n))).toBe('policy-refused');
    // It is on the whitelist for hot wallets alone.
    expect(await answered(orderTo(DESK, 1n, 1n, 'cold-eth'))).toBe('policy-refused');
    deployment.time.advance(24 * HOUR_MS - 1);
    expect(await answered(orderTo(DESK, 20n))).toBe('policy-no-match');
    await deployment.stop();
    // The signer does not run in this day.
    deployment.time.wall += 24 * HOUR_MS;
    client = await deployment.start();
    expect(await answered(orderTo(DESK, 20n))).toBe('policy-no-match');
    deployment.time.advance(1);
    const certificate = await certificateOf(orderTo(DESK, 20n));
    nonce += 1;
    const whitelist = { entryId: 'wl-1', label: 'OTC desk B', ageMs: 24 * HOUR_MS };
    expect(decisionsOf(certificate)[0]).toMatchObject({ rule: 'hot-ethereum/desk', knew: { whitelist } });
    expect(audited(certificate).kind).toBe('accepted');
    const lying = (altered: object) => ({
      ...certificate,
      reservation: withDecisions(certificate, (decision) => ({
        ...decision,
        knew: { ...decision.knew, whitelist: { ...whitelist, ...altered } },
      })),
    });
    expect(audited(lying({ label: 'OTC desk A' }))).toMatchObject({ code: 'certificate-decision-mismatch' });
    expect(audited(lying({ entryId: 'wl-2' }))).toMatchObject({ code: 'certificate-decision-mismatch' });
    expect(audited(lying({ ageMs: 24 * HOUR_MS - 1 }))).toMatchObject({ code: 'policy-no-match' });
  });

  it('is told by the certificate, named as taken on trust, and decides there as well', async () => {
    const certificate = await certificateOf(orderTo(PAID, 1n));
    nonce += 1;
    const verified = audited(certificate);
    const { transferId } = decisionsOf(certificate)[0] ?? {};
    if (verified.kind === 'refused') throw new Error(verified.code);
    expect(verified.value.trusted).toContain(
      `${transferId}: that its destination was paid before by this wallet, and looks like no other known one`,
    );
    const lying = (knew: object | undefined) => ({
      ...certificate,
      reservation: withDecisions(certificate, ({ knew: _true, ...decision }) => ({
        ...decision,
        ...(knew && { knew }),
      })),
    });
    expect(audited(lying(undefined))).toMatchObject({ code: 'policy-error' });
    expect(audited(lying({ firstUse: true }))).toMatchObject({ code: 'certificate-decision-mismatch' });
    expect(audited(lying({ firstUse: false, lookAlikeOf: TAKEN_FOR_IT }))).toMatchObject({
      code: 'policy-refused',
    });
    expect(audited(lying({ firstUse: 'no' }))).toMatchObject({ code: 'certificate-malformed' });
  });
});
