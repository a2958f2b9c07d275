// One kill at every durable boundary of proposals: officers draft, sign and take back, insisting as their programs do, while the
// orchestrator dies under them, and vouch for the head as well. Each draft is there once, each signature that was answered is there, and what had its
// quorum is in the signer's log once, without anybody doing more about it.

import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type Officer, officersSign } from '../../devnet/deployment.js';
import { codeOf, SocketClient } from '../../devnet/socket-client.js';
import { type Change, entryBytes, entryHash, type GovernanceEntry } from '../../src/core/governance/entry.js';
import {
  type ProposalState,
  type ProposalView,
  proposalPage,
  proposalView,
} from '../../src/orchestrator/governance/proposal.dto.js';
import { governanceResult } from '../../src/signer-protocol/messages.js';
import type { Rig } from '../e2e/rig.js';
import type { Answer, CallOptions } from '../orchestrator/api-client.js';
import { BoundaryPart } from './boundary-part.js';

const PROPOSALS = '/v1/governance/proposals';
const HEAD = '/v1/governance/head';
const WITHIN_MS = 60_000;
const LOOK_MS = 50;

const part = new BoundaryPart('proposals');
let rig: Rig;
/** Ids of all that was drafted, and of what two officers signed. */
const drafted = new Set<string>();
const passed = new Set<string>();
/** Words about the head that were taken. */
const words: string[] = [];

beforeAll(async () => {
  rig = await part.start({ coins: 4n });
  rig.chains.startMining();
}, 60_000);
afterAll(() => part.stop());

/** Until it is answered, however often the orchestrator dies of it. */
async function answered(officer: Officer, path: string, options: CallOptions): Promise<Answer> {
  for (const end = Date.now() + WITHIN_MS; Date.now() < end; await sleep(LOOK_MS)) {
    let answer: Answer;
    try {
      answer = await rig.client(officer).post(path, options);
    } catch {
      // Nobody is there at the moment, or died before the answer.
      continue;
    }
    if (answer.status < 300) return answer;
    if (answer.status < 500) throw new Error(`${path}: ${answer.text}`);
  }
  throw new Error(`never answered: ${path}`);
}

async function insisted(officer: Officer, path: string, options: CallOptions): Promise<ProposalView> {
  return proposalView.parse((await answered(officer, path, options)).body);
}

/** A governor's word about the log's head: once it is answered, it is the one that is given along. */
async function vouched(officer: Officer): Promise<void> {
  const word = rig.deployment.word(officer);
  await answered(officer, HEAD, { body: word });
  words.push(word.signature);
}

async function becomes({ proposalId }: ProposalView, state: ProposalState): Promise<void> {
  for (const end = Date.now() + WITHIN_MS; Date.now() < end; await sleep(LOOK_MS)) {
    try {
      const answer = await rig.client(rig.deployment.carol).get(`${PROPOSALS}/${proposalId}`);
      if (answer.body.state === state) return;
    } catch {
      // As above.
    }
  }
  throw new Error(`never ${state}: ${proposalId}`);
}

async function signedBy(officer: Officer, { proposalId, body }: ProposalView): Promise<ProposalView> {
  const [signature] = officersSign(entryBytes(body), [officer]);
  return insisted(officer, `${PROPOSALS}/${proposalId}/signatures`, { body: signature });
}

async function oneRound(round: number): Promise<void> {
  const { alice, bob } = rig.deployment;
  await vouched(alice);
  const change: Change = { kind: 'group-set', group: { groupId: `auditors-${round}`, members: ['carol'] } };
  const proposal = await insisted(alice, PROPOSALS, {
    body: { change },
    idempotencyKey: `round-${round}-draft`,
  });
  drafted.add(proposal.proposalId);
  const first = await signedBy(alice, proposal);
  expect(first.signatures.map(({ personId }) => personId)).toEqual(['alice']);
  if (round % 3 === 2) {
    const back = await insisted(alice, `${PROPOSALS}/${proposal.proposalId}/cancel`, {});
    expect(back.state).toBe('cancelled');
    return;
  }
  const last = await signedBy(bob, proposal);
  expect(last.signatures).toHaveLength(2);
  passed.add(proposal.proposalId);
  await becomes(proposal, 'accepted');
  rig.deployment.log.push({
    body: proposal.body,
    signatures: last.signatures.map(({ credentialId, signature }) => ({ credentialId, signature })),
  });
}

async function all(): Promise<string[]> {
  const ids: string[] = [];
  for (let query = '?which=all'; ; ) {
    const page = proposalPage.parse((await rig.client(rig.deployment.bob).get(`${PROPOSALS}${query}`)).body);
    ids.push(...page.items.map(({ proposalId }) => proposalId));
    if (page.nextBefore === null) return ids;
    query = `?which=all&before=${page.nextBefore}`;
  }
}

async function logOfSigner(): Promise<GovernanceEntry[]> {
  const { listen } = rig.deployment.config();
  const client = await SocketClient.connect(listen.kind === 'unix' ? listen.path : '');
  const log: GovernanceEntry[] = [];
  try {
    for (let isMore = true; isMore; ) {
      const answer = await client.ask({ verb: 'governance-read', fromSequence: log.length });
      if (answer.kind !== 'done') throw new Error(codeOf(answer));
      const { entries, sequence } = governanceResult.parse(answer.result);
      log.push(...entries);
      isMore = entries.length > 0 && log.length <= sequence;
    }
  } finally {
    client.close();
  }
  return log;
}

describe('a kill at every durable boundary of proposals', () => {
  it('leaves each of them there once, and in the log once when it had its quorum', async () => {
    let isOver = false;
    const rounds = (async () => {
      for (let round = 0; !isOver; round += 1) await oneRound(round);
    })();
    await part.killAtEach('orchestrator').finally(() => {
      isOver = true;
    });
    await rounds;
    expect((await all()).toSorted()).toEqual([...drafted].toSorted());
    const log = await logOfSigner();
    const accepted = log.map(({ body }) => entryHash(body)).filter((hash) => drafted.has(hash));
    expect(accepted).toEqual([...passed]);
    const newest = await rig.client(rig.deployment.bob).get(HEAD);
    expect(newest.body).toMatchObject({ newest: { signature: words.at(-1) } });
    await part.finish(part.workload());
  }, 300_000);
});
