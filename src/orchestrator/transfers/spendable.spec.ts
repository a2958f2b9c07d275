import { describe, expect, it } from '@jest/globals';
import { spendableOf } from './spendable.js';
import { type TransactionState, transactionStates } from './transfer-states.js';

const unsigned = (state: TransactionState) => ({ state, transactionId: null });
const signed = (state: TransactionState, transactionId: string = state) => ({ state, transactionId });

describe('what was signed for a transfer', () => {
  it('cannot be mined when nothing was signed, planned or not', () => {
    expect(spendableOf([])).toEqual({ is: 'no', transactionIds: [] });
    for (const state of ['planned', 'built', 'released'] as const) {
      expect(spendableOf([unsigned(state)])).toEqual({ is: 'no', transactionIds: [] });
    }
  });

  it.each(['signing', 'indeterminate'] as const)(
    'may be mined once the signer was asked and did not answer (%s)',
    (state) => {
      expect(spendableOf([unsigned('released'), unsigned(state)])).toEqual({
        is: 'maybe',
        transactionIds: [],
      });
    },
  );

  it.each(['signed', 'broadcast', 'mined', 'indeterminate', 'released'] as const)(
    'can be mined while it is %s',
    (state) => {
      expect(spendableOf([signed(state, 'a')])).toEqual({ is: 'yes', transactionIds: ['a'] });
    },
  );

  it('can be mined by any of its fee bumps', () => {
    expect(spendableOf([signed('broadcast', 'a'), signed('signed', 'b'), unsigned('signing')])).toEqual({
      is: 'yes',
      transactionIds: ['a', 'b'],
    });
  });

  it('cannot be mined once something that conflicts with it is buried', () => {
    expect(spendableOf([signed('conflicted')]).is).toBe('no');
  });

  it('cannot be mined any more once one of its transactions is buried, whatever is said of the others', () => {
    for (const buried of ['final', 'failed'] as const) {
      for (const other of transactionStates) {
        expect(spendableOf([signed(other), signed(buried)])).toEqual({ is: 'no', transactionIds: [] });
      }
    }
  });
});
