// Checkpoints of the audit log at a signer with a key in memory: what it vouches for, in which order, and what an orchestrator
// that means harm gets out of it. That a real token signs them, and what a restored signer does, is under test elsewhere.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { ed25519 } from '@noble/curves/ed25519.js';
import { bytesToHex } from '@noble/hashes/utils.js';
import type { KeyDescription, KeySigner } from '../../hardware/key-signer.js';
import { openCheckpoint } from '../core/audit/checkpoint.js';
import { edgeRoot } from '../core/audit/growing-log.js';
import { changed, type LogInMemory, logOf, wordsOf } from '../core/audit/log.fixture.js';
import { EMPTY_ROOT } from '../core/audit/merkle.js';
import { proveConsistency, rootAt } from '../core/audit/prove.js';
import { Fault, type Outcome } from '../core/fault.js';
import type { AuditLog } from '../core/governance/entry.js';
import { auditLogOf, genesisOf } from '../core/governance/people.fixture.js';
import { nativeVerifier } from '../platform/native-verifier.js';
import { type Growth, growth, query } from '../signer-protocol/messages.js';
import { Checkpoints, checkAuditKey, originHashOf } from './checkpoints.js';
import type { JournalBody } from './journal.js';
import type { SignerParts } from './reports.js';
import { Seal } from './seal.js';
import type { Token } from './self-check.js';
import { SignerStore } from './store.js';

const SEAL = new Seal(new Uint8Array(32).fill(7));
const WALL_MS = 1_760_000_000_000;
const SECRET = new Uint8Array(32).fill(1);
const OTHER_SECRET = new Uint8Array(32).fill(2);
const auditLog = auditLogOf(1);
const noteKey = { name: auditLog.origin, publicKey: ed25519.getPublicKey(SECRET) };

const log = logOf(wordsOf(40), [20, 20]);
/** A log of somebody who has changed entry 3 of it. */
const forked = logOf(wordsOf(40).map((entry, at) => (at === 3 ? changed(entry, 0) : entry)));

function valueIn<T>(outcome: Outcome<T>): T {
  if (outcome.kind === 'refused') throw new Error(outcome.code);
  return outcome.value;
}

async function rootOf(size: number, of: LogInMemory = log): Promise<string> {
  return bytesToHex(valueIn(await rootAt(of, size)));
}

/** An honest demand, by whoever has this log. */
async function growing(from: number, size: number, of: LogInMemory = log): Promise<Growth> {
  const { path } = valueIn(await proveConsistency(of, from, size));
  return { from, size, root: await rootOf(size, of), path: path.map(bytesToHex) };
}

let folder: string;
let store: SignerStore;
/** What happened, in its order. */
let acts: string[];
let uncovered: Error | undefined;
let lost: Error | undefined;
let unsigned: Error | undefined;
let undescribed: Error | undefined;
let measuredMs: number;
let tokens: ReadonlyMap<string, Token>;
/** As governance names it. */
let named: AuditLog | undefined;
/** As it named them before. */
let closed: readonly AuditLog[];
let checkpoints: Checkpoints;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'portcullis-checkpoints-'));
  store = SignerStore.create(join(folder, 'signer.db'), genesisOf(), SEAL);
  acts = [];
  uncovered = undefined;
  lost = undefined;
  unsigned = undefined;
  undescribed = undefined;
  measuredMs = 0;
  tokens = on(tokenWith());
  named = auditLog;
  closed = [];
  checkpoints = anew();
});
afterEach(() => {
  store.close();
  rmSync(folder, { recursive: true });
});

function tokenWith(described: Partial<KeyDescription> = {}, secret = SECRET): KeySigner {
  const token: Pick<KeySigner, 'describeKey' | 'signMessage'> = {
    describeKey: async ({ label }) => {
      if (undescribed) throw undescribed;
      return {
        label,
        id: '',
        curve: 'ed25519',
        publicKey: bytesToHex(ed25519.getPublicKey(secret)),
        unextractable: true,
        bornInToken: true,
        ...described,
      };
    },
    signMessage: async (_key, message) => {
      const isLook = Buffer.from(message).toString('latin1').startsWith('portcullis/self-check/');
      acts.push(isLook ? 'look' : 'sign');
      if (unsigned) throw unsigned;
      return ed25519.sign(message, secret);
    },
  };
  return token as KeySigner;
}

