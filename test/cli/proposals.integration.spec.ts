// `governance proposals` with officers' real tokens: against the real orchestrator and signer, and against a service that
// serves what a test tells it to.

import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { RunningTime } from '../../devnet/deployment.js';
import {
  type Change,
  type EntryBody,
  entryHash,
  GOVERNANCE_TYPE,
  type GovernanceEntry,
  governanceEntry,
} from '../../src/core/governance/entry.js';
import { getGovernance } from '../../src/orchestrator/governance/governance.endpoints.js';
import { ApiRig } from '../orchestrator/api-rig.js';
import { Desk, type Ended } from './desk.js';
import { LyingApi } from './lying-api.js';

const OFFICERS = ['dora', 'evan'] as const;
type Owner = (typeof OFFICERS)[number];

let desk: Desk;
let rig: ApiRig;
const publicKeys = new Map<string, string>();
const configs = new Map<Owner, string>();
let changes = 0;

beforeAll(async () => {
  desk = await Desk.create(OFFICERS);
  rig = await ApiRig.start('SQLite', new RunningTime());
  const { deployment } = rig;
  for (const owner of OFFICERS) {
    const config = await desk.config(owner, { api: rig.url, deployment: deployment.deploymentId });
    configs.set(owner, config);
    const key = ['--label', 'approvals', '--curve', 'p256'];
    const made = await desk.run('keys', 'generate', ...key, '--json', '--config', config);
    const publicKey = String(made.answer?.publicKey);
    publicKeys.set(`${owner}-token`, publicKey);
    const credential = {
      credentialId: `${owner}-token`,
      credentialClass: 'pkcs11',
      algorithm: 'p256',
      publicKey,
    } as const;
    const person = { personId: owner, name: owner, credentials: [credential] };
    const entry = deployment.entry({ kind: 'person-added', person, groups: ['governors'] }, [
      deployment.alice,
      deployment.bob,
    ]);
    const answer = await rig.alice.post('/v1/governance/entries', { body: entry });
    if (answer.status !== 201) throw new Error(answer.text);
    deployment.log.push(entry);
  }
});
afterAll(async () => {
  await rig?.stop();
  await desk?.destroy();
});

function as(owner: Owner, ...args: string[]): Promise<Ended> {
  return desk.run('governance', ...args, '--config', configs.get(owner) ?? '');
}

const json = (owner: Owner, ...args: string[]) => as(owner, ...args, '--json');

async function changeFile(change: Change): Promise<string> {
  changes += 1;
  return desk.write(`change-${changes}.json`, change);
}

function auditors(): Change {
  return { kind: 'group-set', group: { groupId: `auditors-${changes}`, members: ['carol'] } };
}

async function proposed(change: Change = auditors()): Promise<string> {
  const ended = await json('dora', 'propose', '--change', await changeFile(change));
  expect(ended).toMatchObject({ exit: 0, answer: { state: 'open', proposedBy: 'dora' } });
  return String(ended.answer?.proposalId);
}

async function logNow(): Promise<GovernanceEntry[]> {
  const page = getGovernance.answer.schema.parse((await rig.alice.get('/v1/governance')).body);
  return page.entries;
}

