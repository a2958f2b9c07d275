// The table of teeth is whole and fits the source: in every test run, without running a mutation. And the checks of the
// table see what they are for: each has a planted violation here.

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { gapsOf, type Sources, sourcesBelow, type Table } from './coverage.js';
import { checkEdits, judge, root } from './judge.js';
import { ASIDE, SPINE, TEETH, TOOTHLESS } from './table.js';
import type { Tooth } from './tooth.js';

describe('the table of teeth', () => {
  it('has a row for every code of the spine, and for every place that answers with one', () => {
    const table: Table = { teeth: TEETH, toothless: TOOTHLESS, aside: ASIDE };
    expect(gapsOf(sourcesBelow(root, SPINE), table)).toEqual([]);
  });

  it('takes out what stands in the source exactly once, and leaves something that parses', () => {
    const flaws = TEETH.flatMap((tooth) => {
      try {
        checkEdits(tooth);
        return [];
      } catch (error) {
        return [`${tooth.code}, without ${tooth.without}: ${(error as Error).message}`];
      }
    });
    expect(flaws).toEqual([]);
  });

  it('names tests in files that are there', () => {
    expect(TEETH.filter(({ test, title }) => title === '' || !existsSync(join(root, test)))).toEqual([]);
  });

  it('has each check once', () => {
    const names = TEETH.map(({ code, without, edits }) => `${edits[0].file} ${code} without ${without}`);
    expect(names.filter((name, index) => names.indexOf(name) !== index)).toEqual([]);
  });
});

const SOURCES: Sources = new Map([
  [
    'src/gate.ts',
    `export type GateRefusalCode = 'gate-shut' | OtherCode;
     export function pass(open: boolean) {
       if (!open) return refused('gate-shut');
       return open;
     }`,
  ],
  [
    'src/other.ts',
    `export type OtherCode = 'too-late';
     export const late = (now: number) => (now > 5 ? refused('too-late') : undefined);
     export const isLate = (code: string) => code === 'too-late' || ['too-late'].includes(code);`,
  ],
]);

function tooth(code: string, file: string): Tooth {
  const edit = { file, was: 'x', becomes: 'y' };
  return { code, without: 'it', edits: [edit], test: 'a.spec.ts', title: 'refuses' };
}
const shut = tooth('gate-shut', 'src/gate.ts');
const late = tooth('too-late', 'src/other.ts');
const whole: Table = { teeth: [shut, late], toothless: [], aside: [] };

describe('what a table lacks', () => {
  it('is nothing when every code and place has its row', () => {
    expect(gapsOf(SOURCES, whole)).toEqual([]);
  });

  it.each<[string, Sources, Partial<Table>, string]>([
    ['a code without a row', SOURCES, { teeth: [shut] }, 'too-late has no tooth'],
    [
      'a row for a code that nobody declares',
      SOURCES,
      { teeth: [shut, late, tooth('gate-gone', 'src/gate.ts')] },
      'a row is for gate-gone, which is no code of the spine',
    ],
    [
      'a second place that answers with a code',
      new Map([
        ...SOURCES,
        ['src/more.ts', "export const more = (bad: boolean) => bad && refused('too-late');"],
      ]),
      {},
      'src/more.ts answers too-late at 1 places, and 0 have a tooth',
    ],
    [
      'a new union',
      new Map([
        ...SOURCES,
        ['src/new.ts', "export type NewCode = 'new-one'; export const no = () => refused('new-one');"],
      ]),
      {},
      'new-one has no tooth',
    ],
    [
      'a code that nothing answers with',
      new Map([...SOURCES, ['src/new.ts', "export type NewCode = 'new-one';"]]),
      { teeth: [shut, late, tooth('new-one', 'src/new.ts')] },
      'new-one is declared and never given',
    ],
    [
      'something aside that is not there',
      SOURCES,
      { aside: [{ union: 'GoneCode', file: 'src/gate.ts', why: 'it was' }] },
      'src/gate.ts declares no GoneCode, which is listed as aside',
    ],
    [
      'something that is not mutated where nothing is answered',
      SOURCES,
      { toothless: [{ code: 'too-late', file: 'src/gate.ts', why: 'it was' }] },
      'src/gate.ts does not answer too-late, which is listed as not mutated',
    ],
  ])('is told: %s', (_what, sources, change, gap) => {
    expect(gapsOf(sources, { ...whole, ...change })).toContain(gap);
  });

  it('leaves out a union that is aside, but not the codes of it that are kept', () => {
    const aside = { union: 'OtherCode', file: 'src/other.ts', why: 'no question here' };
    expect(gapsOf(SOURCES, { ...whole, teeth: [shut], aside: [aside] })).toEqual([]);
    expect(gapsOf(SOURCES, { ...whole, teeth: [shut], aside: [{ ...aside, but: ['too-late'] }] })).toContain(
      'too-late has no tooth',
    );
  });
});

describe('a mutation', () => {
  const file = 'src/core/money/amount.ts';
  const planted = (edit: { was: string; becomes: string }, title: string): Tooth => ({
    code: 'amount-out-of-range',
    without: 'something planted',
    edits: [{ file, ...edit }],
    test: 'src/core/money/amount.spec.ts',
    title,
  });
  const bound = { was: 'if (value < 0n || value > max) {', becomes: 'if (value < 0n) {' };

  it.each([
    ['stands nowhere', { was: 'if (value < 1n)', becomes: '' }, /stands there 0 times/],
    ['stands there twice', { was: 'MAX_UINT256', becomes: '1n' }, /stands there \d+ times/],
    [
      'leaves nothing that parses',
      { was: 'if (value < 0n || value > max) {', becomes: 'if (' },
      /does not parse/,
    ],
    ['changes nothing', { was: bound.was, becomes: bound.was }, /changes nothing/],
  ])('is an error when its text %s', (_what, edit, message) => {
    expect(() => checkEdits(planted(edit, 'refuses'))).toThrow(message);
  });

  it('is killed by a test that fails, and only then', async () => {
    const killed = planted(bound, 'refuses');
    expect(await judge(killed)).toMatchObject({ kind: 'killed' });
    const words = { was: 'Money: whole base units', becomes: 'Money: base units' };
    expect(await judge(planted(words, 'refuses'))).toEqual({ kind: 'survived' });
  });

  it.each<[string, Tooth, RegExp]>([
    [
      'its test does not load what it changes',
      { ...planted(bound, 'sorts members'), test: 'src/core/statements/canonical-json.spec.ts' },
      /does not load/,
    ],
    [
      'it names what is not there',
      planted({ was: bound.was, becomes: 'if (nobody > max) {' }, 'refuses'),
      /nobody is not defined/,
    ],
  ])('is an error when %s', async (_what, tooth, why) => {
    expect(await judge(tooth)).toMatchObject({ kind: 'error', why: expect.stringMatching(why) });
  });
});
