// What policy is asked about a request that somebody signed.

import type { Wallet } from '../core/governance/entry.js';
import { tierOfAddress } from '../core/governance/known-addresses.js';
import type { GovernanceState } from '../core/governance/state.js';
import type { Known, Situation } from '../core/policy/types.js';
import type { RequestStatement } from '../core/statements/request.js';

/** What a signed request asks, as the signer would be asked about it. */
export function situationOfRequest(
  statement: RequestStatement,
  { walletId, tier, chain }: Wallet,
  state: GovernanceState,
  known: Known | undefined,
): Situation {
  return {
    wallet: walletId,
    tier,
    chain,
    contract: statement.asset.kind === 'native' ? 'native' : statement.asset.contract,
    amount: BigInt(statement.amount),
    destination: statement.destination,
    requester: statement.requester,
    customer: statement.customer,
    kind: statement.kind,
    feeCeiling: BigInt(statement.feeCeiling),
    toTier: tierOfAddress(state, chain, statement.destination),
    known,
  };
}
