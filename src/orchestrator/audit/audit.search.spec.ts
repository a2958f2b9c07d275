// Looking things up in a log over what two transfers and three calls left.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { type Life, Stage } from '../transfers/stage.fixture.js';
import type { AuditLog } from './audit.log.js';
import { type AuditQuery, searchAudit } from './audit.search.js';
import { CallRecorder } from './call-recorder.js';
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
    expect(about.items).toHaveLength(10);
    expect(about.items.at(0)?.entry.what).toBe('settled');
    expect(about.items.at(-1)?.record).toContain('request-accepted');
    expect(JSON.stringify(about)).not.toContain(second);
  });

  it('finds by kind, by time, by wallet and kind together, page by page', async () => {
    const transferId = await paid(stage, life);
    const atMs = stage.nowMs();
    await paid(stage, life);
    expect(await said({ kind: 'decision' })).toEqual(['decision approved', 'decision approved']);
    expect(await said({ kind: 'decision', toMs: atMs })).toEqual(['decision approved']);
    expect(await said({ kind: 'decision', fromMs: atMs })).toEqual(['decision approved']);
    const ofWallet = { subjects: [{ kind: 'wallet' as const, id: 'hot-eth' }], kind: 'decision' as const };
    expect(await said(ofWallet)).toHaveLength(2);
    expect(await said({ ...ofWallet, subjects: [{ kind: 'wallet', id: 'hot-btc' }] })).toEqual([]);
    const both = [
      { kind: 'wallet' as const, id: 'hot-eth' },
      { kind: 'transfer' as const, id: transferId },
    ];
    expect((await found({ subjects: both })).items).toHaveLength(10);

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
    await recorder.looked({ ...ada, callId: '3', operation: 'searchAudit' });
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
});
