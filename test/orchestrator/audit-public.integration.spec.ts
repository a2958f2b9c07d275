// The audit log as a stranger reads it who knows C2SP's texts and nothing of ours (tlog-tiles, tlog-checkpoint, signed-note): hashes,
// paths and notes are worked out here from those texts, with Node's cryptography alone. Go's libraries then read the same.

import { spawn } from 'node:child_process';
import { createHash, createPublicKey, verify } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { verifierKeyText } from '../../src/core/audit/note.js';
import { AuditEntryRow } from '../../src/orchestrator/audit/audit.entity.js';
import { Database } from '../../src/orchestrator/database/database.js';
import { run } from '../../src/orchestrator/database/sql.js';
import { GoJudge, judged, withoutGo } from '../audit/go-judge.js';
import { rawCall, send } from './api-client.js';
import { ApiRig, expectProblem } from './api-rig.js';

const WAIT_MS = 60_000;
const ENTRIES = 600;

let rig: ApiRig;
let prefix: string;
/** As the log's owner gives it to people: `name+hash+key`. */
let key: string;

beforeAll(async () => {
  const audit = { addMs: 50, checkpointMs: 200, public: true };
  rig = await ApiRig.start('SQLite', undefined, undefined, { audit });
  prefix = `${rig.url}/v1/audit/log`;
  const { deployment } = rig;
  const entry = await deployment.auditLogEntry();
  expect((await rig.alice.post('/v1/governance/entries', { body: entry })).status).toBe(201);
  deployment.log.push(entry);
  const { change } = entry.body;
  if (change.kind !== 'audit-log-set') throw new Error('not of a log');
  const publicKey = Uint8Array.from(Buffer.from(change.auditLog.key.publicKey, 'hex'));
  key = verifierKeyText({ name: change.auditLog.origin, publicKey });
  await rig.served.application.get(Database).transaction(async (db) => {
    for (let at = 0; at < ENTRIES; at += 1) {
      await run(
        db,
        `INSERT INTO audit_calls (call_id, kind, what, operation, principal, at_ms) VALUES ('c-${at}', 'login', 'came-in', 'getStatus', 'person:ada', ${at + 1})`,
      );
    }
  });
  for (const end = Date.now() + WAIT_MS; Date.now() < end; await sleep(200)) {
    const answer = await fetch(`${prefix}/checkpoint`);
    if (answer.ok && Number((await answer.text()).split('\n')[1]) > ENTRIES) return;
    rig.deployment.time.advance(1_000);
  }
  throw new Error('no checkpoint in time');
});
afterAll(async () => {
  await rig?.stop();
});

const sha256 = (...parts: Uint8Array[]) =>
  parts.reduce((hash, part) => hash.update(part), createHash('sha256')).digest();
const leaf = (entry: Uint8Array) => sha256(Uint8Array.of(0), entry);
const node = (left: Uint8Array, right: Uint8Array) => sha256(Uint8Array.of(1), left, right);

/** RFC 6962 §2.1. */
function rootOf(hashes: readonly Uint8Array[]): Uint8Array {
  const [first] = hashes;
  if (first === undefined) return sha256();
  if (hashes.length === 1) return first;
  let split = 1;
  while (split * 2 < hashes.length) split *= 2;
  return node(rootOf(hashes.slice(0, split)), rootOf(hashes.slice(split)));
}

/** tlog-tiles: groups of three digits, all but the last with an x. */
function pathOf(level: string, index: number, width: number): string {
  const groups = [`${index % 1_000}`.padStart(3, '0')];
  for (let rest = Math.floor(index / 1_000); rest > 0; rest = Math.floor(rest / 1_000))
    groups.unshift(`x${`${rest % 1_000}`.padStart(3, '0')}`);
  return `tile/${level}/${groups.join('/')}${width === 256 ? '' : `.p/${width}`}`;
}

async function bytesAt(path: string): Promise<Buffer> {
  const answer = await fetch(`${prefix}/${path}`);
  expect({ path, status: answer.status }).toEqual({ path, status: 200 });
  expect(answer.headers.get('content-type')).toBe('application/octet-stream');
  expect(answer.headers.get('cache-control')).toContain('immutable');
  return Buffer.from(await answer.arrayBuffer());
}

/** signed-note, by its Ed25519 key. */
function opened(note: string): { readonly size: number; readonly root: Buffer } {
  // Base64 has this sign as well.
  const [name = '', , ...parts] = key.split('+');
  const encoded = parts.join('+');
  const x = Buffer.from(encoded, 'base64').subarray(1).toString('base64url');
  const publicKey = createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x }, format: 'jwk' });
  const end = note.indexOf('\n\n') + 1;
  const text = note.slice(0, end);
  const line = note
    .slice(end + 1)
    .split('\n')
    .find((one) => one.startsWith(`— ${name} `));
  const signature = Buffer.from(line?.split(' ')[2] ?? '', 'base64').subarray(4);
  expect(verify(null, Buffer.from(text), publicKey, signature)).toBe(true);
  const [origin, size, root = ''] = text.split('\n');
  expect(origin).toBe(name);
  return { size: Number(size), root: Buffer.from(root, 'base64') };
}

/** All files that a log of this size has, by tlog-tiles. */
function* filesOf(size: number): Generator<{ level: string; index: number; width: number }> {
  for (let index = 0; index * 256 < size; index += 1)
    yield { level: 'entries', index, width: Math.min(256, size - index * 256) };
  for (let level = 0, count = size; count > 0; level += 1, count = Math.floor(count / 256))
    for (let index = 0; index * 256 < count; index += 1)
      yield { level: `${level}`, index, width: Math.min(256, count - index * 256) };
}

