// Bitcoin addresses and the output scripts that they stand for: P2PKH, P2SH, P2WPKH, P2WSH and taproot of one network,
// in the one spelling that each has. It is NOT a general address parser: witness versions from 2 on are refused, since
// anybody can spend such outputs today.

import { ripemd160 } from '@noble/hashes/legacy.js';
import { sha256 } from '@noble/hashes/sha2.js';
import { bytesToHex, hexToBytes } from '@noble/hashes/utils.js';
import { address as codec } from 'bitcoinjs-lib';
import { isXOnlyPoint } from 'tiny-secp256k1';
import { accepted, type Outcome, refused } from '../../fault.js';
import { portableSecp256k1, publicKeyBytes } from '../ecdsa.js';

export type BitcoinNetwork = 'mainnet' | 'testnet' | 'signet' | 'regtest';

/** Human-readable part (BIP-173) and Base58Check version bytes. The test networks share theirs: nothing tells them apart. */
const PREFIXES: Readonly<Record<BitcoinNetwork, { hrp: string; p2pkh: number; p2sh: number }>> = {
  mainnet: { hrp: 'bc', p2pkh: 0x00, p2sh: 0x05 },
  testnet: { hrp: 'tb', p2pkh: 0x6f, p2sh: 0xc4 },
  signet: { hrp: 'tb', p2pkh: 0x6f, p2sh: 0xc4 },
  regtest: { hrp: 'bcrt', p2pkh: 0x6f, p2sh: 0xc4 },
};

const P2PKH = /^76a914([0-9a-f]{40})88ac$/;
const P2SH = /^a914([0-9a-f]{40})87$/;
const P2WPKH = /^0014([0-9a-f]{40})$/;
const P2WSH = /^0020([0-9a-f]{64})$/;
const P2TR = /^5120([0-9a-f]{64})$/;

function segwitScript(address: string): string | undefined {
  const { version, data } = codec.fromBech32(address);
  const program = bytesToHex(data);
  if (version === 0 && data.length === 20) return `0014${program}`;
  if (version === 0 && data.length === 32) return `0020${program}`;
  // A taproot output whose key is no point can never be spent by anybody (BIP-341).
  if (version === 1 && data.length === 32 && isXOnlyPoint(data)) return `5120${program}`;
  return undefined;
}

function base58Script(address: string, network: BitcoinNetwork): string | undefined {
  const { version, hash } = codec.fromBase58Check(address);
  if (version === PREFIXES[network].p2pkh) return `76a914${bytesToHex(hash)}88ac`;
  if (version === PREFIXES[network].p2sh) return `a914${bytesToHex(hash)}87`;
  return undefined;
}

function scriptOf(address: string, network: BitcoinNetwork): string | undefined {
  if (!/^[0-9A-Za-z]{14,90}$/.test(address)) return undefined;
  try {
    const script = address.startsWith(`${PREFIXES[network].hrp}1`)
      ? segwitScript(address)
      : base58Script(address, network);
    // One spelling only: what this script is written as must be what came in (case, padding, checksum variant).
    return script !== undefined && addressOfScript(script, network) === address ? script : undefined;
  } catch {
    // The codecs throw for a bad checksum, length or character: it is no address.
    return undefined;
  }
}

/**
 * scriptPubKey (lower-case hex) of an address of `network`. Input is hostile. Refuses `destination-invalid` for
 * another network's address, any upper-case segwit address, witness version 2 and above, and a taproot key that is no
 * point. BIP-173, BIP-350, BIP-341, Base58Check.
 */
export function scriptOfAddress(
  address: string,
  network: BitcoinNetwork,
): Outcome<string, 'destination-invalid'> {
  const script = scriptOf(address, network);
  return script === undefined
    ? refused('destination-invalid', { destination: address.slice(0, 100), network })
    : accepted(script);
}

/** Address of a scriptPubKey (lower-case hex) on `network`; undefined when it is none of the five kinds. */
export function addressOfScript(script: string, network: BitcoinNetwork): string | undefined {
  const { hrp, p2pkh, p2sh } = PREFIXES[network];
  const v0 = (P2WPKH.exec(script) ?? P2WSH.exec(script))?.[1];
  if (v0 !== undefined) return codec.toBech32(hexToBytes(v0), 0, hrp);
  const v1 = P2TR.exec(script)?.[1];
  if (v1 !== undefined) return codec.toBech32(hexToBytes(v1), 1, hrp);
  const keyHash = P2PKH.exec(script)?.[1];
  if (keyHash !== undefined) return codec.toBase58Check(hexToBytes(keyHash), p2pkh);
  const scriptHash = P2SH.exec(script)?.[1];
  if (scriptHash !== undefined) return codec.toBase58Check(hexToBytes(scriptHash), p2sh);
  return undefined;
}

/** True for a P2WPKH scriptPubKey (lower-case hex), the only kind that wallets here hold. */
export function isP2wpkh(script: string): boolean {
  return P2WPKH.test(script);
}

/** P2WPKH scriptPubKey of a compressed public key (both lower-case hex). Throws `public-key-malformed`. BIP-141. */
export function p2wpkhScript(publicKey: string, curve = portableSecp256k1): string {
  return `0014${bytesToHex(ripemd160(sha256(publicKeyBytes(publicKey, curve))))}`;
}

/** P2WPKH address of a compressed public key (lower-case hex). Throws `public-key-malformed`. */
export function p2wpkhAddress(publicKey: string, network: BitcoinNetwork): string {
  return codec.toBech32(hexToBytes(p2wpkhScript(publicKey).slice(4)), 0, PREFIXES[network].hrp);
}

/** A witness program: version 0 to 16, then one push of 2 to 40 bytes that ends the script (BIP-141). */
function isWitnessProgram(script: Uint8Array): boolean {
  const [version = 0xff, push = 0] = script;
  const versioned = version === 0 || (version >= 0x51 && version <= 0x60);
  return versioned && push >= 2 && push <= 40 && script.length === push + 2;
}

/**
 * The least amount, in satoshi, that nodes relay in an output with this scriptPubKey (lower-case hex): three times the
 * virtual bytes of the output and of the input that will spend it. 0 for an output that nobody can spend. Bitcoin
 * Core's policy at its default dust relay fee of 3 sat/vB.
 */
export function dustSats(script: string): bigint {
  const bytes = hexToBytes(script);
  if (bytes[0] === 0x6a) return 0n;
  const lengthBytes = bytes.length < 0xfd ? 1n : bytes.length <= 0xffff ? 3n : 5n;
  const output = 8n + lengthBytes + BigInt(bytes.length);
  const spending = isWitnessProgram(bytes) ? 67n : 148n;
  return (output + spending) * 3n;
}
