// Thieves with a quorum's keys at the signer's door, who take out at once whoever would veto what they propose next: those
// veto it all the same, by the signer alone.

import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Deployment, makeOfficer, type Officer } from '../../devnet/deployment.js';
import { codeOf, type SocketClient } from '../../devnet/socket-client.js';
import { type Change, entryHash, type GovernanceEntry } from '../../src/core/governance/entry.js';

const HOUR_MS = 3_600_000;
const WAIT_MS = 48 * HOUR_MS;

let deployment: Deployment;
let signer: SocketClient;

beforeAll(async () => {
  deployment = await Deployment.create({
    timelock: { whitelistMs: 24 * HOUR_MS, policyMs: WAIT_MS, veto: { group: 'watchers', threshold: 1 } },
  });
  signer = await deployment.start();
});
afterAll(() => deployment.destroy());

async function codeFor(entry: GovernanceEntry): Promise<string> {
  return codeOf(await signer.ask({ verb: 'governance-append', entry }));
}

async function taken(entry: GovernanceEntry): Promise<GovernanceEntry> {
  expect(await codeFor(entry)).toBe('done');
  deployment.log.push(entry);
  return entry;
}

/** Signed by whose keys were stolen, unless said otherwise. */
function change(made: Change, officers: readonly Officer[] = [deployment.alice, deployment.bob]) {
  return deployment.entry(made, officers);
}

function joining(officer: Officer, ...groups: string[]): Change {
  const { personId, credential } = officer;
  return { kind: 'person-added', person: { personId, name: personId, credentials: [credential] }, groups };
}

function veto(entry: GovernanceEntry, officer: Officer) {
  return change({ kind: 'vetoed', entry: entryHash(entry.body), why: 'stolen keys' }, [officer]);
}

/** By carol, whose key they have as well. */
function activation(entry: GovernanceEntry) {
  return change({ kind: 'activated', entry: entryHash(entry.body) }, [deployment.carol]);
}

describe('who was taken out of the group that vetoes', () => {
  it('vetoes what is proposed next, and nothing once that has waited and ended', async () => {
    const { erika, time } = deployment;
    const fay = makeOfficer('fay');
    const joined = await taken(change(joining(fay, 'watchers')));
    time.advance(WAIT_MS);
    await taken(activation(joined));
    const outErika = await taken(change({ kind: 'person-removed', personId: 'erika' }));
    await taken(change({ kind: 'person-removed', personId: 'fay' }));
    const theirs = await taken(change(joining(makeOfficer('mallory'), 'treasury', 'governors')));
    expect(await codeFor(veto(outErika, erika))).toBe('governance-signer-unknown');
    const freeze: Change = { kind: 'frozen', scope: { kind: 'everything' }, why: 'theft' };
    expect(await codeFor(change(freeze, [erika]))).toBe('governance-signer-unknown');
    await taken(veto(theirs, fay));
    time.advance(WAIT_MS - 1);
    expect(await codeFor(activation(theirs))).toBe('governance-not-pending');
    const again = await taken(change(joining(makeOfficer('mallet'), 'treasury')));
    // Across a restart as well; and the end waits by the time that the signer measured.
    await deployment.stop();
    deployment.time.wall += 1_000;
    signer = await deployment.start();
    expect(await codeFor(activation(outErika))).toBe('governance-timelock');
    await taken(veto(again, erika));
    time.advance(1);
    await taken(activation(outErika));
    const last = await taken(change(joining(makeOfficer('malory'), 'treasury')));
    expect(await codeFor(veto(last, erika))).toBe('governance-signer-unknown');
    await taken(veto(last, fay));
  });
});
