import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { accepted } from '../fault.js';
import { entriesOf } from './bundle.js';
import { EMPTY_LOG, edgeRoot, grown, grownByLeaves, readEdge } from './growing-log.js';
import { changed, type FilesInMemory, filesInMemory, leavesOf, logOf, wordsOf } from './log.fixture.js';
import { EMPTY_ROOT, isSameHash } from './merkle.js';
import { rootAt } from './prove.js';
import { HASH_LEVELS, tileAt, tilePath } from './tile-path.js';
import { hashesOf } from './tiles.js';

const LARGEST = 70_000;
const words = wordsOf(LARGEST);

/** The files that a log of one size has, by their names. */
function namesAt(size: number): string[] {
  return [...HASH_LEVELS, 'entries' as const].flatMap((level) => {
    const names: string[] = [];
    for (let index = 0; ; index += 1) {
      const tile = tileAt(level, index, size);
      if (tile === undefined) return names;
      names.push(tilePath(tile));
    }
  });
}

function expectFile({ files }: FilesInMemory, path: string, bytes: Uint8Array): void {
  const found = files.get(path);
  expect({ path, isSame: found !== undefined && isSameHash(found, bytes) }).toEqual({ path, isSame: true });
}

describe('a log that grows', () => {
  it('begins with nothing, and stays so without entries', () => {
    expect(edgeRoot(EMPTY_LOG)).toEqual(EMPTY_ROOT);
    expect(grown(EMPTY_LOG, [])).toEqual({ edge: EMPTY_LOG, files: [] });
    const partial = logOf(wordsOf(3)).edge;
    expect(grown(partial, [])).toEqual({ edge: partial, files: [] });
  });

  it('has the same edge, root and files however its entries came', async () => {
    const batches = fc.array(fc.integer({ min: 0, max: 300 }), { minLength: 1, maxLength: 6 });
    await fc.assert(
      fc.asyncProperty(batches, async (counts) => {
        const total = counts.reduce((sum, count) => sum + count, 0);
        const apart = logOf(words.slice(0, total), counts);
        const together = logOf(words.slice(0, total));
        expect(apart.edge).toEqual(together.edge);
        for (const [path, bytes] of together.files) expectFile(apart, path, bytes);
        expect([...together.files.keys()].sort()).toEqual(namesAt(total).sort());
        expect(await rootAt(apart, total)).toEqual(accepted(edgeRoot(apart.edge)));
      }),
      { numRuns: 60 },
    );
  });

  it('never gives another content to a file that it has named before', () => {
    const seen = new Map<string, Uint8Array>();
    let edge = EMPTY_LOG;
    for (let size = 0; size < 600; size += 1) {
      const growth = grown(edge, words.slice(size, size + 1));
      edge = growth.edge;
      for (const { path, bytes } of growth.files) {
        expect(seen.has(path)).toBe(false);
        seen.set(path, bytes);
      }
    }
    expect(edge).toEqual(logOf(words.slice(0, 600)).edge);
    expect(seen.get('tile/1/000.p/2')).toHaveLength(64);
  });

  it('writes three files for one entry, and has tiles on three levels past 65,536', async () => {
    const log = logOf(words.slice(0, 65_535));
    const { files, edge } = grown(log.edge, words.slice(65_535, 65_536));
    expect(files.map(({ path }) => path)).toEqual([
      'tile/entries/255',
      'tile/0/255',
      'tile/1/000',
      'tile/2/000.p/1',
    ]);
    expect(edge.pending).toEqual([]);
    const next = grown(edge, words.slice(65_536, 65_537));
    expect(next.files.map(({ path }) => path)).toEqual(['tile/entries/256.p/1', 'tile/0/256.p/1']);
    const all = logOf(words);
    expect([...all.files.keys()].sort()).toEqual(namesAt(LARGEST).sort());
    expect(await rootAt(all, LARGEST)).toEqual(accepted(edgeRoot(all.edge)));
  });

  it('grows by hashes of leaves alone to the same tiles', () => {
    const log = logOf(words.slice(0, 700));
    const { edge, files } = grownByLeaves(EMPTY_LOG, leavesOf(words.slice(0, 700)));
    expect(isSameHash(edgeRoot(edge), edgeRoot(log.edge))).toBe(true);
    for (const { path, bytes } of files) expectFile(log, path, bytes);
  });

  it('holds its entries and the hashes of their leaves', () => {
    const log = logOf(words.slice(0, 300));
    const bundle = log.files.get('tile/entries/001.p/44') ?? new Uint8Array();
    expect(entriesOf(bundle, 44)).toEqual(words.slice(256, 300));
    const tile = log.files.get('tile/0/001.p/44') ?? new Uint8Array();
    expect(hashesOf(tile, 44)).toEqual(leavesOf(words.slice(256, 300)));
  });

  it('refuses an entry of 65,536 bytes (audit-entry-too-long), not one of 65,535', () => {
    const most = new Uint8Array(65_535);
    expect(grown(EMPTY_LOG, [most, most]).edge.size).toBe(2);
    expect(() => grown(EMPTY_LOG, [new Uint8Array(65_536)])).toThrow(
      expect.objectContaining({ code: 'audit-entry-too-long' }),
    );
  });
});

describe('the edge of a stored log', () => {
  it('is read back as it was', async () => {
    for (const size of [0, 1, 2, 255, 256, 257, 511, 512, 600, 65_535, 65_536, 65_537, LARGEST]) {
      const log = logOf(words.slice(0, size));
      expect(await readEdge(log)).toEqual(accepted(log.edge));
    }
  });

  it('is read from full files, where the partial ones are gone', async () => {
    const later = logOf(words.slice(0, 768), [600, 168]);
    for (const path of ['tile/0/002.p/88', 'tile/entries/002.p/88']) {
      expect(later.files.delete(path)).toBe(true);
    }
    expect(await readEdge({ ...later, size: 600 })).toEqual(accepted(logOf(words.slice(0, 600)).edge));
  });

  it.each([
    ['audit-tile-missing', 'tile/0/002.p/88', undefined],
    ['audit-tile-missing', 'tile/1/000.p/2', undefined],
    ['audit-tile-missing', 'tile/entries/002.p/88', undefined],
    ['audit-tile-malformed', 'tile/0/002.p/88', new Uint8Array(32)],
    ['audit-tile-malformed', 'tile/entries/002.p/88', Uint8Array.of(0)],
  ])('is refused with %s for %s', async (code, path, bytes) => {
    const log = logOf(words.slice(0, 600));
    const files = filesInMemory([...log.files].filter(([name]) => name !== path));
    if (bytes) files.files.set(path, bytes);
    expect(await readEdge({ ...files, size: 600 })).toMatchObject({ kind: 'refused', code });
  });

  it('has another root when a byte of it was changed', async () => {
    const log = logOf(words.slice(0, 600));
    const path = 'tile/1/000.p/2';
    log.files.set(path, changed(log.files.get(path) ?? new Uint8Array(), 40));
    const read = await readEdge(log);
    expect(read.kind === 'accepted' && isSameHash(edgeRoot(read.value), edgeRoot(log.edge))).toBe(false);
    expect(read.kind).toBe('accepted');
  });
});
