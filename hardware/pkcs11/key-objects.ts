// Keys on a token: finding one by its name, describing it, making one, signing with it. Works on a session that the
// caller owns for the time; opens none, recovers nothing.
//
// A public key that is read here is what the token says it is. Whoever relies on it lets the key sign something and
// verifies that (the signer's self-check does).

import { randomBytes } from 'node:crypto';
import pkcs11js, { type Handle, type Template } from 'pkcs11js';
import type { KeyCurve, KeyDescription, KeyReference, TokenFaultCode } from '../key-signer.js';
import { asTokenFault, isReturnValue } from './cryptoki-errors.js';
import type { KeyHandle, Session } from './session-pool.js';
import { tokenFault } from './token-fault.js';
import { checkDigest, checkMessage, checkReference } from './token-inputs.js';

type Api = pkcs11js.PKCS11;

/** PKCS#11 v3.1 §6.3.2: what the binding has no name for. */
const CKK_EC_EDWARDS = 0x40;
const CKM_EC_EDWARDS_KEY_PAIR_GEN = 0x1055;
const CKM_EDDSA = 0x1057;

/**
 * CKA_EC_PARAMS: the curve's object identifier, DER. SEC 2 §A.2 (secp256k1 1.3.132.0.10, P-256 1.2.840.10045.3.1.7),
 * RFC 8410 §3 (Ed25519 1.3.101.112).
 */
const CURVE_OIDS: Readonly<Record<KeyCurve, string>> = {
  secp256k1: '06052b8104000a',
  p256: '06082a8648ce3d030107',
  ed25519: '06032b6570',
};
/** The other spelling of Ed25519 in CKA_EC_PARAMS: PrintableString "edwards25519", DER. PKCS#11 v3.1 §6.3.5. */
const EDWARDS25519_BY_NAME = '130c656477617264733235353139';
const SIGNATURE_BYTES = 64;
const POINT_BYTES = 65;
const EDWARDS_POINT_BYTES = 32;
/** CKA_ALWAYS_AUTHENTICATE; PKCS#11 v3.1 §4.9. */
const ALWAYS_AUTHENTICATE = pkcs11js.CKA_ALWAYS_AUTHENTICATE;
/** Far above what any wallet set needs; keeps a caller that invents names from growing the cache. */
const MOST_CACHED_KEYS = 4096;

/**
 * At most `limit` objects that match. C_FindObjects may hand out fewer at a time than it was asked for, so it is asked
 * until it has none left (v3.1 §5.7.8).
 */
export function findObjects(api: Api, session: Session, template: Template, limit: number): Handle[] {
  const found: Handle[] = [];
  api.C_FindObjectsInit(session.handle, template);
  try {
    while (found.length < limit) {
      const more = api.C_FindObjects(session.handle, limit - found.length);
      if (more.length === 0) break;
      found.push(...more);
    }
  } finally {
    api.C_FindObjectsFinal(session.handle);
  }
  return found;
}

function nameTemplate(objectClass: number, key: KeyReference): Template {
  return [
    { type: pkcs11js.CKA_CLASS, value: objectClass },
    { type: pkcs11js.CKA_LABEL, value: Buffer.from(key.label, 'utf8') },
    ...(key.id === undefined ? [] : [{ type: pkcs11js.CKA_ID, value: Buffer.from(key.id, 'hex') }]),
  ];
}

/**
 * The one private key of that name; found once per session. `confirmAbsent` runs before `key-missing` is said, and
 * throws when the token merely cannot be seen (a logged-out token shows no private objects and reports no error).
 */
