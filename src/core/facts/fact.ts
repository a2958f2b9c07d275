// A fact: something about the world that no transaction's bytes say (a price, the result of a screening, a block), as a
// program that watches it has signed it. Shapes only: whether a fact is to be believed is verify.ts, and the bytes that are
// signed are fact-bytes.ts.

import { z } from 'zod';
import { isPrice } from '../money/fiat.js';
import {
  baseUnits,
  chainId,
  destination,
  identifier,
  sha256Hex,
  signature64,
  timestampMs,
  wholeNumber,
} from '../statements/fields.js';
import { transferId } from '../statements/request.js';

export const FACT_TYPE = 'portcullis/fact/v1';

/** Currencies in which a price can be. */
export const currency = z.enum(['USD', 'EUR']);
export type Currency = z.infer<typeof currency>;

/** `native`, or the contract of a token in lower case: the one spelling, since it is part of what a fact is about. */
export const factContract = z.union([z.literal('native'), z.string().regex(/^0x[0-9a-f]{40}$/)]);

export const screeningResult = z.enum(['clear', 'flagged', 'blocked']);
export type ScreeningResult = z.infer<typeof screeningResult>;

const block = z.strictObject({ height: wholeNumber(0), hash: sha256Hex });

/** Bitcoin's older addresses: in Base58 an upper-case letter is another one. No address of another kind begins so. */
const BASE58_ADDRESS = /^[123mn][1-9A-HJ-NP-Za-km-z]{25,34}$/;

/** An address in the one spelling that facts have for it: as it stands in Base58, and in lower case otherwise. */
export function spelledForFacts(address: string): string {
  return BASE58_ADDRESS.test(address) ? address : address.toLowerCase();
}

const address = destination.refine(
  (text) => text === spelledForFacts(text),
  'an address is in lower case, but in Base58',
);
const contract = z.string().regex(/^0x[0-9a-f]{40}$/);

/** What a fact says. A later kind is a new member; an unknown one is refused. */
export const factContent = z.discriminatedUnion('kind', [
  /** For one whole unit of the asset (1 BTC, 1 USDX), from so many sources that agreed. */
  z.strictObject({
    kind: z.literal('price'),
    chain: chainId,
    contract: factContract,
    currency,
    price: z.string().refine(isPrice, 'not a plain decimal number above 0'),
    sources: wholeNumber(1, 64),
  }),
  /** Of an address that money would go to; where a transfer is named, it is for that one alone. */
  z.strictObject({
    kind: z.literal('screening'),
    chain: chainId,
    address,
    transferId: transferId.exactOptional(),
    result: screeningResult,
    /** 0 is none, 100 is the most. */
    riskScore: wholeNumber(0, 100),
  }),
  /** What a wallet holds of one asset, in its base units. */
  z.strictObject({
    kind: z.literal('balance'),
    wallet: identifier,
    chain: chainId,
    contract: factContract,
    amount: baseUnits,
  }),
  /** How much of all that is held of an asset lies in hot wallets, in hundredths of a percent. */
  z.strictObject({
    kind: z.literal('hot-share'),
    chain: chainId,
    contract: factContract,
    basisPoints: wholeNumber(0, 10_000),
  }),
  z.strictObject({
    kind: z.literal('block-header'),
    chain: chainId,
    ...block.shape,
    previous: sha256Hex,
    /** Root of the state trie; null where a chain has none. */
    stateRoot: sha256Hex.nullable(),
    minedAtMs: timestampMs,
  }),
  /** keccak256 of the code at an address, proved against the state root of a block. */
  z.strictObject({ kind: z.literal('code'), chain: chainId, contract, codeHash: sha256Hex, block }),
  /** One word of a contract's storage, proved in the same way. */
  z.strictObject({
    kind: z.literal('storage'),
    chain: chainId,
    contract,
    slot: sha256Hex,
    value: sha256Hex,
    block,
  }),
  /** How deep a transaction lies; 0 while it is in no block. */
  z.strictObject({
    kind: z.literal('confirmations'),
    chain: chainId,
    transactionId: sha256Hex,
    confirmations: wholeNumber(0),
    /** The newest block that counts. */
    block,
  }),
]);
export type FactContent = z.infer<typeof factContent>;
export type FactKind = FactContent['kind'];
export type ContentOf<Kind extends FactKind> = Extract<FactContent, { readonly kind: Kind }>;

