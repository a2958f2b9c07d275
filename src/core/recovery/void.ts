// The void: the signer's word, vouched for by a key on its token, that a request was never signed and never will be. It is
// what a backend holds before it asks anew for what was refused or has expired. Nobody's word but the signer's makes one.

import { hexToBytes } from '@noble/hashes/utils.js';
import { z } from 'zod';
import { accepted, type Outcome, refused } from '../fault.js';
import { identifier, sha256Hex, signature64, timestampMs, wholeNumber } from '../statements/fields.js';
import { statementBytes } from '../statements/preimage.js';
import { type RequestStatement, requestDigest, transferId, transferIdOf } from '../statements/request.js';
import type { SignatureVerifier } from '../statements/signature.js';

export const VOID_TYPE = 'portcullis/void/v1';

/** `never-signed`: no signature was ever given out. `buried`: some were, and a quorum says that none can be mined any more. */
export const voidBasis = z.enum(['never-signed', 'buried']);
export type VoidBasis = z.infer<typeof voidBasis>;

export const voidStatement = z.strictObject({
  type: z.literal(VOID_TYPE),
  deploymentId: sha256Hex,
  transferId,
  requestId: identifier,
  requestDigest: sha256Hex,
  basis: voidBasis,
  /** Where the signer's journal says so; the record on the token covered it before this was signed. */
  journalSequence: wholeNumber(0),
  journalHash: sha256Hex,
  voidedAtMs: timestampMs,
});
export type VoidStatement = z.infer<typeof voidStatement>;

export const attestedVoid = z.strictObject({ statement: voidStatement, signature: signature64 });
export type AttestedVoid = z.infer<typeof attestedVoid>;

export function voidBytes(statement: VoidStatement): Uint8Array {
  return statementBytes(VOID_TYPE, statement);
}

export type VoidRefusalCode =
  | 'void-malformed'
  | 'void-other-deployment'
  | 'void-other-request'
  | 'void-signature-invalid';

/** What somebody who checks a void knows from elsewhere: both come from the governance log. */
export interface VoidAuthority {
  readonly deploymentId: string;
  /** SEC 1 uncompressed P-256 point, lower-case hex. */
  readonly attestationKey: string;
}

/** Is this the signer's void of this very request? Input is hostile; the request is the checker's own. */
export function verifyVoid(
  input: unknown,
  request: RequestStatement,
  authority: VoidAuthority,
  verifier: SignatureVerifier,
): Outcome<AttestedVoid, VoidRefusalCode> {
  const parsed = attestedVoid.safeParse(input);
  if (!parsed.success) {
    return refused('void-malformed', { where: parsed.error.issues[0]?.path.map(String).join('.') ?? '' });
  }
  const { statement, signature } = parsed.data;
  if (statement.deploymentId !== authority.deploymentId) {
    return refused('void-other-deployment', { void: statement.deploymentId });
  }
  const digest = requestDigest(request);
  const isOther =
    statement.requestDigest !== digest ||
    statement.transferId !== transferIdOf(digest) ||
    statement.requestId !== request.requestId;
  if (isOther)
    return refused('void-other-request', { void: statement.requestId, request: request.requestId });
  return verifier.p256(hexToBytes(authority.attestationKey), voidBytes(statement), hexToBytes(signature))
    ? accepted(parsed.data)
    : refused('void-signature-invalid', { transferId: statement.transferId });
}
