// The chain and the seals against another implementation of SHA-256 than the programs': a journal outlives its programs.

import { describe, expect, it } from '@jest/globals';
import { hmac } from '@noble/hashes/hmac.js';
import { sha256 } from '@noble/hashes/sha2.js';
import { bytesToHex, concatBytes, hexToBytes, utf8ToBytes } from '@noble/hashes/utils.js';
import fc from 'fast-check';
import { journalHash } from './journal.js';
import { Seal } from './seal.js';

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

  it('is sealed by HMAC-SHA-256 over its sequence and hash', () => {
    const secret = new Uint8Array(32).fill(9);
    fc.assert(
      fc.property(hash, fc.nat(), (entry, sequence) => {
        const text = `portcullis/journal-seal/v1\n${sequence}\n${entry}`;
        expect(new Seal(secret).ofEntry(sequence, entry)).toBe(
          bytesToHex(hmac(sha256, secret, utf8ToBytes(text))),
        );
      }),
    );
  });
});
