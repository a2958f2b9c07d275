// Small records that live on the token itself, as CKO_DATA objects: by them a rolled-back disk is noticed.
//
// A record is in the label of such an object, because CKA_LABEL is the attribute that most tokens let be changed in place
// (PKCS#11 v3.1 §4.1.2, CKA_MODIFIABLE), and CKA_APPLICATION says whose it is. Two objects take turns: the older one is
// changed, so that a token which dies half-way through still has the record before. Where a label cannot be changed, a new
// object is made and the older one destroyed; where none can be that long, the record is in CKA_VALUE and its object is
// replaced. What is read is the newest of all, wherever it is. What the bytes mean is in record-format.ts.

import pkcs11js, { type Handle, type Template } from 'pkcs11js';
import type { TokenRecord } from '../key-signer.js';
import { classify, returnValueOf } from './cryptoki-errors.js';
import { findObjects } from './key-objects.js';
import { decodeRecord, encodeRecord } from './record-format.js';
import type { Session } from './session-pool.js';
import { tokenFault } from './token-fault.js';
import { checkRecordName } from './token-inputs.js';

type Api = pkcs11js.PKCS11;

/** Two that take turns, and what crashes left. More than a handful of one name is nothing that we ever did. */
const MOST_OBJECTS = 16;
const WRITES_BEFORE_A_LOOK = 64;

/** Where in an object its record is. */
interface Place {
  /** By which objects of that name are found. */
  template(name: string): Template;
  readonly attribute: number;
  toAttribute(record: Buffer): Buffer;
  fromAttribute(value: Buffer): Buffer;
}

/** A label is text (RFC 2279), so it is base64 there. */
const IN_LABEL: Place = {
  template: (name) => dataObject({ type: pkcs11js.CKA_APPLICATION, value: Buffer.from(name, 'ascii') }),
  attribute: pkcs11js.CKA_LABEL,
  toAttribute: (record) => Buffer.from(record.toString('base64'), 'ascii'),
  fromAttribute: (value) => Buffer.from(value.toString('ascii'), 'base64'),
};

const IN_VALUE: Place = {
  template: (name) => dataObject({ type: pkcs11js.CKA_LABEL, value: Buffer.from(name, 'ascii') }),
  attribute: pkcs11js.CKA_VALUE,
  toAttribute: (record) => record,
  fromAttribute: (value) => value,
};

interface RecordWrite {
  readonly record: TokenRecord;
  /** What has to be the newest now; undefined where that does not matter. */
  readonly replaces: TokenRecord | undefined;
}

interface Stored {
  readonly place: Place;
  readonly handle: Handle;
  readonly record: TokenRecord;
}

/**
 * The newest record of that name; what crashes left beside it is destroyed on the way. `confirmAbsent` runs before
 * `undefined` is said, and throws when the token merely cannot be seen. Faults `record-malformed` if any object of that name
 * is damaged, `record-duplicate` if two of the same version differ: nobody here may choose between them.
 */
export function readRecord(
  api: Api,
  session: Session,
  name: string,
  confirmAbsent: () => void,
): TokenRecord | undefined {
  checkRecordName(name);
  const stored = readAll(api, session, name);
  if (stored.length === 0) confirmAbsent();
  destroyLeftovers(api, session, stored);
  return stored[0]?.record;
}

/** Writes the record and reads it back. See the port for faults and what may be repeated. */
export function writeRecord(
  api: Api,
  session: Session,
  name: string,
  { record, replaces }: RecordWrite,
  confirmAbsent: () => void,
): void {
  const bytes = encodeRecord(name, record);
  const isRecord = (one: Stored | undefined, wanted: TokenRecord) =>
    one !== undefined && encodeRecord(name, one.record).equals(encodeRecord(name, wanted));
  // Mostly it is where it was put last, and nothing else need be looked for.
  let stored = replaces === undefined ? [] : readKnown(api, session, name);
  if (replaces === undefined || !isRecord(stored[0], replaces)) {
    stored = readAll(api, session, name);
  }
  if (stored.length === 0) confirmAbsent();
  const [newest] = stored;
  if (replaces !== undefined && !isRecord(newest, replaces) && !isRecord(newest, record)) {
    throw tokenFault('record-changed', 'the record on the token is not the one that was to be replaced', {
      name,
      version: replaces.version.toString(),
      onToken: newest?.record.version.toString() ?? 'none',
    });
  }
  if (newest !== undefined && record.version <= newest.record.version) {
    if (!isRecord(newest, record)) {
      throw tokenFault('record-stale', 'the record on the token is not older than this one', {
        name,
        version: record.version.toString(),
        onToken: newest.record.version.toString(),
      });
    }
    destroyLeftovers(api, session, stored);
    return;
  }
  const older = stored.slice(1).find(({ place }) => place === IN_LABEL);
  const written =
    (older && changeLabel(api, session, older, bytes)) ?? createRecord(api, session, name, bytes);
  if (!readBytes(api, session, written).equals(bytes)) {
    throw tokenFault('record-malformed', 'the token did not keep the record as written', { name });
  }
  const others = stored.filter(({ handle }) => !handle.equals(written.handle));
  destroyLeftovers(api, session, [{ ...written, record }, ...others]);
}

