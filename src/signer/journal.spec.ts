// The chain against another implementation of SHA-256 than the signer's: a journal outlives the programs that wrote it.

import { describe, expect, it } from '@jest/globals';
import { sha256 } from '@noble/hashes/sha2.js';
import { bytesToHex, concatBytes, hexToBytes, utf8ToBytes } from '@noble/hashes/utils.js';
import fc from 'fast-check';
import { journalHash } from './journal.js';

const hash = fc.uint8Array({ minLength: 32, maxLength: 32 }).map(bytesToHex);

describe('an entry of the journal', () => {
  it('is chained by SHA-256 over the hash before, its type and sequence, and its text', () => {
    fc.assert(
      fc.property(hash, fc.nat(), fc.string({ unit: 'grapheme' }), (previous, sequence, text) => {
        const bytes = concatBytes(
          hexToBytes(previous),
          utf8ToBytes(`portcullis/journal/v1\n${sequence}\n`),
          utf8ToBytes(text),
        );
        expect(journalHash(previous, sequence, text)).toBe(bytesToHex(sha256(bytes)));
      }),
    );
  });
});
