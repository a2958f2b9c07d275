// A compromised orchestrator at the signer's socket, with a request key, one officer's token and every signature that was
// ever made, tries to make governance say what no quorum says. What waits, and clocks: timelock.integration.spec.ts.

import { sign } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import {
  Deployment,
  makeBackend,
  makeOfficer,
  type Officer,
  officersSign,
  signEntry,
} from '../../devnet/deployment.js';
import { codeOf, type SocketClient } from '../../devnet/socket-client.js';
import { coin, payTo, psbt } from '../../devnet/transactions.js';
import type { OrderedTransfer } from '../../src/core/authorization/signing-order.js';
import {
  type Change,
  type EntryBody,
  entryBytes,
  entryHash,
  type GovernanceEntry,
} from '../../src/core/governance/entry.js';
import { p2wpkhScript } from '../../src/core/intents/bitcoin/address.js';
import { ALICE_BTC } from './honest-orders.js';

const HOUR_MS = 3_600_000;
const WAIT_MS = 48 * HOUR_MS;

let deployment: Deployment;
let signer: SocketClient;
let own: string;
/** With the token that is his now. */
let bob: Officer;

beforeAll(async () => {
  deployment = await Deployment.create({
    timelock: { whitelistMs: 24 * HOUR_MS, policyMs: WAIT_MS, veto: { group: 'watchers', threshold: 1 } },
  });
  signer = await deployment.start();
  bob = deployment.bob;
  own = p2wpkhScript(deployment.publicKeys.bitcoin);
});
afterAll(() => deployment.destroy());

const codeFor = async (entry: unknown) => codeOf(await signer.ask({ verb: 'governance-append', entry }));

async function taken(entry: GovernanceEntry): Promise<GovernanceEntry> {
  expect(await codeFor(entry)).toBe('done');
  deployment.log.push(entry);
  return entry;
}

function change(change: Change, officers: readonly Officer[], altered: Partial<EntryBody> = {}) {
  return deployment.entry(change, officers, altered);
}

/** Proposed by two, waited for, and activated by the third. */
async function loosened(proposed: Change): Promise<void> {
  const { alice, carol, time } = deployment;
  const entry = await taken(change(proposed, [alice, bob]));
  time.advance(WAIT_MS);
  await taken(change({ kind: 'activated', entry: entryHash(entry.body) }, [carol]));
}

/** An order that two officers' approvals let through, and everything about them may be older than the entries since. */
function paying(approved: OrderedTransfer) {
  const outputs = [payTo(ALICE_BTC, 5_000_000n), { script: own, amountSats: 4_990_000n }];
  return signer.sign({
    wallet: 'hot-btc',
    transaction: psbt([coin(own, 10_000_000n)], outputs),
    transfers: [approved],
  });
}

const approvedBy = (officers: readonly Officer[]) =>
  deployment.transfer(
    deployment.request({
      amount: '5000000',
      destination: ALICE_BTC,
      expiresAtMs: deployment.time.wall + 100 * HOUR_MS,
    }),
    officers,
  );

const REMOVE_ALICE: Change = { kind: 'person-removed', personId: 'alice' };

