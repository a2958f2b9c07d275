// What a node means when it refuses eth_sendRawTransaction. There is no standard: codes are the same for everything,
// so the words of geth, Erigon, Nethermind, Besu, Reth and anvil are looked for. What is not recognised is not guessed:
// the transaction is sent again later.

import type { BroadcastRejection } from './ethereum.errors.js';
import type { ProviderFailure } from './rpc-endpoint.js';

export type BroadcastVerdict =
  | { readonly kind: 'already-known' }
  | { readonly kind: 'rejected'; readonly reason: BroadcastRejection }
  /** It may be taken later as it is: a full pool, a lower nonce that the node has not seen, words nobody knows. */
  | { readonly kind: 'later'; readonly reason: string };

const rejected = (reason: BroadcastRejection): BroadcastVerdict => ({ kind: 'rejected', reason });

/** First match decides, so the more special wording stands first. */
const WORDS: readonly (readonly [RegExp, BroadcastVerdict])[] = [
  [
    /already known|already imported|already exists|known transaction|AlreadyKnown|same hash|already in (?:the )?(?:mem|tx)?pool/i,
    { kind: 'already-known' },
  ],
  // Before "underpriced" and "fee too low", which these contain.
  [
    /replacement.*(?:underpriced|too low|gas price)|UnderpricedReplacement|ReplacementNotAllowed|could not replace|fee too low to replace/i,
    rejected('replacement-underpriced'),
  ],
  [/nonce.*too low|NonceTooLow|OldNonce|nonce is too small|invalid nonce.*lower/i, rejected('nonce-too-low')],
  [/nonce.*too high|NonceGap|nonce.*too distant|nonce gap/i, { kind: 'later', reason: 'nonce-gap' }],
  [
    /insufficient funds|InsufficientFunds|insufficient balance|upfront.*(?:cost|balance)|not enough (?:funds|balance)/i,
    rejected('insufficient-funds'),
  ],
  [
    /(?:mem|tx)?pool.*(?:full|overflow)|queue.*full|too many (?:pending )?transactions|account limit/i,
    { kind: 'later', reason: 'pool-full' },
  ],
  [
    /less than block base fee|underpriced|fee ?too ?low|FeeTooLow|gas price.*(?:below|too low|minimum)|max fee per gas.*(?:low|less|below)|tip.*(?:below|too low|minimum)/i,
    rejected('fee-too-low'),
  ],
  [
    /exceeds block gas limit|intrinsic gas|gas limit (?:reached|too)|GasLimitExceeded|exceeds.*gas limit|gas floor/i,
    rejected('gas-limit'),
  ],
  [
    /invalid (?:sender|signature|chain)|type not supported|(?:decode|decoding|rlp)|malformed|oversized data|tip above fee cap|priority fee.*(?:higher|above).*max fee/i,
    rejected('malformed-for-node'),
  ],
];

export function judgeBroadcastError(
  failure: Extract<ProviderFailure, { kind: 'node-error' }>,
): BroadcastVerdict {
  for (const [words, verdict] of WORDS) if (words.test(failure.message)) return verdict;
  return { kind: 'later', reason: `unrecognised-${failure.code}` };
}