export const factKind = z.enum([
  'price',
  'screening',
  'balance',
  'hot-share',
  'block-header',
  'code',
  'storage',
  'confirmations',
]) satisfies z.ZodType<FactKind>;

/** Frozen once parsed. */
export const factStatement = z
  .strictObject({
    type: z.literal(FACT_TYPE),
    /** The deployment that it is for; from its genesis. */
    deploymentId: sha256Hex,
    /** The registered fact key that signs it. */
    keyId: identifier,
    /** Never decreases among the facts of one key about one subject. */
    sequence: wholeNumber(1),
    observedAtMs: timestampMs,
    content: factContent.readonly(),
  })
  .readonly();
export type FactStatement = z.infer<typeof factStatement>;

export const signedFact = z.strictObject({ statement: factStatement, signature: signature64 });
export type SignedFact = z.infer<typeof signedFact>;

/** The most that an order carries: two prices and two screenings for each transfer of a large batch. */
export const MAX_FACTS = 512;

/** What a fact can be about, as it is asked for. */
const factSubject = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('price'), chain: chainId, contract: factContract, currency }),
  z.strictObject({ kind: z.literal('screening'), chain: chainId, address }),
  z.strictObject({
    kind: z.literal('balance'),
    wallet: identifier,
    chain: chainId,
    contract: factContract,
  }),
  z.strictObject({ kind: z.literal('hot-share'), chain: chainId, contract: factContract }),
  z.strictObject({ kind: z.literal('block-header'), chain: chainId }),
  z.strictObject({ kind: z.literal('code'), chain: chainId, contract }),
  z.strictObject({ kind: z.literal('storage'), chain: chainId, contract, slot: sha256Hex }),
  z.strictObject({ kind: z.literal('confirmations'), chain: chainId, transactionId: sha256Hex }),
]);
export type FactSubject = z.infer<typeof factSubject>;

/** What stands behind the kind in a subject's text, in this order. */
const PARTS: Readonly<Record<FactKind, readonly string[]>> = {
  price: ['chain', 'contract', 'currency'],
  screening: ['chain', 'address'],
  balance: ['wallet', 'chain', 'contract'],
  'hot-share': ['chain', 'contract'],
  'block-header': ['chain'],
  code: ['chain', 'contract'],
  storage: ['chain', 'contract', 'slot'],
  confirmations: ['chain', 'transactionId'],
};

/** What a fact is about, as one text: `price/eip155:1/native/USD`. No part of it holds a slash. */
export function subjectOf(about: FactSubject): string {
  switch (about.kind) {
    case 'price':
      return `price/${about.chain}/${about.contract}/${about.currency}`;
    case 'screening':
      return `screening/${about.chain}/${about.address}`;
    case 'balance':
      return `balance/${about.wallet}/${about.chain}/${about.contract}`;
    case 'hot-share':
      return `hot-share/${about.chain}/${about.contract}`;
    case 'block-header':
      return `block-header/${about.chain}`;
    case 'code':
      return `code/${about.chain}/${about.contract}`;
    case 'storage':
      return `storage/${about.chain}/${about.contract}/${about.slot}`;
    case 'confirmations':
      return `confirmations/${about.chain}/${about.transactionId}`;
  }
}

const MAX_SUBJECT_CHARACTERS = 320;

/** The subject that a text names; undefined when it names none. Hostile input. */
export function parseSubject(text: string): FactSubject | undefined {
  if (text.length > MAX_SUBJECT_CHARACTERS) return undefined;
  const [first, ...rest] = text.split('/');
  const kind = factKind.safeParse(first);
  if (!kind.success || rest.length !== PARTS[kind.data].length) return undefined;
  const named = PARTS[kind.data].map((name, index) => [name, rest[index]]);
  return factSubject.safeParse({ kind: kind.data, ...Object.fromEntries(named) }).data;
}
