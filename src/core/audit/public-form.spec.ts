import { describe, expect, it } from '@jest/globals';
import { concatBytes, utf8ToBytes } from '@noble/hashes/utils.js';
import fc from 'fast-check';
import { portableVerifier } from '../statements/signature.js';
import { auditKey, entriesUpTo, entryAt, publicFormOf, signAudit, writtenLog } from './audit.fixture.js';
import { bundleBytes } from './bundle.js';
import { signCheckpoint } from './checkpoint.js';
import { auditEntryBytes } from './entry.js';
import { changed, filesInMemory, logOf } from './log.fixture.js';
import { checkPublicForm, type Finding } from './public-form.js';
import { HASH_LEVELS, parseTilePath, tilePath, tilesOf } from './tile-path.js';

type Files = Map<string, Uint8Array>;
const NOTHING = new Uint8Array();
const SIZE = 700;
const entries = entriesUpTo(SIZE);
/** With partial files of earlier times beside those of its size. */
const written = await writtenLog(entries, [100, 1, 199, 300, 100]);

async function findingsOf(files: ReadonlyMap<string, Uint8Array>): Promise<readonly Finding[] | string> {
  const outcome = await checkPublicForm(publicFormOf(files), auditKey, portableVerifier);
  return outcome.kind === 'refused' ? outcome.code : outcome.value.findings;
}

function altered(alter: (files: Files) => void, files: ReadonlyMap<string, Uint8Array> = written): Files {
  const copy = new Map(files);
  alter(copy);
  return copy;
}

const flipped = (path: string, at: number) =>
  altered((files) => files.set(path, changed(files.get(path) ?? NOTHING, at)));

