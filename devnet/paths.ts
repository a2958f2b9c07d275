// Where the repository begins, seen from the TypeScript sources and from their compiled copies in dist/ alike.

import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Fault } from '../src/core/fault.js';

/** The folder that holds package-lock.json, which the build never copies. */
export const repositoryRoot: string = findRoot(dirname(fileURLToPath(import.meta.url)));

function findRoot(from: string): string {
  for (let folder = from; ; folder = dirname(folder)) {
    if (existsSync(join(folder, 'package-lock.json'))) return folder;
    if (dirname(folder) === folder)
      throw new Fault('repository-not-found', `no package-lock.json above ${from}`);
  }
}
