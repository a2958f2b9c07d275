// Compiles one of our programs for a test that starts it as a process of its own: Jest runs TypeScript inside itself
// only, and a test must not depend on an earlier `npm run build`. Whoever was compiled by that build itself, as the
// benchmarks are, gets its programs.
//
// It follows relative imports and `new URL('./x', import.meta.url)` from the entry, and transforms each file as Jest
// does. It checks no types. The result lies inside the repository, so that packages are found, and is named after its
// content, so that it is made once.

import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { cp, mkdir, mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join, relative, resolve } from 'node:path';
import { type Options, transform } from '@swc/core';
import { repositoryRoot } from './paths.js';

const REFERENCE = /(?:\bfrom|\bimport|new URL\()\s*\(?\s*['"](\.{1,2}\/[^'"]+)['"]/g;
const MOST_FILES = 2_000;

const SWC: Options = {
  configFile: false,
  swcrc: false,
  sourceMaps: 'inline',
  jsc: {
    target: 'es2024',
    parser: { syntax: 'typescript', decorators: true },
    transform: { legacyDecorator: true, decoratorMetadata: true },
  },
  module: { type: 'es6' },
};

/** Makes another text of a source file, before anything is read from it. The file's path is absolute. */
export type Alteration = (file: string, source: string) => string;

/**
 * Path of the compiled entry. `entry` is a TypeScript file, relative to the repository. With an alteration it is a copy of
 * its own, for tests that look into a program: what is shipped has no such door.
 */
export async function compileProgram(entry: string, alteration?: Alteration): Promise<string> {
  if (alteration === undefined && import.meta.url.endsWith('.js'))
    return join(repositoryRoot, 'dist', entry.replace(/\.ts$/, '.js'));
  const { sources, assets } = collect(resolve(repositoryRoot, entry), alteration);
  const hash = createHash('sha256');
  for (const [file, source] of [...sources].sort(([a], [b]) => (a < b ? -1 : 1)))
    hash.update(`${file}\0${source}\0`);
  const builds = join(repositoryRoot, '.portcullis', 'test-build');
  const build = join(builds, hash.digest('hex').slice(0, 24));
  const compiledEntry = inside(build, resolve(repositoryRoot, entry));
  if (existsSync(compiledEntry)) return compiledEntry;

  await mkdir(builds, { recursive: true });
  const half = await mkdtemp(join(builds, 'half-'));
  for (const [file, source] of sources) {
    const { code } = await transform(source, { ...SWC, filename: file });
    await mkdir(dirname(inside(half, file)), { recursive: true });
    await writeFile(inside(half, file), code);
  }
  for (const asset of assets) {
    await cp(asset, join(half, relative(repositoryRoot, asset)), { recursive: true });
  }
  // Two test files may compile the same program at once; whoever comes second finds it there.
  await rename(half, build).catch(async (error: unknown) => {
    await rm(half, { recursive: true });
    if (!existsSync(compiledEntry)) throw error;
  });
  return compiledEntry;
}

function inside(folder: string, file: string): string {
  return join(folder, relative(repositoryRoot, file).replace(/\.ts$/, '.js'));
}

function collect(
  entry: string,
  alteration: Alteration = (_file, source) => source,
): { sources: Map<string, string>; assets: Set<string> } {
  const sources = new Map<string, string>();
  const assets = new Set<string>();
  const open = [entry];
  for (let file = open.pop(); file !== undefined && sources.size < MOST_FILES; file = open.pop()) {
    if (sources.has(file)) continue;
    const source = alteration(file, readFileSync(file, 'utf8'));
    sources.set(file, source);
    for (const [, reference] of source.matchAll(REFERENCE)) {
      const target = resolve(dirname(file), reference ?? '');
      const typescript = target.replace(/\.js$/, '.ts');
      if (typescript.endsWith('.ts') && existsSync(typescript)) open.push(typescript);
      else if (existsSync(target)) assets.add(target);
    }
  }
  return { sources, assets };
}
