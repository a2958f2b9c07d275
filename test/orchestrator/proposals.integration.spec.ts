// Proposals over the API, on both databases, in front of a real signer: from a draft to the governance log, and every way in
// which a draft or a signature is refused.

import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { BITCOIN, makeOfficer, type Officer, officersSign } from '../../devnet/deployment.js';
import { type Change, entryBytes, entryHash } from '../../src/core/governance/entry.js';
import { appModule } from '../../src/orchestrator/app.module.js';
import { auditPage } from '../../src/orchestrator/audit/audit.endpoints.js';
import { Fsck } from '../../src/orchestrator/audit/fsck.js';
import { configuration as configurationSchema } from '../../src/orchestrator/config/settings.js';
import { Database } from '../../src/orchestrator/database/database.js';
import { run } from '../../src/orchestrator/database/sql.js';
import {
  type ProposalState,
  type ProposalView,
  proposalPage,
  proposalView,
} from '../../src/orchestrator/governance/proposal.dto.js';
import { listWaiting } from '../../src/orchestrator/governance/proposal.endpoints.js';
import { serve } from '../../src/orchestrator/http/serve.js';
import { Log } from '../../src/orchestrator/logging/log.js';
import { nativeVerifier } from '../../src/platform/native-verifier.js';
import { systemRandomness } from '../../src/platform/system-randomness.js';
import type { Answer, ApiClient, CallOptions } from './api-client.js';
import { ApiRig, dialects, expectProblem } from './api-rig.js';

const PROPOSALS = '/v1/governance/proposals';
const WAIT_MS = 20_000;

