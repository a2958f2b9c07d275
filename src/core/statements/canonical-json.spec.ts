import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { Fault } from '../fault.js';
import { type CanonicalValue, canonicalJson, inCanonicalOrder } from './canonical-json.js';

const printable = fc.string({ unit: 'grapheme-ascii', maxLength: 20 });
const value = fc.letrec<{ value: CanonicalValue }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 4 },
    printable,
    fc.maxSafeInteger().map((n) => (Object.is(n, -0) ? 0 : n)),
    fc.boolean(),
    fc.constant(null),
    fc.array(tie('value'), { maxLength: 4 }),
    fc.dictionary(printable, tie('value'), { maxKeys: 4 }),
  ),
})).value;

describe('RFC 8785 canonical JSON', () => {
  it('is what JSON.stringify writes of a value in that order', () => {
    const unordered = { b: 1, a: [{ d: null, c: 'x' }] };
    expect(JSON.stringify(inCanonicalOrder(unordered))).toBe(canonicalJson(unordered));
  });

  it('sorts members by code unit and writes no white space', () => {
    expect(canonicalJson({ b: 1, a: [true, null, 'x'], B: { z: '"\\', y: -3 } })).toBe(
      '{"B":{"y":-3,"z":"\\"\\\\"},"a":[true,null,"x"],"b":1}',
    );
  });

  it('says the same as any JSON reader, whatever the order of members was', () => {
    fc.assert(
      fc.property(value, (original) => {
        const text = canonicalJson(original);
        expect(JSON.parse(text)).toEqual(JSON.parse(JSON.stringify(original)));
        expect(canonicalJson(JSON.parse(text))).toBe(text);
      }),
    );
  });

  it('sorts few members and many, short names and long ones, first and again', () => {
    const names = fc.uniqueArray(fc.string({ unit: 'grapheme-ascii', maxLength: 100 }), { maxLength: 100 });
    fc.assert(
      fc.property(names, (some) => {
        const written = canonicalJson(Object.fromEntries(some.map((name) => [name, 0])));
        const members = [...some].sort().map((name) => `${JSON.stringify(name)}:0`);
        expect(written).toBe(`{${members.join(',')}}`);
      }),
    );
  });

  const outside: [string, unknown][] = [
    ['a float', 0.5],
    ['negative zero', -0],
    ['an unsafe integer', 2 ** 53],
    ['NaN', Number.NaN],
    ['a bigint', 1n],
    ['undefined in an object', { a: undefined }],
    ['a control character', 'a\nb'],
    ['a non-ASCII letter', 'é'],
    ['a non-ASCII member name', { é: 1 }],
    ['a Date', new Date(0)],
    ['a Map', new Map()],
    ['nesting without end', Array.from({ length: 20 }).reduce<unknown>((inner) => [inner], 1)],
  ];
  it.each(outside)('refuses %s', (_name, bad) => {
    const run = () => canonicalJson(bad as CanonicalValue);
    expect(run).toThrow(Fault);
    expect(run).toThrow(/canonically/);
  });
});
