// Who listens on the way to the signer, and speaks on it. In an honest world he sends again what he heard, whole or altered; in a
// rogue one he owns the orchestrator: he makes transactions of his own for requests and approvals that are real, and
// broadcasts what he gets.

import { type SigningOrder, signingOrder } from '../../src/core/authorization/signing-order.js';
import { entryHash } from '../../src/core/governance/entry.js';
import {
  BURIAL_TYPE,
  type BurialStatement,
  burialBytes,
  LEAST_CONFIRMATIONS,
} from '../../src/core/recovery/burial.js';
import { PROTOCOL_VERSION, reply, signResult } from '../../src/signer-protocol/messages.js';
import type { Crowd } from './crowd.js';
import { DEPLOYMENT_ID, ETHER, HOUR_MS, quorumOver } from './people.js';
import { Rogue } from './rogue.js';
import { settled } from './scheduler.js';
import type { World } from './world.js';

export class Thief {
  private sent = 0;
  private readonly rogue: Rogue;

  constructor(
    private readonly world: World,
    private readonly crowd: Crowd,
  ) {
    this.rogue = new Rogue(world, () => crowd.requests);
  }

  private get isRogue(): boolean {
    return this.world.settings.attack === 'rogue';
  }

  /** What was signed by a store that is lost, and is not in a block yet, as he heard it. */
  private get withheld(): readonly string[] {
    const { judge, ethereum, bitcoin } = this.world;
    const mined = new Set(
      bitcoin.chain.blocks.flatMap(({ transactions }) => transactions.map((one) => one.getId())),
    );
    return judge.ofLostStores
      .filter(({ id }) => !mined.has(id) && ethereum.chain.mined(id) === undefined)
      .map(({ hex }) => hex);
  }

  /**
   * Has officers sign a burial that leaves something spendable: they look at the one that lies in the chain alone. The signer
   * has to see by itself that another transaction could be mined beside it, or that one was left out.
   */
  async buryAlive(): Promise<void> {
    const { chance, judge, signer, trueMs } = this.world;
    const head = signer.log.at(-1);
    const { alive } = judge;
    const victims = alive.filter(({ transferIds }) => transferIds.length > 0);
    if (!head || victims.length === 0) return;
    const victim = chance.pick(victims);
    const others = alive.filter(({ transferIds }) => !shares(transferIds, victim.transferIds));
    const hasTwin = alive.some((one) => one !== victim && shares(one.transferIds, victim.transferIds));
    const unfit = others.filter(({ spends }) => shares(spends, victim.spends) === hasTwin);
    if (unfit.length === 0) return;
    const { transactionKey, transactionId } = chance.pick(unfit);
    const statement: BurialStatement = {
      type: BURIAL_TYPE,
      deploymentId: DEPLOYMENT_ID,
      governanceHead: entryHash(head.body),
      transferIds: [...victim.transferIds],
      dead: [victim.transactionKey],
      conflicting: {
        transactionKey,
        transactionId,
        blockHash: 'ab'.repeat(32),
        blockHeight: 9,
        confirmations: LEAST_CONFIRMATIONS.ethereum,
      },
      createdAtMs: trueMs,
      expiresAtMs: trueMs + HOUR_MS,
    };
    const burial = { statement, signatures: quorumOver(burialBytes(statement)) };
    await this.send('buries', this.messageOf({ verb: 'bury', burial }));
  }

  /** Sends to the chain what a lost store signed, some of it or all: what he held back for the day when it is forgotten. */
  broadcastWithheld(all = false): void {
    const { chance, trace } = this.world;
    const { withheld } = this;
    for (const hex of all || withheld.length === 0 ? withheld : [chance.pick(withheld)]) {
      trace.count('thief broadcasts what a lost store signed');
      this.broadcast(hex);
    }
  }

  /** Sends again every order that he has heard. */
  async replayAll(): Promise<void> {
    for (const message of this.world.link.heard) await this.send('replay', message);
  }

