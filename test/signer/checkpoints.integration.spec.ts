// Checkpoints of the audit log over the signer's socket, with the key in a real token. The attacker owns the orchestrator and
// would have a second history of the log signed: by asking oddly, by another key, by a lost store, by a signer that dies.

import { readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { bytesToHex } from '@noble/hashes/utils.js';
import { Deployment, ETH, ETHEREUM } from '../../devnet/deployment.js';
import { codeOf, type SocketClient } from '../../devnet/socket-client.js';
import { eip1559 } from '../../devnet/transactions.js';
import { openCheckpoint } from '../../src/core/audit/checkpoint.js';
import { changed, type LogInMemory, logOf, wordsOf } from '../../src/core/audit/log.fixture.js';
import type { NoteKey } from '../../src/core/audit/note.js';
import type { Change } from '../../src/core/governance/entry.js';
import { portableVerifier } from '../../src/core/statements/signature.js';
import { readRecord, restoreStore } from '../../src/signer/start.js';
import {
  checkpointResult,
  type Growth,
  type Reply,
  statusResult,
} from '../../src/signer-protocol/messages.js';
import { growthOf, valueIn } from './growth.js';
import { writeOlderRecord } from './older-record.js';
import { untouchedRestore } from './untouched-restore.js';

const DESTINATION = '0x70997970C51812dc3A010C7d01b50e0d17dc79C8';

let deployment: Deployment;
let signer: SocketClient;
let key: NoteKey;
/** Files of the token that the key `audit-2` is in. */
let keyFiles: readonly string[];

/** RFC 8032 §7.1, test 1: a key that is in no token. */
const OTHER_KEY = 'd75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a';

const log = logOf(wordsOf(60), [30, 30]);
/** A log of somebody who has changed entry 3 of it. */
const forked = logOf(wordsOf(60).map((entry, at) => (at === 3 ? changed(entry, 0) : entry)));

beforeAll(async () => {
  deployment = await Deployment.create();
  signer = await deployment.start();
});
afterAll(() => deployment.destroy());

const options = () => ({ time: deployment.time, tokenProgram: deployment.tokenProgram });

function growing(from: number, size: number, of: LogInMemory = log): Promise<Growth> {
  return growthOf(of, from, size);
}

function ask(asked: Growth): Promise<Reply> {
  return signer.ask({ verb: 'checkpoint', ...asked });
}

function noteIn(answer: Reply): Uint8Array {
  if (answer.kind !== 'done') throw new Error(`no checkpoint: ${codeOf(answer)}`);
  return Buffer.from(checkpointResult.parse(answer.result).note, 'base64');
}

async function newest(): Promise<{ size: number; root: string } | null> {
  return (await statusNow()).checkpoint;
}

async function append(change: Change): Promise<string> {
  const entry = deployment.entry(change, [deployment.alice, deployment.bob]);
  const code = codeOf(await signer.ask({ verb: 'governance-append', entry }));
  if (code === 'done') deployment.log.push(entry);
  return code;
}

async function tokenFiles(): Promise<string[]> {
  const names = await readdir(deployment.softHsm.tokenDirectory, { recursive: true });
  return names.filter((name) => name.endsWith('.object'));
}

/** As somebody would who has the files of the token, or its PIN. */
async function moveKey(from: string, to: string): Promise<void> {
  for (const name of keyFiles) {
    const path = join(deployment.softHsm.tokenDirectory, name);
    await rename(`${path}${from}`, `${path}${to}`);
  }
}

async function statusNow() {
  const answer = await signer.ask({ verb: 'status', transferIds: [] });
  if (answer.kind !== 'done') throw new Error(codeOf(answer));
  return statusResult.parse(answer.result);
}

async function restarted(): Promise<void> {
  await deployment.stop();
  signer = await deployment.start();
}

describe('the key for checkpoints', () => {
  it('is not there before governance names one (audit-log-not-set)', async () => {
    expect(codeOf(await ask(await growing(0, 5)))).toBe('audit-log-not-set');
    expect(await newest()).toBeNull();
  });

  it('is not taken into the log when the token holds another one, or none, and the signer starts again', async () => {
    const { body } = await deployment.auditLogEntry();
    if (body.change.kind !== 'audit-log-set') throw new Error('another change');
    const { auditLog } = body.change;
    const altered = (change: Partial<typeof auditLog.key>): Change => ({
      kind: 'audit-log-set',
      auditLog: { ...auditLog, key: { ...auditLog.key, ...change } },
    });
    expect(await append(altered({ publicKey: OTHER_KEY }))).toBe('key-other-public-key');
    expect(await append(altered({ label: 'audit-9' }))).toBe('key-missing');
    expect(await append(altered({ label: 'hot-btc-1' }))).toBe('key-other-curve');
    expect(await append(altered({ token: 'safu' }))).toBe('token-unknown');
    await restarted();
    expect(codeOf(await ask(await growing(0, 5)))).toBe('audit-log-not-set');
  });

  it('is taken in when it is where governance says, twice over if need be, and the signer starts with it', async () => {
    const before = await tokenFiles();
    const entry = await deployment.auditLogEntry('audit-2');
    keyFiles = (await tokenFiles()).filter((name) => !before.includes(name));
    expect(keyFiles).toHaveLength(2);
    key = await deployment.takeAuditLog(signer, entry);
    expect(codeOf(await signer.ask({ verb: 'governance-append', entry }))).toBe('done');
    await restarted();
  });
});

describe('a signer whose key for checkpoints is gone from the token', () => {
  it('starts, signs transactions, says what is wrong, and signs checkpoints once it is back (audit-key-unusable)', async () => {
    await deployment.stop();
    await moveKey('', '.away');
    signer = await deployment.start();
    const { auditKeyFault, journalSequence } = await statusNow();
    expect(auditKeyFault).toBe('key-missing');
    const asked = await growing(0, 5);
    expect(await ask(asked)).toMatchObject({
      kind: 'refused',
      code: 'audit-key-unusable',
      facts: { fault: 'key-missing', waitMs: 30_000 },
    });
    expect((await statusNow()).journalSequence).toBe(journalSequence);
    const request = deployment.request({
      chain: ETHEREUM,
      wallet: 'hot-eth',
      asset: ETH,
      amount: `${10n ** 17n}`,
      destination: DESTINATION,
      feeCeiling: `${10n ** 15n}`,
    });
    await signer.signed({
      wallet: 'hot-eth',
      transaction: eip1559({ to: DESTINATION, value: 10n ** 17n, nonce: 0 }),
      transfers: [deployment.transfer(request)],
    });
    await moveKey('.away', '');
    // Whoever makes an object tells SoftHSM's other processes to read the files again.
    await deployment.auditLogEntry('audit-unused');
    expect(codeOf(await ask(asked))).toBe('audit-key-unusable');
    deployment.time.advance(30_000);
    noteIn(await ask(asked));
    expect((await statusNow()).auditKeyFault).toBeNull();
  });
});

describe('a checkpoint', () => {
  it('is signed by the key in the token, and the same again to the letter', async () => {
    const asked = await growing(5, 20);
    const note = noteIn(await ask(asked));
    const opened = valueIn(openCheckpoint(note, key, portableVerifier));
    expect({ ...opened, root: bytesToHex(opened.root) }).toEqual({
      origin: 'exchange.example/audit',
      size: 20,
      root: asked.root,
      extensions: [],
    });
    expect(noteIn(await ask(asked))).toEqual(note);
    await restarted();
    expect(noteIn(await ask({ ...asked, from: 3, path: [] }))).toEqual(note);
    expect(await newest()).toEqual({ size: 20, root: asked.root });
  });

  it('is refused to whoever shows no growth of what was signed last, and says how to ask', async () => {
    const fork = await growing(20, 30, forked);
    const grown = await growing(20, 30);
    const cases: [string, Growth][] = [
      ['checkpoint-smaller', await growing(0, 19)],
      ['checkpoint-from-other', await growing(0, 30)],
      ['checkpoint-from-other', await growing(19, 30)],
      ['checkpoint-not-consistent', await growing(20, 20, forked)],
      ['checkpoint-not-consistent', fork],
      ['checkpoint-not-consistent', { ...fork, path: grown.path }],
      ['checkpoint-not-consistent', { ...grown, path: grown.path.slice(1) }],
      ['message-malformed', { ...grown, path: Array.from({ length: 65 }, () => grown.root) }],
      ['message-malformed', { ...grown, size: 2 ** 53 }],
    ];
    for (const [code, asked] of cases) expect(codeOf(await ask(asked))).toBe(code);
    const { root } = await growing(0, 20);
    expect(await ask(await growing(19, 30))).toMatchObject({
      facts: { from: 19, signed: 20, signedRoot: root },
    });
    expect(await newest()).toEqual({ size: 20, root });
    noteIn(await ask(grown));
    expect(codeOf(await ask(await growing(0, 20)))).toBe('checkpoint-smaller');
  });

  it('is signed of one of two logs alone when both are asked for at once', async () => {
    const other = await deployment.connect();
    const branch = logOf(wordsOf(60).map((entry, at) => (at < 30 ? entry : changed(entry, 0))));
    const asked = [await growing(30, 31), await growing(30, 31, branch)] as const;
    const answers = await Promise.all([ask(asked[0]), other.ask({ verb: 'checkpoint', ...asked[1] })]);
    expect(answers.map(codeOf)).toEqual(['done', 'checkpoint-from-other']);
    const same = await growing(31, 32);
    const [one, two] = await Promise.all([ask(same), other.ask({ verb: 'checkpoint', ...same })]);
    expect(noteIn(one)).toEqual(noteIn(two));
  });

  it('goes on under another key of the same log, and the one before signs no more', async () => {
    const before = noteIn(await ask(await growing(32, 33)));
    const next = await deployment.setAuditLog(signer, 'audit-3');
    expect(codeOf(await ask(await growing(33, 40, forked)))).toBe('checkpoint-not-consistent');
    const note = noteIn(await ask(await growing(33, 40)));
    expect(openCheckpoint(note, next, portableVerifier).kind).toBe('accepted');
    expect(openCheckpoint(note, key, portableVerifier)).toMatchObject({ code: 'audit-note-unsigned' });
    expect(openCheckpoint(before, key, portableVerifier).kind).toBe('accepted');
    key = next;
  });
});

describe('a signer whose store was lost', () => {
  it('still knows from its token what it signed last, and signs no fork of it', async () => {
    const asked = await growing(40, 45);
    const note = noteIn(await ask(asked));
    for (let times = 0; times < 2; times += 1) {
      await restored();
      expect(await newest()).toEqual({ size: 45, root: asked.root });
      expect(codeOf(await ask(await growing(0, 50)))).toBe('checkpoint-from-other');
      expect(codeOf(await ask(await growing(45, 50, forked)))).toBe('checkpoint-not-consistent');
      expect(codeOf(await ask(await growing(0, 44)))).toBe('checkpoint-smaller');
      expect(noteIn(await ask({ ...asked, from: 0, path: [] }))).toEqual(note);
    }
    await restarted();
    const grown = noteIn(await ask(await growing(45, 50)));
    expect(openCheckpoint(grown, key, portableVerifier).kind).toBe('accepted');
  }, 60_000);
});

describe('a log that a quorum has closed', () => {
  it('has no successor under its own name, and one of another name begins anew', async () => {
    const entry = await deployment.auditLogEntry('audit-4', 'exchange.example/second');
    expect(codeOf(await ask(await growing(0, 9, forked)))).toBe('checkpoint-smaller');
    const second = await deployment.takeAuditLog(signer, entry);
    expect(await newest()).toBeNull();
    expect(codeOf(await ask(await growing(50, 51)))).toBe('checkpoint-from-other');
    const note = noteIn(await ask(await growing(0, 9, forked)));
    expect(valueIn(openCheckpoint(note, second, portableVerifier))).toMatchObject({
      origin: 'exchange.example/second',
      size: 9,
    });
    const { body } = await deployment.auditLogEntry('audit-5');
    expect(await append(body.change)).toBe('governance-change-invalid');
    await restarted();
    expect(codeOf(await ask(await growing(0, 10)))).toBe('checkpoint-from-other');
    key = second;
  });

  it('is not gone on with by a restored signer, nor is the one after it begun twice (checkpoint-of-other-log)', async () => {
    const { root } = await growing(0, 9, forked);
    await restored();
    expect(await newest()).toEqual({ size: 9, root });
    expect(codeOf(await ask(await growing(0, 50)))).toBe('checkpoint-from-other');
    // As an orchestrator would that keeps the newest entry of governance from the officers and the signer.
    const naming = deployment.log.pop();
    await lostStore();
    expect(await restoring()).toBe('restore-governance-behind');
    // Nothing else stops it where the record is from before records had the newest entry of governance.
    await writeOlderRecord(deployment, options());
    expect(await restoring()).toBe('accepted');
    signer = await deployment.start();
    for (const asked of [await growing(50, 51), await growing(0, 50), await growing(9, 20, forked)])
      expect(codeOf(await ask(asked))).toBe('checkpoint-of-other-log');
    expect(codeOf(await signer.ask({ verb: 'governance-append', entry: naming }))).toBe('done');
    if (naming) deployment.log.push(naming);
    expect(codeOf(await ask(await growing(0, 50)))).toBe('checkpoint-from-other');
    const note = noteIn(await ask(await growing(9, 20, forked)));
    expect(openCheckpoint(note, key, portableVerifier).kind).toBe('accepted');
  }, 60_000);
});

async function lostStore(): Promise<void> {
  await deployment.stop();
  const { storePath } = deployment.config();
  for (const suffix of ['', '-wal', '-shm']) await rm(`${storePath}${suffix}`, { force: true });
}

/** With what the token remembers, and a quorum's word. */
async function restoring(): Promise<string> {
  const lost = await readRecord(deployment.config(), options());
  const restore = untouchedRestore(deployment, lost, deployment.time.wall);
  const outcome = await restoreStore(deployment.config(), restore, deployment.log, options());
  return outcome.kind === 'refused' ? outcome.code : outcome.kind;
}

/** As after a lost disk. */
async function restored(): Promise<void> {
  await lostStore();
  expect(await restoring()).toBe('accepted');
  signer = await deployment.start();
}
