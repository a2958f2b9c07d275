// Transfers that a rule holds: how long they wait is measured by the signer while it runs, from the first order for which
// nothing else was missing. Neither the host's clock nor a restart, nor whoever asks, makes it shorter.

import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Deployment, ETH, ETHEREUM } from '../../devnet/deployment.js';
import { codeOf, type SocketClient } from '../../devnet/socket-client.js';
import { eip1559 } from '../../devnet/transactions.js';
import { type Certificate, decisionsOf } from '../../src/core/certificates/certificate.js';
import { verifyCertificate } from '../../src/core/certificates/verify.js';
import { portableVerifier } from '../../src/core/statements/signature.js';
import { signResult } from '../../src/signer-protocol/messages.js';

const HOUR_MS = 3_600_000;
const DESTINATION = '0x70997970C51812dc3A010C7d01b50e0d17dc79C8';
const lines = (hold: string) =>
  `
policy: hot-ethereum
applies-to: { wallets: [hot-eth] }
fee-caps: { absolute: "0.01 ETH", relative: "100%" }
rules:
  - { id: small, when: { asset: ETH, amount-at-most: "0.001 ETH" }, then: allow }
  - { id: held, when: { asset: ETH, amount-at-most: "0.01 ETH" }, then: { hold: ${hold}, then: allow } }
  - id: large
    when: { asset: ETH, amount-at-most: "1 ETH" }
    then: { hold: ${hold}, then: { approve: [{ group: treasury, quorum: 1 }] } }`
    .trim()
    .split('\n');

let deployment: Deployment;
let client: SocketClient;
let nonce = 0;

beforeAll(async () => {
  deployment = await Deployment.create({ policies: [{ name: 'hot-ethereum', lines: lines('24h') }] });
  client = await deployment.start();
});
afterAll(() => deployment.destroy());

async function setPolicies(hold: string): Promise<void> {
  const policies = [{ name: 'hot-ethereum', lines: lines(hold) }];
  const entry = deployment.entry({ kind: 'policies-set', policies }, [deployment.alice, deployment.bob]);
  expect(codeOf(await client.ask({ verb: 'governance-append', entry }))).toBe('done');
  deployment.log.push(entry);
  deployment.policies = policies;
}

function requested(finney: bigint) {
  return deployment.request({
    chain: ETHEREUM,
    wallet: 'hot-eth',
    asset: ETH,
    amount: (finney * 10n ** 15n).toString(),
    destination: DESTINATION,
    feeCeiling: (10n ** 15n).toString(),
    createdAtMs: deployment.time.wall,
    expiresAtMs: deployment.time.wall + 6 * 24 * HOUR_MS,
  });
}

function orderFor(
  request: ReturnType<typeof requested>,
  officers: Parameters<Deployment['transfer']>[1] = [],
  tip = 1n,
) {
  const { destination, amount } = request.statement;
  const transaction = eip1559({
    to: destination,
    value: BigInt(amount),
    nonce,
    maxPriorityFeePerGas: tip * 1_000_000_000n,
    maxFeePerGas: (20n + tip) * 1_000_000_000n,
  });
  return { wallet: 'hot-eth', transaction, transfers: [deployment.transfer(request, officers)] };
}

async function answerTo(order: ReturnType<typeof orderFor>) {
  const answer = await client.sign(order);
  if (answer.kind !== 'refused') return codeOf(answer);
  const { leftMs } = answer.facts;
  return typeof leftMs === 'number' ? `${answer.code}, ${leftMs} ms left` : answer.code;
}

async function certificateOf(order: ReturnType<typeof orderFor>): Promise<Certificate> {
  const answer = await client.sign(order);
  if (answer.kind !== 'done') throw new Error(codeOf(answer));
  nonce += 1;
  return signResult.parse(answer.result).certificate;
}

async function restarted(): Promise<void> {
  await deployment.stop();
  client = await deployment.start();
}

