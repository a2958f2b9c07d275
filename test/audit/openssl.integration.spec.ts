// OpenSSL against a checkpoint of ours, by the very commands that the page tells an auditor.

import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from '@jest/globals';
import { repositoryRoot } from '../../devnet/paths.js';
import { auditKey, entriesUpTo, writtenLog } from '../../src/core/audit/audit.fixture.js';
import { verifierKeyText } from '../../src/core/audit/note.js';

const PAGE = readFileSync(join(repositoryRoot, 'docs/audit-log.md'), 'utf8');
const COMMANDS =
  PAGE.split('```')
    .find((part) => part.includes('openssl pkeyutl -verify'))
    ?.slice('sh'.length) ?? 'exit 9';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'portcullis-openssl-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

async function checkpoint(): Promise<string> {
  const files = await writtenLog(entriesUpTo(300));
  return Buffer.from(files.get('checkpoint') ?? '').toString('utf8');
}

function verdict(note: string, key = verifierKeyText(auditKey)) {
  writeFileSync(join(folder, 'checkpoint'), note);
  const env = { ...process.env, KEY: key };
  const { status, stdout } = spawnSync('sh', ['-c', COMMANDS], { cwd: folder, env, encoding: 'utf8' });
  return { isVerified: status === 0 && stdout.includes('Signature Verified Successfully'), status };
}

it('verifies the checkpoint of a log, and one that others have signed beneath', async () => {
  const note = await checkpoint();
  expect(verdict(note)).toMatchObject({ isVerified: true });
  const signed = `${note}— witness.example ${Buffer.alloc(68, 7).toString('base64')}\n`;
  expect(verdict(signed)).toMatchObject({ isVerified: true });
});

it.each([
  ['another size', (note: string) => note.replace('\n300\n', '\n301\n')],
  ['another name', (note: string) => note.replace('exchange', 'exchanges')],
  ['another root', (note: string) => note.replace(/\n300\n./, '\n300\n_')],
  ['a line more', (note: string) => note.replace('\n\n', '\nmore\n\n')],
  ['no signature', (note: string) => note.slice(0, note.indexOf('\n\n') + 2)],
])('refuses one with %s', async (_what, edit) => {
  const note = await checkpoint();
  expect(edit(note)).not.toBe(note);
  expect(verdict(edit(note))).toMatchObject({ isVerified: false });
});

it('refuses it under another key', async () => {
  const other = verifierKeyText({ ...auditKey, publicKey: auditKey.publicKey.toReversed() });
  expect(verdict(await checkpoint(), other)).toMatchObject({ isVerified: false });
});
