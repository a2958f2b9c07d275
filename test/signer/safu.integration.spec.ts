// SAFU's own quorum at the signer's door: governors and a compromised orchestrator, without a custodian, try to make themselves
// custodians, or to change what custodians decide.

import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Deployment, makeOfficer, type Officer } from '../../devnet/deployment.js';
import { codeOf, type SocketClient } from '../../devnet/socket-client.js';
import type { Change, Person } from '../../src/core/governance/entry.js';

let deployment: Deployment;
let signer: SocketClient;
let governors: readonly Officer[];
const gina = makeOfficer('gina');
const hugo = makeOfficer('hugo');
const ivan = makeOfficer('ivan');
const thief = makeOfficer('thief');

function personOf(personId: string, { credential }: Officer): Person {
  return { personId, name: personId, credentials: [credential] };
}

async function codeFor(change: Change, officers: readonly Officer[]): Promise<string> {
  const entry = deployment.entry(change, officers);
  const code = codeOf(await signer.ask({ verb: 'governance-append', entry }));
  if (code === 'done') deployment.log.push(entry);
  return code;
}

beforeAll(async () => {
  deployment = await Deployment.create();
  signer = await deployment.start();
  governors = [deployment.alice, deployment.bob, deployment.carol];
  const people: readonly (readonly [string, Officer])[] = [
    ['gina', gina],
    ['hugo', hugo],
    ['ivan', ivan],
  ];
  const changes: Change[] = [
    ...people.map(([id, one]): Change => ({ kind: 'person-added', person: personOf(id, one), groups: [] })),
    { kind: 'group-set', group: { groupId: 'custodians', members: ['gina', 'hugo'] } },
    { kind: 'safu-quorum-set', quorum: { group: 'custodians', threshold: 2 } },
  ];
  for (const change of changes) expect(await codeFor(change, governors)).toBe('done');
});
afterAll(() => deployment.destroy());

const LENT: Change = {
  kind: 'delegation-added',
  delegation: {
    delegationId: 'holiday',
    group: 'custodians',
    from: 'hugo',
    to: 'ivan',
    startsAtMs: 1,
    endsAtMs: 4_000_000_000_000,
  },
};

describe('SAFU: the signer refuses, without its quorum (governance-quorum-missing)', () => {
  it.each<[string, Change]>([
    [
      'a custodian more',
      { kind: 'group-set', group: { groupId: 'custodians', members: ['gina', 'hugo', 'ivan'] } },
    ],
    ['a smaller quorum of it', { kind: 'safu-quorum-set', quorum: { group: 'custodians', threshold: 1 } }],
    [
      'another key of a custodian',
      { kind: 'credential-added', personId: 'gina', credential: thief.credential },
    ],
    ['a custodian less', { kind: 'person-removed', personId: 'gina' }],
    ['somebody in the place of a custodian', LENT],
    [
      'an address that it may pay',
      {
        kind: 'whitelist-added',
        entry: {
          entryId: 'mine',
          label: 'SAFU payout',
          chain: 'bip122:0f9188f13cb7b2c71f2a335e3a4fc328',
          address: 'bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080',
          tiers: ['safu'],
        },
      },
    ],
  ])('%s', async (_, change) => {
    expect(await codeFor(change, governors)).toBe('governance-quorum-missing');
    expect(await codeFor(change, [gina, hugo])).toBe('governance-quorum-missing');
    expect(await codeFor(change, [...governors, gina])).toBe('governance-quorum-missing');
  });

  it('another key of who stands in for a custodian, or that they leave', async () => {
    expect(await codeFor(LENT, [...governors, gina, hugo])).toBe('done');
    const key: Change = { kind: 'credential-added', personId: 'ivan', credential: thief.credential };
    expect(await codeFor(key, governors)).toBe('governance-quorum-missing');
    expect(await codeFor({ kind: 'person-removed', personId: 'ivan' }, governors)).toBe(
      'governance-quorum-missing',
    );
    expect(await codeFor({ kind: 'delegation-removed', delegationId: 'holiday' }, governors)).toBe(
      'governance-quorum-missing',
    );
    expect(await codeFor(key, [...governors, gina, hugo])).toBe('done');
  });
});
