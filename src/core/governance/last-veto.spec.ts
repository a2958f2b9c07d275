// Whoever is taken out of the group that vetoes counts for nothing any more, at once, but for this: until the same people have
// waited out a wait of their own, that person vetoes what they let wait.

import { describe, expect, it } from '@jest/globals';
import { portableVerifier } from '../statements/signature.js';
import { type Change, entryHash, type GovernanceEntry } from './entry.js';
import {
  ADD_DAVE,
  alice,
  aliceSpare,
  bob,
  bodyAfter,
  carol,
  codeOf,
  GENESIS,
  genesisOf,
  type Key,
  newKey,
  personOf,
  signed,
  stateOf,
} from './people.fixture.js';
import { replayEntry, replayGenesis } from './replay.js';
import type { GovernanceState } from './state.js';
import { wantedFor } from './wanted.js';
import { wordsOfChange } from './words.js';

const HOUR_MS = 3_600_000;
const erin = newKey('erin-1');
const erinSpare = newKey('erin-2');
const frank = newKey('frank-1');

function starting(policyMs: number): GovernanceState {
  const genesis = genesisOf({
    persons: [...GENESIS.persons, personOf('erin', erin, erinSpare), personOf('frank', frank)],
    groups: [...GENESIS.groups, { groupId: 'watch', members: ['erin', 'frank', 'carol'] }],
    timelock: { whitelistMs: policyMs / 2, policyMs, veto: { group: 'watch', threshold: 1 } },
  });
  return stateOf(replayGenesis(genesis, portableVerifier));
}
const slow = starting(48 * HOUR_MS);
const quick = starting(0);

/** Signed by the two whose keys were stolen, unless said otherwise; `laterMs` is what its authors say that passed. */
function entry(
  state: GovernanceState,
  change: Change,
  keys: readonly Key[] = [alice, bob],
  laterMs = 0,
): GovernanceEntry {
  const body = bodyAfter(state, change);
  return signed({ ...body, createdAtMs: body.createdAtMs + laterMs }, ...keys);
}

function following(state: GovernanceState, one: GovernanceEntry): GovernanceState {
  return stateOf(replayEntry(state, one, portableVerifier));
}
const code = (state: GovernanceState, one: GovernanceEntry) =>
  codeOf(replayEntry(state, one, portableVerifier));

const removing = (personId: string): Change => ({ kind: 'person-removed', personId });
const vetoing = (hash: string): Change => ({ kind: 'vetoed', entry: hash, why: 'stolen' });
const activating = (hash: string): Change => ({ kind: 'activated', entry: hash });

/** Thieves with a quorum's keys, and with carol's who may activate, take the others out and propose. */
const outErin = entry(slow, removing('erin'));
const withoutErin = following(slow, outErin);
const outFrank = entry(withoutErin, removing('frank'));
const alone = following(withoutErin, outFrank);
const proposal = entry(alone, ADD_DAVE);
const waiting = following(alone, proposal);
const hash = entryHash(proposal.body);
const [endOfErin, endOfFrank] = [entryHash(outErin.body), entryHash(outFrank.body)];
const RIPE_MS = 49 * HOUR_MS;