describe('a proposal at the command line', () => {
  it('is drafted, shown in words, signed with two tokens, and then in the log', async () => {
    const file = await changeFile(auditors());
    const drafted = await as('dora', 'propose', '--change', file);
    expect(drafted.output).toMatch(/Makes the group auditors-\d+: carol\./);
    const [id = ''] = /[0-9a-f]{64}/.exec(drafted.output.slice(drafted.output.indexOf('Proposed.'))) ?? [];
    const short = id.slice(0, 8);

    const list = await as('evan', 'proposals');
    expect(list.output).toContain(short);
    const shown = await as('evan', 'proposal', 'show', short);
    expect(shown.output).toMatch(/signed by +nobody yet/);
    expect(shown.output).toContain('2 of governors');

    expect(await json('dora', 'proposal', 'sign', short)).toMatchObject({
      exit: 2,
      code: 'confirmation-needed',
    });
    const first = await as('dora', 'proposal', 'sign', short, '--yes');
    expect(first.errors).toContain('Makes the group');
    expect(first.output).toMatch(/dora \(dora-token\) {2}holds/);
    expect(await json('dora', 'proposal', 'sign', short, '--yes')).toMatchObject({
      exit: 2,
      code: 'arguments-invalid',
    });

    const last = await as('evan', 'proposal', 'sign', id, '--yes');
    expect(last.output).toContain('The orchestrator says that the signer has it');
    expect(entryHash((await logNow()).at(-1)?.body ?? ({} as EntryBody))).toBe(id);
    expect((await json('evan', 'proposals')).answer).toEqual({ proposals: [] });
    const all = await json('evan', 'proposals', '--all');
    expect(JSON.stringify(all.answer)).toContain(id);
    const over = await as('evan', 'proposal', 'show', id);
    expect(over.output).toMatch(/it is +accepted/);
    expect(over.output).toContain('Makes the group');
  });

  it('is refused where it is typed when no quorum could ever get it in', async () => {
    const alone: Change = { kind: 'quorum-set', quorum: { group: 'governors', threshold: 1 } };
    const ended = await json('dora', 'propose', '--change', await changeFile(alone));
    expect(ended).toMatchObject({ exit: 1, code: 'governance-change-invalid' });
    const unsure = await json('dora', 'proposal', 'show', 'xyz');
    expect(unsure).toMatchObject({ exit: 2, code: 'arguments-invalid' });
    expect(await json('dora', 'proposal', 'show', '0'.repeat(64))).toMatchObject({
      exit: 1,
      code: 'proposal-unknown',
    });
  });

  it('is taken back by its drafter, with a note on signatures that were given', async () => {
    const id = await proposed();
    await as('dora', 'proposal', 'sign', id, '--yes');
    expect(await json('evan', 'proposal', 'cancel', id)).toMatchObject({
      exit: 1,
      code: 'proposal-of-another-person',
    });
    const ended = await as('dora', 'proposal', 'cancel', id.slice(0, 8));
    expect(ended.output).toContain('Those signatures are valid until another entry has its place');
    expect(await json('evan', 'proposal', 'sign', id, '--yes')).toMatchObject({
      exit: 1,
      code: 'proposal-not-open',
    });
    const again = await json('evan', 'proposal', 'redraft', id);
    expect(again).toMatchObject({ exit: 0, answer: { state: 'open', redraftOf: id, proposedBy: 'evan' } });
  });

  it('goes on as a file where the service is not to be relied on', async () => {
    const id = await proposed();
    await as('dora', 'proposal', 'sign', id, '--yes');
    const file = desk.path('saved.json');
    expect(await json('evan', 'proposal', 'show', id, '--out', file)).toMatchObject({ exit: 0 });
    expect(await json('evan', 'sign', file, '--yes')).toMatchObject({ exit: 0 });
    const entry = governanceEntry.parse(JSON.parse(await readFile(file, 'utf8')));
    expect(entry.signatures.map(({ credentialId }) => credentialId)).toEqual(['dora-token', 'evan-token']);
    expect(await json('evan', 'submit', file)).toMatchObject({ exit: 0 });
    expect(await json('evan', 'proposal', 'show', id)).toMatchObject({ answer: { state: 'accepted' } });
  });
});

