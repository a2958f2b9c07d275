// Customers, officers, governors, chains and nodes that go on with their business while programs die under them. Each loop
// does its part again and again until it is told to stop, and takes no answer for an answer only while programs are down.

import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Backend, BITCOIN, type Officer, officersSign } from '../../devnet/deployment.js';
import { SocketClient } from '../../devnet/socket-client.js';
import type { Change, GovernanceEntry, PolicyDocument } from '../../src/core/governance/entry.js';
import { type Burial, burialBytes, LEAST_CONFIRMATIONS } from '../../src/core/recovery/burial.js';
import { requestDigest, type SignedRequest, transferIdOf } from '../../src/core/statements/request.js';
import { type Resolution, transferPage } from '../../src/orchestrator/transfers/transfer.dto.js';
import { isFinished, type TransferState } from '../../src/orchestrator/transfers/transfer-states.js';
import { waysOutView } from '../../src/orchestrator/ways-out/ways-out.dto.js';
import { withChange } from '../e2e/policies.js';
import { ETHER, type Rig, type Wish } from '../e2e/rig.js';
import type { Asked } from './audit.js';
import type { FaultyNode, Trouble } from './faulty-node.js';

const GWEI = 10n ** 9n;
const TAKEN_WITHIN_MS = 120_000;
const LOOK_MS = 80;
const DRAIN_MS = 300_000;
const MOST_TRIES = 100;

export interface Nodes {
  readonly bitcoin: FaultyNode;
  readonly ethereum: FaultyNode;
}

/** What does not go on all the time where somebody says what is wanted. */
export type Rarity =
  | 'voids'
  | 'cancels on the chain'
  | 'a hesitant signer'
  | 'dear times'
  | 'reorganisations'
  | 'faulty nodes'
  | 'swallowing nodes'
  | 'forgetful nodes'
  | 'long chains'
  | 'governors'
  | 'new wallets';

export class Workload {
  /** Everything that was taken. */
  readonly asked: Asked[] = [];
  /** What went wrong for people meanwhile, by its beginning: how often. */
  readonly setbacks = new Map<string, number>();
  private readonly stopping = new AbortController();
  private readonly loops: Promise<void>[] = [];
  /** Transfers that officers leave alone. */
  private readonly left = new Set<string>();
  private readonly requests = new Map<string, SignedRequest>();
  private readonly attempts: { readonly wish: Wish; readonly request: SignedRequest }[] = [];
  /** Every transfer of which it was seen that nobody knows whether it was signed. */
  readonly unknown = new Set<string>();
  private isResolving = false;
  private governing: Promise<unknown> = Promise.resolve();
  private strict = false;

  constructor(
    private readonly rig: Rig,
    private readonly nodes?: Nodes,
    private readonly wanted: (rarity: Rarity) => boolean = () => true,
  ) {}

  /** As `every`, in the turns in which it is wanted. */
  private whenWanted(rarity: Rarity, pauseMs: number, turn: (count: number) => Promise<void>): void {
    let turns = 0;
    this.every(pauseMs, async () => {
      if (!this.wanted(rarity)) return;
      turns += 1;
      await turn(turns - 1);
    });
  }

  /** Runs `turn` again and again, its failures counted: a program that was killed cannot answer. */
  every(pauseMs: number, turn: (count: number) => Promise<void>): void {
    const { signal } = this.stopping;
    const loop = async () => {
      for (let count = 0; !signal.aborted; count += 1) {
        await turn(count).catch((error: unknown) => this.setback(error));
        await sleep(pauseMs, undefined, { signal }).catch(() => undefined);
      }
    };
    this.loops.push(loop());
  }

  private setback(error: unknown): void {
    const words = String(error).slice(0, 60);
    this.setbacks.set(words, (this.setbacks.get(words) ?? 0) + 1);
  }

  /** For the message of a test that fails: how all that was taken stands, and what went wrong for people. */
  async standing(): Promise<Readonly<Record<string, number>>> {
    const counts: Record<string, number> = Object.fromEntries(this.setbacks);
    for (const { id, asset } of this.asked) {
      const words = await this.rig.transfer(id).then(
        ({ state, reason, waitingFor }) => `${asset} ${state} ${reason.code} ${waitingFor ?? ''}`,
        (error: unknown) => String(error).slice(0, 60),
      );
      counts[words] = (counts[words] ?? 0) + 1;
    }
    return counts;
  }

