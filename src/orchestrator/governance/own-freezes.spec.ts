import { describe, expect, it } from '@jest/globals';
import { Fault } from '../../core/fault.js';
import { displayName } from '../../core/statements/fields.js';
import { seenIn } from './own-freezes.js';

const fault = (code: string, facts: Fault['facts'] = {}) => new Fault(code, 'x', { facts });
const HOT_ETH = { kind: 'wallet', walletId: 'hot-eth' };

describe('what the orchestrator freezes for', () => {
  it.each([
    [fault('nonce-foreign', { walletId: 'hot-eth', nonce: 7 }), HOT_ETH, 'nonce 7 used by somebody else'],
    [
      fault('nonce-foreign', { walletId: 'hot-eth', firstUnsigned: 7 }),
      HOT_ETH,
      'nonce 7 used by somebody else',
    ],
    [fault('audit-log-damaged', { size: 3 }), { kind: 'everything' }, 'the stored audit log was changed'],
    [fault('audit-log-unprovable'), { kind: 'everything' }, 'the stored audit log was changed'],
    [fault('audit-entry-beyond-end'), { kind: 'everything' }, 'the stored audit log was changed'],
  ])('is $code', (error, scope, why) => {
    expect(seenIn(error)).toEqual({ scope, why });
    expect(displayName.safeParse(why).success).toBe(true);
  });

  it.each([
    fault('nonce-behind-signer', { walletId: 'hot-eth', nonce: 7 }),
    fault('nonce-foreign'),
    fault('nonce-foreign', { walletId: 7 }),
    fault('governance-diverged'),
    fault('signer-unreachable'),
    new Error('nonce-foreign'),
    { code: 'nonce-foreign', facts: { walletId: 'hot-eth', nonce: 7 } },
    undefined,
  ])('is nothing that happens without a thief, or that nobody threw (%#)', (error) => {
    expect(seenIn(error)).toBeUndefined();
  });
});
