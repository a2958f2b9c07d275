// The nodes of one chain together: which of them are asked, and when their answers are believed. One node that answers
// wrongly, late or not at all never stops the others: health is per node and per kind, it orders preference only, and
// when too few healthy nodes are left the paused ones are asked too.

import type { Clock } from '../../../core/clock.js';
import { Fault } from '../../../core/fault.js';
import { chainUnavailable, type EthereumFaultCode } from './ethereum.errors.js';
import { type Block, block, blockOrNone, smallQuantity } from './rpc-answers.js';
import {
  describeFailure,
  failed,
  type Post,
  type ProviderAnswer,
  type ProviderFailure,
  type Question,
  RpcEndpoint,
} from './rpc-endpoint.js';
import { type Illness, RpcHealth } from './rpc-health.js';
import { type EthereumSettings, providerUrl } from './settings.js';

export interface NodeHealth {
  readonly name: string;
  /** Height of the newest head that it gave; undefined before the first. */
  readonly height: number | undefined;
  readonly illnesses: readonly Illness[];
}

/** One node's answer, for questions whose answers are not compared. */
export interface NamedAnswer<T> {
  readonly name: string;
  readonly answer: ProviderAnswer<T>;
}

/** Its own clock may be off by so much before a block's time counts as from the future. */
const MAX_CLOCK_SKEW_S = 120;

class Node {
  readonly health: RpcHealth;
  height: number | undefined;
  private provenAtMs: number | undefined;
  private proving: Promise<ProviderFailure | undefined> | undefined;

  constructor(
    readonly endpoint: RpcEndpoint,
    private readonly chainId: number,
    private readonly settings: EthereumSettings,
    private readonly clock: Clock,
  ) {
    this.health = new RpcHealth(clock);
  }

  get name(): string {
    return this.endpoint.name;
  }

  async ask<T>(question: Question<T>): Promise<ProviderAnswer<T>> {
    const wrong = await this.provenChain();
    if (wrong) return failed(wrong);
    const answer = await this.endpoint.ask(question);
    if (answer.kind === 'answered') this.health.answered(question.method);
    else {
      this.health.failed(question.method, answer.failure);
      // Behind the same URL there may be another node when it is back.
      if (answer.failure.kind === 'unreachable') this.provenAtMs = undefined;
    }
    return answer;
  }

  /** Asks for the chain id at first use, again from time to time, and after the node was away. */
  private provenChain(): Promise<ProviderFailure | undefined> {
    const nowMs = this.clock.nowMs();
    if (this.provenAtMs !== undefined && Math.abs(nowMs - this.provenAtMs) < this.settings.chainIdRecheckMs) {
      return Promise.resolve(undefined);
    }
    this.proving ??= this.proveChain().finally(() => {
      this.proving = undefined;
    });
    return this.proving;
  }

  private async proveChain(): Promise<ProviderFailure | undefined> {
    const question = { method: 'eth_chainId', params: [], schema: smallQuantity };
    const answer = await this.endpoint.ask(question);
    if (answer.kind === 'failed') {
      this.health.failed(question.method, answer.failure);
      return answer.failure;
    }
    if (answer.value !== this.chainId) {
      const failure = { kind: 'wrong-chain', detail: `chain id ${answer.value}` } as const;
      this.health.failed(question.method, failure);
      return failure;
    }
    this.health.answered(question.method);
    this.health.chainProven();
    this.provenAtMs = this.clock.nowMs();
    return undefined;
  }
}

export class EthereumRpc {
  private readonly nodes: readonly Node[];
  private readonly stop = new AbortController();
  /** How many equal answers are believed. */
  private readonly needed: number;

  constructor(
    /** EIP-155; a node that says another is never believed. */
    chainId: number,
    private readonly settings: EthereumSettings,
    private readonly clock: Clock,
    post?: Post,
  ) {
    this.needed = settings.reading.mode === 'quorum' ? settings.reading.agreeing : 1;
    this.nodes = settings.providers.map(
      (provider) =>
        new Node(
          new RpcEndpoint(provider.name, providerUrl(provider), settings.timeoutMs, this.stop.signal, post),
          chainId,
          settings,
          clock,
        ),
    );
  }