  /** Stops all loops, sees what was begun to its end, with everything up again. */
  async finish(): Promise<void> {
    this.stopping.abort();
    await Promise.all(this.loops);
    await this.calm();
    for (const { wish, request } of this.attempts) await this.taken(wish, request);
    const deadline = performance.now() + DRAIN_MS;
    const open = new Set(this.asked.map(({ id }) => id));
    while (open.size > 0) {
      await this.approveAll();
      if (this.isResolving) await this.voidUnknown();
      for (const id of open) {
        const { state } = await this.rig.transfer(id);
        if (isFinished(state) && !(this.isResolving && state === 'indeterminate')) open.delete(id);
        else if (this.left.has(id)) await this.cancel(id);
      }
      if (performance.now() > deadline) {
        const stuck = await Promise.all([...open].slice(0, 5).map((id) => this.rig.transfer(id)));
        throw new Error(`${open.size} transfers came to no end: ${JSON.stringify(stuck, null, 1)}`);
      }
      await sleep(LOOK_MS);
    }
    // What a reorganisation has undone in the last moment is settled again soon.
    await this.settle();
  }

  private async settle(): Promise<void> {
    await sleep(1_500);
    const deadline = performance.now() + DRAIN_MS;
    for (const { id } of this.asked) {
      while (!isFinished((await this.rig.transfer(id)).state)) {
        if (performance.now() > deadline) throw new Error(`${id} did not settle again`);
        await sleep(LOOK_MS);
      }
    }
  }

  private async calm(): Promise<void> {
    await this.nodes?.bitcoin.become('none');
    await this.nodes?.ethereum.become('none');
    await this.rig.chains.ethereum.call('anvil_setNextBlockBaseFeePerGas', [`0x${GWEI.toString(16)}`]);
  }

  /** Submits it until it is taken, whatever happens to the program meanwhile. */
  async take(wish: Wish): Promise<string> {
    return this.taken(wish, this.rig.request(wish));
  }

  private async taken(wish: Wish, request: SignedRequest): Promise<string> {
    const id = await this.rig.insist(request, TAKEN_WITHIN_MS);
    this.requests.set(id, request);
    const { amount, destination } = request.statement;
    this.asked.push({ id, asset: wish.asset, amount: BigInt(amount), destination });
    return id;
  }

  /** A request that somebody tried once, whatever they heard. It is submitted until it is taken before all is over. */
  tried(wish: Wish): SignedRequest {
    const request = this.rig.request(wish);
    this.attempts.push({ wish, request });
    return request;
  }

  /** Waits for one of these states, or for an end, or for the workload's; the state that it is in then. */
  async state(
    id: string,
    wanted: readonly TransferState[],
    withinMs = 20_000,
  ): Promise<TransferState | undefined> {
    const deadline = performance.now() + withinMs;
    while (performance.now() < deadline && !this.stopping.signal.aborted) {
      const state = await this.rig.transfer(id).then(
        (transfer) => transfer.state,
        () => undefined,
      );
      if (state && (wanted.includes(state) || isFinished(state))) return state;
      await sleep(LOOK_MS);
    }
    return undefined;
  }

  /** Small payments one after the other, each followed to its end. */
  pays(wishes: readonly Wish[], pauseMs = 50): void {
    this.every(pauseMs, async (count) => {
      const wish = wishes[count % wishes.length];
      if (wish) await this.state(await this.take(wish), ['settled']);
    });
  }

  /** Officers who approve whatever waits for them. */
  officers(pauseMs = 150): void {
    this.every(pauseMs, () => this.approveAll());
  }

  private async approveAll(): Promise<void> {
    const { alice, bob } = this.rig.deployment;
    const answer = await this.rig.client(alice).get('/v1/transfers?state=awaiting-approvals&limit=100');
    if (answer.status !== 200) throw new Error(`not listed: ${answer.status}`);
    for (const { transferId } of transferPage.parse(answer.body).items) {
      if (this.left.has(transferId)) continue;
      for (const officer of [alice, bob]) await this.rig.verdict(transferId, officer);
    }
  }

