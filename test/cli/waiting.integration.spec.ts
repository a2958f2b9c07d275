// `governance pending`, `activate` and `veto` with officers' real tokens and a real signer: at its own socket with nothing else
// running, and against a service that serves what a test tells it to.

import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { Deployment, makeOfficer, type Officer, TestTime } from '../../devnet/deployment.js';
import { codeOf, type SocketClient } from '../../devnet/socket-client.js';
import {
  type Change,
  entryHash,
  type GovernanceEntry,
  governanceEntry,
} from '../../src/core/governance/entry.js';
import { deskOf, readLog, socketOf } from './at-signer.js';
import type { Desk } from './desk.js';
import { LyingApi } from './lying-api.js';

const HOUR_MS = 3_600_000;
const WAIT_MS = 48 * HOUR_MS;

let desk: Desk;
let deployment: Deployment;
let signer: SocketClient;
let socket: string;
let dora: string;
let publicKey: string;
let names = 0;

beforeAll(async () => {
  const officer = await deskOf('dora');
  ({ desk, publicKey } = officer);
  // Commands go by this machine's clock, and entries may not say that they waited when by it they did not.
  const time = new TestTime(Date.now() - 25 * 24 * HOUR_MS);
  const veto = { group: 'watchers', threshold: 1 };
  deployment = await Deployment.create({ time, timelock: { whitelistMs: HOUR_MS, policyMs: WAIT_MS, veto } });
  signer = await deployment.start();
  socket = socketOf(deployment);
  const { person } = officer;
  const entry = await hand({ kind: 'person-added', person, groups: ['governors', 'watchers'] });
  time.advance(WAIT_MS);
  await hand({ kind: 'activated', entry: entryHash(entry.body) }, [deployment.carol]);
  dora = await desk.config('dora', { deployment: deployment.deploymentId });
});
afterAll(async () => {
  await deployment.destroy();
  await desk.destroy();
});
// Each test begins with the log that the signer has, and with nothing that waits.
beforeEach(async () => {
  for (const { hash } of (await readState()).pending.values()) {
    await hand({ kind: 'vetoed', entry: hash, why: 'between tests' }, [deployment.carol]);
  }
});

async function hand(
  change: Change,
  officers: readonly Officer[] = [deployment.alice, deployment.bob],
): Promise<GovernanceEntry> {
  const entry = deployment.entry(change, officers);
  expect(codeOf(await signer.ask({ verb: 'governance-append', entry }))).toBe('done');
  deployment.log.push(entry);
  return entry;
}

/** Who may veto: either way it waits, and carol activates it. */
async function watch(members: string[]): Promise<void> {
  const entry = await hand({ kind: 'group-set', group: { groupId: 'watchers', members } });
  deployment.time.advance(WAIT_MS);
  await hand({ kind: 'activated', entry: entryHash(entry.body) }, [deployment.carol]);
}

/** Somebody is to join: that loosens. */
async function waiting(): Promise<string> {
  names += 1;
  const { personId, credential } = makeOfficer(`guest-${names}`);
  const person = { personId, name: 'A Guest', credentials: [credential] };
  return entryHash((await hand({ kind: 'person-added', person, groups: ['treasury'] })).body);
}

const readState = () => readLog(deployment, signer);

const act = (verb: string, ...args: string[]) =>
  desk.run('governance', verb, ...args, '--socket', socket, '--json', '--config', dora);

async function withApi(work: (api: LyingApi) => Promise<void>): Promise<void> {
  const api = await LyingApi.start(new Map([['dora-token', publicKey]]));
  try {
    api.answers.set('/v1/governance', { entries: deployment.log, nextFrom: null });
    await work(api);
    expect(api.unauthenticated).toEqual([]);
  } finally {
    await api.stop();
  }
}

