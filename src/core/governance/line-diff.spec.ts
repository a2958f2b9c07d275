import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { lineDiff, withContext } from './line-diff.js';

const text = fc.array(fc.constantFrom('a', 'b', 'c', ''), { maxLength: 30 });
const written = (lines: ReturnType<typeof lineDiff>) =>
  lines.map(({ form, text: line }) => `${{ same: ' ', removed: '-', added: '+' }[form]}${line}`);

describe('a diff by lines', () => {
  it('has all of the text before and all of the text after, whatever they are', () => {
    fc.assert(
      fc.property(text, text, (before, after) => {
        const lines = lineDiff(before, after);
        expect(lines.filter(({ form }) => form !== 'added').map((line) => line.text)).toEqual(before);
        expect(lines.filter(({ form }) => form !== 'removed').map((line) => line.text)).toEqual(after);
      }),
    );
  });

  it('says nothing but the lines that changed', () => {
    const before = ['rules:', '  quorum: 2', '  group: treasury', 'end'];
    const after = ['rules:', '  quorum: 1', '  group: treasury', 'end', 'more'];
    expect(written(lineDiff(before, after))).toEqual([
      ' rules:',
      '-  quorum: 2',
      '+  quorum: 1',
      '   group: treasury',
      ' end',
      '+more',
    ]);
  });

  it('of texts too long to compare shows the middle as replaced, and loses nothing', () => {
    const before = Array.from({ length: 1_500 }, (_, index) => `old ${index}`);
    const after = Array.from({ length: 1_500 }, (_, index) => `new ${index}`);
    const lines = lineDiff(['top', ...before, 'end'], ['top', ...after, 'end']);
    expect(lines).toHaveLength(3_002);
    expect(lines.filter(({ form }) => form === 'same').map((line) => line.text)).toEqual(['top', 'end']);
  });

  it('leaves out what is far from every change, and says how much', () => {
    const before = Array.from({ length: 10 }, (_, index) => `line ${index}`);
    const after = before.with(5, 'another');
    expect(written(withContext(lineDiff(before, after), 1))).toEqual([
      ' [4 lines as before]',
      ' line 4',
      '-line 5',
      '+another',
      ' line 6',
      ' [3 lines as before]',
    ]);
    expect(withContext(lineDiff(before, before), 1)).toEqual([
      { form: 'same', text: '[10 lines as before]' },
    ]);
  });
});