  /** Requests that come to an end otherwise: rejected, withdrawn, too late, too large, too small, or failed on the chain. */
  oddments(pauseMs = 300): void {
    const { rig } = this;
    const large = { asset: 'BTC', amount: 1_500_000n } as const;
    const kinds: readonly (() => Promise<unknown>)[] = [
      async () => {
        const id = await this.untouched(large);
        await this.state(id, ['awaiting-approvals']);
        await rig.verdict(id, rig.deployment.carol, 'reject');
      },
      async () => {
        const id = await this.untouched(large);
        await this.state(id, ['awaiting-approvals']);
        await this.cancel(id);
      },
      () => this.untouched({ ...large, expiresInMs: 2_500 }),
      () => this.take({ asset: 'BTC', amount: 200n }),
      () => this.take({ asset: 'BTC', amount: 150_000n, feeCeiling: 20n, expiresInMs: 2_500 }),
      () => this.take({ asset: 'BTC', amount: 900_000_000_000n }),
      () => this.take({ asset: 'LIES', amount: ETHER }),
    ];
    this.every(pauseMs, async (count) => {
      await kinds[count % kinds.length]?.();
    });
  }

  private async untouched(wish: Wish): Promise<string> {
    const request = this.rig.request(wish);
    this.left.add(transferIdOf(requestDigest(request.statement)));
    return this.taken(wish, request);
  }

  async cancel(id: string): Promise<void> {
    const idempotencyKey = `key-${randomBytes(8).toString('hex')}`;
    // Too late is an answer as well.
    await this.rig
      .client(this.rig.deployment.exchange)
      .post(`/v1/transfers/${id}/cancel`, { idempotencyKey });
  }

  /** Requests that came to nothing are voided, so that they can be made anew. */
  voids(pauseMs = 600): void {
    this.whenWanted('voids', pauseMs, async (count) => {
      const dead = ['cancelled', 'expired', 'refused'] as const;
      const { exchange } = this.rig.deployment;
      const state = dead[count % dead.length] ?? 'expired';
      const answer = await this.rig.client(exchange).get(`/v1/transfers?state=${state}&limit=5`);
      if (answer.status !== 200) throw new Error(`not listed: ${answer.status}`);
      for (const { transferId } of transferPage.parse(answer.body).items) {
        const body = this.requests.get(transferId);
        if (body) await this.post(`/v1/transfers/${transferId}/void`, body, exchange);
        await this.rig.client(this.rig.deployment.alice).get(`/v1/transfers/${transferId}/ways-out`);
      }
    });
  }

  /**
   * Payments that wait because fees have risen are cancelled on the chain; what was signed for them is buried by a quorum once the
   * cancel is deep, and they are paid by another nonce.
   */
  cancelsOnChain(pauseMs = 500): void {
    const { rig } = this;
    this.whenWanted('cancels on the chain', pauseMs, async () => {
      const id = await this.cancelledOnChain({ asset: 'ETH', amount: ETHER / 300n });
      if (id === undefined) return;
      for (let tries = 0; tries < MOST_TRIES && (await rig.transfer(id)).state === 'replaced'; tries += 1) {
        const burial = await this.burialOf(id);
        if (burial) await this.post('/v1/burials', burial, rig.deployment.alice);
        await sleep(LOOK_MS);
      }
    });
  }

  /** A payment that is outbid on the chain by a cancel, which lies deep then; undefined when the payment was mined. */
  async cancelledOnChain(wish: Wish): Promise<string | undefined> {
    const { rig } = this;
    // Without a block nothing is mined before it is cancelled; of the two the miner then takes what pays more.
    await rig.chains.stopMining();
    const id = await this.take(wish);
    try {
      if ((await this.state(id, ['broadcast', 'confirming'])) !== 'broadcast') return undefined;
      await this.post(`/v1/transfers/${id}/cancel-on-chain`, undefined, rig.deployment.alice);
      for (let tries = 0; tries < MOST_TRIES && !(await this.isOutbid(id)); tries += 1) await sleep(LOOK_MS);
    } finally {
      rig.chains.startMining();
    }
    if ((await this.state(id, ['replaced'])) !== 'replaced') return undefined;
    await rig.chains.ethereum.mine(LEAST_CONFIRMATIONS.ethereum);
    return id;
  }

  private async isOutbid(id: string): Promise<boolean> {
    const { status, body } = await this.rig
      .client(this.rig.deployment.alice)
      .get(`/v1/transfers/${id}/ways-out`);
    const transactions = status === 200 ? waysOutView.parse(body).transactions : [];
    return transactions.some(({ purpose, state }) => purpose === 'cancels' && state === 'broadcast');
  }