  get weight(): number {
    if (this.isRogue) return this.crowd.requests.length > 0 ? 12 : 0;
    return this.world.link.heard.length > 0 ? 0.8 : 0;
  }

  async strike(): Promise<void> {
    const { chance, link } = this.world;
    if (this.isRogue && (link.heard.length === 0 || chance.hit(850))) {
      const own = this.rogue.order();
      return own ? this.send('own', this.messageOf({ verb: 'sign', order: own })) : undefined;
    }
    const message = chance.pick(link.heard);
    const order = orderOf(message);
    if (!order || chance.hit(400)) return this.send('replay', message);
    return this.send('altered', this.messageOf({ verb: 'sign', order: this.altered(order) }));
  }

  private messageOf(asked: object): Uint8Array {
    this.sent += 1;
    const query = { version: PROTOCOL_VERSION, id: `thief-${this.sent}`, ...asked };
    return new TextEncoder().encode(JSON.stringify(query));
  }

  /** One thing about a real order is another. */
  private altered(order: SigningOrder): SigningOrder {
    const { chance } = this.world;
    const [first] = order.transfers;
    if (!first) return order;
    const rest = order.transfers.slice(1);
    const { request, statement, approvals } = first;
    const changes: (() => SigningOrder)[] = [
      () => ({
        ...order,
        transfers: [
          {
            ...first,
            request: { ...request, statement: { ...request.statement, amount: ETHER.toString() } },
          },
          ...rest,
        ],
      }),
      () => ({ ...order, transfers: [{ ...first, approvals: approvals.toReversed() }, ...rest] }),
      () => ({ ...order, transfers: [{ ...first, approvals: [...approvals, ...approvals] }, ...rest] }),
      () => ({ ...order, transfers: [{ ...first, approvals: approvals.slice(1) }, ...rest] }),
      () => ({ ...order, transfers: [{ ...first, statement: null, approvals: [] }, ...rest] }),
      () => ({ ...order, transfers: [first, ...order.transfers] }),
      () => ({ ...order, transfers: [] }),
      () => ({ ...order, wallet: order.wallet === 'hot-eth' ? 'hot-btc' : 'hot-eth' }),
      () => ({
        ...order,
        transfers: [{ ...first, request: chance.pick(this.crowd.requests), statement, approvals }, ...rest],
      }),
    ];
    return chance.pick(changes)();
  }

  /** Sends a message, and keeps what comes back. */
  private async send(how: string, message: Uint8Array): Promise<void> {
    const { link, trace } = this.world;
    trace.note('thief', how);
    void link.deliver(
      message,
      (bytes) => this.got(how, bytes),
      () => trace.note('thief-got', `${how} nothing`),
    );
    await settled();
  }

  private got(how: string, bytes: Uint8Array): void {
    const { trace } = this.world;
    const said = reply.parse(JSON.parse(new TextDecoder().decode(bytes)));
    const what = said.kind === 'done' ? (how === 'buries' ? 'a burial' : 'a signature') : said.code;
    trace.note('thief-got', `${how} ${what}`);
    trace.count(`thief ${how}: ${what}`);
    if (said.kind !== 'done' || how === 'buries') return;
    const { signedTransaction } = signResult.parse(said.result);
    // In an honest world the orchestrators' books would rightly not know of it.
    if (this.isRogue && this.world.chance.hit(600)) this.broadcast(signedTransaction);
  }

  private broadcast(hex: string): void {
    const { ethereum, bitcoin, trace } = this.world;
    const taken = hex.startsWith('02f') ? ethereum.chain.submit(`0x${hex}`) : bitcoin.chain.submit(hex);
    trace.note('thief-broadcasts', JSON.stringify(taken));
  }
}

function shares(one: readonly string[], other: readonly string[]): boolean {
  return one.some((item) => other.includes(item));
}

function orderOf(message: Uint8Array): SigningOrder | undefined {
  const parsed = signingOrder.safeParse(
    (JSON.parse(new TextDecoder().decode(message)) as { order?: unknown }).order,
  );
  return parsed.success ? parsed.data : undefined;
}