describe('a transfer that its rule holds', () => {
  it('leaves when the signer has measured the time, and says how long that is', async () => {
    const request = requested(10n);
    expect(await answerTo(orderFor(request))).toBe(`transfer-held, ${24 * HOUR_MS} ms left`);
    deployment.time.advance(HOUR_MS);
    expect(await answerTo(orderFor(request))).toBe(`transfer-held, ${23 * HOUR_MS} ms left`);
    // Other bytes for the same transfer: it is the transfer that waits.
    expect(await answerTo(orderFor(request, [], 2n))).toBe(`transfer-held, ${23 * HOUR_MS} ms left`);
    deployment.time.advance(23 * HOUR_MS - 1);
    expect(await answerTo(orderFor(request))).toBe('transfer-held, 1 ms left');
    deployment.time.advance(1);
    const certificate = await certificateOf(orderFor(request));
    expect(decisionsOf(certificate)[0]).toMatchObject({ rule: 'hot-ethereum/held', heldMs: 24 * HOUR_MS });
    // What replaces it does not wait again.
    nonce -= 1;
    const raised = await certificateOf(orderFor(request, [], 9n));
    expect(decisionsOf(raised)[0]).toMatchObject({ past: 'signed' });
    expect(decisionsOf(raised)[0]?.heldMs).toBeUndefined();
  });

  it('waits no shorter for a clock that is set forward, or while the signer does not run', async () => {
    const request = requested(9n);
    expect(await answerTo(orderFor(request))).toBe(`transfer-held, ${24 * HOUR_MS} ms left`);
    deployment.time.wall += 25 * HOUR_MS;
    expect(await answerTo(orderFor(request))).toBe('clock-diverged');
    await restarted();
    expect(await answerTo(orderFor(request))).toBe(`transfer-held, ${24 * HOUR_MS} ms left`);
    await deployment.stop();
    deployment.time.wall += 25 * HOUR_MS;
    client = await deployment.start();
    expect(await answerTo(orderFor(request))).toBe(`transfer-held, ${24 * HOUR_MS} ms left`);
    deployment.time.advance(24 * HOUR_MS);
    expect(decisionsOf(await certificateOf(orderFor(request)))[0]?.heldMs).toBe(24 * HOUR_MS);
  });

  it('does not wait before it is approved', async () => {
    const request = requested(20n);
    expect(await answerTo(orderFor(request))).toBe('approvals-insufficient');
    deployment.time.advance(24 * HOUR_MS);
    const approved = () => orderFor(request, [deployment.alice]);
    expect(await answerTo(approved())).toBe(`transfer-held, ${24 * HOUR_MS} ms left`);
    deployment.time.advance(24 * HOUR_MS);
    // Without the approval the time counts for nothing.
    expect(await answerTo(orderFor(request))).toBe('approvals-insufficient');
    expect(decisionsOf(await certificateOf(approved()))[0]).toMatchObject({ approvers: ['alice'] });
  });

  it('does not outlive its request', async () => {
    const request = requested(8n);
    expect(await answerTo(orderFor(request))).toContain('transfer-held');
    deployment.time.advance(6 * 24 * HOUR_MS);
    expect(await answerTo(orderFor(request))).toBe('request-expired');
  });

  it('waits anew under other policies', async () => {
    const request = requested(7n);
    expect(await answerTo(orderFor(request))).toBe(`transfer-held, ${24 * HOUR_MS} ms left`);
    deployment.time.advance(23 * HOUR_MS);
    await setPolicies('2h');
    expect(await answerTo(orderFor(request))).toBe(`transfer-held, ${2 * HOUR_MS} ms left`);
    deployment.time.advance(2 * HOUR_MS);
    expect(decisionsOf(await certificateOf(orderFor(request)))[0]?.heldMs).toBe(2 * HOUR_MS);
  });

  it('waits anew where other policies were in force meanwhile, and wants its approvals anew', async () => {
    await setPolicies('2h');
    const request = requested(5n);
    expect(await answerTo(orderFor(request))).toBe(`transfer-held, ${2 * HOUR_MS} ms left`);
    const approved = orderFor(requested(30n), [deployment.alice]);
    expect(await answerTo(approved)).toBe(`transfer-held, ${2 * HOUR_MS} ms left`);
    deployment.time.advance(HOUR_MS / 2);
    await setPolicies('3h');
    await setPolicies('2h');
    expect(await answerTo(orderFor(request))).toBe(`transfer-held, ${2 * HOUR_MS} ms left`);
    // What the officer saw then is in force again; whether it is what they want under it, they have not said.
    expect(await answerTo(approved)).toBe('policy-not-in-force');
    await restarted();
    deployment.time.advance(HOUR_MS);
    expect(await answerTo(orderFor(request))).toBe(`transfer-held, ${HOUR_MS} ms left`);
    deployment.time.advance(HOUR_MS);
    expect(decisionsOf(await certificateOf(orderFor(request)))[0]?.heldMs).toBe(2 * HOUR_MS);
  });

  it('is certified as held, which an auditor takes on trust and decides by', async () => {
    const request = requested(6n);
    expect(await answerTo(orderFor(request))).toContain('transfer-held');
    deployment.time.advance(2 * HOUR_MS);
    const certificate = await certificateOf(orderFor(request));
    const audited = (altered: unknown) =>
      verifyCertificate(altered, deployment.log, deployment.deploymentId, portableVerifier);
    const verified = audited(certificate);
    if (verified.kind === 'refused') throw new Error(verified.code);
    expect(verified.value.trusted.join('\n')).toContain('that it had waited for 120 minutes');
    const heldFor = (heldMs: number | undefined) => ({
      ...certificate,
      reservation: {
        ...certificate.reservation,
        transfers: certificate.reservation.transfers.map(
          ({ decision: { heldMs: _true, ...decision }, ...transfer }) => ({
            ...transfer,
            decision: { ...decision, ...(heldMs !== undefined && { heldMs }) },
          }),
        ),
      },
    });
    expect(audited(heldFor(2 * HOUR_MS - 1))).toMatchObject({ code: 'transfer-held' });
    expect(audited(heldFor(undefined))).toMatchObject({ code: 'transfer-held' });
  });
});
