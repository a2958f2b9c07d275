// The archive over a database, with a signer that counts and attests as the real one does, until a test has it lie.

import { generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { attestationBytes, attestPage } from '../../core/certificates/attestation.js';
import type { Certificate, CertifiedOutcome } from '../../core/certificates/certificate.js';
import type { Vouching } from '../../core/governance/attestation-key.js';
import { normaliseP256 } from '../../core/statements/p256-spelling.js';
import { nativeVerifier } from '../../platform/native-verifier.js';
import type { CertificatesResult } from '../../signer-protocol/messages.js';
import { exampleCertificate } from '../http/examples.js';
import { type Life, Stage } from '../transfers/stage.fixture.js';
import { asAttested, CertificateArchive, type CertificateSource } from './certificate.archive.js';

const { deploymentId } = exampleCertificate;
/** The entry that brings another key. */
const ROTATED_AT = exampleCertificate.reservation.governanceSequence + 3;
const hashOf = (ordinal: number) => ordinal.toString(16).padStart(64, '0');

function makeKey() {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
  const point = publicKey.export({ format: 'der', type: 'spki' }).subarray(-65).toString('hex');
  return { point, privateKey };
}

const next = makeKey();

class ScriptedSigner implements CertificateSource {
  readonly key = makeKey();
  readonly outcomes: CertifiedOutcome['kind'][] = [];
  keptFrom = 1;
  reservedAtMs = 0;
  readonly asked: (readonly [number, number])[] = [];
  /** What it does instead, once. */
  lie: ((page: CertificatesResult) => CertificatesResult) | undefined;
  signsWith: KeyObject = this.key.privateKey;
  deploymentId = deploymentId;
  /** Reserved under a later entry of governance, which brings another key. */
  rotatedFrom = Number.POSITIVE_INFINITY;
  /** Makes other reservations of the same ordinals. */
  salt = 0;

  certificateOf(ordinal: number): Certificate {
    const { attestation: _, ...example } = exampleCertificate;
    const kind = this.outcomes[ordinal - 1] ?? 'begun';
    return {
      ...example,
      deploymentId: this.deploymentId,
      journalHash: hashOf(ordinal + this.salt),
      reservation: {
        ...example.reservation,
        at: { wallMs: this.reservedAtMs, measuredMs: 0 },
        ordinal,
        governanceSequence: ordinal < this.rotatedFrom ? example.reservation.governanceSequence : ROTATED_AT,
      },
      outcome: kind === 'signed' ? example.outcome : { kind },
    };
  }

  async certificates(fromOrdinal: number, most: number): Promise<CertificatesResult> {
    this.asked.push([fromOrdinal, most]);
    const newestOrdinal = this.outcomes.length;
    const { keptFrom } = this;
    const first = Math.max(fromOrdinal, keptFrom);
    const count = Math.max(0, Math.min(most, newestOrdinal - first + 1));
    const certificates = Array.from({ length: count }, (_, at) => this.certificateOf(first + at));
    const attested = count === 0 ? [] : this.attested(certificates, { newestOrdinal, keptFrom });
    const page = { certificates: attested, newestOrdinal, keptFrom };
    const { lie } = this;
    this.lie = undefined;
    return lie ? lie(page) : page;
  }

  private attested(
    certificates: readonly Certificate[],
    extent: { readonly newestOrdinal: number; readonly keptFrom: number },
  ): Certificate[] {
    const page = attestPage(certificates, { ...extent, attestedAtMs: 1_000 });
    const signature = sign('sha256', attestationBytes(page.statement), {
      key: this.signsWith,
      dsaEncoding: 'ieee-p1363',
    });
    const attestations = page.attestations(Buffer.from(normaliseP256(signature)).toString('hex'));
    return certificates.map((one, at) => {
      const attestation = attestations[at];
      return attestation ? { ...one, attestation } : one;
    });
  }
}

let folder: string;
let stage: Stage;
let life: Life;
let signer: ScriptedSigner;
let archive: CertificateArchive;
/** How far the archive's own copy of governance goes, and the keys that vouched in turn. */
let known: number;
let attestations: Vouching[];

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'portcullis-archive-'));
  stage = new Stage({ url: `sqlite:${join(folder, 'test.db')}` });
  life = await stage.life('one');
  signer = new ScriptedSigner();
  signer.reservedAtMs = stage.nowMs();
  const attestation = { token: 't', label: 'a', algorithm: 'p256', publicKey: signer.key.point } as const;
  known = exampleCertificate.reservation.governanceSequence;
  attestations = [{ sequence: 0, key: attestation }];
  archive = new CertificateArchive({
    database: life.database,
    signer,
    verifier: nativeVerifier,
    clock: stage,
    state: () => ({
      deploymentId,
      attestation,
      attestations,
      sequence: known,
    }),
  });
});
afterEach(async () => {
  await life.end();
  rmSync(folder, { recursive: true });
});

function reserve(count: number, kind: CertifiedOutcome['kind'] = 'signed'): void {
  for (let at = 0; at < count; at++) signer.outcomes.push(kind);
}

async function collectAll(): Promise<void> {
  while (await archive.collect());
}

async function kept(from = 1) {
  const found: [number, string][] = [];
  for (let next: number | null = from; next !== null; ) {
    const page = await archive.read(next);
    for (const { reservation, outcome } of page.certificates) found.push([reservation.ordinal, outcome.kind]);
    next = page.nextFrom;
  }
  return found;
}

const ordinals = async () => (await kept()).map(([ordinal]) => ordinal);
const upTo = (count: number) => Array.from({ length: count }, (_, at) => at + 1);

