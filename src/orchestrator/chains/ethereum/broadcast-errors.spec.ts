import { describe, expect, it } from '@jest/globals';
import { judgeBroadcastError } from './broadcast-errors.js';

const verdict = (message: string) => judgeBroadcastError({ kind: 'node-error', code: -32000, message });

// Wordings of geth, Erigon, Nethermind, Besu, Reth and anvil.
describe('judgeBroadcastError', () => {
  it.each([
    'already known',
    'AlreadyKnown',
    'Known transaction',
    'transaction already imported',
    'tx already in mempool',
    'INTERNAL_ERROR: existing tx with same hash',
  ])('takes "%s" as known', (message) => {
    expect(verdict(message)).toEqual({ kind: 'already-known' });
  });

  it.each([
    ['nonce too low: next nonce 5, tx nonce 3', 'nonce-too-low'],
    ['OldNonce, Current nonce: 4, nonce of rejected tx: 1', 'nonce-too-low'],
    ['Nonce too low', 'nonce-too-low'],
    ['replacement transaction underpriced', 'replacement-underpriced'],
    ['INTERNAL_ERROR: could not replace existing tx', 'replacement-underpriced'],
    ['Replacement transaction gas price too low', 'replacement-underpriced'],
    ['insufficient funds for gas * price + value: balance 0, tx cost 1', 'insufficient-funds'],
    ['Insufficient funds for gas * price + value', 'insufficient-funds'],
    ['InsufficientFunds, Account balance: 0, cumulative cost: 21', 'insufficient-funds'],
    ['Upfront cost exceeds account balance', 'insufficient-funds'],
    ['transaction underpriced: tip needed 1, tip permitted 0', 'fee-too-low'],
    ['max fee per gas less than block base fee: address 0x0, maxFeePerGas: 1, baseFee: 7', 'fee-too-low'],
    ['FeeTooLow, MaxFeePerGas too low', 'fee-too-low'],
    ['Gas price below configured minimum gas price', 'fee-too-low'],
    ['exceeds block gas limit', 'gas-limit'],
    ['intrinsic gas too low: have 1, want 21000', 'gas-limit'],
    ['invalid sender', 'malformed-for-node'],
    ['transaction type not supported', 'malformed-for-node'],
    ['Failed to decode transaction', 'malformed-for-node'],
  ])('takes "%s" as rejected', (message, reason) => {
    expect(verdict(message)).toEqual({ kind: 'rejected', reason });
  });

  it.each([
    ['nonce too high', 'nonce-gap'],
    ['NonceGap, Future nonce. Expected nonce: 3', 'nonce-gap'],
    ['txpool is full', 'pool-full'],
    ['something nobody has seen', 'unrecognised--32000'],
    ['', 'unrecognised--32000'],
  ])('does not guess at "%s", and sends again later', (message, reason) => {
    expect(verdict(message)).toEqual({ kind: 'later', reason });
  });
});
