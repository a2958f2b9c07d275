// Proofs and a header as a real node answered them, and every way to change one byte of them.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { keccak_256 } from '@noble/hashes/sha3.js';
import { bytesToHex, hexToBytes } from '@noble/hashes/utils.js';
import fc from 'fast-check';
import { z } from 'zod';
import { verifyHeader } from './ethereum-header.js';
import { NO_CODE, provenAccount, provenValue, provenWord } from './trie.js';

const proofs = z.array(z.string());
const vectors = z
  .object({
    block: z.record(z.string(), z.unknown()),
    contract: z.object({
      address: z.string(),
      accountProof: proofs,
      storageProof: z.array(z.object({ proof: proofs })),
    }),
    nobody: z.object({ address: z.string(), accountProof: proofs }),
    code: z.string(),
  })
  .parse(
    JSON.parse(
      readFileSync(join(import.meta.dirname, '../../../test/vectors/ethereum-proofs/anvil.json'), 'utf8'),
    ),
  );

const bytesOf = (nodes: readonly string[]) => nodes.map((node) => hexToBytes(node.slice(2)));
const { address } = vectors.contract;
const accountProof = bytesOf(vectors.contract.accountProof);
const storageProofs = vectors.contract.storageProof.map(({ proof }) => bytesOf(proof));
const stateRoot = String(vectors.block.stateRoot).slice(2);
const SLOTS = ['0'.repeat(64), '2'.padStart(64, '0'), 'f'.repeat(64)];

function storageRoot(): string {
  const account = provenAccount(stateRoot, address, accountProof);
  if (account.kind === 'refused' || !account.value) throw new Error('the vector does not fit');
  return account.value.storageRoot;
}

const codeOf = (outcome: { readonly kind: string; readonly code?: string }) => outcome.code ?? outcome.kind;

/** One bit of one node is another one; each proof of the vectors comes up. */
function altered(nodes: readonly Uint8Array[], at: number, bit: number): Uint8Array[] {
  const all = nodes.reduce((sum, node) => sum + node.length, 0);
  let place = at % all;
  return nodes.map((node) => {
    const copy = node.slice();
    if (place >= 0 && place < node.length) copy[place] = (copy[place] ?? 0) ^ (1 << bit);
    place -= node.length;
    return copy;
  });
}

describe('a proof of an account', () => {
  it('shows the hash of the code that is there', () => {
    expect(provenAccount(stateRoot, address, accountProof)).toMatchObject({
      kind: 'accepted',
      value: { codeHash: bytesToHex(keccak_256(hexToBytes(vectors.code.slice(2)))) },
    });
  });

  it('shows that nothing is there', () => {
    const { nobody } = vectors;
    expect(provenAccount(stateRoot, nobody.address, bytesOf(nobody.accountProof))).toEqual({
      kind: 'accepted',
      value: null,
    });
    expect(NO_CODE).toBe('c5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470');
  });

  it('is refused with trie-proof-invalid under another root, for another address, and for nothing at all', () => {
    expect(codeOf(provenAccount('ab'.repeat(32), address, accountProof))).toBe('trie-proof-invalid');
    expect(codeOf(provenAccount(stateRoot, vectors.nobody.address, accountProof))).toBe('trie-proof-invalid');
    expect(codeOf(provenAccount(stateRoot, address, []))).toBe('trie-proof-invalid');
    expect(codeOf(provenAccount(stateRoot, address, accountProof.slice(0, -1)))).toBe('trie-proof-invalid');
    expect(codeOf(provenAccount(stateRoot, address, accountProof.toReversed()))).toBe('trie-proof-invalid');
  });

  it('is refused with trie-proof-invalid when there is more than is needed', () => {
    const [first = new Uint8Array(0)] = accountProof;
    expect(codeOf(provenAccount(stateRoot, address, [...accountProof, first]))).toBe('trie-proof-invalid');
    const heap = Array.from({ length: 66 }, () => first);
    expect(codeOf(provenAccount(stateRoot, address, heap))).toBe('trie-proof-invalid');
  });
});

describe('a proof of a word', () => {
  it('shows what is there, and 0 where nothing was ever written', () => {
    const words = SLOTS.map((slot, at) => provenWord(storageRoot(), slot, storageProofs[at] ?? []));
    expect(words).toEqual(
      ['0', (1_000_000).toString(16), '0'].map((value) => ({
        kind: 'accepted',
        value: value.padStart(64, '0'),
      })),
    );
  });

  it('is 0 in an empty trie, which nodes prove by nothing or by its root', () => {
    const empty = bytesToHex(keccak_256(Uint8Array.of(0x80)));
    for (const proof of [[], [Uint8Array.of(0x80)]])
      expect(provenWord(empty, '2'.padStart(64, '0'), proof)).toMatchObject({ value: '0'.repeat(64) });
    for (const proof of [[Uint8Array.of(0x81)], [Uint8Array.of(0x80), Uint8Array.of(0x80)]])
      expect(codeOf(provenWord(empty, '2'.padStart(64, '0'), proof))).toBe('trie-proof-invalid');
    expect(codeOf(provenWord(storageRoot(), '2'.padStart(64, '0'), [Uint8Array.of(0x80)]))).toBe(
      'trie-proof-invalid',
    );
  });

  it('is refused for another slot', () => {
    expect(codeOf(provenWord(storageRoot(), SLOTS[2] ?? '', storageProofs[1] ?? []))).toBe(
      'trie-proof-invalid',
    );
  });
});

