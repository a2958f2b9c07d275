// Transfers that wait because their rule holds them: since when, by time that this signer measured itself. That begins with the
// first order for which nothing else was missing, and is in the journal: no restart and no clock shortens it.

import type { Circumstances } from '../core/authorization/authorize.js';
import type { Refusal } from '../core/fault.js';
import type { GovernanceState } from '../core/governance/state.js';
import type { Instant } from './signer-clock.js';
import type { SignerStore } from './store.js';

/** Under the policies in force: what was begun under others does not count. */
export function heldFor(
  { ledger }: Pick<SignerStore, 'ledger'>,
  { policyHash }: Pick<GovernanceState, 'policyHash'>,
  { measuredMs }: Instant,
): Circumstances['heldMs'] {
  return (transferId, rule) => {
    const since = ledger.heldSinceMs(transferId, rule, policyHash);
    return since === undefined ? undefined : measuredMs - since;
  };
}

/** Begins the hold that a refusal says begins; once for each transfer and rule of the policies in force. */
export function beginHold(
  store: Pick<SignerStore, 'append'>,
  { policyHash }: Pick<GovernanceState, 'policyHash'>,
  { code, facts: { transferId, rule, begins } }: Refusal,
  at: Instant,
): void {
  if (code !== 'transfer-held' || begins !== true) return;
  if (typeof transferId !== 'string' || typeof rule !== 'string') return;
  store.append({ kind: 'held', at, transferId, rule, policyHash });
}
