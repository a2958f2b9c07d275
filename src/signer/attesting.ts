// What the signer vouches for with its own key on the token. It only ever signs statements that it built itself from what
// its journal holds; nothing that a caller wrote reaches this key.

import { sha256 } from '@noble/hashes/sha2.js';
import { bytesToHex, concatBytes, hexToBytes, randomBytes, utf8ToBytes } from '@noble/hashes/utils.js';
import { Fault } from '../core/fault.js';
import type { AttestationKey } from '../core/governance/entry.js';
import type { SignatureVerifier } from '../core/statements/signature.js';
import type { SelfCheckFaultCode, Token } from './self-check.js';

function tokenOf({ token }: AttestationKey, tokens: ReadonlyMap<string, Token>): Token {
  const found = tokens.get(token);
  if (found) return found;
  throw new Fault<SelfCheckFaultCode>(
    'token-unknown',
    'the attestation key is on a token that is not configured',
    {
      facts: { token },
    },
  );
}

/** r || s over the bytes, lower-case hex, verified. Throws `key-does-not-sign`, `token-unknown`, and the token's faults. */
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
  return bytesToHex(signature);
}

/** Is the key in its token, born there, unable to leave, the registered one, and does it sign? Throws a SelfCheckFaultCode. */
export async function checkAttestationKey(
  key: AttestationKey,
  tokens: ReadonlyMap<string, Token>,
  verifier: SignatureVerifier,
): Promise<void> {
  const { signer } = tokenOf(key, tokens);
  const described = await signer.describeKey({ label: key.label });
  const failed: SelfCheckFaultCode | undefined =
    described.curve !== 'p256'
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
      'the attestation key on the token is not what governance and production ask for',
      {
        facts: { label: key.label },
      },
    );
  }
  await attest(
    concatBytes(utf8ToBytes('portcullis/self-check/v1\n'), randomBytes(32)),
    key,
    tokens,
    verifier,
  );
}
