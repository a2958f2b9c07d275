// Published results that the signer recomputes at every start, through the very functions that it decides and signs
// with. A library that was swapped or miscompiled shows here before it touches money.

import { sha256 } from '@noble/hashes/sha2.js';
import { bytesToHex, hexToBytes, utf8ToBytes } from '@noble/hashes/utils.js';
import { p2wpkhAddress } from '../core/intents/bitcoin/address.js';
import { recoveryIdOf, type Secp256k1, verifyDigest } from '../core/intents/ecdsa.js';
import { addressOfPublicKey } from '../core/intents/ethereum/address.js';
import { decodeEip1559 } from '../core/intents/ethereum/decode.js';
import { canonicalJson } from '../core/statements/canonical-json.js';
import { assertionClaim } from '../core/statements/passkey.js';
import type { SignatureVerifier } from '../core/statements/signature.js';

export interface KnownVector {
  readonly name: string;
  readonly holds: () => boolean;
}

/** SEC 2: the generator point, the public key of private key 1. */
const GENERATOR = '0279be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798';

const RFC8032_TEST_2 = {
  publicKey: '3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c',
  message: '72',
  signature:
    '92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00',
};

/** RFC 6979 A.2.5, P-256 with SHA-256, message "sample". */
const RFC6979_P256 = {
  publicKey:
    '0460fed4ba255a9d31c961eb74c6356d68c049b8923b61fa6ce669622e60f29fb67903fe1008b8bc99a41ae9e95628bc64f2f1b20c2d7e9f5177a3c294d4462299',
  signature:
    'efd48b2aacb6a8fd1140dd9cd45e81d69d2c877b56aaf991c34d0ea84eaf3716f7cb1c942d657c41d436c7a1b6e29f65f3e900dbb9aff4064dc4ab2f843acda8',
};

/** Deterministic ECDSA on secp256k1 with private key 1, as several libraries publish it. */
const SECP256K1 = {
  message: 'Everything should be made as simple as possible, but not simpler.',
  signature:
    '33a69cd2065432a30f3d1ce4eb0d59b8ab58c74f27c41a7fdb5696ad4e6108c96f807982866f785d3f6418d24163ddae117b7db4d5fdf0071de069fa54342262',
  yParity: 0,
};

/** Web Authentication Level 3, 16.7: an assertion with ES256, its s brought into the lower half. */
const WEBAUTHN = {
  key: {
    publicKey:
      '041cf27f25da591208a4239c2e324f104f585525479a29edeedd830f48e77aeae559e4b7da6c0106e206ce390c93ab98a15a5ec3887e57f0cc2bece803b920c423',
    rpId: 'example.org',
    origin: 'https://example.org',
    backupEligible: true,
  },
  challenge: 'b1106fa46a57bef1781511c0557dc898a03413d5f0f17d244630c194c7e1adb5',
  signature:
    '694969d3ee928de6f02ef23a9c644d7d779916451734a94b432542f498a1ebe974f7e636dbde7569ead32f663aa404eb45345d1d9ccdf844db887b26ff9583ee.v6vDdDKViwYzYNOtZGHJxHNa5_jt1GWSpeDwFFKy5LUNAAAAAA.eyJ0eXBlIjoid2ViYXV0aG4uZ2V0IiwiY2hhbGxlbmdlIjoic1JCdnBHcFh2dkY0RlJIQVZYM0ltS0EwRTlYdzhYMGtSakRCbE1maHJiVSIsIm9yaWdpbiI6Imh0dHBzOi8vZXhhbXBsZS5vcmciLCJjcm9zc09yaWdpbiI6ZmFsc2UsImV4dHJhRGF0YSI6ImNsaWVudERhdGFKU09OIG1heSBiZSBleHRlbmRlZCB3aXRoIGFkZGl0aW9uYWwgZmllbGRzIGluIHRoZSBmdXR1cmUsIHN1Y2ggYXMgdGhpczogQVpNd3lNeEliRDgtdWd1Rk5wNnI4USJ9',
};

