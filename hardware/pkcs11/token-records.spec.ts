// Where on a token a record comes to lie, on tokens that allow less than SoftHSM does, or end in the middle of a write. What a
// real one does is under test in the contract of every key signer.

import { describe, expect, it } from '@jest/globals';
import pkcs11js from 'pkcs11js';
import type { TokenRecord } from '../key-signer.js';
import { Session } from './session-pool.js';
import { readRecord, writeRecord } from './token-records.js';

type Attributes = Map<number, Buffer>;
type Api = Pick<
  pkcs11js.PKCS11,
  | 'C_FindObjectsInit'
  | 'C_FindObjects'
  | 'C_FindObjectsFinal'
  | 'C_GetAttributeValue'
  | 'C_SetAttributeValue'
  | 'C_CreateObject'
  | 'C_DestroyObject'
>;

interface Limits {
  readonly labelsFixed?: boolean;
  readonly longestLabel?: number;
}

const NAME = 'anchor';

function bytesOf(value: unknown): Buffer {
  if (Buffer.isBuffer(value)) return value;
  return typeof value === 'boolean' ? Buffer.from([value ? 1 : 0]) : Buffer.from(String(value));
}

/** CKR numbers as the binding throws them. */
function refusal(
  name:
    | 'CKR_ATTRIBUTE_READ_ONLY'
    | 'CKR_ATTRIBUTE_VALUE_INVALID'
    | 'CKR_GENERAL_ERROR'
    | 'CKR_OBJECT_HANDLE_INVALID',
) {
  return new Error(`${name}:${pkcs11js[name]}`);
}

/** A token's data objects, with what such a token may refuse. */
class Objects implements Api {
  readonly objects = new Map<string, Attributes>();
  /** The next change of an object leaves nothing of it, and no answer. */
  tearsNext = false;
  /** What is to be written next, it says it has, and has not. */
  forgetsNext = false;
  readonly session = new Session(Buffer.from([1]), true);
  private next = 1;
  private found: pkcs11js.Handle[] = [];

  constructor(private readonly limits: Limits = {}) {}

  C_FindObjectsInit(_session: pkcs11js.Handle, template: pkcs11js.Template = []): void {
    this.found = [...this.objects]
      .filter(([, has]) => template.every(({ type, value }) => has.get(type)?.equals(bytesOf(value))))
      .map(([handle]) => Buffer.from(handle));
  }

  C_FindObjects(_session: pkcs11js.Handle, most?: number): never {
    return this.found.splice(0, most ?? 1) as never;
  }

  C_FindObjectsFinal(): void {
    this.found = [];
  }

  C_GetAttributeValue(_session: pkcs11js.Handle, object: pkcs11js.Handle, template: pkcs11js.Template) {
    const attributes = this.objects.get(object.toString());
    if (attributes === undefined) throw refusal('CKR_OBJECT_HANDLE_INVALID');
    return template.map(({ type }) => ({ type, value: attributes.get(type) ?? Buffer.alloc(0) }));
  }

  C_SetAttributeValue(_session: pkcs11js.Handle, object: pkcs11js.Handle, template: pkcs11js.Template): void {
    if (this.limits.labelsFixed) throw refusal('CKR_ATTRIBUTE_READ_ONLY');
    if (this.tearsNext) {
      this.tearsNext = false;
      this.objects.delete(object.toString());
      throw refusal('CKR_GENERAL_ERROR');
    }
    if (this.forgetsNext) {
      this.forgetsNext = false;
      return;
    }
    for (const { type, value } of template) this.objects.get(object.toString())?.set(type, bytesOf(value));
  }

  C_CreateObject(_session: pkcs11js.Handle, template: pkcs11js.Template): pkcs11js.Handle {
    const attributes = new Map(template.map(({ type, value }) => [type, bytesOf(value)]));
    if ((attributes.get(pkcs11js.CKA_LABEL)?.length ?? 0) > (this.limits.longestLabel ?? 1_000)) {
      throw refusal('CKR_ATTRIBUTE_VALUE_INVALID');
    }
    const handle = Buffer.from(`object-${this.next++}`);
    this.objects.set(handle.toString(), attributes);
    return handle;
  }

  C_DestroyObject(_session: pkcs11js.Handle, object: pkcs11js.Handle): void {
    this.objects.delete(object.toString());
  }
}

const recordOf = (version: bigint): TokenRecord => ({
  version,
  value: Uint8Array.from(Buffer.from(`value ${version}`)),
});
const writeOne = (token: Objects, record: TokenRecord, replaces?: TokenRecord) =>
  writeRecord(
    token as unknown as pkcs11js.PKCS11,
    token.session,
    NAME,
    { record, replaces },
    () => undefined,
  );
