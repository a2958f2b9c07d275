// A kill at every durable boundary of what the signer does once in its life, by a person's hand: the ceremony that makes its
// store and pins it on the token, and the restore that makes another one when it is lost. Whoever is cut short does the
// same again, and then the signer serves. And of what only others do with a token: write the same record once more.

import { execFile } from 'node:child_process';
import { cpSync, existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import pkcs11js from 'pkcs11js';
import { Deployment, RunningTime, TREASURY_PIN } from '../../devnet/deployment.js';
import { startProgram } from '../../devnet/process.js';
import { SocketClient } from '../../devnet/socket-client.js';
import { encodeRecord } from '../../hardware/pkcs11/record-format.js';
import { spawnToken } from '../../hardware/pkcs11/token-client.js';
import { Fault } from '../../src/core/fault.js';
import { initialise, readRecord } from '../../src/signer/start.js';
import { setRealEnvironment, workOutside } from '../hardware/softhsm-bench.js';
import { untouchedRestore } from '../signer/untouched-restore.js';
import { type Part, partOf } from './division.js';
import { isAskedFor, keep } from './kill-list.js';
import { Killer } from './killer.js';

const run = promisify(execFile);

const killer = new Killer();
let deployment: Deployment;
let folder: string;
let program: string;
let places = 0;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'portcullis-acts-'));
  deployment = await Deployment.create({ initialised: false, time: new RunningTime() });
  program = await killer.compile('src/signer/main.ts');
}, 60_000);
afterAll(async () => {
  await deployment?.destroy();
  killer.remove();
  rmSync(folder, { recursive: true, force: true });
});

interface Place {
  readonly configFile: string;
  readonly storePath: string;
  readonly socket: string;
}

/** A copy of token and store as they are now, with a configuration of its own. */
function copied(): Place {
  places += 1;
  const place = join(folder, `${places}`);
  cpSync(deployment.directory, place, { recursive: true });
  const config = deployment.config();
  const softHsm = join(place, 'softhsm2.conf');
  const tokens = join(place, 'hsm', 'tokens');
  writeFileSync(softHsm, `directories.tokendir = ${tokens}\nobjectstore.backend = file\nlog.level = ERROR\n`);
  const socket = join(place, 'run', 'signer.sock');
  const storePath = join(place, 'signer.db');
  const environment = { SOFTHSM2_CONF: softHsm, ...killer.environment('token') };
  const here = {
    ...config,
    listen: { kind: 'unix', path: socket },
    storePath,
    tokens: { treasury: { ...deployment.tokenConfig(), environment } },
  };
  const configFile = join(place, 'signer.json');
  writeFileSync(configFile, JSON.stringify(here), { mode: 0o600 });
  return { configFile, storePath, socket };
}

/** Runs the signer once; how it ended. */
async function act(
  parameters: readonly string[],
): Promise<{ code: number | null; signal: string | null; said: string }> {
  const env = { PATH: process.env.PATH, ...killer.environment('signer') };
  try {
    const { stdout } = await run(process.execPath, [program, ...parameters], { env, timeout: 30_000 });
    return { code: 0, signal: null, said: stdout };
  } catch (error) {
    const {
      code = null,
      signal = null,
      stdout = '',
    } = error as { code?: number; signal?: string; stdout?: string };
    return { code, signal, said: stdout };
  }
}

async function expectServing({ configFile, socket }: Place): Promise<void> {
  const signer = await startProgram({
    name: 'the signer',
    command: process.execPath,
    args: [program, 'serve', '--config', configFile],
    env: { PATH: process.env.PATH, ...killer.environment('signer') },
    logFile: `${configFile}.log`,
    ready: async () => {
      const client = await SocketClient.connect(socket);
      const answer = await client.ask({ verb: 'status', transferIds: [] });
      client.close();
      return answer.kind === 'done';
    },
  });
  await signer.stop();
}

/** Kills the act at each boundary of the part, in a place of its own, does it again, and has the signer serve. */
async function killAtEach(
  part: Part,
  place: () => Place,
  parameters: (place: Place) => string[],
): Promise<string[]> {
  const begunMs = performance.now();
  const boundaries = [...killer.boundaries.signer].filter((one) => partOf(one) === part && isAskedFor(one));
  for (const boundary of boundaries) {
    const here = place();
    killer.arm('signer', [boundary]);
    const cut = await act(parameters(here));
    expect({ boundary, killed: killer.killedAt('signer').has(boundary), signal: cut.signal }).toEqual({
      boundary,
      killed: true,
      signal: 'SIGKILL',
    });
    killer.arm('signer', []);
    const again = await act(parameters(here));
    // What was done to the end before the kill needs no second time, and says so.
    const done = again.code === 0 || /anchor-exists|restore-other-record/.test(again.said);
    expect({ boundary, done, said: done ? '' : again.said }).toEqual({ boundary, done: true, said: '' });
    await expectServing(here);
  }
  keep(part, killer, boundaries, begunMs);
  return boundaries;
}

