// The port to a device that holds private keys: a PKCS#11 token. Whoever implements it never hands out a private
// key; what crosses this line are digests and short messages going in, signatures and public keys coming out.
//
// It is NOT a place for policy: a caller that can reach it can have anything signed. In the signer, only the code
// that runs after every check holds a reference to it.

import type { Fault } from '../src/core/fault.js';

/**
 * secp256k1 signs transactions; P-256 signs approvals and attestations; both through CKM_ECDSA on a 32-byte digest
 * (`signDigest`). Ed25519 signs messages as they are, through CKM_EDDSA (`signMessage`).
 */
export type KeyCurve = 'secp256k1' | 'p256' | 'ed25519';

/** How a key is named in configuration: CKA_LABEL, and CKA_ID where the label alone is not unique. */
export interface KeyReference {
  readonly label: string;
  /** CKA_ID, lower-case hex. When given, both must match. */
  readonly id?: string;
}

/** What a token says about one of its keys. Attributes are read from the private key object. */
export interface KeyDescription {
  readonly label: string;
  readonly id: string;
  readonly curve: KeyCurve;
  /**
   * Lower-case hex. secp256k1 and P-256: SEC 1 uncompressed point, 65 bytes. Ed25519: the public key of RFC 8032
   * §5.1.5, 32 bytes. Checked to be on the curve by whoever relies on it.
   */
  readonly publicKey: string;
  /** CKA_SENSITIVE && !CKA_EXTRACTABLE: the token refuses to reveal it. */
  readonly unextractable: boolean;
  /** CKA_ALWAYS_SENSITIVE && CKA_NEVER_EXTRACTABLE && CKA_LOCAL: made in this token and never outside it. */
  readonly bornInToken: boolean;
}

export interface TokenStatus {
  readonly label: string;
  readonly serial: string;
  readonly manufacturer: string;
  readonly model: string;
  readonly firmware: string;
  readonly sessionsOpen: number;
  readonly sessionsWanted: number;
  readonly loggedIn: boolean;
}

/**
 * Why a token did not do what it was asked. Closed.
 * - `session-lost`: CKR_SESSION_HANDLE_INVALID, CKR_SESSION_CLOSED and the like; the adapter re-opens and tries once more before it says so
 * - `token-gone`: removed, not present, or not recognised
 * - `login-failed`: PIN refused, locked, or no PIN to be had; never retried on its own (a token locks itself)
 * - `mechanism`: the token does not do what was asked (mechanism, curve, attribute)
 * - `transient`: busy, out of memory, function failed; may be asked again
 * - `key-missing`, `key-duplicate`: look-up found none, or more than one
 * - `record-duplicate`, `record-too-large`, `record-malformed`: the token's record cannot be trusted or stored
 * - `record-stale`: the record to write is not newer than the one on the token
 * - `record-changed`: the record on the token is not the one that was to be replaced
 * - `deadline`: the token hung and its process was killed, for an operation that is not a signature or a record write;
 *   or the operation waited in line until its deadline and never reached the token
 * - `indeterminate`: the token hung or its process died while a signature or record write was under way: it may have happened
 * - `closed`: the adapter was closed by its owner
 */
export type TokenFaultCode =
  | 'session-lost'
  | 'token-gone'
  | 'login-failed'
  | 'mechanism'
  | 'transient'
  | 'key-missing'
  | 'key-duplicate'
  | 'record-duplicate'
  | 'record-too-large'
  | 'record-malformed'
  | 'record-stale'
  | 'record-changed'
  | 'deadline'
  | 'indeterminate'
  | 'closed';

export type TokenFault = Fault<TokenFaultCode>;

export interface KeySigner {
  status(): Promise<TokenStatus>;

  /** Refuses `key-missing`, `key-duplicate`. */
  describeKey(key: KeyReference): Promise<KeyDescription>;

  /**
   * Makes a key pair inside the token: CKA_TOKEN, CKA_PRIVATE, CKA_SENSITIVE, not CKA_EXTRACTABLE, CKA_SIGN only.
   * Refuses `key-duplicate` when the label is taken, `mechanism` where the token does not have the curve. For
   * ceremonies, never while the token serves. PKCS#11 v3.1 §6.3.9, §6.3.10 (Ed25519).
   */
  generateKey(label: string, curve: KeyCurve): Promise<KeyDescription>;

  /**
   * CKM_ECDSA over a 32-byte digest. Returns r || s, 64 bytes, exactly as the token gave it: s may be high, nothing
   * is verified here. Concurrent calls share the token's sessions. Refuses `mechanism`, before anything is signed, for
   * a key that is not CKK_EC. PKCS#11 v3.1 §6.3.12.
   */
  signDigest(key: KeyReference, digest: Uint8Array): Promise<Uint8Array>;

  /**
   * Pure Ed25519 (RFC 8032 §5.1.6) by CKM_EDDSA without parameters, over the message itself: 1 to 4,096 bytes. Returns
   * R || S, 64 bytes; nothing is verified here. Refuses `mechanism`, before anything is signed, for a key that is not
   * CKK_EC_EDWARDS. PKCS#11 v3.1 §6.3.14.
   */
  signMessage(key: KeyReference, message: Uint8Array): Promise<Uint8Array>;

  /**
   * A small record on the token itself (CKO_DATA object, private, at most 1,024 bytes) by which a rolled-back disk is
   * noticed. `undefined` when there is none. Records carry a version number that only grows; of several
   * objects the newest is read, and what a crash left behind is removed.
   */
  readRecord(name: string): Promise<TokenRecord | undefined>;

  /**
   * Durable on the token when it resolves. `version` must be larger than that of the record it replaces, else
   * `record-stale`; only writing exactly what is already there (version and value) is accepted again, so that a write
   * whose outcome was `transient` or `indeterminate` may simply be repeated. `replaces` says what has to be there now, for
   * whoever has seen it before: anything else, or nothing, is `record-changed` and stays as it is.
   */
  writeRecord(name: string, record: TokenRecord, replaces?: TokenRecord): Promise<void>;

  close(): Promise<void>;
}

export interface TokenRecord {
  readonly version: bigint;
  readonly value: Uint8Array;
}