const on = (signer: KeySigner, name = 'treasury') => new Map([[name, { signer, serial: '1' }]]);

/** A signer that starts, with what the store and the tokens have. */
function anew(): Checkpoints {
  const parts = {
    store: Object.create(store, {
      append: {
        value: (body: JournalBody) => {
          acts.push(body.kind);
          return store.append(body);
        },
      },
    }),
    clock: { now: () => ({ wallMs: WALL_MS, measuredMs }) },
    verifier: nativeVerifier,
    anchor: {
      requireOwn: () => {
        if (lost) throw lost;
      },
      cover: async (sequence: number) => {
        acts.push(`cover ${sequence}`);
        if (uncovered) throw uncovered;
      },
    },
    tokens: { get: (name: string) => tokens.get(name) },
  } as unknown as SignerParts;
  return new Checkpoints(parts, () => ({ auditLog: named, auditLogs: named ? [...closed, named] : closed }));
}

function ask(asked: Growth) {
  return checkpoints.sign(asked);
}

async function answerTo(asked: Growth): Promise<unknown> {
  const answer = await ask(asked);
  return answer.kind === 'refused' ? [answer.code, answer.facts] : answer.kind;
}

async function codeFor(asked: Growth): Promise<string> {
  const answer = await ask(asked);
  return answer.kind === 'refused' ? answer.code : answer.kind;
}

async function codeOf(work: Promise<unknown>): Promise<string> {
  return work.then(
    () => 'passed',
    (error: unknown) => (error instanceof Fault ? error.code : String(error)),
  );
}

describe('a checkpoint', () => {
  it('is refused until governance has named the log (audit-log-not-set)', async () => {
    named = undefined;
    await checkpoints.look();
    expect(await answerTo(await growing(0, 5))).toEqual(['audit-log-not-set', {}]);
    expect(checkpoints.keyFault()).toBeNull();
    expect(store.checkpoint()).toBeUndefined();
    expect(acts).toEqual([]);
  });

  it('is signed by the key of the log, and says its origin, size and root', async () => {
    const { note, size } = valueIn(await ask(await growing(0, 20)));
    const opened = valueIn(openCheckpoint(Buffer.from(note, 'base64'), noteKey, nativeVerifier));
    const root = valueIn(await rootAt(log, 20));
    expect(opened).toEqual({ origin: 'exchange.example/audit', size: 20, root, extensions: [] });
    expect(size).toBe(20);
  });

  it('is in the journal and covered by the record before the token is asked', async () => {
    await ask(await growing(0, 20));
    expect(acts).toEqual(['look', 'checkpointed', 'cover 1', 'sign']);
    expect(store.read(1).body).toEqual({
      kind: 'checkpointed',
      at: { wallMs: WALL_MS, measuredMs },
      size: 20,
      root: await rootOf(20),
      originHash: originHashOf(auditLog.origin),
    });
  });

  it('is signed of every size that the log grows to, and after a restart of the signer as before', async () => {
    let from = 0;
    for (const size of [1, 2, 3, 7, 8, 20, 31, 32, 40]) {
      expect(await codeFor(await growing(from, size))).toBe('accepted');
      from = size;
      store.close();
      store = SignerStore.open(join(folder, 'signer.db'), SEAL);
      checkpoints = anew();
      expect(checkpoints.newest()).toEqual({ size, root: await rootOf(size) });
    }
    expect(store.checkpoint()?.root).toBe(bytesToHex(edgeRoot(log.edge)));
  });

  it('that was signed last is signed again to the letter, whatever the proof, and is no second entry', async () => {
    const first = valueIn(await ask(await growing(0, 20)));
    const head = store.head();
    const again = { from: 7, size: 20, root: await rootOf(20), path: ['00'.repeat(32)] };
    expect(valueIn(await ask(again))).toEqual(first);
    expect(store.head()).toEqual(head);
    expect(acts.slice(4)).toEqual(['cover 1', 'sign']);
  });

  it('that the token did not sign, or its record did not cover, is had by asking again', async () => {
    await checkpoints.look();
    unsigned = new Fault('token-timed-out', 'the token hung up');
    await expect(ask(await growing(0, 5))).rejects.toBe(unsigned);
    unsigned = undefined;
    uncovered = new Error('the token is gone');
    await expect(ask(await growing(0, 5))).rejects.toBe(uncovered);
    expect(acts.filter((act) => act !== 'look')).toEqual(['checkpointed', 'cover 1', 'sign', 'cover 1']);
    uncovered = undefined;
    expect(await answerTo(await growing(0, 5))).toBe('accepted');
    // It may have got out: nothing but what begins with it is signed from then on.
    expect(await answerTo(await growing(0, 6, forked))).toEqual([
      'checkpoint-from-other',
      { from: 0, signed: 5, signedRoot: await rootOf(5) },
    ]);
  });

  it('is not valueIn out when the token signs with another key (audit-note-signer-wrong)', async () => {
    await checkpoints.look();
    tokens = on(tokenWith({}, OTHER_SECRET));
    expect(await codeOf(ask(await growing(0, 5)))).toBe('audit-note-signer-wrong');
  });

  it('goes on from the last one when the log has got another key', async () => {
    await ask(await growing(0, 20));
    tokens = on(tokenWith({}, OTHER_SECRET));
    named = auditLogOf(2);
    expect(await codeFor(await growing(20, 30, forked))).toBe('checkpoint-not-consistent');
    expect(await codeFor(await growing(20, 30))).toBe('accepted');
  });
});

