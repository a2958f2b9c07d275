// The chain of certificates: what the signer reserves is counted, and attested in pages, so that whoever has the pages sees what
// is missing. The attacker would have a signature that nobody finds: by leaving its certificate out, by saying that nothing was
// signed there, or by having the signer begin to count again.

import { rm } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { whileTokenFails } from '../../devnet/broken-token.js';
import { Deployment } from '../../devnet/deployment.js';
import { codeOf, type SocketClient } from '../../devnet/socket-client.js';
import { type Coin, coin, payTo, psbt } from '../../devnet/transactions.js';
import type { OrderedTransfer, SigningOrder } from '../../src/core/authorization/signing-order.js';
import { type Certificate, MAX_ATTESTED_TOGETHER } from '../../src/core/certificates/certificate.js';
import { checkDossier } from '../../src/core/certificates/dossier.js';
import { p2wpkhScript } from '../../src/core/intents/bitcoin/address.js';
import { canonicalJson } from '../../src/core/statements/canonical-json.js';
import { nativeVerifier } from '../../src/platform/native-verifier.js';
import { readRecord, restoreStore } from '../../src/signer/start.js';
import { type CertificatesResult, certificatesResult } from '../../src/signer-protocol/messages.js';
import { untouchedRestore } from './untouched-restore.js';

const DESTINATION = 'bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080';
const COIN_SATS = 1_000_000n;

let deployment: Deployment;
let signer: SocketClient;
let own: string;
/** What an archive has collected, by ordinal. */
const archive = new Map<number, Certificate>();

beforeAll(async () => {
  deployment = await Deployment.create();
  signer = await deployment.start();
  own = p2wpkhScript(deployment.publicKeys.bitcoin);
});
afterAll(() => deployment.destroy());

function small(): OrderedTransfer {
  return deployment.transfer(deployment.request({ amount: '100000', destination: DESTINATION }));
}

function paying(transfer = small(), spent: readonly Coin[] = [coin(own, COIN_SATS)]): SigningOrder {
  const change = { script: own, amountSats: COIN_SATS - 102_000n };
  const transaction = psbt(spent, [payTo(DESTINATION, 100_000n), change]);
  return { wallet: 'hot-btc', transaction, transfers: [transfer] };
}

async function page(fromOrdinal: number, most = MAX_ATTESTED_TOGETHER): Promise<CertificatesResult> {
  const answer = await signer.ask({ verb: 'certificates', fromOrdinal, most });
  if (answer.kind !== 'done') throw new Error(`no page: ${codeOf(answer)}`);
  const result = certificatesResult.parse(answer.result);
  for (const one of result.certificates) archive.set(one.reservation.ordinal, one);
  return result;
}

const ordinals = ({ certificates }: CertificatesResult) =>
  certificates.map(({ reservation }) => reservation.ordinal);
const outcomes = ({ certificates }: CertificatesResult) => certificates.map(({ outcome }) => outcome.kind);

/** What an auditor says of certificates, each a line of one file. */
function audit(certificates: readonly Certificate[], whole = true) {
  const text = certificates.map((one) => `${canonicalJson(one)}\n`).join('');
  const { log, deploymentId } = deployment;
  const evidence = { log, genesisHash: deploymentId, verifier: nativeVerifier };
  const { checked, chain, verdict } = checkDossier([{ name: 'all', text }], evidence, whole);
  const codes = checked.flatMap(({ outcome }) => (outcome.kind === 'refused' ? [outcome.code] : []));
  if (chain.kind === 'refused') return { verdict, codes: [...codes, chain.code] };
  return { verdict, codes, missing: chain.value.missing, keptFrom: chain.value.keptFrom };
}

function archived(...left: readonly number[]): Certificate[] {
  const numbers = [...archive.keys()].sort((one, other) => one - other);
  return numbers.filter((one) => !left.includes(one)).flatMap((one) => archive.get(one) ?? []);
}

function must(ordinal: number): Certificate {
  const one = archive.get(ordinal);
  if (!one) throw new Error(`not in the archive: ${ordinal}`);
  return one;
}

