// Limits per calendar day at the signer. A day is told by the host's clock, which whoever has the host turns; what was used comes
// back only when the signer has measured the time until then as well.

import { afterEach, describe, expect, it } from '@jest/globals';
import { Deployment, ETH, ETHEREUM, TestTime } from '../../devnet/deployment.js';
import { codeOf, type SocketClient } from '../../devnet/socket-client.js';
import { eip1559 } from '../../devnet/transactions.js';
import { decisionsOf } from '../../src/core/certificates/certificate.js';
import { verifyCertificate } from '../../src/core/certificates/verify.js';
import { portableVerifier } from '../../src/core/statements/signature.js';
import { signResult } from '../../src/signer-protocol/messages.js';

const HOUR_MS = 3_600_000;
const DESTINATION = '0x70997970C51812dc3A010C7d01b50e0d17dc79C8';
const LINES = `
policy: hot-ethereum
applies-to: { wallets: [hot-eth] }
fee-caps: { absolute: "0.01 ETH", relative: "100%" }
limits:
  - { id: day, per: wallet, calendar: day, zone: "+01:00", max-count: 2 }
rules:
  - { id: all, when: { asset: ETH }, then: allow }`
  .trim()
  .split('\n');
/** Two hours before midnight, an hour east of UTC. */
const EVENING = Date.UTC(2027, 2, 4, 21);

let deployment: Deployment;
let client: SocketClient;
let nonce = 0;

async function begin(): Promise<void> {
  nonce = 0;
  deployment = await Deployment.create({
    policies: [{ name: 'hot-ethereum', lines: LINES }],
    time: new TestTime(EVENING),
  });
  client = await deployment.start();
}

afterEach(() => deployment.destroy());

async function pay() {
  const request = deployment.request({
    chain: ETHEREUM,
    wallet: 'hot-eth',
    asset: ETH,
    amount: '1000000000000000',
    destination: DESTINATION,
    feeCeiling: (10n ** 15n).toString(),
  });
  const answer = await client.sign({
    wallet: 'hot-eth',
    transaction: eip1559({ to: DESTINATION, value: 10n ** 15n, nonce }),
    transfers: [deployment.transfer(request)],
  });
  if (answer.kind === 'done') nonce += 1;
  return answer;
}

async function paid(): Promise<string> {
  return codeOf(await pay());
}

/** The signer is stopped, its host's clock is turned by so much, and it is started again from its journal. */
async function startAgain(turnedMs: number): Promise<void> {
  await deployment.stop();
  deployment.time.wall += turnedMs;
  client = await deployment.start();
}

describe('a limit per calendar day', () => {
  it('is full until midnight in its zone, and free then', async () => {
    await begin();
    expect([await paid(), await paid(), await paid()]).toEqual(['done', 'done', 'limit-exceeded']);
    deployment.time.advance(2 * HOUR_MS - 1);
    expect(await paid()).toBe('limit-exceeded');
    deployment.time.advance(1);
    expect([await paid(), await paid(), await paid()]).toEqual(['done', 'done', 'limit-exceeded']);
  });

  it('is not free when the clock was turned beyond midnight, before the signer has measured as much', async () => {
    await begin();
    expect([await paid(), await paid()]).toEqual(['done', 'done']);
    for (let day = 0; day < 3; day += 1) {
      await startAgain(24 * HOUR_MS);
      expect(await paid()).toBe('limit-exceeded');
    }
    deployment.time.advance(2 * HOUR_MS - 1);
    expect(await paid()).toBe('limit-exceeded');
    deployment.time.advance(1);
    expect(await paid()).toBe('done');
  });

  it('gains one midnight at most by a clock that is turned to just before it', async () => {
    await begin();
    await startAgain(2 * HOUR_MS - 1_000);
    expect([await paid(), await paid()]).toEqual(['done', 'done']);
    deployment.time.advance(1_000);
    // Again a second before midnight, of the next day: what begins there is a whole day by measured time.
    await startAgain(24 * HOUR_MS - 1_000);
    expect([await paid(), await paid()]).toEqual(['done', 'done']);
    deployment.time.advance(1_000);
    expect(await paid()).toBe('limit-exceeded');
    await startAgain(48 * HOUR_MS - 1_000);
    deployment.time.advance(1_000);
    expect(await paid()).toBe('limit-exceeded');
    deployment.time.advance(24 * HOUR_MS - 2_001);
    expect(await paid()).toBe('limit-exceeded');
    deployment.time.advance(1);
    expect(await paid()).toBe('done');
  });

  it('is the same after the signer was started again from its journal', async () => {
    await begin();
    expect([await paid(), await paid()]).toEqual(['done', 'done']);
    deployment.time.advance(2 * HOUR_MS);
    expect(await paid()).toBe('done');
    await startAgain(0);
    expect([await paid(), await paid()]).toEqual(['done', 'limit-exceeded']);
  });

  it('stands in the certificate with its calendar', async () => {
    await begin();
    const answer = await pay();
    if (answer.kind !== 'done') throw new Error(codeOf(answer));
    const { certificate } = signResult.parse(answer.result);
    const calendar = { unit: 'day', offsetMinutes: 60 };
    expect(decisionsOf(certificate)[0]?.limits).toEqual([
      {
        limitId: 'hot-ethereum/day',
        key: 'hot-eth by calendar day, +01:00',
        windowMs: 24 * HOUR_MS,
        calendar,
        max: '2',
        usedBefore: '0',
        usedAfter: '1',
      },
    ]);
    const { deploymentId, log } = deployment;
    expect(verifyCertificate(certificate, log, deploymentId, portableVerifier).kind).toBe('accepted');
    const altered = structuredClone(certificate);
    const [charge] = altered.reservation.transfers[0]?.charges ?? [];
    if (!charge) throw new Error('nothing was charged');
    charge.calendar = { unit: 'month', offsetMinutes: 60 };
    expect(verifyCertificate(altered, log, deploymentId, portableVerifier)).toMatchObject({
      kind: 'refused',
    });
  });
});