describe('checkpoints that are asked for without pause', () => {
  it('are signed 16 at once and then one in two seconds that the signer ran (checkpoint-too-soon)', async () => {
    for (let size = 1; size <= 16; size += 1)
      expect(await codeFor(await growing(size - 1, size))).toBe('accepted');
    const head = store.head();
    const next = await growing(16, 17);
    const facts = { signed: 16, signedRoot: await rootOf(16) };
    expect(await answerTo(next)).toEqual(['checkpoint-too-soon', { waitMs: 2_000, ...facts }]);
    measuredMs = 1_999;
    expect(await answerTo(next)).toEqual(['checkpoint-too-soon', { waitMs: 1, ...facts }]);
    expect(store.head()).toEqual(head);
    measuredMs = 2_000;
    expect(await codeFor(next)).toBe('accepted');
    expect(await codeFor(await growing(17, 18))).toBe('checkpoint-too-soon');
  });

  it('are not had faster by a restart, nor is anything saved up beyond 16', async () => {
    measuredMs = 1_000_000;
    for (let size = 1; size <= 16; size += 1)
      expect(await codeFor(await growing(size - 1, size))).toBe('accepted');
    store.close();
    store = SignerStore.open(join(folder, 'signer.db'), SEAL);
    checkpoints = anew();
    expect(await codeFor(await growing(16, 17))).toBe('checkpoint-too-soon');
    // What the signer had measured since its last entry may be forgotten in a crash.
    measuredMs = 999_000;
    expect(await codeFor(await growing(16, 17))).toBe('checkpoint-too-soon');
  });

  it('are had again without end, which journals nothing, and are told first what else is wrong', async () => {
    for (let size = 1; size <= 16; size += 1) await ask(await growing(size - 1, size));
    const head = store.head();
    for (let times = 0; times < 40; times += 1) expect(await codeFor(await growing(0, 16))).toBe('accepted');
    expect(await codeFor(await growing(16, 20, forked))).toBe('checkpoint-not-consistent');
    expect(await codeFor(await growing(15, 20))).toBe('checkpoint-from-other');
    expect(await codeFor(await growing(0, 3))).toBe('checkpoint-smaller');
    expect(store.head()).toEqual(head);
  });
});