describe('portcullis governance pending', () => {
  it("says what waits and how long by the signer's measure, at its socket and without a token", async () => {
    expect(await desk.run('governance', 'pending', '--socket', socket, '--json')).toMatchObject({
      exit: 0,
      answer: { saidBy: 'signer', pinned: false, pending: [] },
    });
    const hash = await waiting();
    deployment.time.advance(HOUR_MS);
    const { answer } = await desk.run('governance', 'pending', '--socket', socket, '--json');
    expect(answer).toMatchObject({
      pending: [
        { hash, leftMs: 47 * HOUR_MS, signers: ['alice', 'bob'], activators: ['carol', 'erika', 'dora'] },
      ],
    });
    const { output } = await desk.run('governance', 'pending', '--socket', socket);
    expect(output).toContain(`Adds the person guest-${names}, "A Guest"`);
    expect(output).toContain('47 h 0 min');
    expect(output).toContain('no deployment id is configured');
  });

  it("takes the signer's measure from the API, and says that it is not known where the signer does not answer", async () => {
    const hash = await waiting();
    await withApi(async (api) => {
      const ask = () => desk.run('governance', 'pending', '--api', api.url, '--json', '--config', dora);
      api.answers.set('/v1/status', { signer: { pending: [{ hash, sequence: 3, leftMs: 7_000 }] } });
      expect(await ask()).toMatchObject({
        exit: 0,
        answer: { saidBy: 'orchestrator', pinned: true, pending: [{ hash, leftMs: 7_000 }] },
      });
      api.answers.set('/v1/status', { signer: { pending: null } });
      expect(await ask()).toMatchObject({ exit: 0, answer: { pending: [{ hash, leftMs: null }] } });
      // What the service invents is shown of no entry: what waits is said by the log.
      api.answers.set('/v1/status', {
        signer: { pending: [{ hash: 'ab'.repeat(32), sequence: 9, leftMs: 0 }] },
      });
      expect(await ask()).toMatchObject({ exit: 0, answer: { pending: [{ hash, leftMs: null }] } });
    });
  });
});

describe('portcullis governance activate', () => {
  it('is refused by the signer until the entry has waited, whatever the clock of this machine says', async () => {
    const hash = await waiting();
    deployment.time.advance(WAIT_MS - 1_000);
    expect(await act('activate', hash, '--yes')).toMatchObject({ exit: 1, code: 'governance-timelock' });
    deployment.time.advance(1_000);
    const ended = await act('activate', hash.slice(0, 8).toUpperCase(), '--yes');
    expect(ended).toMatchObject({ exit: 0, answer: { entry: hash, saidBy: 'signer' } });
    const state = await readState();
    expect(state.persons.has(`guest-${names}`)).toBe(true);
    expect(await act('activate', hash, '--yes')).toMatchObject({ exit: 1, code: 'governance-not-pending' });
  });

  it('shows what comes into force, and signs nothing without an answer', async () => {
    const hash = await waiting();
    deployment.time.advance(WAIT_MS);
    const { sequence } = await readState();
    expect(await act('activate', hash)).toMatchObject({ exit: 2, code: 'confirmation-needed' });
    expect(await act('activate', '5f2c', '--yes')).toMatchObject({ exit: 2, code: 'arguments-invalid' });
    expect(await act('activate', '0'.repeat(64), '--yes')).toMatchObject({ code: 'governance-not-pending' });
    expect((await readState()).sequence).toBe(sequence);
    const args = ['activate', hash, '--socket', socket, '--yes', '--config', dora];
    const { errors, output } = await desk.run('governance', ...args);
    expect(errors).toContain(`Adds the person guest-${names}, "A Guest"`);
    expect(output).toContain('what waited is in force');
  });

  it('is refused here to who signed the entry or may not veto, before the token signs', async () => {
    const hash = await waiting();
    await watch(['alice', 'bob', 'carol', 'erika']);
    await withApi(async (api) => {
      const args = ['activate', hash, '--api', api.url, '--yes', '--json', '--config', dora];
      expect(await desk.run('governance', ...args)).toMatchObject({
        exit: 1,
        code: 'governance-quorum-missing',
      });
      expect(api.posted).toEqual([]);
    });
    await watch(['alice', 'bob', 'carol', 'erika', 'dora']);
  });

  it('does nothing on a log that leads back to nobody whom this person trusts', async () => {
    const hash = await waiting();
    deployment.time.advance(WAIT_MS);
    const unpinned = await desk.config('dora');
    const args = ['activate', hash, '--socket', socket, '--yes', '--json', '--config', unpinned];
    expect(await desk.run('governance', ...args)).toMatchObject({ exit: 2, code: 'setting-missing' });
    dora = await desk.config('dora', { deployment: deployment.deploymentId });
    const pinned = ['--deployment', 'ab'.repeat(32)];
    expect(await act('activate', hash, '--yes', ...pinned)).toMatchObject({
      exit: 4,
      code: 'governance-mismatch',
    });
  });
});

