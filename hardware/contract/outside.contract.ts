// What the key signer contract needs beside the port: raw PKCS#11 objects made from outside, and verification by code
// that has nothing to do with the token. Test code; nothing that serves imports it.

import { createHash, createPublicKey, randomBytes, verify } from 'node:crypto';
import { expect } from '@jest/globals';
import pkcs11js, { type Handle, type Template } from 'pkcs11js';
import * as secp256k1 from 'tiny-secp256k1';
import type { KeyDescription, TokenFaultCode } from '../key-signer.js';

/** CKM_EC_EDWARDS_KEY_PAIR_GEN, which the binding has no name for. */
const EDWARDS_KEY_PAIR_GEN = 0x1055;
/** CKA_EC_PARAMS as PrintableString "edwards25519". */
const EDWARDS25519_BY_NAME = Buffer.from('130c656477617264733235353139', 'hex');
/** CKA_EC_PARAMS of secp256k1. */
const SECP256K1 = Buffer.from('06052b8104000a', 'hex');
const COMES_BACK_WITHIN_MS = 10_000;

export function digestOf(message: Uint8Array): Buffer {
  return createHash('sha256').update(message).digest();
}

export function bytesOf(text: string): Uint8Array {
  return Uint8Array.from(Buffer.from(text));
}

export function expectVerified(key: KeyDescription, message: Uint8Array, signature: Uint8Array): void {
  expect(signature.length).toBe(64);
  expect(verifies(key, message, signature)).toBe(true);
}

/** Asks code that has nothing to do with the token: libsecp256k1 and OpenSSL. High s is the token's right. */
export function verifies(key: KeyDescription, message: Uint8Array, signature: Uint8Array): boolean {
  const point = Buffer.from(key.publicKey, 'hex');
  switch (key.curve) {
    case 'secp256k1':
      return secp256k1.verify(digestOf(message), point, signature, false);
    case 'p256': {
      const x = point.subarray(1, 33).toString('base64url');
      const y = point.subarray(33).toString('base64url');
      const publicKey = createPublicKey({ format: 'jwk', key: { kty: 'EC', crv: 'P-256', x, y } });
      return verify('sha256', message, { key: publicKey, dsaEncoding: 'ieee-p1363' }, signature);
    }
    case 'ed25519': {
      const x = point.toString('base64url');
      const publicKey = createPublicKey({ format: 'jwk', key: { kty: 'OKP', crv: 'Ed25519', x } });
      return verify(null, message, publicKey, signature);
    }
  }
}

export async function rejectionOf(promise: Promise<unknown>): Promise<unknown> {
  return await promise.then(
    () => {
      throw new Error('expected a fault, got an answer');
    },
    (fault: unknown) => fault,
  );
}

export async function expectFault(promise: Promise<unknown>, code: TokenFaultCode): Promise<void> {
  await expect(promise).rejects.toMatchObject({ name: 'Fault', code });
}

/** Asks again until it works, as a caller would who is told `token-gone`. */
export async function eventually<T>(ask: () => Promise<T>): Promise<T> {
  const until = performance.now() + COMES_BACK_WITHIN_MS;
  for (;;) {
    try {
      return await ask();
    } catch (error) {
      if (performance.now() > until) throw error;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
}

/** The objects of a record, wherever in them it is. */
export function recordObjects(api: pkcs11js.PKCS11, session: Handle, name: string): Handle[] {
  api.C_FindObjectsInit(session, [
    { type: pkcs11js.CKA_CLASS, value: pkcs11js.CKO_DATA },
    { type: pkcs11js.CKA_APPLICATION, value: name },
  ]);
  const found = api.C_FindObjects(session, 100);
  api.C_FindObjectsFinal(session);
  return [...found, ...find(api, session, pkcs11js.CKO_DATA, name)];
}

export function find(api: pkcs11js.PKCS11, session: Handle, objectClass: number, label: string): Handle[] {
  api.C_FindObjectsInit(session, [
    { type: pkcs11js.CKA_CLASS, value: objectClass },
    { type: pkcs11js.CKA_LABEL, value: label },
  ]);
  const found = api.C_FindObjects(session, 100);
  api.C_FindObjectsFinal(session);
  return found;
}

/** An Ed25519 pair as another program makes it in the token: its curve by name, and the PIN for every signature. */
export function generateEd25519(api: pkcs11js.PKCS11, session: Handle, label: string, id: string): void {
  const shared: Template = [
    { type: pkcs11js.CKA_TOKEN, value: true },
    { type: pkcs11js.CKA_LABEL, value: label },
    { type: pkcs11js.CKA_ID, value: Buffer.from(id, 'hex') },
  ];
  api.C_GenerateKeyPair(
    session,
    { mechanism: EDWARDS_KEY_PAIR_GEN },
    [...shared, { type: pkcs11js.CKA_EC_PARAMS, value: EDWARDS25519_BY_NAME }],
    [
      ...shared,
      { type: pkcs11js.CKA_PRIVATE, value: true },
      { type: pkcs11js.CKA_SENSITIVE, value: true },
      { type: pkcs11js.CKA_EXTRACTABLE, value: false },
      { type: pkcs11js.CKA_SIGN, value: true },
      { type: pkcs11js.CKA_ALWAYS_AUTHENTICATE, value: true },
    ],
  );
}

/** A secp256k1 pair made here and put on the token: what a production wallet's key must not be. */
export function importPrivateKey(
  api: pkcs11js.PKCS11,
  session: Handle,
  label: string,
  id: string,
  { sensitive, authenticateAlways = false }: { sensitive: boolean; authenticateAlways?: boolean },
): void {
  const secret = Buffer.concat([Buffer.from([1]), randomBytes(31)]);
  const point = secp256k1.pointFromScalar(secret, false);
  if (point === null) throw new Error('not a scalar');
  const shared: Template = [
    { type: pkcs11js.CKA_KEY_TYPE, value: pkcs11js.CKK_EC },
    { type: pkcs11js.CKA_TOKEN, value: true },
    { type: pkcs11js.CKA_LABEL, value: label },
    { type: pkcs11js.CKA_ID, value: Buffer.from(id, 'hex') },
    { type: pkcs11js.CKA_EC_PARAMS, value: SECP256K1 },
  ];
  api.C_CreateObject(session, [
    { type: pkcs11js.CKA_CLASS, value: pkcs11js.CKO_PUBLIC_KEY },
    ...shared,
    { type: pkcs11js.CKA_EC_POINT, value: Buffer.concat([Buffer.from([0x04, 65]), point]) },
  ]);
  api.C_CreateObject(session, [
    { type: pkcs11js.CKA_CLASS, value: pkcs11js.CKO_PRIVATE_KEY },
    ...shared,
    { type: pkcs11js.CKA_PRIVATE, value: true },
    { type: pkcs11js.CKA_SENSITIVE, value: sensitive },
    { type: pkcs11js.CKA_EXTRACTABLE, value: !sensitive },
    { type: pkcs11js.CKA_SIGN, value: true },
    { type: pkcs11js.CKA_ALWAYS_AUTHENTICATE, value: authenticateAlways },
    { type: pkcs11js.CKA_VALUE, value: secret },
  ]);
}
