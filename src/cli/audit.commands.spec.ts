import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { PassThrough } from 'node:stream';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { auditKey, entriesUpTo, writtenLog } from '../core/audit/audit.fixture.js';
import { openCheckpoint } from '../core/audit/checkpoint.js';
import { edgeRoot } from '../core/audit/growing-log.js';
import { changed, logOf } from '../core/audit/log.fixture.js';
import { leafHash } from '../core/audit/merkle.js';
import { verifierKeyText } from '../core/audit/note.js';
import { verifyConsistency, verifyInclusion } from '../core/audit/verify-proof.js';
import { nativeVerifier } from '../platform/native-verifier.js';
import { EXIT } from './exit.js';
import { portcullis } from './program.js';
import { Terminal } from './terminal.js';

const SIZE = 300;
const KEY = verifierKeyText(auditKey);
const entries = entriesUpTo(SIZE);
const files = await writtenLog(entries, [200, 100]);

let parent: string;
beforeAll(() => {
  parent = mkdtempSync(join(tmpdir(), 'portcullis-audit-'));
});
afterAll(() => rmSync(parent, { recursive: true }));

/** A folder with the log, and some files of it otherwise. */
function folderWith(altered: Readonly<Record<string, Uint8Array | undefined>> = {}): string {
  const folder = mkdtempSync(join(parent, 'log-'));
  for (const [path, bytes] of Object.entries({ ...Object.fromEntries(files), ...altered })) {
    if (bytes === undefined) continue;
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), bytes);
  }
  return folder;
}

async function run(...argv: readonly string[]) {
  const output = new PassThrough();
  const errors = new PassThrough();
  const cli = portcullis(new Terminal({ input: new PassThrough(), output, errors }, {}), {});
  const exit = await cli.run(['audit', ...argv]);
  return { exit, output: String(output.read() ?? ''), errors: String(errors.read() ?? '') };
}

const flippedTile = { 'tile/0/000': changed(files.get('tile/0/000') ?? new Uint8Array(), 33) };

describe('audit verify', () => {
  it('ends with 0 when all agrees', async () => {
    const { exit, output } = await run('verify', folderWith(), '--key', KEY, '--json');
    expect(exit).toBe(EXIT.ok);
    expect(JSON.parse(output)).toEqual({
      valid: true,
      origin: auditKey.name,
      size: SIZE,
      root: Buffer.from(edgeRoot(logOf(entries).edge)).toString('base64'),
      findings: [],
      beyond: [],
    });
  });

  it('ends with 1 and names what does not agree', async () => {
    const { exit, output } = await run('verify', folderWith(flippedTile), '--key', KEY, '--json');
    expect(exit).toBe(EXIT.refused);
    expect(JSON.parse(output)).toMatchObject({
      valid: false,
      findings: [
        { kind: 'tile-differs', path: 'tile/0/000', position: 1, from: 'entries' },
        { kind: 'file-differs', path: 'tile/0/000.p/200', from: 'tile/0/000' },
      ],
    });
  });

  it('says it in words', async () => {
    const { output } = await run(
      'verify',
      folderWith({ ...flippedTile, 'tile/1/000.p/1': undefined, stray: new Uint8Array() }),
      '--key',
      KEY,
    );
    expect(output).toContain('tile/0/000: hash 1 is not that of entries');
    expect(output).toContain('tile/1/000.p/1: is missing');
    expect(output).toContain('stray: is no file of a log');
  });

  it('follows no link out of the folder', async () => {
    const folder = folderWith({ 'tile/0/000': undefined });
    writeFileSync(join(parent, 'elsewhere'), files.get('tile/0/000') ?? '');
    symlinkSync(join(parent, 'elsewhere'), join(folder, 'tile/0/000'));
    const { exit, output } = await run('verify', folder, '--key', KEY);
    expect(exit).toBe(EXIT.refused);
    expect(output).toContain('tile/0/000: is missing');
  });

  it('follows no link to another folder', async () => {
    const folder = folderWith();
    renameSync(join(folder, 'tile/1'), join(parent, 'level'));
    symlinkSync(join(parent, 'level'), join(folder, 'tile/1'));
    const { exit, output } = await run('verify', folder, '--key', KEY);
    expect(exit).toBe(EXIT.refused);
    expect(output).toContain('tile/1/000.p/1: is missing');
  });

  it('never ends with 0 after a single edit of a file, of two hundred', async () => {
    const folder = folderWith();
    const edit = fc.record({
      path: fc.constantFrom(...files.keys()),
      at: fc.nat(),
      by: fc.integer({ min: 1, max: 255 }),
      how: fc.constantFrom('byte' as const, 'cut' as const, 'longer' as const),
    });
    await fc.assert(
      fc.asyncProperty(edit, async ({ path, at, by, how }) => {
        const bytes = files.get(path) ?? new Uint8Array();
        const place = at % bytes.length;
        const edited = {
          byte: changed(bytes, place, by),
          cut: bytes.subarray(0, place),
          longer: Buffer.concat([bytes, Uint8Array.of(by)]),
        };
        writeFileSync(join(folder, path), edited[how]);
        const { exit } = await run('verify', folder, '--key', KEY);
        writeFileSync(join(folder, path), bytes);
        expect(exit).toBe(EXIT.refused);
      }),
      { numRuns: 200 },
    );
    expect((await run('verify', folder, '--key', KEY)).exit).toBe(EXIT.ok);
  });

  it('ends with 1 when the checkpoint is gone, or somebody else signed it', async () => {
    const gone = await run('verify', folderWith({ checkpoint: undefined }), '--key', KEY, '--json');
    expect(gone.exit).toBe(EXIT.refused);
    expect(JSON.parse(gone.errors)).toMatchObject({ error: { code: 'audit-checkpoint-missing' } });
    const stranger = verifierKeyText({ ...auditKey, publicKey: new Uint8Array(32) });
    const other = await run('verify', folderWith(), '--key', stranger, '--json');
    expect(other.exit).toBe(EXIT.refused);
    expect(JSON.parse(other.errors)).toMatchObject({ error: { code: 'audit-note-unsigned' } });
  });

  it('ends with 2 for a key that is none, and for a folder that is none', async () => {
    const key = await run('verify', folderWith(), '--key', `${KEY}=`);
    expect(key.exit).toBe(EXIT.usage);
    expect(key.errors).toContain('arguments-invalid');
    const folder = await run('verify', join(parent, 'nowhere'), '--key', KEY);
    expect(folder.exit).toBe(EXIT.usage);
    expect(folder.errors).toContain('file-unreadable');
    expect((await run('verify', folderWith())).exit).toBe(EXIT.usage);
  });
});

