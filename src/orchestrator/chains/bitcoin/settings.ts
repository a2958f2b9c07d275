// Settings of one Bitcoin chain: where its nodes are, how deep it can reorganise, what fees are sane. The chain id is
// the key under which the configuration holds them. Nothing here lifts a check: policy and signer have their own caps.

import { z } from 'zod';

/** Satoshi per 1,000 virtual bytes, a decimal string in the file: 1000 is 1 sat/vB. At most 100,000 sat/vB. */
const feeRate = z
  .string()
  .regex(/^[1-9][0-9]{0,8}$/, 'satoshi per 1,000 vbytes, a decimal string')
  .transform((text) => BigInt(text))
  .refine((rate) => rate <= 100_000_000n, 'more than 100,000 sat/vB');

const milliseconds = (minMs: number, maxMs: number, defaultMs: number) =>
  z.int().min(minMs).max(maxMs).default(defaultMs);

export const bitcoinNodeSettings = z
  .strictObject({
    /** `http://127.0.0.1:8332/`. Without user and password: those stand in files of their own. */
    url: z
      .url({ protocol: /^https?$/ })
      .max(512)
      .refine((text) => {
        const { username, password } = new URL(text);
        return username === '' && password === '';
      }, 'credentials do not belong into a URL; use user and passwordFile, or cookieFile'),
    user: z.string().min(1).max(128).optional(),
    /** A file whose first line is the password. Read again when the node answers 401. */
    passwordFile: z.string().min(1).max(1_024).optional(),
    /** Bitcoin Core's `.cookie`: `user:password`, new at each of the node's starts. */
    cookieFile: z.string().min(1).max(1_024).optional(),
  })
  .refine(
    (node) =>
      node.cookieFile === undefined
        ? (node.user === undefined) === (node.passwordFile === undefined)
        : node.user === undefined && node.passwordFile === undefined,
    'either user and passwordFile together, or cookieFile, or none of them',
  );
export type BitcoinNodeSettings = z.infer<typeof bitcoinNodeSettings>;

export const bitcoinSettings = z
  .strictObject({
    /** Asked in this order; the next one only when the one before gives no usable answer. */
    nodes: z.array(bitcoinNodeSettings).min(1).max(8),
    timeoutMs: milliseconds(100, 120_000, 15_000),
    /** How often the scanner looks for new blocks. */
    pollMs: milliseconds(20, 600_000, 5_000),
    /** First block that may pay one of the wallets. Blocks before it are never read. */
    startHeight: z.int().min(0).max(10_000_000).default(0),
    /**
     * Reorganisations of so many blocks are followed, and what they drop is pending again, settled or not; a deeper one
     * stops the scanner until a person has looked.
     */
    reorgDepth: z.int().min(1).max(1_000).default(100),
    /** Confirmations from which a transaction counts as settled, or as lost to a conflicting one. */
    finalConfirmations: z.int().min(1).max(1_000).default(6),
    /**
     * Confirmations that coins paid in by others need before they are spent; as many as for settled unless stated. When
     * such a coin vanishes in a reorganisation, whatever was signed with it can never confirm.
     */
    foreignCoinConfirmations: z.int().min(1).max(1_000).optional(),
    /** Blocks within which a payment should confirm: what the node's estimate is asked for. */
    feeTargetBlocks: z.int().min(1).max(1_008).default(6),
    /** Paid when the node has no estimate, sat/kvB. */
    fallbackFeeRate: feeRate.prefault('5000'),
    /** Never paid more than, whatever the node estimates, sat/kvB. */
    ceilingFeeRate: feeRate.prefault('300000'),
    /** What spending a coin is expected to cost later, sat/kvB: below it, small coins are gathered; above it, spared. */
    longTermFeeRate: feeRate.prefault('10000'),
    /** Transfers in one transaction. */
    maxBatch: z.int().min(1).max(200).default(100),
    maxInputs: z.int().min(1).max(250).default(200),
    /** Own unconfirmed transactions that may hang on each other; 0 spends confirmed coins only. Nodes relay at most 25. */
    maxUnconfirmedChain: z.int().min(0).max(20).default(3),
    /** Blocks that the scanner may lag behind its node before nothing is planned any more. */
    maxLagBlocks: z.int().min(0).max(100).default(1),
  })
  .refine((settings) => settings.fallbackFeeRate <= settings.ceilingFeeRate, {
    path: ['fallbackFeeRate'],
    message: 'above ceilingFeeRate',
  });
export type BitcoinSettings = z.infer<typeof bitcoinSettings>;