/** A personal message as Ledger's Ethereum app 1.22 signed it, by the key of a public test seed. */
const EIP191 = {
  publicKey: '02ef5b152e3f15eb0c50c9916161c2309e54bd87b9adce722d69716bcdef85f547',
  message: 'hello from speculos',
  signature:
    '011855e94c19cec790844440e860f6f64054184e3b25bf105a83c778b658347443ff41c2b71a50002f5403ede33c0a255565e6e263d903561c2d13732c0672bb',
};

function changed(hex: string, at = 40): Uint8Array {
  return hexToBytes(hex).map((byte, index) => (index === at ? byte ^ 1 : byte));
}

/** Each vector is checked both ways: the published signature verifies, and the same with one bit changed does not. */
export function knownVectors(verifier: SignatureVerifier, curve: Secp256k1): readonly KnownVector[] {
  const ed25519 = (signature: Uint8Array) =>
    verifier.ed25519(hexToBytes(RFC8032_TEST_2.publicKey), hexToBytes(RFC8032_TEST_2.message), signature);
  const p256 = (signature: Uint8Array) =>
    verifier.p256(hexToBytes(RFC6979_P256.publicKey), utf8ToBytes('sample'), signature);
  const eip191 = (signature: Uint8Array) =>
    verifier.eip191(hexToBytes(EIP191.publicKey), utf8ToBytes(EIP191.message), signature);
  const webauthn = (challenge: string) => {
    const claim = assertionClaim(WEBAUTHN.key, hexToBytes(challenge), WEBAUTHN.signature);
    return claim !== undefined && verifier[claim.kind](claim.publicKey, claim.message, claim.signature);
  };
  const digest = sha256(utf8ToBytes(SECP256K1.message));
  const secp256k1 = hexToBytes(SECP256K1.signature);
  return [
    {
      name: 'RFC 8032 Ed25519',
      holds: () =>
        ed25519(hexToBytes(RFC8032_TEST_2.signature)) && !ed25519(changed(RFC8032_TEST_2.signature)),
    },
    {
      name: 'RFC 6979 P-256',
      holds: () => p256(hexToBytes(RFC6979_P256.signature)) && !p256(changed(RFC6979_P256.signature)),
    },
    {
      name: 'EIP-191 personal message',
      holds: () => eip191(hexToBytes(EIP191.signature)) && !eip191(changed(EIP191.signature)),
    },
    {
      name: 'WebAuthn assertion',
      holds: () => webauthn(WEBAUTHN.challenge) && !webauthn(bytesToHex(changed(WEBAUTHN.challenge, 20))),
    },
    {
      name: 'secp256k1 ECDSA',
      holds: () =>
        verifyDigest(GENERATOR, digest, secp256k1, curve) &&
        !verifyDigest(GENERATOR, digest, changed(SECP256K1.signature), curve),
    },
    {
      name: 'secp256k1 recovery',
      holds: () => recoveryIdOf(GENERATOR, digest, secp256k1, curve) === SECP256K1.yParity,
    },
    {
      name: 'BIP-173 P2WPKH address',
      holds: () => p2wpkhAddress(GENERATOR, 'mainnet') === 'bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4',
    },
    {
      name: 'EIP-55 address',
      holds: () => addressOfPublicKey(GENERATOR) === '0x7E5F4552091A69125d5DfCb7b8C2659029395Bdf',
    },
    {
      name: 'EIP-7702 authorization lists refused',
      holds: () => {
        const decoded = decodeEip1559('04c0');
        return decoded.kind === 'refused' && decoded.code === 'authorization-list';
      },
    },
    {
      name: 'RFC 8785 canonical JSON',
      holds: () => canonicalJson({ b: [1, true], a: '"' }) === '{"a":"\\"","b":[1,true]}',
    },
  ];
}
