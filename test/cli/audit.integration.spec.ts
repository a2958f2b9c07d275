// The audit log from the command line, with a real officer's token, a real signer and a real orchestrator: looking things up,
// taking them out, keeping a mirror and checking it, and holding the database against it.

import { generateKeyPairSync } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { stringify } from 'yaml';
import { RunningTime } from '../../devnet/deployment.js';
import { verifierKeyText } from '../../src/core/audit/note.js';
import type { GovernanceEntry } from '../../src/core/governance/entry.js';
import { logKeysOf } from '../../src/orchestrator/audit/log-key.js';
import { Database } from '../../src/orchestrator/database/database.js';
import { run } from '../../src/orchestrator/database/sql.js';
import { GovernanceService } from '../../src/orchestrator/governance/governance.service.js';
import { GoJudge, hasGo, withoutGo } from '../audit/go-judge.js';
import { ApiRig } from '../orchestrator/api-rig.js';
import { Desk } from './desk.js';

const WAIT_MS = 30_000;

let desk: Desk;
let rig: ApiRig;
let config: string;
let key: string;

beforeAll(async () => {
  desk = await Desk.create(['dora']);
  rig = await ApiRig.start('SQLite', new RunningTime());
  config = await desk.config('dora', { api: rig.url });
  const made = await desk.run(
    ...['keys', 'generate', '--label', 'approvals', '--curve', 'p256'],
    ...['--json', '--config', config],
  );
  const credential = {
    credentialId: 'dora-token',
    credentialClass: 'pkcs11',
    algorithm: 'p256',
    publicKey: String(made.answer?.publicKey),
  } as const;
  const person = { personId: 'dora', name: 'Dora', credentials: [credential] };
  const { deployment } = rig;
  await handIn(await deployment.auditLogEntry());
  await handIn(
    deployment.entry({ kind: 'person-added', person, groups: [] }, [deployment.alice, deployment.bob]),
  );
  key = currentKey();
});
afterAll(async () => {
  await rig?.stop();
  await desk?.destroy();
});

function currentKey(): string {
  const logKey = logKeysOf(rig.served.application.get(GovernanceService).state()).at(-1);
  if (!logKey) throw new Error('governance names no log');
  return verifierKeyText(logKey);
}

async function handIn(entry: GovernanceEntry): Promise<void> {
  expect((await rig.alice.post('/v1/governance/entries', { body: entry })).status).toBe(201);
  rig.deployment.log.push(entry);
}

const audit = (...args: string[]) => desk.run('audit', ...args, '--json', '--config', config);

/** Until it answers as wanted: a record has its place in the log a moment after it was written. */
async function until(
  work: () => Promise<Awaited<ReturnType<typeof audit>>>,
  wanted: (answer: unknown) => boolean,
) {
  for (const end = Date.now() + WAIT_MS; Date.now() < end; await sleep(300)) {
    const ended = await work();
    if (wanted(ended.answer)) return ended;
  }
  throw new Error('not in the log in time');
}

describe('portcullis audit find', () => {
  it('finds an entry of governance by its kind, and says who looked', async () => {
    const found = await until(
      () => audit('find', '--kind', 'governance'),
      (answer) => JSON.stringify(answer).includes('person-added'),
    );
    expect(found.exit).toBe(0);
    const signed = await audit('find', '--officer', 'alice', '--kind', 'governance');
    expect(JSON.stringify(signed.answer)).toContain('person-added');
    const own = await until(
      () => audit('find', '--officer', 'dora', '--kind', 'admin-read'),
      (answer) => JSON.stringify(answer).includes('searchAudit'),
    );
    expect(own.exit).toBe(0);
    const text = await desk.run('audit', 'find', '--officer', 'dora', '--config', config);
    expect(text.output).toContain('searchAudit');
    expect(text.output).toContain('came-in');
  });

  it('refuses what is no time, kind or transfer, and finds nothing where there is nothing', async () => {
    for (const args of [
      ['--from', 'yesterday'],
      ['--kind', 'party'],
      ['--transfer', 'tr-1'],
    ]) {
      expect(await audit('find', ...args)).toMatchObject({ code: 'arguments-invalid' });
    }
    expect(await audit('find', '--wallet', 'cold')).toMatchObject({ exit: 0, answer: { items: [] } });
  });
});

