// Who has a key of the signer's token beside the signer: pages of certificates attested as they like.

import { createHash } from 'node:crypto';
import type { Deployment } from './deployment.js';
import { attestationBytes, attestPage } from '../src/core/certificates/attestation.js';
import type { Certificate } from '../src/core/certificates/certificate.js';
import { journalHashOf } from '../src/core/certificates/reservation.js';
import { normaliseP256 } from '../src/core/statements/p256-spelling.js';
import { canonicalJson } from '../src/core/statements/canonical-json.js';

/** ECDSA P-256 by a key of the token, over SHA-256 of the bytes: r || s with a low s, hex. */
export async function signedByToken(
  deployment: Deployment,
  label: string,
  bytes: Uint8Array,
): Promise<string> {
  const token = deployment.spawnTreasury();
  try {
    const digest = createHash('sha256').update(bytes).digest();
    return Buffer.from(normaliseP256(await token.signDigest({ label }, digest))).toString('hex');
  } finally {
    await token.close();
  }
}

/** These certificates attested together, whatever the signer would say. */
export async function forgedPage(
  deployment: Deployment,
  certificates: readonly Certificate[],
  label: string,
  newestOrdinal = certificates.at(-1)?.reservation.ordinal ?? 0,
): Promise<Certificate[]> {
  const bare = certificates.map(({ attestation: _, ...one }) => one);
  const attested = attestPage(bare, { newestOrdinal, keptFrom: 1, attestedAtMs: deployment.time.wall });
  const signature = await signedByToken(deployment, label, attestationBytes(attested.statement));
  const attestations = attested.attestations(signature);
  return bare.flatMap((one, at) => {
    const attestation = attestations[at];
    return attestation ? [{ ...one, attestation }] : [];
  });
}

/** Another journal: reservations as they are given, each hashed, and following the one before. */
export function rejournaled(certificates: readonly Certificate[]): Certificate[] {
  const told: Certificate[] = [];
  for (const one of certificates) {
    const before = told.at(-1);
    const previous = before?.journalHash ?? one.reservation.previous;
    const reservation = { ...one.reservation, previous };
    const journalHash = journalHashOf(one.journalPrevious, one.journalSequence, canonicalJson(reservation));
    told.push({ ...one, reservation, journalHash });
  }
  return told;
}
