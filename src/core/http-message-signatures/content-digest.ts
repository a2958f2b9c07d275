// The Content-Digest field (RFC 9530), SHA-256 only: what ties a body to the signature that covers the field.

import { sha256 } from '@noble/hashes/sha2.js';
import { bytesToHex } from '@noble/hashes/utils.js';
import { isInnerList, parseDictionary, serializeDictionary } from 'structured-headers';

const MAX_FIELD = 512;

/** The field's value for a body. */
export function contentDigest(body: Uint8Array): string {
  return serializeDictionary(new Map([['sha-256', [sha256(body), new Map()]]]));
}

/**
 * True when the field holds the body's SHA-256. Other algorithms beside it are ignored, and so is their result; without
 * a SHA-256 there is nothing to rely on. Both are hostile.
 */
export function matchesContentDigest(field: string, body: Uint8Array): boolean {
  if (field.length > MAX_FIELD) return false;
  let member: ReturnType<ReturnType<typeof parseDictionary>['get']>;
  try {
    member = parseDictionary(field).get('sha-256');
  } catch {
    // A field that cannot be parsed names no digest.
    return false;
  }
  if (member === undefined || isInnerList(member)) return false;
  const [value] = member;
  if (!(value instanceof ArrayBuffer)) return false;
  return bytesToHex(new Uint8Array(value)) === bytesToHex(sha256(body));
}