const write = (token: Objects, version: bigint, replaces?: bigint) =>
  writeOne(token, recordOf(version), replaces === undefined ? undefined : recordOf(replaces));
const read = (token: Objects) =>
  readRecord(token as unknown as pkcs11js.PKCS11, token.session, NAME, () => undefined);

describe('a record on a token', () => {
  it.each<[string, Limits]>([
    ['lets labels be changed', {}],
    ['fixes labels', { labelsFixed: true }],
    ['has no room for it in a label', { longestLabel: 32 }],
    ['has no room for it in a label and fixes them', { longestLabel: 32, labelsFixed: true }],
  ])('is the newest one of at most two objects where the token %s', (_what, limits) => {
    for (const readsBetween of [true, false]) {
      const token = new Objects(limits);
      write(token, 1n);
      for (let version = 2n; version <= 200n; version += 1n) {
        write(token, version, version - 1n);
        if (readsBetween) expect(read(token)).toEqual(recordOf(version));
        expect(token.objects.size).toBeLessThanOrEqual(2);
      }
      expect(() => write(token, 201n, 199n)).toThrow(expect.objectContaining({ code: 'record-changed' }));
      expect(read(token)).toEqual(recordOf(200n));
    }
  });

  it('stays as it was when the token ends in the middle of a write, which may be repeated', () => {
    const token = new Objects();
    for (let version = 1n; version <= 3n; version += 1n) write(token, version);
    token.tearsNext = true;
    expect(() => write(token, 4n, 3n)).toThrow('CKR_GENERAL_ERROR');
    expect(read(token)).toEqual(recordOf(3n));
    write(token, 4n, 3n);
    expect(read(token)).toEqual(recordOf(4n));
    expect(token.objects.size).toBe(2);
  });

  it('is not replaced by one of the past, nor by another of its version, and may be written once more (record-stale)', () => {
    const token = new Objects();
    write(token, 1n);
    write(token, 2n);
    const stale = expect.objectContaining({ code: 'record-stale' });
    expect(() => write(token, 1n)).toThrow(stale);
    expect(() => writeOne(token, { version: 2n, value: Uint8Array.of(1) })).toThrow(stale);
    write(token, 2n);
    expect(read(token)).toEqual(recordOf(2n));
  });

  it('is not chosen from two of one version that differ (record-duplicate)', () => {
    const token = new Objects();
    write(token, 1n);
    const elsewhere = new Objects();
    writeOne(elsewhere, { version: 1n, value: Uint8Array.of(1) });
    for (const attributes of elsewhere.objects.values()) token.objects.set('another', attributes);
    expect(() => read(token)).toThrow(expect.objectContaining({ code: 'record-duplicate' }));
    expect(() => write(token, 2n)).toThrow(expect.objectContaining({ code: 'record-duplicate' }));
    expect(token.objects.size).toBe(2);
  });

  it('is not looked for among more objects than there ever should be (record-malformed)', () => {
    const token = new Objects();
    write(token, 1n);
    const [attributes] = token.objects.values();
    for (let copy = 0; copy < 16; copy++) token.objects.set(`copy-${copy}`, new Map(attributes));
    expect(() => read(token)).toThrow(expect.objectContaining({ code: 'record-malformed' }));
    expect(token.objects.size).toBe(17);
  });

  it('is read back when it was written: a token that did not keep it is told of (record-malformed)', () => {
    const token = new Objects();
    for (let version = 1n; version <= 3n; version += 1n) write(token, version);
    token.forgetsNext = true;
    expect(() => write(token, 4n, 3n)).toThrow(expect.objectContaining({ code: 'record-malformed' }));
    expect(read(token)).toEqual(recordOf(3n));
  });

  it('moves from the place where it was to the one that is written to faster', () => {
    const token = new Objects({ longestLabel: 32 });
    write(token, 1n);
    expect([...token.objects.values()].map((has) => has.get(pkcs11js.CKA_LABEL)?.toString())).toEqual([NAME]);
    const roomy = new Objects();
    for (const [handle, attributes] of token.objects) roomy.objects.set(handle, attributes);
    for (let version = 2n; version <= 4n; version += 1n) write(roomy, version, version - 1n);
    expect(read(roomy)).toEqual(recordOf(4n));
    expect([...roomy.objects.values()].map((has) => has.get(pkcs11js.CKA_APPLICATION)?.toString())).toEqual([
      NAME,
      NAME,
    ]);
  });
});
