// Looking things up in a log over what two transfers and three calls left.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { nativeVerifier } from '../../platform/native-verifier.js';
import { Heads } from '../governance/heads.js';
import { type Life, Stage } from '../transfers/stage.fixture.js';
import { AuditCallRow } from './audit.entity.js';
import type { AuditLog } from './audit.log.js';
import { type AuditQuery, searchAudit } from './audit.search.js';
import { CallRecorder } from './call-recorder.js';
import { Fsck } from './fsck.js';
import { addAll, edited, logOf, paid } from './stage.fixture.js';

let folder: string;
let stage: Stage;
let life: Life;
let log: AuditLog;
let recorder: CallRecorder;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'portcullis-search-'));
  stage = new Stage({ url: `sqlite:${join(folder, 'test.db')}` });
  life = await stage.life('one');
  log = logOf(stage, life);
  recorder = new CallRecorder(life.database, stage);
});

afterEach(async () => {
  await life.end();
  rmSync(folder, { recursive: true });
});

async function found(query: Partial<AuditQuery>) {
  await addAll(log);
  return life.database.read((db) => searchAudit(db, { subjects: [], limit: 200, ...query }));
}

async function said(query: Partial<AuditQuery>): Promise<string[]> {
  const { items } = await found(query);
  return items.map(
    ({ entry, person }) => `${entry.kind} ${entry.what}${person === null ? '' : ` ${person}`}`,
  );
}

