import { describe, expect, it } from '@jest/globals';
import { bytesToHex, hexToBytes } from '@noble/hashes/utils.js';
import { computeAddress, getAddress } from 'ethers';
import fc from 'fast-check';
import { isPrivate, pointFromScalar } from 'tiny-secp256k1';
import { addressOfPublicKey, checksumAddress, ethereumAddress } from './address.js';

/** EIP-55, test cases. */
const VECTORS = [
  '0x52908400098527886E0F7030069857D2E4169EE7',
  '0x8617E340B3D01FA5F11F306F4090FD50E238070D',
  '0xde709f2102306220921060314715629080e2fb77',
  '0x27b1fdb04752bbc536007a920d24acb045561c26',
  '0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed',
  '0xfB6916095ca1df60bB79Ce92cE3Ea74c37c5d359',
  '0xdbF03B407c01E7cD3CBea99509d93f8DDDC8C6FB',
  '0xD1220A0cf47c7B9Be7A2E6BA89F429762e7b9aDb',
];
const address20 = fc.uint8Array({ minLength: 20, maxLength: 20 });

describe('Ethereum addresses (EIP-55)', () => {
  it.each(VECTORS)('takes %s', (address) => {
    expect(ethereumAddress(address)).toEqual({ kind: 'accepted', value: address });
    expect(checksumAddress(hexToBytes(address.slice(2).toLowerCase()))).toBe(address);
  });

  it('writes every address as ethers does', () => {
    fc.assert(
      fc.property(address20, (bytes) => {
        expect(checksumAddress(bytes)).toBe(getAddress(`0x${bytesToHex(bytes)}`));
      }),
    );
  });

  it.each([
    ['a wrong checksum', '0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAeD'],
    ['lower case', '0x5aaeb6053f3e94c9b9a09f33669435e7ef1beaed'],
    ['upper case', '0x5AAEB6053F3E94C9B9A09F33669435E7EF1BEAED'],
    ['an upper-case prefix', '0X5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed'],
    ['no prefix', '5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed'],
    ['39 digits', '0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAe'],
    ['41 digits', '0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAedd'],
    ['a line break at its end', '0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed\n'],
    ['only zeros', '0x0000000000000000000000000000000000000000'],
    ['an IBAN form', 'XE7338O073KYGTWWZN0F2WZ0R8PX5ZPPZS'],
    ['a Bitcoin form', 'bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4'],
    ['a name', 'vitalik.eth'],
    ['nothing in it', ''],
  ])('refuses an address with %s', (_, text) => {
    expect(ethereumAddress(text)).toMatchObject({ kind: 'refused', code: 'destination-invalid' });
  });

  it('refuses an address in which the case of any letter was changed', () => {
    fc.assert(
      fc.property(address20, fc.nat(39), (bytes, at) => {
        const address = checksumAddress(bytes);
        const letter = address[at + 2] ?? '';
        const other = letter === letter.toLowerCase() ? letter.toUpperCase() : letter.toLowerCase();
        fc.pre(other !== letter);
        const changed = address.slice(0, at + 2) + other + address.slice(at + 3);
        expect(ethereumAddress(changed)).toMatchObject({ code: 'destination-invalid' });
      }),
    );
  });

  it('derives the address of a key as ethers does', () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ minLength: 32, maxLength: 32 }).filter((bytes) => isPrivate(bytes)),
        (secret) => {
          const publicKey = bytesToHex(pointFromScalar(secret, true) ?? new Uint8Array(0));
          expect(addressOfPublicKey(publicKey)).toBe(computeAddress(`0x${publicKey}`));
        },
      ),
    );
  });

  it('refuses to derive the address of what is no key', () => {
    expect(() => addressOfPublicKey('02'.repeat(32))).toThrow(
      expect.objectContaining({ code: 'public-key-malformed' }),
    );
  });
});