describe('when a quorum has named a log of another origin', () => {
  const second = auditLogOf(1, { origin: 'exchange.example/second' });
  const third = auditLogOf(1, { origin: 'exchange.example/third' });
  const note = async (asked: Growth) => Buffer.from(valueIn(await ask(asked)).note, 'base64');

  /** The quorum closes the log that there is and names this one. */
  function closeFor(next: AuditLog): void {
    if (named) closed = [...closed, named];
    named = next;
  }

  it('begins with its first checkpoint from nothing, of whatever the log holds, and then only grows', async () => {
    await ask(await growing(0, 20));
    closeFor(second);
    expect(checkpoints.newest()).toBeNull();
    expect(await answerTo(await growing(20, 30))).toEqual([
      'checkpoint-from-other',
      { from: 20, signed: 0, signedRoot: bytesToHex(EMPTY_ROOT) },
    ]);
    // Shorter than the one that was lost, and no longer of the same entries.
    const opened = valueIn(
      openCheckpoint(
        await note(await growing(0, 8, forked)),
        { ...noteKey, name: second.origin },
        nativeVerifier,
      ),
    );
    expect([opened.origin, opened.size]).toEqual([second.origin, 8]);
    expect(checkpoints.newest()).toEqual({ size: 8, root: await rootOf(8, forked) });
    expect(await codeFor(await growing(0, 30))).toBe('checkpoint-from-other');
    expect(await codeFor(await growing(8, 30))).toBe('checkpoint-not-consistent');
    expect(await codeFor(await growing(8, 30, forked))).toBe('accepted');
  });

  it('signs the very head that was signed of the closed log anew, as one of this log', async () => {
    const asked = await growing(0, 20);
    const before = await note(asked);
    closeFor(second);
    const after = await note(asked);
    expect(valueIn(openCheckpoint(before, noteKey, nativeVerifier)).origin).toBe(auditLog.origin);
    expect(openCheckpoint(after, noteKey, nativeVerifier).kind).toBe('refused');
    expect(store.head().sequence).toBe(2);
  });

  it('goes on from its own checkpoint after a restart, and after another one was named', async () => {
    await ask(await growing(0, 20));
    closeFor(second);
    await ask(await growing(0, 10, forked));
    for (let times = 0; times < 2; times += 1) {
      store.close();
      store = SignerStore.open(join(folder, 'signer.db'), SEAL);
      checkpoints = anew();
      expect(await codeFor(await growing(20, 30))).toBe('checkpoint-from-other');
      expect(await codeFor(await growing(0, 30))).toBe('checkpoint-from-other');
    }
    closeFor(third);
    expect(await codeFor(await growing(10, 11, forked))).toBe('checkpoint-from-other');
    expect(await codeFor(await growing(0, 30))).toBe('accepted');
  });

  it('and its naming was lost: nothing is signed of the log before it, nor of one that was never closed (checkpoint-of-other-log)', async () => {
    await ask(await growing(0, 20));
    closeFor(second);
    await ask(await growing(0, 10, forked));
    const head = store.head();
    const facts = { originHash: originHashOf(second.origin) };
    // The governance log that a restored signer was given ends before the entry.
    closed = [];
    named = auditLog;
    for (const asked of [await growing(0, 5), await growing(20, 30), await growing(10, 20, forked)])
      expect(await answerTo(asked)).toEqual(['checkpoint-of-other-log', facts]);
    expect(checkpoints.newest()).toBeNull();
    closeFor(third);
    expect(await answerTo(await growing(0, 5))).toEqual(['checkpoint-of-other-log', facts]);
    expect(store.head()).toEqual(head);
    // The quorum names it once more: it goes on where it was, and can be closed as any other.
    closeFor(second);
    expect(await codeFor(await growing(0, 12))).toBe('checkpoint-from-other');
    expect(await codeFor(await growing(10, 12, forked))).toBe('accepted');
    closeFor(auditLogOf(1, { origin: 'exchange.example/fourth' }));
    expect(await codeFor(await growing(0, 5))).toBe('accepted');
  });

  it('was first vouched for before there could be another: that binds the first log alone', async () => {
    const root = await rootOf(20);
    store.append({ kind: 'checkpointed', at: { wallMs: WALL_MS, measuredMs }, size: 20, root });
    expect(checkpoints.newest()).toEqual({ size: 20, root });
    expect(await codeFor(await growing(0, 30))).toBe('checkpoint-from-other');
    closeFor(second);
    expect(checkpoints.newest()).toBeNull();
    expect(await codeFor(await growing(0, 5, forked))).toBe('accepted');
  });
});

describe('a signer whose token record was taken over', () => {
  it('journals no checkpoint that it could not sign, and signs none', async () => {
    await ask(await growing(0, 5));
    const head = store.head();
    acts = [];
    lost = new Fault('store-diverged', 'another signer goes on with this token');
    uncovered = lost;
    for (const size of [6, 7, 8]) expect(await codeOf(ask(await growing(5, size)))).toBe('store-diverged');
    expect(store.head()).toEqual(head);
    expect(acts).toEqual([]);
  });
});