export function findPrivateKey(
  api: Api,
  session: Session,
  key: KeyReference,
  confirmAbsent: () => void,
): KeyHandle {
  const name = `${key.id ?? ''}/${key.label}`;
  const known = session.keys.get(name);
  if (known !== undefined) return known;
  checkReference(key);
  const [handle, second] = findObjects(api, session, nameTemplate(pkcs11js.CKO_PRIVATE_KEY, key), 2);
  if (handle === undefined) {
    confirmAbsent();
    throw tokenFault('key-missing', 'the token has no private key of this name', nameFacts(key));
  }
  if (second !== undefined) {
    throw tokenFault('key-duplicate', 'the token has several private keys of this name', nameFacts(key));
  }
  const found = {
    handle,
    type: decodeKeyType(readAttribute(api, session, handle, pkcs11js.CKA_KEY_TYPE)),
    authenticateAlways: readFlag(api, session, handle, ALWAYS_AUTHENTICATE),
  };
  if (session.keys.size >= MOST_CACHED_KEYS) session.keys.clear();
  session.keys.set(name, found);
  return found;
}

export interface Signing {
  /** Instead of one of Node.js's other threads. */
  readonly inThisThread: boolean;
  /** Logs in for this one use, where the key wants that. */
  readonly authenticate: () => Promise<void>;
}

/** CKM_ECDSA over 32 bytes: r || s. Faults `mechanism` for a key of another type, which the token is not asked to use. */
export async function signDigestWith(
  api: Api,
  session: Session,
  key: KeyHandle,
  digest: Uint8Array,
  signing: Signing,
): Promise<Uint8Array> {
  checkDigest(digest);
  requireType(key, pkcs11js.CKK_EC);
  session.digest.set(digest);
  return await signWith(api, session, key, {
    mechanism: pkcs11js.CKM_ECDSA,
    input: session.digest,
    ...signing,
  });
}

/** CKM_EDDSA over 1 to 4,096 bytes: R || S. Faults `mechanism` for a key of another type, which the token is not asked to use. */
export async function signMessageWith(
  api: Api,
  session: Session,
  key: KeyHandle,
  message: Uint8Array,
  signing: Signing,
): Promise<Uint8Array> {
  checkMessage(message);
  requireType(key, CKK_EC_EDWARDS);
  session.message.set(message);
  const input = session.message.subarray(0, message.length);
  return await signWith(api, session, key, { mechanism: CKM_EDDSA, input, ...signing });
}

/** Some tokens begin to sign with whatever key they are given, and fail in the middle or answer with nonsense. */
function requireType(key: KeyHandle, type: number): void {
  if (key.type === type) return;
  throw tokenFault('mechanism', 'a key of this type does not sign so', { keyType: key.type ?? 'unknown' });
}

async function signWith(
  api: Api,
  session: Session,
  key: KeyHandle,
  {
    mechanism,
    input,
    inThisThread,
    authenticate,
  }: Signing & { readonly mechanism: number; readonly input: Buffer },
): Promise<Uint8Array> {
  api.C_SignInit(session.handle, { mechanism }, key.handle);
  if (key.authenticateAlways) await authenticate();
  const signature = inThisThread
    ? api.C_Sign(session.handle, input, session.signature)
    : await api.C_SignAsync(session.handle, input, session.signature);
  if (signature.length !== SIGNATURE_BYTES) {
    throw tokenFault('mechanism', 'the token answered with a signature of another length', {
      length: signature.length,
    });
  }
  return Uint8Array.from(signature);
}

/** Everything the port tells about a key. Faults `key-missing`, `key-duplicate`, `mechanism` (another curve or type). */
export function describePrivateKey(
  api: Api,
  session: Session,
  key: KeyReference,
  confirmAbsent: () => void,
): KeyDescription {
  const { handle } = findPrivateKey(api, session, key, confirmAbsent);
  const id = (readAttribute(api, session, handle, pkcs11js.CKA_ID) ?? Buffer.alloc(0)).toString('hex');
  const flag = (type: number) => readFlag(api, session, handle, type);
  const publicHandle = findPublicKey(api, session, { label: key.label, id });
  const pointHolders = publicHandle === undefined ? [handle] : [publicHandle, handle];
  const read = (type: number) =>
    pointHolders.map((holder) => readAttribute(api, session, holder, type)).find((value) => value?.length);
  const curve = decodeCurve(read(pkcs11js.CKA_EC_PARAMS));
  return {
    label: key.label,
    id,
    curve,
    publicKey: decodePoint(read(pkcs11js.CKA_EC_POINT), curve).toString('hex'),
    unextractable:
      flag(pkcs11js.CKA_SENSITIVE) && !readFlag(api, session, handle, pkcs11js.CKA_EXTRACTABLE, true),
    bornInToken:
      flag(pkcs11js.CKA_ALWAYS_SENSITIVE) && flag(pkcs11js.CKA_NEVER_EXTRACTABLE) && flag(pkcs11js.CKA_LOCAL),
  };
}

