// Small records that live on the token itself, as CKO_DATA objects: by them a rolled-back disk is noticed.
//
// Values of data objects cannot be changed everywhere, so a record is replaced by making the new object and then
// destroying the old one. A crash between the two leaves both; the newest version wins and the older one goes.
// What their bytes mean is in record-format.ts.

import pkcs11js, { type Handle, type Template } from 'pkcs11js';
import type { TokenRecord } from '../key-signer.js';
import { findObjects } from './key-objects.js';
import { decodeRecord, encodeRecord } from './record-format.js';
import type { Session } from './session-pool.js';
import { tokenFault } from './token-fault.js';
import { checkRecordName } from './token-inputs.js';

type Api = pkcs11js.PKCS11;

/** A crash leaves two. More than a handful of one name is nothing that we ever did. */
const MOST_OBJECTS = 16;

interface RecordWrite {
  readonly record: TokenRecord;
  /** What has to be the newest now; undefined where that does not matter. */
  readonly replaces: TokenRecord | undefined;
}

interface Stored {
  readonly handle: Handle;
  readonly record: TokenRecord;
}

/**
 * The newest record of that name; what is older is destroyed on the way. `confirmAbsent` runs before `undefined` is
 * said, and throws when the token merely cannot be seen. Faults `record-malformed` if any object of that name is
 * damaged, `record-duplicate` if two of the same version differ: nobody here may choose between them.
 */
export function readRecord(
  api: Api,
  session: Session,
  name: string,
  confirmAbsent: () => void,
): TokenRecord | undefined {
  checkRecordName(name);
  const [newest, ...older] = readAll(api, session, name, confirmAbsent);
  for (const leftover of older) api.C_DestroyObject(session.handle, leftover.handle);
  return newest?.record;
}

/** Makes the new object, reads it back, then destroys what it replaces. See the port for faults and what may be repeated. */
export function writeRecord(
  api: Api,
  session: Session,
  name: string,
  { record, replaces }: RecordWrite,
  confirmAbsent: () => void,
): void {
  const value = encodeRecord(name, record);
  const [newest, ...older] = readAll(api, session, name, confirmAbsent);
  const isThere = (one: TokenRecord) =>
    newest !== undefined && encodeRecord(name, newest.record).equals(encodeRecord(name, one));
  if (replaces !== undefined && !isThere(replaces) && !isThere(record)) {
    throw tokenFault('record-changed', 'the record on the token is not the one that was to be replaced', {
      name,
      version: replaces.version.toString(),
      onToken: newest?.record.version.toString() ?? 'none',
    });
  }
  if (newest !== undefined && record.version <= newest.record.version) {
    if (!isThere(record)) {
      throw tokenFault('record-stale', 'the record on the token is not older than this one', {
        name,
        version: record.version.toString(),
        onToken: newest.record.version.toString(),
      });
    }
    for (const leftover of older) api.C_DestroyObject(session.handle, leftover.handle);
    return;
  }
  const created = api.C_CreateObject(session.handle, [
    ...template(name),
    { type: pkcs11js.CKA_TOKEN, value: true },
    { type: pkcs11js.CKA_PRIVATE, value: true },
    { type: pkcs11js.CKA_VALUE, value },
  ]);
  if (!readValue(api, session, created).equals(value)) {
    throw tokenFault('record-malformed', 'the token did not keep the record as written', { name });
  }
  for (const replaced of [...older, ...(newest === undefined ? [] : [newest])]) {
    api.C_DestroyObject(session.handle, replaced.handle);
  }
}

/** All of that name, newest first. */
function readAll(api: Api, session: Session, name: string, confirmAbsent: () => void): Stored[] {
  const handles = findObjects(api, session, template(name), MOST_OBJECTS + 1);
  if (handles.length === 0) confirmAbsent();
  if (handles.length > MOST_OBJECTS) {
    throw tokenFault('record-malformed', 'the token has too many objects of this name', { name });
  }
  const stored = handles.map((handle) => ({
    handle,
    record: decodeRecord(name, readValue(api, session, handle)),
  }));
  stored.sort((a, b) =>
    a.record.version < b.record.version ? 1 : a.record.version > b.record.version ? -1 : 0,
  );
  for (const [at, { record }] of stored.entries()) {
    const next = stored[at + 1]?.record;
    if (next?.version === record.version && !Buffer.from(next.value).equals(record.value)) {
      throw tokenFault('record-duplicate', 'the token has two records of one version', {
        name,
        version: record.version.toString(),
      });
    }
  }
  return stored;
}

function readValue(api: Api, session: Session, handle: Handle): Buffer {
  return (
    api.C_GetAttributeValue(session.handle, handle, [{ type: pkcs11js.CKA_VALUE }])[0]?.value ??
    Buffer.alloc(0)
  );
}

function template(name: string): Template {
  return [
    { type: pkcs11js.CKA_CLASS, value: pkcs11js.CKO_DATA },
    { type: pkcs11js.CKA_LABEL, value: Buffer.from(name, 'ascii') },
  ];
}
