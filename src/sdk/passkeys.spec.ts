import { describe, expect, it } from '@jest/globals';
import { hexToBytes } from '@noble/hashes/utils.js';
import fc from 'fast-check';
import { passkeySignature } from './passkeys.js';

const authenticatorData = new Uint8Array(37);
const clientDataJSON = new Uint8Array(1);
const of = (der: string) =>
  passkeySignature({ authenticatorData, clientDataJSON, signature: hexToBytes(der) }).split('.')[0];

const ORDER = 'ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551';
const HIGHEST = 'ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632550';

describe('what a browser gives as a signature', () => {
  it('becomes r and s, of 32 bytes each, s in the lower half', () => {
    expect(of('3006020101020102')).toBe(`${'1'.padStart(64, '0')}${'2'.padStart(64, '0')}`);
    expect(of(`302602010102 2100${HIGHEST}`.replaceAll(' ', ''))).toBe(
      `${'1'.padStart(64, '0')}${'1'.padStart(64, '0')}`,
    );
    expect(of('3008020200ff02020080')).toBe(`${'ff'.padStart(64, '0')}${'80'.padStart(64, '0')}`);
  });

  it.each([
    ['nothing', ''],
    ['no sequence', '3106020101020102'],
    ['a sequence that is cut short', '30060201010201'],
    ['a sequence that says another length', '3007020101020102'],
    ['something behind it', '300702010102010200'],
    ['a length in the long form', '308106020101020102'],
    ['one number', '3003020101'],
    ['something that is no number', '3006030101020102'],
    ['an empty number', '30050200020102'],
    ['zero', '3006020100020102'],
    ['a negative number', '3006020181020102'],
    ['a number with a zero too many', '300702020001020102'],
    ['the order', `3026020101022100${ORDER}`],
    ['a number longer than the order', `302702010102220100${ORDER}`],
  ])('is refused where it is %s', (_, der) => {
    expect(() => of(der)).toThrow(expect.objectContaining({ code: 'passkey-signature-malformed' }));
  });

  it('is refused or read, and never breaks', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 80 }), (signature) => {
        try {
          const text = passkeySignature({ authenticatorData, clientDataJSON, signature });
          expect(text).toMatch(/^[0-9a-f]{128}\./);
        } catch (error) {
          expect(error).toMatchObject({ code: 'passkey-signature-malformed' });
        }
      }),
    );
  });
});