/** One private key as a token lists it; `fault` instead of a description for one that cannot be used here. */
export interface ListedKey {
  readonly label: string;
  readonly id: string;
  readonly key?: KeyDescription;
  readonly fault?: TokenFaultCode;
}

/** Far more than a token of ours ever holds. */
const MOST_LISTED_KEYS = 1_000;

/** All private keys that the logged-in user sees, at most 1,000; also those of other types, and several of one name. */
export function listPrivateKeys(api: Api, session: Session, confirmVisible: () => void): ListedKey[] {
  confirmVisible();
  const everyKey: Template = [{ type: pkcs11js.CKA_CLASS, value: pkcs11js.CKO_PRIVATE_KEY }];
  return findObjects(api, session, everyKey, MOST_LISTED_KEYS).map((handle) => {
    const text = (type: number, encoding: 'utf8' | 'hex') =>
      (readAttribute(api, session, handle, type) ?? Buffer.alloc(0)).toString(encoding);
    const label = text(pkcs11js.CKA_LABEL, 'utf8');
    const id = text(pkcs11js.CKA_ID, 'hex');
    try {
      const name = id === '' ? { label } : { label, id };
      return { label, id, key: describePrivateKey(api, session, name, confirmVisible) };
    } catch (error) {
      const fault = asTokenFault(error, 'C_GetAttributeValue');
      if (!ABOUT_ONE_KEY.includes(fault.code)) throw fault;
      return { label, id, fault: fault.code };
    }
  });
}

const ABOUT_ONE_KEY: readonly TokenFaultCode[] = ['key-missing', 'key-duplicate', 'mechanism'];

/** A pair shares its CKA_ID; only where there is none does the label have to do. */
function findPublicKey(api: Api, session: Session, key: Required<KeyReference>): Handle | undefined {
  const template: Template =
    key.id === ''
      ? nameTemplate(pkcs11js.CKO_PUBLIC_KEY, { label: key.label })
      : [
          { type: pkcs11js.CKA_CLASS, value: pkcs11js.CKO_PUBLIC_KEY },
          { type: pkcs11js.CKA_ID, value: Buffer.from(key.id, 'hex') },
        ];
  const [handle, second] = findObjects(api, session, template, 2);
  if (second !== undefined) {
    throw tokenFault('key-duplicate', 'the token has several public keys of this name', nameFacts(key));
  }
  return handle;
}

/** Makes the pair. The caller has made sure that the token can be seen (`confirmAbsent`) and holds a writable session. */
export async function generatePrivateKey(
  api: Api,
  session: Session,
  label: string,
  curve: KeyCurve,
  confirmAbsent: () => void,
): Promise<KeyDescription> {
  checkReference({ label });
  for (const objectClass of [pkcs11js.CKO_PRIVATE_KEY, pkcs11js.CKO_PUBLIC_KEY]) {
    if (findObjects(api, session, nameTemplate(objectClass, { label }), 1).length > 0) {
      throw tokenFault('key-duplicate', 'this label is taken', { label });
    }
  }
  confirmAbsent();
  const id = randomBytes(16);
  const shared: Template = [
    { type: pkcs11js.CKA_TOKEN, value: true },
    { type: pkcs11js.CKA_LABEL, value: Buffer.from(label, 'utf8') },
    { type: pkcs11js.CKA_ID, value: id },
  ];
  await api.C_GenerateKeyPairAsync(
    session.handle,
    { mechanism: curve === 'ed25519' ? CKM_EC_EDWARDS_KEY_PAIR_GEN : pkcs11js.CKM_EC_KEY_PAIR_GEN },
    [
      ...shared,
      { type: pkcs11js.CKA_PRIVATE, value: false },
      { type: pkcs11js.CKA_VERIFY, value: true },
      { type: pkcs11js.CKA_EC_PARAMS, value: Buffer.from(CURVE_OIDS[curve], 'hex') },
    ],
    [
      ...shared,
      { type: pkcs11js.CKA_PRIVATE, value: true },
      { type: pkcs11js.CKA_SENSITIVE, value: true },
      { type: pkcs11js.CKA_EXTRACTABLE, value: false },
      { type: pkcs11js.CKA_SIGN, value: true },
      // Tokens differ in what they allow unless told otherwise, and some allow everything.
      { type: pkcs11js.CKA_SIGN_RECOVER, value: false },
      { type: pkcs11js.CKA_DECRYPT, value: false },
      { type: pkcs11js.CKA_UNWRAP, value: false },
      { type: pkcs11js.CKA_DERIVE, value: false },
    ],
  );
  return describePrivateKey(api, session, { label, id: id.toString('hex') }, confirmAbsent);
}

