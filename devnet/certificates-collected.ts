// The certificates that the verifier's vectors are made of: a deployment with a real signer on a SoftHSM token, and what it signs in
// its life. Officers have tokens, and later a passkey and a device, both played in software.

import { secp256k1 } from '@noble/curves/secp256k1.js';
import { bytesToHex } from '@noble/hashes/utils.js';
import type { Certificate } from '../src/core/certificates/certificate.js';
import { attestationKeyBytes } from '../src/core/governance/attestation-key.js';
import { credential, type Person } from '../src/core/governance/entry.js';
import { p2wpkhScript } from '../src/core/intents/bitcoin/address.js';
import {
  type Approval,
  approvalBytes,
  givenApprovalDigest,
  type TransferStatement,
} from '../src/core/statements/approval.js';
import { aPasskey } from '../src/core/statements/passkey.fixture.js';
import { personalMessageDigest } from '../src/core/statements/signature.js';
import { passkeySignature } from '../src/sdk/passkeys.js';
import { certificatesResult } from '../src/signer-protocol/messages.js';
import { whileTokenFails } from './broken-token.js';
import { type Deployment, ETH, ETHEREUM } from './deployment.js';
import { governed, watched } from './certificates-watched.js';
import { signedByToken } from './forged-pages.js';
import { codeOf, type SocketClient } from './socket-client.js';
import { coin, eip1559, payTo, psbt } from './transactions.js';

const DESTINATION = 'bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080';
const DESTINATION_ETH = '0x70997970C51812dc3A010C7d01b50e0d17dc79C8';
/** The attestation key at first, and the one that takes its place. */
export const OLD_KEY = 'attestation';
export const NEW_KEY = 'attestation-2';
const MOST_PAGES = 4;

const IN_STEPS = `policy: hot-bitcoin
applies-to: { wallets: [hot-btc] }
fee-caps: { absolute: "0.0005 BTC", relative: "5%" }
limits:
  - { id: month, per: wallet, asset: BTC, calendar: month, zone: UTC, max: "20 BTC" }
rules:
  - id: in-turn
    when: { asset: BTC }
    then:
      approve:
        steps:
          - [{ group: treasury, quorum: 2, with: { passkey: 1 } }]
          - [{ group: governors, quorum: 1, with: { device-display: 1 } }]`.split('\n');

async function sign(client: SocketClient, order: Parameters<SocketClient['sign']>[0], code = 'done') {
  const found = codeOf(await client.sign(order));
  if (found !== code) throw new Error(`the signer answers ${found}`);
}

/** Seven reservations: a payment that two officers approved, a fee bump, ether, a small one, one begun, one void, a cancel. */
async function usual(deployment: Deployment, client: SocketClient): Promise<void> {
  const own = p2wpkhScript(deployment.publicKeys.bitcoin);
  const paying = (
    transfer: ReturnType<Deployment['transfer']>,
    spent = coin(own, 10_000_000n),
    fee = 2_000n,
  ) => {
    const amountSats = BigInt(transfer.request.statement.amount);
    const change = { script: own, amountSats: 10_000_000n - amountSats - fee };
    return {
      wallet: 'hot-btc',
      transaction: psbt([spent], [payTo(DESTINATION, amountSats), change]),
      transfers: [transfer],
    };
  };
  const small = () => deployment.transfer(deployment.request({ amount: '100000', destination: DESTINATION }));
  const approved = deployment.transfer(deployment.request({ amount: '5000000', destination: DESTINATION }), [
    deployment.alice,
    deployment.bob,
  ]);
  const spent = coin(own, 10_000_000n);
  await sign(client, paying(approved, spent));
  deployment.time.advance(60_000);
  await sign(client, paying(approved, spent, 4_000n));
  const ether = deployment.request({
    chain: ETHEREUM,
    wallet: 'hot-eth',
    asset: ETH,
    amount: '1000000000000000',
    feeCeiling: '5000000000000000',
    destination: DESTINATION_ETH,
  });
  await sign(client, {
    wallet: 'hot-eth',
    transaction: eip1559({ to: DESTINATION_ETH, value: 1_000_000_000_000_000n }),
    transfers: [deployment.transfer(ether)],
  });
  const cancelledCoin = coin(own, 10_000_000n);
  await sign(client, paying(small(), cancelledCoin));
  const dropped = small();
  await whileTokenFails(deployment, async () => {
    await sign(client, paying(small()), 'internal');
    await sign(client, paying(dropped), 'internal');
  });
  const voided = codeOf(await client.ask({ verb: 'void', request: dropped.request }));
  if (voided !== 'done') throw new Error(`the signer answers ${voided}`);
  const back = { script: own, amountSats: 10_000_000n - 5_000n };
  await sign(client, { wallet: 'hot-btc', transaction: psbt([cancelledCoin], [back]), transfers: [] });
}