describe('the ceremony', () => {
  it('is done again wherever it was cut short', async () => {
    const genesisFile = join(folder, 'genesis.json');
    writeFileSync(genesisFile, JSON.stringify(deployment.log[0]));
    const boundaries = await killAtEach('ceremony', copied, ({ configFile }) => [
      'init',
      '--config',
      configFile,
      '--genesis',
      genesisFile,
    ]);
    expect(boundaries.length).toBeGreaterThanOrEqual(6);
  }, 180_000);
});

describe('the restore of a lost store', () => {
  it('is done again wherever it was cut short', async () => {
    const [genesis] = deployment.log;
    if (!genesis) throw new Error('no genesis');
    const options = { tokenProgram: deployment.tokenProgram };
    await initialise(deployment.config(), genesis, options);
    const record = await readRecord(deployment.config(), options);
    const restore = untouchedRestore(deployment, record, Date.now());
    const [restoreFile, logFile] = [join(folder, 'restore.json'), join(folder, 'log.json')];
    writeFileSync(restoreFile, JSON.stringify(restore));
    writeFileSync(logFile, JSON.stringify(deployment.log));
    const lost = () => {
      const place = copied();
      for (const suffix of ['', '-wal', '-shm']) rmSync(`${place.storePath}${suffix}`, { force: true });
      expect(existsSync(place.storePath)).toBe(false);
      return place;
    };
    const boundaries = await killAtEach('restore', lost, ({ configFile }) => [
      'restore',
      '--config',
      configFile,
      '--restore',
      restoreFile,
      '--log',
      logFile,
    ]);
    expect(boundaries.length).toBeGreaterThanOrEqual(6);
  }, 180_000);
});

describe('a token with one session', () => {
  it('has its record once and signs again wherever its process died, and what was left over is gone', async () => {
    const begunMs = performance.now();
    const config = deployment.tokenConfig();
    const spawned = () =>
      spawnToken(
        { ...config, sessions: 1, environment: { ...config.environment, ...killer.environment('token') } },
        { programPath: join(dirname(program), '../../hardware/pkcs11/token-process.js') },
      );
    const boundaries = [...killer.boundaries.token].filter((one) => partOf(one) === 'token-record');
    const recordOf = (version: bigint) => ({
      version,
      value: Uint8Array.from(Buffer.from(`value ${version}`)),
    });
    killer.arm('token', boundaries);
    const token = spawned();
    let kills = 0;
    /** Done again as often as its process died of it. */
    const done = async <T>(act: () => Promise<T>): Promise<T> => {
      for (;;) {
        try {
          return await act();
        } catch (error) {
          if (!(error instanceof Fault) || error.code !== 'indeterminate' || kills++ > boundaries.length)
            throw error;
        }
      }
    };
    try {
      await done(() => token.writeRecord('twice', recordOf(1n)));
      await done(() => token.writeRecord('twice', recordOf(2n), recordOf(1n)));
      setRealEnvironment(config.environment ?? {});
      workOutside(
        { modulePath: config.modulePath, label: config.tokenLabel, pin: TREASURY_PIN },
        (api, session) =>
          api.C_CreateObject(session, [
            { type: pkcs11js.CKA_CLASS, value: pkcs11js.CKO_DATA },
            { type: pkcs11js.CKA_TOKEN, value: true },
            { type: pkcs11js.CKA_PRIVATE, value: true },
            { type: pkcs11js.CKA_LABEL, value: 'twice' },
            { type: pkcs11js.CKA_VALUE, value: encodeRecord('twice', recordOf(0n)) },
          ]),
      );
      await done(() => token.writeRecord('twice', recordOf(3n)));
      expect(await token.readRecord('twice')).toEqual(recordOf(3n));
      expect((await done(() => token.signDigest({ label: 'hot-eth-1' }, Buffer.alloc(32, 1)))).length).toBe(
        64,
      );
      expect([...killer.killedAt('token')].sort()).toEqual([...boundaries].sort());
      expect(kills).toBe(boundaries.length);
    } finally {
      await token.close();
    }
    killer.arm('token', []);
    expect(boundaries.length).toBeGreaterThanOrEqual(6);
    keep('token-record', killer, boundaries, begunMs);
  });
});
