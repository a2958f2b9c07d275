import { describe, expect, it } from '@jest/globals';
import { bytesToHex, hexToBytes } from '@noble/hashes/utils.js';
import { initEccLib, address as library, networks } from 'bitcoinjs-lib';
import fc from 'fast-check';
import * as ecc from 'tiny-secp256k1';
import {
  addressOfScript,
  type BitcoinNetwork,
  dustSats,
  isP2wpkh,
  p2wpkhAddress,
  p2wpkhScript,
  scriptOfAddress,
} from './address.js';

initEccLib(ecc);

const GENERATOR = '79be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798';

/** BIP-173 and BIP-350: addresses whose kind is paid to here, with their scriptPubKeys. */
const VALID: [string, BitcoinNetwork, string][] = [
  ['bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4', 'mainnet', '0014751e76e8199196d454941c45d1b3a323f1433bd6'],
  ['tb1qw508d6qejxtdg4y5r3zarvary0c5xw7kxpjzsx', 'signet', '0014751e76e8199196d454941c45d1b3a323f1433bd6'],
  [
    'tb1qrp33g0q5c5txsp9arysrx4k6zdkfs4nce4xj0gdcccefvpysxf3q0sl5k7',
    'testnet',
    '00201863143c14c5166804bd19203356da136c985678cd4d27a1b8c6329604903262',
  ],
  [
    'tb1qqqqqp399et2xygdj5xreqhjjvcmzhxw4aywxecjdzew6hylgvsesrxh6hy',
    'testnet',
    '0020000000c4a5cad46221b2a187905e5266362b99d5e91c6ce24d165dab93e86433',
  ],
  [
    'tb1pqqqqp399et2xygdj5xreqhjjvcmzhxw4aywxecjdzew6hylgvsesf3hn0c',
    'testnet',
    '5120000000c4a5cad46221b2a187905e5266362b99d5e91c6ce24d165dab93e86433',
  ],
  ['bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqzk5jj0', 'mainnet', `5120${GENERATOR}`],
  // Base58Check: the keys hash of the first block's coinbase, and BIP-16 style scripts.
  ['1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa', 'mainnet', '76a91462e907b15cbf27d5425399ebf6f0fb50ebb88f1888ac'],
  ['3P14159f73E4gFr7JterCCQh9QjiTjiZrG', 'mainnet', 'a914e9c3dd0c07aac76179ebc76a6c78d4d67c6c160a87'],
];

/** Valid by BIP-173 or BIP-350, and refused all the same. */
const VALID_ELSEWHERE: [string, string, BitcoinNetwork][] = [
  ['upper case', 'BC1QW508D6QEJXTDG4Y5R3ZARVARY0C5XW7KV8F3T4', 'mainnet'],
  [
    'version 1 of 40 bytes',
    'bc1pw508d6qejxtdg4y5r3zarvary0c5xw7kw508d6qejxtdg4y5r3zarvary0c5xw7kt5nd6y',
    'mainnet',
  ],
  ['witness version 2', 'bc1zw508d6qejxtdg4y5r3zarvaryvaxxpcs', 'mainnet'],
  ['witness version 16', 'BC1SW50QGDZ25J', 'mainnet'],
  ['witness version 16 in lower case', 'bc1sw50qgdz25j', 'mainnet'],
  ['a taproot key that is no point', library.toBech32(hexToBytes('5'.padStart(64, '0')), 1, 'tb'), 'testnet'],
];

/** Invalid by BIP-173 (with version 0) or BIP-350. */
const INVALID: [string, string][] = [
  ['another human-readable part', 'tc1qw508d6qejxtdg4y5r3zarvary0c5xw7kg3g4ty'],
  [
    'another human-readable part, version 1',
    'tc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vq5zuyut',
  ],
  ['a wrong checksum', 'bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t5'],
  ['Bech32 instead of Bech32m', 'bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqh2y7hd'],
  ['Bech32 instead of Bech32m, version 2', 'tb1z0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqglt7rf'],
  ['Bech32 instead of Bech32m, version 16', 'BC1S0XLXVLHEMJA6C4DQV22UAPCTQUPFHLXM9H8Z3K2E72Q4K9HCZ7VQ54WELL'],
  ['Bech32m instead of Bech32', 'bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kemeawh'],
  ['Bech32m instead of Bech32, 32 bytes', 'tb1q0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vq24jc47'],
  [
    'a character that is not in the alphabet',
    'bc1p38j9r5y49hruaue7wxjce0updqjuyyx0kh56v8s25huc6995vvpql3jow4',
  ],
  ['witness version 17', 'BC130XLXVLHEMJA6C4DQV22UAPCTQUPFHLXM9H8Z3K2E72Q4K9HCZ7VQ7ZWS8R'],
  ['a program of 1 byte', 'bc1pw5dgrnzv'],
  ['a program of 41 bytes', 'bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7v8n0nx0muaewav253zgeav'],
  ['version 0 with 16 bytes', 'BC1QR508D6QEJXTDG4Y5R3ZARVARYV98GJ9P'],
  ['mixed case', 'tb1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vq47Zagq'],
  ['padding of more than 4 bits', 'bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7v07qwwzcrf'],
  ['padding that is not zero', 'tb1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vpggkg4j'],
  [
    'version 0 with padding that is not zero',
    'tb1qrp33g0q5c5txsp9arysrx4k6zdkfs4nce4xj0gdcccefvpysxf3pjxtptv',
  ],
  ['no data', 'bc1gmk9yu'],
  ['a wrong Base58Check checksum', '1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNb'],
  ['an Ethereum address', '0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed'],
  ['a blank at the end', 'bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4 '],
  ['nothing', ''],
  ['a look-alike letter', 'bc1qw508d6qejxtdg4y5r3zаrvary0c5xw7kv8f3t4'],
];