describe('portcullis governance veto', () => {
  it("ends what waits, at the signer's own socket and with no orchestrator, after saying what will not be", async () => {
    const hash = await waiting();
    const args = ['veto', hash, '--why', 'not agreed', '--socket', socket, '--yes', '--config', dora];
    const { exit, errors, output } = await desk.run('governance', ...args);
    expect(exit).toBe(0);
    expect(errors).toContain('This is what will not be');
    expect(errors).toContain(`Adds the person guest-${names}, "A Guest"`);
    expect(output).toContain('what waited never acts');
    const state = await readState();
    expect(state.pending.size).toBe(0);
    deployment.time.advance(WAIT_MS);
    expect(await act('activate', hash, '--yes')).toMatchObject({ exit: 1, code: 'governance-not-pending' });
    expect(await act('veto', hash, '--why', 'again', '--yes')).toMatchObject({
      exit: 1,
      code: 'governance-not-pending',
    });
  });

  it('goes through the API where there is one, as an entry that the signer takes', async () => {
    const hash = await waiting();
    const state = await readState();
    await withApi(async (api) => {
      api.answers.set('/v1/governance/entries', { sequence: state.sequence + 1, head: state.head });
      const args = ['veto', hash, '--why', 'not agreed', '--api', api.url, '--yes', '--config', dora];
      const { output } = await desk.run('governance', ...args);
      expect(output).toContain("the orchestrator's word alone");
      const entry = governanceEntry.parse(api.posted[0]?.body);
      expect(entry.body.change).toEqual({ kind: 'vetoed', entry: hash, why: 'not agreed' });
      expect(codeOf(await signer.ask({ verb: 'governance-append', entry }))).toBe('done');
    });
  });

  it('says that it takes a file where a veto takes several persons', async () => {
    const { timelock } = await readState();
    const stricter: Change = {
      kind: 'timelock-set',
      timelock: { ...timelock, veto: { group: 'watchers', threshold: 2 } },
    };
    const quorum = { group: 'governors', threshold: 3 };
    await hand({ kind: 'quorum-set', quorum });
    const three = [deployment.alice, deployment.bob, deployment.carol];
    // To veto becomes harder: that loosens as well.
    const change = await hand(stricter, three);
    deployment.time.advance(WAIT_MS);
    expect(await act('activate', entryHash(change.body), '--yes')).toMatchObject({ exit: 0 });
    await readState();
    const { personId, credential } = makeOfficer('late');
    const person = { personId, name: personId, credentials: [credential] };
    const entry = await hand({ kind: 'person-added', person, groups: [] }, three);
    const args = [entryHash(entry.body), '--why', 'not agreed', '--yes'];
    expect(await act('veto', ...args)).toMatchObject({ exit: 1, code: 'governance-quorum-missing' });
    const { errors } = await desk.run('governance', 'veto', ...args, '--socket', socket, '--config', dora);
    expect(errors).toContain('with a change of kind "vetoed"');
    expect((await readState()).pending.size).toBe(1);
  });
});
