// Who states facts from the first entry on: a genesis may name fact keys and what facts have to meet, under the rules that hold
// for the entries that could say it later.

import { describe, expect, it } from '@jest/globals';
import { portableVerifier } from '../statements/signature.js';
import type { FactKey, FactRule } from './entry.js';
import {
  appended,
  auditLogOf,
  codeOf,
  GENESIS,
  type Genesis,
  genesisOf,
  stateOf,
  whyOf,
} from './people.fixture.js';

import { replayGenesis } from './replay.js';

const invalid = 'governance-change-invalid';
const replayed = (change: Partial<Genesis>) => replayGenesis(genesisOf(change), portableVerifier);

const keyOf = (seed: number, altered: Partial<FactKey> = {}): FactKey => ({
  keyId: `watcher-${seed}`,
  algorithm: 'ed25519',
  publicKey: auditLogOf(seed).key.publicKey,
  source: `watcher-${seed}`,
  kinds: ['price'],
  ...altered,
});
const rule = (agree: number, kind: FactRule['kind'] = 'price'): FactRule => ({
  kind,
  agree,
  maxAgeMs: 60_000,
});

describe('a genesis with facts', () => {
  it('has its keys and its rules in force at once, as if entries had said so', () => {
    const state = stateOf(replayed({ factKeys: [keyOf(1), keyOf(2)], factRules: [rule(2)] }));
    expect([...state.factKeys.values()]).toEqual([keyOf(1), keyOf(2)]);
    expect([...state.factRules.values()]).toEqual([rule(2)]);
    const later = [
      { kind: 'fact-key-added', factKey: keyOf(1) },
      { kind: 'fact-key-added', factKey: keyOf(2) },
      { kind: 'fact-rule-set', rule: rule(2) },
    ] as const;
    const grown = later.reduce((so, change) => stateOf(appended(so, change)), stateOf(replayed({})));
    expect([grown.factKeys, grown.factRules]).toEqual([state.factKeys, state.factRules]);
  });

  it('keeps what it registered for good', () => {
    const state = stateOf(replayed({ factKeys: [keyOf(1)] }));
    const gone = stateOf(appended(state, { kind: 'fact-key-removed', keyId: 'watcher-1' }));
    for (const factKey of [keyOf(1), keyOf(1, { keyId: 'other' }), keyOf(2, { keyId: 'watcher-1' })])
      expect(codeOf(appended(gone, { kind: 'fact-key-added', factKey }))).toBe(invalid);
  });

  it('is another deployment than the same one without them', () => {
    const of = (change: Partial<Genesis>) => stateOf(replayed(change)).deploymentId;
    expect(of({ factKeys: [keyOf(1)] })).not.toBe(of({}));
  });
});

describe('a genesis is refused', () => {
  it('when more sources of facts would have to agree than there are', () => {
    const why = [invalid, 'only 1 sources state facts of this kind', 'genesis'];
    expect(whyOf(replayed({ factKeys: [keyOf(1)], factRules: [rule(2)] }))).toEqual(why);
    const twin = [keyOf(1), keyOf(2, { source: 'watcher-1' })];
    expect(whyOf(replayed({ factKeys: twin, factRules: [rule(2)] }))).toEqual(why);
    expect(whyOf(replayed({ factRules: [rule(1)] }))).toEqual([
      invalid,
      'only 0 sources state facts of this kind',
      'genesis',
    ]);
    expect(codeOf(replayed({ factKeys: [keyOf(1)], factRules: [rule(1, 'balance')] }))).toBe(invalid);
  });

  it('when a fact key or a rule is there twice', () => {
    const why = [invalid, 'something is named twice', ''];
    expect(whyOf(replayed({ factKeys: [keyOf(1), keyOf(2, { keyId: 'watcher-1' })] }))).toEqual(why);
    expect(whyOf(replayed({ factKeys: [keyOf(1)], factRules: [rule(1), rule(1)] }))).toEqual(why);
  });

  it('when a fact key is a request key too', () => {
    const [backend] = GENESIS.requestKeys;
    if (!backend) throw new Error('no request key');
    const requestKeys = [{ ...backend, publicKey: keyOf(1).publicKey }];
    expect(whyOf(replayed({ requestKeys, factKeys: [keyOf(1)] }))).toEqual([
      invalid,
      'a key or credential is registered twice',
      `key:${keyOf(1).publicKey}`,
    ]);
    const twins = [keyOf(1), keyOf(1, { keyId: 'other' })];
    expect(codeOf(replayed({ factKeys: twins }))).toBe(invalid);
  });

  it('when a fact key is no point of Ed25519, or of small order', () => {
    for (const publicKey of ['00'.repeat(32), `01${'00'.repeat(31)}`, `02${'00'.repeat(31)}`])
      expect(whyOf(replayed({ factKeys: [keyOf(1, { publicKey })] }))).toEqual([
        invalid,
        'the fact key is no point of Ed25519',
        'genesis',
      ]);
  });

  it('when it lists no keys or no rules in so many words', () => {
    for (const change of [{ factKeys: [] }, { factRules: [] }, { factKeys: [keyOf(1, { kinds: [] })] }])
      expect(codeOf(replayed(change))).toBe('governance-entry-malformed');
  });
});
