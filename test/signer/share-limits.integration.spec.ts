// Limits on a share of what the wallet holds, at the signer: the balance is what two watchers sign, and who carries their word
// chooses which of it the signer sees.

import { generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Deployment, ETH, ETHEREUM } from '../../devnet/deployment.js';
import { codeOf, type SocketClient } from '../../devnet/socket-client.js';
import { eip1559 } from '../../devnet/transactions.js';
import { decisionsOf } from '../../src/core/certificates/certificate.js';
import { verifyCertificate } from '../../src/core/certificates/verify.js';
import { FACT_TYPE, type SignedFact } from '../../src/core/facts/fact.js';
import { factBytes } from '../../src/core/facts/fact-bytes.js';
import { portableVerifier } from '../../src/core/statements/signature.js';
import { signResult } from '../../src/signer-protocol/messages.js';

const DESTINATION = '0x70997970C51812dc3A010C7d01b50e0d17dc79C8';
const FINNEY = 10n ** 15n;
const LINES = `
policy: hot-ethereum
applies-to: { wallets: [hot-eth] }
fee-caps: { absolute: "0.01 ETH", relative: "100%" }
limits:
  - { id: day, per: wallet, asset: ETH, window: 24h, max-share: "20%" }
rules:
  - { id: all, when: { asset: ETH }, then: allow }`
  .trim()
  .split('\n');

interface Watcher {
  readonly keyId: string;
  readonly secret: KeyObject;
  readonly publicKey: string;
}

function watcherOf(keyId: string): Watcher {
  const { publicKey, privateKey } = generateKeyPairSync('ed25519');
  const raw = publicKey.export({ format: 'der', type: 'spki' }).subarray(-32);
  return { keyId, secret: privateKey, publicKey: raw.toString('hex') };
}

const [first, second] = [watcherOf('first'), watcherOf('second')];
let deployment: Deployment;
let client: SocketClient;
let nonce = 0;
let sequence = 0;

beforeAll(async () => {
  deployment = await Deployment.create({ policies: [{ name: 'hot-ethereum', lines: LINES }] });
  client = await deployment.start();
  for (const { keyId, publicKey } of [first, second]) {
    const factKey = {
      keyId,
      algorithm: 'ed25519' as const,
      publicKey,
      source: keyId,
      kinds: ['balance' as const],
    };
    const entry = deployment.entry({ kind: 'fact-key-added', factKey }, [deployment.alice, deployment.bob]);
    expect(codeOf(await client.ask({ verb: 'governance-append', entry }))).toBe('done');
    deployment.log.push(entry);
  }
});
afterAll(() => deployment.destroy());

/** What a watcher says that the wallet holds, in thousandths of an ether. */
function held(by: Watcher, finney: bigint, observedAtMs = deployment.time.wall): SignedFact {
  sequence += 1;
  const statement = {
    type: FACT_TYPE,
    deploymentId: deployment.deploymentId,
    keyId: by.keyId,
    sequence,
    observedAtMs,
    content: {
      kind: 'balance' as const,
      wallet: 'hot-eth',
      chain: ETHEREUM,
      contract: 'native',
      amount: (finney * FINNEY).toString(),
    },
  } as const;
  return { statement, signature: sign(null, factBytes(statement), by.secret).toString('hex') };
}

/** A payment that takes so much from the limit, a thousandth of an ether of it for what it may cost. */
async function pay(finney: bigint, facts: readonly SignedFact[]) {
  const amount = (finney - 1n) * FINNEY;
  const request = deployment.request({
    chain: ETHEREUM,
    wallet: 'hot-eth',
    asset: ETH,
    amount: amount.toString(),
    destination: DESTINATION,
    feeCeiling: FINNEY.toString(),
  });
  const answer = await client.sign({
    wallet: 'hot-eth',
    transaction: eip1559({ to: DESTINATION, value: amount, nonce }),
    transfers: [deployment.transfer(request)],
    ...(facts.length > 0 && { facts: [...facts] }),
  });
  if (answer.kind === 'done') nonce += 1;
  return answer;
}

const paid = async (finney: bigint, ...facts: readonly SignedFact[]) => codeOf(await pay(finney, facts));

describe('a limit on a share of the balance', () => {
  it('refuses what nobody states the balance for, or nobody of late (fact-missing, fact-too-old)', async () => {
    expect(await paid(2n)).toBe('fact-missing');
    const old = held(first, 1_000n, deployment.time.wall - 3_600_000);
    expect(await paid(2n, old)).toBe('fact-too-old');
  });

  it('is one of the smaller balance of two, and is proved by the certificate', async () => {
    expect(await paid(101n, held(first, 1_000n), held(second, 500n))).toBe('limit-exceeded');
    const answer = await pay(100n, [held(first, 1_000n), held(second, 500n)]);
    expect(codeOf(answer)).toBe('done');
    const { certificate } = signResult.parse(answer.kind === 'done' ? answer.result : undefined);
    expect(decisionsOf(certificate)[0]?.limits).toMatchObject([
      { limitId: 'hot-ethereum/day', max: (100n * FINNEY).toString(), usedBefore: '0' },
    ]);
    const verify = (of: typeof certificate) =>
      verifyCertificate(of, deployment.log, deployment.deploymentId, portableVerifier).kind;
    expect(verify(certificate)).toBe('accepted');
    const without = structuredClone(certificate);
    without.reservation.order.facts = without.reservation.order.facts?.slice(0, 1) ?? [];
    expect(verify(without)).toBe('refused');
  });

  it('counts what was paid, against the balance of now', async () => {
    expect(await paid(2n, held(first, 500n))).toBe('limit-exceeded');
    expect(await paid(100n, held(first, 1_000n))).toBe('done');
    expect(await paid(2n, held(first, 1_000n))).toBe('limit-exceeded');
  });
});