  /** Ends what is under way. */
  close(): void {
    this.stop.abort();
  }

  report(): readonly NodeHealth[] {
    return this.nodes.map((node) => ({
      name: node.name,
      height: node.height,
      illnesses: node.health.report(),
    }));
  }

  /**
   * State that decides. With a quorum: the answer that enough nodes give alike, compared field by field of its schema.
   * With fail-over: the first answer. Throws `chain-unavailable`.
   */
  async agreed<T>(question: Question<T>): Promise<T> {
    if (this.settings.reading.mode === 'fail-over') {
      const first = await this.first(question, 'state');
      if (first.kind === 'answered') return first.value;
      throw chainUnavailable(question.method, first.failures.map(describe));
    }
    return this.quorum(question);
  }

  /**
   * The first answer, node after node; for what is bounded by settings anyway (fees, gas). Otherwise what each node
   * failed with.
   */
  async first<T>(
    question: Question<T>,
    use: 'state' | 'any' = 'any',
  ): Promise<
    | { readonly kind: 'answered'; readonly value: T }
    | { readonly kind: 'none'; readonly failures: readonly NamedFailure[] }
  > {
    const failures: NamedFailure[] = [];
    for (const node of this.inOrder(question.method, use)) {
      const answer = await node.ask(question);
      if (answer.kind === 'answered') return answer;
      failures.push({ name: node.name, failure: answer.failure });
    }
    return { kind: 'none', failures };
  }

  /** Asks every node that is not paused (all, when all are), and waits for each. */
  async everyone<T>(question: Question<T>, use: 'state' | 'any' = 'any'): Promise<readonly NamedAnswer<T>[]> {
    const healthy = this.nodes.filter((node) => !node.health.paused(question.method, use));
    const asked = healthy.length >= this.needed ? healthy : this.nodes;
    return Promise.all(asked.map(async (node) => ({ name: node.name, answer: await node.ask(question) })));
  }

  /** How many nodes must say no before it counts as the chain's no. */
  get believed(): number {
    return this.needed;
  }

  /**
   * The newest block that can be relied on: with a quorum, the highest that so many nodes have reached and agree on.
   * Nodes that are far behind are marked stale. Throws `chain-unavailable`.
   */
  async head(): Promise<Block> {
    const question: Question<Block> = {
      method: 'eth_getBlockByNumber',
      params: ['latest', false],
      schema: block,
    };
    const failures: NamedFailure[] = [];
    const heads: { node: Node; head: Block }[] = [];
    // Stale nodes too: only a new head shows that they have caught up.
    for (const { name, answer } of await this.everyone(question)) {
      const node = this.nodes.find((one) => one.name === name);
      if (answer.kind === 'answered' && node) heads.push({ node, head: answer.value });
      else if (answer.kind === 'failed') failures.push({ name, failure: answer.failure });
    }
    const timely = heads.filter(({ node, head }) => {
      node.height = head.number;
      return this.timely(node, head);
    });
    const byHeight = timely.toSorted((a, b) => b.head.number - a.head.number);
    const reference = byHeight[this.referenceIndex(byHeight.length)];
    if (!reference) throw chainUnavailable('head', failures.map(describe));
    const height = reference.head.number;
    for (const { node, head } of timely) {
      const lag = height - head.number;
      if (lag > this.settings.maxHeadLagBlocks) node.health.stale(`${lag} blocks behind`);
      else node.health.fresh();
    }
    if (this.needed === 1) return reference.head;
    const agreedBlock = await this.blockAt(height);
    if (!agreedBlock) throw chainUnavailable('head', [`no block at height ${height}`]);
    return agreedBlock;
  }

  /** The canonical block at a height, or null above the head. Throws `chain-unavailable`. */
  blockAt(height: number): Promise<Block | null> {
    return this.agreed({
      method: 'eth_getBlockByNumber',
      params: [hexQuantity(height), false],
      schema: blockOrNone,
    });
  }

