// Shapes of what nodes answer (execution-apis, JSON-RPC). Answers are hostile: what does not fit its schema is
// malformed, and only the fields named here are ever looked at or compared between nodes.

import { z } from 'zod';

/** QUANTITY. Leading zeros are let through: some nodes send them, and they change nothing. */
export const quantity = z
  .string()
  .regex(/^0x[0-9a-fA-F]{1,64}$/)
  .transform((text) => BigInt(text));

/** QUANTITY that fits a number exactly: heights, nonces, times. */
export const smallQuantity = z
  .string()
  .regex(/^0x0*[0-9a-fA-F]{1,13}$/)
  .transform((text) => Number.parseInt(text, 16));

const lowerHex = (text: string) => text.toLowerCase();

export const hash32 = z
  .string()
  .regex(/^0x[0-9a-fA-F]{64}$/)
  .transform(lowerHex);

export const addressHex = z
  .string()
  .regex(/^0x[0-9a-fA-F]{40}$/)
  .transform(lowerHex);

const MAX_DATA_CHARS = 2 + 2 * 256 * 1024;

export const dataHex = z
  .string()
  .max(MAX_DATA_CHARS)
  .regex(/^0x(?:[0-9a-fA-F]{2})*$/)
  .transform(lowerHex);

/** One ABI word. */
export const word = z
  .string()
  .regex(/^0x[0-9a-fA-F]{64}$/)
  .transform((text) => BigInt(text));

/** Only chains with EIP-1559: a block without a base fee is malformed. Timestamp in seconds. */
export const block = z.object({
  number: smallQuantity,
  hash: hash32,
  timestamp: smallQuantity,
  baseFeePerGas: quantity,
});
export type Block = z.output<typeof block>;

export const blockOrNone = block.nullable();

/** Enough of a block with whole transactions to find out who used a nonce. */
export const blockOfTransactions = z
  .object({
    hash: hash32,
    transactions: z.array(z.object({ hash: hash32, from: addressHex, nonce: smallQuantity })).max(20_000),
  })
  .nullable();

export const log = z.object({
  address: addressHex,
  topics: z.array(hash32).max(4),
  data: dataHex,
});
export type Log = z.output<typeof log>;

export const receipt = z.object({
  transactionHash: hash32,
  blockHash: hash32,
  blockNumber: smallQuantity,
  status: z.enum(['0x0', '0x1']),
  gasUsed: quantity,
  effectiveGasPrice: quantity,
  logs: z.array(log).max(10_000),
});
export type Receipt = z.output<typeof receipt>;

export const receiptOrNone = receipt.nullable();

export const transactionOrNone = z.object({ hash: hash32 }).nullable();

/** A JSON-RPC 2.0 response; `error` wins when a node sends both. */
export const rpcResponse = z.object({
  id: z.union([z.string(), z.number(), z.null()]),
  result: z.unknown().optional(),
  error: z
    .object({ code: z.number(), message: z.string() })
    .nullish()
    .transform((error) => error ?? undefined),
});
