// SoftHSM: a PKCS#11 token in software, for development and tests. It stands for a hardware security module where there
// is none, and keeps its keys in files that their owner can copy: never for real money.
//
// Two of its habits matter to whoever uses this: it does not sync its files to disk, and it rewrites its token file in
// place at every login, so that a process killed in that instant leaves an empty file and a token nobody can find.
// `createSoftHsm` puts such a file back from the copy made when the token was initialised.

import { execFile } from 'node:child_process';
import { constants } from 'node:fs';
import { access, chmod, copyFile, mkdir, readdir, stat, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { Fault } from '../src/core/fault.js';

const run = promisify(execFile);
const TOOL_TIMEOUT_MS = 30_000;

const MODULE_PATHS = [
  '/usr/lib/softhsm/libsofthsm2.so',
  '/usr/lib/x86_64-linux-gnu/softhsm/libsofthsm2.so',
  '/usr/lib/aarch64-linux-gnu/softhsm/libsofthsm2.so',
  '/usr/lib64/pkcs11/libsofthsm2.so',
  '/usr/lib64/softhsm/libsofthsm2.so',
  '/usr/lib64/libsofthsm2.so',
  '/usr/local/lib/softhsm/libsofthsm2.so',
  '/opt/homebrew/lib/softhsm/libsofthsm2.so',
];

export type SoftHsmFaultCode = 'softhsm-missing' | 'softhsm-failed';

export interface SoftHsmToken {
  readonly label: string;
  /** Mode 0600; holds the user PIN and a line end. */
  readonly pinFile: string;
}

export interface SoftHsm {
  readonly modulePath: string;
  readonly tokenDirectory: string;
  readonly configFile: string;
  /** What a process must have in its environment before it loads the module. */
  readonly environment: { readonly SOFTHSM2_CONF: string };
  /** Makes the token unless one of that label is there; then only its PIN file is written again. */
  initToken(token: { label: string; soPin: string; pin: string }): Promise<SoftHsmToken>;
}

/** Where this machine has the module. Faults `softhsm-missing`. */
export async function findSoftHsmModule(): Promise<string> {
  for (const path of MODULE_PATHS) {
    const found = await access(path, constants.R_OK).then(
      () => true,
      () => false,
    );
    if (found) return path;
  }
  throw new Fault<SoftHsmFaultCode>('softhsm-missing', 'SoftHSM is not installed: apt-get install softhsm2');
}

/** A SoftHSM of its own in `directory`, with its own configuration; keeps the tokens that are there already. */
export async function createSoftHsm(directory: string): Promise<SoftHsm> {
  const modulePath = await findSoftHsmModule();
  const home = resolve(directory);
  const tokenDirectory = join(home, 'tokens');
  const copies = join(home, 'token-copies');
  const pinDirectory = join(home, 'pins');
  for (const path of [home, tokenDirectory, copies, pinDirectory]) {
    await mkdir(path, { recursive: true, mode: 0o700 });
  }
  const configFile = join(home, 'softhsm2.conf');
  await writeFile(
    configFile,
    `directories.tokendir = ${tokenDirectory}\nobjectstore.backend = file\nlog.level = ERROR\nslots.removable = false\n`,
  );
  const environment = { SOFTHSM2_CONF: configFile };
  await restoreEmptyTokenFiles(tokenDirectory, copies);

  return {
    modulePath,
    tokenDirectory,
    configFile,
    environment,
    async initToken({ label, soPin, pin }) {
      if (!(await tokenLabels(environment)).includes(label)) {
        // The tool takes PINs as arguments only, where every user of this machine can read them for a moment. That is
        // one more reason why this is for development; a real token's PIN is set with its vendor's tool.
        await tool(environment, [
          '--init-token',
          '--free',
          '--label',
          label,
          '--so-pin',
          soPin,
          '--pin',
          pin,
        ]);
        await copyTokenFiles(tokenDirectory, copies);
      }
      const pinFile = join(pinDirectory, `${label}.pin`);
      await writeFile(pinFile, `${pin}\n`, { mode: 0o600 });
      await chmod(pinFile, 0o600);
      return { label, pinFile };
    },
  };
}

async function tool(environment: Readonly<Record<string, string>>, options: string[]): Promise<string> {
  try {
    const { stdout } = await run('softhsm2-util', options, {
      env: { PATH: process.env.PATH, ...environment },
      timeout: TOOL_TIMEOUT_MS,
    });
    return stdout;
  } catch (error) {
    const missing = typeof error === 'object' && error !== null && 'code' in error && error.code === 'ENOENT';
    if (missing) throw new Fault<SoftHsmFaultCode>('softhsm-missing', 'softhsm2-util is not on the path');
    // The cause is left out: it quotes the command line, and with it the PINs.
    throw new Fault<SoftHsmFaultCode>('softhsm-failed', `softhsm2-util ${options[0] ?? ''} failed`);
  }
}

async function tokenLabels(environment: Readonly<Record<string, string>>): Promise<string[]> {
  const listing = await tool(environment, ['--show-slots']);
  return [...listing.matchAll(/^\s*Label:\s*(.*?)\s*$/gm)].map((line) => line[1] ?? '');
}

/** The token file holds the wrapped token key, label and serial: all that a login rewrites and a kill can lose. */
async function copyTokenFiles(tokenDirectory: string, copies: string): Promise<void> {
  for (const name of await readdir(tokenDirectory)) {
    const file = join(tokenDirectory, name, 'token.object');
    const copy = join(copies, `${name}.object`);
    if ((await isEmptyOrMissing(file)) || !(await isEmptyOrMissing(copy))) continue;
    await copyFile(file, copy);
  }
}

async function restoreEmptyTokenFiles(tokenDirectory: string, copies: string): Promise<void> {
  for (const name of await readdir(tokenDirectory)) {
    const file = join(tokenDirectory, name, 'token.object');
    const copy = join(copies, `${name}.object`);
    if (!(await isEmptyOrMissing(file)) || (await isEmptyOrMissing(copy))) continue;
    await copyFile(copy, file);
  }
}

async function isEmptyOrMissing(file: string): Promise<boolean> {
  return await stat(file).then(
    (status) => status.size === 0,
    () => true,
  );
}