  /**
   * Height of the `safe` or `finalized` block: the highest that enough nodes have come to. Throws `chain-unavailable`.
   */
  async taggedHeight(tag: 'safe' | 'finalized'): Promise<number> {
    const answers = await this.everyone(
      { method: 'eth_getBlockByNumber', params: [tag, false], schema: block },
      'state',
    );
    const heights = answers
      .flatMap(({ answer }) => (answer.kind === 'answered' ? [answer.value.number] : []))
      .toSorted((a, b) => b - a);
    // With fail-over the lowest: a node that is ahead of the truth must not make a transaction final too early.
    const height = heights[this.needed === 1 ? heights.length - 1 : this.needed - 1];
    if (height === undefined) throw chainUnavailable(`${tag} block`, answers.flatMap(describeAnswer));
    return height;
  }

  /** Which of the heads, highest first, tells where the chain is. */
  private referenceIndex(count: number): number {
    if (this.needed > 1) return this.needed - 1;
    // The upper median: of three or more nodes, one that claims a height far ahead makes none of the others stale.
    return count === 0 ? 0 : Math.floor((count - 1) / 2);
  }

  private timely(node: Node, head: Block): boolean {
    const { maxHeadAgeMs } = this.settings;
    if (maxHeadAgeMs === null) return true;
    const ageMs = this.clock.nowMs() - head.timestamp * 1_000;
    if (ageMs > maxHeadAgeMs) {
      node.health.stale('its head is old');
      return false;
    }
    if (ageMs < -MAX_CLOCK_SKEW_S * 1_000) {
      node.health.stale('its head is from the future');
      return false;
    }
    return true;
  }

  private async quorum<T>(question: Question<T>): Promise<T> {
    const healthy = this.inOrder(question.method, 'state');
    const votes = new Map<string, { value: T; names: string[] }>();
    const failures: string[] = [];
    return new Promise<T>((resolve, reject) => {
      let open = healthy.length;
      const settle = () => {
        open -= 1;
        if (open > 0) return;
        const split = [...votes.values()].map(({ names }) => `alike: ${names.join(', ')}`);
        reject(chainUnavailable(question.method, [...split, ...failures]));
      };
      for (const node of healthy) {
        node.ask(question).then((answer) => {
          if (answer.kind === 'failed') failures.push(describe({ name: node.name, failure: answer.failure }));
          else {
            const key = comparable(answer.value);
            const vote = votes.get(key) ?? { value: answer.value, names: [] };
            vote.names.push(node.name);
            votes.set(key, vote);
            // The others' answers still count for their health when they come.
            if (vote.names.length === this.needed) resolve(vote.value);
          }
          settle();
        }, reject);
      }
    });
  }

  /** Healthy nodes in their configured order, then, when they are fewer than needed or may all fail, the paused ones. */
  private inOrder(method: string, use: 'state' | 'any'): readonly Node[] {
    const healthy = this.nodes.filter((node) => !node.health.paused(method, use));
    if (this.settings.reading.mode === 'quorum' && healthy.length >= this.needed) return healthy;
    return [...healthy, ...this.nodes.filter((node) => !healthy.includes(node))];
  }
}

export interface NamedFailure {
  readonly name: string;
  readonly failure: ProviderFailure;
}

/** What the nodes failed with, for facts and logs. */
export function describe({ name, failure }: NamedFailure): string {
  return `${name}: ${describeFailure(failure)}`;
}

function describeAnswer<T>({ name, answer }: NamedAnswer<T>): readonly string[] {
  return answer.kind === 'failed' ? [describe({ name, failure: answer.failure })] : [];
}

/** Equal text for equal answers: a parsed answer has its fields in its schema's order. */
function comparable(value: unknown): string {
  return JSON.stringify(value, (_key, inner: unknown) =>
    typeof inner === 'bigint' ? `${inner.toString()}n` : inner,
  );
}

/** QUANTITY of a height or another small whole number. */
export function hexQuantity(value: number | bigint): string {
  return `0x${value.toString(16)}`;
}

export function isChainUnavailable(error: unknown): error is Fault<EthereumFaultCode> {
  return error instanceof Fault && error.code === 'chain-unavailable';
}
