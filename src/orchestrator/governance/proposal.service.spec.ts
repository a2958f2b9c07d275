// Proposals in front of a signer that takes, refuses, or does not answer: what is handed in, how often, and what is then said of it.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { accepted, Fault, type Outcome, refused } from '../../core/fault.js';
import { type Change, entryHash, type GovernanceEntry } from '../../core/governance/entry.js';
import { nativeVerifier } from '../../platform/native-verifier.js';
import type { GovernanceResult } from '../../signer-protocol/messages.js';
import { auditEntities } from '../audit/audit.entity.js';
import { Database } from '../database/database.js';
import { Cast, type OfficerId, START_MS } from '../transfers/cast.fixture.js';
import { governanceEntities } from './governance.entity.js';
import { GovernanceService, type GovernanceSource } from './governance.service.js';
import { proposalEntities } from './proposal.entity.js';
import { Proposals } from './proposal.service.js';
import type { Trouble } from './proposal.view.js';

const clock = { nowMs: () => START_MS };

/** A signer that keeps a log, and does with the next entry what a test wants. */
class Signer implements GovernanceSource {
  handedIn: GovernanceEntry[] = [];
  next: 'takes' | 'takes and is not heard' | 'is away' | 'refuses' = 'takes';

  constructor(readonly log: GovernanceEntry[]) {}

  private answer(from: number): GovernanceResult {
    const last = this.log.at(-1);
    return {
      entries: this.log.slice(from, from + 50),
      sequence: this.log.length - 1,
      head: last ? entryHash(last.body) : '0'.repeat(64),
    };
  }

  async governanceRead(from: number): Promise<GovernanceResult> {
    return this.answer(from);
  }

  async governanceAppend(entry: GovernanceEntry): Promise<Outcome<GovernanceResult>> {
    this.handedIn.push(entry);
    if (this.next === 'is away') throw new Fault('signer-unreachable', 'nobody there');
    if (this.next === 'refuses') return refused('key-missing', { label: 'warm-1' });
    const last = this.log.at(-1);
    const isAgain = last && entryHash(last.body) === entryHash(entry.body);
    if (!isAgain && entry.body.sequence !== this.log.length) {
      return refused('governance-sequence', { entry: entry.body.sequence, expected: this.log.length });
    }
    if (!isAgain) this.log.push(entry);
    if (this.next === 'takes and is not heard') throw new Fault('signer-timeout', 'no answer');
    return accepted(this.answer(entry.body.sequence));
  }
}

let folder: string;
let database: Database;
let cast: Cast;
let signer: Signer;
let governance: GovernanceService;
let proposals: Proposals;

/** A program that begins on this database. */
async function program(): Promise<Proposals> {
  governance = new GovernanceService(database, signer, nativeVerifier, clock, cast.deploymentId);
  await governance.load();
  await governance.refresh();
  return new Proposals({ database, governance, verifier: nativeVerifier, clock });
}

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'portcullis-proposals-'));
  database = await Database.open({
    url: `sqlite:${join(folder, 'test.db')}`,
    entities: [...governanceEntities, ...proposalEntities, ...auditEntities],
    clock,
  });
  cast = new Cast();
  signer = new Signer(cast.entries);
  proposals = await program();
});

afterEach(async () => {
  await database.close();
  rmSync(folder, { recursive: true });
});

const auditors = (...members: string[]): Change => ({
  kind: 'group-set',
  group: { groupId: 'auditors', members },
});

async function drafted(change: Change): Promise<string> {
  const outcome = await proposals.draft(change, 'alice');
  if (outcome.kind === 'refused') throw new Error(outcome.code);
  return outcome.value.proposalId;
}

async function sign(proposalId: string, officer: OfficerId) {
  const shown = await proposals.show(proposalId);
  if (shown.kind === 'refused') throw new Error(shown.code);
  return proposals.sign(proposalId, cast.signatureOver(officer, shown.value.body));
}

async function stands(proposalId: string) {
  const shown = await proposals.show(proposalId);
  return shown.kind === 'refused' ? shown.code : shown.value.state;
}

/** One look through what is complete; what it says of trouble. */
async function turn(): Promise<Trouble[]> {
  const told: Trouble[] = [];
  await proposals.handInAll((trouble) => told.push(trouble));
  return told;
}

async function complete(change: Change = auditors('carol')): Promise<string> {
  const proposalId = await drafted(change);
  await sign(proposalId, 'alice');
  await sign(proposalId, 'bob');
  return proposalId;
}

