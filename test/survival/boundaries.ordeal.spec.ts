// One kill at every durable boundary of the real programs, while withdrawals of all kinds are under way on both chains, nodes
// misbehave, blocks are taken back, and policies change. Whatever dies where: in the end each withdrawal is in the chain
// once or not at all, as the books say, and nothing is stuck.
//
// The list of boundaries is made from the source (boundaries.ts). One that nothing comes to fails the test.

import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Fault } from '../../src/core/fault.js';
import { policiesWithOddTokens } from '../e2e/policies.js';
import { ETHER, Rig } from '../e2e/rig.js';
import { expectAllInOrder } from './audit.js';
import { FaultyNode, TROUBLES } from './faulty-node.js';
import { type Killable, Killer } from './killer.js';
import { type Nodes, Workload } from './workload.js';

const REACHED_WITHIN_MS = 60_000;
const LATE_WALLETS = 12;

/** Come to only where a program is told to stop. */
const AT_THE_STOP = /opened\.beat#2|shutDown/;
/** Come to after a process died between two others. */
const AFTER: readonly { readonly boundary: RegExp; readonly kill: string }[] = [
  {
    boundary: /token-records\.ts:readRecord:api\.C_DestroyObject/,
    kill: 'hardware/pkcs11/token-records.ts:writeRecord:api.C_CreateObject:after',
  },
];
/** Another test of this file comes to these: at a ceremony. */
const CEREMONY = /initialise|SignerStore\.create|makeSeal/;
/** Nothing comes to these here, and why. */
const ELSEWHERE: readonly { readonly boundary: RegExp; readonly why: string }[] = [
  {
    boundary: /token-records\.ts:writeRecord:api\.C_DestroyObject:/,
    why: 'the signer reads the record before it writes one, and reading clears what was left over',
  },
];

interface Kill {
  readonly boundary: string;
  readonly afterMs: number;
  readonly upAgainMs: number;
}

const killer = new Killer();
let rig: Rig;
let nodes: Nodes;

beforeAll(async () => {
  rig = await Rig.start({
    programs: true,
    making: killer,
    // So few that payments hang on each other before they are in a block.
    coins: 2n,
    settings: {
      signerTimeoutMs: 1_000,
      workers: { bumpAfterMs: { bitcoin: 3_600_000, ethereum: 1_000 } },
    },
    settingsFor: async (chains) => {
      nodes ??= {
        bitcoin: await FaultyNode.before(chains.bitcoin.rpcUrl),
        ethereum: await FaultyNode.before(chains.ethereum.rpcUrl),
      };
      return {
        bitcoin: { nodes: [{ url: nodes.bitcoin.url }], timeoutMs: 500 },
        ethereum: { providers: [{ name: 'faulty', url: nodes.ethereum.url }], timeoutMs: 500, reorgDepth: 6 },
      };
    },
  });
  rig.chains.startMining();
}, 60_000);

afterAll(async () => {
  await rig?.stop();
  await nodes?.bitcoin.stop();
  await nodes?.ethereum.stop();
  killer.remove();
});

async function begin(): Promise<Workload> {
  const token = rig.deployment.spawnTreasury();
  const late: string[] = [];
  for (let count = 0; count < LATE_WALLETS; count += 1) {
    const { publicKey } = await token.generateKey(`late-${count}`, 'secp256k1');
    late.push(`${Number.parseInt(publicKey.slice(-2), 16) % 2 ? '03' : '02'}${publicKey.slice(2, 66)}`);
  }
  await token.close();
  const work = new Workload(rig, nodes);
  work.pays([{ asset: 'BTC', amount: 200_000n }]);
  work.pays([{ asset: 'BTC', amount: 150_000n }]);
  work.pays([
    { asset: 'BTC', amount: 160_000n },
    { asset: 'BTC', amount: 1_100_000n },
  ]);
  work.pays([
    { asset: 'ETH', amount: ETHER / 100n },
    { asset: 'ETH', amount: ETHER / 9n },
  ]);
  work.pays([
    { asset: 'ETH', amount: ETHER / 100n },
    { asset: 'USDX', amount: ETHER },
  ]);
  work.officers();
  work.oddments();
  work.hesitantSigner();
  work.dearTimes();
  work.reorganisations();
  work.faultyNodes(TROUBLES);
  work.forgetfulNodes();
  work.governors(await policiesWithOddTokens());
  work.newWallets(late);
  return work;
}

/** Starts the program; false when it died before it was ready, as some boundaries have it. */
async function start(program: Killable): Promise<boolean> {
  const started = program === 'orchestrator' ? rig.program(0).start() : rig.startSigner();
  return started.then(
    () => true,
    (error: unknown) => {
      if (error instanceof Fault && error.code === 'program-ended-early') return false;
      throw error;
    },
  );
}

function processOf(program: Killable) {
  return program === 'orchestrator' ? rig.program(0).process() : rig.signerProcess();
}

/** Has the program, or its token's process, die at a boundary, and starts it again as often as that takes. */
async function killAt(program: Killable, boundary: string): Promise<Kill | undefined> {
  const before = AFTER.filter((one) => one.boundary.test(boundary)).map(({ kill }) => kill);
  killer.arm(program, [...before, boundary]);
  await processOf(program).stop();
  const begun = performance.now();
  const deadline = begun + REACHED_WITHIN_MS;
  while (performance.now() < deadline) {
    const running = processOf(program);
    if (!running.running) await start(program);
    if (AT_THE_STOP.test(boundary) && processOf(program).running) await processOf(program).stop();
    if (killer.killedAt(program, boundary)) {
      const afterMs = performance.now() - begun;
      killer.arm(program, []);
      return { boundary, afterMs, upAgainMs: 0 };
    }
    await sleep(20);
  }
  return undefined;
}

/** At each of them, one after the other; those that were never come to. */
async function killAtEach(program: Killable, report: Kill[]): Promise<string[]> {
  const never: string[] = [];
  for (const boundary of killer.boundaries[program]) {
    if (CEREMONY.test(boundary) || ELSEWHERE.some((one) => one.boundary.test(boundary))) continue;
    const kill = await killAt(program, boundary);
    if (kill) report.push(kill);
    else never.push(boundary);
    console.log(boundary, kill?.afterMs);
  }
  killer.arm(program, []);
  if (program === 'token') await processOf(program).stop();
  if (!processOf(program).running) await start(program);
  return never;
}

describe('a kill at every durable boundary', () => {
  it('leaves each withdrawal in the chain once or not at all, as the books say, and none stuck', async () => {
    const work = await begin();
    const kills: Kill[] = [];
    const [signer, orchestrator] = await Promise.all([
      killAtEach('signer', kills).then(async (never) => [...never, ...(await killAtEach('token', kills))]),
      killAtEach('orchestrator', kills),
    ]);
    await work.finish();
    const audit = await expectAllInOrder(rig, work.asked);
    console.log(audit.byState, [...work.setbacks]);
    expect([...signer, ...orchestrator]).toEqual([]);
    expect(audit.indeterminate).toEqual([]);
  }, 1_500_000);
});