describe('an orchestrator that means harm, once 20 entries are signed, does not get', () => {
  beforeEach(async () => {
    await ask(await growing(0, 8));
    await ask(await growing(8, 20));
    acts = [];
  });
  afterEach(async () => {
    expect(acts).toEqual([]);
    expect(checkpoints.newest()).toEqual({ size: 20, root: await rootOf(20) });
  });
  const signed = async () => ({ signed: 20, signedRoot: await rootOf(20) });

  it('a shorter log, not even one that was signed before (checkpoint-smaller)', async () => {
    for (const asked of [await growing(0, 8), await growing(8, 19), await growing(8, 8)]) {
      const { size } = asked;
      expect(await answerTo(asked)).toEqual(['checkpoint-smaller', { size, ...(await signed()) }]);
    }
  });

  it('a log with a proof from another size, a true one too (checkpoint-from-other)', async () => {
    for (const from of [0, 8, 19, 21]) {
      const asked = await growing(from, 30);
      expect(await answerTo(asked)).toEqual(['checkpoint-from-other', { from, ...(await signed()) }]);
    }
  });

  it('a fork of the same size (checkpoint-not-consistent)', async () => {
    const root = await rootOf(20, forked);
    for (const path of [[], [await rootOf(20)], (await growing(8, 20)).path]) {
      expect(await codeFor({ from: 20, size: 20, root, path })).toBe('checkpoint-not-consistent');
    }
  });

  it('a fork that is longer, with its own proof or the one of the true log (checkpoint-not-consistent)', async () => {
    const { path } = await growing(20, 30);
    for (const asked of [
      await growing(20, 30, forked),
      { ...(await growing(20, 30, forked)), path },
      { ...(await growing(20, 30)), root: await rootOf(30, forked) },
    ]) {
      expect(await answerTo(asked)).toEqual([
        'checkpoint-not-consistent',
        expect.objectContaining({ proof: 'audit-proof-root-differs', ...(await signed()) }),
      ]);
    }
  });

  it('a log with a proof in which anything is changed, missing or added (checkpoint-not-consistent)', async () => {
    const asked = await growing(20, 30);
    const { path } = asked;
    const paths = [
      ...path.map((hash, at) => path.with(at, bytesToHex(changed(Buffer.from(hash, 'hex'), at)))),
      path.slice(1),
      path.slice(0, -1),
      path.toReversed(),
      [...path, '00'.repeat(32)],
      [],
      (await growing(20, 40)).path,
      (await growing(19, 30)).path,
    ];
    for (const forgedPath of paths) {
      expect(await codeFor({ ...asked, path: forgedPath })).toBe('checkpoint-not-consistent');
    }
    expect(await codeFor({ ...asked, size: 33 })).toBe('checkpoint-not-consistent');
  });

  it('what it asked for before the newest one, again (checkpoint-smaller)', async () => {
    expect(await codeFor(await growing(0, 8))).toBe('checkpoint-smaller');
  });
});

describe('the message that asks for a checkpoint', () => {
  const hash = 'ab'.repeat(32);
  const good = { from: 1, size: 2, root: hash, path: [hash] };

  it.each<[string, object]>([
    ['an empty log', { from: 0, size: 0, path: [] }],
    ['a size that is no count', { size: 2 ** 53 }],
    ['a part of an entry', { size: 2.5 }],
    ['a negative size', { from: -1 }],
    ['a root that is no hash', { root: hash.slice(2) }],
    ['a hash in capitals', { path: [hash.toUpperCase()] }],
    ['more hashes than any proof has', { path: Array.from({ length: 65 }, () => hash) }],
    ['a text to sign', { text: 'exchange.example/audit\n2\n' }],
    ['another origin', { origin: 'exchange.example/other' }],
  ])('is not one with %s', (_what, altered) => {
    expect(growth.safeParse(good).success).toBe(true);
    const asked = { version: 1, id: 'a', verb: 'checkpoint', ...good };
    expect(query.safeParse(asked).success).toBe(true);
    expect(query.safeParse({ ...asked, ...altered }).success).toBe(false);
  });
});

