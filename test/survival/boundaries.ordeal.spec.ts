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
import { AFTER, AT_THE_STOP, CEREMONY, RESTORE } from './division.js';
import { FaultyNode, TROUBLES } from './faulty-node.js';
import { type Killable, Killer } from './killer.js';
import { type Nodes, type Rarity, Workload } from './workload.js';

const REACHED_WITHIN_MS = 120_000;
const LATE_WALLETS = 12;
/** For trying some again: an environment variable with a regular expression. All unless given. */
const ONLY = new RegExp(process.env.KILL_AT ?? '');

/** Nothing comes to these here, and why. */
const ELSEWHERE: readonly { readonly boundary: RegExp; readonly why: string }[] = [
  {
    boundary: /token-records\.ts:writeRecord:api\.C_DestroyObject:/,
    why: 'the signer reads the record before it writes one, and reading clears what was left over',
  },
  {
    boundary: /Workers\.step:/,
    why: 'a worker has claimed what another gave up in the same moment; it writes that nothing is due. waiting.spec',
  },
  {
    boundary: /SigningSteps\.surprise|TransferService\.(?:resolve|askAgain)|noteBurial/,
    why: 'indeterminate transfers, and what people record of them: resolving.spec and ways-out tests, on a signer that is scripted',
  },
  {
    boundary: /Restores\.refresh|restoreFacts/,
    why: 'after a restore of the signer alone: its own tests',
  },
  {
    boundary: /EthereumDriver\.stop|Scanner\.scan:/,
    why: "stops a wallet or a chain for good, until a person has looked: the drivers' integration tests",
  },
];

/** What has to happen for which boundaries; it happens while one of them is waited for. */
const LEADS_TO: Readonly<Record<Rarity, readonly RegExp[]>> = {
  voids: [/voidRequest|Voids|attest|ways-out\.service/],
  'cancels on the chain': [/ways-out\/(?:cancels|burials)|:bury:|conflicted:moveTransfer/],
  'a hesitant signer': [
    /releaseOne|recordSilence|Workers\.failed|noteWaiting|TransferService\.(?:cancel|end)/,
  ],
  'dear times': [/bumpIfStuck|apply:|conflicted:|following\.steps\.ts:FollowingSteps\.note/],
  reorganisations: [/reorganised|recordWatched|confirmed:|Scanner\.remove|apply:/],
  'faulty nodes': [/outlook|FollowingSteps\.note|sighted|Workers\.failed|chains\//],
  'forgetful nodes': [/apply:|sighted/],
  governors: [/overnance|decideAgain|recordRefused|releaseOne/],
  'new wallets': [/Scanner\.(?:watch|searchEarlier)|checkWallet/],
};

/** Many steps lead there, each by both programs: when the orchestrator is left alone. */
const LONG_WAY = /:bury:/;

interface Kill {
  readonly boundary: string;
  /** From the moment that the program was told to start until it died. */
  readonly afterMs: number;
}

const killer = new Killer();
/** The boundary that each program is on its way to. */
const aimedAt = new Map<Killable, string>();
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
  const work = new Workload(rig, nodes, (rarity) => {
    const aims = [...aimedAt.values()];
    return LEADS_TO[rarity].some((lead) => aims.some((aim) => lead.test(aim)));
  });
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
    { asset: 'USDX', amount: ETHER },
    { asset: 'ETH', amount: ETHER / 100n },
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
  work.voids();
  work.cancelsOnChain();
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
  aimedAt.set(program, boundary);
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
      return { boundary, afterMs };
    }
    await sleep(20);
  }
  return undefined;
}

/** At each of them, one after the other; those that were never come to. */
async function killAtEach(
  program: Killable,
  report: Kill[],
  which: (boundary: string) => boolean = () => true,
): Promise<string[]> {
  const never: string[] = [];
  for (const boundary of [...killer.boundaries[program]].filter(which).filter((one) => ONLY.test(one))) {
    if (
      CEREMONY.test(boundary) ||
      RESTORE.test(boundary) ||
      ELSEWHERE.some((one) => one.boundary.test(boundary))
    )
      continue;
    const kill = await killAt(program, boundary);
    if (kill) report.push(kill);
    else never.push(boundary);
    process.stdout.write(
      `${kill ? `killed after ${Math.round(kill.afterMs)} ms` : 'NEVER REACHED'}: ${boundary}\n`,
    );
  }
  killer.arm(program, []);
  if (program === 'token') await processOf(program).stop();
  if (!processOf(program).running) await start(program);
  return never;
}

describe('a kill at every durable boundary', () => {
  it('leaves each withdrawal in the chain once or not at all, as the books say, and none stuck', async () => {
    const begun = performance.now();
    const work = await begin();
    const kills: Kill[] = [];
    const long = (boundary: string) => LONG_WAY.test(boundary);
    const [signer, orchestrator] = await Promise.all([
      killAtEach('signer', kills, (boundary) => !long(boundary)).then(async (never) => [
        ...never,
        ...(await killAtEach('token', kills)),
      ]),
      killAtEach('orchestrator', kills),
    ]);
    const late = await killAtEach('signer', kills, long);
    await work.finish();
    const audit = await expectAllInOrder(rig, work.asked);
    const elsewhere = ELSEWHERE.map(({ boundary, why }) => `${boundary.source}: ${why}`).join('\n  ');
    process.stdout.write(
      `boundaries: ${killer.boundaries.signer.size + killer.boundaries.token.size + killer.boundaries.orchestrator.size}, killed at ${kills.length}, ${work.asked.length} withdrawals ${JSON.stringify(audit.byState)}, indeterminate ${audit.indeterminate.length}, ${Math.round((performance.now() - begun) / 1_000)} s\nnot here:\n  ${elsewhere}\n`,
    );
    expect([...signer, ...orchestrator, ...late]).toEqual([]);
    expect(audit.indeterminate).toEqual([]);
  }, 1_500_000);
});
