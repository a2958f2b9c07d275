// The field shapes that statements, governance entries and messages share. A schema here is the only way from
// unparsed input to a typed value.

import { z } from 'zod';
import { isBaseUnits } from '../money/amount.js';

/** An id that people or programs choose: short, printable, without anything that a terminal or a path could misread. */
export const identifier = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._:@-]{0,63}$/);

/** A name shown to people: printable ASCII, no leading or trailing blank. */
export const displayName = z.string().regex(/^[\x21-\x7e](?:[\x20-\x7e]{0,62}[\x21-\x7e])?$/);

export const sha256Hex = z.string().regex(/^[0-9a-f]{64}$/);

/** Text that canonical JSON can carry. */
export function printable(most: number) {
  return z
    .string()
    .max(most)
    .regex(/^[\x20-\x7e]*$/);
}

/** Even-length lower-case hex of at most `maxBytes` bytes; `0` bytes only when `minBytes` says so. */
export function hexBytes(minBytes: number, maxBytes: number) {
  return z
    .string()
    .max(maxBytes * 2)
    .min(minBytes * 2)
    .regex(/^(?:[0-9a-f]{2})*$/);
}

/** SEC 1 uncompressed P-256 point. That it is on the curve is checked by whoever verifies with it. */
export const p256PublicKey = z.string().regex(/^04[0-9a-f]{128}$/);

/** SEC 1 compressed secp256k1 point. */
export const secp256k1PublicKey = z.string().regex(/^0[23][0-9a-f]{64}$/);

export const ed25519PublicKey = z.string().regex(/^[0-9a-f]{64}$/);

/** 64 bytes: r || s, or an Ed25519 signature. */
export const signature64 = z.string().regex(/^[0-9a-f]{128}$/);

/**
 * What an officer signs with: r || s, and of a passkey, behind it, authenticatorData and clientDataJSON in base64url. The schema bounds
 * the text; whether it is a signature is a credential's question.
 */
export const officerSignature = z
  .string()
  .max(1_600)
  .regex(/^[0-9a-f]{128}(?:\.[A-Za-z0-9_-]{50}\.[A-Za-z0-9_-]{1,1366})?$/);

/** Base units of an asset as decimal digits. */
export const baseUnits = z.string().max(78).refine(isBaseUnits, 'not a plain decimal number of base units');

/** A whole number in its one spelling: JSON also knows a minus zero, which canonical JSON refuses to write. */
export function wholeNumber(least: number, most = Number.MAX_SAFE_INTEGER) {
  return z
    .int()
    .min(least)
    .max(most)
    .refine((value) => !Object.is(value, -0), 'minus zero');
}

/** Milliseconds since 1970, up to the year 9999. */
export const timestampMs = wholeNumber(0, 253_402_300_799_999);

/**
 * CAIP-2 chain id: `bip122:` and the first 32 hex digits of the genesis block's hash, or `eip155:` and the chain id.
 */
export const chainId = z.string().regex(/^(?:bip122:[0-9a-f]{32}|eip155:[1-9][0-9]{0,15})$/);

/** A domain name in lower case, of two labels or more (RFC 1035 §2.3.1). */
export const domainName = z
  .string()
  .max(253)
  .regex(/^(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z](?:[a-z0-9-]{0,61}[a-z0-9])?$/);

/** `https://` and a domain name, with a port where it is not the usual one. */
export const webOrigin = z
  .string()
  .max(270)
  .regex(
    /^https:\/\/(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z](?:[a-z0-9-]{0,61}[a-z0-9])?(?::(?!443$)[1-9][0-9]{0,4})?$/,
  );

export const evmAddress = z.string().regex(/^0x[0-9a-fA-F]{40}$/);

/**
 * A destination as the requester wrote it: a segwit address in lower case (BIP-173, BIP-350) or an EIP-55 checksummed
 * address. The schema bounds the text; that it is a valid address of the chain is checked by the chain's code.
 */
export const destination = z.string().regex(/^[A-Za-z0-9]{14,90}$/);

/** The asset of a transfer, written out so that whoever signs a statement sees what moves. */
export const asset = z
  .discriminatedUnion('kind', [
    z.strictObject({
      kind: z.literal('native'),
      symbol: z.string().regex(/^[A-Z0-9]{2,12}$/),
      decimals: wholeNumber(0, 30),
    }),
    z.strictObject({
      kind: z.literal('erc20'),
      symbol: z.string().regex(/^[A-Za-z0-9.]{1,12}$/),
      decimals: wholeNumber(0, 30),
      contract: evmAddress,
    }),
  ])
  .readonly();
export type Asset = z.infer<typeof asset>;

/** What a transfer is, as its request says; `core/authorization/kinds.ts` holds it against what the bytes do. */
export const transferKind = z.enum(['withdrawal', 'sweep', 'refill', 'safu-contribution', 'safu-payout']);
export type TransferKind = z.infer<typeof transferKind>;