describe('portcullis audit transfer', () => {
  it('shows who has approved what under which rule', async () => {
    const { transferId } = await rig.awaitingApprovals('audit-cli-0001');
    await until(
      () => audit('find', '--transfer', transferId),
      (answer) => JSON.stringify(answer).includes('awaiting-approvals'),
    );
    const text = await desk.run('audit', 'transfer', transferId, '--config', config);
    expect(text.output).toContain('awaiting-approvals');
    expect(text.output).toMatch(/rule\s+hot-bitcoin\//);
    expect(await audit('transfer', transferId)).toMatchObject({
      exit: 0,
      answer: { transferId, rule: expect.stringContaining('hot-bitcoin/') },
    });
  });
});

describe('portcullis audit export', () => {
  it('writes what fits, newest first, and over nothing', async () => {
    const csv = desk.path('log.csv');
    expect(await audit('export', csv, '--format', 'csv', '--kind', 'governance')).toMatchObject({ exit: 0 });
    const lines = readFileSync(csv, 'utf8').trimEnd().split('\n');
    expect(lines[0]).toBe('"sequence","at","kind","what","person","subjects"');
    expect(lines.at(-1)).toContain('"genesis"');
    expect(await audit('export', csv)).toMatchObject({ code: 'file-exists' });
    const jsonl = desk.path('log.jsonl');
    expect(await audit('export', jsonl, '--kind', 'governance')).toMatchObject({ exit: 0 });
    const items = readFileSync(jsonl, 'utf8')
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(items.map(({ entry }) => entry.sequence)).toEqual(
      items.map(({ entry }) => entry.sequence).toSorted((a, b) => b - a),
    );
    expect(items).toHaveLength(lines.length - 1);
  });

  it('leaves no half of a file', async () => {
    const path = desk.path('half.csv');
    const nowhere = ['--format', 'csv', '--api', 'http://127.0.0.1:1'];
    expect(await audit('export', path, ...nowhere)).toMatchObject({ code: 'api-unreachable' });
    expect(existsSync(path)).toBe(false);
  });
});

describe('portcullis audit mirror', () => {
  const folder = () => desk.path('mirror');
  const mirror = (into = folder(), by = key) => audit('mirror', into, '--key', by);
  const staging = (of: string) => existsSync(`${of}.mirror-new`);

  /** Every file of the mirror, with what is in it. */
  function content(): Readonly<Record<string, string>> {
    const files = readdirSync(folder(), { recursive: true, withFileTypes: true }).filter((at) => at.isFile());
    const paths = files.map(({ parentPath, name }) => join(parentPath, name));
    return Object.fromEntries(paths.map((path) => [path, readFileSync(path, 'hex')]));
  }

  /** A space at the end of the first entry, or none: whoever owns the database serves a log that nobody signed. */
  async function edited(entry: "entry || ' '" | 'rtrim(entry)'): Promise<void> {
    await rig.served.application.get(Database).transaction(async (db) => {
      await run(db, 'DROP TRIGGER IF EXISTS audit_entries_no_update');
      await run(db, `UPDATE audit_entries SET entry = ${entry} WHERE sequence = 0`);
    });
  }

  it('copies the log, goes on from what is there, and what it copied verifies', async () => {
    const first = await until(
      () => mirror(),
      (answer) => answer !== undefined,
    );
    expect(first.answer).toMatchObject({ before: null });
    expect(await audit('verify', folder(), '--key', key)).toMatchObject({ exit: 0, answer: { valid: true } });
    const size = Number(first.answer?.size);
    await rig.awaitingApprovals('audit-cli-0002');
    const second = await until(
      () => mirror(),
      (answer) => Number(Object(answer).size) > size,
    );
    expect(Number(second.answer?.before)).toBeGreaterThanOrEqual(size);
    expect(await audit('verify', folder(), '--key', key)).toMatchObject({ exit: 0, answer: { valid: true } });
    expect(await audit('prove', folder(), '--from', `${size}`)).toMatchObject({ exit: 0 });
  });

  (hasGo ? it : it.skip)(
    `copies a log, signed by a key in the token, that Go reads too${withoutGo}`,
    async () => {
      const { size, root } = Object((await audit('verify', folder(), '--key', key)).answer);
      const question = {
        Folder: folder(),
        Key: key,
        Name: 'witness.example/go',
        Text: 'witness.example/go\n',
      };
      const judge = GoJudge.build(desk.path('go'));
      expect(judge.asked(question)).toMatchObject({ Size: size, Root: root });
      const [name = ''] = key.split('+');
      const other = verifierKeyText({ name, publicKey: new Uint8Array(32).fill(9) });
      expect(judge.asked({ ...question, Key: other })).toContain('no verifiable signatures');
    },
    300_000,
  );

  it('refuses what the key has not signed before it fetches anything', async () => {
    const { x = '' } = generateKeyPairSync('ed25519').publicKey.export({ format: 'jwk' });
    const [name = ''] = key.split('+');
    const other = verifierKeyText({ name, publicKey: Buffer.from(x, 'base64url') });
    const into = desk.path('of-another-key');
    expect(await mirror(into, other)).toMatchObject({ exit: 1, code: 'audit-note-unsigned' });
    expect(await mirror(into, 'party')).toMatchObject({ exit: 2, code: 'arguments-invalid' });
    expect(await audit('mirror', into)).toMatchObject({ exit: 2, code: 'arguments-invalid' });
    expect(existsSync(into)).toBe(false);
    expect(staging(into)).toBe(false);
  });

  it('keeps nothing of a copy that does not lead to the signed root, and takes a true one afterwards', async () => {
    const { size } = Object((await mirror()).answer);
    expect(size).toBeGreaterThan(0);
    const kept = content();
    await rig.awaitingApprovals('audit-cli-0003');
    const elsewhere = desk.path('elsewhere');
    await until(
      () => mirror(elsewhere),
      (answer) => Number(Object(answer).size) > size,
    );
    // Of a run that was killed.
    mkdirSync(`${folder()}.mirror-new/tile`, { recursive: true });
    await edited("entry || ' '");
    const fresh = desk.path('fresh');
    expect(await mirror()).toMatchObject({ exit: 1, code: 'audit-log-other' });
    expect(await mirror(fresh)).toMatchObject({ exit: 1, code: 'audit-log-other' });
    await edited('rtrim(entry)');
    expect(content()).toEqual(kept);
    expect(readdirSync(fresh)).toEqual([]);
    expect([staging(folder()), staging(fresh)]).toEqual([false, false]);
    for (const into of [folder(), fresh]) {
      expect(await mirror(into)).toMatchObject({ exit: 0 });
      expect(await audit('verify', into, '--key', key)).toMatchObject({ exit: 0, answer: { valid: true } });
    }
  });

  it('with --whole takes nothing over where any entry or tile is not what it must be', async () => {
    const whole = () => audit('mirror', folder(), '--key', key, '--whole');
    expect(await whole()).toMatchObject({ exit: 0, answer: { whole: true } });
    const bundle = Object.keys(content()).find((path) => path.includes('tile/entries/')) ?? '';
    const kept = readFileSync(bundle);
    writeFileSync(bundle, Buffer.from(kept).fill(0x20, 40, 41));
    const before = content();
    expect(await mirror()).toMatchObject({ exit: 0, answer: { whole: false } });
    expect(await whole()).toMatchObject({ exit: 1, code: 'audit-log-not-whole' });
    expect(content()[bundle]).toBe(before[bundle]);
    expect(staging(folder())).toBe(false);
    writeFileSync(bundle, kept);
    expect(await whole()).toMatchObject({ exit: 0 });
  });

  it('takes nothing over from a log that does not begin as it was', async () => {
    const path = join(folder(), 'checkpoint');
    const kept = readFileSync(path, 'utf8');
    const [origin, size, , ...rest] = kept.split('\n');
    const other = [origin, size, Buffer.alloc(32, 7).toString('base64'), ...rest].join('\n');
    writeFileSync(path, other);
    expect(await mirror()).toMatchObject({ exit: 1, code: 'audit-log-other' });
    const longer = [origin, '900000', ...kept.split('\n').slice(2)].join('\n');
    writeFileSync(path, longer);
    expect(await mirror()).toMatchObject({ exit: 1, code: 'audit-log-shorter' });
    expect(readFileSync(path, 'utf8')).toBe(longer);
    expect(existsSync(join(folder(), 'tile'))).toBe(true);
    expect(staging(folder())).toBe(false);
  });

  it('copies the log that a quorum names in the place of a closed one into a folder of its own', async () => {
    await handIn(await rig.deployment.auditLogEntry('audit-2', 'exchange.example/second'));
    const closed = key;
    key = currentKey();
    const second = desk.path('second');
    const copied = await until(
      () => mirror(second),
      (answer) => answer !== undefined,
    );
    expect(copied.answer).toMatchObject({ before: null });
    expect(await audit('verify', second, '--key', key)).toMatchObject({
      exit: 0,
      answer: { valid: true, origin: 'exchange.example/second' },
    });
    expect(await audit('find', '--kind', 'governance')).toMatchObject({ exit: 0 });
    const kept = content();
    expect(await mirror()).toMatchObject({ exit: 1, code: 'audit-log-of-other-origin' });
    expect(await mirror(desk.path('third'), closed)).toMatchObject({ exit: 1, code: 'audit-note-unsigned' });
    expect(content()).toEqual(kept);
  });
});

describe('portcullis audit fsck', () => {
  it("holds the orchestrator's database against its log", async () => {
    const file = await desk.write('orchestrator.yaml', stringify({ orchestrator: rig.configuration }));
    const sound = await desk.run('audit', 'fsck', file, '--json');
    expect(sound).toMatchObject({
      exit: 0,
      answer: { findings: [], governance: null, origin: key.split('+')[0] },
    });
    expect(Number(sound.answer?.records)).toBeGreaterThan(10);
    const text = await desk.run('audit', 'fsck', file);
    expect(text.output).toContain('agrees with itself and with every record');
    await rig.served.application.get(Database).transaction(async (db) => {
      await run(db, 'DROP TRIGGER transitions_no_update');
      await run(db, "UPDATE transitions SET moved_by = 'person:alice' WHERE to_state = 'requested'");
    });
    const edited = await desk.run('audit', 'fsck', file);
    expect(edited).toMatchObject({ exit: 1 });
    expect(edited.output).toContain('the record says something else than was logged');
  });
});
