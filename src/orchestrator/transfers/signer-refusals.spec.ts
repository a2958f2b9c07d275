import { describe, expect, it } from '@jest/globals';
import { refused } from '../../core/fault.js';
import { fateAfterRefusal, mayBeOfLostStore, waitsAtSigner } from './signer-refusals.js';

const mine = { transferId: 'tr-mine', signerRefusals: 0 };
const both = ['tr-mine', 'tr-other'];

describe('what becomes of a transfer whose plan the signer refused', () => {
  it('ends the one that the refusal names, with the signer’s code', () => {
    const refusal = refused('limit-exceeded', { transferId: 'tr-mine' });
    expect(fateAfterRefusal(mine, both, refusal, 3)).toMatchObject({
      to: 'refused',
      reason: 'limit-exceeded',
    });
  });

  it('plans those anew that it does not name, without counting it against them', () => {
    const refusal = refused('limit-exceeded', { transferId: 'tr-other' });
    const fate = fateAfterRefusal({ ...mine, signerRefusals: 2 }, both, refusal, 3);
    expect(fate).toMatchObject({ to: 'approved', reason: 'batch-released' });
    expect(fate.signerRefused).toBeUndefined();
  });

  it.each(['request-expired', 'approval-expired'])('lets the one that %s names expire', (code) => {
    const refusal = refused(code, { transferId: 'tr-mine' });
    expect(fateAfterRefusal(mine, both, refusal, 3)).toMatchObject({ to: 'expired', reason: code });
  });

  it.each(['policy-not-in-force', 'approvals-insufficient'])(
    'decides the one anew that %s names, a bounded number of times',
    (code) => {
      const refusal = refused(code, { transferId: 'tr-mine' });
      expect(fateAfterRefusal(mine, both, refusal, 3)).toMatchObject({ to: 'approved' });
      const last = { ...mine, signerRefusals: 2 };
      expect(fateAfterRefusal(last, both, refusal, 3)).toMatchObject({ to: 'refused', reason: code });
    },
  );

  it('plans all anew when none is named, a bounded number of times', () => {
    const refusal = refused('nonce-gap', { nonce: '5' });
    expect(fateAfterRefusal(mine, both, refusal, 3)).toMatchObject({ to: 'approved', signerRefused: true });
    expect(fateAfterRefusal({ ...mine, signerRefusals: 2 }, both, refusal, 3)).toMatchObject({
      to: 'refused',
      reason: 'nonce-gap',
    });
  });

  it('does not take a transfer for named that is not in the plan', () => {
    const refusal = refused('limit-exceeded', { transferId: 'tr-elsewhere' });
    expect(fateAfterRefusal(mine, both, refusal, 3)).toMatchObject({
      to: 'approved',
      reason: 'signer-refused',
    });
  });
});

describe('a signer that began again after a lost store', () => {
  const restoredAtMs = 1_760_000_000_000;
  const refusal = refused('request-before-restore', { deadUpToMs: restoredAtMs + 300_000 });

  it('may have been asked before for what was planned up to when the restore was drawn up, and for nothing later', () => {
    expect(mayBeOfLostStore(refusal, restoredAtMs - 1, false)).toBe(true);
    expect(mayBeOfLostStore(refusal, restoredAtMs, false)).toBe(true);
    expect(mayBeOfLostStore(refusal, restoredAtMs + 1, false)).toBe(false);
  });

  it('may have been asked before for what was offered more than once, whatever the clocks say', () => {
    expect(mayBeOfLostStore(refusal, restoredAtMs + 1, true)).toBe(true);
  });

  it('may have been asked for everything when it does not say since when, and for nothing when it refuses for another reason', () => {
    expect(mayBeOfLostStore(refused('request-before-restore', {}), restoredAtMs + 1, false)).toBe(true);
    expect(mayBeOfLostStore(refused('request-expired', { deadUpToMs: restoredAtMs }), 0, true)).toBe(false);
  });
});

describe('facts that the signer does not take', () => {
  it.each(['fact-too-old', 'fact-sequence-decreased', 'fact-order-unknown'])(
    'leave the transaction as it is, to be asked for with others (%s)',
    (code) => expect(waitsAtSigner(code)).toBe(true),
  );

  it('are not those that somebody made up (fact-signature-invalid)', () => {
    expect(waitsAtSigner('fact-signature-invalid')).toBe(false);
  });
});
