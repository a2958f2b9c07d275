import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { portableVerifier } from '../statements/signature.js';
import { type Change, entryHash, type GovernanceEntry } from './entry.js';
import {
  ADD_DAVE,
  alice,
  aliceSpare,
  appended,
  bob,
  bodyAfter,
  carol,
  codeOf,
  dave,
  genesisOf,
  type Key,
  QUORUM_OF_3,
  REMOVE_CAROL,
  signed,
  start,
  stateOf,
} from './people.fixture.js';
import { replayEntry, replayGenesis, replayKnownLog, replayLog } from './replay.js';

/** Genesis, Dave joins, the quorum becomes three, Carol leaves. */
function validLog(): readonly GovernanceEntry[] {
  const log: GovernanceEntry[] = [genesisOf()];
  const changes: readonly (readonly [Change, readonly Key[]])[] = [
    [ADD_DAVE, [alice, carol]],
    [QUORUM_OF_3, [bob, carol]],
    [REMOVE_CAROL, [alice, bob, dave]],
  ];
  for (const [change, keys] of changes) {
    const state = stateOf(replayLog(log, portableVerifier));
    log.push(signed(bodyAfter(state, change), ...keys));
  }
  return log;
}

const LOG = validLog();
const FINAL = stateOf(replayLog(LOG, portableVerifier));

describe('a governance log', () => {
  it('replays to the roster, groups, quorum and head that its entries say', () => {
    expect(FINAL.sequence).toBe(3);
    expect([...FINAL.persons.keys()]).toEqual(['alice', 'bob', 'dave']);
    expect(FINAL.groups.get('governors')).toEqual(['alice', 'bob', 'dave']);
    expect(FINAL.groups.get('treasury')).toEqual(['alice', 'bob']);
    expect(FINAL.quorum.threshold).toBe(3);
    expect(FINAL.history).toEqual(LOG.map(({ body }) => entryHash(body)));
    expect(FINAL.head).toBe(FINAL.history.at(-1));
    expect(FINAL.deploymentId).toBe(FINAL.history[0]);
  });

  it('replays the same from its JSON text', () => {
    expect(replayLog(JSON.parse(JSON.stringify(LOG)), portableVerifier)).toEqual(
      replayLog(LOG, portableVerifier),
    );
  });

  it('is accepted by somebody who knows any of its entries', () => {
    for (const head of FINAL.history) {
      const known = { deploymentId: FINAL.deploymentId, head };
      expect(codeOf(replayKnownLog(LOG, portableVerifier, known))).toBe('accepted');
    }
  });

  it('is refused when it is cut short before a head that is known', () => {
    const known = { deploymentId: FINAL.deploymentId, head: FINAL.head };
    for (const length of [1, 2, 3]) {
      expect(codeOf(replayLog(LOG.slice(0, length), portableVerifier))).toBe('accepted');
      expect(codeOf(replayKnownLog(LOG.slice(0, length), portableVerifier, known))).toBe(
        'governance-head-missing',
      );
    }
    expect(codeOf(replayKnownLog([], portableVerifier, known))).toBe('governance-entry-malformed');
  });

  it('is refused when a quorum wrote another continuation than the known one', () => {
    const fork = [LOG[0], signed(bodyAfter(start, QUORUM_OF_3), alice, bob)];
    const known = { deploymentId: FINAL.deploymentId, head: FINAL.head };
    expect(codeOf(replayKnownLog(fork, portableVerifier, known))).toBe('governance-head-missing');
  });

  it('is refused when its genesis is not the pinned one', () => {
    const other = [genesisOf({ seed: '5f'.repeat(32) })];
    const state = stateOf(replayLog(other, portableVerifier));
    const known = { deploymentId: FINAL.deploymentId, head: state.head };
    expect(codeOf(replayKnownLog(other, portableVerifier, known))).toBe('governance-other-deployment');
  });

  it('is refused in any other order, with any entry left out, and with any entry twice', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(LOG.length - 1), { minLength: 1, maxLength: LOG.length + 1 }), (order) => {
        fc.pre(order.some((entry, at) => entry !== at));
        const wrong = order.findIndex((entry, at) => entry !== at);
        const late = order[wrong] === 0 ? 'governance-other-deployment' : 'governance-sequence';
        const expected = wrong === 0 ? 'governance-not-genesis' : late;
        const outcome = replayLog(
          order.map((entry) => LOG[entry]),
          portableVerifier,
        );
        expect(codeOf(outcome)).toBe(expected);
      }),
      { numRuns: 60 },
    );
  });

  it('is refused when one byte of an entry is another', () => {
    const text = JSON.stringify(LOG[1]);
    fc.assert(
      fc.property(fc.nat(text.length - 1), fc.integer({ min: 0x20, max: 0x7e }), (at, byte) => {
        const character = String.fromCharCode(byte);
        fc.pre(text[at] !== character);
        const edited = parsedOr(`${text.slice(0, at)}${character}${text.slice(at + 1)}`);
        expect([
          'governance-entry-malformed',
          'governance-other-deployment',
          'governance-sequence',
          'governance-previous-mismatch',
          'governance-signature-invalid',
          'governance-signer-unknown',
          'governance-signer-duplicate',
        ]).toContain(codeOf(replayEntry(start, edited, portableVerifier)));
      }),
      { numRuns: 300 },
    );
  });

  it.each(LOG.map((_, index) => index))(
    'is refused when the content of entry %i is edited under its old signatures',
    (index) => {
      const edited = LOG.map((entry, at) =>
        at === index ? { ...entry, body: { ...entry.body, createdAtMs: entry.body.createdAtMs + 1 } } : entry,
      );
      expect(codeOf(replayLog(edited, portableVerifier))).toBe('governance-signature-invalid');
    },
  );

  it.each([
    ['its genesis', 0],
    ['a later entry', 1],
  ])('is refused with governance-entry-malformed when %s says something more than an entry may', (_, at) => {
    const log = LOG.map((entry, index) => (index === at ? { ...entry, note: 'nobody signed this' } : entry));
    expect(codeOf(replayLog(log, portableVerifier))).toBe('governance-entry-malformed');
  });

  it.each([
    ['an entry', { previous: '11'.repeat(32) }],
    ['a deployment', { deploymentId: '11'.repeat(32) }],
  ])('is refused when its genesis says that %s stands before it', (_, altered) => {
    const genesis = signed({ ...genesisOf().body, ...altered }, alice, bob);
    expect(codeOf(replayLog([genesis], portableVerifier))).toBe('governance-previous-mismatch');
  });

  it('is refused when an edited entry is signed again but those after it are not', () => {
    const [, second] = LOG;
    if (!second) throw new Error('the log is too short');
    const edited = signed({ ...second.body, createdAtMs: 1 }, alice, bob);
    expect(codeOf(replayLog([LOG[0], edited, ...LOG.slice(2)], portableVerifier))).toBe(
      'governance-previous-mismatch',
    );
  });
});

