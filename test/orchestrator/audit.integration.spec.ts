// The audit log over the API, on both databases: what people and programs did is in it, can be looked up and copied, and
// what an owner of the database edits is named.

import { createHash } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { requestDigest, transferIdOf } from '../../src/core/statements/request.js';
import { statementToSign } from '../../src/orchestrator/approvals/approval.endpoints.js';
import { type AuditPageAnswer, auditPage } from '../../src/orchestrator/audit/audit.endpoints.js';
import { Fsck } from '../../src/orchestrator/audit/fsck.js';
import { Database } from '../../src/orchestrator/database/database.js';
import { run } from '../../src/orchestrator/database/sql.js';
import { nativeVerifier } from '../../src/platform/native-verifier.js';
import { ApiRig, dialects, expectProblem } from './api-rig.js';

const WAIT_MS = 20_000;

describe.each(dialects)('the audit log on %s', (dialect) => {
  let rig: ApiRig;

  beforeAll(async () => {
    rig = await ApiRig.start(dialect);
  });
  afterAll(async () => {
    await rig?.stop();
  });

  async function look(query: string): Promise<AuditPageAnswer> {
    const answer = await rig.alice.get(`/v1/audit${query}`);
    if (answer.status !== 200) throw new Error(rig.logs().slice(-3000));
    return auditPage.parse(answer.body);
  }

  /** Looks until the log has what is waited for: it is given its place a moment after it happened. */
  async function lookFor(
    query: string,
    isThere: (page: AuditPageAnswer) => boolean,
  ): Promise<AuditPageAnswer> {
    for (const end = Date.now() + WAIT_MS; Date.now() < end; await sleep(100)) {
      const page = await look(query);
      if (isThere(page)) return page;
    }
    throw new Error(`not in the log in time: ${query}`);
  }

  const whats = ({ items }: AuditPageAnswer) => items.map(({ entry }) => `${entry.kind} ${entry.what}`);

  it('has every entry of the governance log, from genesis on', async () => {
    const { length } = rig.deployment.log;
    const page = await lookFor('?kind=governance&limit=200', ({ items }) => items.length === length);
    expect(whats(page).at(-1)).toBe('governance genesis');
    // Their names are not in it: they signed with their credentials.
    const signed = page.items.filter(({ entry }) => entry.subjects.some(({ id }) => id.startsWith('alice-')));
    const own = await look('?person=alice&kind=governance&limit=200');
    expect(own.items.map(({ entry }) => entry.sequence)).toEqual(signed.map(({ entry }) => entry.sequence));
    expect(signed.length).toBeGreaterThan(0);
  });

  it('has what became of a transfer, and who approved it with what', async () => {
    const body = rig.deployment.request();
    const transferId = transferIdOf(requestDigest(body.statement));
    await rig.exchange.post('/v1/transfers', { body, idempotencyKey: 'audit-0001' });
    const page = await lookFor(`?transfer=${transferId}`, ({ items }) => items.length >= 3);
    expect(whats(page).at(-1)).toBe('transition requested');
    expect(page.items.at(-1)?.entry.subjects).toContainEqual({ kind: 'key', id: 'exchange-1' });
    const decisions = await lookFor(`?transfer=${transferId}&kind=decision`, ({ items }) => items.length > 0);
    expect(whats(decisions)).toEqual(['decision approved']);
    const [decided] = decisions.items;
    expect(decided?.entry.subjects.map(({ kind }) => kind)).toContain('policy');
    expect(JSON.parse(JSON.parse(decided?.record ?? '').at(-1))).toMatchObject({
      kind: 'allow',
      rule: 'hot-bitcoin/small',
      limits: expect.arrayContaining([
        expect.objectContaining({
          limitId: 'hot-bitcoin/day',
          usedBefore: '0',
          usedAfter: (BigInt(body.statement.amount) + BigInt(body.statement.feeCeiling)).toString(),
        }),
      ]),
    });
  });

  it('has what was signed, cancelled and buried, in the words of the tables that keep it', async () => {
    const request = rig.deployment.request();
    const { statement } = request;
    const digest = requestDigest(statement);
    const transferId = transferIdOf(digest);
    const burial = JSON.stringify({
      statement: { transferIds: [transferId] },
      signatures: [{ credentialId: 'alice-piv', signature: '00' }],
    });
    const certificate = '{"outcome":{"signedTransaction":"00"}}';
    const certificateSha256 = createHash('sha256').update(certificate).digest('hex');
    const hash = 'ab'.repeat(32);
    await rig.served.application.get(Database).transaction(async (db) => {
      await run(
        db,
        `INSERT INTO transactions (transaction_key, wallet_id, chain, ordinal, state, plan, max_fee, confirmations, facts, version, planned_at_ms, updated_at_ms, transaction_id, certificate, signed_hex)
          VALUES ('by-hand', 'by-hand', 'none', 1, 'released', '{}', '1', 0, '{}', 1, 1, 1, 'tx', ?, '00')`,
        [certificate],
      );
      await run(
        db,
        `INSERT INTO transfers (transfer_id, request_id, request, request_digest, chain, wallet_id, requester, customer, state, reason, facts, version, signer_refusals, received_at_ms, updated_at_ms, expires_at_ms, burials)
          VALUES (?, ?, ?, ?, ?, ?, ?, ?, 'settled', 'final', '{}', 1, 0, 1, 1, ?, 0)`,
        [
          ...[transferId, statement.requestId, JSON.stringify(request), digest, statement.chain],
          ...[statement.wallet, statement.requester, statement.customer, statement.expiresAtMs],
        ],
      );
      await run(
        db,
        `INSERT INTO transitions VALUES ('${transferId}', 1, null, 'settled', 'final', '{}', 1, 'by-hand', null)`,
      );
      await run(db, `INSERT INTO transaction_cancels VALUES ('by-hand', '${transferId}', 'person:alice', 1)`);
      await run(
        db,
        `INSERT INTO signatures VALUES ('by-hand', 'tx', 'by-hand', '["${transferId}"]', '${hash}', '[]', 1, '${hash}', '${certificateSha256}', 1)`,
      );
      await run(db, `INSERT INTO burials VALUES (1, '${burial}', 'person:alice', 1)`);
    });
    const page = await lookFor(`?transfer=${transferId}`, ({ items }) => items.length === 4);
    expect(whats(page).toSorted()).toEqual([
      'approval buried',
      'decision signature',
      'transition cancel-asked',
      'transition settled',
    ]);
    expect(whats(await look('?credential=alice-piv'))).toEqual(['approval buried']);
    for (const table of ['signatures', 'burials', 'transaction_cancels']) {
      const database = rig.served.application.get(Database);
      await expect(database.transaction((db) => run(db, `DELETE FROM ${table}`))).rejects.toThrow(
        /append-only/,
      );
    }
  });

  it('has who came in, who was turned away, and who looked at it; names stand outside of it', async () => {
    expectProblem(await rig.desk.get('/v1/audit'), 403, 'officers-only');
    const refusals = await lookFor('?kind=refusal', ({ items }) => items.length > 0);
    expect(whats(refusals)).toContain('refusal officers-only');
    const own = await lookFor('?person=alice&kind=admin-read', ({ items }) => items.length > 2);
    expect(new Set(own.items.map(({ person }) => person))).toEqual(new Set(['alice']));
    expect(JSON.stringify(own.items.map(({ entry }) => entry))).not.toContain('alice');
    expect(whats(await look('?person=alice&kind=login'))).toEqual(['login came-in']);
  });

  /** The newest of a person's or a key's, by what it says. */
  async function saidOf(who: string, what: string) {
    const page = await lookFor(`?${who}`, ({ items }) => items.some(({ entry }) => entry.what === what));
    return page.items.find(({ entry }) => entry.what === what);
  }

  it('has each no to one who is known, of whoever said it, with what it was about', async () => {
    const { transferId, request } = await rig.awaitingApprovals('audit-0002');
    const other = { body: request, idempotencyKey: 'audit-0003' };
    expectProblem(await rig.desk.post('/v1/transfers', other), 403, 'request-of-another-key');
    const told = await saidOf('key=carol-desk', 'request-of-another-key');
    expect(told?.entry.kind).toBe('refusal');

    const read = await rig.alice.get(`/v1/transfers/${transferId}/statement`);
    const { statement } = statementToSign.parse(read.body);
    const body = rig.deployment.approve(statement, rig.deployment.alice);
    const approvals = `/v1/transfers/${transferId}/approvals`;
    const key = (idempotencyKey: string) => ({ body, idempotencyKey });
    expectProblem(await rig.bob.post(approvals, key('audit-0004')), 403, 'approval-of-another-person');
    const another = await saidOf('person=bob', 'approval-of-another-person');
    expect(another?.entry.subjects).toEqual([{ kind: 'transfer', id: transferId }]);

    const reads = await look('?kind=refusal&person=alice');
    expectProblem(await rig.alice.get(`/v1/transfers/tr-${'0'.repeat(40)}`), 404, 'transfer-unknown');
    expectProblem(await rig.alice.post('/v1/burials', { body: {} }), 400, 'input-invalid');
    expect((await saidOf('person=alice', 'input-invalid'))?.record).toContain('buryTransactions');
    expect((await look('?kind=refusal&person=alice')).items).toHaveLength(reads.items.length + 1);
  });

  it('has what is handed in before the signer is asked, and its no', async () => {
    const { deployment } = rig;
    const entry = deployment.log.at(-1);
    if (!entry) throw new Error('there is no entry');
    const sequence = deployment.log.length;
    const body = { ...entry, body: { ...entry.body, sequence } };
    const answer = await rig.carol.post('/v1/governance/entries', { body });
    expect(answer.status).toBeGreaterThanOrEqual(400);
    const no = await saidOf('person=carol', String(answer.body.code));
    expect(no?.entry.kind).toBe('refusal');
    const handedIn = await saidOf('person=carol', 'entry-handed-in');
    expect(handedIn?.entry).toMatchObject({
      kind: 'governance',
      subjects: [{ kind: 'governance-entry', id: `${sequence}` }],
    });
    const bytes = new TextEncoder().encode(JSON.stringify(body));
    expect(handedIn?.record).toContain(createHash('sha256').update(bytes).digest('hex'));
    expect(Number(handedIn?.entry.sequence)).toBeLessThan(Number(no?.entry.sequence));
  });

  it("has an officer's reads of whatever it is once in a while, and those of request keys not", async () => {
    const { transferId } = await rig.awaitingApprovals('audit-0005');
    for (const path of [`/v1/transfers/${transferId}`, '/v1/wallets/hot-btc/balances', '/v1/status']) {
      await rig.bob.get(path);
      await rig.bob.get(path);
    }
    await rig.exchange.get(`/v1/transfers/${transferId}`);
    await saidOf('person=bob', 'getStatus');
    const reads = (await look('?person=bob&kind=admin-read')).items;
    const of = (what: string) => reads.filter((item) => item.entry.what === what);
    expect(of('getTransfer').map(({ entry }) => entry.subjects)).toEqual([
      [{ kind: 'transfer', id: transferId }],
    ]);
    expect(of('getBalances').map(({ entry }) => entry.subjects)).toEqual([
      [{ kind: 'wallet', id: 'hot-btc' }],
    ]);
    expect(of('getStatus')).toHaveLength(1);
    expect(whats(await look('?key=exchange-1&kind=admin-read'))).toEqual([]);
  });

  it('refuses what is no filter, and a file that it has not', async () => {
    expectProblem(await rig.alice.get('/v1/audit?kind=party'), 400, 'input-invalid');
    expectProblem(await rig.alice.get('/v1/audit?limit=201'), 400, 'input-invalid');
    for (const path of ['tile/0/999', 'tile/00/000', 'tile/entries/000.p/255', '../secret']) {
      expectProblem(
        await rig.alice.get(`/v1/audit/file?path=${encodeURIComponent(path)}`),
        404,
        'audit-file-unknown',
      );
    }
  });

  // SQLite has no TRUNCATE.
  if (dialect === 'PostgreSQL')
    it('is not emptied at a stroke, nor is what it is about', async () => {
      const database = rig.served.application.get(Database);
      for (const table of [
        ...[
          'audit_sealed',
          'audit_entries',
          'audit_subjects',
          'audit_tiles',
          'audit_checkpoints',
          'audit_calls',
        ],
        ...['audit_waiting', 'audit_head', 'transitions', 'approvals', 'transaction_transfers'],
        ...['transaction_cancels', 'signatures', 'burials', 'governance_entries', 'governance_proposals'],
        ...['governance_acts', 'governance_heads', 'certificates'],
      ]) {
        const emptied = database.transaction((db) => run(db, `TRUNCATE ${table} CASCADE`));
        await expect(emptied).rejects.toThrow(/append-only/);
      }
      await expect(
        database.transaction((db) => run(db, "DELETE FROM audit_sealed WHERE name = 'note'")),
      ).rejects.toThrow(/append-only/);
    });

  it('keeps a certificate as it is, but for one that was begun only', async () => {
    const database = rig.served.application.get(Database);
    const change = (statement: string) => database.transaction((db) => run(db, statement));
    const begun = JSON.stringify({ journalHash: 'a', attestation: { statement: { attestedAtMs: 1 } } });
    await change(`INSERT INTO certificates VALUES (900001, 'begun', '${begun}', 9000000000000000)`);
    await expect(
      change(`UPDATE certificates SET certificate = '{"journalHash":"b"}' WHERE ordinal = 900001`),
    ).rejects.toThrow(/append-only/);
    await change("UPDATE certificates SET outcome = 'ended' WHERE ordinal = 900001");
    for (const refused of [
      "UPDATE certificates SET outcome = 'signed' WHERE ordinal = 900001",
      'DELETE FROM certificates',
    ])
      await expect(change(refused)).rejects.toThrow(/append-only/);
    const found = await lookFor('?kind=decision', (page) => whats(page).includes('decision certificate'));
    expect(found.items.length).toBeGreaterThan(0);
  });

  it('agrees with every record, until an owner of the database edits one', async () => {
    const database = rig.served.application.get(Database);
    const check = () => database.read((db) => new Fsck(db, nativeVerifier, []).run());
    const before = await check();
    expect(before.findings).toEqual([]);
    expect(before.records).toBeGreaterThan(10);
    await expect(
      database.transaction((db) => run(db, "UPDATE transitions SET reason = 'because'")),
    ).rejects.toThrow(/append-only/);
    await database.transaction(async (db) => {
      const drop = dialect === 'PostgreSQL' ? ['append_only'] : ['no_update', 'no_delete'];
      for (const one of drop) {
        const on = dialect === 'PostgreSQL' ? ' ON transitions' : '';
        await run(db, `DROP TRIGGER transitions_${one}${on}`);
      }
      await run(db, "UPDATE transitions SET reason = 'because' WHERE to_state = 'screened'");
      await run(db, "DELETE FROM transitions WHERE to_state = 'decided'");
    });
    await database.transaction((db) =>
      run(db, "UPDATE transfers SET customer = 'mallory' WHERE state = 'settled'"),
    );
    const kinds = (await check()).findings.map(({ kind }) => kind);
    expect(kinds).toContain('row-differs');
    expect(kinds).toContain('record-differs');
    expect(kinds).toContain('record-missing');
  });
});
