// What the signer proves to itself before it serves: that the arithmetic it relies on gives the published results, and
// that each wallet's key is in its token, was born there, cannot leave it, and signs. The tests run this same code.

import { sha256 } from '@noble/hashes/sha2.js';
import { bytesToHex, concatBytes, hexToBytes, randomBytes, utf8ToBytes } from '@noble/hashes/utils.js';
import * as secp256k1 from 'tiny-secp256k1';
import type { KeyDescription, KeySigner } from '../../hardware/key-signer.js';
import { Fault } from '../core/fault.js';
import type { Wallet } from '../core/governance/entry.js';
import type { GovernanceState } from '../core/governance/state.js';
import { p2wpkhAddress } from '../core/intents/bitcoin/address.js';
import { normaliseLowS, verifyDigest } from '../core/intents/ecdsa.js';
import { addressOfPublicKey } from '../core/intents/ethereum/address.js';
import type { SignatureVerifier } from '../core/statements/signature.js';
import { nativeSecp256k1 } from '../platform/native-secp256k1.js';
import type { PublicKeysResult } from '../signer-protocol/messages.js';
import { knownVectors } from './known-vectors.js';

export type SelfCheckFaultCode =
  | 'vector-failed'
  | 'token-unknown'
  | 'key-other-curve'
  | 'key-other-public-key'
  | 'key-extractable'
  | 'key-not-born-in-token'
  | 'key-does-not-sign';

export interface Token {
  readonly signer: KeySigner;
  /** Serial number as the token gave it at the start. */
  readonly serial: string;
}

/** Recomputes published test vectors. Throws `vector-failed`. */
export function checkVectors(verifier: SignatureVerifier, curve = nativeSecp256k1): void {
  for (const vector of knownVectors(verifier, curve)) {
    if (!vector.holds()) {
      throw new Fault<SelfCheckFaultCode>('vector-failed', 'a published test vector does not come out', {
        facts: { vector: vector.name },
      });
    }
  }
}

/** A text of our own with fresh randomness: never anything that moves money or vouches for something. */
export function selfCheckText(): Uint8Array {
  return concatBytes(utf8ToBytes('portcullis/self-check/v1\n'), randomBytes(32));
}

function compressed(description: KeyDescription): string {
  return bytesToHex(secp256k1.pointCompress(hexToBytes(description.publicKey), true));
}

function requireKey(holds: boolean, code: SelfCheckFaultCode, wallet: Wallet, label: string): void {
  if (holds) return;
  throw new Fault(code, 'a wallet key on the token is not what governance and production ask for', {
    facts: { walletId: wallet.walletId, label },
  });
}

function tokenOf(wallet: Wallet, tokens: ReadonlyMap<string, Token>): Token {
  const token = tokens.get(wallet.token);
  if (token) return token;
  throw new Fault<SelfCheckFaultCode>('token-unknown', 'a wallet is on a token that is not configured', {
    facts: { walletId: wallet.walletId, token: wallet.token },
  });
}

/** Checks attributes, public key and a sign-and-verify of every key of a wallet. Throws a SelfCheckFaultCode or the token's fault. */
export async function checkWallet(wallet: Wallet, tokens: ReadonlyMap<string, Token>): Promise<void> {
  const { signer } = tokenOf(wallet, tokens);
  for (const key of wallet.keys) {
    const description = await signer.describeKey({ label: key.label });
    requireKey(description.curve === 'secp256k1', 'key-other-curve', wallet, key.label);
    requireKey(compressed(description) === key.publicKey, 'key-other-public-key', wallet, key.label);
    requireKey(description.unextractable, 'key-extractable', wallet, key.label);
    requireKey(description.bornInToken, 'key-not-born-in-token', wallet, key.label);
    const digest = sha256(selfCheckText());
    const signature = normaliseLowS(await signer.signDigest({ label: key.label }, digest));
    requireKey(verifyDigest(key.publicKey, digest, signature), 'key-does-not-sign', wallet, key.label);
  }
}

/** What the token says of each wallet's keys, with their addresses. Throws `key-other-curve`, `token-unknown`, the token's fault. */
export async function describeWallets(
  state: GovernanceState,
  tokens: ReadonlyMap<string, Token>,
): Promise<PublicKeysResult['wallets']> {
  const described: PublicKeysResult['wallets'] = [];
  for (const wallet of state.wallets.values()) {
    const { signer } = tokenOf(wallet, tokens);
    const chain = state.chains.get(wallet.chain);
    const keys = [];
    for (const { label } of wallet.keys) {
      const description = await signer.describeKey({ label });
      requireKey(description.curve === 'secp256k1', 'key-other-curve', wallet, label);
      const publicKey = compressed(description);
      const { unextractable, bornInToken } = description;
      const address =
        chain?.family === 'bitcoin' ? p2wpkhAddress(publicKey, chain.network) : addressOfPublicKey(publicKey);
      keys.push({ label, publicKey, address, unextractable, bornInToken });
    }
    described.push({ walletId: wallet.walletId, keys });
  }
  return described;
}