describe('who was taken out of the group that vetoes', () => {
  it('vetoes all the same what is proposed then, each of them, with whichever key they had', () => {
    expect([...waiting.pending.keys()]).toEqual([endOfErin, endOfFrank, hash]);
    for (const key of [erin, erinSpare, frank]) {
      const vetoed = following(waiting, entry(waiting, vetoing(hash), [key]));
      expect(vetoed.pending.has(hash)).toBe(false);
      expect(code(vetoed, entry(vetoed, activating(hash), [carol], RIPE_MS))).toBe('governance-not-pending');
    }
    expect(wantedFor(vetoing(hash), waiting)).toMatchObject([{ candidates: ['carol', 'erin', 'frank'] }]);
  });

  it('can do nothing else: neither sign, nor freeze, nor activate', () => {
    expect(waiting.persons.has('erin')).toBe(false);
    expect(waiting.groups.get('watch')).toEqual(['carol']);
    const freeze: Change = { kind: 'frozen', scope: { kind: 'everything' }, why: 'theft' };
    for (const change of [freeze, activating(hash), ADD_DAVE]) {
      expect(code(waiting, entry(waiting, change, [erin, frank], RIPE_MS))).toBe('governance-signer-unknown');
    }
  });

  it('cannot keep it by a veto of the end of it, of their own or of another: a stolen key would veto for ever', () => {
    for (const end of [endOfErin, endOfFrank]) {
      expect(code(waiting, entry(waiting, vetoing(end), [erin]))).toBe('governance-signer-unknown');
    }
  });

  it('vetoes until one of the group who did not sign has let it end, after the wait', () => {
    const end = (keys: readonly Key[], laterMs = RIPE_MS) =>
      entry(waiting, activating(endOfErin), keys, laterMs);
    expect(code(waiting, end([carol], 48 * HOUR_MS - 100))).toBe('governance-timelock');
    expect(code(waiting, end([aliceSpare]))).toBe('governance-quorum-missing');
    expect(code(waiting, end([erin]))).toBe('governance-signer-unknown');
    const ended = following(waiting, end([carol]));
    expect(ended.pending.has(endOfErin)).toBe(false);
    expect(code(ended, entry(ended, vetoing(hash), [erin]))).toBe('governance-signer-unknown');
    expect(code(ended, entry(ended, vetoing(hash), [erinSpare]))).toBe('governance-signer-unknown');
    expect(code(ended, entry(ended, vetoing(hash), [frank]))).toBe('accepted');
    expect(code(ended, entry(ended, removing('erin')))).toBe('governance-change-invalid');
  });

  it('goes on to veto where one who is left vetoes the end, until it is proposed anew', () => {
    const kept = following(withoutErin, entry(withoutErin, vetoing(endOfErin), [frank]));
    const proposed = entry(kept, ADD_DAVE);
    const waits = following(kept, proposed);
    expect(code(waits, entry(waits, vetoing(entryHash(proposed.body)), [erin]))).toBe('accepted');
    expect(kept.persons.has('erin')).toBe(false);
    const again = entry(kept, removing('erin'));
    const anew = following(kept, again);
    const ended = following(anew, entry(anew, activating(entryHash(again.body)), [carol], RIPE_MS));
    expect(ended.lastVetoes.size).toBe(0);
  });

  it('is proposed anew in the place of what waited', () => {
    const kept = following(withoutErin, entry(withoutErin, removing('erin'), [bob, carol]));
    expect([...kept.pending.values()].map(({ change, signers }) => [change, [...signers.keys()]])).toEqual([
      [removing('erin'), ['bob', 'carol']],
    ]);
  });

  it('vetoes with a key that was taken away alone, and counts once beside the others', () => {
    const taken = following(slow, entry(slow, { kind: 'credential-removed', credentialId: 'erin-2' }));
    const proposed = entry(taken, ADD_DAVE);
    const waits = following(taken, proposed);
    const veto = vetoing(entryHash(proposed.body));
    expect(code(waits, entry(waits, veto, [erinSpare]))).toBe('accepted');
    expect(code(waits, entry(waits, veto, [erin]))).toBe('accepted');
    expect(code(waits, entry(waits, veto, [erin, erinSpare]))).toBe('governance-signer-duplicate');
    // For what is no veto, it is gone.
    const freeze: Change = { kind: 'frozen', scope: { kind: 'everything' }, why: 'theft' };
    expect(code(waits, entry(waits, freeze, [erinSpare]))).toBe('governance-signer-unknown');
  });

  it('is nobody who was in another group alone, and nobody where nothing waits', () => {
    expect(following(slow, entry(slow, removing('bob'), [alice, carol])).lastVetoes.size).toBe(0);
    const gone = following(quick, entry(quick, removing('erin')));
    expect([gone.lastVetoes.size, gone.pending.size]).toEqual([0, 0]);
  });

  it('is told to whoever signs it, and when it ends', () => {
    const words = (before: GovernanceState, then: GovernanceState) =>
      wordsOfChange(before, then).map(({ says }) => says);
    expect(words(slow, withoutErin)).toContain(
      'erin can veto what waits all the same, and do nothing else, with erin-1, erin-2, until that is ended as well',
    );
    const ended = following(waiting, entry(waiting, activating(endOfErin), [carol], RIPE_MS));
    expect(words(waiting, ended)).toContain('erin vetoes nothing any more with erin-1, erin-2');
  });

  it('is removed at once though as many wait as may', () => {
    let full = slow;
    while (full.pending.size < 64) full = following(full, entry(full, addingNobody(full.sequence)));
    expect(code(full, entry(full, addingNobody(full.sequence)))).toBe('governance-change-invalid');
    expect(code(full, entry(full, removing('erin')))).toBe('accepted');
  });
});

function addingNobody(at: number): Change {
  return { kind: 'group-set', group: { groupId: `group-${at}`, members: ['alice'] } };
}
