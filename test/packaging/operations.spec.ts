// docs/operations.md names every event that the programs log, every file that it tells people to copy is there, and its
// links and those of the page on scaling lead somewhere.

import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { repositoryRoot } from '../../devnet/paths.js';

const page = readFileSync(join(repositoryRoot, 'docs', 'operations.md'), 'utf8');
const flat = page.replaceAll(/\s+/g, ' ');

function sourcesOf(folder: string): string[] {
  return readdirSync(join(repositoryRoot, folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts') && !/\.(spec|fixture)\.ts$/.test(name))
    .map((name) => readFileSync(join(repositoryRoot, folder, name), 'utf8'));
}

/** First text of each call that logs. */
function logged(folder: string, call: RegExp): string[] {
  return [
    ...new Set(sourcesOf(folder).flatMap((text) => [...text.matchAll(call)].map(([, name]) => name ?? ''))),
  ];
}

describe('docs/operations.md', () => {
  it.each(logged('src/signer', /\blog\('(?:info|warn|error)', '([a-z-]+)'/g))(
    'says what it means when the signer logs %s',
    (event) => {
      expect(flat.includes(`\`${event}\``)).toBe(true);
    },
  );

  it.each(logged('src/orchestrator', /\blog\.(?:info|warning|failure)\(\s*'([^']+)'/g))(
    'says what it means when the orchestrator logs "%s"',
    (message) => {
      expect(flat.includes(`\`${message}\``)).toBe(true);
    },
  );

  it('tells people to copy files that are there', () => {
    const named = [...page.matchAll(/\b((?:packaging|scripts)\/[\w./-]+\.\w+)/g)].map(
      ([, path]) => path ?? '',
    );
    expect(named.length).toBeGreaterThan(4);
    for (const path of named)
      expect({ path, there: existsSync(join(repositoryRoot, path)) }).toEqual({ path, there: true });
  });
});

const heading = (text: string) =>
  text
    .toLowerCase()
    .replaceAll(/[^\w\s-]/g, '')
    .trim()
    .replaceAll(/\s/g, '-');

it.each(['docs/operations.md', 'docs/scaling.md', 'docs/configuration.md', 'README.md'])(
  'the links of %s lead somewhere',
  (path) => {
    const text = readFileSync(join(repositoryRoot, path), 'utf8');
    for (const [, link = ''] of text.matchAll(/\]\(([^)]+)\)/g)) {
      const [file = '', anchor] = link.split('#');
      const target = file === '' ? join(repositoryRoot, path) : join(repositoryRoot, dirname(path), file);
      expect({ link, there: existsSync(target) }).toEqual({ link, there: true });
      if (anchor === undefined) continue;
      const headings = [...readFileSync(target, 'utf8').matchAll(/^#+ (.+)$/gm)].map(([, one]) =>
        heading(one ?? ''),
      );
      expect(headings).toContain(anchor);
    }
  },
);