/** The newest stays, and so does the next one in whose label a record can be: the next record goes there. */
function destroyLeftovers(api: Api, session: Session, [newest, ...others]: readonly Stored[]): void {
  const next = newest?.place === IN_LABEL ? others.find(({ place }) => place === IN_LABEL) : undefined;
  for (const leftover of others) {
    if (leftover !== next) api.C_DestroyObject(session.handle, leftover.handle);
  }
}

/** Undefined when this token does not let a label be changed; nothing has changed then. */
function changeLabel(
  api: Api,
  session: Session,
  { place, handle }: Stored,
  bytes: Buffer,
): Omit<Stored, 'record'> | undefined {
  return unlessRefused(() => {
    api.C_SetAttributeValue(session.handle, handle, [
      { type: place.attribute, value: place.toAttribute(bytes) },
    ]);
    return { place, handle };
  });
}

function createRecord(api: Api, session: Session, name: string, bytes: Buffer): Omit<Stored, 'record'> {
  session.records.delete(name);
  const create = (place: Place) => ({
    place,
    handle: api.C_CreateObject(session.handle, [
      ...place.template(name),
      { type: pkcs11js.CKA_TOKEN, value: true },
      { type: pkcs11js.CKA_PRIVATE, value: true },
      { type: pkcs11js.CKA_MODIFIABLE, value: place === IN_LABEL },
      { type: place.attribute, value: place.toAttribute(bytes) },
    ]),
  });
  return unlessRefused(() => create(IN_LABEL)) ?? create(IN_VALUE);
}

/** Undefined where the token says that it does not do such a thing. */
function unlessRefused<T>(work: () => T): T | undefined {
  try {
    return work();
  } catch (error) {
    const returned = returnValueOf(error);
    if (returned === undefined || classify(returned.ckr) !== 'mechanism') throw error;
    return undefined;
  }
}

/**
 * The two that take turns, newest first, where this session knows them; none otherwise. Others that use the token would
 * change the same two: they are read each time, and looked for now and then.
 */
function readKnown(api: Api, session: Session, name: string): Stored[] {
  const known = session.records.get(name);
  if (known === undefined || known.writesLeft <= 0) return [];
  known.writesLeft -= 1;
  return read(
    api,
    session,
    name,
    known.handles.map((handle) => ({ place: IN_LABEL, handle })),
  );
}

/** All of that name, newest first. */
function readAll(api: Api, session: Session, name: string): Stored[] {
  session.records.delete(name);
  const found = [IN_LABEL, IN_VALUE].flatMap((place) =>
    findObjects(api, session, place.template(name), MOST_OBJECTS + 1).map((handle) => ({ place, handle })),
  );
  if (found.length > MOST_OBJECTS) {
    throw tokenFault('record-malformed', 'the token has too many objects of this name', { name });
  }
  const stored = read(api, session, name, found);
  if (stored.length === 2 && stored.every(({ place }) => place === IN_LABEL)) {
    session.records.set(name, {
      handles: stored.map(({ handle }) => handle),
      writesLeft: WRITES_BEFORE_A_LOOK,
    });
  }
  return stored;
}

function read(api: Api, session: Session, name: string, found: readonly Omit<Stored, 'record'>[]): Stored[] {
  const stored = found.map((one) => ({ ...one, record: decodeRecord(name, readBytes(api, session, one)) }));
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

function readBytes(api: Api, session: Session, { place, handle }: Omit<Stored, 'record'>): Buffer {
  const [attribute] = api.C_GetAttributeValue(session.handle, handle, [{ type: place.attribute }]);
  return place.fromAttribute(attribute?.value ?? Buffer.alloc(0));
}

function dataObject(named: Template[number]): Template {
  return [{ type: pkcs11js.CKA_CLASS, value: pkcs11js.CKO_DATA }, named];
}