describe('the archive of certificates', () => {
  it('has nothing where nothing was reserved, and asks for no signature then', async () => {
    expect(await archive.collect()).toBe(false);
    expect(await kept()).toEqual([]);
  });

  it('waits for the entry of governance that says who vouches for a certificate', async () => {
    reserve(3);
    await collectAll();
    signer.rotatedFrom = 4;
    reserve(2);
    signer.signsWith = next.privateKey;
    await collectAll();
    expect(await ordinals()).toEqual(upTo(3));
    known = ROTATED_AT;
    const key = { token: 't', label: 'b', algorithm: 'p256', publicKey: next.point } as const;
    attestations.push({ sequence: ROTATED_AT, key });
    await collectAll();
    expect(await ordinals()).toEqual(upTo(5));
  });

  it('keeps nothing that the key from before attests of what came after it', async () => {
    signer.rotatedFrom = 1;
    reserve(1);
    known = ROTATED_AT;
    const key = { token: 't', label: 'b', algorithm: 'p256', publicKey: next.point } as const;
    attestations.push({ sequence: ROTATED_AT, key });
    await expect(archive.collect()).rejects.toMatchObject({
      code: 'certificates-wrong',
      facts: { code: 'certificate-attestation-invalid' },
    });
  });

  it('keeps all that there are, page by page, each once', async () => {
    reserve(150);
    await collectAll();
    expect(await ordinals()).toEqual(upTo(150));
    expect(signer.asked).toEqual([
      [1, 64],
      [65, 64],
      [129, 64],
    ]);
    reserve(1);
    await collectAll();
    expect(await ordinals()).toEqual(upTo(151));
    expect((await archive.read(150)).certificates.map(({ reservation }) => reservation.ordinal)).toEqual([
      150, 151,
    ]);
  });

  it('gives the attested one of a transaction once it is signed', async () => {
    reserve(1);
    reserve(1, 'begun');
    const given: Certificate = { ...signer.certificateOf(2), outcome: exampleCertificate.outcome };
    const attested = async () => {
      const found = await life.database.read((db) => asAttested(db, given));
      return found.attestation !== undefined;
    };
    await collectAll();
    expect(await attested()).toBe(false);
    signer.outcomes[1] = 'signed';
    await collectAll();
    expect(await attested()).toBe(false);
    stage.pass(30_000);
    await collectAll();
    expect(await attested()).toBe(true);
    // Another journal's of the same ordinal is no form of it.
    Object.assign(given, { journalHash: hashOf(99) });
    expect(await attested()).toBe(false);
    expect(await kept()).toEqual([
      [1, 'signed'],
      [2, 'signed'],
    ]);
  });

  it('asks again for what was begun, ever less often, and no more once it has ended', async () => {
    reserve(1, 'begun');
    await collectAll();
    const askedAt: number[] = [];
    for (let second = 1; second <= 60; second++) {
      stage.pass(1_000);
      signer.asked.length = 0;
      await collectAll();
      if (signer.asked.some(([from]) => from === 1)) askedAt.push(second);
    }
    expect(askedAt).toEqual([2, 4, 8, 16, 32]);
    signer.outcomes[0] = 'ended';
    stage.pass(4_000);
    await collectAll();
    expect(await kept()).toEqual([[1, 'ended']]);
    signer.asked.length = 0;
    stage.pass(24 * 3_600_000);
    await collectAll();
    expect(signer.asked).toEqual([[2, 64]]);
  });

  it('goes on behind what a signer has lost with its store, and leaves what it has of that as it is', async () => {
    reserve(2);
    reserve(1, 'begun');
    await collectAll();
    reserve(2);
    signer.keptFrom = 5;
    await collectAll();
    expect(await ordinals()).toEqual([1, 2, 3, 5]);
    stage.pass(30_000);
    await collectAll();
    expect((await kept())[2]).toEqual([3, 'begun']);
  });

  const altered = (change: (one: Certificate) => Certificate) => (page: CertificatesResult) => ({
    ...page,
    certificates: page.certificates.map((one, at) => (at === 1 ? change(one) : one)),
  });

  it.each<[string, () => void]>([
    ['another key signs', () => Object.assign(signer, { signsWith: makeKey().privateKey })],
    ['it is of another deployment', () => Object.assign(signer, { deploymentId: 'ab'.repeat(32) })],
    [
      'one is left out',
      () => {
        signer.lie = (page) => ({ ...page, certificates: page.certificates.filter((_, at) => at !== 1) });
      },
    ],
    [
      'they begin elsewhere than was asked',
      () => {
        signer.lie = (page) => ({ ...page, certificates: page.certificates.slice(1) });
      },
    ],
    [
      'one is not attested',
      () => {
        signer.lie = altered(({ attestation: _, ...one }) => one);
      },
    ],
    [
      'one is not what is attested',
      () => {
        signer.lie = altered((one) => ({ ...one, outcome: { kind: 'ended' } }));
      },
    ],
  ])('keeps nothing of a page where %s (certificates-wrong)', async (_title, lies) => {
    reserve(3);
    lies();
    await expect(archive.collect()).rejects.toMatchObject({ code: 'certificates-wrong' });
    expect(await kept()).toEqual([]);
  });

  it('notices a signer with another journal than before (certificates-wrong)', async () => {
    reserve(1, 'begun');
    await collectAll();
    signer.salt = 1;
    signer.outcomes[0] = 'signed';
    stage.pass(30_000);
    await expect(archive.collect()).rejects.toMatchObject({ code: 'certificates-wrong' });
    expect(await kept()).toEqual([[1, 'begun']]);
  });
});
