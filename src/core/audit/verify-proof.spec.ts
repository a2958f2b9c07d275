// Against the tree of eight leaves that implementations of Certificate Transparency are tested with, and against RFC 6962's
// recursive definitions written down as they stand there, with Node.js's own SHA-256.

import { createHash } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import { bytesToHex, hexToBytes } from '@noble/hashes/utils.js';
import fc from 'fast-check';
import { accepted } from '../fault.js';
import { changed, leavesOf, logOf, wordsOf } from './log.fixture.js';
import { EMPTY_ROOT, type Hash, leafHash } from './merkle.js';
import { proveConsistency, proveInclusion, rootAt } from './prove.js';
import { verifyConsistency, verifyInclusion } from './verify-proof.js';

const KNOWN_LEAVES = [
  '',
  '00',
  '10',
  '2021',
  '3031',
  '40414243',
  '5051525354555657',
  '606162636465666768696a6b6c6d6e6f',
];
const KNOWN_ROOTS = [
  'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855',
  '6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d',
  'fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125',
  'aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77',
  'd37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7',
  '4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4',
  '76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef',
  'ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c',
  '5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328',
];
const A = '96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7';
const B = '5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e';
const C = '6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4';
const D = 'bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b';
const E = 'ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0';
const F = '0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a';
const [, ROOT_1 = '', ROOT_2 = '', , ROOT_4 = ''] = KNOWN_ROOTS;

const known = logOf(KNOWN_LEAVES.map(hexToBytes));

function acceptedBy<T>(outcome: { kind: 'accepted'; value: T } | { kind: 'refused'; code: string }): T {
  if (outcome.kind === 'refused') throw new Error(outcome.code);
  return outcome.value;
}

const rootOf = async (log: Parameters<typeof rootAt>[0], size: number) => acceptedBy(await rootAt(log, size));
const codeOf = (outcome: { kind: string; code?: string }) => outcome.code ?? outcome.kind;

describe('the tree of eight leaves', () => {
  it.each([...KNOWN_ROOTS.entries()])('has at size %i the root %s', async (size, root) => {
    expect(bytesToHex(await rootOf(known, size))).toBe(root);
  });

  it.each<[number, number, string[]]>([
    [0, 1, []],
    [0, 8, [A, B, C]],
    [5, 8, [D, E, ROOT_4]],
    [2, 3, [ROOT_2]],
    [1, 5, [ROOT_1, B, D]],
  ])('proves leaf %i of %i with the hashes that are known', async (index, size, path) => {
    const proof = acceptedBy(await proveInclusion(known, index, size));
    expect(proof.path.map(bytesToHex)).toEqual(path);
    const leaf = leafHash(hexToBytes(KNOWN_LEAVES[index] ?? ''));
    expect(verifyInclusion(leaf, proof, hexToBytes(KNOWN_ROOTS[size] ?? ''))).toEqual(accepted(true));
  });

  it.each<[number, number, string[]]>([
    [1, 1, []],
    [1, 8, [A, B, C]],
    [6, 8, [F, E, ROOT_4]],
    [2, 5, [B, D]],
  ])('proves that %i leaves are the beginning of %i', async (from, size, path) => {
    const proof = acceptedBy(await proveConsistency(known, from, size));
    expect(proof.path.map(bytesToHex)).toEqual(path);
    const [small = '', large = ''] = [KNOWN_ROOTS[from], KNOWN_ROOTS[size]];
    expect(verifyConsistency(proof, hexToBytes(small), hexToBytes(large))).toEqual(accepted(true));
  });
});

const hashed = (...parts: readonly Uint8Array[]): Uint8Array =>
  new Uint8Array(createHash('sha256').update(Buffer.concat(parts)).digest());
const powerBelow = (count: number) => 2 ** (Math.ceil(Math.log2(count)) - 1);

/** MTH of RFC 6962 §2.1. */
function tree(leaves: readonly Uint8Array[]): Uint8Array {
  const [only] = leaves;
  if (only === undefined) return hashed();
  if (leaves.length === 1) return hashed(Uint8Array.of(0), only);
  const middle = powerBelow(leaves.length);
  return hashed(Uint8Array.of(1), tree(leaves.slice(0, middle)), tree(leaves.slice(middle)));
}

