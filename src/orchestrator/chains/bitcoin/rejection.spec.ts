import { describe, expect, it } from '@jest/globals';
import { verdictOf, verdictOfWords } from './rejection.js';

describe("a node's refusal of a transaction", () => {
  it.each([
    ['txn-already-in-mempool'],
    ['txn-already-known'],
    ['txn-same-nonwitness-data-in-mempool'],
    ['Transaction already in block chain'],
    ['Transaction outputs already in utxo set'],
  ])('reads %j as already known', (words) => {
    expect(verdictOfWords(words)).toEqual({ kind: 'already-known' });
  });

  it('reads error -27 as already known, whatever its words', () => {
    expect(verdictOf(-27, 'anything')).toEqual({ kind: 'already-known' });
  });

  it.each([
    ['missing-inputs', 'inputs-missing'],
    ['bad-txns-inputs-missingorspent', 'inputs-missing'],
    ['txn-mempool-conflict', 'conflicts-with-waiting'],
    [
      'insufficient fee, rejecting replacement abc; new feerate 0.1 <= old feerate 0.2',
      'replacement-too-cheap',
    ],
    ['replacement-adds-unconfirmed', 'replacement-too-cheap'],
    ['min relay fee not met, 100 < 141', 'fee-too-low'],
    ['mempool min fee not met', 'fee-too-low'],
    ['max-fee-exceeded', 'fee-too-high'],
    ['Fee exceeds maximum configured by user (e.g. -maxtxfee, maxfeerate)', 'fee-too-high'],
    ['non-final', 'not-final'],
    ['non-BIP68-final', 'not-final'],
    ['too-long-mempool-chain, too many unconfirmed ancestors [limit: 25]', 'chain-too-long'],
    ['too-large-cluster', 'chain-too-long'],
    ['mandatory-script-verify-flag-failed (Signature must be zero)', 'invalid'],
    ['bad-txns-in-belowout', 'invalid'],
    ['dust', 'invalid'],
    ['TX decode failed', 'invalid'],
    ['something that a later version says', 'not-understood'],
    ['', 'not-understood'],
  ])('reads %j as %s, never as accepted', (words, rejection) => {
    expect(verdictOf(-26, words)).toEqual({ kind: 'rejected', rejection, words });
  });
});
