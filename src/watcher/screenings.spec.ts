// Lists of addresses as people and programs write them: the stricter of two lines counts, and what is cut off or cannot be read
// says nothing at all.

import { mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { listOf, seeScreening } from './screenings.js';

const ONE = '0x70997970c51812dc3a010c7d01b50e0d17dc79c8';
const CHAIN = 'eip155:31337';

function verdicts(...lines: readonly string[]) {
  const list = listOf([...lines, ''].join('\n'));
  return list.kind === 'refused' ? list : Object.fromEntries(list.value);
}

describe('a list', () => {
  it('says what its lines say, of addresses in any case', () => {
    expect(verdicts('# ours', '', `${ONE.toUpperCase().replace('0X', '0x')} flagged 50\r`, 'end')).toEqual({
      [ONE]: { result: 'flagged', riskScore: 50 },
    });
    expect(verdicts('end')).toEqual({});
  });

  it('says of an address in Base58 what it says of that spelling alone', () => {
    const old = '1BoatSLRHtKNngkdXEeobR76b53LETtpyT';
    const other = old.toLowerCase();
    expect(verdicts(`${old} blocked 99`, `${other} clear 1`, 'end')).toEqual({
      [old]: { result: 'blocked', riskScore: 99 },
      [other]: { result: 'clear', riskScore: 1 },
    });
  });

  it('says the strictest of several lines for one address, whatever their order', () => {
    const strictest = { [ONE]: { result: 'blocked', riskScore: 80 } };
    expect(verdicts(`${ONE} blocked 10`, `${ONE} clear 0`, `${ONE} flagged 80`, 'end')).toEqual(strictest);
    const line = fc.record({
      result: fc.constantFrom('clear' as const, 'flagged' as const, 'blocked' as const),
      risk: fc.integer({ min: 0, max: 100 }),
    });
    fc.assert(
      fc.property(fc.array(line, { minLength: 1, maxLength: 8 }), (lines) => {
        const results = lines.map(({ result }) => result);
        const worst = (['blocked', 'flagged', 'clear'] as const).find((one) => results.includes(one));
        expect(verdicts(...lines.map(({ result, risk }) => `${ONE} ${result} ${risk}`), 'end')).toEqual({
          [ONE]: { result: worst, riskScore: Math.max(...lines.map(({ risk }) => risk)) },
        });
      }),
    );
  });

  it('is refused (source-malformed) with the number of a line that cannot be read', () => {
    const bad = [
      `${ONE} blocked`,
      `${ONE} blocked 101`,
      `${ONE} blocked -1`,
      `${ONE} blocked 1e1`,
      `${ONE} Blocked 1`,
      `${ONE} blocked 1 why`,
      ONE,
    ];
    for (const line of bad) {
      expect(verdicts(`${ONE} clear 1`, line, 'end')).toMatchObject({
        code: 'source-malformed',
        facts: { line: 2 },
      });
    }
    expect(verdicts('end', `${ONE} clear 1`)).toMatchObject({ code: 'source-malformed', facts: { line: 2 } });
    expect(verdicts('end', 'end')).toMatchObject({ code: 'source-malformed', facts: { line: 2 } });
  });

  it('is refused (source-malformed) wherever it is cut off', () => {
    const whole = `# ours\n${ONE} blocked 10\nend\n`;
    for (let at = 0; at < whole.trimEnd().length; at += 1)
      expect(listOf(whole.slice(0, at))).toMatchObject({ kind: 'refused', code: 'source-malformed' });
  });
});

describe('a list in a file', () => {
  let place: string;
  let file: string;
  beforeEach(() => {
    place = mkdtempSync(join(tmpdir(), 'portcullis-list-'));
    file = join(place, 'listed');
  });
  afterEach(() => rmSync(place, { recursive: true, force: true }));

  const seen = () =>
    seeScreening(
      { kind: 'list', chains: [CHAIN], file, otherwise: { result: 'clear', riskScore: 0 } },
      CHAIN,
      ONE,
      { timeoutMs: 100 },
    );

  it('is read anew when another one is in its place, also under the time of the earlier one', async () => {
    writeFileSync(file, 'end\n');
    utimesSync(file, 1_000, 1_000);
    expect(await seen()).toMatchObject({ value: { result: 'clear' } });
    writeFileSync(file, `${ONE} blocked 99\nend\n`);
    utimesSync(file, 1_000, 1_000);
    expect(await seen()).toMatchObject({ value: { result: 'blocked', riskScore: 99 } });
  });

  it('clears nobody while it is not there (source-unreachable), or is half written (source-malformed)', async () => {
    expect(await seen()).toMatchObject({ kind: 'refused', code: 'source-unreachable' });
    writeFileSync(file, '');
    expect(await seen()).toMatchObject({ kind: 'refused', code: 'source-malformed' });
  });
});
