// Keys that take the place of others, at the signer's socket with everything signed by those who may: the attacker has the key
// from before, and every signature that was ever made with it.

import { sign } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { BITCOIN, Deployment, ETH, ETHEREUM, type Officer } from '../../devnet/deployment.js';
import { codeOf, type SocketClient } from '../../devnet/socket-client.js';
import { coin, eip1559, payTo, psbt } from '../../devnet/transactions.js';
import type { Certificate } from '../../src/core/certificates/certificate.js';
import { checkDossier } from '../../src/core/certificates/dossier.js';
import { attestationKeyBytes } from '../../src/core/governance/attestation-key.js';
import type { Change, GovernanceEntry } from '../../src/core/governance/entry.js';
import { p2wpkhAddress, p2wpkhScript } from '../../src/core/intents/bitcoin/address.js';
import { addressOfPublicKey } from '../../src/core/intents/ethereum/address.js';
import { attestedVoid, verifyVoid } from '../../src/core/recovery/void.js';
import { canonicalJson } from '../../src/core/statements/canonical-json.js';
import type { SignedRequest } from '../../src/core/statements/request.js';
import { nativeVerifier } from '../../src/platform/native-verifier.js';
import { voidAuthorityOf } from '../../src/sdk/backend.js';
import { type CertificatesResult, certificatesResult } from '../../src/signer-protocol/messages.js';
import { forgedPage, signedByToken } from '../../devnet/forged-pages.js';

const STRANGER = 'bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080';
const STRANGER_ETH = '0x00000000000000000000000000000000000000AA';

let deployment: Deployment;
let signer: SocketClient;

beforeAll(async () => {
  deployment = await Deployment.create();
  signer = await deployment.start();
});
afterAll(() => deployment.destroy());

const codeFor = async (entry: GovernanceEntry) =>
  codeOf(await signer.ask({ verb: 'governance-append', entry }));

async function governed(change: Change, officers?: readonly Officer[]): Promise<string> {
  const { alice, bob } = deployment;
  const entry = deployment.entry(change, officers ?? [alice, bob]);
  const code = await codeFor(entry);
  if (code === 'done') deployment.log.push(entry);
  return code;
}

async function madeKey(label: string, curve: 'p256' | 'secp256k1'): Promise<string> {
  const token = deployment.spawnTreasury();
  try {
    const { publicKey } = await token.generateKey(label, curve);
    if (curve === 'p256') return publicKey;
    return `${Number.parseInt(publicKey.slice(-2), 16) % 2 ? '03' : '02'}${publicKey.slice(2, 66)}`;
  } finally {
    await token.close();
  }
}

const signedBy = (label: string, bytes: Uint8Array) => signedByToken(deployment, label, bytes);

function payment(destination: string, wallet: string, key: string) {
  const { alice, bob, carol } = deployment;
  const request = deployment.request({ wallet, amount: '100000', destination });
  const own = p2wpkhScript(key);
  const change = { script: own, amountSats: 898_000n };
  return {
    wallet,
    transaction: psbt([coin(own, 1_000_000n)], [payTo(destination, 100_000n), change]),
    transfers: [deployment.transfer(request, [alice, bob, carol])],
  };
}

const pay = (destination = STRANGER) =>
  signer.sign(payment(destination, 'hot-btc', deployment.publicKeys.bitcoin));

async function page(fromOrdinal: number): Promise<CertificatesResult> {
  const answer = await signer.ask({ verb: 'certificates', fromOrdinal, most: 64 });
  if (answer.kind !== 'done') throw new Error(`no page: ${codeOf(answer)}`);
  return certificatesResult.parse(answer.result);
}

const ordinals = (certificates: readonly Certificate[]) =>
  certificates.map(({ reservation }) => reservation.ordinal);

function audit(certificates: readonly Certificate[], whole = false) {
  const text = certificates.map((one) => `${canonicalJson(one)}\n`).join('');
  const evidence = { log: deployment.log, genesisHash: deployment.deploymentId, verifier: nativeVerifier };
  const { checked, chain, verdict } = checkDossier([{ name: 'all', text }], evidence, whole);
  const labels = checked.flatMap(({ outcome }) =>
    outcome.kind === 'accepted' ? [outcome.value.vouching.key.label] : [],
  );
  const codes = [...checked.map(({ outcome }) => outcome), chain].flatMap((outcome) =>
    outcome.kind === 'refused' ? [outcome.code] : [],
  );
  return { verdict, codes, labels, newest: chain.kind === 'accepted' ? chain.value.newest : undefined };
}

const forged = (certificates: readonly Certificate[], label: string, newestOrdinal?: number) =>
  forgedPage(deployment, certificates, label, newestOrdinal);

async function attestationSet(label: string, publicKey: string, proofBy = label): Promise<Change> {
  const proof = await signedBy(proofBy, attestationKeyBytes(deployment.deploymentId, publicKey));
  return {
    kind: 'attestation-key-set',
    attestation: { token: 'treasury', label, algorithm: 'p256', publicKey },
    proof,
  };
}

