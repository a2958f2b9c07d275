import { sign } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import { Fault } from '../core/fault.js';
import { alice } from '../core/governance/people.fixture.js';
import { type Approval, approvalBytes, type TransferStatement } from '../core/statements/approval.js';
import type { StatementToSign } from '../sdk/shapes.js';
import { checkFollowed, checkStatement, turnWords } from './approval.commands.js';
import { NOW, otherState, requestWith, servedWith, state } from './cli.fixture.js';
import { EXIT, exitCodeOf } from './exit.js';

function check(served: StatementToSign, transferId = served.statement.transferId, nowMs = NOW): unknown {
  try {
    return checkStatement(served, transferId, state, nowMs);
  } catch (error) {
    return error;
  }
}

/** What the officer is told, of a statement that must not be signed. */
function refusalOf(served: StatementToSign, transferId?: string, nowMs?: number): string {
  const error = check(served, transferId, nowMs);
  if (!(error instanceof Fault)) return 'accepted';
  expect(error.code).toBe('statement-mismatch');
  expect(exitCodeOf(error)).toBe(EXIT.mismatch);
  return error.message;
}

describe('what an officer is asked to sign', () => {
  it('is accepted when it is exactly what the backend signed', () => {
    const served = servedWith(requestWith());
    expect(check(served)).toEqual(served.statement);
  });

  const request = requestWith();
  const altered: readonly (readonly [string, Partial<TransferStatement>, string])[] = [
    [
      'the destination',
      { destination: 'bcrt1qrp33g0q5c5txsp9arysrx4k6zdkfs4nce4xj0gdcccefvpysxf3qzf4jry' },
      'approval-altered',
    ],
    ['the amount by one unit', { amount: '25000001' }, 'approval-altered'],
    ['the fee ceiling', { feeCeiling: '20001' }, 'approval-altered'],
    ['the customer', { customer: 'customer-8' }, 'approval-altered'],
    ['the policy hash', { policyHash: 'ab'.repeat(32) }, 'policy-not-in-force'],
    ['the governance head', { governanceHead: 'ab'.repeat(32) }, 'governance-head-unknown'],
    ['the deployment', { deploymentId: 'ab'.repeat(32) }, 'approval-other-deployment'],
    ['the request digest', { requestDigest: 'ab'.repeat(32) }, 'approval-other-transfer'],
  ];
  it.each(altered)('is refused when somebody changed %s in it', (_what, change, code) => {
    expect(refusalOf(servedWith(request, change))).toContain(code);
  });

  it('is refused when it is about another transfer than the one that was named', () => {
    expect(refusalOf(servedWith(request), `tr-${'0'.repeat(40)}`)).toContain('another transfer');
  });

  it('is refused when the request was changed along with it, since its signature does not hold any more', () => {
    const changed = requestWith();
    const forged = { ...changed, statement: { ...changed.statement, amount: '99000000' } };
    expect(refusalOf(servedWith(forged))).toContain('request-signature-invalid');
  });

  it('is refused when the request is of another deployment', () => {
    const foreign = requestWith({ deploymentId: otherState.deploymentId });
    expect(refusalOf(servedWith(foreign))).toContain('request-other-deployment');
  });

  it('is refused when its time is over', () => {
    expect(refusalOf(servedWith(request), undefined, NOW + 1_800_000)).toContain('approval-expired');
    expect(refusalOf(servedWith(request), undefined, NOW + 3_600_000)).toContain('request-expired');
  });
});

describe('the turn of an officer', () => {
  const required = [
    { group: 'treasury', quorum: 1, except: ['bob'], step: 0 },
    { group: 'governors', quorum: 1, except: ['alice'], step: 1 },
  ];
  const asked = (before: readonly Approval[] = []): StatementToSign => ({
    ...servedWith(requestWith()),
    required,
    missing: required,
    follows: [...before],
  });
  const byAlice = (): Approval => {
    const signature = sign('sha256', approvalBytes('approve', asked().statement), {
      key: alice.secret,
      dsaEncoding: 'ieee-p1363',
    }).toString('hex');
    return { credentialId: alice.credentialId, verdict: 'approve', signature };
  };

  it('is told in words, with those whom the signature names', () => {
    const first = checkFollowed(asked(), state, NOW);
    expect(first.digests).toEqual([]);
    expect(turnWords(asked(), first, 'alice', state, NOW).join('\n')).toContain(
      'You approve for step 1, 1 of treasury',
    );
    expect(turnWords(asked(), first, 'bob', state, NOW).join('\n')).toContain('It is not your turn');
    const served = asked([byAlice()]);
    const second = checkFollowed(served, state, NOW);
    expect(second.digests).toHaveLength(1);
    expect(turnWords(served, second, 'bob', state, NOW).join('\n')).toMatch(
      /You approve for step 2, 1 of governors.*\n.*before you approved: alice\./,
    );
  });

  it('is not told where a rule has no steps', () => {
    const served = servedWith(requestWith());
    expect(turnWords(served, checkFollowed(served, state, NOW), 'alice', state, NOW)).toEqual([]);
  });

  it('is refused when what was given before does not hold', () => {
    const forged = { ...byAlice(), signature: '11'.repeat(64) };
    for (const before of [[forged], [byAlice(), byAlice()], [{ ...byAlice(), follows: ['ab'.repeat(32)] }]]) {
      expect(() => checkFollowed(asked(before), state, NOW)).toThrow(
        expect.objectContaining({ code: 'statement-mismatch' }),
      );
    }
  });
});
