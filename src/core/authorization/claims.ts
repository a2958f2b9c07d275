// Which signatures an order brings, so that whoever judges many orders can have them looked at side by side before each is
// judged in its turn. It judges nothing: an order is judged by authorize.ts, which asks about each signature itself.

import { hexToBytes } from '@noble/hashes/utils.js';
import type { SignedFact } from '../facts/fact.js';
import { factBytes } from '../facts/fact-bytes.js';
import { signatureClaim } from '../governance/signature-claim.js';
import { type GovernanceState, holderOf } from '../governance/state.js';
import { approvalBytes } from '../statements/approval.js';
import { requestBytes } from '../statements/request.js';
import type { SignatureClaim } from '../statements/signature.js';
import type { OrderedTransfer, SigningOrder } from './signing-order.js';

/** What an honest order comes with, and more; somebody else's heap of them is not worth looking at ahead. */
const MOST_CLAIMS = 64;

function* claimsOf({ request, statement, approvals }: OrderedTransfer, state: GovernanceState) {
  const key = state.requestKeys.get(request.statement.keyId);
  if (key) yield claim('ed25519', key.publicKey, requestBytes(request.statement), request.signature);
  if (!statement) return;
  for (const { credentialId, verdict, signature, follows } of approvals) {
    const holder = holderOf(state, credentialId);
    const claimed =
      holder && signatureClaim(holder.credential, approvalBytes(verdict, statement, follows), signature);
    if (claimed) yield claimed;
  }
}

function* claimsOfFacts(facts: readonly SignedFact[], state: GovernanceState) {
  for (const { statement, signature } of facts) {
    const key = state.factKeys.get(statement.keyId);
    if (key) yield claim('ed25519', key.publicKey, factBytes(statement), signature);
  }
}

function* claimsOfOrder({ transfers, facts = [] }: SigningOrder, state: GovernanceState) {
  for (const transfer of transfers) yield* claimsOf(transfer, state);
  yield* claimsOfFacts(facts, state);
}

function claim(
  kind: SignatureClaim['kind'],
  publicKey: string,
  message: Uint8Array,
  signature: string,
): SignatureClaim {
  return { kind, publicKey: hexToBytes(publicKey), message, signature: hexToBytes(signature) };
}

/** The first signatures of an order whose keys governance knows, none of them looked at. The order is hostile. */
export function signatureClaims(order: SigningOrder, state: GovernanceState): SignatureClaim[] {
  const claims: SignatureClaim[] = [];
  for (const one of claimsOfOrder(order, state)) {
    if (claims.length >= MOST_CLAIMS) return claims;
    claims.push(one);
  }
  return claims;
}
