// One kill at every durable boundary of the signer's checkpoints of the audit log: whoever asks again after it has the very
// checkpoint that was asked for, and nobody has one of another log.

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { bytesToHex } from '@noble/hashes/utils.js';
import { Deployment, RunningTime } from '../../devnet/deployment.js';
import { type Program, startProgram } from '../../devnet/process.js';
import { codeOf, SocketClient } from '../../devnet/socket-client.js';
import { openCheckpoint } from '../../src/core/audit/checkpoint.js';
import { changed, type LogInMemory, logOf, wordsOf } from '../../src/core/audit/log.fixture.js';
import type { NoteKey } from '../../src/core/audit/note.js';
import { Fault } from '../../src/core/fault.js';
import { portableVerifier } from '../../src/core/statements/signature.js';
import { checkpointResult, type Growth, type Reply } from '../../src/signer-protocol/messages.js';
import { growthOf, valueIn } from '../signer/growth.js';
import { partOf } from './division.js';
import { isAskedFor, keep } from './kill-list.js';
import { Killer } from './killer.js';

const killer = new Killer();
let deployment: Deployment;
let program: string;
let key: NoteKey;

const log = logOf(wordsOf(60));
/** A log of somebody who has changed its first entry. */
const forked = logOf(wordsOf(60).map((entry, at) => (at === 0 ? changed(entry, 0) : entry)));

beforeAll(async () => {
  deployment = await Deployment.create({ time: new RunningTime() });
  key = await deployment.setAuditLog(await deployment.start());
  await deployment.stop();
  program = await killer.compile('src/signer/main.ts');
}, 60_000);
afterAll(async () => {
  await deployment?.destroy();
  killer.remove();
});

function growing(from: number, size: number, of: LogInMemory = log): Promise<Growth> {
  return growthOf(of, from, size);
}

function serve(): Promise<Program> {
  const config = deployment.config();
  const configFile = join(deployment.directory, 'signer.json');
  writeFileSync(configFile, JSON.stringify(config), { mode: 0o600 });
  return startProgram({
    name: 'the signer',
    command: process.execPath,
    args: [program, 'serve', '--config', configFile],
    env: { PATH: process.env.PATH, ...killer.environment('signer') },
    logFile: join(deployment.directory, 'signer.log'),
    ready: async () => {
      (await connected()).close();
      return true;
    },
  });
}

function connected(): Promise<SocketClient> {
  const { listen } = deployment.config();
  if (listen.kind !== 'unix') throw new Error('the test deployment listens on a unix socket');
  return SocketClient.connect(listen.path);
}

/** The signer's answer; nothing when it died of the question, or before anybody could ask. */
async function answerOfOneLife(asked: Growth): Promise<Reply | undefined> {
  let signer: Program;
  try {
    signer = await serve();
  } catch (error) {
    if (error instanceof Fault && error.code === 'program-ended-early') return undefined;
    throw error;
  }
  const client = await connected();
  const ended = client.ended.then(() => undefined);
  const answer = await Promise.race([client.ask({ verb: 'checkpoint', ...asked }), ended]);
  client.close();
  if (answer === undefined) await signer.exited;
  else await signer.stop();
  return answer;
}

function noteIn(answer: Reply): Uint8Array {
  if (answer.kind !== 'done') throw new Error(`no checkpoint: ${codeOf(answer)}`);
  return Buffer.from(checkpointResult.parse(answer.result).note, 'base64');
}

describe('a kill at every durable boundary of checkpoints', () => {
  it('leaves one log signed, and its newest checkpoint to be had by asking again', async () => {
    const begunMs = performance.now();
    const boundaries = [...killer.boundaries.signer].filter(
      (one) => partOf(one) === 'checkpoints' && isAskedFor(one),
    );
    let from = 5;
    const first = await answerOfOneLife(await growing(0, from));
    expect(first && codeOf(first)).toBe('done');
    for (const boundary of boundaries) {
      const asked = await growing(from, from + 5);
      killer.arm('signer', [boundary]);
      expect({ boundary, answer: await answerOfOneLife(asked) }).toEqual({ boundary, answer: undefined });
      expect(killer.killedAt('signer').has(boundary)).toBe(true);
      killer.arm('signer', []);
      const signer = await serve();
      const client = await connected();
      const ask = (growth: Growth) => client.ask({ verb: 'checkpoint', ...growth });
      // What was written down is not taken back.
      const isWritten = /append.*:after|signHead/.test(boundary);
      const refusal = isWritten ? 'checkpoint-from-other' : 'checkpoint-not-consistent';
      expect(codeOf(await ask(await growing(from, asked.size, forked)))).toBe(refusal);
      const note = noteIn(await ask(asked));
      const opened = valueIn(openCheckpoint(note, key, portableVerifier));
      expect([opened.size, bytesToHex(opened.root)]).toEqual([asked.size, asked.root]);
      expect(noteIn(await ask({ ...asked, from: 0, path: [] }))).toEqual(note);
      expect(codeOf(await ask(await growing(asked.size, asked.size + 1, forked)))).toBe(
        'checkpoint-not-consistent',
      );
      client.close();
      await signer.stop();
      from = asked.size;
    }
    expect(boundaries.length).toBe(6);
    keep('checkpoints', killer, boundaries, begunMs);
  }, 180_000);
});
