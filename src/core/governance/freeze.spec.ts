import { describe, expect, it } from '@jest/globals';
import type { Change } from './entry.js';
import {
  ADD_DAVE,
  alice,
  aliceSpare,
  appended,
  bob,
  carol,
  codeOf,
  dave,
  REMOVE_CAROL,
  start,
  stateOf,
} from './people.fixture.js';
import { freezeOf } from './state.js';

const EVERYTHING = { kind: 'everything' } as const;
const HOT = { kind: 'wallet', walletId: 'hot-btc' } as const;
const why = 'a withdrawal that nobody asked for';
const freezing = (scope: Extract<Change, { kind: 'frozen' }>['scope']): Change => ({
  kind: 'frozen',
  scope,
  why,
});
const thawing = (scope: Extract<Change, { kind: 'thawed' }>['scope']): Change => ({ kind: 'thawed', scope });

describe('a freeze', () => {
  it.each([
    ['a member of the quorum', alice],
    ['the same person with another credential', aliceSpare],
    ['another', carol],
  ])('takes one person: %s', (_, key) => {
    const frozen = stateOf(appended(start, freezing(EVERYTHING), key));
    expect(freezeOf(frozen, 'hot-btc')).toEqual({ scope: EVERYTHING, why, sequence: 1 });
    expect(freezeOf(frozen, 'any other')).toEqual({ scope: EVERYTHING, why, sequence: 1 });
  });

  it('takes a person of the roster who is in no group at all', () => {
    const state = stateOf(appended(start, { ...ADD_DAVE, groups: [] }, alice, bob));
    expect(codeOf(appended(state, freezing(HOT), dave))).toBe('accepted');
  });

  it('of one wallet leaves the others as they are', () => {
    const frozen = stateOf(appended(start, freezing(HOT), bob));
    expect(freezeOf(frozen, 'hot-btc')).toMatchObject({ scope: HOT, sequence: 1 });
    expect(freezeOf(frozen, 'hot-eth')).toBeUndefined();
  });

  it('is refused from whoever is not in the roster, was removed from it, or signs twice', () => {
    expect(codeOf(appended(start, freezing(EVERYTHING), dave))).toBe('governance-signer-unknown');
    const without = stateOf(appended(start, REMOVE_CAROL, alice, bob));
    expect(codeOf(appended(without, freezing(EVERYTHING), carol))).toBe('governance-signer-unknown');
    expect(codeOf(appended(start, freezing(EVERYTHING), alice, aliceSpare))).toBe(
      'governance-signer-duplicate',
    );
  });

  it('is refused for a wallet that does not exist, and for what is frozen already', () => {
    const strange = { kind: 'wallet', walletId: 'hot-doge' } as const;
    expect(codeOf(appended(start, freezing(strange), alice))).toBe('governance-change-invalid');
    const frozen = stateOf(appended(start, freezing(HOT), alice));
    expect(codeOf(appended(frozen, freezing(HOT), bob))).toBe('governance-change-invalid');
    expect(codeOf(appended(frozen, freezing(EVERYTHING), bob))).toBe('accepted');
  });

  it('is undone by the quorum alone, each as it was made', () => {
    const one = stateOf(appended(start, freezing(HOT), alice));
    const both = stateOf(appended(one, freezing(EVERYTHING), bob));
    expect(codeOf(appended(both, thawing(EVERYTHING), alice))).toBe('governance-quorum-missing');
    const thawed = stateOf(appended(both, thawing(EVERYTHING), alice, carol));
    expect(freezeOf(thawed, 'hot-eth')).toBeUndefined();
    expect(freezeOf(thawed, 'hot-btc')).toMatchObject({ scope: HOT });
    const free = stateOf(appended(thawed, thawing(HOT), alice, bob));
    expect(freezeOf(free, 'hot-btc')).toBeUndefined();
    expect(codeOf(appended(free, thawing(HOT), alice, bob))).toBe('governance-change-invalid');
    expect(codeOf(appended(free, freezing(HOT), alice))).toBe('accepted');
  });

  it('keeps nothing of governance from going on: who froze it may be the thief', () => {
    const frozen = stateOf(appended(start, freezing(EVERYTHING), carol));
    const without = stateOf(appended(frozen, REMOVE_CAROL, alice, bob));
    expect(codeOf(appended(without, thawing(EVERYTHING), alice, bob))).toBe('accepted');
  });
});
