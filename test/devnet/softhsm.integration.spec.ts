// The SoftHSM that development and tests use: made once, kept, and put right after a kill.

import { mkdtemp, readdir, readFile, rm, stat, truncate } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { compileProgram } from '../../devnet/compile-program.js';
import { createSoftHsm } from '../../devnet/softhsm.js';
import { spawnToken } from '../../hardware/pkcs11/token-client.js';

const TOKEN = { label: 'treasury', soPin: '24680135', pin: '135790' };
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'portcullis-softhsm-'));
});
afterAll(async () => {
  await rm(folder, { recursive: true });
});

async function serialOf(): Promise<string> {
  const softHsm = await createSoftHsm(folder);
  const { pinFile } = await softHsm.initToken(TOKEN);
  const token = spawnToken(
    {
      modulePath: softHsm.modulePath,
      tokenLabel: TOKEN.label,
      pin: { kind: 'file', path: pinFile },
      environment: softHsm.environment,
    },
    { programPath: await compileProgram('hardware/pkcs11/token-process.ts') },
  );
  try {
    return (await token.status()).serial;
  } finally {
    await token.close();
  }
}

it('keeps a token that is there already', async () => {
  const serial = await serialOf();
  expect(await serialOf()).toBe(serial);
  expect((await readdir(join(folder, 'tokens'))).length).toBe(1);
});

it('keeps a PIN where only its owner can read it', async () => {
  const { pinFile } = await (await createSoftHsm(folder)).initToken(TOKEN);
  expect((await stat(pinFile)).mode & 0o777).toBe(0o600);
  expect(await readFile(pinFile, 'utf8')).toBe('135790\n');
});

it('finds a token again whose file was emptied when a login was killed', async () => {
  const serial = await serialOf();
  const [name = ''] = await readdir(join(folder, 'tokens'));
  await truncate(join(folder, 'tokens', name, 'token.object'));
  expect(await serialOf()).toBe(serial);
});