/** PATH of RFC 6962 §2.1.1. */
function pathOf(at: number, leaves: readonly Uint8Array[]): Uint8Array[] {
  if (leaves.length === 1) return [];
  const middle = powerBelow(leaves.length);
  return at < middle
    ? [...pathOf(at, leaves.slice(0, middle)), tree(leaves.slice(middle))]
    : [...pathOf(at - middle, leaves.slice(middle)), tree(leaves.slice(0, middle))];
}

/** SUBPROOF of RFC 6962 §2.1.2. */
function subproof(small: number, leaves: readonly Uint8Array[], isWhole: boolean): Uint8Array[] {
  if (small === leaves.length) return isWhole ? [] : [tree(leaves)];
  const middle = powerBelow(leaves.length);
  return small <= middle
    ? [...subproof(small, leaves.slice(0, middle), isWhole), tree(leaves.slice(middle))]
    : [...subproof(small - middle, leaves.slice(middle), false), tree(leaves.slice(0, middle))];
}

const MOST = 300;
const words = wordsOf(MOST);
const leaves = leavesOf(words);
const logs = new Map<number, ReturnType<typeof logOf>>();
function logWith(size: number) {
  const log = logs.get(size) ?? logOf(words.slice(0, size));
  logs.set(size, log);
  return log;
}

const sizes = fc.integer({ min: 1, max: MOST });
const within = (size: number) => fc.integer({ min: 0, max: size - 1 });
const places = sizes.chain((size) => fc.record({ size: fc.constant(size), index: within(size) }));
const pairs = sizes.chain((size) =>
  fc.record({ size: fc.constant(size), from: fc.integer({ min: 0, max: size }) }),
);

describe('proofs from tiles', () => {
  it('are those of the definitions, at sizes about a border of tiles and any other', async () => {
    for (const size of [1, 2, 3, 7, 8, 255, 256, 257, 300]) {
      for (let index = 0; index < size; index += size > 8 ? 5 : 1) {
        const proof = acceptedBy(await proveInclusion(logWith(size), index, size));
        expect(proof.path.map(bytesToHex)).toEqual(pathOf(index, words.slice(0, size)).map(bytesToHex));
      }
    }
    await fc.assert(
      fc.asyncProperty(pairs, async ({ from, size }) => {
        const proof = acceptedBy(await proveConsistency(logWith(size), from, size));
        const expected = from === 0 ? [] : subproof(from, words.slice(0, size), true);
        expect(proof.path.map(bytesToHex)).toEqual(expected.map(bytesToHex));
      }),
      { numRuns: 200 },
    );
  });

  it('verify at every size up to 300: all places of small logs and about a border of tiles, samples of the others', async () => {
    const roots: Hash[] = [EMPTY_ROOT];
    for (let size = 1; size <= MOST; size += 1) {
      const log = logWith(size);
      const root = await rootOf(log, size);
      roots.push(root);
      for (let index = 0; index < size; index += 1) {
        const leaf = leaves[index] ?? EMPTY_ROOT;
        const isAsked = size < 20 || Math.abs(size - 256) < 3 || (index + size) % 64 === 0;
        if (!isAsked) continue;
        const included = acceptedBy(await proveInclusion(log, index, size));
        if (verifyInclusion(leaf, included, root).kind === 'refused') throw new Error(`${index} of ${size}`);
        const consistent = acceptedBy(await proveConsistency(log, index, size));
        const outcome = verifyConsistency(consistent, roots[index] ?? EMPTY_ROOT, root);
        if (outcome.kind === 'refused') throw new Error(`from ${index} to ${size}: ${outcome.code}`);
      }
    }
    expect(roots).toHaveLength(MOST + 1);
  }, 240_000);

  it('verify for sizes of the past as well, from the tiles of the present', async () => {
    await fc.assert(
      fc.asyncProperty(places, async ({ size, index }) => {
        const log = logWith(MOST);
        const root = await rootOf(log, size);
        expect(root).toEqual(await rootOf(logWith(size), size));
        const proof = acceptedBy(await proveInclusion(log, index, size));
        expect(verifyInclusion(leaves[index] ?? EMPTY_ROOT, proof, root)).toEqual(accepted(true));
        const after = acceptedBy(await proveConsistency(log, size, MOST));
        expect(verifyConsistency(after, root, await rootOf(log, MOST))).toEqual(accepted(true));
      }),
      { numRuns: 100 },
    );
  });
});