describe('a proposal with all its signatures', () => {
  it('is handed in once, and not looked at again', async () => {
    const proposalId = await complete();
    expect(await stands(proposalId)).toBe('accepted');
    expect(await turn()).toEqual([]);
    expect(signer.handedIn).toHaveLength(1);
  });

  it('is handed in by the next program when the one before died before it could', async () => {
    signer.next = 'is away';
    const proposalId = await complete();
    signer.next = 'takes';
    proposals = await program();
    expect(await turn()).toEqual([]);
    expect(await stands(proposalId)).toBe('accepted');
    expect(signer.log.filter(({ body }) => entryHash(body) === proposalId)).toHaveLength(1);
  });

  it('is in the log once when the signer took it and nobody heard the answer', async () => {
    signer.next = 'takes and is not heard';
    const proposalId = await complete();
    signer.next = 'takes';
    expect(await turn()).toEqual([]);
    expect(await stands(proposalId)).toBe('accepted');
    expect(signer.log.filter(({ body }) => entryHash(body) === proposalId)).toHaveLength(1);
  });

  it('is tried again, ever less often, as long as the signer is away', async () => {
    signer.next = 'is away';
    const proposalId = await complete();
    expect(await proposals.show(proposalId)).toMatchObject({
      value: { state: 'complete', trouble: { code: 'signer-unreachable' } },
    });
    for (let turns = 0; turns < 20; turns += 1) await turn();
    // At once, then after 0, 1, 3, 7 turns left out.
    expect(signer.handedIn).toHaveLength(5);
    signer.next = 'takes';
    for (let turns = 0; turns < 32; turns += 1) await turn();
    expect(await stands(proposalId)).toBe('accepted');
  });

  it('is tried again when the signer refuses it, with its code shown, until its drafter takes it back', async () => {
    signer.next = 'refuses';
    const proposalId = await complete();
    expect(await turn()).toEqual([{ code: 'key-missing', facts: { label: 'warm-1', proposalId } }]);
    expect(await proposals.show(proposalId)).toMatchObject({
      value: { state: 'complete', trouble: { code: 'key-missing', facts: { label: 'warm-1' } } },
    });
    expect(await proposals.cancel(proposalId, 'alice')).toMatchObject({ value: { state: 'cancelled' } });
    signer.next = 'takes';
    for (let turns = 0; turns < 5; turns += 1) expect(await turn()).toEqual([]);
    expect(signer.handedIn).toHaveLength(2);
    const again = await proposals.redraft(proposalId, 'bob');
    expect(again).toMatchObject({ kind: 'accepted', value: { state: 'open', redraftOf: proposalId } });
  });

  it('is superseded when another entry was faster, and the signer keeps that one', async () => {
    const late = await drafted(auditors('bob'));
    await sign(late, 'alice');
    // Known to the signer and not yet here.
    cast.amend(auditors('carol'));
    await sign(late, 'bob');
    expect(await stands(late)).toBe('superseded');
    expect(signer.log.at(-1)?.body.change).toEqual(auditors('carol'));
  });
});

describe('a proposal is refused', () => {
  it('when there is none of this id (proposal-unknown)', async () => {
    const id = 'ab'.repeat(32);
    const nothing = { credentialId: 'alice-piv', signature: 'ab'.repeat(64) };
    const answers = [
      await proposals.show(id),
      await proposals.sign(id, nothing),
      await proposals.cancel(id, 'alice'),
      await proposals.redraft(id, 'alice'),
    ];
    expect(answers).toEqual(answers.map(() => expect.objectContaining({ code: 'proposal-unknown' })));
  });

  it('a signature when it wants none (proposal-not-open)', async () => {
    const proposalId = await complete();
    expect(await proposals.show(proposalId)).toMatchObject({ value: { state: 'accepted' } });
    const late = await drafted(auditors('bob'));
    cast.amend(auditors('alice'));
    await governance.refresh();
    expect(await sign(late, 'alice')).toMatchObject({
      code: 'proposal-not-open',
      facts: { state: 'superseded' },
    });
  });

  it('a second signature of a person (governance-signer-duplicate)', async () => {
    const proposalId = await drafted(auditors('carol'));
    await sign(proposalId, 'alice');
    expect(await sign(proposalId, 'alice')).toMatchObject({ code: 'governance-signer-duplicate' });
  });

  it('a signature of somebody whom nobody asked, or knows', async () => {
    const proposalId = await drafted(auditors('carol'));
    expect(await sign(proposalId, 'carol')).toMatchObject({
      code: 'governance-signer-not-asked',
      facts: { groups: 'governors' },
    });
    const stranger = { credentialId: 'mallory-piv', signature: 'ab'.repeat(64) };
    expect(await proposals.sign(proposalId, stranger)).toMatchObject({ code: 'governance-signer-unknown' });
  });

  it('a signature over another entry (governance-signature-invalid)', async () => {
    const proposalId = await drafted(auditors('carol'));
    const other = await proposals.show(await drafted(auditors('bob')));
    if (other.kind === 'refused') throw new Error(other.code);
    const wrong = cast.signatureOver('alice', other.value.body);
    expect(await proposals.sign(proposalId, wrong)).toMatchObject({ code: 'governance-signature-invalid' });
  });

  it('when somebody else than its drafter takes it back (proposal-of-another-person)', async () => {
    const proposalId = await drafted(auditors('carol'));
    expect(await proposals.cancel(proposalId, 'bob')).toMatchObject({ code: 'proposal-of-another-person' });
  });

  it('when it is drafted anew and is not over (proposal-not-over)', async () => {
    const proposalId = await drafted(auditors('carol'));
    expect(await proposals.redraft(proposalId, 'bob')).toMatchObject({ code: 'proposal-not-over' });
  });

  it('when one person has drafted too many for one place (proposals-too-many)', async () => {
    for (let count = 0; count < 20; count += 1) {
      const group = { groupId: `auditors-${count}`, members: ['carol'] };
      await drafted({ kind: 'group-set', group });
    }
    expect(await proposals.draft(auditors('bob'), 'alice')).toMatchObject({ code: 'proposals-too-many' });
    expect(await proposals.draft(auditors('bob'), 'bob')).toMatchObject({ kind: 'accepted' });
  });
});
