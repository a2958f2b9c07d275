// Who lets act what has waited: for what touches SAFU its own quorum as well, and somebody is left to do it; and what another
// audit log waits for.

import { describe, expect, it } from '@jest/globals';
import { portableVerifier } from '../statements/signature.js';
import { type Change, entryHash, type GovernanceEntry } from './entry.js';
import {
  alice,
  auditLogOf,
  BITCOIN,
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
  whyOf,
} from './people.fixture.js';
import { replayEntry, replayGenesis } from './replay.js';
import type { GovernanceState } from './state.js';
import { erin, frank, gina, hugo, slowWithTiers, tierWallet } from './tiers.fixture.js';
import { wantedFor } from './wanted.js';

const slow = slowWithTiers([tierWallet('safu-btc', 'safu', 2)]);

function entry(state: GovernanceState, change: Change, keys: readonly Key[], laterMs = 0): GovernanceEntry {
  const body = bodyAfter(state, change);
  return signed({ ...body, createdAtMs: body.createdAtMs + laterMs }, ...keys);
}

/** The entry waits; what activating it comes to, signed by these. */
function proposed(state: GovernanceState, change: Change, keys: readonly Key[]) {
  const proposal = entry(state, change, keys);
  const waiting = stateOf(replayEntry(state, proposal, portableVerifier));
  const activated = { kind: 'activated', entry: entryHash(proposal.body) } as const;
  expect(waiting.pending.has(activated.entry)).toBe(true);
  const by = (...signers: readonly Key[]) =>
    replayEntry(waiting, entry(waiting, activated, signers, 3_000), portableVerifier);
  return { waiting, activated, by };
}

const listing = (tiers: ['hot' | 'safu']): Change => ({
  kind: 'whitelist-added',
  entry: {
    entryId: 'relief',
    label: 'relief',
    chain: BITCOIN,
    address: 'bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080',
    tiers,
  },
});

describe('what touches SAFU', () => {
  const { waiting, activated, by } = proposed(slow, listing(['safu']), [alice, bob, gina, hugo]);

  it("acts only with SAFU's own quorum, which says again that it may, and another who may veto", () => {
    expect(codeOf(by(erin))).toBe('governance-quorum-missing');
    expect(codeOf(by(erin, gina))).toBe('governance-quorum-missing');
    expect(codeOf(by(gina, hugo))).toBe('governance-quorum-missing');
    expect(codeOf(by(erin, gina, hugo))).toBe('accepted');
  });

  it('is not activated by a governor who signed it, beside them', () => {
    expect(codeOf(by(erin, gina, hugo, alice))).toBe('governance-activator-proposed');
  });

  it('is told to want both', () => {
    expect(wantedFor(activated, waiting)).toMatchObject([
      { group: 'guards', threshold: 1, candidates: ['erin', 'frank'] },
      { group: 'custodians', threshold: 2, candidates: ['gina', 'hugo'] },
    ]);
  });

  it('and no other wants it', () => {
    expect(codeOf(proposed(slow, listing(['hot']), [alice, bob]).by(frank))).toBe('accepted');
  });
});

describe('custodians who veto', () => {
  const ivan = newKey('ivan-1');
  const starting = (members: string[]) =>
    replayGenesis(
      genesisOf(
        {
          persons: [
            ...GENESIS.persons,
            personOf('gina', gina),
            personOf('hugo', hugo),
            personOf('ivan', ivan),
            personOf('erin', erin),
          ],
          groups: [...GENESIS.groups, { groupId: 'custodians', members }],
          safu: { group: 'custodians', threshold: 2 },
          timelock: { whitelistMs: 1_000, policyMs: 2_000, veto: { group: 'custodians', threshold: 1 } },
          wallets: [...GENESIS.wallets, tierWallet('safu-btc', 'safu', 2)],
        },
        alice,
        bob,
        gina,
        hugo,
      ),
      portableVerifier,
    );

  it('are more than sign for SAFU, or nobody would be left to activate what they signed', () => {
    expect(whyOf(starting(['gina', 'hugo']))).toEqual([
      'governance-change-invalid',
      "nobody who may activate is left when SAFU's quorum has signed",
      'custodians',
    ]);
    expect(whyOf(starting(['gina', 'hugo', 'ivan']))).toEqual([
      'governance-change-invalid',
      'gina could veto every change and never be removed',
      'genesis',
    ]);
    const state = stateOf(starting(['gina', 'hugo', 'ivan', 'erin']));
    const out = (before: GovernanceState, personId: string) =>
      replayEntry(
        before,
        entry(before, { kind: 'person-removed', personId }, [alice, bob, gina, hugo]),
        portableVerifier,
      );
    const without = stateOf(out(state, 'erin'));
    expect(whyOf(out(without, 'ivan'))).toEqual([
      'governance-change-invalid',
      "nobody who may activate is left when SAFU's quorum has signed",
      'custodians',
    ]);
  });

  it('activate what they signed for SAFU only with another of them, who did not', () => {
    const state = stateOf(starting(['gina', 'hugo', 'ivan', 'erin']));
    const { by } = proposed(state, listing(['safu']), [alice, bob, gina, hugo]);
    expect(codeOf(by(gina, hugo))).toBe('governance-activator-proposed');
    expect(codeOf(by(gina, ivan))).toBe('accepted');
    expect(codeOf(by(ivan))).toBe('governance-quorum-missing');
  });
});

describe('the audit log', () => {
  const set = (seed: number, origin?: string): Change => ({
    kind: 'audit-log-set',
    auditLog: auditLogOf(seed, origin === undefined ? {} : { origin }),
  });
  const named = stateOf(replayEntry(slow, entry(slow, set(1), [alice, bob]), portableVerifier));

  it('is named at once, and gets another key at once', () => {
    expect(named.auditLog).toEqual(auditLogOf(1));
    const rotated = stateOf(replayEntry(named, entry(named, set(2), [alice, bob]), portableVerifier));
    expect(rotated.auditLog).toEqual(auditLogOf(2));
  });

  it('is closed for another one only after a wait, in which who may veto sees it', () => {
    const { waiting, activated, by } = proposed(named, set(3, 'exchange.example/anew'), [alice, bob]);
    expect(waiting.auditLog).toEqual(auditLogOf(1));
    const early = entry(waiting, activated, [erin], 1_000);
    expect(codeOf(replayEntry(waiting, early, portableVerifier))).toBe('governance-timelock');
    expect(codeOf(by(alice))).toBe('governance-quorum-missing');
    expect(stateOf(by(erin)).auditLog?.origin).toBe('exchange.example/anew');
    const veto: Change = { kind: 'vetoed', entry: activated.entry, why: 'no log was lost' };
    const vetoed = stateOf(replayEntry(waiting, entry(waiting, veto, [frank]), portableVerifier));
    expect([vetoed.auditLog?.origin, vetoed.pending.size]).toEqual(['exchange.example/audit', 0]);
  });

  it('that waits to be closed is not, once it got another key: that was meant for the one before', () => {
    const { waiting, activated } = proposed(named, set(3, 'exchange.example/anew'), [alice, bob]);
    const rotated = stateOf(replayEntry(waiting, entry(waiting, set(4), [bob, carol]), portableVerifier));
    expect(rotated.pending.has(activated.entry)).toBe(false);
  });
});
