// The signer's attestation of certificates: one signature over the Merkle root of a page of them, and with each its way to that
// root, so that one certificate can be checked alone. Making the statement and checking it; the key is in the signer's token.

import { bytesToHex, hexToBytes } from '@noble/hashes/utils.js';
import { type Hash, leafHash, nodeHash, splitOf } from '../audit/merkle.js';
import { verifyInclusion } from '../audit/verify-proof.js';
import { accepted, type Outcome, refused } from '../fault.js';
import { isLowP256 } from '../statements/p256-spelling.js';
import { statementBytes } from '../statements/preimage.js';
import type { SignatureVerifier } from '../statements/signature.js';
import {
  ATTESTATION_TYPE,
  type Attestation,
  type AttestationStatement,
  attestedBytes,
  type Certificate,
} from './certificate.js';

export type AttestationRefusalCode =
  /** It is about other certificates than this one. */
  | 'certificate-attestation-other'
  /** The certificate is not what was attested. */
  | 'certificate-attestation-mismatch'
  /** The attestation key has not signed it. */
  | 'certificate-attestation-invalid';

interface Subtree {
  readonly root: Hash;
  /** Of each leaf, from the leaf upwards. */
  readonly paths: readonly (readonly Hash[])[];
}

function subtreeOver(leaves: readonly Hash[]): Subtree {
  const [only] = leaves;
  if (leaves.length === 1 && only) return { root: only, paths: [[]] };
  const split = splitOf(leaves.length);
  const left = subtreeOver(leaves.slice(0, split));
  const right = subtreeOver(leaves.slice(split));
  return {
    root: nodeHash(left.root, right.root),
    paths: [
      ...left.paths.map((path) => [...path, right.root]),
      ...right.paths.map((path) => [...path, left.root]),
    ],
  };
}

export function attestationBytes(statement: AttestationStatement): Uint8Array {
  return statementBytes(ATTESTATION_TYPE, statement);
}

/** What the signer knows of its chain beside the certificates of a page. */
export type ChainExtent = Pick<
  AttestationStatement,
  'newestOrdinal' | 'countedAtMs' | 'keptFrom' | 'attestedAtMs'
>;

export interface UnsignedPage {
  readonly statement: AttestationStatement;
  /** With a signature over the statement, the attestation of each certificate. */
  readonly attestations: (signature: string) => Attestation[];
}

/** The statement over certificates of ordinals that follow each other; at least one. */
export function attestPage(certificates: readonly Certificate[], extent: ChainExtent): UnsignedPage {
  const [first] = certificates;
  const last = certificates.at(-1);
  if (!first || !last) throw new RangeError('nothing to attest');
  const { root, paths } = subtreeOver(certificates.map((one) => leafHash(attestedBytes(one))));
  const statement: AttestationStatement = {
    type: ATTESTATION_TYPE,
    deploymentId: first.deploymentId,
    fromOrdinal: first.reservation.ordinal,
    toOrdinal: last.reservation.ordinal,
    root: bytesToHex(root),
    ...extent,
  };
  return {
    statement,
    attestations: (signature) => paths.map((path) => ({ statement, path: path.map(bytesToHex), signature })),
  };
}

/**
 * Is this very certificate attested by that key? Certificate and attestation are hostile; the key (SEC 1 uncompressed P-256
 * point, hex) is of the governance log.
 */
export function verifyAttestation(
  certified: Certificate,
  { statement, path, signature }: Attestation,
  attestationKey: string,
  verifier: SignatureVerifier,
): Outcome<AttestationStatement, AttestationRefusalCode> {
  const { fromOrdinal, toOrdinal, newestOrdinal, keptFrom } = statement;
  const { ordinal } = certified.reservation;
  const isAbout =
    statement.deploymentId === certified.deploymentId &&
    keptFrom <= fromOrdinal &&
    fromOrdinal <= ordinal &&
    ordinal <= toOrdinal &&
    toOrdinal <= newestOrdinal;
  if (!isAbout) return refused('certificate-attestation-other', { ordinal, fromOrdinal, toOrdinal });
  const included = verifyInclusion(
    leafHash(attestedBytes(certified)),
    { index: ordinal - fromOrdinal, size: toOrdinal - fromOrdinal + 1, path: path.map(hexToBytes) },
    hexToBytes(statement.root),
  );
  if (included.kind === 'refused') {
    return refused('certificate-attestation-mismatch', { ordinal, proof: included.code });
  }
  // In its other spelling the signature verifies as well, and every byte of a certificate is to matter.
  if (!isLowP256(signature)) return refused('certificate-attestation-invalid', { ordinal, why: 'high s' });
  return verifier.p256(hexToBytes(attestationKey), attestationBytes(statement), hexToBytes(signature))
    ? accepted(statement)
    : refused('certificate-attestation-invalid', { ordinal });
}
