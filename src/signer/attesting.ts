// What the signer vouches for with its own key on the token. It only ever signs statements that it built itself from what
// its journal holds; nothing that a caller wrote reaches this key.

import { sha256 } from '@noble/hashes/sha2.js';
import { bytesToHex, hexToBytes } from '@noble/hashes/utils.js';
import type { KeyCurve } from '../../hardware/key-signer.js';
import { Fault } from '../core/fault.js';
import type { AttestationKey } from '../core/governance/entry.js';
import { normaliseP256 } from '../core/statements/p256-spelling.js';
import type { SignatureVerifier } from '../core/statements/signature.js';
import { type SelfCheckFaultCode, selfCheckText, type Token } from './self-check.js';

/** A key that the signer has for itself, as governance registers it. */
export type OwnKey = Pick<AttestationKey, 'token' | 'label' | 'publicKey'>;

/** Throws `token-unknown`. */
export function tokenOf({ token }: OwnKey, tokens: ReadonlyMap<string, Token>): Token {
  const found = tokens.get(token);
  if (found) return found;
  throw new Fault<SelfCheckFaultCode>(
    'token-unknown',
    "a key of the signer's own is on a token that is not configured",
    {
      facts: { token },
    },
  );
}

/** r || s over the bytes, lower-case hex, verified, with s in the lower half: a certificate has one spelling. Throws `key-does-not-sign`, `token-unknown`, and the token's faults. */
export async function attest(
  bytes: Uint8Array,
  key: AttestationKey,
  tokens: ReadonlyMap<string, Token>,
  verifier: SignatureVerifier,
): Promise<string> {
  const { signer } = tokenOf(key, tokens);
  const signature = await signer.signDigest({ label: key.label }, sha256(bytes));
  if (!verifier.p256(hexToBytes(key.publicKey), bytes, signature)) {
    throw new Fault<SelfCheckFaultCode>(
      'key-does-not-sign',
      'the attestation key signs what does not verify',
      {
        facts: { label: key.label },
      },
    );
  }
  return bytesToHex(normaliseP256(signature));
}

/** Is the key in its token, born there, unable to leave, and the registered one? Throws a SelfCheckFaultCode. */
export async function requireOwnKey(
  key: OwnKey,
  curve: KeyCurve,
  tokens: ReadonlyMap<string, Token>,
): Promise<void> {
  const { signer } = tokenOf(key, tokens);
  const described = await signer.describeKey({ label: key.label });
  const failed: SelfCheckFaultCode | undefined =
    described.curve !== curve
      ? 'key-other-curve'
      : described.publicKey !== key.publicKey
        ? 'key-other-public-key'
        : !described.unextractable
          ? 'key-extractable'
          : !described.bornInToken
            ? 'key-not-born-in-token'
            : undefined;
  if (failed !== undefined) {
    throw new Fault(
      failed,
      "a key of the signer's own on the token is not what governance and production ask for",
      { facts: { label: key.label } },
    );
  }
}

/** What `requireOwnKey` asks, and does it sign? Throws a SelfCheckFaultCode. */
export async function checkAttestationKey(
  key: AttestationKey,
  tokens: ReadonlyMap<string, Token>,
  verifier: SignatureVerifier,
): Promise<void> {
  await requireOwnKey(key, 'p256', tokens);
  await attest(selfCheckText(), key, tokens, verifier);
}