describe('a service that lies about a proposal', () => {
  const PROPOSALS = '/v1/governance/proposals';
  let api: LyingApi;
  let log: GovernanceEntry[];

  beforeAll(async () => {
    log = await logNow();
    api = await LyingApi.start(publicKeys);
    api.answers.set('/v1/governance', { entries: log, nextFrom: null });
  });
  afterAll(() => api?.stop());

  function bodyOn(entries: readonly GovernanceEntry[], change: Change): EntryBody {
    const last = entries.at(-1);
    if (!last) throw new Error('no log');
    return {
      type: GOVERNANCE_TYPE,
      sequence: entries.length,
      previous: entryHash(last.body),
      deploymentId: rig.deployment.deploymentId,
      createdAtMs: Date.now(),
      change,
    };
  }

  function view(body: EntryBody, altered: Record<string, unknown> = {}) {
    return {
      proposalId: entryHash(body),
      state: 'open',
      sequence: body.sequence,
      kind: body.change.kind,
      proposedBy: 'dora',
      proposedAtMs: body.createdAtMs,
      signedBy: [],
      body,
      effect: [{ tone: 'change', says: 'changes nothing of note', details: [] }],
      redraftOf: null,
      signatures: [],
      wanted: [],
      cancelledAtMs: null,
      trouble: null,
      ...altered,
    };
  }

  const lied = (...args: string[]) => json('dora', ...args, '--api', api.url);
  const remove: Change = { kind: 'person-removed', personId: 'carol' };

  it('cannot give an entry words of its own: those on the screen are made here', async () => {
    const body = bodyOn(log, remove);
    const id = entryHash(body);
    api.answers.set(`${PROPOSALS}/${id}`, view(body));
    const { output } = await as('dora', 'proposal', 'show', id, '--api', api.url);
    expect(output).toContain('Removes the person carol');
    expect(output).not.toContain('nothing of note');
  });

  it('cannot have another entry signed than the one that was named', async () => {
    const id = entryHash(bodyOn(log, auditors()));
    api.answers.set(`${PROPOSALS}/${id}`, { ...view(bodyOn(log, remove)), proposalId: id });
    expect(await lied('proposal', 'sign', id, '--yes')).toMatchObject({
      exit: 4,
      code: 'governance-mismatch',
    });
  });

  it('cannot have an entry signed that stands on another log, or not on its end', async () => {
    const old = bodyOn(log.slice(0, -1), remove);
    const foreign = { ...bodyOn(log, remove), deploymentId: 'ab'.repeat(32) };
    for (const body of [old, foreign]) {
      api.answers.set(`${PROPOSALS}/${entryHash(body)}`, view(body));
      const ended = await lied('proposal', 'sign', entryHash(body), '--yes');
      expect(ended).toMatchObject({ exit: 4, code: 'governance-mismatch' });
    }
    const known = await desk.write('known-log.json', log);
    api.answers.set('/v1/governance', { entries: log.slice(0, -1), nextFrom: null });
    const ended = await lied('proposal', 'sign', entryHash(old), '--yes', '--log', known);
    expect(ended).toMatchObject({ exit: 4, code: 'governance-mismatch' });
    api.answers.set('/v1/governance', { entries: log, nextFrom: null });
  });

  it('cannot draft another change than it was asked for', async () => {
    api.answers.set(PROPOSALS, view(bodyOn(log, remove)));
    const ended = await lied('propose', '--change', await changeFile(auditors()));
    expect(ended).toMatchObject({ exit: 4, code: 'governance-mismatch' });
  });

  it('cannot pass off signatures as somebody else’s', async () => {
    const body = bodyOn(log, remove);
    const signatures = [
      { personId: 'alice', credentialId: 'alice-token', signature: 'ab'.repeat(64), atMs: 1 },
    ];
    api.answers.set(`${PROPOSALS}/${entryHash(body)}`, view(body, { signatures, state: 'complete' }));
    const { output } = await as('dora', 'proposal', 'show', entryHash(body), '--api', api.url);
    expect(output).toMatch(/alice \(alice-token\) {2}DOES NOT HOLD/);
  });

  it('signs nothing at all in any of these', () => {
    expect(api.unauthenticated).toEqual([]);
    expect(api.posted.filter(({ path }) => path.endsWith('/signatures'))).toEqual([]);
  });
});
