// What only a token in a process of its own must do: end at its deadline, say truthfully what then became of each call,
// come back, leave nothing behind, and keep the PIN to itself.

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, readdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import * as secp256k1 from 'tiny-secp256k1';
import { compileProgram } from '../../devnet/compile-program.js';
import { expectFault } from '../../hardware/contract/outside.contract.js';
import { Pkcs11Token } from '../../hardware/pkcs11/token.js';
import { type ProcessLoss, spawnToken, type TokenClient } from '../../hardware/pkcs11/token-client.js';
import type { TokenProcessConfig } from '../../hardware/pkcs11/token-messages.js';
import { Fault } from '../../src/core/fault.js';
import { nativeVerifier } from '../../src/platform/native-verifier.js';
import { childProcessBench, PIN, type SoftHsmBench } from './softhsm-bench.js';

const LABEL = 'safu';
const KEY = { label: 'wallet' };
const MESSAGE_KEY = { label: 'messages' };
const MESSAGE = Buffer.from('a message');
const DIGEST = Buffer.alloc(32, 7);
const DEADLINE_MS = 1_200;
const STARTED_WITHIN_MS = 30_000;

let bench: SoftHsmBench;
let programPath: string;
const open: TokenClient[] = [];

async function spawnOnBench(
  changes: Partial<TokenProcessConfig> = {},
  program = programPath,
): Promise<{ token: TokenClient; losses: ProcessLoss[] }> {
  const losses: ProcessLoss[] = [];
  const token = spawnToken(
    {
      modulePath: bench.softHsm.modulePath,
      tokenLabel: LABEL,
      sessions: 2,
      pin: { kind: 'file', path: await bench.pinFile(PIN) },
      environment: bench.softHsm.environment,
      deadlineMs: DEADLINE_MS,
      ...changes,
    },
    { programPath: program, onProcessLost: ({ reason }) => losses.push(reason) },
  );
  open.push(token);
  return { token, losses };
}

function processOf(token: TokenClient): number {
  if (token.processId === undefined) throw new Error('the token has no process');
  return token.processId;
}

/**
 * What the call comes to once a process has begun to listen. How soon one does is up to the machine: on a busy one a call may
 * wait in line in vain, is told so, and is made again here. Whatever else comes of it stays what came of it.
 */
async function onceItListens<T>(call: () => Promise<T>): Promise<T> {
  const until = performance.now() + STARTED_WITHIN_MS;
  for (;;) {
    try {
      return await call();
    } catch (error) {
      const inVain = error instanceof Fault && error.code === 'deadline' && error.facts.sent === false;
      if (!inVain || performance.now() > until) throw error;
    }
  }
}

function isAlive(processId: number): boolean {
  try {
    return process.kill(processId, 0);
  } catch {
    return false;
  }
}