describe('the chain of certificates', () => {
  it('has no page where nothing was reserved', async () => {
    expect(await page(1)).toEqual({ certificates: [], newestOrdinal: 0, keptFrom: 1 });
  });

  it('counts what was signed without a gap, and is proved whole', async () => {
    for (let count = 0; count < 5; count++) expect(codeOf(await signer.sign(paying()))).toBe('done');
    const all = await page(1);
    expect(ordinals(all)).toEqual([1, 2, 3, 4, 5]);
    expect(outcomes(all)).toEqual(Array.from({ length: 5 }, () => 'signed'));
    expect(all).toMatchObject({ newestOrdinal: 5, keptFrom: 1 });
    expect(audit(all.certificates)).toEqual({ verdict: 'proved', codes: [], missing: [], keptFrom: 1 });
  });

  it('comes in pages of any size, each certificate of which stands by itself', async () => {
    const one = await page(2, 1);
    expect(ordinals(one)).toEqual([2]);
    const three = await page(3, 3);
    expect(ordinals(three)).toEqual([3, 4, 5]);
    expect(ordinals(await page(5))).toEqual([5]);
    expect(ordinals(await page(6))).toEqual([]);
    for (const certificate of [...one.certificates, ...three.certificates]) {
      expect(audit([certificate], false).verdict).toBe('proved');
    }
    await page(1);
  });

  it('asks the token once for each page, and not at all for a signature', async () => {
    const { parts } = deployment.serving().signer as unknown as {
      parts: { tokens: Map<string, { signer: { signDigest: (...given: unknown[]) => unknown } }> };
    };
    const token = parts.tokens.get('treasury');
    if (!token) throw new Error('no token');
    const asked: string[] = [];
    const real = token.signer;
    const signDigest = (key: { label: string }, digest: unknown) => {
      asked.push(key.label);
      return real.signDigest(key, digest);
    };
    Object.assign(token, { signer: Object.create(real, { signDigest: { value: signDigest } }) });
    try {
      expect(codeOf(await signer.sign(paying()))).toBe('done');
      expect(asked).toEqual(['hot-btc-1']);
      await page(1);
      expect(asked).toEqual(['hot-btc-1', 'attestation']);
    } finally {
      Object.assign(token, { signer: real });
    }
  });

  it.each([
    ['the first', [1], [{ from: 1, to: 1 }]],
    ['one in the middle', [3], [{ from: 3, to: 3 }]],
    [
      'several',
      [2, 3, 5],
      [
        { from: 2, to: 3 },
        { from: 5, to: 5 },
      ],
    ],
    ['the newest', [6], [{ from: 6, to: 6 }]],
  ])('names what is missing when somebody leaves out %s', (_title, left, missing) => {
    expect(audit(archived(...left))).toMatchObject({ verdict: 'gap', codes: [], missing });
  });

  it('that is not said to be whole has gaps all the same, and they are named', () => {
    expect(audit([must(2), must(4)], false)).toMatchObject({
      verdict: 'proved',
      missing: [{ from: 3, to: 3 }],
    });
  });

  it('has a certificate of what was begun and not signed, and of the signature once it is made', async () => {
    const order = paying();
    await whileTokenFails(deployment, async () => {
      expect(codeOf(await signer.sign(order))).toBe('internal');
    });
    const begun = await page(1);
    expect(outcomes(begun).at(-1)).toBe('begun');
    expect(audit(begun.certificates)).toMatchObject({ verdict: 'proved', codes: [] });
    expect(codeOf(await signer.sign(order))).toBe('done');
    const signed = await page(7);
    expect(outcomes(signed)).toEqual(['signed']);
    expect(audit([...begun.certificates, ...signed.certificates])).toMatchObject({ verdict: 'proved' });
  });

  it('has one of what is void, which never had a signature and never will', async () => {
    const transfer = small();
    await whileTokenFails(deployment, async () => {
      expect(codeOf(await signer.sign(paying(transfer)))).toBe('internal');
    });
    expect(codeOf(await signer.ask({ verb: 'void', request: transfer.request }))).toBe('done');
    const last = await page(8);
    expect(outcomes(last)).toEqual(['ended']);
    expect(audit(archived())).toMatchObject({ verdict: 'proved', missing: [] });
  });

  it('is the same to the letter after a restart, but for when it was attested', async () => {
    const before = archived().map(({ attestation: _, ...rest }) => rest);
    await deployment.stop();
    signer = await deployment.start();
    const after = (await page(1)).certificates.map(({ attestation: _, ...rest }) => rest);
    expect(after).toEqual(before);
  });

  it('goes on counting after a restore, and what was lost shows as a gap that the signer owns to', async () => {
    const lost = must(8);
    await deployment.stop();
    await rm(deployment.config().storePath);
    const options = { time: deployment.time, tokenProgram: deployment.tokenProgram };
    const record = await readRecord(deployment.config(), options);
    expect(record.reservation).toEqual({ ordinal: 8, hash: lost.journalHash });
    const restore = untouchedRestore(deployment, record, deployment.time.wallMs());
    expect((await restoreStore(deployment.config(), restore, deployment.log, options)).kind).toBe('accepted');
    signer = await deployment.start();
    expect(await page(1)).toEqual({ certificates: [], newestOrdinal: 8, keptFrom: 9 });
    // Until then requests are dead, and limits exhausted.
    deployment.time.advance(25 * 3_600_000);
    expect(codeOf(await signer.sign(paying()))).toBe('done');
    const next = await page(1);
    expect(ordinals(next)).toEqual([9]);
    expect(next.certificates[0]?.reservation.previous).toBe(lost.journalHash);
    expect(audit(archived())).toMatchObject({ verdict: 'proved', codes: [], missing: [], keptFrom: 9 });
    expect(audit(next.certificates)).toMatchObject({
      verdict: 'gap',
      missing: [{ from: 1, to: 8 }],
      keptFrom: 9,
    });
  });
});
