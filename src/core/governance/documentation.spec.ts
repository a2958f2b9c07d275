// docs/governance.md says what the code says: its examples are taken, and every kind of change stands in its table with
// whether it waits. docs/threat-model.md names tests that are there.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { parse } from 'yaml';
import { z } from 'zod';
import { type Change, change, entryBody } from './entry.js';
import { delayOf } from './loosening.js';
import { start } from './people.fixture.js';

const page = readFileSync(join('docs', 'governance.md'), 'utf8');
const blocks = (language: string) =>
  [...page.matchAll(new RegExp(`\`\`\`${language}\n([\\s\\S]*?)\`\`\``, 'g'))].map(([, text]) => text ?? '');

/** Of the table of changes: what stands under "waits". */
const rows = new Map(
  [...page.matchAll(/^\| `([a-z-]+)` \| [^|]+ \| ([^|]+) \|$/gm)].map(([, kind = '', waits = '']) => [
    kind,
    waits,
  ]),
);

const kinds = change.options.map(({ shape }) => shape.kind.value);
const slow = { ...start, timelock: { ...start.timelock, whitelistMs: 1, policyMs: 2 } };
/** Whether these wait depends on what they say; timelock.spec.ts has both. */
const depends: readonly string[] = kinds.filter(
  (kind) => kind.endsWith('-set') && !/^(policies|time|attestation-key)-set$/.test(kind),
);

describe('docs/governance.md', () => {
  it('has an example of an entry that is one, but for its signatures', () => {
    const [text = ''] = blocks('json');
    const { body } = z.object({ body: entryBody }).parse(JSON.parse(text));
    expect(body.change.kind).toBe('whitelist-added');
  });

  it('has examples of changes that are taken as they stand', () => {
    expect(blocks('yaml')).toHaveLength(8);
    for (const text of blocks('yaml')) expect(() => change.parse(parse(text))).not.toThrow();
  });

  it('names every kind of change, and no other', () => {
    expect([...rows.keys()].toSorted()).toEqual(kinds.toSorted());
  });

  it.each(kinds.filter((kind) => !depends.includes(kind)))('says whether %s waits', (kind) => {
    // Only its kind is looked at.
    const waits = delayOf(slow, { kind } as Change) > 0;
    expect(rows.get(kind)).toMatch(waits ? /^yes/ : /^no/);
  });

  it.each(depends)('says on what it depends whether %s waits', (kind) => {
    expect(rows.get(kind)).toMatch(/^unless/);
  });
});

describe('docs/threat-model.md', () => {
  const model = readFileSync(join('docs', 'threat-model.md'), 'utf8');
  const attacks = [...model.matchAll(/^\| ([^|]+) \| [^|]+ \| `([a-z-]+)`: ([^|]+) \|$/gm)].map(
    ([, attack = '', file = '', title = '']) => ({ attack, file, title }),
  );

  it('says of many attacks on governance where they are tried', () => {
    expect(attacks.length).toBeGreaterThan(15);
  });

  it.each(attacks)('names a test that is there: $attack', ({ file, title }) => {
    expect(readFileSync(join('test', 'signer', `${file}.integration.spec.ts`), 'utf8')).toContain(
      `it('${title}`,
    );
  });
});
