import { describe, expect, it } from '@jest/globals';
import { Fault } from '../core/fault.js';
import { BURIAL_TYPE, type BurialStatement } from '../core/recovery/burial.js';
import type { SignedRequest } from '../core/statements/request.js';
import { transferIdFor } from '../sdk/backend.js';
import { askersOf, refusalOf, requestsOf } from './burial.commands.js';
import { burialLines } from './burial-words.js';
import { NOW, requestWith, state } from './cli.fixture.js';
import { render } from './lines.js';

const request = requestWith();
const other = requestWith({ requestId: 'req-2', amount: '7' });

function statement(altered: Partial<BurialStatement> = {}): BurialStatement {
  return {
    type: BURIAL_TYPE,
    deploymentId: state.deploymentId,
    governanceHead: state.head,
    transferIds: [transferIdFor(request.statement)],
    dead: [`bitcoin:${'aa'.repeat(32)}`, `bitcoin:${'ab'.repeat(32)}`],
    conflicting: {
      transactionKey: `bitcoin:${'bb'.repeat(32)}`,
      transactionId: 'bb'.repeat(32),
      blockHash: 'cc'.repeat(32),
      blockHeight: 905_214,
      confirmations: 7,
    },
    createdAtMs: NOW - 1_000,
    expiresAtMs: NOW + 3_600_000,
    ...altered,
  };
}

const refusal = (altered: Partial<BurialStatement>) => {
  const outcome = refusalOf(statement(altered), state, NOW);
  return outcome.kind === 'refused' ? outcome.code : 'accepted';
};

function codeOf(of: BurialStatement, requests: SignedRequest[]): string {
  try {
    requestsOf({ statement: of, requests }, state);
    return 'accepted';
  } catch (error) {
    if (error instanceof Fault) return error.code;
    throw error;
  }
}

describe('what an officer is asked to bury', () => {
  it('is refused before anybody signs it when it is not on top of governance, expired, or too shallow', () => {
    expect(refusal({})).toBe('accepted');
    expect(refusal({ governanceHead: '0'.repeat(64) })).toBe('burial-governance-moved');
    expect(refusal({ deploymentId: '0'.repeat(64) })).toBe('burial-other-deployment');
    expect(refusal({ expiresAtMs: NOW })).toBe('burial-expired');
    const shallow = { ...statement().conflicting, confirmations: 5 };
    expect(refusal({ conflicting: shallow })).toBe('burial-too-shallow');
  });

  it('has a verified request of each transfer beside it, or is not shown (statement-mismatch)', () => {
    const both = statement({ transferIds: [request, other].map((one) => transferIdFor(one.statement)) });
    expect(codeOf(statement(), [request])).toBe('accepted');
    expect(codeOf(both, [request, other])).toBe('accepted');
    expect(codeOf(both, [request])).toBe('statement-mismatch');
    expect(codeOf(statement(), [other])).toBe('statement-mismatch');
    expect(codeOf(statement(), [{ ...request, signature: other.signature }])).toBe('statement-mismatch');
    const ethereum = requestWith({ chain: 'eip155:31337' });
    const mixed = statement({ transferIds: [request, ethereum].map((one) => transferIdFor(one.statement)) });
    expect(codeOf(mixed, [request, ethereum])).toBe('statement-mismatch');
  });

  it('cannot count who asked for it, nor whoever else the key speaks for', () => {
    expect(askersOf([requestWith({ requester: 'alice' }).statement], state)).toEqual(
      new Set(['alice', 'payouts']),
    );
  });

  it('is shown whole: what was to be paid, all that is dead, the block, and what a wrong signature costs', () => {
    const text = render(
      burialLines(statement(), [request.statement], request.statement.chain, state, NOW),
      false,
    );
    for (const shown of [
      '0.25 BTC  =  25000000 sat',
      'bcrt 1qw5 08d6 qejx tdg4 y5r3 zarv ary0 c5xw 7kyg t080',
      `bitcoin:${'aa'.repeat(32)}`,
      `bitcoin:${'ab'.repeat(32)}`,
      'bb'.repeat(32),
      '905214, 7 deep',
      'the customer is paid twice',
      'Compare the block with your own node',
    ]) {
      expect(text.replaceAll(/\s+/g, ' ')).toContain(shown.replaceAll(/\s+/g, ' '));
    }
  });
});
