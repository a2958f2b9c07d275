// What the policy is asked about a transfer, from its verified request and what is moved: by the signer of decoded bytes, by
// the orchestrator of what the request asks for.

import { tierOfAddress } from '../governance/known-addresses.js';
import type { GovernanceState } from '../governance/state.js';
import { askedFor } from '../policy/decide.js';
import type { KnownFacts } from '../facts/verify.js';
import { pinsOf } from '../policy/pins.js';
import type { Known, PolicySet, Situation } from '../policy/types.js';
import type { Movement } from './decode-order.js';
import type { KnownContent } from './requests.js';

/** What moves, of a verified request or of an imagined one. */
export interface Asked extends Omit<Movement, 'request'> {
  readonly request: Pick<KnownContent, 'statement' | 'wallet' | 'chain'>;
}

/** What whoever decides knows of a movement. */
export type Knowing<M extends Asked = Movement> = (movement: M) => Known | undefined;

export function situationOf<M extends Asked>(
  movement: M,
  state: GovernanceState,
  policies: PolicySet,
  knowing: Knowing<M>,
  facts?: KnownFacts,
): Situation {
  const { request, contract, amount, destination } = movement;
  const { wallet, chain, statement } = request;
  const payer = { wallet: wallet.walletId, tier: wallet.tier };
  const asked = askedFor(policies, payer);
  return {
    ...payer,
    chain: chain.chain,
    contract,
    amount,
    destination,
    requester: statement.requester,
    customer: statement.customer,
    kind: statement.kind,
    feeCeiling: BigInt(statement.feeCeiling),
    toTier: asked.has('own-addresses') ? tierOfAddress(state, chain.chain, destination) : undefined,
    known: asked.has('known') ? knowing(movement) : undefined,
    pins: pinsOf(state, chain.chain, contract),
    ...(facts === undefined ? {} : { facts }),
  };
}
