import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { bad, fields, grouped, printable, render, strong, table, wrapped } from './lines.js';

describe('lines for people', () => {
  it('aligns values, and goes on under the first line of a value', () => {
    const text = render(
      fields([
        ['a', 'one'],
        ['long', 'two', 'three'],
      ]),
      false,
    );
    expect(text).toBe('  a     one\n  long  two\n        three\n');
  });

  it('makes columns as wide as their widest cell', () => {
    const text = render(
      table(
        ['id', 'state'],
        [
          ['tr-1', [strong('settled')]],
          ['x', 'refused'],
        ],
      ),
      false,
    );
    expect(text).toBe('  id    state\n  tr-1  settled\n  x     refused\n');
  });

  it('shows every character of an address, in groups of four', () => {
    expect(grouped('bcrt1qw508d6q')).toBe('bcrt 1qw5 08d6 q');
    expect(grouped('0x52d4F1')).toBe('0x 52d4 F1');
  });

  it('loses nothing of what it groups, whatever the text', () => {
    fc.assert(
      fc.property(fc.stringMatching(/^[A-Za-z0-9]{0,90}$/), (text) => {
        expect(grouped(text).replaceAll(' ', '')).toBe(text);
      }),
    );
  });

  it('keeps words whole when it wraps', () => {
    expect(wrapped('aaa bbb ccc', 7, '> ')).toEqual(['> aaa bbb', '> ccc']);
  });

  it('uses colour only when told to', () => {
    expect(render([[bad('no')]], true)).toBe('\x1b[31mno\x1b[0m\n');
    expect(render([[bad('no')]], false)).toBe('no\n');
  });

  it('lets no control character, override or escape sequence of somebody else through', () => {
    expect(printable('a\x1b[2Jb\r\u202ec\u0007')).toBe('a?[2Jb??c?');
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        const shown = render([[strong(text), text]], false);
        expect(shown).toMatch(/^[\x20-\x7e·…→✓✗–—×≤]*\n$/u);
      }),
    );
  });
});