describe('governance: the signer refuses', () => {
  it('two signatures of one person with two tokens, as a quorum (governance-signer-duplicate)', async () => {
    const { alice } = deployment;
    const spare = makeOfficer('alice', 'alice-spare');
    await loosened({ kind: 'credential-added', personId: 'alice', credential: spare.credential });
    const remove: Change = { kind: 'person-removed', personId: 'carol' };
    expect(await codeFor(change(remove, [alice, spare]))).toBe('governance-signer-duplicate');
    // And as an activation beside the first of them, of what that one signed.
    const entry = await taken(
      change({ kind: 'quorum-set', quorum: { group: 'treasury', threshold: 2 } }, [alice, bob]),
    );
    deployment.time.advance(WAIT_MS);
    const activation: Change = { kind: 'activated', entry: entryHash(entry.body) };
    expect(await codeFor(change(activation, [spare]))).toBe('governance-activator-proposed');
    await taken(change({ kind: 'vetoed', entry: entryHash(entry.body), why: 'a test' }, [deployment.carol]));
  });

  it('a quorum that an entry would make smaller, for that very entry (governance-quorum-missing)', async () => {
    const { alice } = deployment;
    const smaller: Change = { kind: 'quorum-set', quorum: { group: 'governors', threshold: 1 } };
    expect(await codeFor(change(smaller, [alice]))).toBe('governance-quorum-missing');
    const mine: Change = { kind: 'group-set', group: { groupId: 'governors', members: ['alice'] } };
    expect(await codeFor(change(mine, [alice]))).toBe('governance-quorum-missing');
    const noWait = { whitelistMs: 0, policyMs: 0, veto: { group: 'governors', threshold: 1 } };
    expect(await codeFor(change({ kind: 'timelock-set', timelock: noWait }, [alice]))).toBe(
      'governance-quorum-missing',
    );
  });

  it('no wait, for an entry that was let wait before the waits were made shorter', async () => {
    const { alice, carol, time } = deployment;
    const guest = makeOfficer('guest');
    const person = { personId: 'guest', name: 'guest', credentials: [guest.credential] };
    const veto = { group: 'watchers', threshold: 1 };
    const shorter = { whitelistMs: HOUR_MS, policyMs: HOUR_MS, veto };
    const set = await taken(change({ kind: 'timelock-set', timelock: shorter }, [alice, bob]));
    time.advance(WAIT_MS - HOUR_MS);
    const joining = await taken(change({ kind: 'person-added', person, groups: ['treasury'] }, [alice, bob]));
    const activating = (entry: GovernanceEntry, altered: Partial<EntryBody> = {}) =>
      change({ kind: 'activated', entry: entryHash(entry.body) }, [carol], altered);
    // The shorter waits waited the longest of those in force, and what came before them has its own.
    expect(await codeFor(activating(set, { createdAtMs: time.wall + WAIT_MS }))).toBe('governance-timelock');
    time.advance(HOUR_MS);
    await taken(activating(set));
    time.advance(HOUR_MS);
    expect(await codeFor(activating(joining))).toBe('governance-timelock');
    expect(await codeFor(activating(joining, { createdAtMs: time.wall + WAIT_MS }))).toBe(
      'governance-timelock',
    );
    await taken(change({ kind: 'vetoed', entry: entryHash(joining.body), why: 'a test' }, [carol]));
    await taken(
      change(
        { kind: 'timelock-set', timelock: { ...shorter, whitelistMs: 24 * HOUR_MS, policyMs: WAIT_MS } },
        [alice, bob],
      ),
    );
  });

  it('another audit log at once, under whose name the record would begin anew', async () => {
    const { carol, time } = deployment;
    await taken(await deployment.auditLogEntry());
    const other = await taken(await deployment.auditLogEntry('audit-2', 'exchange.example/anew'));
    const activated = () => change({ kind: 'activated', entry: entryHash(other.body) }, [carol]);
    time.advance(WAIT_MS - 1);
    expect(await codeFor(activated())).toBe('governance-timelock');
    const veto: Change = { kind: 'vetoed', entry: entryHash(other.body), why: 'no log was lost' };
    await taken(change(veto, [carol]));
    time.advance(1);
    expect(await codeFor(activated())).toBe('governance-not-pending');
  });

  it('signatures of an entry that was vetoed, under the next number', async () => {
    const { alice, carol } = deployment;
    const guest = makeOfficer('guest-2');
    const person = { personId: 'guest-2', name: 'guest-2', credentials: [guest.credential] };
    const vetoed = await taken(change({ kind: 'person-added', person, groups: ['treasury'] }, [alice, bob]));
    await taken(change({ kind: 'vetoed', entry: entryHash(vetoed.body), why: 'not agreed' }, [carol]));
    expect(await codeFor(vetoed)).toBe('governance-sequence');
    const moved = change(vetoed.body.change, [alice, bob], { createdAtMs: vetoed.body.createdAtMs });
    expect(await codeFor({ ...moved, signatures: vetoed.signatures })).toBe('governance-signature-invalid');
  });

  it('a veto and an activation that were signed for another entry', async () => {
    const { alice, carol, time } = deployment;
    const entries: GovernanceEntry[] = [];
    for (const groupId of ['desk-a', 'desk-b']) {
      const set: Change = { kind: 'group-set', group: { groupId, members: ['alice', 'bob'] } };
      entries.push(await taken(change(set, [alice, bob])));
    }
    const [one, two] = entries.map(({ body }) => entryHash(body));
    time.advance(WAIT_MS);
    const activation = change({ kind: 'activated', entry: one ?? '' }, [carol]);
    const other = change({ kind: 'activated', entry: two ?? '' }, [carol]);
    expect(await codeFor({ ...other, signatures: activation.signatures })).toBe(
      'governance-signature-invalid',
    );
    const veto = change({ kind: 'vetoed', entry: one ?? '', why: 'not agreed' }, [carol]);
    expect(await codeFor({ ...activation, signatures: veto.signatures })).toBe(
      'governance-signature-invalid',
    );
    for (const entry of [one, two]) {
      await taken(change({ kind: 'vetoed', entry: entry ?? '', why: 'a test' }, [carol]));
    }
  });

  it('anything but a freeze by a freeze key, alone or beside an officer', async () => {
    const { alice } = deployment;
    const { keyId, publicKey, privateKey } = makeBackend('watcher', []);
    const freezeKey = { keyId, algorithm: 'ed25519', publicKey, holder: 'the watcher' } as const;
    await taken(change({ kind: 'freeze-key-added', freezeKey }, [alice, bob]));
    const byKey = ({ body }: GovernanceEntry, officers: readonly Officer[] = []): GovernanceEntry => {
      const signature = sign(null, entryBytes(body), privateKey).toString('hex');
      return {
        body,
        signatures: [{ credentialId: keyId, signature }, ...officersSign(entryBytes(body), officers)],
      };
    };
    const everything = { kind: 'everything' } as const;
    await taken(byKey(change({ kind: 'frozen', scope: everything, why: 'drill' }, [])));
    const thaw = change({ kind: 'thawed', scope: everything }, []);
    expect(await codeFor(byKey(thaw))).toBe('governance-signer-unknown');
    expect(await codeFor(byKey(thaw, [alice]))).toBe('governance-signer-unknown');
    expect(await codeFor(byKey(change(REMOVE_ALICE, [])))).toBe('governance-signer-unknown');
    const wallet = { kind: 'wallet', walletId: 'hot-btc' } as const;
    const another = change({ kind: 'frozen', scope: wallet, why: 'drill' }, []);
    expect(await codeFor(byKey(another, [alice]))).toBe('governance-signer-unknown');
    // And what it signed is bound to its place: the freeze is not had again after the thaw.
    const [frozen] = deployment.log.slice(-1);
    await taken(change({ kind: 'thawed', scope: everything }, [alice, bob]));
    expect(await codeFor(frozen)).toBe('governance-sequence');
    const moved = change({ kind: 'frozen', scope: everything, why: 'drill' }, []);
    expect(await codeFor({ ...moved, signatures: frozen?.signatures ?? [] })).toBe(
      'governance-signature-invalid',
    );
    await taken(change({ kind: 'freeze-key-removed', keyId }, [alice, bob]));
    expect(await codeFor(byKey(change({ kind: 'frozen', scope: everything, why: 'drill' }, [])))).toBe(
      'governance-signer-unknown',
    );
  });

  it('an approval under an entry that was shown to its officer alone (governance-head-unknown)', async () => {
    const { alice, carol } = deployment;
    const here = change({ kind: 'request-key-removed', keyId: 'carol-desk' }, [alice, bob]);
    const there = change({ kind: 'person-removed', personId: 'nobody-else' }, [alice, bob]);
    expect(there.body.sequence).toBe(here.body.sequence);
    const request = deployment.request({ amount: '5000000', destination: ALICE_BTC });
    const statement = deployment.statement(request, { governanceHead: entryHash(there.body) });
    const approvals = [bob, carol].map((officer) => deployment.approve(statement, officer));
    await taken(here);
    expect(await codeFor(there)).toBe('governance-sequence');
    expect(codeOf(await paying({ request, statement, approvals }))).toBe('governance-head-unknown');
  });

  it('an approval with a token that was taken from its officer since, who stays one (approver-not-in-roster)', async () => {
    const spare = makeOfficer('bob', 'bob-spare');
    await loosened({ kind: 'credential-added', personId: 'bob', credential: spare.credential });
    const early = approvedBy([deployment.alice, bob]);
    await taken(
      change({ kind: 'credential-removed', credentialId: 'bob-token' }, [deployment.alice, deployment.carol]),
    );
    expect(codeOf(await paying(early))).toBe('approver-not-in-roster');
    expect(codeOf(await paying(approvedBy([deployment.alice, spare])))).toBe('done');
    bob = spare;
  });

  it('an approval, a signature and the name of an officer who was removed since, for good', async () => {
    const { alice, carol } = deployment;
    const erin = makeOfficer('erin');
    const person = { personId: 'erin', name: 'erin', credentials: [erin.credential] };
    await loosened({ kind: 'person-added', person, groups: ['governors', 'treasury'] });
    const early = approvedBy([alice, bob]);
    await taken(change(REMOVE_ALICE, [bob, carol]));
    expect(codeOf(await paying(early))).toBe('approver-not-in-roster');
    const scope = { kind: 'everything' } as const;
    expect(await codeFor(change({ kind: 'frozen', scope, why: 'mine' }, [alice]))).toBe(
      'governance-signer-unknown',
    );
    const again = { personId: 'alice', name: 'alice', credentials: [alice.credential] };
    const renamed = { ...again, personId: 'alicia' };
    for (const who of [again, renamed]) {
      const back = change({ kind: 'person-added', person: who, groups: ['treasury'] }, [bob, carol]);
      expect(await codeFor(back)).toBe('governance-change-invalid');
    }
    expect(codeOf(await paying(early))).toBe('approver-not-in-roster');
  });

  it('an entry of another deployment with the same persons and keys, whatever is written over it', async () => {
    const { carol, log } = deployment;
    const [genesis] = log;
    if (genesis?.body.change.kind !== 'genesis') throw new Error('the log begins with a genesis');
    const twin = { ...genesis.body, change: { ...genesis.body.change, seed: 'ab'.repeat(32) } };
    const foreign = signEntry(
      { ...change({ kind: 'person-removed', personId: 'erin' }, []).body, deploymentId: entryHash(twin) },
      [bob, carol],
    );
    expect(await codeFor(foreign)).toBe('governance-other-deployment');
    const renamed = { ...foreign, body: { ...foreign.body, deploymentId: deployment.deploymentId } };
    expect(await codeFor(renamed)).toBe('governance-signature-invalid');
  });
});