describe('any proof', () => {
  it('is refused when a single bit of it is another one', () => {
    const cases: readonly (readonly [string, Uint8Array, readonly Uint8Array[]])[] = [
      [stateRoot, hexToBytes(address.slice(2)), accountProof],
      ...SLOTS.map((slot, at) => [storageRoot(), hexToBytes(slot), storageProofs[at] ?? []] as const),
    ];
    fc.assert(
      fc.property(fc.constantFrom(...cases), fc.nat(), fc.nat({ max: 7 }), ([root, key, proof], at, bit) => {
        expect(codeOf(provenValue(root, key, altered(proof, at, bit)))).toBe('trie-proof-invalid');
      }),
      { numRuns: 2_000 },
    );
  });

  it('is refused, and ends, whatever bytes somebody sends', () => {
    const nodes = fc.array(fc.uint8Array({ maxLength: 100 }), { maxLength: 5 });
    fc.assert(
      fc.property(nodes, (some) => {
        const root = some[0] ? bytesToHex(keccak_256(some[0])) : 'ab'.repeat(32);
        const outcome = provenValue(root, new Uint8Array(32), some);
        expect(outcome.kind === 'refused' || outcome.value === null).toBe(true);
      }),
    );
  });
});

describe('the header of a block', () => {
  /** Of Ethereum's first block, as everybody knows it. */
  const first = {
    hash: '0xd4e56740f876aef8c010b86a40d5f56745a118d0906a34e69aec8c0db1cb8fa3',
    parentHash: `0x${'0'.repeat(64)}`,
    sha3Uncles: '0x1dcc4de8dec75d7aab85b567b6ccd41ad312451b948a7413f0a142fd40d49347',
    miner: `0x${'0'.repeat(40)}`,
    stateRoot: '0xd7f8974fb5ac78d9ac099b9ad5018bedc2ce0a72dad1827a1709da30580f0544',
    transactionsRoot: '0x56e81f171bcc55a6ff8345e692c0f86e5b48e01b996cadc001622fb5e363b421',
    receiptsRoot: '0x56e81f171bcc55a6ff8345e692c0f86e5b48e01b996cadc001622fb5e363b421',
    logsBloom: `0x${'0'.repeat(512)}`,
    difficulty: '0x400000000',
    number: '0x0',
    gasLimit: '0x1388',
    gasUsed: '0x0',
    timestamp: '0x0',
    extraData: '0x11bbe8db4e347b4e8c937c1c8370e4b5ed33adb3db69cbdb7a38e1e50b1b82fa',
    mixHash: `0x${'0'.repeat(64)}`,
    nonce: '0x0000000000000042',
  };

  it('is hashed as the chain does, the first one and one after many forks', () => {
    expect(verifyHeader(first)).toMatchObject({ kind: 'accepted', value: { height: 0 } });
    expect(verifyHeader(vectors.block)).toMatchObject({
      kind: 'accepted',
      value: { hash: String(vectors.block.hash).slice(2), height: 40, stateRoot },
    });
  });

  it.each(Object.keys(first))('is refused with header-hash-differs when %s is another one', (field) => {
    const text = String(vectors.block[field]);
    const last = text.endsWith('1') ? '2' : '1';
    const changed = text === '0x' ? '0x01' : `${text.slice(0, -1)}${last}`;
    expect(codeOf(verifyHeader({ ...vectors.block, [field]: changed }))).toBe('header-hash-differs');
  });

  it('is refused with header-malformed when something is missing or is no hex', () => {
    const { gasUsed: _, ...less } = first;
    const broken = [
      less,
      { ...first, number: 7 },
      { ...first, number: '0x00' },
      { ...first, extraData: '0x1' },
    ];
    for (const block of [...broken, null, 'x', []])
      expect(codeOf(verifyHeader(block))).toBe('header-malformed');
  });

  it('is refused with header-malformed when its height or its time is no number that anybody can count to', () => {
    for (const field of ['number', 'timestamp'])
      expect(codeOf(verifyHeader({ ...vectors.block, [field]: `0x${'f'.repeat(20)}` }))).toBe(
        'header-malformed',
      );
  });

  it('is refused when a field of a later fork is left out', () => {
    for (const field of ['requestsHash', 'withdrawalsRoot', 'baseFeePerGas'])
      expect(codeOf(verifyHeader({ ...vectors.block, [field]: undefined }))).toBe('header-hash-differs');
  });
});