describe('a proof is refused', () => {
  it('when one byte of its hashes, the leaf or the root is another', async () => {
    await fc.assert(
      fc.asyncProperty(places, fc.nat(), fc.integer({ min: 1, max: 255 }), async (place, nat, by) => {
        const { size, index } = place;
        const proof = acceptedBy(await proveInclusion(logWith(size), index, size));
        const hashes = [leaves[index] ?? EMPTY_ROOT, await rootOf(logWith(size), size), ...proof.path];
        const which = Math.floor(nat / 32) % hashes.length;
        const [leaf, root, ...path] = hashes.map((hash, at) =>
          at === which ? changed(hash, nat % 32, by) : hash,
        );
        const outcome = verifyInclusion(leaf ?? EMPTY_ROOT, { ...proof, path }, root ?? EMPTY_ROOT);
        expect(codeOf(outcome)).toBe('audit-proof-root-differs');
      }),
      { numRuns: 500 },
    );
  });

  it('when one byte of the entry is another', async () => {
    await fc.assert(
      fc.asyncProperty(
        places,
        fc.nat(),
        fc.integer({ min: 1, max: 255 }),
        async ({ size, index }, at, by) => {
          const entry = words[index] ?? new Uint8Array();
          const proof = acceptedBy(await proveInclusion(logWith(size), index, size));
          const leaf = leafHash(changed(entry, at % entry.length, by));
          const outcome = verifyInclusion(leaf, proof, await rootOf(logWith(size), size));
          expect(codeOf(outcome)).toBe('audit-proof-root-differs');
        },
      ),
    );
  });

  it('of consistency, when one byte of its hashes or of a root is another', async () => {
    await fc.assert(
      fc.asyncProperty(pairs, fc.nat(), fc.integer({ min: 1, max: 255 }), async ({ from, size }, nat, by) => {
        const proof = acceptedBy(await proveConsistency(logWith(size), from, size));
        const small = await rootOf(logWith(from), from);
        const hashes = [small, ...(from === 0 ? [] : [await rootOf(logWith(size), size)]), ...proof.path];
        const which = Math.floor(nat / 32) % hashes.length;
        const bad = hashes.map((hash, at) => (at === which ? changed(hash, nat % 32, by) : hash));
        const [fromRoot = EMPTY_ROOT, root = EMPTY_ROOT, ...path] = bad;
        expect(codeOf(verifyConsistency({ ...proof, path }, fromRoot, root))).toBe(
          'audit-proof-root-differs',
        );
      }),
      { numRuns: 500 },
    );
  });

  it('when it is for another place or another size', async () => {
    await fc.assert(
      fc.asyncProperty(places, fc.nat({ max: MOST }), async ({ size, index }, other) => {
        fc.pre(other !== index);
        const proof = acceptedBy(await proveInclusion(logWith(size), index, size));
        const root = await rootOf(logWith(size), size);
        const leaf = leaves[index] ?? EMPTY_ROOT;
        expect(verifyInclusion(leaf, { ...proof, index: other }, root).kind).toBe('refused');
      }),
    );
  });

  const leaf = leafHash(Uint8Array.of(1));
  it.each<[string, string, number, number, Hash[]]>([
    ['audit-proof-out-of-range', 'the place is behind the end', 8, 8, []],
    ['audit-proof-out-of-range', 'the log is empty', 0, 0, []],
    ['audit-proof-out-of-range', 'the place is before the beginning', -1, 8, []],
    ['audit-proof-out-of-range', 'the place is no whole number', 0.5, 8, []],
    ['audit-proof-out-of-range', 'the size is no number', 0, Number.NaN, []],
    ['audit-proof-out-of-range', 'the size has no end', 0, Number.POSITIVE_INFINITY, []],
    ['audit-proof-malformed', 'hashes are missing', 0, 8, [leaf, leaf]],
    ['audit-proof-malformed', 'it has hashes to spare', 0, 8, [leaf, leaf, leaf, leaf]],
    ['audit-proof-malformed', 'a hash is too short', 0, 2, [leaf.subarray(1)]],
    ['audit-proof-malformed', 'a hash is none', 0, 2, ['00' as unknown as Hash]],
    ['audit-proof-root-differs', 'it leads elsewhere', 0, 2, [leaf]],
  ])('with %s when %s', (code, _what, index, size, path) => {
    expect(codeOf(verifyInclusion(leaf, { index, size, path }, leaf))).toBe(code);
  });

  it.each<[string, string, number, number, Hash[]]>([
    ['audit-proof-out-of-range', 'the log became smaller', 9, 8, []],
    ['audit-proof-out-of-range', 'a size is negative', -1, 8, []],
    ['audit-proof-malformed', 'hashes are missing', 3, 8, []],
    ['audit-proof-malformed', 'its last hash is missing', 3, 8, [leaf, leaf, leaf]],
    ['audit-proof-malformed', 'it has hashes to spare', 4, 8, [leaf, leaf]],
    ['audit-proof-malformed', 'equal sizes need none', 8, 8, [leaf]],
    ['audit-proof-malformed', 'nothing needs none', 0, 8, [leaf]],
    ['audit-proof-malformed', 'a hash is too long', 4, 8, [new Uint8Array(33)]],
    ['audit-proof-root-differs', 'it leads elsewhere', 4, 8, [leaf]],
    ['audit-proof-root-differs', 'the log before was empty and has another root', 0, 8, []],
  ])('of consistency with %s when %s', (code, _what, from, size, path) => {
    expect(codeOf(verifyConsistency({ from, size, path }, leaf, leaf))).toBe(code);
  });

  it('of consistency with audit-proof-root-differs when equal sizes have two roots', () => {
    const proof = { from: 8, size: 8, path: [] };
    expect(codeOf(verifyConsistency(proof, leaf, EMPTY_ROOT))).toBe('audit-proof-root-differs');
    const empty = { from: 0, size: 0, path: [] };
    expect(codeOf(verifyConsistency(empty, EMPTY_ROOT, leaf))).toBe('audit-proof-root-differs');
    expect(codeOf(verifyConsistency(empty, EMPTY_ROOT, EMPTY_ROOT))).toBe('accepted');
  });
});