function device(personId: string) {
  const secret = secp256k1.utils.randomSecretKey();
  const held = credential.parse({
    credentialId: `${personId}-ledger`,
    credentialClass: 'device-display',
    algorithm: 'eip191',
    publicKey: bytesToHex(secp256k1.getPublicKey(secret)),
  });
  return {
    person: { personId, name: personId, credentials: [held] } satisfies Person,
    approve: (statement: TransferStatement, before: readonly Approval[]): Approval => {
      const follows = before.map((one) => givenApprovalDigest(one, statement)).sort();
      const digest = personalMessageDigest(approvalBytes('approve', statement, follows));
      const signature = bytesToHex(secp256k1.sign(digest, secret, { prehash: false }));
      return { credentialId: held.credentialId, verdict: 'approve', signature, follows };
    },
  };
}

function passkeyHolder(personId: string) {
  const passkey = aPasskey();
  const held = credential.parse({
    credentialId: `${personId}-passkey`,
    credentialClass: 'passkey',
    algorithm: 'webauthn-es256',
    ...passkey.key,
  });
  return {
    person: { personId, name: personId, credentials: [held] } satisfies Person,
    approve: (statement: TransferStatement): Approval => ({
      credentialId: held.credentialId,
      verdict: 'approve',
      signature: passkeySignature(passkey.assertion(approvalBytes('approve', statement))),
    }),
  };
}

async function madeKey(deployment: Deployment): Promise<string> {
  const token = deployment.spawnTreasury();
  try {
    return (await token.generateKey(NEW_KEY, 'p256')).publicKey;
  } finally {
    await token.close();
  }
}

/** An eighth under a rule with steps, classes of credentials and a calendar limit; then another attestation key, and a ninth. */
async function later(deployment: Deployment, client: SocketClient): Promise<Certificate[]> {
  const [dora, erin] = [passkeyHolder('dora'), device('erin')];
  await governed(deployment, client, { kind: 'person-added', person: dora.person, groups: ['treasury'] });
  await governed(deployment, client, { kind: 'person-added', person: erin.person, groups: ['governors'] });
  const policies = deployment.policies.map((one) =>
    one.name === 'hot-bitcoin' ? { ...one, lines: IN_STEPS } : one,
  );
  await governed(deployment, client, { kind: 'policies-set', policies });
  deployment.policies = policies;
  const own = p2wpkhScript(deployment.publicKeys.bitcoin);
  const pay = async () => {
    const request = deployment.request({ amount: '700000', destination: DESTINATION });
    const statement = deployment.statement(request);
    const first = [deployment.approve(statement, deployment.alice), dora.approve(statement)];
    await sign(client, {
      wallet: 'hot-btc',
      transaction: psbt(
        [coin(own, 10_000_000n)],
        [payTo(DESTINATION, 700_000n), { script: own, amountSats: 9_298_000n }],
      ),
      transfers: [{ request, statement, approvals: [...first, erin.approve(statement, first)] }],
    });
  };
  await pay();
  const before = await every(client);
  const publicKey = await madeKey(deployment);
  await governed(deployment, client, {
    kind: 'attestation-key-set',
    attestation: { token: 'treasury', label: NEW_KEY, algorithm: 'p256', publicKey },
    proof: await signedByToken(deployment, NEW_KEY, attestationKeyBytes(deployment.deploymentId, publicKey)),
  });
  await pay();
  return before;
}

/** A page holds only what one key vouches for. */
async function every(client: SocketClient): Promise<Certificate[]> {
  const found: Certificate[] = [];
  for (let pages = 0; pages < MOST_PAGES; pages += 1) {
    const page = await client.ask({ verb: 'certificates', fromOrdinal: found.length + 1, most: 64 });
    if (page.kind !== 'done') throw new Error(`the signer answers ${codeOf(page)}`);
    const { certificates } = certificatesResult.parse(page.result);
    if (certificates.length === 0) return found;
    found.push(...certificates);
  }
  throw new Error('the signer has more certificates than were made');
}

/** A tenth, begun while the token failed and signed a minute later: as it was attested in between. */
async function hesitant(deployment: Deployment, client: SocketClient): Promise<Certificate> {
  const request = deployment.request({
    chain: ETHEREUM,
    wallet: 'hot-eth',
    asset: ETH,
    amount: '1000000000000000',
    feeCeiling: '5000000000000000',
    destination: DESTINATION_ETH,
  });
  const order = {
    wallet: 'hot-eth',
    transaction: eip1559({ to: DESTINATION_ETH, value: 1_000_000_000_000_000n, nonce: 1 }),
    transfers: [deployment.transfer(request)],
  };
  await whileTokenFails(deployment, () => sign(client, order, 'internal'));
  const begun = (await every(client)).at(-1);
  if (begun?.outcome.kind !== 'begun') throw new Error('the newest is not begun');
  deployment.time.advance(60_000);
  await sign(client, order);
  return begun;
}

/**
 * All fifteen as they are in the end, those eight that were there before the attestation key was replaced, and the tenth before it
 * was signed.
 */
export async function collect(
  deployment: Deployment,
): Promise<{ readonly all: Certificate[]; readonly before: Certificate[]; readonly begun: Certificate }> {
  const client = await deployment.start();
  await usual(deployment, client);
  const before = await later(deployment, client);
  const begun = await hesitant(deployment, client);
  await watched(deployment, client);
  return { all: await every(client), before, begun };
}
