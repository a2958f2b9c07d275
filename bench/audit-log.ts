// audit-log: what the pure part of the audit log costs, in memory: entries added, proofs from a log of 1,000,000 entries, and a
// check of the whole public form. No disk and no database takes part; where one does, it will be the slower one.

import { generateKeyPairSync, sign } from 'node:crypto';
import { signCheckpoint } from '../src/core/audit/checkpoint.js';
import { AUDIT_TYPE, type AuditEntry, auditEntryBytes } from '../src/core/audit/entry.js';
import { EMPTY_LOG, edgeRoot, grown, type LogEdge } from '../src/core/audit/growing-log.js';
import { leafHash } from '../src/core/audit/merkle.js';
import type { NoteKey } from '../src/core/audit/note.js';
import { proveConsistency, proveInclusion, rootAt } from '../src/core/audit/prove.js';
import { checkPublicForm } from '../src/core/audit/public-form.js';
import { CHECKPOINT_PATH } from '../src/core/audit/tile-path.js';
import { verifyConsistency, verifyInclusion } from '../src/core/audit/verify-proof.js';
import { nativeVerifier } from '../src/platform/native-verifier.js';
import { type Benchmark, measure, type Result, type Settings } from './benchmark.js';

const BATCH = 100;
/** A prime beside the sizes of tiles, so that all of a log is asked about. */
const STRIDE = 7_919;

const { publicKey, privateKey } = generateKeyPairSync('ed25519');
const key: NoteKey = {
  name: 'bench.example/audit',
  publicKey: new Uint8Array(publicKey.export({ format: 'der', type: 'spki' }).subarray(-32)),
};

function entryAt(sequence: number): AuditEntry {
  return {
    type: AUDIT_TYPE,
    deploymentId: 'ab'.repeat(32),
    sequence,
    atMs: 1_700_000_000_000 + sequence,
    kind: 'transition',
    what: 'signed',
    program: 'orchestrator-1',
    subjects: [{ kind: 'transfer', id: `tr-${sequence}` }],
    sealed: [{ name: 'customer', hash: 'cd'.repeat(32) }],
  };
}

class MemoryLog {
  readonly files = new Map<string, Uint8Array>();
  edge: LogEdge = EMPTY_LOG;

  add(entries: readonly Uint8Array[]): void {
    const { edge, files } = grown(this.edge, entries);
    for (const { path, bytes } of files) this.files.set(path, bytes);
    this.edge = edge;
  }
  get size(): number {
    return this.edge.size;
  }
  get paths(): readonly string[] {
    return [...this.files.keys()];
  }
  readTile(path: string): Promise<Uint8Array | undefined> {
    return Promise.resolve(this.files.get(path));
  }
}

/** A log of `size` entries, added 256 at a time. */
function logOf(size: number, entry: (sequence: number) => Uint8Array): MemoryLog {
  const log = new MemoryLog();
  while (log.size < size) {
    const first = log.size;
    log.add(Array.from({ length: Math.min(256, size - first) }, (_, at) => entry(first + at)));
  }
  return log;
}

const written = (sequence: number) => auditEntryBytes(entryAt(sequence));

/** Entries per second at the end of a log, so many at a time. */
function appended(log: MemoryLog, entries: readonly Uint8Array[], batch: number): number {
  const before = performance.now();
  for (let at = 0; at < entries.length; at += batch) log.add(entries.slice(at, at + batch));
  return (entries.length * 1_000) / (performance.now() - before);
}

function appending(large: MemoryLog, { quick }: Settings): Promise<Result> {
  const entries = Array.from({ length: quick ? 1_000 : 10_000 }, (_, at) => written(at));
  const { edge } = large;
  // From the same edge each time, into files that are thrown away.
  const at = (batch: number) => () => {
    const log = new MemoryLog();
    log.edge = edge;
    return appended(log, entries, batch);
  };
  return measure({
    name: 'audit-log',
    unit: 'entries/s',
    samples: quick ? 2 : 5,
    subject: at(BATCH),
    baseline: at(1),
  });
}

/** Microseconds to make one proof. Each is verified, after the clock has stopped. */
async function proved(log: MemoryLog, count: number): Promise<number> {
  const root = edgeRoot(log.edge);
  let spent = 0;
  for (let turn = 0; turn < count; turn += 1) {
    const index = (turn * STRIDE) % log.size;
    const before = performance.now();
    const proof = await proveInclusion(log, index, log.size);
    spent += performance.now() - before;
    if (proof.kind === 'refused') throw new Error(proof.code);
    if (verifyInclusion(leafHash(plain(index)), proof.value, root).kind === 'refused')
      throw new Error(`entry ${index} was not proved`);
  }
  return (spent * 1_000) / count;
}

async function grew(log: MemoryLog, count: number): Promise<number> {
  const root = edgeRoot(log.edge);
  let spent = 0;
  for (let turn = 1; turn <= count; turn += 1) {
    const from = (turn * STRIDE) % log.size;
    const before = performance.now();
    const proof = await proveConsistency(log, from, log.size);
    spent += performance.now() - before;
    const then = await rootAt(log, from);
    if (proof.kind === 'refused' || then.kind === 'refused') throw new Error(`no proof from ${from}`);
    if (verifyConsistency(proof.value, then.value, root).kind === 'refused')
      throw new Error(`the way from ${from} was not proved`);
  }
  return (spent * 1_000) / count;
}

const plain = (sequence: number) => new TextEncoder().encode(`entry ${sequence}`);

/** Entries per second of a check of everything. */
async function checked(log: MemoryLog): Promise<number> {
  const before = performance.now();
  const outcome = await checkPublicForm(log, key, nativeVerifier);
  const seconds = (performance.now() - before) / 1_000;
  if (outcome.kind === 'refused' || outcome.value.findings.length > 0)
    throw new Error('a log that was just written does not agree with itself');
  return log.size / seconds;
}

async function signed(size: number): Promise<MemoryLog> {
  const log = logOf(size, written);
  const byKey = (message: Uint8Array) => Promise.resolve(new Uint8Array(sign(null, message, privateKey)));
  const checkpoint = { size: log.size, root: edgeRoot(log.edge) };
  log.files.set(CHECKPOINT_PATH, await signCheckpoint(checkpoint, key, byKey, nativeVerifier));
  return log;
}

async function run(settings: Settings) {
  const { quick } = settings;
  const samples = quick ? 2 : 5;
  const large = logOf(quick ? 100_000 : 1_000_000, plain);
  const small = logOf(1_000, plain);
  const proofs = quick ? 50 : 300;
  const some = await signed(quick ? 2_000 : 50_000);
  const few = await signed(quick ? 1_000 : 5_000);
  return {
    results: [
      await appending(large, settings),
      await measure({
        name: 'audit-log/prove-entry',
        unit: 'µs',
        samples,
        subject: () => proved(large, proofs),
        baseline: () => proved(small, proofs),
      }),
      await measure({
        name: 'audit-log/prove-growth',
        unit: 'µs',
        samples,
        subject: () => grew(large, proofs),
        baseline: () => grew(small, proofs),
      }),
      await measure({
        name: 'audit-log/verify',
        unit: 'entries/s',
        samples: quick ? 1 : 3,
        subject: () => checked(some),
        baseline: () => checked(few),
      }),
    ],
    notes: [`${large.size} entries for proofs, ${some.size} to verify`],
  };
}

export const auditLogBenchmark: Benchmark = {
  name: 'audit-log',
  says: 'entries added 100 at a time against one at a time; proofs of 1,000,000 entries against 1,000; a check of 50,000 against 5,000',
  run,
};
