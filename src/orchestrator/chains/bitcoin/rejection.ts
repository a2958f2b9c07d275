// What a node's refusal of a transaction means. Nodes say it in words that differ between versions; here they become a
// closed list. What is not recognised is `not-understood`, never "accepted".

import { RPC } from './bitcoin-rpc.js';

/**
 * - `inputs-missing`: an input is spent in the chain, or its transaction is not known to the node
 * - `conflicts-with-waiting`: another transaction that waits spends an input and cannot be replaced by this one
 * - `replacement-too-cheap`: it replaces one that waits, but does not pay enough more
 * - `fee-too-low`, `fee-too-high`: against the node's own limits
 * - `not-final`: its lock time is ahead of the node's chain
 * - `chain-too-long`: too many unconfirmed transactions hang together
 * - `invalid`: it breaks a rule and will never be taken
 */
export type Rejection =
  | 'inputs-missing'
  | 'conflicts-with-waiting'
  | 'replacement-too-cheap'
  | 'fee-too-low'
  | 'fee-too-high'
  | 'not-final'
  | 'chain-too-long'
  | 'invalid'
  | 'not-understood';

export type Verdict =
  | { readonly kind: 'already-known' }
  | { readonly kind: 'rejected'; readonly rejection: Rejection; readonly words: string };

/** In this order: the first whose words occur decides. Bitcoin Core 28 to 31, and bcoin. */
const WORDS: readonly [RegExp, Rejection | 'already-known'][] = [
  [/txn-already-in-mempool|txn-already-known|txn-same-nonwitness-data-in-mempool/i, 'already-known'],
  [/already in (?:block chain|utxo set)|outputs already in utxo/i, 'already-known'],
  [/missing-?inputs|missing inputs|inputs-missingorspent|bad-txns-inputs-spent/i, 'inputs-missing'],
  [
    /insufficient fee|rejecting replacement|replacement-adds-unconfirmed|too many potential replacements/i,
    'replacement-too-cheap',
  ],
  [/replacement-failed|insufficient-feerate/i, 'replacement-too-cheap'],
  [/txn-mempool-conflict|bad-txns-spends-conflicting-tx/i, 'conflicts-with-waiting'],
  [/min relay fee not met|mempool min fee not met|mempool full|insufficient priority/i, 'fee-too-low'],
  [/max-fee-exceeded|fee exceeds maximum|absurdly-high-fee/i, 'fee-too-high'],
  [/non-final|non-bip68-final|premature/i, 'not-final'],
  [/too-long-mempool-chain|too-large-cluster|too many unconfirmed|chain limit/i, 'chain-too-long'],
  [
    /script-verify|bad-txns|bad-witness|dust|scriptpubkey|scriptsig|tx-size|^version$|decode failed/i,
    'invalid',
  ],
];

/** Reads an error of `sendrawtransaction`. */
export function verdictOf(code: number, message: string): Verdict {
  if (code === RPC.alreadyInChain) return { kind: 'already-known' };
  return verdictOfWords(message);
}

/** Reads a `reject-reason` of `testmempoolaccept`. */
export function verdictOfWords(words: string): Verdict {
  const meaning = WORDS.find(([pattern]) => pattern.test(words))?.[1] ?? 'not-understood';
  return meaning === 'already-known'
    ? { kind: 'already-known' }
    : { kind: 'rejected', rejection: meaning, words };
}
