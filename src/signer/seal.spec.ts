import { describe, expect, it } from '@jest/globals';
import type { KeySigner, TokenRecord } from '../../hardware/key-signer.js';
import { Fault } from '../core/fault.js';
import { makeSeal, readSeal, SEAL_RECORD, type Seal } from './seal.js';

/** A token that holds nothing but records. */
function tokenWith(secret?: Uint8Array): KeySigner {
  const records = new Map<string, TokenRecord>();
  if (secret) records.set(SEAL_RECORD, { version: 1n, value: secret });
  const token: Pick<KeySigner, 'readRecord' | 'writeRecord'> = {
    readRecord: async (name) => records.get(name),
    writeRecord: async (name, record) => {
      records.set(name, record);
    },
  };
  return token as KeySigner;
}

function codeOf(seal: Promise<Seal>): Promise<string> {
  return seal.then(
    () => 'a seal',
    (error: unknown) => (error instanceof Fault ? error.code : String(error)),
  );
}

describe('the secret of the seal', () => {
  it('is made once by the ceremony, and read at each start', async () => {
    const token = tokenWith();
    const made = await makeSeal(token);
    const again = await makeSeal(token);
    const read = await readSeal(token);
    const seals = [made, again, read].map((seal) => seal.ofEntry(1, 'ab'.repeat(32)));
    expect(new Set(seals).size).toBe(1);
    expect(await makeSeal(tokenWith()).then((seal) => seal.ofEntry(1, 'ab'.repeat(32)))).not.toBe(seals[0]);
  });

  it('is never made by a start (seal-missing)', async () => {
    const token = tokenWith();
    expect(await codeOf(readSeal(token))).toBe('seal-missing');
    expect(await codeOf(readSeal(token))).toBe('seal-missing');
  });

  it.each([0, 31, 33])('of %s bytes is none, for a start or a ceremony (seal-malformed)', async (bytes) => {
    expect(await codeOf(readSeal(tokenWith(new Uint8Array(bytes))))).toBe('seal-malformed');
    expect(await codeOf(makeSeal(tokenWith(new Uint8Array(bytes))))).toBe('seal-malformed');
  });
});
