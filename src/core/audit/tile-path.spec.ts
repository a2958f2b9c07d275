import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { bundleBytes, entriesOf } from './bundle.js';
import { parseTilePath, tileAt, tilePath } from './tile-path.js';

describe('paths of tiles (C2SP tlog-tiles)', () => {
  it.each([
    [0, 0, 256, 'tile/0/000'],
    [1, 999, 256, 'tile/1/999'],
    [0, 1_000, 256, 'tile/0/x001/000'],
    [0, 1_234_067, 256, 'tile/0/x001/x234/067'],
    [6, 5, 1, 'tile/6/005.p/1'],
    [0, 1_234_067, 255, 'tile/0/x001/x234/067.p/255'],
    ['entries' as const, 42, 17, 'tile/entries/042.p/17'],
  ])('name level %s, tile %i, width %i as %s', (level, index, width, path) => {
    expect(tilePath({ level, index, width })).toBe(path);
    expect(parseTilePath(path)).toEqual({ level, index, width });
  });

  it('are read back, whatever they name', () => {
    const name = fc.record({
      level: fc.constantFrom(0, 1, 2, 3, 4, 5, 6, 'entries' as const),
      index: fc.maxSafeNat(),
      width: fc.integer({ min: 1, max: 256 }),
    });
    fc.assert(fc.property(name, (one) => expect(parseTilePath(tilePath(one))).toEqual(one)));
  });

  it.each([
    'checkpoint',
    'tile/0/0',
    'tile/0/1000',
    'tile/0/x000/001',
    'tile/0/x001/x002',
    'tile/0/001/002',
    'tile/00/001',
    'tile/7/000',
    'tile/-1/000',
    'tile/8/0/000',
    'tile/0/000.p/0',
    'tile/0/000.p/01',
    'tile/0/000.p/256',
    'tile/0/000.p/',
    'tile/0/000.p',
    'tile/0/000/',
    '/tile/0/000',
    'tile/0/../0/000',
    'tile/0/000\n',
    'tile/data/000',
    'tile/0/x999/x999/x999/x999/x999/999',
  ])('are not spelled %j', (path) => {
    expect(parseTilePath(path)).toBeUndefined();
  });

  it('end where the log does', () => {
    expect(tileAt(0, 0, 0)).toBeUndefined();
    expect(tileAt(0, 1, 256)).toBeUndefined();
    expect(tileAt(0, 1, 257)).toEqual({ level: 0, index: 1, width: 1 });
    expect(tileAt(1, 0, 255)).toBeUndefined();
    expect(tileAt(6, 0, 2 ** 48)).toEqual({ level: 6, index: 0, width: 1 });
  });
});

describe('a bundle of entries', () => {
  it('has each entry after its length, the higher byte first', () => {
    expect(bundleBytes([Uint8Array.of(7), new Uint8Array(0), new Uint8Array(258)]).subarray(0, 7)).toEqual(
      Uint8Array.of(0, 1, 7, 0, 0, 1, 2),
    );
  });

  it('is read back', () => {
    const some = fc.array(fc.uint8Array({ maxLength: 600 }), { maxLength: 20 });
    fc.assert(
      fc.property(some, (entries) =>
        expect(entriesOf(bundleBytes(entries), entries.length)).toEqual(entries),
      ),
    );
  });

  it.each<[string, number[], number]>([
    ['it has fewer entries', [0, 1, 7], 2],
    ['it has more entries', [0, 1, 7, 0, 0], 1],
    ['its last entry is cut off', [0, 2, 7], 1],
    ['its last length is cut off', [0, 1, 7, 0], 1],
    ['it is empty', [], 1],
  ])('is none when %s', (_what, bytes, width) => {
    expect(entriesOf(Uint8Array.from(bytes), width)).toBeUndefined();
  });
});
