// A change of governance that takes several persons, at the signer's own host: log, draft, signatures with officers' real
// tokens, and a real signer at its socket. No orchestrator runs, and nobody has an API.

import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Deployment, makeOfficer, TestTime } from '../../devnet/deployment.js';
import { codeOf, type SocketClient } from '../../devnet/socket-client.js';
import { type Change, entryHash } from '../../src/core/governance/entry.js';
import { deskOf, type OfficersDesk, readLog, socketOf } from './at-signer.js';

const HOUR_MS = 3_600_000;
const WAIT_MS = 48 * HOUR_MS;

let dora: OfficersDesk;
let emil: OfficersDesk;
let deployment: Deployment;
let signer: SocketClient;
let socket: string;
let names = 0;

beforeAll(async () => {
  [dora, emil] = [await deskOf('dora'), await deskOf('emil')];
  // Commands go by this machine's clock, and entries may not say that they waited when by it they did not.
  const time = new TestTime(Date.now() - 25 * 24 * HOUR_MS);
  const veto = { group: 'watchers', threshold: 1 };
  deployment = await Deployment.create({ time, timelock: { whitelistMs: HOUR_MS, policyMs: WAIT_MS, veto } });
  signer = await deployment.start();
  socket = socketOf(deployment);
  for (const { person } of [dora, emil]) {
    await inForce({ kind: 'person-added', person, groups: ['governors', 'watchers'] });
  }
});
afterAll(async () => {
  await deployment?.destroy();
  await dora?.desk.destroy();
  await emil?.desk.destroy();
});

/** The hash of the entry, which the signer has then. */
async function hand(change: Change, officers = all()): Promise<string> {
  const entry = deployment.entry(change, officers);
  expect(codeOf(await signer.ask({ verb: 'governance-append', entry }))).toBe('done');
  deployment.log.push(entry);
  return entryHash(entry.body);
}

const all = () => [deployment.alice, deployment.bob, deployment.carol];

/** What loosens, once it has waited. */
async function inForce(change: Change): Promise<void> {
  const entry = await hand(change);
  deployment.time.advance(WAIT_MS);
  await hand({ kind: 'activated', entry }, [deployment.erika]);
}

/** Somebody is to join: that loosens. */
function waiting(): Promise<string> {
  names += 1;
  const { personId, credential } = makeOfficer(`guest-${names}`);
  return hand({
    kind: 'person-added',
    person: { personId, name: personId, credentials: [credential] },
    groups: [],
  });
}

const readState = () => readLog(deployment, signer);

const governance = ({ desk, config }: OfficersDesk, ...args: string[]) =>
  desk.run('governance', ...args, '--json', '--config', config);

/** Who needs neither a key nor a configuration, at the host. */
const atHost = (...args: string[]) =>
  dora.desk.run('governance', ...args, '--json', '--deployment', deployment.deploymentId);

const submit = (entry: string) => dora.desk.run('governance', 'submit', entry, '--socket', socket, '--json');

interface Files {
  readonly log: string;
  readonly entry: string;
}

/** The log as the signer has it, and a change drafted on top of it, on the disk that goes from one officer to the next. */
async function drafted(change: Change): Promise<Files> {
  names += 1;
  const log = dora.desk.path(`log-${names}.json`);
  const entry = dora.desk.path(`entry-${names}.json`);
  const { sequence } = await readState();
  expect(await atHost('log', '--socket', socket, '--out', log)).toMatchObject({
    exit: 0,
    answer: { entries: sequence + 1, pinned: true },
  });
  const asked = await dora.desk.write(`change-${names}.yaml`, change);
  expect(await atHost('propose', '--change', asked, '--log', log, '--out', entry)).toMatchObject({ exit: 0 });
  return { log, entry };
}

const signed = (by: OfficersDesk, { log, entry }: Files) =>
  governance(by, 'sign', entry, '--log', log, '--yes');

async function signedByBoth(change: Change): Promise<string> {
  const files = await drafted(change);
  expect(await signed(dora, files)).toMatchObject({ exit: 0 });
  expect(await signed(emil, files)).toMatchObject({
    exit: 0,
    answer: { signatures: ['dora-token', 'emil-token'] },
  });
  return files.entry;
}

describe("a thaw, at the signer's own host", () => {
  it('lets go on what one officer has stopped there, with the signatures of the quorum', async () => {
    const args = ['governance', 'freeze', '--everything', '--why', 'drill', '--socket', socket, '--yes'];
    const { exit, output } = await dora.desk.run(...args, '--config', dora.config);
    expect(exit).toBe(0);
    expect(output).toContain(
      `governance propose --out FILE --socket ${socket}, with a change of kind "thawed"`,
    );
    expect((await readState()).frozen.size).toBe(1);
    const entry = await signedByBoth({ kind: 'thawed', scope: { kind: 'everything' } });
    const { output: taken } = await dora.desk.run('governance', 'submit', entry, '--socket', socket);
    expect(taken).toContain('The signer has it');
    expect((await readState()).frozen.size).toBe(0);
  });
});