  /** What was signed for a transfer, as two officers say that it is dead; undefined while there is no ground for it. */
  async burialOf(id: string): Promise<Burial | undefined> {
    const { alice, bob } = this.rig.deployment;
    const shown = await this.rig.client(alice).get(`/v1/transfers/${id}/ways-out`);
    const draft = shown.status === 200 ? waysOutView.parse(shown.body).burial : null;
    return draft
      ? { statement: draft, signatures: officersSign(burialBytes(draft), [alice, bob]) }
      : undefined;
  }

  /** The signer's void of what was taken here. */
  async voided(id: string): Promise<void> {
    await this.post(`/v1/transfers/${id}/void`, this.requests.get(id), this.rig.deployment.exchange);
  }

  /**
   * A backend that voids what nobody knows about: coins, and on Ethereum all later nonces, wait for that. A kill in the middle of a
   * signature comes to it where policies change, or requests expire, before the signer is asked again.
   */
  resolvers(pauseMs = 700): void {
    this.isResolving = true;
    this.every(pauseMs, () => this.voidUnknown());
  }

  /** Transfers of which nobody knows at this moment whether they were signed. */
  async nowUnknown(): Promise<string[]> {
    const { exchange } = this.rig.deployment;
    const answer = await this.rig.client(exchange).get('/v1/transfers?state=indeterminate&limit=100');
    if (answer.status !== 200) throw new Error(`not listed: ${answer.status}`);
    return transferPage.parse(answer.body).items.map(({ transferId }) => transferId);
  }

  private async voidUnknown(): Promise<void> {
    for (const transferId of await this.nowUnknown()) {
      this.unknown.add(transferId);
      // One that was to be paid together with another one is planned anew once that is void.
      await this.voided(transferId).catch((error: unknown) => this.setback(error));
    }
  }

  /** An officer's word about a transfer of which nobody knows whether it was signed. */
  async resolve(id: string, resolution: Resolution): Promise<void> {
    await this.post(`/v1/transfers/${id}/resolve`, resolution, this.rig.deployment.alice);
  }

  async post(path: string, body: unknown, who: Officer | Backend): Promise<void> {
    const idempotencyKey = `key-${randomBytes(8).toString('hex')}`;
    const call = body === undefined ? { idempotencyKey } : { body, idempotencyKey };
    const { status, text } = await this.rig.client(who).post(path, call);
    if (status >= 400) throw new Error(`${path.split('/').at(-1)}: ${text.replace(/^.*"code":/, '')}`);
  }

  /** Holds the signer for a moment, and cancels what waits for it before it was asked. */
  hesitantSigner(pauseMs = 4_000): void {
    this.whenWanted('a hesitant signer', pauseMs, async () => {
      const signer = this.rig.signerProcess();
      signer.signal('SIGSTOP');
      try {
        const wish = { asset: 'ETH', amount: ETHER / 200n } as const;
        const taken = await Promise.all([1, 2, 3].map(() => this.take(wish)));
        await Promise.all(taken.map((id) => this.state(id, ['built'], 1_500)));
        for (const id of taken.toReversed()) await this.cancel(id);
        // Long enough for the orchestrator to have its time-out.
        await sleep(800);
      } finally {
        signer.signal('SIGCONT');
      }
    });
  }

  /** Bitcoin payments between two blocks, each with the change of the one before. */
  longChains(pauseMs = 1_000): void {
    this.whenWanted('long chains', pauseMs, async () => {
      await this.rig.chains.stopMining();
      try {
        for (let count = 0; count < 4; count += 1) {
          const id = await this.take({ asset: 'BTC', amount: 140_000n });
          await this.state(id, ['broadcast'], 5_000);
        }
      } finally {
        this.rig.chains.startMining();
      }
    });
  }

  /** Fees that rise for a while above what waiting transactions offer. */
  dearTimes(pauseMs = 2_500, lastsMs = 2_500): void {
    this.whenWanted('dear times', pauseMs, async () => {
      const { ethereum } = this.rig.chains;
      const until = performance.now() + lastsMs;
      while (performance.now() < until) {
        await ethereum.call('anvil_setNextBlockBaseFeePerGas', [`0x${(30n * GWEI).toString(16)}`]);
        await sleep(60);
      }
      await ethereum.call('anvil_setNextBlockBaseFeePerGas', [`0x${GWEI.toString(16)}`]);
    });
  }

  /** Blocks that are taken back, final ones too. */
  reorganisations(pauseMs = 3_000): void {
    this.whenWanted('reorganisations', pauseMs, async (count) => {
      const depth = 1 + (count % 4);
      await this.rig.chains.ethereum.reorg(depth);
      await this.rig.chains.bitcoin.reorg(depth);
    });
  }