interface Printed {
  readonly proof: string;
  readonly size: number;
  readonly path: readonly string[];
  readonly checkpoint: string;
}
interface PrintedInclusion extends Printed {
  readonly index: number;
  readonly entry: string;
}
interface PrintedConsistency extends Printed {
  readonly from: number;
  readonly fromRoot: string;
}
const bytesOf = (base64: string) => new Uint8Array(Buffer.from(base64, 'base64'));

/** The root that the printed checkpoint vouches for. */
function rootOf({ checkpoint }: Printed): Uint8Array {
  const outcome = openCheckpoint(new Uint8Array(Buffer.from(checkpoint)), auditKey, nativeVerifier);
  if (outcome.kind === 'refused') throw new Error(outcome.code);
  return outcome.value.root;
}

describe('audit prove', () => {
  it('proves that an entry is in the log', async () => {
    const { exit, output } = await run('prove', folderWith(), '--entry', '257', '--json');
    expect(exit).toBe(EXIT.ok);
    const printed = JSON.parse(output) as PrintedInclusion;
    expect(printed).toMatchObject({ proof: 'inclusion', index: 257, size: SIZE });
    expect(bytesOf(printed.entry)).toEqual(entries[257]);
    const proof = { index: 257, size: SIZE, path: printed.path.map(bytesOf) };
    expect(verifyInclusion(leafHash(bytesOf(printed.entry)), proof, rootOf(printed)).kind).toBe('accepted');
  });

  it('proves that the log has only grown', async () => {
    const { exit, output } = await run('prove', folderWith(), '--from', '200', '--json');
    expect(exit).toBe(EXIT.ok);
    const printed = JSON.parse(output) as PrintedConsistency;
    const root = edgeRoot(logOf(entries.slice(0, 200)).edge);
    expect(bytesOf(printed.fromRoot)).toEqual(root);
    const proof = { from: 200, size: SIZE, path: printed.path.map(bytesOf) };
    expect(verifyConsistency(proof, root, rootOf(printed)).kind).toBe('accepted');
  });

  it('says it in words', async () => {
    const entry = await run('prove', folderWith(), '--entry', '0');
    expect(entry.output).toContain('entry 0 is in the log of 300 entries');
    const from = await run('prove', folderWith(), '--from', '300');
    expect(from.output).toContain('none are needed');
  });

  it.each([
    ['audit-proof-out-of-range', ['--entry', '300'], {}],
    ['audit-proof-out-of-range', ['--from', '301'], {}],
    ['audit-proof-root-differs', ['--entry', '0'], flippedTile],
    ['audit-tile-missing', ['--entry', '0'], { 'tile/0/000': undefined }],
    ['audit-tile-missing', ['--entry', '0'], { 'tile/entries/000': undefined }],
    ['audit-tile-malformed', ['--from', '299'], { 'tile/0/001.p/44': new Uint8Array(1) }],
    ['audit-tile-malformed', ['--entry', '299'], { 'tile/entries/001.p/44': new Uint8Array(1) }],
    ['audit-checkpoint-missing', ['--entry', '0'], { checkpoint: undefined }],
    ['audit-note-malformed', ['--entry', '0'], { checkpoint: new Uint8Array(10) }],
  ])('refuses with %s %j', async (code, options, altered) => {
    const { exit, errors } = await run('prove', folderWith(altered), ...options, '--json');
    expect(exit).toBe(EXIT.refused);
    expect(JSON.parse(errors)).toMatchObject({ error: { code } });
  });

  it.each([[[]], [['--entry', '1', '--from', '1']], [['--entry', '-1']], [['--from', '1.5']]])(
    'ends with 2 for %j',
    async (options) => {
      expect((await run('prove', folderWith(), ...options)).exit).toBe(EXIT.usage);
    },
  );
});
