// The thread beside the signer that works signatures out: it says what the signer itself would say, and where it is gone the
// signer does the work.

import { generateKeyPairSync, randomUUID, sign } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { bytesToHex } from '@noble/hashes/utils.js';
import { pointFromScalar, sign as signSecp256k1 } from 'tiny-secp256k1';
import { compileProgram } from '../../devnet/compile-program.js';
import type { SignatureClaim } from '../../src/core/statements/signature.js';
import { ArithmeticThread, type ThreadOptions } from '../../src/platform/arithmetic-thread.js';
import { ownArithmetic } from '../../src/platform/signature-arithmetic.js';

const SECRET = new Uint8Array(32).fill(5);
const PUBLIC_KEY = bytesToHex(pointFromScalar(SECRET, true) ?? new Uint8Array(0));
const DIGESTS = Array.from({ length: 20 }, (_, at) => new Uint8Array(32).fill(at + 1));
const officer = generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
const message = Buffer.from('portcullis/approve/v1\n{}');
const valid: SignatureClaim = {
  kind: 'p256',
  publicKey: officer.publicKey.export({ format: 'der', type: 'spki' }).subarray(-65),
  message,
  signature: sign('sha256', message, { key: officer.privateKey, dsaEncoding: 'ieee-p1363' }),
};
const invalid: SignatureClaim = { ...valid, message: Buffer.from('portcullis/reject/v1\n{}') };

let program: string;
let folder: string;
let thread: ArithmeticThread | undefined;
let lost: unknown[] = [];

beforeAll(async () => {
  program = await compileProgram('src/platform/arithmetic-worker.ts');
  folder = await mkdtemp(join(tmpdir(), 'portcullis-thread-'));
});
afterAll(() => rm(folder, { recursive: true }));
afterEach(async () => {
  await thread?.close();
  thread = undefined;
  lost = [];
});

function started(options: ThreadOptions = {}): ArithmeticThread {
  thread = ArithmeticThread.start((error) => lost.push(error), { program, ...options });
  return thread;
}

/** A thread that does with each message what is written here, instead of what it is there for. */
function behaving(onMessage: string, options: ThreadOptions = {}): ArithmeticThread {
  const file = join(folder, `${randomUUID()}.mjs`);
  writeFileSync(
    file,
    `import { parentPort } from 'node:worker_threads';\nparentPort.on('message', (message) => { ${onMessage} });\n`,
  );
  return started({ program: file, ...options });
}

async function answers(of: Pick<ArithmeticThread, 'ahead' | 'recoveryIdOf'>) {
  const verifiers = await Promise.all([of.ahead([valid]), of.ahead([invalid]), of.ahead([])]);
  const parities = DIGESTS.map((digest) =>
    of.recoveryIdOf(PUBLIC_KEY, digest, signSecp256k1(digest, SECRET)),
  );
  return {
    claims: verifiers.flatMap((verifier) =>
      [valid, invalid].map(({ publicKey, message: said, signature }) =>
        verifier.p256(publicKey, said, signature),
      ),
    ),
    parities: await Promise.all(parities),
  };
}

describe('the thread for signatures', () => {
  it('says what is worked out here, asked side by side', async () => {
    const told = await answers(started());
    expect(told).toEqual(await answers(ownArithmetic));
    expect(told.claims).toEqual([true, false, true, false, true, false]);
    expect(new Set(told.parities)).toEqual(new Set([0, 1]));
  });

  it.each([
    ['recovery-id-none', 'the signature is of another digest', PUBLIC_KEY],
    ['public-key-malformed', 'the key is no point', `02${'0'.repeat(64)}`],
  ])('refuses %s when %s', async (code, _when, publicKey) => {
    const [digest, another] = DIGESTS as [Uint8Array, Uint8Array];
    await expect(
      started().recoveryIdOf(publicKey, digest, signSecp256k1(another, SECRET)),
    ).rejects.toMatchObject({ code });
  });

  it('leaves the work to who asks once it is gone, in the middle of it too, and says so once', async () => {
    const one = behaving("throw new Error('gone');");
    expect(await answers(one)).toEqual(await answers(ownArithmetic));
    expect(await answers(one)).toEqual(await answers(ownArithmetic));
    expect(lost.map(String)).toEqual(['Error: gone']);
  });

  it('leaves the work to who asks once it hangs, and says so once', async () => {
    const one = behaving('for (;;);', { silenceMs: 100 });
    expect(await answers(one)).toEqual(await answers(ownArithmetic));
    expect(await answers(one)).toEqual(await answers(ownArithmetic));
    expect(lost.map(String)).toEqual(['Error: the thread has not answered for 200 ms']);
  });

  it('looks itself at what it got no answer for', async () => {
    const one = behaving('for (const { id } of message.heads) parentPort.postMessage({ id, valid: [] });');
    expect(await answers(one)).toEqual(await answers(ownArithmetic));
    expect(lost).toEqual([]);
  });

  it('does not take it for silence that the whole program stood still', async () => {
    const one = started({ silenceMs: 100 });
    const told = answers(one);
    await Promise.resolve();
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 500);
    expect(await told).toEqual(await answers(ownArithmetic));
    expect(await answers(one)).toEqual(await answers(ownArithmetic));
    expect(lost).toEqual([]);
  });

  it('leaves the work to who asks once it was closed, which nobody is told of', async () => {
    const one = started();
    await one.close();
    expect(await answers(one)).toEqual(await answers(ownArithmetic));
    expect(lost).toEqual([]);
  });
});