  /** One of the nodes misbehaves for a while. */
  faultyNodes(troubles: readonly Trouble[], pauseMs = 1_500, lastsMs = 900): void {
    const { nodes } = this;
    if (!nodes) throw new RangeError('the nodes are asked directly');
    this.whenWanted('faulty nodes', pauseMs, async (count) => {
      const node = count % 2 === 0 ? nodes.bitcoin : nodes.ethereum;
      const trouble = troubles[Math.floor(count / 2) % troubles.length] ?? 'none';
      await node.become(trouble);
      await sleep(lastsMs);
      await node.become('none');
    });
  }

  /** Both nodes take transactions for a while, and deny it. */
  swallowingNodes(pauseMs = 300, lastsMs = 900): void {
    const { nodes } = this;
    if (!nodes) throw new RangeError('the nodes are asked directly');
    this.whenWanted('swallowing nodes', pauseMs, async () => {
      const both = [nodes.bitcoin, nodes.ethereum];
      for (const node of both) await node.become('swallowed');
      await sleep(lastsMs);
      for (const node of both) await node.become('none');
    });
  }

  /** Waiting transactions that nodes forget. */
  forgetfulNodes(pauseMs = 700): void {
    this.whenWanted('forgetful nodes', pauseMs, async () => {
      const { ethereum } = this.rig.chains;
      const content = await ethereum.call('txpool_content', []);
      const hash = /"hash":"(0x[0-9a-f]{64})"/.exec(JSON.stringify(content))?.[1];
      if (hash !== undefined) await ethereum.dropTransaction(hash);
    });
  }

  /** Policies that grow stricter and milder again, told to the orchestrator, or to the signer behind its back. */
  governors(policies: readonly PolicyDocument[], pauseMs = 2_000): void {
    const stricter = withChange(
      withChange(policies, 'hot-bitcoin', '"0.01 BTC"', '"0.0001 BTC"'),
      'hot-ethereum',
      '"0.1 ETH"',
      '"0.0001 ETH"',
    );
    this.whenWanted('governors', pauseMs, async (count) => {
      this.strict = !this.strict;
      const change = { kind: 'policies-set', policies: this.strict ? stricter : [...policies] } as const;
      await this.govern(change, count % 3 === 2 ? 'orchestrator' : 'signer');
    });
  }

  /** Bitcoin wallets that are registered late, with keys that are in the token already. */
  newWallets(publicKeys: readonly string[], pauseMs = 4_000): void {
    this.whenWanted('new wallets', pauseMs, async (count) => {
      const publicKey = publicKeys[count];
      if (publicKey === undefined) return;
      const keys = [{ label: `late-${count}`, publicKey }];
      const wallet = {
        walletId: `late-${count}`,
        chain: BITCOIN,
        tier: 'hot',
        token: 'treasury',
        keys,
      } as const;
      await this.govern({ kind: 'wallet-added', wallet: { ...wallet, keys } });
    });
  }

  /** Appends an entry, insisting until it is in the log; one at a time. */
  govern(change: Change, by: 'orchestrator' | 'signer' = 'orchestrator'): Promise<void> {
    const done = this.governing.then(async () => {
      const { deployment } = this.rig;
      const { alice, bob } = deployment;
      const entry = deployment.entry(change, [alice, bob]);
      const deadline = performance.now() + TAKEN_WITHIN_MS;
      while (!(await this.appended(entry, alice, by))) {
        if (performance.now() > deadline) throw new Error(`never appended: ${change.kind}`);
        await sleep(LOOK_MS);
      }
      deployment.log.push(entry);
    });
    this.governing = done.catch(() => undefined);
    return done;
  }

  private async appended(
    entry: GovernanceEntry,
    alice: Officer,
    by: 'orchestrator' | 'signer',
  ): Promise<boolean> {
    try {
      if (by === 'orchestrator') {
        const answer = await this.rig.client(alice).post('/v1/governance/entries', { body: entry });
        return answer.status === 201;
      }
      const { listen } = this.rig.deployment.config();
      const client = await SocketClient.connect(listen.kind === 'unix' ? listen.path : '');
      // Whoever is killed answers nothing, and closes the connection.
      const answer = await Promise.race([client.ask({ verb: 'governance-append', entry }), client.ended]);
      client.close();
      return answer?.kind === 'done';
    } catch (error) {
      this.setback(error);
      return false;
    }
  }
}
