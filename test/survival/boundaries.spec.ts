// The list of durable boundaries: a place that is written tomorrow is in it, under a name that says what it is.

import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { repositoryRoot } from '../../devnet/paths.js';
import { instrument } from './boundaries.js';
import { partOf } from './division.js';

function listed(path: string, source: string): readonly string[] {
  return instrument(join(repositoryRoot, path), source).boundaries;
}

describe('the list of durable boundaries', () => {
  it('has a transaction, each step written in it, and each of several alike, by where they stand', () => {
    const source = `class Books {
      async close() {
        await this.database.transaction(async (db) => { await moveTransfer(db, row, 'settled', move); });
        await this.database.transaction(work);
      }
    }`;
    const path = 'src/orchestrator/transfers/books.ts';
    expect(listed(path, source)).toEqual([
      `${path}:Books.close:database.transaction:before`,
      `${path}:Books.close:database.transaction:committed`,
      `${path}:Books.close:moveTransfer('settled'):written`,
      `${path}:Books.close:moveTransfer('settled'):committed`,
      `${path}:Books.close:database.transaction#2:before`,
      `${path}:Books.close:database.transaction#2:committed`,
    ]);
  });

  it("has the signer's journal by the kind of its entry, and the disk under it", () => {
    const source = `function keep(store) {
      store.appendSoon({ kind: 'voided', at });
      return store.durable();
    }`;
    const path = 'src/signer/keep.ts';
    expect(listed(path, source)).toEqual([
      `${path}:keep:store.appendSoon(voided):before`,
      `${path}:keep:store.appendSoon(voided):after`,
      `${path}:keep:store.durable:before`,
      `${path}:keep:store.durable:after`,
    ]);
  });

  it('makes nothing wait that does not wait by itself', () => {
    const file = join(repositoryRoot, 'src/signer/keep.ts');
    const { text } = instrument(file, 'store.append(body); store.append(await made());');
    expect(text).toContain('() => (store.append(body))');
    expect(text).toContain('async () => (store.append(await made()))');
  });

  it('leaves alone what is somewhere else', () => {
    const file = join(repositoryRoot, 'src/core/keep.ts');
    const source = 'store.append(body);';
    expect(instrument(file, source)).toEqual({ text: source, boundaries: [] });
  });

  it('has a part for every folder that it looks at, and none for another', () => {
    for (const path of ['src/signer/a.ts', 'hardware/pkcs11/a.ts', 'src/orchestrator/identity/a.ts'])
      expect(partOf(`${path}:f:database.transaction:before`)).not.toBe('');
    expect(() => partOf('src/cli/a.ts:f:store.append:before')).toThrow(RangeError);
  });
});
