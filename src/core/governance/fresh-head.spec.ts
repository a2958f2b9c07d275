import { describe, expect, it } from '@jest/globals';
import { portableVerifier } from '../statements/signature.js';
import { timelock as timelockOf } from './entry.js';
import {
  freshForMs,
  type HeadStatement,
  MAX_HEAD_SKEW_MS,
  type SignedHead,
  signedHead,
  verifyHead,
} from './fresh-head.js';
import {
  ADD_DAVE,
  alice,
  appended,
  bob,
  dave,
  GENESIS,
  type Key,
  REMOVE_CAROL,
  start,
  stateOf,
  wordOf,
} from './people.fixture.js';
import type { GovernanceState } from './state.js';

const DAY_MS = 24 * 3_600_000;
const NOW_MS = 1_800_000_000_000;
const later = stateOf(appended(start, { ...ADD_DAVE, groups: [] }));

const vouched = (state: GovernanceState, key: Key, altered: Partial<HeadStatement> = {}) =>
  wordOf(state, key, { createdAtMs: NOW_MS, ...altered });

function codeFor(signed: SignedHead | undefined, nowMs = NOW_MS, state = later): string {
  const outcome = verifyHead(state, signed, DAY_MS, portableVerifier, nowMs);
  return outcome.kind === 'refused' ? outcome.code : outcome.kind;
}

describe("a governor's word about the log's head", () => {
  it('holds for the newest entry and for an older one, of this log alone', () => {
    expect(codeFor(vouched(later, alice))).toBe('accepted');
    expect(codeFor(vouched(start, bob))).toBe('accepted');
    expect(codeFor(vouched(later, alice, { head: 'ab'.repeat(32) }))).toBe('head-unknown');
    expect(codeFor(vouched(later, alice, { sequence: 0 }))).toBe('head-unknown');
    expect(codeFor(vouched(later, alice, { deploymentId: 'ab'.repeat(32) }))).toBe('head-unknown');
  });

  it('about an entry that is not here yet says that this log is behind', () => {
    expect(codeFor(vouched(later, alice), NOW_MS, start)).toBe('head-unknown');
  });

  it('is stale from its age on, and not before', () => {
    expect(codeFor(vouched(later, alice), NOW_MS + DAY_MS - 1)).toBe('accepted');
    expect(codeFor(vouched(later, alice), NOW_MS + DAY_MS)).toBe('head-stale');
  });

  it('is refused from the future, beyond what clocks differ', () => {
    expect(codeFor(vouched(later, alice), NOW_MS - MAX_HEAD_SKEW_MS)).toBe('accepted');
    expect(codeFor(vouched(later, alice), NOW_MS - MAX_HEAD_SKEW_MS - 1)).toBe('head-unknown');
  });

  it('is refused where there is none', () => {
    expect(codeFor(undefined)).toBe('head-missing');
  });

  it('is refused from who is no governor, was removed, or did not sign it', () => {
    expect(codeFor(vouched(later, dave))).toBe('head-signer-not-governor');
    expect(codeFor({ ...vouched(later, alice), credentialId: 'nobody' })).toBe('head-signer-not-governor');
    expect(codeFor({ ...vouched(later, alice), credentialId: 'bob-1' })).toBe('head-signature-invalid');
    const without = stateOf(appended(later, REMOVE_CAROL));
    const carols = { ...vouched(without, alice), credentialId: 'carol-1' };
    expect(codeFor(carols, NOW_MS, without)).toBe('head-signer-not-governor');
  });

  it('is refused by its form when it says more, or less', () => {
    const honest = vouched(later, alice);
    expect(signedHead.safeParse(honest).success).toBe(true);
    expect(signedHead.safeParse({ ...honest, note: 'x' }).success).toBe(false);
    expect(
      signedHead.safeParse({ ...honest, statement: { ...honest.statement, type: 'portcullis/approve/v1' } })
        .success,
    ).toBe(false);
  });
});

describe('how long a word is good', () => {
  const timelock = { whitelistMs: 0, policyMs: 0, veto: GENESIS.quorum };

  it('is a day where governance says nothing, and else what it says', () => {
    expect(freshForMs(timelock)).toBe(DAY_MS);
    expect(freshForMs({ ...timelock, freshHeadMs: 60_000 })).toBe(60_000);
  });

  it.each([0, 59_999, DAY_MS + 1])('is never %s ms', (freshHeadMs) => {
    expect(timelockOf.safeParse({ ...timelock, freshHeadMs }).success).toBe(false);
    expect(timelockOf.safeParse({ ...timelock, freshHeadMs: DAY_MS }).success).toBe(true);
  });
});
