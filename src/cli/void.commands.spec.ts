import { describe, expect, it } from '@jest/globals';
import { Fault } from '../core/fault.js';
import { otherState, requestWith, state, voidOf } from './cli.fixture.js';
import { EXIT } from './exit.js';
import { render } from './lines.js';
import { voidVerdict } from './void.commands.js';

const request = requestWith();
const given = voidOf(request);

function codeOf(work: () => ReturnType<typeof voidVerdict>): string {
  try {
    const outcome = work();
    return outcome.kind === 'refused' ? outcome.code : outcome.kind;
  } catch (error) {
    if (error instanceof Fault) return error.code;
    throw error;
  }
}

describe('verify-void', () => {
  it("accepts the signer's void of this very request, and shows what it would have paid", () => {
    const outcome = voidVerdict(given, request, state);
    if (outcome.kind === 'refused') throw new Error(outcome.code);
    expect(outcome.value.exit).toBe(EXIT.ok);
    expect(outcome.value.json).toMatchObject({ valid: true, requestId: 'req-1', basis: 'never-signed' });
    const text = render(outcome.value.lines, false);
    expect(text).toContain('0.25 BTC  =  25000000 sat');
    expect(text).toContain('it was never signed, and never will be');
  });

  it.each([
    ['of another request', voidOf(requestWith({ requestId: 'req-2' })), 'void-other-request'],
    ['with another basis than was signed', alteredBasis(), 'void-signature-invalid'],
    ['that is none', { statement: {} }, 'void-malformed'],
    ['of another deployment', voidOf(request, { deploymentId: '0'.repeat(64) }), 'governance-mismatch'],
  ])('refuses one %s', (_what, input, code) => {
    expect(codeOf(() => voidVerdict(input, request, state))).toBe(code);
  });

  it('refuses it under the log of another deployment, which names another key', () => {
    expect(codeOf(() => voidVerdict(given, request, otherState))).toBe('governance-mismatch');
  });
});

function alteredBasis() {
  return { ...given, statement: { ...given.statement, basis: 'buried' } };
}
