// What the signer is asked to sign: transaction bytes, and the signed texts that are to justify them. Hostile until
// authorize.ts has been through it.

import { z } from 'zod';
import { MAX_FACTS, signedFact } from '../facts/fact.js';
import { signedHead } from '../governance/fresh-head.js';
import { approval, MAX_APPROVALS, transferStatement } from '../statements/approval.js';
import { identifier } from '../statements/fields.js';
import { signedRequest } from '../statements/request.js';

const MAX_PSBT_BASE64 = 6 * 1024 * 1024;
const MAX_EVM_HEX = 2 * 1024;

export const unsignedTransaction = z.discriminatedUnion('kind', [
  /** BIP-174, base64 with padding. */
  z.strictObject({
    kind: z.literal('psbt'),
    base64: z
      .string()
      .max(MAX_PSBT_BASE64)
      .regex(/^[A-Za-z0-9+/]+={0,2}$/),
  }),
  /** EIP-2718 type 2 payload without signature, lower-case hex without 0x. */
  z.strictObject({
    kind: z.literal('eip1559'),
    hex: z
      .string()
      .max(MAX_EVM_HEX)
      .regex(/^(?:[0-9a-f]{2})+$/),
  }),
]);
export type UnsignedTransaction = z.infer<typeof unsignedTransaction>;

export const orderedTransfer = z.strictObject({
  request: signedRequest,
  /** What the officers signed; null when the policy asks for no approval. */
  statement: transferStatement.nullable(),
  approvals: z.array(approval).max(MAX_APPROVALS),
});
export type OrderedTransfer = z.infer<typeof orderedTransfer>;

export const signingOrder = z.strictObject({
  wallet: identifier,
  transaction: unsignedTransaction,
  /** The transfers that the transaction pays. None: it cancels an earlier one by paying the wallet itself. */
  transfers: z.array(orderedTransfer).max(200),
  /** What watchers say, for the rules that want to know; left out where there is nothing to say. */
  facts: z.array(signedFact).min(1).max(MAX_FACTS).exactOptional(),
  /** A governor's word about the newest entry of governance, for what is signed unattended. */
  head: signedHead.exactOptional(),
});
export type SigningOrder = z.infer<typeof signingOrder>;