async function untilDead(processId: number): Promise<void> {
  for (let tries = 0; isAlive(processId); tries += 1) {
    if (tries > 1_000) throw new Error(`process ${processId} lives on`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

beforeAll(async () => {
  programPath = await compileProgram('hardware/pkcs11/token-process.ts');
  bench = await childProcessBench(LABEL);
  const { token } = await spawnOnBench({ deadlineMs: 15_000 });
  await token.generateKey(KEY.label, 'secp256k1');
  await token.generateKey(MESSAGE_KEY.label, 'ed25519');
  await token.close();
});
afterEach(async () => {
  for (const token of open.splice(0)) await token.close();
});
afterAll(async () => {
  await bench.dispose();
});

describe('a token process with one session', () => {
  it('signs and keeps a record at the same time, each signature for its own digest', async () => {
    const { token } = await spawnOnBench({ sessions: 1, deadlineMs: 15_000 });
    const { publicKey } = await token.describeKey(KEY);
    const digests = Array.from({ length: 40 }, (_, at) => Buffer.alloc(32, at + 1));
    const [signatures] = await Promise.all([
      Promise.all(digests.map((digest) => token.signDigest(KEY, digest))),
      (async () => {
        for (let version = 1n; version <= 10n; version += 1n) {
          await token.writeRecord('beside', { version, value: Buffer.from(`${version}`) });
        }
      })(),
    ]);
    for (const [at, digest] of digests.entries()) {
      expect(
        secp256k1.verify(digest, Buffer.from(publicKey, 'hex'), signatures[at] ?? Buffer.alloc(64)),
      ).toBe(true);
    }
    expect(await token.readRecord('beside')).toMatchObject({ version: 10n });
  });

  it('signs messages between digests, each call with its own answer', async () => {
    const { token } = await spawnOnBench({ sessions: 1, deadlineMs: 15_000 });
    const [{ publicKey }, { publicKey: point }] = [
      await token.describeKey(MESSAGE_KEY),
      await token.describeKey(KEY),
    ];
    await Promise.all(
      Array.from({ length: 40 }, async (_, at) => {
        const digest = Buffer.alloc(32, at + 1);
        if (at % 3 === 0) {
          const signature = await token.signMessage(MESSAGE_KEY, digest);
          expect(nativeVerifier.ed25519(Buffer.from(publicKey, 'hex'), digest, signature)).toBe(true);
        } else {
          const signature = await token.signDigest(KEY, digest);
          expect(secp256k1.verify(digest, Buffer.from(point, 'hex'), signature)).toBe(true);
        }
      }),
    );
  });

  it('is asked for something else between two signatures', async () => {
    const { token } = await spawnOnBench({ sessions: 1, deadlineMs: 15_000 });
    await token.status();
    const ended: string[] = [];
    const all = Array.from({ length: 60 }, () => token.signDigest(KEY, DIGEST));
    void all.at(-1)?.then(() => ended.push('last signature'));
    await all[0];
    await token.writeRecord('between', { version: 1n, value: Buffer.from('now') });
    ended.push('record');
    await Promise.all(all);
    expect(ended).toEqual(['record', 'last signature']);
  });
});

describe('a token process that hangs', () => {
  it('makes a signature indeterminate at its deadline, and the next call gets a new process', async () => {
    const { token, losses } = await spawnOnBench();
    await onceItListens(() => token.signDigest(KEY, DIGEST));
    const hung = processOf(token);
    process.kill(hung, 'SIGSTOP');
    const before = performance.now();
    await expectFault(token.signDigest(KEY, DIGEST), 'indeterminate');
    expect(performance.now() - before).toBeLessThan(DEADLINE_MS * 3);
    expect((await onceItListens(() => token.signDigest(KEY, DIGEST))).length).toBe(64);
    expect(losses).toEqual(['hung']);
    expect(processOf(token)).not.toBe(hung);
    await untilDead(hung);
  });

  it("makes a message's signature indeterminate too, and the next call gets a new process", async () => {
    const { token, losses } = await spawnOnBench();
    await onceItListens(() => token.signMessage(MESSAGE_KEY, MESSAGE));
    process.kill(processOf(token), 'SIGSTOP');
    await expectFault(token.signMessage(MESSAGE_KEY, MESSAGE), 'indeterminate');
    expect((await onceItListens(() => token.signMessage(MESSAGE_KEY, MESSAGE))).length).toBe(64);
    expect(losses).toEqual(['hung']);
  });

  it('makes a record write indeterminate, and what only reads a deadline', async () => {
    const { token } = await spawnOnBench();
    await onceItListens(() => token.writeRecord('head', { version: 1n, value: Buffer.from('one') }));
    process.kill(processOf(token), 'SIGSTOP');
    await Promise.all([
      expectFault(token.writeRecord('head', { version: 2n, value: Buffer.from('two') }), 'indeterminate'),
      expectFault(token.readRecord('head'), 'deadline'),
      expectFault(token.status(), 'deadline'),
      expectFault(token.describeKey(KEY), 'deadline'),
    ]);
    // Stopped before it could begin: the record is the old one, and the same write may be repeated.
    await onceItListens(() => token.writeRecord('head', { version: 2n, value: Buffer.from('two') }));
    expect((await token.readRecord('head'))?.version).toBe(2n);
  });

  it('takes only those signatures with it that it had been sent; the rest are made by the next process', async () => {
    const { token, losses } = await spawnOnBench();
    await onceItListens(() => token.status());
    process.kill(processOf(token), 'SIGSTOP');
    const settled = await Promise.allSettled(Array.from({ length: 8 }, () => token.signDigest(KEY, DIGEST)));
    const late = Array.from({ length: 20 }, () => onceItListens(() => token.signDigest(KEY, DIGEST)));
    expect(settled.every((one) => one.status === 'rejected' && one.reason.code === 'indeterminate')).toBe(
      true,
    );
    expect((await Promise.all(late)).length).toBe(20);
    expect(losses).toEqual(['hung']);
  });

  it('refuses deadline for calls that waited in line too long, without calling them indeterminate', async () => {
    const { token } = await spawnOnBench();
    await onceItListens(() => token.status());
    process.kill(processOf(token), 'SIGSTOP');
    const codes = (
      await Promise.allSettled(Array.from({ length: 160 }, () => token.signDigest(KEY, DIGEST)))
    ).map((one) => (one.status === 'rejected' ? one.reason.code : 'signed'));
    // Two sessions have no more than the least: so many are at the process when it hangs.
    expect(codes.filter((code) => code === 'indeterminate').length).toBe(128);
    expect(codes.slice(128).every((code) => code === 'deadline' || code === 'signed')).toBe(true);
  });

  it('refuses deadline when it never begins to listen', async () => {
    const { token, losses } = await spawnOnBench(
      { startDeadlineMs: 300, deadlineMs: 900 },
      await compileProgram('test/hardware/silent-token-process.ts'),
    );
    await expectFault(token.signDigest(KEY, DIGEST), 'deadline');
    expect(losses[0]).toBe('hung');
  });

  it('still closes', async () => {
    const { token } = await spawnOnBench();
    await onceItListens(() => token.status());
    const hung = processOf(token);
    process.kill(hung, 'SIGSTOP');
    await token.close();
    await untilDead(hung);
    await expectFault(token.status(), 'closed');
  });
});

describe('a token process that dies', () => {
  it('makes a signature under way indeterminate and a look transient, and is replaced', async () => {
    const { token, losses } = await spawnOnBench({ deadlineMs: 15_000 });
    await token.signDigest(KEY, DIGEST);
    const victim = processOf(token);
    process.kill(victim, 'SIGSTOP');
    const signing = expectFault(token.signDigest(KEY, DIGEST), 'indeterminate');
    const signingMessage = expectFault(token.signMessage(MESSAGE_KEY, MESSAGE), 'indeterminate');
    const looking = expectFault(token.describeKey(KEY), 'transient');
    await new Promise((resolve) => setTimeout(resolve, 50));
    process.kill(victim, 'SIGKILL');
    await Promise.all([signing, signingMessage, looking]);
    expect((await token.signDigest(KEY, DIGEST)).length).toBe(64);
    expect(losses).toEqual(['ended']);
  });

  it('refuses transient at once when the program cannot be started', async () => {
    const { token } = await spawnOnBench({ deadlineMs: 15_000 }, `${programPath}.missing`);
    await expectFault(token.signDigest(KEY, DIGEST), 'transient');
  });

  it('refuses token-gone when the module path is wrong', async () => {
    const { token } = await spawnOnBench({ deadlineMs: 15_000, modulePath: '/nowhere/module.so' });
    await expectFault(token.status(), 'token-gone');
  });

  it('does not try a refused PIN again in the next process', async () => {
    const pinFile = await bench.pinFile('000000');
    const { token } = await spawnOnBench({ deadlineMs: 15_000, pin: { kind: 'file', path: pinFile } });
    await expectFault(token.status(), 'login-failed');
    await writeFile(pinFile, PIN);
    process.kill(processOf(token), 'SIGKILL');
    await new Promise((resolve) => setTimeout(resolve, 300));
    await expectFault(token.status(), 'login-failed');
  });

  it('ends when the process that owns it is killed', async () => {
    const program = await compileProgram('test/hardware/token-owner.ts');
    const { modulePath, configFile } = bench.softHsm;
    const owner: ChildProcess = spawn(
      process.execPath,
      [program, modulePath, LABEL, await bench.pinFile(PIN), configFile],
      { stdio: ['ignore', 'pipe', 'inherit'] },
    );
    const [line] = (await once(owner.stdout ?? owner, 'data')) as [Buffer];
    const processId = Number.parseInt(line.toString(), 10);
    expect(isAlive(processId)).toBe(true);
    owner.kill('SIGKILL');
    await untilDead(processId);
  });
});

describe('the PIN', () => {
  it('is in neither the arguments nor the environment of the token process, and nothing of ours is', async () => {
    process.env.PORTCULLIS_SECRET_OF_PARENT = 'must-not-be-handed-on';
    const { token } = await spawnOnBench({ deadlineMs: 15_000 });
    await token.status();
    const environment = await readFile(`/proc/${processOf(token)}/environ`, 'utf8');
    const commandLine = await readFile(`/proc/${processOf(token)}/cmdline`, 'utf8');
    expect(`${environment}${commandLine}`).not.toContain(PIN);
    const names = environment.split('\0').map((entry) => entry.split('=')[0]);
    expect(new Set(names)).toEqual(
      new Set([
        'SOFTHSM2_CONF',
        'UV_THREADPOOL_SIZE',
        'NODE_CHANNEL_FD',
        'NODE_CHANNEL_SERIALIZATION_MODE',
        '',
      ]),
    );
  });

  it.each(['640', '604', '660'])(
    'refuses login-failed when its file has mode %s, until that is put right',
    async (mode) => {
      const pinFile = await bench.pinFile(PIN);
      await chmod(pinFile, Number.parseInt(mode, 8));
      const { token } = await spawnOnBench({ deadlineMs: 15_000, pin: { kind: 'file', path: pinFile } });
      await expect(token.status()).rejects.toMatchObject({
        code: 'login-failed',
        facts: { reason: 'readable-by-others', attempted: false },
      });
      await chmod(pinFile, 0o600);
      await new Promise((resolve) => setTimeout(resolve, 300));
      expect(await token.status()).toMatchObject({ loggedIn: true });
    },
  );

  it('refuses login-failed when its file is missing, empty, or a symbolic link', async () => {
    const pinFile = await bench.pinFile(PIN);
    await symlink(pinFile, `${pinFile}.link`);
    for (const [path, reason] of [
      [`${pinFile}.nowhere`, 'ENOENT'],
      [await bench.pinFile(''), 'empty'],
      [`${pinFile}.link`, 'symbolic-link'],
    ] as const) {
      const { token } = await spawnOnBench({ deadlineMs: 15_000, pin: { kind: 'file', path } });
      await expect(token.status()).rejects.toMatchObject({ code: 'login-failed', facts: { reason } });
    }
  });

  it('is read from a systemd credential', async () => {
    const pinFile = await bench.pinFile(PIN);
    const name = pinFile.slice(pinFile.lastIndexOf('/') + 1);
    process.env.CREDENTIALS_DIRECTORY = pinFile.slice(0, pinFile.lastIndexOf('/'));
    try {
      const { token } = await spawnOnBench({ deadlineMs: 15_000, pin: { kind: 'credential', name } });
      expect(await token.status()).toMatchObject({ loggedIn: true });
      const outside = await spawnOnBench({ deadlineMs: 15_000, pin: { kind: 'credential', name: '../x' } });
      await expect(outside.token.status()).rejects.toMatchObject({ facts: { reason: 'credential-name' } });
    } finally {
      delete process.env.CREDENTIALS_DIRECTORY;
    }
  });
});

describe('two tokens', () => {
  const inProcess = (tokenLabel: string, pin: string, ask: () => void, serial?: string) =>
    new Pkcs11Token({
      modulePath: bench.softHsm.modulePath,
      tokenLabel,
      sessions: 2,
      ...(serial === undefined ? {} : { serial }),
      pin: {
        kind: 'prompt',
        ask: async () => {
          ask();
          return pin;
        },
      },
    });

  it('of one library serve in one process, each with its own PIN, asked for once', async () => {
    await bench.softHsm.initToken({ label: 'officer', soPin: '24680135', pin: '111222' });
    let asked = 0;
    const count = () => {
      asked += 1;
    };
    const tokens = [inProcess(LABEL, PIN, count), inProcess('officer', '111222', count)];
    const statuses = await Promise.all(tokens.map((token) => token.status()));
    expect(statuses.map(({ label }) => label)).toEqual([LABEL, 'officer']);
    expect((await tokens[0]?.signDigest(KEY, DIGEST))?.length).toBe(64);
    expect(asked).toBe(2);
    // The first to leave does not take the library away from the second.
    await tokens[0]?.close();
    expect(await tokens[1]?.status()).toMatchObject({ label: 'officer' });
    await tokens[1]?.close();
  });

  it('with one label are refused, until the serial says which is meant', async () => {
    await bench.softHsm.initToken({ label: 'twin-a', soPin: '24680135', pin: '111222' });
    await bench.softHsm.initToken({ label: 'twin-b', soPin: '24680135', pin: '111222' });
    const twin = inProcess('twin-a', '111222', () => undefined);
    const { serial } = await twin.status();
    await twin.close();
    await relabelToken('twin-b', 'twin-a');
    const unsure = inProcess('twin-a', '111222', () => undefined);
    await expectFault(unsure.status(), 'mechanism');
    await unsure.close();
    const sure = inProcess('twin-a', '111222', () => undefined, serial);
    expect(await sure.status()).toMatchObject({ serial });
    await sure.close();
  });
});

/** SoftHSM cannot rename a token; its token file holds the label in plain, padded with blanks. */
async function relabelToken(from: string, to: string): Promise<void> {
  for (const folder of await readdir(bench.softHsm.tokenDirectory)) {
    const file = `${bench.softHsm.tokenDirectory}/${folder}/token.object`;
    const content = await readFile(file);
    const at = content.indexOf(from);
    if (at === -1) continue;
    content.write(to, at, 'ascii');
    await writeFile(file, content);
  }
}
