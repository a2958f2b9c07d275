// Transfers that wait because their rule holds them: since when, by time that this signer measured itself. That begins with the
// first order for which nothing else was missing, and is in the journal: no restart and no clock shortens it.

import type { Circumstances } from '../core/authorization/authorize.js';
import type { SigningOrder } from '../core/authorization/signing-order.js';
import { type Refusal, refused } from '../core/fault.js';
import type { GovernanceState } from '../core/governance/state.js';
import { requestDigest, transferIdOf } from '../core/statements/request.js';
import type { Instant } from './signer-clock.js';
import type { SignerStore } from './store.js';

/** Under the policies in force, since they are: what was begun under others, or under the same ones before, does not count. */
export function heldFor(
  { ledger }: Pick<SignerStore, 'ledger'>,
  policies: Pick<GovernanceState, 'policyHash' | 'policiesSince'>,
  { measuredMs }: Instant,
): Circumstances['heldMs'] {
  return (transferId, rule) => {
    const since = ledger.heldSinceMs(transferId, rule, policies);
    return since === undefined ? undefined : measuredMs - since;
  };
}

export type HoldRefusalCode = 'holds-too-many';

const DAY_MS = 24 * 60 * 60 * 1000;
/** So many holds one request key begins in a day of measured time: each is an entry of the journal, and charges no limit. */
export const MOST_HOLDS_A_DAY = 500;

interface HoldStore {
  readonly ledger: Pick<SignerStore['ledger'], 'holdsBegun'>;
  append: SignerStore['append'];
}

/**
 * Begins the hold that a refusal says begins; once for each transfer and rule of the policies in force. What to answer: the
 * refusal as it is, or that this key has begun too many.
 */
export function beginHold<Code extends string>(
  store: HoldStore,
  { policyHash }: Pick<GovernanceState, 'policyHash'>,
  refusal: Refusal<Code>,
  { transfers }: SigningOrder,
  at: Instant,
): Refusal<Code | HoldRefusalCode> {
  const { transferId, rule, begins } = refusal.facts;
  if (refusal.code !== 'transfer-held' || begins !== true) return refusal;
  const asked = transfers.find(
    ({ request }) => transferIdOf(requestDigest(request.statement)) === transferId,
  );
  if (typeof transferId !== 'string' || typeof rule !== 'string' || !asked) return refusal;
  const { keyId } = asked.request.statement;
  if (store.ledger.holdsBegun(keyId, at.measuredMs - DAY_MS) >= MOST_HOLDS_A_DAY) {
    return refused('holds-too-many', { keyId, most: MOST_HOLDS_A_DAY });
  }
  store.append({ kind: 'held', at, transferId, rule, policyHash, keyId });
  return refusal;
}