describe('the audit log over HTTP, to whoever asks', () => {
  it('is what C2SP says, from the note down to every entry and every tile', async () => {
    const answer = await fetch(`${prefix}/checkpoint`);
    expect(answer.headers.get('content-type')).toBe('text/plain; charset=utf-8');
    expect(answer.headers.get('cache-control')).toBe('public, max-age=5');
    const { size, root } = opened(await answer.text());
    const files = [...filesOf(size)];
    const leaves: Buffer[] = [];
    for (const { level, index, width } of files.filter((one) => one.level === 'entries')) {
      const bundle = await bytesAt(pathOf(level, index, width));
      let at = 0;
      for (; at < bundle.length; ) {
        const length = bundle.readUInt16BE(at);
        const entry = bundle.subarray(at + 2, at + 2 + length);
        expect(JSON.parse(entry.toString()).sequence).toBe(leaves.length);
        leaves.push(leaf(entry));
        at += 2 + length;
      }
      expect(at).toBe(bundle.length);
    }
    expect(leaves).toHaveLength(size);
    expect(rootOf(leaves)).toEqual(root);
    for (const { level, index, width } of files.filter((one) => one.level !== 'entries')) {
      const per = 256 ** Number(level);
      const expected = Array.from({ length: width }, (_, at) => {
        const first = (index * 256 + at) * per;
        return rootOf(leaves.slice(first, first + per));
      });
      expect(await bytesAt(pathOf(level, index, width))).toEqual(Buffer.concat(expected));
    }
  });

  it('has partial files of every earlier width, and nothing that no checkpoint is about', async () => {
    const { size } = opened(await (await fetch(`${prefix}/checkpoint`)).text());
    expect((await bytesAt('tile/0/000.p/7')).length).toBe(7 * 32);
    expect((await bytesAt('tile/1/000.p/1')).length).toBe(32);
    const database = rig.served.application.get(Database);
    const { there } = await database.read(async (db) => ({ there: await db.count(AuditEntryRow) }));
    expect(there).toBeGreaterThanOrEqual(size);
    const beyond = (size % 256) + 1;
    const full = Math.floor(size / 256);
    expectProblem(await send(`${prefix}/${pathOf('0', full, beyond)}`), 404, 'audit-file-unknown');
    expectProblem(await send(`${prefix}/${pathOf('entries', full + 1, 1)}`), 404, 'audit-file-unknown');
    expectProblem(await send(`${prefix}/tile/1/000.p/${full + 1}`), 404, 'audit-file-unknown');
  });

  it('refuses every other spelling, and whatever leads elsewhere', async () => {
    const unknown = [
      'tile/0/0',
      'tile/00/000',
      'tile/0/x000/000',
      'tile/0/000.p/256',
      'tile/0/000.p/0',
      'tile/7/000',
    ];
    for (const path of [...unknown, 'tile/data/000', 'tile/entries/000.p/007'])
      expectProblem(await send(`${prefix}/${path}`), 404, 'audit-file-unknown');
    for (const path of ['tile/0%2F000', 'tile/0/..%2f..%2f000', 'tile/0/000?x=1', `tile/0/${'0'.repeat(90)}`])
      expectProblem(await send(`${prefix}/${path}`), 400, 'input-invalid');
    for (const path of ['/v1/audit/log/tile/../../../../etc/passwd', '/v1/audit/log/../../secret'])
      expect((await rawCall(rig.url, path, {})).status).toBeGreaterThanOrEqual(400);
    expectProblem(await send(`${prefix}/secret`), 404, 'route-unknown');
    expectProblem(await send(`${prefix}/tile/0/000`, 'DELETE'), 404, 'route-unknown');
  });

  it('says the same to who asks for headers alone', async () => {
    const answer = await fetch(`${prefix}/tile/0/000`, { method: 'HEAD' });
    expect(answer.status).toBe(200);
    expect(await answer.text()).toBe('');
  });
});

judged(`the audit log over HTTP, read by Go${withoutGo}`, () => {
  let folder: string;
  let judge: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'portcullis-audit-public-'));
    judge = GoJudge.build(folder).program;
  }, 300_000);
  afterAll(() => rmSync(folder, { recursive: true }));

  /** Beside this process, which serves what it reads. */
  async function asked(question: object): Promise<unknown> {
    const program = spawn(judge, { stdio: ['pipe', 'pipe', 'pipe'] });
    program.stdin.end(JSON.stringify(question));
    const [answer, trouble] = await Promise.all([text(program.stdout), text(program.stderr)]);
    return trouble === '' ? JSON.parse(answer) : trouble.trim();
  }

  it('has the root, and the very tiles, that Go works out from the entries which it fetches', async () => {
    const { size, root } = opened(await (await fetch(`${prefix}/checkpoint`)).text());
    const question = { Folder: prefix, Key: key, Name: 'witness.example/go', Text: 'x\n' };
    const proofs = { Inclusion: [{ Index: 5, Size: size, Root: root.toString('base64') }] };
    expect(await asked({ ...question, ...proofs })).toMatchObject({
      Size: size,
      Root: root.toString('base64'),
      TilesAgreed: [...filesOf(size)].filter(({ level }) => level !== 'entries').length,
      OwnInclusion: [expect.any(Array)],
    });
    const other = key.replace(
      /[^+]+$/,
      Buffer.concat([Buffer.of(1), Buffer.alloc(32, 7)]).toString('base64'),
    );
    expect(await asked({ ...question, Key: other })).toEqual(expect.stringContaining('verifier'));
  });
});
