// The watcher's section of the configuration: whose facts it signs, with which key, where it answers, and where what it says
// comes from. No secret stands in it: keys and passwords are in files.

import { z } from 'zod';
import { currency, factContract, screeningResult } from '../core/facts/fact.js';
import { chainId, evmAddress, identifier, sha256Hex } from '../core/statements/fields.js';

const path = z.string().min(1).max(4_096);
const url = z
  .url({ protocol: /^https?$/, error: 'an address like https://prices.example/btc' })
  .max(2_048)
  .refine((text) => {
    const parsed = URL.parse(text);
    return parsed !== null && parsed.username === '' && parsed.password === '';
  }, 'user and password do not belong into an address');

/** RFC 6901. */
const pointer = z
  .string()
  .max(512)
  .regex(/^(?:\/[^/]*)*$/, 'a JSON Pointer like /data/0/price');

/** Where one JSON document comes from. */
const place = z.union(
  [
    z.strictObject({
      url,
      /** A file whose first line is the value of the Authorization header. */
      authorizationFile: path.exactOptional(),
    }),
    z.strictObject({ file: path }),
  ],
  'a source has a url or a file',
);
export type Place = z.infer<typeof place>;

const bitcoinNode = z.strictObject({
  url,
  /** A file with `user:password`, as Bitcoin Core writes it to .cookie. */
  loginFile: path.exactOptional(),
});
export type BitcoinNode = z.infer<typeof bitcoinNode>;
const ethereumNode = z.strictObject({ url });

const basisPoints = z.int().min(1).max(10_000);
const timeMs = (least: number, most: number, usual: number) => z.int().min(least).max(most).default(usual);

export const priceConfig = z.strictObject({
  chain: chainId,
  contract: factContract.default('native'),
  currency: currency.default('USD'),
  sources: z
    .array(z.strictObject({ name: identifier, place, pointer }))
    .min(1)
    .max(16),
  /** With fewer that answer, no price is signed. */
  leastSources: z.int().min(1).max(16),
  /** How far the highest may lie above the lowest, in hundredths of a percent; beyond it no price is signed. */
  maxSpreadBasisPoints: basisPoints,
});
export type PriceConfig = z.infer<typeof priceConfig>;

const verdict = z.strictObject({ result: screeningResult, riskScore: z.int().min(0).max(100) });
export type Verdict = z.infer<typeof verdict>;

export const screeningConfig = z.union(
  [
    z.strictObject({
      kind: z.literal('http'),
      chains: z.array(chainId).min(1).max(16),
      /** With {chain} and {address} in it. */
      url: z
        .string()
        .max(2_048)
        .regex(/^https?:\/\/[^{}]*(?:\{(?:chain|address)\}[^{}]*)*$/, 'an address with {chain} and {address}')
        .refine((text) => text.includes('{address}'), 'an address with {address} in it'),
      authorizationFile: path.exactOptional(),
      resultPointer: pointer,
      riskPointer: pointer,
    }),
    z.strictObject({
      kind: z.literal('list'),
      chains: z.array(chainId).min(1).max(16),
      /** A line each: address, result, risk. Read anew when it changes. */
      file: path,
      /** For every address that is not in it. */
      otherwise: verdict,
    }),
  ],
  'a screening is of kind http or list',
);
export type ScreeningConfig = z.infer<typeof screeningConfig>;

/** A number that somebody else counts: a balance in base units, a share in hundredths of a percent. */
export const numberConfig = z.union(
  [
    z.strictObject({
      kind: z.literal('balance'),
      wallet: identifier,
      chain: chainId,
      contract: factContract.default('native'),
      place,
      pointer,
    }),
    z.strictObject({
      kind: z.literal('hot-share'),
      chain: chainId,
      contract: factContract.default('native'),
      place,
      pointer,
    }),
  ],
  'kind is balance or hot-share',
);
export type NumberConfig = z.infer<typeof numberConfig>;

export const watcherConfig = z.strictObject({
  /** Hash of the genesis entry. */
  deploymentId: sha256Hex,
  key: z.strictObject({
    /** As governance registers it. */
    keyId: identifier,
    /** PEM, mode 0600. */
    file: path,
  }),
  /** What was the last number of a fact; made by `watcher init`, and never made anew silently. */
  sequenceFile: path,
  listen: z
    .strictObject({
      host: z.string().min(1).max(255).default('127.0.0.1'),
      port: z.int().min(0).max(65_535).default(7440),
    })
    .prefault({}),
  /** Requests of one address: so many a minute, and so many at once. */
  pace: z
    .strictObject({
      perMinute: z.int().min(1).max(100_000).default(1_200),
      burst: z.int().min(1).max(10_000).default(200),
    })
    .prefault({}),
  /** A fact is given again for this long before it is looked at anew. */
  keepMs: timeMs(0, 60_000, 5_000),
  /** For one answer of one source. */
  timeoutMs: timeMs(100, 60_000, 5_000),
  prices: z.array(priceConfig).max(256).default([]),
  screenings: z.array(screeningConfig).max(16).default([]),
  numbers: z.array(numberConfig).max(256).default([]),
  chains: z
    .strictObject({
      bitcoin: z.record(chainId, bitcoinNode).default({}),
      ethereum: z
        .record(
          chainId,
          ethereumNode.extend({
            /** Contracts whose code and storage it may be asked for. */
            contracts: z.array(evmAddress).max(256).default([]),
          }),
        )
        .default({}),
    })
    .prefault({}),
});
export type WatcherConfig = z.infer<typeof watcherConfig>;