describe.each(dialects)('proposals on %s', (dialect) => {
  let rig: ApiRig;
  let groups = 0;

  beforeAll(async () => {
    rig = await ApiRig.start(dialect);
  });
  afterAll(async () => {
    await rig?.stop();
  });

  /** A change that nothing hangs on, another one each time. */
  function newGroup(): Change {
    groups += 1;
    return { kind: 'group-set', group: { groupId: `auditors-${groups}`, members: ['carol'] } };
  }

  const draft = (change: Change, by: ApiClient = rig.alice, options: CallOptions = {}) =>
    by.post(PROPOSALS, { body: { change }, ...options });

  async function drafted(change: Change = newGroup(), by: ApiClient = rig.alice): Promise<ProposalView> {
    const answer = await draft(change, by);
    if (answer.status !== 201) throw new Error(answer.text);
    return proposalView.parse(answer.body);
  }

  function signatureOf(officer: Officer, { body }: ProposalView) {
    return officersSign(entryBytes(body), [officer])[0];
  }

  /** As an officer signs it: with their own key over the entry, in a call of their own. */
  function sign(officer: 'alice' | 'bob' | 'carol', proposal: ProposalView): Promise<Answer> {
    const path = `${PROPOSALS}/${proposal.proposalId}/signatures`;
    return rig[officer].post(path, { body: signatureOf(rig.deployment[officer], proposal) });
  }

  async function shown({ proposalId }: ProposalView): Promise<ProposalView> {
    return proposalView.parse((await rig.carol.get(`${PROPOSALS}/${proposalId}`)).body);
  }

  async function becomes(proposal: ProposalView, state: ProposalState): Promise<ProposalView> {
    for (const end = Date.now() + WAIT_MS; Date.now() < end; await sleep(100)) {
      const now = await shown(proposal);
      if (now.state === state) return now;
    }
    throw new Error(`never ${state}: ${JSON.stringify(await shown(proposal))}`);
  }

  /** Drafted, and signed by two officers, which is the quorum. */
  async function passed(change: Change = newGroup()): Promise<ProposalView> {
    const proposal = await drafted(change);
    expect((await sign('alice', proposal)).body.state).toBe('open');
    const answer = await sign('bob', proposal);
    expect(answer.body.state).toBe('accepted');
    return proposalView.parse(answer.body);
  }

  it('go from a draft into the log with the last signature that they want', async () => {
    const proposal = await drafted();
    expect(proposal).toMatchObject({
      state: 'open',
      proposedBy: 'alice',
      proposalId: entryHash(proposal.body),
      body: { sequence: rig.deployment.log.length, previous: rig.deployment.head },
      effect: [{ tone: 'change', says: 'makes the group auditors-1: carol' }],
      wanted: [
        {
          group: 'governors',
          threshold: 2,
          with: {},
          missing: 2,
          missingWith: {},
          canSign: ['alice', 'bob', 'carol'],
        },
      ],
    });
    const first = await sign('carol', proposal);
    expect(first.status).toBe(201);
    expect(first.body).toMatchObject({
      state: 'open',
      signedBy: ['carol'],
      wanted: [
        {
          group: 'governors',
          threshold: 2,
          with: {},
          missing: 1,
          missingWith: {},
          canSign: ['alice', 'bob'],
        },
      ],
    });
    const last = await sign('bob', proposal);
    expect(last.body).toMatchObject({ state: 'accepted', wanted: [], signedBy: ['bob', 'carol'] });
    const log = await rig.alice.get(`/v1/governance?from=${proposal.sequence}`);
    expect(log.body).toMatchObject({
      summary: { head: proposal.proposalId },
      entries: [
        { body: proposal.body, signatures: [{ credentialId: 'bob-token' }, { credentialId: 'carol-token' }] },
      ],
    });
  });

  it('are refused before anybody signs, when no quorum could ever get them in', async () => {
    const alone: Change = { kind: 'quorum-set', quorum: { group: 'governors', threshold: 1 } };
    const answer = await draft(alone);
    expectProblem(answer, 422, 'governance-change-invalid');
    expect(answer.body.facts).toMatchObject({ why: 'one person alone could then change governance' });
    expectProblem(
      await draft({ kind: 'person-removed', personId: 'nobody' }),
      422,
      'governance-change-invalid',
    );
    const odd = { change: { kind: 'person-removed', personId: 'carol', because: 'no' } };
    expectProblem(await rig.alice.post(PROPOSALS, { body: odd }), 400, 'input-invalid');
    const [genesis] = rig.deployment.log;
    if (!genesis) throw new Error('no genesis');
    expectProblem(await draft(genesis.body.change), 422, 'governance-change-invalid');
  });

  it('take a signature of whoever calls, over this very entry, once for each person', async () => {
    const proposal = await drafted();
    const other = await drafted();
    const path = `${PROPOSALS}/${proposal.proposalId}/signatures`;
    const own = signatureOf(rig.deployment.alice, proposal);
    const wrong = signatureOf(rig.deployment.alice, other);
    expectProblem(await rig.bob.post(path, { body: own }), 403, 'approval-of-another-person');
    expectProblem(await rig.alice.post(path, { body: wrong }), 422, 'governance-signature-invalid');
    const stranger = signatureOf(makeOfficer('mallory'), proposal);
    expectProblem(await rig.alice.post(path, { body: stranger }), 422, 'governance-signer-unknown');
    const first = await rig.alice.post(path, { body: own });
    expect(first.status).toBe(201);
    expect((await rig.alice.post(path, { body: own })).text).toBe(first.text);
    expectProblem(await sign('alice', proposal), 422, 'governance-signer-duplicate');
    expect((await shown(proposal)).signedBy).toEqual(['alice']);
    expectProblem(
      await rig.alice.post(`${PROPOSALS}/${'0'.repeat(64)}/signatures`, { body: own }),
      404,
      'proposal-unknown',
    );
    expectProblem(await rig.alice.get(`${PROPOSALS}/xyz`), 400, 'input-invalid');
  });

  it('do not want the signature of a person outside the governing group', async () => {
    const dora = makeOfficer('dora');
    const person = { personId: 'dora', name: 'Dora', credentials: [dora.credential] };
    await passed({ kind: 'person-added', person, groups: [] });
    const proposal = await drafted();
    const answer = await rig
      .client(dora)
      .post(`${PROPOSALS}/${proposal.proposalId}/signatures`, { body: signatureOf(dora, proposal) });
    expectProblem(answer, 422, 'governance-signer-not-asked');
    expect(answer.body.facts).toEqual({ personId: 'dora', groups: 'governors' });
  });

  it('are superseded when another entry takes their place, and are drafted and signed anew', async () => {
    const late = await drafted();
    await sign('alice', late);
    const faster = await passed();
    expect((await shown(late)).state).toBe('superseded');
    expectProblem(await sign('bob', late), 409, 'proposal-not-open');
    expectProblem(
      await rig.bob.post(`${PROPOSALS}/${faster.proposalId}/redraft`, {}),
      409,
      'proposal-not-over',
    );
    const call = { idempotencyKey: `again-${dialect}-0001` };
    const answer = await rig.bob.post(`${PROPOSALS}/${late.proposalId}/redraft`, call);
    expect(answer.status).toBe(201);
    const again = proposalView.parse(answer.body);
    expect(again).toMatchObject({
      state: 'open',
      redraftOf: late.proposalId,
      proposedBy: 'bob',
      signatures: [],
      body: { change: late.body.change, sequence: late.sequence + 1, previous: faster.proposalId },
    });
    expect((await rig.bob.post(`${PROPOSALS}/${late.proposalId}/redraft`, call)).text).toBe(answer.text);
    await sign('bob', again);
    expect((await sign('carol', again)).body.state).toBe('accepted');
  });

  it('are taken back by their drafter alone, as long as they want signatures', async () => {
    const proposal = await drafted();
    await sign('bob', proposal);
    const path = `${PROPOSALS}/${proposal.proposalId}/cancel`;
    expectProblem(await rig.bob.post(path), 403, 'proposal-of-another-person');
    const answer = await rig.alice.post(path);
    expect(answer.body).toMatchObject({
      state: 'cancelled',
      cancelledAtMs: expect.any(Number),
    });
    expect((await rig.alice.post(path)).text).toBe(answer.text);
    expectProblem(await sign('carol', proposal), 409, 'proposal-not-open');
    const done = await passed();
    expectProblem(await rig.alice.post(`${PROPOSALS}/${done.proposalId}/cancel`), 409, 'proposal-not-open');
  });

  it('are drafted once for each Idempotency-Key, and not without end', async () => {
    const change = newGroup();
    const call = { idempotencyKey: `draft-${dialect}-0001` };
    const first = await draft(change, rig.carol, call);
    expect((await draft(change, rig.carol, call)).text).toBe(first.text);
    expectProblem(await draft(newGroup(), rig.carol, call), 422, 'idempotency-key-reused');
    for (let count = 1; count < 20; count += 1) expect((await draft(newGroup(), rig.carol)).status).toBe(201);
    expectProblem(await draft(newGroup(), rig.carol), 409, 'proposals-too-many');
    expect((await draft(newGroup(), rig.bob)).status).toBe(201);
  });

  it('are listed: those that want something, and all', async () => {
    const gone = await passed();
    const open = await drafted();
    const page = async (query: string) =>
      proposalPage.parse((await rig.bob.get(`${PROPOSALS}${query}`)).body);
    const wanting = await page('');
    expect(wanting.items).toEqual([
      expect.objectContaining({ proposalId: open.proposalId, state: 'open', kind: 'group-set' }),
    ]);
    const all = await page('?which=all');
    const states = new Set(all.items.map(({ state }) => state));
    expect(states).toEqual(new Set(['open', 'accepted', 'superseded', 'cancelled']));
    expect(
      (await page(`?which=all&before=${gone.sequence}`)).items.map(({ proposalId }) => proposalId),
    ).not.toContain(gone.proposalId);
    expectProblem(await rig.bob.get(`${PROPOSALS}?which=mine`), 400, 'input-invalid');
  });

  it('wait complete while the signer is away, and go in by themselves when it is back', async () => {
    const proposal = await drafted();
    await sign('alice', proposal);
    await rig.deployment.stop();
    const answer = await sign('bob', proposal);
    expect(answer.body).toMatchObject({ state: 'complete', trouble: { code: 'signer-unreachable' } });
    await rig.deployment.start();
    // The connection to the signer is tried again after a while.
    rig.deployment.time.advance(10_000);
    expect(await becomes(proposal, 'accepted')).toMatchObject({ trouble: null });
  });

  it('count no signature that somebody wrote into the database', async () => {
    const database = rig.served.application.get(Database);
    const proposal = await drafted();
    await sign('alice', proposal);
    await database.transaction((db) =>
      run(
        db,
        "INSERT INTO governance_acts (proposal_id, act, person_id, credential_id, signature, at_ms) VALUES (?, 'signed', 'bob', 'bob-token', ?, 1)",
        [proposal.proposalId, 'ab'.repeat(64)],
      ),
    );
    expect((await shown(proposal)).state).toBe('open');
    for (const table of ['governance_proposals', 'governance_acts']) {
      for (const text of [`DELETE FROM ${table}`, `UPDATE ${table} SET proposal_id = 'x'`]) {
        await expect(database.transaction((db) => run(db, text))).rejects.toThrow(/append-only/);
      }
    }
  });

  it('leave in the audit log who did what with them, and names outside of it', async () => {
    const proposal = await passed();
    const look = async () =>
      auditPage.parse((await rig.carol.get(`/v1/audit?proposal=${proposal.proposalId}`)).body).items;
    for (const end = Date.now() + WAIT_MS; Date.now() < end && (await look()).length < 3; ) await sleep(100);
    const items = await look();
    expect(items.map(({ entry, person }) => [entry.kind, entry.what, person])).toEqual([
      ['governance', 'proposal-signed', 'bob'],
      ['governance', 'proposal-signed', 'alice'],
      ['governance', 'proposal-proposed', 'alice'],
    ]);
    expect(JSON.stringify(items.map(({ entry }) => entry.sealed))).not.toContain('alice');
    const database = rig.served.application.get(Database);
    const { findings } = await database.read((db) => new Fsck(db, nativeVerifier, []).run());
    expect(findings).toEqual([]);
  });

  it('are one thing to several programs on one database', async () => {
    const { configuration, deployment, logs } = rig;
    const log = Log.to({ level: 'error' }, { write: () => logs() });
    const settings = configurationSchema.parse(configuration);
    const clock = { nowMs: () => deployment.time.wall };
    const second = await serve(
      appModule(settings, { clock, randomness: systemRandomness, log }),
      settings,
      log,
    );
    try {
      const there = (officer: Officer) => rig.client(officer, 0, second.url);
      const proposal = await drafted();
      const path = `${PROPOSALS}/${proposal.proposalId}`;
      const { alice, bob, carol } = deployment;
      const answers = await Promise.all([
        rig.alice.post(`${path}/signatures`, { body: signatureOf(alice, proposal) }),
        there(bob).post(`${path}/signatures`, { body: signatureOf(bob, proposal) }),
        there(carol).post(`${path}/signatures`, { body: signatureOf(carol, proposal) }),
      ]);
      // Whoever comes after the quorum is told that it wants no signatures any more.
      const statuses = answers.map(({ status }) => status);
      expect(statuses.filter((status) => status === 201).length).toBeGreaterThanOrEqual(2);
      expect(statuses.every((status) => status === 201 || status === 409)).toBe(true);
      expect((await becomes(proposal, 'accepted')).sequence).toBe(proposal.sequence);
      expect((await there(bob).get(path)).body.state).toBe('accepted');
      const next = await drafted();
      expect(next.body.previous).toBe(proposal.proposalId);
    } finally {
      await second.stop();
    }
  });
});