describe("a veto of several persons, at the signer's own host", () => {
  // A veto takes fewer than a change does.
  beforeAll(async () => {
    await hand({ kind: 'quorum-set', quorum: { group: 'governors', threshold: 3 } });
    const { timelock } = await readState();
    const veto = { group: 'watchers', threshold: 2 };
    await inForce({ kind: 'timelock-set', timelock: { ...timelock, veto } });
  });

  it('is refused to one of them with the words that lead there', async () => {
    const hash = await waiting();
    const args = ['governance', 'veto', hash, '--why', 'not agreed', '--socket', socket, '--yes'];
    const { exit, errors } = await dora.desk.run(...args, '--config', dora.config);
    expect(exit).toBe(1);
    expect(errors).toContain(
      `governance propose --out FILE --socket ${socket}, with a change of kind "vetoed"`,
    );
    expect(errors).toContain(`governance submit FILE --socket ${socket}`);
  });

  it('ends what waits, with the signatures of all', async () => {
    const hash = await waiting();
    const entry = await signedByBoth({ kind: 'vetoed', entry: hash, why: 'not agreed' });
    const { sequence } = await readState();
    expect(await submit(entry)).toMatchObject({
      exit: 0,
      answer: { sequence: sequence + 1, saidBy: 'signer' },
    });
    const state = await readState();
    expect(state.pending.has(hash)).toBe(false);
    expect(await submit(entry)).toMatchObject({ exit: 0, answer: { head: state.head } });
    expect((await readState()).sequence).toBe(sequence + 1);
  });

  it('is refused by the signer with the signature of one, and changes nothing', async () => {
    const hash = await waiting();
    const files = await drafted({ kind: 'vetoed', entry: hash, why: 'not agreed' });
    expect(await signed(dora, files)).toMatchObject({ exit: 0 });
    expect(await submit(files.entry)).toMatchObject({ exit: 1, code: 'governance-quorum-missing' });
    expect((await readState()).pending.has(hash)).toBe(true);
  });

  it('is drafted and signed from the socket alone, without a file of the log', async () => {
    const hash = await waiting();
    const entry = dora.desk.path('from-socket.json');
    const change = await dora.desk.write('from-socket.yaml', { kind: 'vetoed', entry: hash, why: 'no' });
    expect(await atHost('propose', '--change', change, '--socket', socket, '--out', entry)).toMatchObject({
      exit: 0,
    });
    for (const by of [dora, emil]) {
      const args = ['sign', entry, '--socket', socket, '--yes'];
      expect(await governance(by, ...args)).toMatchObject({ exit: 2, code: 'setting-missing' });
      const trusted = ['--deployment', deployment.deploymentId];
      expect(await governance(by, ...args, ...trusted)).toMatchObject({ exit: 0 });
    }
    expect(await submit(entry)).toMatchObject({ exit: 0 });
    expect((await readState()).pending.has(hash)).toBe(false);
  });
});

describe('a log that is read at the socket', () => {
  it('is another than the one that is trusted, or says that nobody said which that is', async () => {
    const out = dora.desk.path('other.json');
    const args = ['governance', 'log', '--socket', socket, '--out', out];
    expect(await dora.desk.run(...args, '--json', '--deployment', 'ab'.repeat(32))).toMatchObject({
      exit: 4,
      code: 'governance-mismatch',
    });
    const { exit, output } = await dora.desk.run(...args);
    expect(exit).toBe(0);
    expect(output).toContain('no deployment id is configured');
    expect(await dora.desk.run('governance', 'show', '--socket', socket, '--json')).toMatchObject({
      exit: 0,
      answer: { deploymentId: deployment.deploymentId, pinned: false },
    });
  });

  it('is one of two that nobody chose between, or nobody has: said before anything is written', async () => {
    const out = dora.desk.path('none.json');
    const both = ['--socket', socket, '--log', dora.desk.path('other.json')];
    expect(await atHost('log', '--out', out, ...both)).toMatchObject({ exit: 2, code: 'arguments-invalid' });
    expect(await atHost('log', '--out', out, '--socket', dora.desk.path('nobody.sock'))).toMatchObject({
      exit: 3,
      code: 'signer-unreachable',
    });
    const change = await dora.desk.write('thaw.yaml', { kind: 'thawed', scope: { kind: 'everything' } });
    expect(await atHost('propose', '--change', change, '--socket', socket)).toMatchObject({
      exit: 2,
      code: 'arguments-invalid',
    });
  });
});

// Last: one of the two is in no group any more after it.
describe('who was taken out of the group that vetoes', () => {
  it("signs a veto of several persons all the same, at the signer's own host", async () => {
    await hand({ kind: 'person-removed', personId: 'emil' });
    const hash = await waiting();
    expect(
      await submit(await signedByBoth({ kind: 'vetoed', entry: hash, why: 'not agreed' })),
    ).toMatchObject({
      exit: 0,
    });
    expect((await readState()).pending.has(hash)).toBe(false);
    const quorum = { group: 'governors', threshold: 4 };
    expect(await signed(emil, await drafted({ kind: 'quorum-set', quorum }))).toMatchObject({
      exit: 4,
      code: 'key-mismatch',
    });
  });
});
