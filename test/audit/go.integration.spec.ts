// Go's libraries for transparency logs (golang.org/x/mod/sumdb/tlog and note) against ours: they share no line with them. What
// we write they read and trace to the root, what we prove they verify and prove themselves, what either signs the other opens.

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { utf8ToBytes } from '@noble/hashes/utils.js';
import { auditKey, entriesUpTo, publicFormOf, writtenLog } from '../../src/core/audit/audit.fixture.js';
import { checkpointText, openCheckpoint } from '../../src/core/audit/checkpoint.js';
import { edgeRoot } from '../../src/core/audit/growing-log.js';
import { changed, type LogInMemory, leavesOf, logOf } from '../../src/core/audit/log.fixture.js';
import { EMPTY_ROOT, type Hash } from '../../src/core/audit/merkle.js';
import { openNote, parseVerifierKey, verifierKeyText } from '../../src/core/audit/note.js';
import { checkPublicForm } from '../../src/core/audit/public-form.js';
import { proveConsistency, proveInclusion, rootAt } from '../../src/core/audit/prove.js';
import { verifyConsistency, verifyInclusion } from '../../src/core/audit/verify-proof.js';
import { type Outcome } from '../../src/core/fault.js';
import { nativeVerifier } from '../../src/platform/native-verifier.js';
import { Chance } from '../survival/chance.js';
import { GoJudge, judged, withoutGo } from './go-judge.js';
import { editedFile, editedHash, type FileEdit, looselyRead } from './random-edits.js';

/** 65,900 entries have tiles on three levels; the others end at a border of tiles and beside it. */
const SIZES = [1, 255, 256, 257, 700, 65_900];
const LARGEST = 65_900;
const all = entriesUpTo(LARGEST);

function base64Of(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('base64');
}

function bytesOf(text: string): Uint8Array {
  return Uint8Array.from(Buffer.from(text, 'base64'));
}

function acceptedBy<T>(outcome: Outcome<T>): T {
  if (outcome.kind === 'refused') throw new Error(outcome.code);
  return outcome.value;
}

interface GoProof {
  readonly Index?: number;
  readonly From?: number;
  readonly Size: number;
  readonly Leaf?: string;
  readonly FromRoot?: string;
  readonly Root: string;
  readonly Path: readonly string[];
}

/** Places all over a log, borders of tiles among them. */
function placesIn(size: number): readonly number[] {
  const some = [0, 1, 2, 127, 128, 254, 255, 256, 257, 511, 699, 32_768, 65_535, 65_536, size - 2, size - 1];
  return [...new Set(some)].filter((place) => place >= 0 && place < size);
}