describe('proposals where what loosens waits', () => {
  const HOUR_MS = 3_600_000;
  let rig: ApiRig;

  beforeAll(async () => {
    const veto = { group: 'watchers', threshold: 1 };
    rig = await ApiRig.start('SQLite', undefined, { whitelistMs: HOUR_MS, policyMs: 2 * HOUR_MS, veto });
  });
  afterAll(async () => {
    await rig?.stop();
  });

  const whitelisting = (entryId: string, address: string): Change => ({
    kind: 'whitelist-added',
    entry: { entryId, label: 'OTC desk B', chain: BITCOIN, address, tiers: ['hot'] },
  });

  async function proposed(change: Change): Promise<ProposalView> {
    const answer = await rig.alice.post(PROPOSALS, { body: { change } });
    if (answer.status !== 201) throw new Error(answer.text);
    return proposalView.parse(answer.body);
  }

  function sign(by: 'alice' | 'bob' | 'carol', { proposalId, body }: ProposalView): Promise<Answer> {
    const [signature] = officersSign(entryBytes(body), [rig.deployment[by]]);
    return rig[by].post(`${PROPOSALS}/${proposalId}/signatures`, { body: signature });
  }

  async function waitingNow() {
    return listWaiting.answer.schema.parse((await rig.bob.get('/v1/governance/waiting')).body).items;
  }

  it('say that an entry waits, list it with when it can be activated, and take no early activation', async () => {
    const address = 'bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080';
    const added = await proposed(whitelisting('otc-b', address));
    expect(added.effect[0]?.says).toContain('wait, 1 hour of the time that the signer counts');
    await sign('alice', added);
    expect((await sign('bob', added)).body.state).toBe('accepted');
    expect(await waitingNow()).toEqual([
      expect.objectContaining({
        entry: added.proposalId,
        kind: 'whitelist-added',
        delayMs: HOUR_MS,
        leftMs: HOUR_MS,
        usableFromMs: rig.deployment.time.wall + HOUR_MS,
        signedBy: ['alice', 'bob'],
        canActivate: ['carol', 'erika'],
        effect: [
          expect.objectContaining({ details: [{ form: 'address', label: 'OTC desk B', text: address }] }),
        ],
      }),
    ]);
    const activate: Change = { kind: 'activated', entry: added.proposalId };
    const early = await rig.carol.post(PROPOSALS, { body: { change: activate } });
    expectProblem(early, 409, 'governance-timelock');

    // The host's clock goes ahead, and the signer has not run for so long.
    rig.deployment.time.wall += HOUR_MS;
    const activation = await proposed(activate);
    expect(activation.wanted).toEqual([
      expect.objectContaining({ group: 'watchers', threshold: 1, canSign: ['carol', 'erika'] }),
    ]);
    expectProblem(await sign('bob', activation), 422, 'governance-signer-not-asked');
    expect((await sign('carol', activation)).body).toMatchObject({
      state: 'complete',
      trouble: { code: 'governance-timelock', facts: { leftMs: HOUR_MS } },
    });
    rig.deployment.time.advance(HOUR_MS);
    for (const end = Date.now() + WAIT_MS; Date.now() < end && (await waitingNow()).length > 0; )
      await sleep(100);
    const shown = await rig.bob.get(`${PROPOSALS}/${activation.proposalId}`);
    expect(shown.body.state).toBe('accepted');
    expect(await waitingNow()).toEqual([]);
  });

  it('end what waits by a veto, after which there is nothing to activate', async () => {
    const added = await proposed(
      whitelisting('otc-c', 'bcrt1qrp33g0q5c5txsp9arysrx4k6zdkfs4nce4xj0gdcccefvpysxf3qzf4jry'),
    );
    await sign('alice', added);
    await sign('bob', added);
    const veto = await proposed({ kind: 'vetoed', entry: added.proposalId, why: 'nobody knows them' });
    expect((await sign('carol', veto)).body.state).toBe('accepted');
    expect(await waitingNow()).toEqual([]);
    rig.deployment.time.advance(HOUR_MS);
    const late = await rig.carol.post(PROPOSALS, {
      body: { change: { kind: 'activated', entry: added.proposalId } },
    });
    expectProblem(late, 409, 'governance-not-pending');
  });
});
