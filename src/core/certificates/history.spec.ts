import { describe, expect, it } from '@jest/globals';
import { nativeVerifier } from '../../platform/native-verifier.js';
import { entryHash, type GovernanceEntry } from '../governance/entry.js';
import { alice, bob, bodyAfter, genesisOf, signed, stateOf } from '../governance/people.fixture.js';
import { replayEntry, replayGenesis, replayLog } from '../governance/replay.js';
import type { SignatureVerifier } from '../statements/signature.js';
import { History } from './history.js';

const LENGTH = 12;

function makeLog(): GovernanceEntry[] {
  const genesis = genesisOf();
  const log = [genesis];
  let state = stateOf(replayGenesis(genesis, nativeVerifier));
  for (let at = 1; at < LENGTH; at++) {
    const requestKey = {
      keyId: `key-${at}`,
      algorithm: 'ed25519' as const,
      publicKey: at.toString(16).padStart(64, '0'),
      owners: ['payouts'],
    };
    const entry = signed(bodyAfter(state, { kind: 'request-key-added', requestKey }), alice, bob);
    state = stateOf(replayEntry(state, entry, nativeVerifier));
    log.push(entry);
  }
  return log;
}

const log = makeLog();

/** Counts what it is asked. */
class CountingVerifier implements SignatureVerifier {
  asked = 0;
  ed25519: SignatureVerifier['ed25519'] = (...given) => nativeVerifier.ed25519(...given);
  eip191: SignatureVerifier['eip191'] = (...given) => nativeVerifier.eip191(...given);
  p256: SignatureVerifier['p256'] = (...given) => {
    this.asked += 1;
    return nativeVerifier.p256(...given);
  };
}

function headsOf(history: History, sequences: readonly number[]): string[] {
  return sequences.map((sequence) => stateOf(history.at(sequence)).head);
}

const headAt = (sequence: number) => {
  const entry = log[sequence];
  return entry ? entryHash(entry.body) : '';
};
const all = log.map((_, sequence) => sequence);

describe('a history', () => {
  it('is replayed once for whoever asks in its order, however often', () => {
    const verifier = new CountingVerifier();
    const history = new History(log, verifier);
    const heads = all.map(headAt);
    expect(headsOf(history, all)).toEqual(heads);
    const { asked } = verifier;
    expect(asked).toBe(2 * LENGTH);
    expect(headsOf(history, [LENGTH - 1, LENGTH - 1, LENGTH - 2])).toEqual([
      ...heads.slice(-1),
      ...heads.slice(-1),
      ...heads.slice(-2, -1),
    ]);
    expect(verifier.asked).toBe(asked);
  });

  it('says the same in any order', () => {
    const history = new History(log, nativeVerifier);
    const order = [11, 0, 7, 3, 10, 7, 1];
    expect(headsOf(history, order)).toEqual(order.map(headAt));
  });

  it('refuses from an entry on that does not follow, and what is before it stands', () => {
    const broken = log.map((entry, at) => (at === 9 ? { ...entry, signatures: [] } : entry));
    const history = new History(broken as GovernanceEntry[], nativeVerifier);
    const expected = replayLog(broken, nativeVerifier);
    expect(expected.kind).toBe('refused');
    expect(history.at(11)).toEqual(expected);
    expect(headsOf(history, [8])).toEqual([headAt(8)]);
    expect(history.at(9)).toEqual(expected);
  });

  it('parses the policies of a state once', () => {
    const history = new History(log, nativeVerifier);
    const state = stateOf(history.at(3));
    expect(history.policiesIn(state)).toBe(history.policiesIn(state));
    expect(history.policiesIn(state)).toMatchObject({ kind: 'accepted', value: { hash: state.policyHash } });
  });
});