describe('the public form of a log', () => {
  it.each([0, 1, 255, 256, 257, 512, 515, 700])('of %i entries agrees with itself', async (size) => {
    const files = await writtenLog(entries.slice(0, size));
    const outcome = await checkPublicForm(publicFormOf(files), auditKey, portableVerifier);
    expect(outcome).toMatchObject({
      kind: 'accepted',
      value: { findings: [], beyond: [], checkpoint: { size } },
    });
  });

  it('agrees with partial files of earlier times in it', async () => {
    expect(written.has('tile/0/000.p/101')).toBe(true);
    expect(await findingsOf(written)).toEqual([]);
  });

  it('agrees where only full files are left, and names what nobody has vouched for yet', async () => {
    const ahead = logOf(entriesUpTo(900), [700, 200]).files;
    const files = new Map([...ahead, ['checkpoint', written.get('checkpoint') ?? NOTHING] as const]);
    expect(files.delete('tile/0/002.p/188')).toBe(true);
    expect(files.delete('tile/entries/002.p/188')).toBe(true);
    const outcome = await checkPublicForm(publicFormOf(files), auditKey, portableVerifier);
    expect(outcome).toMatchObject({
      value: {
        findings: [],
        beyond: [
          'tile/0/002',
          'tile/0/003.p/132',
          'tile/1/000.p/3',
          'tile/entries/002',
          'tile/entries/003.p/132',
        ],
      },
    });
  });

  it('names the entry that was changed, and the earlier file that still has it', async () => {
    const bad = entries.with(290, auditEntryBytes(entryAt(290, { what: 'rejected' })));
    const files = altered((all) => all.set('tile/entries/001', bundleBytes(bad.slice(256, 512))));
    expect(await findingsOf(files)).toEqual([
      { kind: 'entry-differs', path: 'tile/entries/001', entry: 290, from: 'tile/0/001' },
      { kind: 'root-differs', path: 'checkpoint', from: 'entries' },
      { kind: 'file-differs', path: 'tile/entries/001.p/44', from: 'tile/entries/001' },
    ]);
  });

  it.each([
    ['tile/0/001', 44, 0],
    ['tile/0/002.p/188', 187, 31],
    ['tile/1/000.p/2', 0, 9],
  ])('names %s and the position %i in it', async (path, position, byte) => {
    const files = await writtenLog(entries);
    const bytes = files.get(path) ?? NOTHING;
    files.set(path, changed(bytes, position * 32 + byte));
    expect(await findingsOf(files)).toEqual([{ kind: 'tile-differs', path, position, from: 'entries' }]);
  });

  it('names a log that somebody wrote anew, with all that fits together in it', async () => {
    const other = logOf(entries.with(300, auditEntryBytes(entryAt(300, { what: 'rejected' })))).files;
    other.set('checkpoint', written.get('checkpoint') ?? NOTHING);
    expect(await findingsOf(other)).toEqual([
      { kind: 'root-differs', path: 'checkpoint', from: 'entries' },
      { kind: 'root-differs', path: 'checkpoint', from: 'tiles' },
    ]);
  });

  it('names the tile above as well when two tiles disagree and an entry is gone', async () => {
    const files = await writtenLog(entries);
    files.delete('tile/entries/002.p/188');
    files.set('tile/1/000.p/2', changed(files.get('tile/1/000.p/2') ?? NOTHING, 40));
    expect(await findingsOf(files)).toEqual([
      { kind: 'file-missing', path: 'tile/entries/002.p/188' },
      { kind: 'tile-differs', path: 'tile/1/000.p/2', position: 1, from: 'tile/0/001' },
      { kind: 'root-differs', path: 'checkpoint', from: 'tiles' },
    ]);
  });

  it.each<[string, (files: Files) => void, object]>([
    [
      'a tile is missing',
      (files) => files.delete('tile/0/000'),
      { kind: 'file-missing', path: 'tile/0/000' },
    ],
    [
      'a bundle is missing',
      (files) => files.delete('tile/entries/000'),
      { kind: 'file-missing', path: 'tile/entries/000' },
    ],
    [
      'a tile is cut off',
      (files) => files.set('tile/1/000.p/2', new Uint8Array(63)),
      { kind: 'file-malformed', path: 'tile/1/000.p/2' },
    ],
    [
      'a bundle goes on',
      (files) =>
        files.set(
          'tile/entries/000',
          concatBytes(files.get('tile/entries/000') ?? NOTHING, Uint8Array.of(0, 0)),
        ),
      { kind: 'file-malformed', path: 'tile/entries/000' },
    ],
    [
      'an old partial tile is another',
      (files) => files.set('tile/0/000.p/100', changed(files.get('tile/0/000.p/100') ?? NOTHING, 5)),
      { kind: 'file-differs', path: 'tile/0/000.p/100', from: 'tile/0/000' },
    ],
    [
      'an old partial bundle is cut off',
      (files) => files.set('tile/entries/000.p/100', new Uint8Array(1)),
      { kind: 'file-malformed', path: 'tile/entries/000.p/100' },
    ],
    [
      'a file is there that is none of a log',
      (files) => files.set('tile/0/0', new Uint8Array(1)),
      { kind: 'file-unknown', path: 'tile/0/0' },
    ],
  ])('names it when %s', async (_what, alter, finding) => {
    expect(await findingsOf(altered(alter))).toContainEqual(finding);
  });

  it('names entries that were signed for and are none, or stand at another place', async () => {
    const odd = entries
      .slice(0, 3)
      .with(1, utf8ToBytes('nonsense'))
      .with(2, auditEntryBytes(entryAt(7)));
    expect(await findingsOf(await writtenLog(odd))).toEqual([
      { kind: 'entry-refused', path: 'tile/entries/000.p/3', entry: 1, code: 'audit-entry-malformed' },
      { kind: 'entry-refused', path: 'tile/entries/000.p/3', entry: 2, code: 'audit-entry-other-place' },
    ]);
  });

  it('is refused with audit-checkpoint-missing without one, and with what is wrong with it', async () => {
    expect(await findingsOf(altered((files) => files.delete('checkpoint')))).toBe('audit-checkpoint-missing');
    expect(await findingsOf(flipped('checkpoint', 30))).toBe('audit-note-signature-invalid');
  });

  it('stops naming where all is gone, instead of going on for ever', async () => {
    const huge = await writtenLog([]);
    const checkpoint = { size: Number.MAX_SAFE_INTEGER, root: new Uint8Array(32) };
    huge.set('checkpoint', await signCheckpoint(checkpoint, auditKey, signAudit, portableVerifier));
    const findings = await findingsOf(huge);
    expect(findings).toHaveLength(1_000);
  });

  it('blames the tiles where many of them are wrong, and the entries are those that were signed', async () => {
    const many = await writtenLog(entriesUpTo(1_300));
    for (let index = 0; index < 5; index += 1) many.set(`tile/0/00${index}`, new Uint8Array(8_192));
    const findings = await findingsOf(many);
    expect(findings).toHaveLength(1_000);
    expect(findings).not.toContainEqual(expect.objectContaining({ kind: 'entry-differs' }));
    expect(findings).not.toContainEqual(expect.objectContaining({ kind: 'root-differs' }));
  });

  it('never agrees after a single edit, of a thousand', async () => {
    const small = await writtenLog(entries.slice(0, 270), [100, 1, 155, 14]);
    const needed = new Set(
      [...HASH_LEVELS, 'entries' as const].flatMap((level) => [...tilesOf(level, 270)].map(tilePath)),
    );
    const paths = [...small.keys()];
    expect(paths).toHaveLength(needed.size + 5);
    const edit = fc.record({
      path: fc.constantFrom(...paths),
      how: fc.constantFrom('byte', 'byte', 'cut', 'longer', 'gone', 'swapped', 'emptied'),
      at: fc.nat(),
      by: fc.integer({ min: 1, max: 255 }),
    });
    let edits = 0;
    await fc.assert(
      fc.asyncProperty(edit, async ({ path, how, at, by }) => {
        const bytes = small.get(path) ?? NOTHING;
        const otherPath = paths[at % paths.length] ?? '';
        const files = altered((all) => {
          if (how === 'byte') all.set(path, changed(bytes, at % bytes.length, by));
          if (how === 'cut') all.set(path, bytes.subarray(0, at % bytes.length));
          if (how === 'longer') all.set(path, concatBytes(bytes, Uint8Array.of(by)));
          if (how === 'emptied') all.set(path, NOTHING);
          // Nothing is lost with a partial file of earlier times.
          if (how === 'gone') all.delete(needed.has(path) ? path : 'checkpoint');
          if (how === 'swapped') {
            all.set(path, small.get(otherPath) ?? NOTHING);
            all.set(otherPath, bytes);
          }
        }, small);
        fc.pre(how !== 'swapped' || path !== otherPath);
        edits += 1;
        const findings = await findingsOf(files);
        expect(findings).not.toEqual([]);
        // What is named is a file of the log.
        if (typeof findings !== 'string')
          for (const one of findings)
            expect(one.path === 'checkpoint' || parseTilePath(one.path) !== undefined).toBe(true);
      }),
      { numRuns: 1_000 },
    );
    expect(edits).toBeGreaterThanOrEqual(1_000);
  }, 240_000);
});

describe('a reader', () => {
  it('is asked for nothing that the log does not have', async () => {
    const asked: string[] = [];
    const stored = filesInMemory(written);
    const form = {
      paths: [...written.keys()],
      readTile: (path: string) => {
        asked.push(path);
        return stored.readTile(path);
      },
    };
    await checkPublicForm(form, auditKey, portableVerifier);
    expect(asked.filter((path) => !written.has(path))).toEqual([]);
  });
});
