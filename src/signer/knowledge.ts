// What the signer knows beside request, bytes and governance, for policies that ask: whether it paid a destination before,
// what that could be taken for, what time it is. It goes into the certificate as the signer's word.

import type { Knowing } from '../core/authorization/situation.js';
import { knownFrom } from '../core/certificates/decision.js';
import { lookAlikeOf, spelledAddress } from '../core/governance/known-addresses.js';
import { type GovernanceState, whitelistedAt } from '../core/governance/state.js';
import { lookOf } from '../core/policy/looks.js';
import type { Known } from '../core/policy/types.js';
import { measuredSince } from './accepting.js';
import type { SignerParts } from './reports.js';
import type { Instant } from './signer-clock.js';
import type { SignerStore } from './store.js';

type KnowingParts = Pick<SignerParts, 'store' | 'clock'>;

/** What was known when a signed transfer was decided the first time: whatever replaces it is judged by the same. */
function knownThen(store: SignerStore, transferId: string): Known | undefined {
  if (store.ledger.pastOf(transferId) !== 'signed') return undefined;
  const [first] = store.ledger.transactionsOf(transferId);
  if (!first) return undefined;
  const { body } = store.read(first.reservedSequence);
  const decisions = body.kind === 'reserved' ? body.transfers.map(({ decision }) => decision) : [];
  const knew = decisions.find((decision) => decision.transferId === transferId)?.knew;
  return knew && knownFrom(knew);
}

/** Of one order, at the moment at which it is decided. */
export function knowledge({ store, clock }: KnowingParts, state: GovernanceState, now: Instant): Knowing {
  return ({ request, destination }) => {
    const then = knownThen(store, request.transferId);
    if (then) return then;
    const { chain } = request.chain;
    const address = spelledAddress(chain, destination);
    const { walletId, tier } = request.wallet;
    const place = { chain, address, tier };
    const listed = whitelistedAt(state, place, now.wallMs);
    const paid = store.ledger.earliestPaid(walletId, chain, lookOf(address));
    return {
      // Where the host's clock is far from what was measured, nothing is signed at all; what it was set to while the signer was
      // off, nobody has measured.
      atMs: clock.hourMs(now),
      firstUse: !store.ledger.wasPaid(walletId, chain, address),
      lookAlikeOf: lookAlikeOf(state, place, now.wallMs, paid),
      whitelist: listed && {
        entryId: listed.entryId,
        label: listed.label,
        ageMs: measuredSince(store, listed.sequence, now),
      },
    };
  };
}
