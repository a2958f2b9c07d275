// What one program needs to run, and nothing else: for images and installations.
//   node scripts/program-files.mjs signer|orchestrator|watcher|cli FOLDER   copies it into a new FOLDER (after `npm run build`)
//   node scripts/program-files.mjs signer|orchestrator|watcher|cli          lists it
//
// It follows the imports of the built program and takes the packages that they name, with what those depend on. Packages
// that the import rules allow the program and that nothing imports by name (a database's driver, which TypeORM loads) are
// taken as well. So what is installed cannot hold more than the rules allow.

import fs from 'node:fs';
import { builtinModules } from 'node:module';
import path from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { FOLDERS } from '../.dependency-cruiser.mjs';

const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)));
const REFERENCE = /(?:\bfrom|\bimport|new URL\()\s*\(?\s*['"]([^'"\s]+)['"]/g;
const PROGRAMS = ['signer', 'orchestrator', 'watcher', 'cli'];
/** The database's history is read beside the program. */
const ASSETS = { orchestrator: ['src/orchestrator/database/migrations'], signer: [], watcher: [], cli: [] };
/** `portcullis config check` asks them, where they are installed; it needs none. */
const OTHER_PROGRAMS = /^\.\.\/(signer|orchestrator|watcher)\/main\.js$/;

/**
 * Paths of the program's own files and folders, relative to `built` (where `npm run build` has put them), and of its
 * packages, relative to the repository.
 */
export function programFiles(program, built = path.join(root, 'dist')) {
  if (!PROGRAMS.includes(program)) throw new RangeError(`no such program: ${program}`);
  const entry = path.join(built, 'src', program, 'main.js');
  if (!fs.existsSync(entry)) throw new Error(`${entry} is not there: run \`npm run build\` first`);
  const { files, named } = follow(entry, program);
  const { packages: own } = FOLDERS.find(({ folder }) => folder === `src/${program}`);
  // Allowed for their types alone are some that come with others or not at all.
  for (const name of Object.keys(own)) if (packageFolder(name, root)) named.add(name);
  const sorted = (paths) => paths.sort((a, b) => (a < b ? -1 : 1));
  return {
    files: sorted([...files].map((file) => path.relative(built, file))),
    packages: sorted(closure(named).map((folder) => path.relative(root, folder))),
    assets: ASSETS[program],
  };
}

function follow(entry, program) {
  const files = new Set();
  const named = new Set();
  const open = [entry];
  for (let file = open.pop(); file !== undefined; file = open.pop()) {
    if (files.has(file)) continue;
    files.add(file);
    if (!file.endsWith('.js')) continue;
    for (const [, reference] of fs.readFileSync(file, 'utf8').matchAll(REFERENCE)) {
      if (program === 'cli' && OTHER_PROGRAMS.test(reference)) continue;
      const name = packageName(reference);
      const target = path.resolve(path.dirname(file), reference);
      if (reference.startsWith('.')) {
        if (fs.existsSync(target) && fs.statSync(target).isFile()) open.push(target);
      } else if (name !== undefined) named.add(name);
    }
  }
  return { files, named };
}

/** `@noble/hashes/sha2.js` is in `@noble/hashes`; `node:fs` and `fs` are in none. */
function packageName(reference) {
  if (reference.startsWith('node:') || builtinModules.includes(reference)) return undefined;
  const name = /^(?:@[a-z0-9-]+\/)?[a-z0-9][a-z0-9._-]*/.exec(reference)?.[0];
  return name !== undefined && packageFolder(name, root) ? name : undefined;
}

/** Where Node.js finds a package from a folder. */
function packageFolder(name, from) {
  for (let folder = from; folder.startsWith(root); folder = path.dirname(folder)) {
    const candidate = path.join(folder, 'node_modules', name);
    if (fs.existsSync(path.join(candidate, 'package.json'))) return candidate;
  }
  return undefined;
}

function closure(names) {
  const found = new Set();
  const open = [...names].map((name) => packageFolder(name, root));
  for (let folder = open.pop(); folder !== undefined; folder = open.pop()) {
    if (found.has(folder)) continue;
    found.add(folder);
    const {
      dependencies = {},
      optionalDependencies = {},
      peerDependencies = {},
      peerDependenciesMeta = {},
    } = JSON.parse(fs.readFileSync(path.join(folder, 'package.json'), 'utf8'));
    const optional = new Set([
      ...Object.keys(optionalDependencies),
      ...Object.keys(peerDependenciesMeta).filter((name) => peerDependenciesMeta[name].optional),
    ]);
    for (const name of Object.keys({ ...dependencies, ...optionalDependencies, ...peerDependencies })) {
      const needed = packageFolder(name, folder);
      // A peer that a program may do without is its own business; an optional part is taken where it is installed.
      if (needed && !(name in peerDependencies && optional.has(name))) open.push(needed);
      else if (!needed && !optional.has(name))
        throw new Error(`${folder} needs ${name}, which is not installed`);
    }
  }
  return [...found];
}

/** Types, maps and sources of native parts: nothing that runs. Licences stay. */
const NOT_RUN = /\.(?:[cm]?ts|map|c|cc|cpp|h|hpp|o|a|gypi?|mk)$/;

/** Lays the program out in a new folder: `dist`, `node_modules`, `package.json`. */
export function copyProgram(program, destination, built = path.join(root, 'dist')) {
  const { files, packages, assets } = programFiles(program, built);
  fs.mkdirSync(destination);
  const copy = (from, to) => fs.cpSync(from, path.join(destination, to), { recursive: true });
  for (const file of files) copy(path.join(built, file), path.join('dist', file));
  for (const asset of assets) copy(path.join(root, asset), path.join('dist', asset));
  for (const folder of packages) {
    // What stands nested in a package is listed for itself when it is needed.
    const nested = path.join(root, folder, 'node_modules');
    fs.cpSync(path.join(root, folder), path.join(destination, folder), {
      recursive: true,
      dereference: true,
      filter: (source) => source !== nested && !NOT_RUN.test(source),
    });
  }
  for (const file of ['package.json', 'LICENSE']) copy(path.join(root, file), file);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [program, destination] = process.argv.slice(2);
  if (destination !== undefined) copyProgram(program, path.resolve(destination));
  else {
    const { files, packages, assets } = programFiles(program);
    console.log([...files, ...assets, ...packages].join('\n'));
  }
}
