// Proofs of all about one transfer, made offline from a folder and verified from their file alone.

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { PassThrough } from 'node:stream';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { auditKey, entryAt, writtenLog } from '../core/audit/audit.fixture.js';
import { auditEntryBytes } from '../core/audit/entry.js';
import { verifierKeyText } from '../core/audit/note.js';
import { EXIT } from './exit.js';
import { portcullis } from './program.js';
import { Terminal } from './terminal.js';

const SIZE = 300;
const KEY = verifierKeyText(auditKey);
const ID = `tr-${'ab'.repeat(20)}`;
const OTHER = `tr-${'cd'.repeat(20)}`;
/** In both bundles. */
const PLACES = [3, 40, 255, 256, 299];
const subjectsAt = (at: number) =>
  PLACES.includes(at) ? [{ kind: 'transfer' as const, id: ID }] : [{ kind: 'request' as const, id: ID }];
const files = await writtenLog(
  Array.from({ length: SIZE }, (_, at) => auditEntryBytes(entryAt(at, { subjects: subjectsAt(at) }))),
);

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'portcullis-proofs-'));
  for (const [path, bytes] of files) {
    mkdirSync(dirname(join(folder, 'log', path)), { recursive: true });
    writeFileSync(join(folder, 'log', path), bytes);
  }
});
afterAll(() => rmSync(folder, { recursive: true }));

async function run(...argv: readonly string[]) {
  const output = new PassThrough();
  const errors = new PassThrough();
  const cli = portcullis(new Terminal({ input: new PassThrough(), output, errors }, {}), {});
  const exit = await cli.run(['audit', ...argv]);
  return { exit, output: String(output.read() ?? ''), errors: String(errors.read() ?? '') };
}

const prove = (...options: readonly string[]) => run('prove', join(folder, 'log'), ...options);

/** Verified from a file of its own. */
async function verified(text: string, key = KEY) {
  const file = join(folder, 'proof.json');
  writeFileSync(file, text);
  const { exit, output, errors } = await run('verify', file, '--key', key, '--json');
  return { exit, ...JSON.parse(output === '' ? errors : output) };
}

interface Printed {
  readonly entries: readonly { readonly index: number; readonly entry: string; readonly path: string[] }[];
}

describe('a proof of a transfer', () => {
  it('is of every entry about it, and verifies from its file and the key alone', async () => {
    const { exit, output } = await prove('--transfer', ID, '--json');
    expect(exit).toBe(EXIT.ok);
    const printed = JSON.parse(output) as Printed;
    expect(printed).toMatchObject({ proof: 'transfer', transfer: ID, size: SIZE });
    expect(printed.entries.map(({ index }) => index)).toEqual(PLACES);
    const answer = await verified(output);
    expect(answer).toMatchObject({ exit: EXIT.ok, valid: true, transfer: ID, size: SIZE });
    expect(answer.entries.map(({ sequence }: { sequence: number }) => sequence)).toEqual(PLACES);
  });

  it('says it in words', async () => {
    const { output } = await prove('--transfer', ID);
    expect(output).toContain(`5 entries about ${ID} are in the log of 300 entries`);
  });

  it.each(['inclusion', 'consistency'])('and so does one of %s', async (kind) => {
    const options = kind === 'inclusion' ? ['--entry', '257'] : ['--from', '200'];
    const { output } = await prove(...options, '--json');
    expect(JSON.parse(output)).toMatchObject({ proof: kind });
    expect(await verified(output)).toMatchObject({ exit: EXIT.ok, valid: true, size: SIZE });
  });

  it('refuses a transfer that no entry names, and what is no transfer', async () => {
    const none = await prove('--transfer', OTHER, '--json');
    expect(none.exit).toBe(EXIT.refused);
    expect(JSON.parse(none.errors)).toMatchObject({ error: { code: 'audit-transfer-not-found' } });
    expect((await prove('--transfer', 'tr-1')).exit).toBe(EXIT.usage);
    expect((await prove('--transfer', ID, '--entry', '1')).exit).toBe(EXIT.usage);
  });

  type Altering = (printed: Printed) => object;
  const first = (printed: Printed) => printed.entries.slice(0, 1).map((one) => ({ ...one }));
  it.each<[string, string, Altering]>([
    [
      'another place',
      'audit-proof-root-differs',
      (one) => ({ entries: first(one).map((each) => ({ ...each, index: each.index ^ 1 })) }),
    ],
    [
      'another entry',
      'audit-proof-root-differs',
      (one) => ({ entries: first(one).map((each) => ({ ...each, entry: one.entries[1]?.entry })) }),
    ],
    ['another transfer', 'audit-proof-of-another', () => ({ transfer: OTHER })],
    ['an entry twice', 'audit-proof-of-another', (one) => ({ entries: [...first(one), ...first(one)] })],
    ['another size', 'audit-proof-out-of-range', () => ({ size: 299 })],
    ['no entries', 'file-malformed', () => ({ entries: [] })],
    ['a word more', 'file-malformed', () => ({ more: 1 })],
  ])('is refused with %s', async (_what, code, altered) => {
    const { output } = await prove('--transfer', ID, '--json');
    const printed = JSON.parse(output) as Printed;
    const answer = await verified(JSON.stringify({ ...printed, ...altered(printed) }));
    expect(answer).toMatchObject({ error: { code } });
    expect(answer.exit).not.toBe(EXIT.ok);
  });

  it('is refused under another key', async () => {
    const { output } = await prove('--transfer', ID, '--json');
    const other = verifierKeyText({ ...auditKey, publicKey: new Uint8Array(32) });
    expect(await verified(output, other)).toMatchObject({ error: { code: 'audit-note-unsigned' } });
  });
});