judged(`an audit log, judged by Go${withoutGo}`, () => {
  let folder: string;
  let judge: GoJudge;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'portcullis-audit-go-'));
    judge = GoJudge.build(folder);
  }, 300_000);
  afterAll(() => rmSync(folder, { recursive: true }));

  const asked = (question: object) => judge.asked(question);

  async function written(
    size: number,
  ): Promise<{ log: LogInMemory; place: string; files: Map<string, Uint8Array> }> {
    const entries = all.slice(0, size);
    const files = await writtenLog(entries);
    const place = mkdtempSync(join(folder, `log-${size}-`));
    for (const [path, bytes] of files) write(place, path, bytes);
    return { log: logOf(entries), place, files };
  }

  function write(place: string, path: string, bytes: Uint8Array) {
    mkdirSync(dirname(join(place, path)), { recursive: true });
    writeFileSync(join(place, path), bytes);
  }

  const question = (place: string) => ({
    Folder: place,
    Key: verifierKeyText(auditKey),
    Name: 'witness.example/go',
    Text: checkpointText({ origin: 'witness.example/go', size: 7, root: EMPTY_ROOT, extensions: [] }),
  });

  it.each(SIZES)(
    'of %i entries has the root and the very tiles that Go works out from them',
    async (size) => {
      const { log, place, files } = await written(size);
      const root = edgeRoot(log.edge);
      expect(asked(question(place))).toMatchObject({
        Text: checkpointText({ origin: auditKey.name, size, root, extensions: [] }),
        Size: size,
        Root: base64Of(root),
        TilesAgreed: [...files.keys()].filter((path) => /^tile\/[0-9]/.test(path)).length,
      });
    },
  );

  it.each(SIZES)('of %i entries has proofs that Go verifies and makes in the same way', async (size) => {
    const { log, place } = await written(size);
    const leaves = leavesOf(all.slice(0, size));
    const root = base64Of(edgeRoot(log.edge));
    const inclusion: GoProof[] = [];
    const consistency: GoProof[] = [];
    for (const index of placesIn(size)) {
      const included = acceptedBy(await proveInclusion(log, index, size));
      const leaf: Hash = leaves[index] ?? EMPTY_ROOT;
      inclusion.push({
        Index: index,
        Size: size,
        Leaf: base64Of(leaf),
        Root: root,
        Path: included.path.map(base64Of),
      });
      const from = index + 1;
      const consistent = acceptedBy(await proveConsistency(log, from, size));
      const fromRoot = acceptedBy(await rootAt(log, from));
      consistency.push({
        From: from,
        Size: size,
        FromRoot: base64Of(fromRoot),
        Root: root,
        Path: consistent.path.map(base64Of),
      });
    }
    const answer = asked({ ...question(place), Inclusion: inclusion, Consistency: consistency });
    if (typeof answer === 'string') throw new Error(answer);
    expect(answer.Inclusion).toEqual(inclusion.map(() => true));
    expect(answer.Consistency).toEqual(consistency.map(() => true));
    expect(answer.OwnInclusion?.map((path) => path ?? [])).toEqual(inclusion.map(({ Path }) => Path));
    expect(answer.OwnConsistency?.map((path) => path ?? [])).toEqual(consistency.map(({ Path }) => Path));
  });

  it('is no log for Go either when a hash or an entry of it is another', async () => {
    const { place, files } = await written(700);
    const tile = 'tile/0/001';
    write(place, tile, changed(files.get(tile) ?? new Uint8Array(), 5));
    expect(asked(question(place))).toBe('tile/8/0/001 is another');
    write(place, tile, files.get(tile) ?? new Uint8Array());
    const bundle = 'tile/entries/000';
    write(place, bundle, changed(files.get(bundle) ?? new Uint8Array(), 20));
    expect(asked(question(place))).toBe('the entries lead to another root');
  });

  it('has proofs that Go refuses as we do once a byte is another', async () => {
    const { log, place } = await written(257);
    const { path } = acceptedBy(await proveInclusion(log, 3, 257));
    const root = base64Of(edgeRoot(log.edge));
    const leaf = base64Of(leavesOf(all.slice(3, 4))[0] ?? EMPTY_ROOT);
    const bad = path.map((_, at) => ({
      Index: 3,
      Size: 257,
      Leaf: leaf,
      Root: root,
      Path: path.map((hash, other) => base64Of(other === at ? changed(hash, at) : hash)),
    }));
    expect(bad).toHaveLength(9);
    expect(asked({ ...question(place), Inclusion: bad })).toMatchObject({ Inclusion: bad.map(() => false) });
  });

  it('has a checkpoint that Go refuses as we do once it is another', async () => {
    const { place, files } = await written(257);
    const text = Buffer.from(files.get('checkpoint') ?? new Uint8Array()).toString();
    const notes = [
      text,
      text.replace('257', '258'),
      text.slice(0, -1),
      text.replace('\n\n', '\n'),
      `${text}x`,
    ];
    const ours = notes.map(
      (note) => openCheckpoint(utf8ToBytes(note), auditKey, nativeVerifier).kind === 'accepted',
    );
    expect(ours).toEqual([true, false, false, false, false]);
    expect(asked({ ...question(place), Notes: notes })).toMatchObject({ Notes: ours });
  });

  const FILE_EDITS = 750;
  const PROOF_EDITS = 250;

  it('is no log for Go, nor for us, after any of 750 edits of its files by chance', async () => {
    const chance = Chance.fromEnvironment();
    const { place, files } = await written(300);
    const paths = [...files.keys()].filter((path) => path !== 'checkpoint');
    const edits: FileEdit[] = [];
    while (edits.length < FILE_EDITS) {
      const path = edits.length % 3 === 0 ? 'checkpoint' : chance.of([paths[0] ?? '', ...paths.slice(1)]);
      const bytes = files.get(path) ?? new Uint8Array();
      const edit = editedFile(chance, path, bytes);
      const isOther = path !== 'checkpoint' || looselyRead(edit.bytes) !== looselyRead(bytes);
      if (isOther) edits.push(edit);
    }
    const answer = asked({
      ...question(place),
      Edits: edits.map(({ path, bytes }) => ({ Path: path, Bytes: base64Of(bytes) })),
    });
    if (typeof answer === 'string') throw new Error(answer);
    expect(answer.Refused).toHaveLength(FILE_EDITS);
    const missed = edits.filter((_, at) => answer.Refused?.[at] === '').map(({ how }) => how);
    for (const { path, bytes, how } of edits) {
      const altered = new Map([...files, [path, bytes] as const]);
      if (bytes.length === 0) altered.delete(path);
      const checked = await checkPublicForm(publicFormOf(altered), auditKey, nativeVerifier);
      if (checked.kind === 'accepted' && checked.value.findings.length === 0) missed.push(`by us: ${how}`);
    }
    expect({ seed: chance.seed, missed }).toEqual({ seed: chance.seed, missed: [] });
  });

  it('has no proof for Go, nor for us, after any of 250 edits of its proofs by chance', async () => {
    const chance = Chance.fromEnvironment();
    const size = 300;
    const { log, place } = await written(size);
    const leaves = leavesOf(all.slice(0, size));
    const root = edgeRoot(log.edge);
    const inclusion: GoProof[] = [];
    const consistency: GoProof[] = [];
    const missed: string[] = [];
    for (let count = 0; count < PROOF_EDITS; count += 1) {
      const index = Math.floor(chance.fraction() * (size - 1));
      const leaf = leaves[index] ?? EMPTY_ROOT;
      if (count % 2 === 0) {
        const { path } = acceptedBy(await proveInclusion(log, index, size));
        const [Leaf = '', Root = '', ...Path] = editedHash(chance, [leaf, root, ...path].map(base64Of));
        inclusion.push({ Index: index, Size: size, Leaf, Root, Path });
        const own = verifyInclusion(bytesOf(Leaf), { index, size, path: Path.map(bytesOf) }, bytesOf(Root));
        if (own.kind === 'accepted') missed.push(`by us: entry ${index}`);
      } else {
        const from = index + 1;
        const { path } = acceptedBy(await proveConsistency(log, from, size));
        const before = acceptedBy(await rootAt(log, from));
        const [FromRoot = '', Root = '', ...Path] = editedHash(chance, [before, root, ...path].map(base64Of));
        consistency.push({ From: from, Size: size, FromRoot, Root, Path });
        const own = verifyConsistency(
          { from, size, path: Path.map(bytesOf) },
          bytesOf(FromRoot),
          bytesOf(Root),
        );
        if (own.kind === 'accepted') missed.push(`by us: from ${from}`);
      }
    }
    const answer = asked({ ...question(place), Inclusion: inclusion, Consistency: consistency });
    if (typeof answer === 'string') throw new Error(answer);
    inclusion.forEach((proof, at) => {
      if (answer.Inclusion?.[at] !== false) missed.push(JSON.stringify(proof));
    });
    consistency.forEach((proof, at) => {
      if (answer.Consistency?.[at] !== false) missed.push(JSON.stringify(proof));
    });
    expect({ seed: chance.seed, missed }).toEqual({ seed: chance.seed, missed: [] });
  });

  it('opens what Go signs, by the key that Go gives', async () => {
    const { place } = await written(1);
    const answer = asked(question(place));
    if (typeof answer === 'string') throw new Error(answer);
    const key = acceptedBy(parseVerifierKey(answer.Key));
    expect(verifierKeyText(key)).toBe(answer.Key);
    expect(acceptedBy(openCheckpoint(utf8ToBytes(answer.Note), key, nativeVerifier))).toMatchObject({
      size: 7,
    });
    const altered = utf8ToBytes(answer.Note.replace('\n7\n', '\n8\n'));
    expect(openNote(altered, key, nativeVerifier)).toMatchObject({ code: 'audit-note-signature-invalid' });
  });
});