/** What a text is as JSON; a text that is none is itself, which no entry is. */
function parsedOr(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

describe('the quorum for an entry', () => {
  it('is missing with one person', () => {
    expect(codeOf(appended(start, ADD_DAVE, alice))).toBe('governance-quorum-missing');
  });

  it('is missing without any signature', () => {
    const entry = { body: bodyAfter(start, ADD_DAVE), signatures: [] };
    expect(codeOf(replayEntry(start, entry, portableVerifier))).toBe('governance-entry-malformed');
  });

  it('refuses one credential that signs twice', () => {
    expect(codeOf(appended(start, ADD_DAVE, alice, alice))).toBe('governance-signer-duplicate');
  });

  it('refuses one person who signs with two credentials', () => {
    expect(codeOf(appended(start, ADD_DAVE, alice, aliceSpare))).toBe('governance-signer-duplicate');
    expect(codeOf(appended(start, ADD_DAVE, alice, bob, aliceSpare))).toBe('governance-signer-duplicate');
  });

  it('takes any one credential of a person', () => {
    expect(codeOf(appended(start, ADD_DAVE, aliceSpare, carol))).toBe('accepted');
  });

  it("is the old state's: whoever an entry brings in does not sign for it", () => {
    expect(codeOf(appended(start, ADD_DAVE, alice, dave))).toBe('governance-signer-unknown');
  });

  it("is the old state's: an entry that lowers the quorum needs the one before", () => {
    const strict = stateOf(appended(start, QUORUM_OF_3));
    const lower: Change = { kind: 'quorum-set', quorum: { group: 'governors', threshold: 2 } };
    expect(codeOf(appended(strict, lower, alice, bob))).toBe('governance-quorum-missing');
    expect(codeOf(appended(strict, lower, alice, bob, carol))).toBe('accepted');
  });

  it("is the old state's: who is removed by an entry may still sign that very one", () => {
    expect(codeOf(appended(start, REMOVE_CAROL, alice, carol))).toBe('accepted');
  });

  it('refuses the signature of a person who was removed', () => {
    expect(codeOf(appended(FINAL, QUORUM_OF_3, alice, bob, carol))).toBe('governance-signer-unknown');
  });

  it('does not count a person outside the group, though in the roster', () => {
    const state = stateOf(appended(start, { ...ADD_DAVE, groups: [] }));
    expect(codeOf(appended(state, QUORUM_OF_3, alice, dave))).toBe('governance-quorum-missing');
    expect(codeOf(appended(state, QUORUM_OF_3, alice, bob, dave))).toBe('accepted');
  });

  it('refuses a signature over another entry', () => {
    const entry = signed(bodyAfter(start, ADD_DAVE), alice, bob);
    const other = { ...entry, body: bodyAfter(start, QUORUM_OF_3) };
    expect(codeOf(replayEntry(start, other, portableVerifier))).toBe('governance-signature-invalid');
  });

  it("refuses one person's signature under another's credential", () => {
    const entry = signed(bodyAfter(start, ADD_DAVE), alice, bob);
    const [first, second] = entry.signatures;
    const swapped = { ...entry, signatures: [first, { ...second, credentialId: 'carol-1' }] };
    expect(codeOf(replayEntry(start, swapped, portableVerifier))).toBe('governance-signature-invalid');
  });

  it('refuses an entry that is valid in another deployment', () => {
    const other = stateOf(replayGenesis(genesisOf({ seed: '5f'.repeat(32) }), portableVerifier));
    const entry = signed(bodyAfter(other, ADD_DAVE), alice, bob);
    expect(codeOf(replayEntry(other, entry, portableVerifier))).toBe('accepted');
    expect(codeOf(replayEntry(start, entry, portableVerifier))).toBe('governance-other-deployment');
  });
});