/** The curve that CKA_EC_PARAMS names. Input is the token's. Faults `mechanism` for any other curve or form. */
export function decodeCurve(parameters: Buffer | undefined): KeyCurve {
  const oid = parameters?.toString('hex');
  if (oid === CURVE_OIDS.secp256k1) return 'secp256k1';
  if (oid === CURVE_OIDS.p256) return 'p256';
  if (oid === CURVE_OIDS.ed25519 || oid === EDWARDS25519_BY_NAME) return 'ed25519';
  throw tokenFault('mechanism', 'the key is on a curve that is not used here', {
    parameters: oid?.slice(0, 64) ?? 'none',
  });
}

/**
 * CKA_EC_POINT as the 65 bytes of SEC 1 §2.3.3, uncompressed; for Ed25519 as the 32 bytes of RFC 8032 §5.1.5. The
 * standard wants the first wrapped in a DER OCTET STRING (v3.1 §6.3.3) and the second bare (§6.3.5); tokens that do
 * it the other way round exist of both. Faults `mechanism` for anything else.
 */
export function decodePoint(value: Buffer | undefined, curve: KeyCurve): Buffer {
  const bytes = curve === 'ed25519' ? EDWARDS_POINT_BYTES : POINT_BYTES;
  const wrapped = value?.length === bytes + 2 && value[0] === 0x04 && value[1] === bytes;
  const point = wrapped ? value.subarray(2) : value;
  if (point?.length !== bytes || (curve !== 'ed25519' && point[0] !== 0x04)) {
    throw tokenFault('mechanism', 'the token gives no public point of the usual form for this key', {
      length: value?.length ?? 0,
    });
  }
  return point;
}

/** CKA_KEY_TYPE: a CK_ULONG of the library's machine, four or eight bytes, least significant first on all that run this. */
export function decodeKeyType(value: Buffer | undefined): number | undefined {
  return value?.length === 4 || value?.length === 8 ? value.readUInt32LE() : undefined;
}

/** One attribute; `undefined` when the token does not have it or does not show it. */
function readAttribute(api: Api, session: Session, object: Handle, type: number): Buffer | undefined {
  try {
    return api.C_GetAttributeValue(session.handle, object, [{ type }])[0]?.value;
  } catch (error) {
    const unknown =
      isReturnValue(error, pkcs11js.CKR_ATTRIBUTE_TYPE_INVALID) ||
      isReturnValue(error, pkcs11js.CKR_ATTRIBUTE_SENSITIVE);
    if (!unknown) throw error;
    return undefined;
  }
}

function readFlag(api: Api, session: Session, object: Handle, type: number, absent = false): boolean {
  const value = readAttribute(api, session, object, type);
  return value === undefined || value.length === 0 ? absent : value.some((byte) => byte !== 0);
}

function nameFacts(key: KeyReference) {
  return { label: key.label, ...(key.id === undefined ? {} : { id: key.id }) };
}
