import { describe, expect, it } from '@jest/globals';
import { Fault } from '../core/fault.js';
import { NOW, state } from './cli.fixture.js';
import { EXIT, exitCodeOf } from './exit.js';
import { requestOf } from './transfer.commands.js';

const options = {
  wallet: 'hot-btc',
  asset: 'BTC',
  amount: '0.25',
  to: 'bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080',
  feeCeiling: '0.0002',
  kind: 'withdrawal' as const,
  customer: 'customer-7',
  expiresIn: 3_600_000,
};

function made(altered: Partial<typeof options> = {}) {
  return requestOf({ ...options, ...altered }, state, 'backend', 'payouts', 'req-1', NOW);
}

function faultOf(altered: Partial<typeof options>): { code: string; exit: number } {
  try {
    made(altered);
    return { code: 'accepted', exit: 0 };
  } catch (error) {
    return { code: error instanceof Fault ? error.code : String(error), exit: exitCodeOf(error) };
  }
}

describe('a request made from options', () => {
  it('says amounts in base units, exactly', () => {
    expect(made()).toMatchObject({
      kind: 'withdrawal',
      amount: '25000000',
      feeCeiling: '20000',
      asset: { kind: 'native', symbol: 'BTC', decimals: 8 },
      deploymentId: state.deploymentId,
      expiresAtMs: NOW + 3_600_000,
    });
  });

  it.each([
    ['0.250000001', 'amount-over-precise'],
    ['0.2500000000', 'amount-over-precise'],
    ['1e-3', 'amount-malformed'],
    ['-1', 'amount-malformed'],
    ['.5', 'amount-malformed'],
    ['1,5', 'amount-malformed'],
  ])('refuses the amount %s, and rounds nothing', (amount, code) => {
    expect(faultOf({ amount })).toEqual({ code, exit: EXIT.usage });
  });

  it('refuses an amount of nothing', () => {
    expect(faultOf({ amount: '0' })).toEqual({ code: 'arguments-invalid', exit: EXIT.usage });
  });

  it('refuses a wallet and an asset that governance does not know', () => {
    expect(faultOf({ wallet: 'cold-btc' })).toEqual({ code: 'arguments-invalid', exit: EXIT.usage });
    expect(faultOf({ asset: 'ETH' })).toEqual({ code: 'arguments-invalid', exit: EXIT.usage });
  });
});