describe('a signer without the key of the log (audit-key-unusable)', () => {
  const missing = new Fault('key-missing', 'no such key');

  it.each<[string, () => void]>([
    ['key-missing', () => (undescribed = missing)],
    ['key-other-public-key', () => (tokens = on(tokenWith({}, OTHER_SECRET)))],
    ['key-extractable', () => (tokens = on(tokenWith({ unextractable: false })))],
    ['token-unknown', () => (tokens = on(tokenWith(), 'safu'))],
    ['token-timed-out', () => (unsigned = new Fault('token-timed-out', 'the token hangs'))],
  ])('starts, says %s, journals nothing, and looks again after half a minute', async (fault, broken) => {
    broken();
    await checkpoints.look();
    expect(checkpoints.keyFault()).toBe(fault);
    const { sequence } = store.head();
    const asked = await growing(0, 5);
    expect(await answerTo(asked)).toEqual(['audit-key-unusable', { fault, waitMs: 30_000 }]);
    undescribed = undefined;
    unsigned = undefined;
    tokens = on(tokenWith());
    measuredMs = 29_999;
    acts = [];
    expect(await answerTo(asked)).toEqual(['audit-key-unusable', { fault, waitMs: 1 }]);
    expect(acts).toEqual([]);
    expect(store.head().sequence).toBe(sequence);
    measuredMs = 30_000;
    expect(await answerTo(asked)).toBe('accepted');
    expect(acts).toEqual(['look', 'checkpointed', 'cover 1', 'sign']);
    expect(checkpoints.keyFault()).toBeNull();
  });

  it('notices it by a checkpoint that is not signed, and has no second entry for another one', async () => {
    await ask(await growing(0, 5));
    unsigned = missing;
    undescribed = missing;
    expect(await codeOf(ask(await growing(5, 6)))).toBe('key-missing');
    const head = store.head();
    for (const size of [7, 8]) expect(await codeFor(await growing(6, size))).toBe('audit-key-unusable');
    expect(checkpoints.keyFault()).toBe('key-missing');
    expect(store.head()).toEqual(head);
  });

  it('is had to look once, however many ask meanwhile', async () => {
    const asked = await growing(0, 5);
    const answers = await Promise.all([ask(asked), ask(asked), ask(asked)]);
    expect(answers.map(({ kind }) => kind)).toEqual(['accepted', 'accepted', 'accepted']);
    expect(acts.filter((act) => act === 'look')).toEqual(['look']);
  });

  it('looks at the key that governance names then, also where it changed while it looked', async () => {
    undescribed = missing;
    await checkpoints.look();
    undescribed = undefined;
    tokens = on(tokenWith({}, OTHER_SECRET));
    named = auditLogOf(2);
    expect(checkpoints.keyFault()).toBeNull();
    expect(await codeFor(await growing(0, 5))).toBe('accepted');
    const asked = ask(await growing(5, 6));
    named = undefined;
    expect(await asked).toMatchObject({ kind: 'accepted' });
    expect(await codeFor(await growing(6, 7))).toBe('audit-log-not-set');
    named = auditLog;
    const late = ask(await growing(6, 7));
    named = auditLogOf(2);
    expect(await late).toMatchObject({ kind: 'accepted' });
  });
});

describe("the audit log's key", () => {
  it.each<[string, string, Partial<KeyDescription>]>([
    ['passed', 'it is what governance says', {}],
    ['key-other-curve', 'it is of another curve', { curve: 'p256' }],
    ['key-other-public-key', 'it is another key', { publicKey: auditLogOf(2).key.publicKey }],
    ['key-extractable', 'the token would reveal it', { unextractable: false }],
    ['key-not-born-in-token', 'it was brought from outside', { bornInToken: false }],
  ])('is looked at before anything is served: %s when %s', async (code, _why, described) => {
    expect(await codeOf(checkAuditKey(auditLog.key, on(tokenWith(described)), nativeVerifier))).toBe(code);
  });

  it('has to sign once before anything is served (key-does-not-sign)', async () => {
    const other = on(tokenWith({ publicKey: auditLog.key.publicKey }, OTHER_SECRET));
    expect(await codeOf(checkAuditKey(auditLog.key, other, nativeVerifier))).toBe('key-does-not-sign');
  });

  it('is on a token that is configured (token-unknown)', async () => {
    const elsewhere = on(tokenWith(), 'safu');
    expect(await codeOf(checkAuditKey(auditLog.key, elsewhere, nativeVerifier))).toBe('token-unknown');
  });
});