describe('proving refuses', () => {
  it.each([
    ['audit-proof-out-of-range', 300, 300],
    ['audit-proof-out-of-range', -1, 300],
    ['audit-proof-out-of-range', 0, 301],
  ])('with %s entry %i of %i', async (code, index, size) => {
    expect(codeOf(await proveInclusion(logWith(MOST), index, size))).toBe(code);
  });

  it.each([
    ['audit-proof-out-of-range', 301, 300],
    ['audit-proof-out-of-range', 300, 600],
  ])('with %s the way from %i to %i', async (code, from, size) => {
    expect(codeOf(await proveConsistency(logWith(MOST), from, size))).toBe(code);
  });

  it('with audit-proof-out-of-range the root of more entries than there are', async () => {
    expect(codeOf(await rootAt(logWith(MOST), 301))).toBe('audit-proof-out-of-range');
    expect(codeOf(await rootAt(logWith(MOST), 0.5))).toBe('audit-proof-out-of-range');
  });

  it('with audit-tile-missing what is in no file', async () => {
    const log = logOf(words);
    log.files.delete('tile/0/000');
    expect(codeOf(await proveInclusion(log, 0, MOST))).toBe('audit-tile-missing');
    expect(codeOf(await proveConsistency(log, 256, MOST))).toBe('accepted');
  });

  it('with audit-tile-malformed a tile of another length', async () => {
    const log = logOf(words);
    log.files.set('tile/0/000', new Uint8Array(31));
    expect(codeOf(await proveInclusion(log, 0, MOST))).toBe('audit-tile-malformed');
    expect(codeOf(await rootAt(log, 255))).toBe('audit-tile-malformed');
  });
});