async function voidOf(request: SignedRequest) {
  const answer = await signer.ask({ verb: 'void', request });
  if (answer.kind !== 'done') throw new Error(`no void: ${codeOf(answer)}`);
  return attestedVoid.parse(answer.result);
}

describe('replacing the attestation key', () => {
  const begun = new Map<string, Certificate[]>();
  let request: SignedRequest;

  beforeAll(async () => {
    for (let count = 0; count < 3; count++) expect(codeOf(await pay())).toBe('done');
    begun.set('before', (await page(1)).certificates);
    request = deployment.request({ amount: '77000', destination: STRANGER });
  });

  it('is refused with a key that is not in the token, or is not proved, or by one officer', async () => {
    const publicKey = await madeKey('attestation-2', 'p256');
    const other = await madeKey('elsewhere', 'p256');
    expect(await governed(await attestationSet('attestation-2', publicKey, 'elsewhere'))).toBe(
      'governance-change-invalid',
    );
    const proved = await attestationSet('attestation-2', publicKey);
    if (proved.kind !== 'attestation-key-set') throw new Error(proved.kind);
    const at = (altered: object): Change => ({
      ...proved,
      attestation: { ...proved.attestation, ...altered },
    });
    expect(await governed(at({ label: 'nowhere' }))).toBe('key-missing');
    expect(await governed(at({ label: 'elsewhere' }))).toBe('key-other-public-key');
    expect(await governed(at({ token: 'nowhere' }))).toBe('token-unknown');
    expect(await governed(proved, [deployment.alice])).toBe('governance-quorum-missing');
    expect(other).not.toBe(publicKey);
  });

  it('keeps certificates before and after it whole, each with its own key', async () => {
    const first = await voidOf(request);
    const token = deployment.spawnTreasury();
    const { publicKey } = await token.describeKey({ label: 'attestation-2' });
    await token.close();
    const replacedAtMs = deployment.time.wall;
    expect(await governed(await attestationSet('attestation-2', publicKey))).toBe('done');
    deployment.time.advance(3_600_000);
    for (let count = 0; count < 2; count++) expect(codeOf(await pay())).toBe('done');
    const old = await page(1);
    // A page is of one key; the signer knows how many there are in all, and the old key does not.
    expect(ordinals(old.certificates)).toEqual([1, 2, 3]);
    expect(old.newestOrdinal).toBe(5);
    expect(old.certificates[0]?.attestation?.statement).toMatchObject({
      newestOrdinal: 3,
      countedAtMs: replacedAtMs,
      attestedAtMs: replacedAtMs + 3_600_000,
    });
    // Whoever has only those is not told that they are all that there is by now.
    expect(audit(old.certificates, true).newest).toEqual({ ordinal: 3, atMs: replacedAtMs });
    const young = await page(4);
    expect(ordinals(young.certificates)).toEqual([4, 5]);
    begun.set('after', young.certificates);
    const before = begun.get('before') ?? [];
    for (const early of [before, old.certificates]) {
      expect(audit([...early, ...young.certificates], true)).toMatchObject({
        verdict: 'proved',
        codes: [],
        labels: ['attestation', 'attestation', 'attestation', 'attestation-2', 'attestation-2'],
      });
    }
    // Asked again, a void is the same word, signed by the key of now.
    const again = await voidOf(request);
    expect(again.statement).toEqual(first.statement);
    const [genesis] = deployment.log;
    const authorities = [genesis ? [genesis] : [], deployment.log].map((log) =>
      voidAuthorityOf(log, deployment.deploymentId),
    );
    const codes = authorities.map((authority) => {
      if (authority.kind === 'refused') return [authority.code];
      return [first, again].map((one) => {
        const verified = verifyVoid(one, request.statement, authority.value, nativeVerifier);
        return verified.kind === 'refused' ? verified.code : verified.kind;
      });
    });
    expect(codes).toEqual([
      ['accepted', 'void-signature-invalid'],
      ['void-signature-invalid', 'accepted'],
    ]);
  });

  it('lets the key from before attest nothing that was reserved after it', async () => {
    const after = begun.get('after') ?? [];
    expect(audit(await forged(after, 'attestation')).codes).toEqual([
      'certificate-attestation-invalid',
      'certificate-attestation-invalid',
    ]);
    const across = await forged([...(begun.get('before') ?? []), ...after], 'attestation');
    expect(audit(across).codes).toContain('certificate-attestation-invalid');
    // Nor does it know how many there are by now.
    const claims = await forged(begun.get('before') ?? [], 'attestation', 4);
    expect(audit([...claims, ...after]).codes).toEqual(['certificate-chain-contradiction']);
  });

  it('lets the next key attest nothing that was reserved before it', async () => {
    const before = begun.get('before') ?? [];
    expect(audit(await forged(before, 'attestation-2')).codes).toEqual(
      before.map(() => 'certificate-attestation-invalid'),
    );
  });

  it('holds after a restart, and for a page that is asked for then', async () => {
    await deployment.stop();
    signer = await deployment.start();
    const all = [...(await page(1)).certificates, ...(await page(4)).certificates];
    expect(audit(all, true)).toMatchObject({ verdict: 'proved', codes: [] });
    expect(ordinals((await page(3)).certificates)).toEqual([3]);
  });

  it('takes no proof that was made for another deployment', async () => {
    const publicKey = await madeKey('attestation-3', 'p256');
    const proof = await signedBy('attestation-3', attestationKeyBytes('ab'.repeat(32), publicKey));
    const attestation = { token: 'treasury', label: 'attestation-3', algorithm: 'p256', publicKey } as const;
    expect(await governed({ kind: 'attestation-key-set', attestation, proof })).toBe(
      'governance-change-invalid',
    );
    // A signature for something else of the same key is no proof either.
    const otherwise = sign('sha256', Buffer.from(publicKey), {
      key: deployment.alice.privateKey,
      dsaEncoding: 'ieee-p1363',
    }).toString('hex');
    expect(await governed({ kind: 'attestation-key-set', attestation, proof: otherwise })).toBe(
      'governance-change-invalid',
    );
  });
});