const NETWORKS: BitcoinNetwork[] = ['mainnet', 'testnet', 'signet', 'regtest'];

describe('Bitcoin addresses (BIP-173, BIP-350, Base58Check)', () => {
  it.each(VALID)('pays %s on %s', (address, network, script) => {
    expect(scriptOfAddress(address, network)).toEqual({ kind: 'accepted', value: script });
    expect(addressOfScript(script, network)).toBe(address);
  });

  it.each(VALID)('refuses %s away from %s', (address, network) => {
    for (const other of NETWORKS) {
      const twins = network !== 'mainnet' && ['testnet', 'signet'].includes(other);
      if (other === network || twins) continue;
      expect(scriptOfAddress(address, other)).toMatchObject({ kind: 'refused', code: 'destination-invalid' });
    }
  });

  it.each(VALID_ELSEWHERE)('refuses %s', (_, address, network) => {
    expect(scriptOfAddress(address, network)).toMatchObject({ kind: 'refused', code: 'destination-invalid' });
  });

  it.each(INVALID)('refuses an address with or that is %s', (_, address) => {
    for (const network of NETWORKS) {
      expect(scriptOfAddress(address, network)).toMatchObject({
        kind: 'refused',
        code: 'destination-invalid',
      });
    }
  });

  const hash20 = fc.uint8Array({ minLength: 20, maxLength: 20 }).map((bytes) => bytesToHex(bytes));
  const hash32 = fc.uint8Array({ minLength: 32, maxLength: 32 }).map((bytes) => bytesToHex(bytes));
  const script = fc.oneof(
    hash20.map((hash) => `0014${hash}`),
    hash32.map((hash) => `0020${hash}`),
    hash20.map((hash) => `76a914${hash}88ac`),
    hash20.map((hash) => `a914${hash}87`),
    hash32.filter((key) => ecc.isXOnlyPoint(hexToBytes(key))).map((key) => `5120${key}`),
  );

  it('writes and reads every script as bitcoinjs-lib does', () => {
    const params = { mainnet: networks.bitcoin, testnet: networks.testnet, regtest: networks.regtest };
    fc.assert(
      fc.property(script, fc.constantFrom('mainnet', 'testnet', 'regtest'), (text, network) => {
        const address = library.fromOutputScript(hexToBytes(text), params[network]);
        expect(addressOfScript(text, network)).toBe(address);
        expect(scriptOfAddress(address, network)).toEqual({ kind: 'accepted', value: text });
      }),
    );
  });

  it('refuses every address with one character changed', () => {
    const alphabet = fc.constantFrom(
      ...'qpzry9x8gf2tvdw0s3jn54khce6mua7l'.split(''),
      'Q',
      'b',
      'i',
      'o',
      '1',
      'é',
    );
    fc.assert(
      fc.property(script, fc.nat(), alphabet, (text, at, character) => {
        const address = addressOfScript(text, 'regtest') ?? '';
        const index = at % address.length;
        const changed = address.slice(0, index) + character + address.slice(index + 1);
        fc.pre(changed !== address);
        expect(scriptOfAddress(changed, 'regtest')).toMatchObject({ code: 'destination-invalid' });
      }),
    );
  });

  it('never throws on hostile text', () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 120 }), fc.constantFrom(...NETWORKS), (text, network) => {
        expect(scriptOfAddress(text, network).kind).toBe('refused');
        expect(scriptOfAddress(`bcrt1${text}`, network).kind).toBe('refused');
      }),
    );
  });

  it('derives the P2WPKH address of a key as BIP-173 does', () => {
    expect(p2wpkhScript(`02${GENERATOR}`)).toBe('0014751e76e8199196d454941c45d1b3a323f1433bd6');
    expect(p2wpkhAddress(`02${GENERATOR}`, 'mainnet')).toBe('bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4');
    expect(isP2wpkh(p2wpkhScript(`02${GENERATOR}`))).toBe(true);
  });

  it('refuses to derive an address of what is no key', () => {
    expect(() => p2wpkhScript(`04${GENERATOR}`)).toThrow(
      expect.objectContaining({ code: 'public-key-malformed' }),
    );
  });

  it.each([
    ['P2PKH', `76a914${'00'.repeat(20)}88ac`, 546n],
    ['P2SH', `a914${'00'.repeat(20)}87`, 540n],
    ['P2WPKH', `0014${'00'.repeat(20)}`, 294n],
    ['P2WSH', `0020${'00'.repeat(32)}`, 330n],
    ['P2TR', `5120${GENERATOR}`, 330n],
    ['pay-to-anchor', '51024e73', 240n],
    ['OP_RETURN', '6a0100', 0n],
    ['an empty script', '', 471n],
    ['a script of 253 bytes', '51'.repeat(253), 1_236n],
  ])('knows the dust threshold of %s', (_, text, threshold) => {
    expect(dustSats(text)).toBe(threshold);
  });
});
