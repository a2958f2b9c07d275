import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { decodeRecord, encodeRecord } from './record-format.js';

const name = fc.stringMatching(/^[\x21-\x7e]{1,64}$/);
const record = fc.record({
  version: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
  value: fc.uint8Array({ maxLength: 1024 }),
});

function codeOf(call: () => unknown): string {
  try {
    call();
    return 'no fault';
  } catch (fault) {
    return typeof fault === 'object' && fault !== null && 'code' in fault
      ? String(fault.code)
      : 'not a fault';
  }
}

describe('a record on a token', () => {
  it('reads back as it was written', () => {
    fc.assert(
      fc.property(name, record, (label, one) => {
        expect(decodeRecord(label, encodeRecord(label, one))).toEqual(one);
      }),
    );
  });

  it('begins with its version, so that a person with a hex dump can tell which is newer', () => {
    expect(
      encodeRecord('head', { version: 258n, value: Buffer.from('aa', 'hex') })
        .toString('hex')
        .slice(0, 18),
    ).toBe('0000000000000102aa');
  });

  it('refuses record-malformed when it was cut short anywhere', () => {
    fc.assert(
      fc.property(name, record, fc.nat(), (label, one, cut) => {
        const whole = encodeRecord(label, one);
        expect(codeOf(() => decodeRecord(label, whole.subarray(0, cut % whole.length)))).toBe(
          'record-malformed',
        );
      }),
    );
  });

  it('refuses record-malformed when any bit of it is another', () => {
    fc.assert(
      fc.property(name, record, fc.nat(), (label, one, at) => {
        const changed = encodeRecord(label, one);
        const byte = Math.floor(at / 8) % changed.length;
        changed.writeUInt8(changed.readUInt8(byte) ^ (1 << (at % 8)), byte);
        expect(codeOf(() => decodeRecord(label, changed))).toBe('record-malformed');
      }),
    );
  });

  it('refuses record-malformed under another name', () => {
    const stored = encodeRecord('head', { version: 1n, value: Buffer.alloc(1) });
    expect(codeOf(() => decodeRecord('heap', stored))).toBe('record-malformed');
  });

  it.each([-1n, 2n ** 64n])('refuses record-malformed when its version is %s', (version) => {
    expect(codeOf(() => encodeRecord('head', { version, value: Buffer.alloc(0) }))).toBe('record-malformed');
  });

  it.each(['', 'with blank', 'ümlaut', 'x'.repeat(65)])(
    'refuses record-malformed when its name is "%s"',
    (label) => {
      expect(codeOf(() => encodeRecord(label, { version: 1n, value: Buffer.alloc(0) }))).toBe(
        'record-malformed',
      );
    },
  );

  it('refuses record-too-large for 1,025 bytes', () => {
    expect(codeOf(() => encodeRecord('head', { version: 1n, value: Buffer.alloc(1025) }))).toBe(
      'record-too-large',
    );
  });
});