describe('a retired wallet', () => {
  let next: string;
  let nextEth: string;

  beforeAll(async () => {
    next = await madeKey('hot-btc-2', 'secp256k1');
    nextEth = await madeKey('hot-eth-2', 'secp256k1');
    const wallet = { walletId: 'hot-btc-next', chain: BITCOIN, tier: 'hot', token: 'treasury' } as const;
    const ether = { walletId: 'hot-eth-next', chain: ETHEREUM, tier: 'hot', token: 'treasury' } as const;
    const added = async (
      one: Omit<typeof wallet, 'chain' | 'walletId'> & { walletId: string; chain: string },
      label: string,
      publicKey: string,
    ) => governed({ kind: 'wallet-added', wallet: { ...one, keys: [{ label, publicKey }] } });
    expect(await added(wallet, 'hot-btc-2', next)).toBe('done');
    expect(await added(ether, 'hot-eth-2', nextEth)).toBe('done');
  });

  it('is retired by a quorum, with a wallet of its kind to follow it, and at once', async () => {
    const retire = (walletId: string, successor: string): Change => ({
      kind: 'wallet-retired',
      walletId,
      successor,
    });
    expect(await governed(retire('hot-btc', 'hot-btc-next'), [deployment.alice])).toBe(
      'governance-quorum-missing',
    );
    expect(await governed(retire('hot-btc', 'hot-eth-next'))).toBe('governance-change-invalid');
    expect(await governed(retire('hot-btc', 'hot-btc-next'))).toBe('done');
    expect(await governed(retire('hot-eth', 'hot-eth-next'))).toBe('done');
  });

  it('pays nobody else, with every approval that there is (payer-retired)', async () => {
    expect(codeOf(await pay())).toBe('payer-retired');
    expect(codeOf(await pay(p2wpkhAddress(next, 'regtest')))).toBe('done');
    const request = deployment.request({
      chain: ETHEREUM,
      wallet: 'hot-eth',
      asset: ETH,
      amount: '1000000000000000',
      destination: STRANGER_ETH,
      feeCeiling: '2000000000000000',
    });
    const { alice, bob, carol } = deployment;
    const order = (to: string) => ({
      wallet: 'hot-eth',
      transaction: eip1559({ nonce: 0, to, value: 1_000_000_000_000_000n }),
      transfers: [
        deployment.transfer(
          deployment.request({ ...request.statement, requestId: `to-${to.slice(2, 12)}`, destination: to }),
          [alice, bob, carol],
        ),
      ],
    });
    expect(codeOf(await signer.sign(order(STRANGER_ETH)))).toBe('payer-retired');
    expect(codeOf(await signer.sign(order(addressOfPublicKey(nextEth))))).toBe('done');
  });

  it('is paid by nobody (destination-retired)', async () => {
    const retired = p2wpkhAddress(deployment.publicKeys.bitcoin, 'regtest');
    expect(codeOf(await signer.sign(payment(retired, 'hot-btc-next', next)))).toBe('destination-retired');
    // The one that follows it pays others by its own policies: none here names it yet.
    expect(codeOf(await signer.sign(payment(STRANGER, 'hot-btc-next', next)))).toBe('policy-no-match');
  });

  it('has certificates that say so offline, and others are refused there too', async () => {
    const { certificates } = await page(6);
    expect(audit(certificates)).toMatchObject({ verdict: 'proved', codes: [] });
  });

  it('stays retired after a restart', async () => {
    await deployment.stop();
    signer = await deployment.start();
    expect(codeOf(await pay())).toBe('payer-retired');
  });
});