describe('looking things up', () => {
  it('finds all about one transfer, newest first, and nothing about another', async () => {
    const first = await paid(stage, life);
    const second = await paid(stage, life);
    const about = await found({ subjects: [{ kind: 'transfer', id: first }] });
    expect(about.items).toHaveLength(11);
    expect(about.items.at(0)?.entry.what).toBe('settled');
    expect(about.items.at(-1)?.record).toContain('request-accepted');
    expect(JSON.stringify(about)).not.toContain(second);
  });

  it('finds by kind, by time, by wallet and kind together, page by page', async () => {
    const transferId = await paid(stage, life);
    const atMs = stage.nowMs();
    await paid(stage, life);
    const decisions = ['decision signature', 'decision reserved', 'decision approved'];
    expect(await said({ kind: 'decision' })).toEqual([...decisions, ...decisions]);
    expect(await said({ kind: 'decision', toMs: atMs })).toEqual(decisions);
    expect(await said({ kind: 'decision', fromMs: atMs })).toEqual(decisions);
    const ofWallet = { subjects: [{ kind: 'wallet' as const, id: 'hot-eth' }], kind: 'decision' as const };
    expect(await said(ofWallet)).toHaveLength(6);
    expect(await said({ ...ofWallet, subjects: [{ kind: 'wallet', id: 'hot-btc' }] })).toEqual([]);
    const both = [
      { kind: 'wallet' as const, id: 'hot-eth' },
      { kind: 'transfer' as const, id: transferId },
    ];
    expect((await found({ subjects: both })).items).toHaveLength(11);

    const places: number[] = [];
    let before: number | undefined;
    for (let page = 0; page < 5; page += 1) {
      const { items, nextBefore } = await found({ limit: 7, ...(before === undefined ? {} : { before }) });
      places.push(...items.map(({ entry }) => entry.sequence));
      if (nextBefore === null) break;
      before = nextBefore;
    }
    expect(places).toEqual(Array.from({ length: places.length }, (_, at) => places.length - 1 - at));
    expect(places.length).toBe((await log.head()).size);
  });

  it('finds who came, who was turned away and who looked, until they are forgotten', async () => {
    const ada = { callId: '1', operation: 'getStatus', principal: 'person:ada' };
    await recorder.cameIn(ada);
    await recorder.cameIn({ ...ada, callId: '2' });
    await recorder.looked({ ...ada, callId: '3', operation: 'searchAudit' }, 'each');
    await recorder.refused(
      { callId: '4', operation: 'getStatus', principal: 'request-key:shop' },
      'officers-only',
    );
    await recorder.notLetIn({ callId: '5', operation: 'getStatus' }, 'signature-invalid');
    expect(await said({ person: 'ada' })).toEqual(['admin-read searchAudit ada', 'login came-in ada']);
    expect(await said({ subjects: [{ kind: 'key', id: 'shop' }] })).toEqual(['refusal officers-only']);
    expect(await said({ kind: 'login' })).toEqual(['login signature-invalid', 'login came-in ada']);
    await edited(life.database, "DELETE FROM audit_sealed WHERE name = 'person'");
    expect(await said({ person: 'ada' })).toEqual([]);
    expect(await said({ kind: 'admin-read' })).toEqual(['admin-read searchAudit']);
  });

  it('finds what a person has signed with any credential that governance ever gave them, and not what others have', async () => {
    const { cast } = stage;
    const heads = new Heads(life.database, life.governance, nativeVerifier, stage);
    for (const one of ['alice', 'bob'] as const) {
      const taken = await heads.take(cast.head(one));
      if (taken.kind === 'refused') throw new Error(taken.code);
    }
    const burial = (by: string) =>
      JSON.stringify({ statement: { transferIds: [] }, signatures: [{ credentialId: by, signature: '0' }] });
    await edited(
      life.database,
      `INSERT INTO burials VALUES (1, '${burial('alice-piv')}', 'request-key:shop', 1)`,
      `INSERT INTO burials VALUES (2, '${burial('alice-piv-2')}', 'request-key:shop', 1)`,
      `INSERT INTO burials VALUES (3, '${burial('bob-piv')}', 'request-key:shop', 1)`,
      `INSERT INTO governance_entries VALUES (9001, 'h', '${JSON.stringify({ body: { change: { kind: 'credential-added', personId: 'alice', credential: { credentialId: 'alice-piv-2' } } } })}', 1)`,
    );
    const signed = (await said({ person: 'alice' })).filter((one) => one.startsWith('approval'));
    expect(signed).toEqual(['approval buried', 'approval buried', 'approval head-vouched']);
    const genesis = await said({ person: 'alice', kind: 'governance' });
    expect(genesis.length).toBeGreaterThan(0);
    expect(await said({ person: 'nobody' })).toEqual([]);
    const page = await found({ person: 'alice', limit: 1 });
    expect(page.items).toHaveLength(1);
    const next = await found({ person: 'alice', limit: 1, before: page.nextBefore ?? 0 });
    expect(next.items[0]?.entry.sequence).toBeLessThan(page.items[0]?.entry.sequence ?? 0);
  });

  it('whoever has been away comes in anew, and of the unknown only so many are written down', async () => {
    const ada = { callId: '1', operation: 'getStatus', principal: 'person:ada' };
    await recorder.cameIn(ada);
    stage.pass(16 * 60_000);
    await recorder.cameIn({ ...ada, callId: '2' });
    for (let count = 0; count < 70; count += 1) {
      await recorder.notLetIn({ callId: `x-${count}`, operation: 'getStatus' }, 'signature-invalid');
    }
    expect((await said({ kind: 'login' })).filter((one) => one === 'login signature-invalid')).toHaveLength(
      60,
    );
    stage.pass(61_000);
    await recorder.notLetIn({ callId: 'later', operation: 'getStatus' }, 'signature-invalid');
    expect(await said({ kind: 'login', limit: 1 })).toEqual(['login signature-invalid']);
    expect(await said({ person: 'ada' })).toHaveLength(2);
  });

  it('how many of the unknown are left out is written down once a minute, and nothing where none is', async () => {
    const strangers = async (name: string, count: number) => {
      for (let at = 0; at < count; at += 1)
        await recorder.notLetIn({ callId: `${name}-${at}`, operation: 'getStatus' }, 'signature-invalid');
    };
    const leftOut = async () => {
      const { items } = await found({ kind: 'login' });
      return items.flatMap(({ entry, record }) =>
        entry.what === 'left-out' ? [JSON.parse(record).at(-1)] : [],
      );
    };
    await strangers('few', 60);
    stage.pass(61_000);
    await recorder.tellOfPastMinute();
    expect(await leftOut()).toEqual([]);

    await strangers('many', 1_000);
    await recorder.tellOfPastMinute();
    expect(await leftOut()).toEqual([]);
    stage.pass(61_000);
    await recorder.tellOfPastMinute();
    await recorder.tellOfPastMinute();
    expect(await leftOut()).toEqual([940]);

    // Whoever comes in the next minute is told of before they are, and a program that stops tells of the rest.
    await strangers('again', 100);
    stage.pass(61_000);
    await strangers('once-more', 70);
    expect(await leftOut()).toEqual([40, 940]);
    await recorder.tellLeftOut();
    expect(await leftOut()).toEqual([10, 40, 940]);
    const written = await life.database.read((db) => db.countBy(AuditCallRow, {}));
    expect(written).toBe(60 * 4 + 3);
    const { findings } = await life.database.read((db) => new Fsck(db, nativeVerifier, []).run());
    expect(findings).toEqual([]);
    await edited(
      life.database,
      'DROP TRIGGER audit_calls_no_update',
      'UPDATE audit_calls SET left_out = 1 WHERE left_out = 940',
    );
    const after = await life.database.read((db) => new Fsck(db, nativeVerifier, []).run());
    expect(after.findings).toMatchObject([{ kind: 'record-differs', source: 'call' }]);
  });

  it('one who is known and told no for ever is written down so often and then counted, as the others are', async () => {
    const shop = { operation: 'submitTransfer', principal: 'request-key:shop', about: ['wallet:hot-eth'] };
    for (let at = 0; at < 70; at += 1)
      await recorder.refused({ ...shop, callId: `s-${at}` }, 'input-invalid');
    await recorder.refused({ ...shop, callId: 'd', principal: 'request-key:desk' }, 'input-invalid');
    expect(await said({ subjects: [{ kind: 'key', id: 'desk' }] })).toEqual(['refusal input-invalid']);
    expect(await said({ subjects: [{ kind: 'key', id: 'shop' }] })).toHaveLength(60);
    stage.pass(61_000);
    await recorder.tellOfPastMinute();
    const { items } = await found({ subjects: [{ kind: 'key', id: 'shop' }], limit: 1 });
    expect(items[0]?.entry).toMatchObject({ kind: 'refusal', what: 'left-out' });
    expect(JSON.parse(items[0]?.record ?? '').at(-1)).toBe(10);
  });

  it('the same look is one for a quarter of an hour, and another is another; where each counts, each is there', async () => {
    const look = (callId: string, id: string, principal = 'person:ada') =>
      recorder.looked({ callId, operation: 'getTransfer', principal, about: [`transfer:${id}`] }, 'first');
    await look('1', 'tr-1');
    await look('2', 'tr-1');
    await look('3', 'tr-2');
    await look('4', 'tr-1', 'person:bob');
    stage.pass(14 * 60_000);
    await look('5', 'tr-1');
    expect(await said({ subjects: [{ kind: 'transfer', id: 'tr-1' }] })).toEqual([
      'admin-read getTransfer bob',
      'admin-read getTransfer ada',
    ]);
    stage.pass(60_000);
    await look('6', 'tr-1');
    expect(await said({ person: 'ada' })).toHaveLength(3);
    const search = { operation: 'searchAudit', principal: 'person:ada' };
    await recorder.looked({ ...search, callId: '7' }, 'each');
    await recorder.looked({ ...search, callId: '8' }, 'each');
    expect(await said({ person: 'ada' })).toHaveLength(5);
  });

  it('what was handed in is there with what it is about and the hash of it, and cannot be changed unseen', async () => {
    const call = {
      callId: '1',
      operation: 'buryTransactions',
      principal: 'person:ada',
      about: Array.from({ length: 20 }, (_, at) => `transfer:tr-${at}`),
    };
    const bodySha256 = 'ab'.repeat(32);
    await recorder.handedIn(call, { kind: 'approval', what: 'burial-handed-in', bodySha256 });
    const { items } = await found({ person: 'ada' });
    expect(items[0]?.entry).toMatchObject({ kind: 'approval', what: 'burial-handed-in' });
    expect(items[0]?.entry.subjects).toHaveLength(15);
    expect(items[0]?.record).toContain(bodySha256);
    const check = async () =>
      (await life.database.read((db) => new Fsck(db, nativeVerifier, []).run())).findings;
    expect(await check()).toEqual([]);
    await edited(
      life.database,
      'DROP TRIGGER audit_calls_no_update',
      "UPDATE audit_calls SET body_sha256 = 'cd'",
    );
    expect(await check()).toMatchObject([{ kind: 'record-differs', source: 'call' }]);
    await edited(life.database, "UPDATE audit_calls SET about = 'party'");
    expect(await check()).toMatchObject([{ kind: 'record-differs', source: 'call' }]);
  });

  it('is told of later when it could not be written down, with those who came since', async () => {
    const call = (callId: string) =>
      recorder.notLetIn({ callId, operation: 'getStatus' }, 'signature-invalid');
    for (let at = 0; at < 65; at += 1) await call(`a-${at}`);
    await edited(
      life.database,
      "CREATE TRIGGER full BEFORE INSERT ON audit_calls BEGIN SELECT RAISE(ABORT, 'disk full'); END",
    );
    await expect(recorder.tellLeftOut()).rejects.toThrow(/disk full/);
    await call('b');
    await edited(life.database, 'DROP TRIGGER full');
    await recorder.tellLeftOut();
    const { items } = await found({ kind: 'login', limit: 1 });
    expect(JSON.parse(items[0]?.record ?? '').at(-1)).toBe(6);
  });
});
