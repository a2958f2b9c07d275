// What a request says that it is (its kind) against what its bytes do, by the wallets of governance. A policy may go by the kind,
// so a label that makes something easier is believed only where the bytes bear it out. `withdrawal` claims nothing but that SAFU
// does not pay it. It does NOT say whether such a transfer may be made: policy does.

import { accepted, type Outcome, refused } from '../fault.js';
import type { Chain, Tier, Wallet } from '../governance/entry.js';
import { tierOfAddress } from '../governance/known-addresses.js';
import type { GovernanceState } from '../governance/state.js';
import type { TransferKind } from '../statements/fields.js';

export type KindRefusalCode =
  /** Its payer or its destination is none for a transfer of this kind. */
  'kind-contradicted';

/** From where keys are used most to where they are used least. SAFU is none of them: it stands apart. */
const COLDER: readonly Tier[] = ['deposit', 'hot', 'warm', 'cold'];

/** Of two tiers that customers' money lies in; never with SAFU or with what is nobody's here. */
function isColder(tier: Tier | undefined, than: Tier): boolean {
  return tier !== undefined && COLDER.includes(than) && COLDER.indexOf(tier) > COLDER.indexOf(than);
}

/** May a wallet of tier `from` pay so, to an own wallet of tier `to`, or to others where that is undefined? */
const BEARS_OUT: Readonly<Record<TransferKind, (from: Tier, to: Tier | undefined) => boolean>> = {
  withdrawal: (from) => from !== 'safu',
  sweep: (from, to) => isColder(to, from),
  refill: (from, to) => (to === 'hot' || to === 'warm') && isColder(from, to),
  'safu-contribution': (from, to) => from !== 'safu' && to === 'safu',
  'safu-payout': (from) => from === 'safu',
};

/** What moves under which label; of a transfer that has an id, or of one that is imagined. */
interface Labelled {
  readonly destination: string;
  readonly request: {
    readonly wallet: Pick<Wallet, 'tier'>;
    readonly chain: Pick<Chain, 'chain'>;
    readonly statement: { readonly kind: TransferKind };
    readonly transferId?: string;
  };
}

/** Does each movement bear out what its request says that it is? Destinations are decoded, or at least well formed. */
export function checkKinds(
  state: Pick<GovernanceState, 'wallets' | 'chains'>,
  movements: readonly Labelled[],
): Outcome<undefined, KindRefusalCode> {
  for (const { request, destination } of movements) {
    const { wallet, chain, transferId } = request;
    const { kind } = request.statement;
    const to = tierOfAddress(state, chain.chain, destination);
    if (!BEARS_OUT[kind](wallet.tier, to)) {
      return refused('kind-contradicted', {
        ...(transferId !== undefined && { transferId }),
        kind,
        from: wallet.tier,
        to: to ?? 'outside',
      });
    }
  }
  return accepted(undefined);
}
