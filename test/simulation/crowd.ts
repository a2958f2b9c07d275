// The people around the programs: a backend that asks, officers who approve, reject and look at what is unclear, governors who
// change the policies. They are patient and forgetful: they ask again when no answer comes, and say some things twice.

import { burialBytes, LEAST_CONFIRMATIONS } from '../../src/core/recovery/burial.js';
import type { SignedRequest } from '../../src/core/statements/request.js';
import type { OrchestratorHost } from './orchestrator-host.js';
import {
  BITCOIN,
  BTC,
  COIN,
  destinationOf,
  ETH,
  ETHER,
  ETHEREUM,
  entryAfter,
  HOUR_MS,
  type OfficerId,
  policiesWith,
  quorumOver,
  signedRequest,
  USDX,
  verdictOf,
  wordAbout,
} from './people.js';
import type { World } from './world.js';

/** Ended, as far as the orchestrator knows, without having been paid. */
const OVER = ['refused', 'expired', 'cancelled', 'indeterminate'];
const STUCK = ['signed', 'broadcast', 'indeterminate'];
const BURIABLE = ['replaced', 'indeterminate'];

interface Wanted {
  readonly request: SignedRequest;
  answered: boolean;
}

/** Tries that a backend gives one withdrawal. */
const TRIES = 3;
/** In so many of 1,000 cases a backend asks anew for what is void. */
const AFTER_VOID = 250;
/** In so many of 1,000 drafts of a burial, something that may still be mined is left out. */
const LEFT_OUT = 300;
/** Withdrawals that customers still want once a store was restored. */
const WANTED_AFTER_RESTORE = 3;
/** The longest window of a limit, and the five minutes of requests that a restore kills beyond it. */
const EXHAUSTED_MS = HOUR_MS + 10 * 60_000;

export class Crowd {
  private readonly wanted: Wanted[] = [];
  private asked = new Map<string, number>();
  /** Withdrawals that were wanted, each counted once however often it is asked for. */
  private withdrawals = 0;
  /** Requests that the signer has given a void for. */
  private readonly voided = new Set<string>();

  constructor(private readonly world: World) {}

  get requests(): readonly SignedRequest[] {
    return this.wanted.map(({ request }) => request);
  }

  get canWant(): boolean {
    const more = this.world.drill.restoredMs === undefined ? 0 : WANTED_AFTER_RESTORE;
    return this.withdrawals < this.world.settings.transfers + more;
  }

  private chosenHost(): OrchestratorHost | undefined {
    const up = this.world.orchestrators.filter(({ life }) => life !== undefined);
    return up.length === 0 ? undefined : this.world.chance.pick(up);
  }

  private newRequest(): SignedRequest {
    const { chance, trueMs, options } = this.world;
    const number = this.withdrawals;
    this.withdrawals += 1;
    const word = `${options.seed}/${number}`;
    const kind = chance.pick(['eth', 'eth', 'btc', 'btc', 'usdx'] as const);
    const common = {
      requestId: `w-${number}`,
      requester: 'exchange',
      customer: `customer-${chance.below(3)}`,
      createdAtMs: trueMs,
      expiresAtMs: trueMs + HOUR_MS * chance.between(1, 4),
    };
    if (kind === 'btc') {
      const sats = chance.hit(50) ? 300n : (COIN * BigInt(chance.between(5, 180))) / 1_000n;
      return signedRequest({
        ...common,
        chain: BITCOIN,
        wallet: 'hot-btc',
        asset: BTC,
        amount: sats.toString(),
        destination: destinationOf('bitcoin', word),
        feeCeiling: chance.pick(['2000', '20000', '60000']),
      });
    }
    const amount =
      kind === 'usdx'
        ? ETHER * BigInt(chance.between(10, 210))
        : (ETHER * BigInt(chance.between(50, 2_100))) / 1_000n;
    return signedRequest({
      ...common,
      chain: ETHEREUM,
      wallet: 'hot-eth',
      asset: kind === 'usdx' ? USDX : ETH,
      amount: amount.toString(),
      destination: destinationOf('ethereum', word),
      feeCeiling: (10n ** 15n * BigInt(chance.pick([1, 4, 8]))).toString(),
    });
  }

  /** A new withdrawal, or one more try for one that has had no answer. */
  ask(): void {
    const { world } = this;
    const open = this.wanted.filter(({ answered }) => !answered);
    let wanted =
      open.length > 0 && (!this.canWant || world.chance.hit(500)) ? world.chance.pick(open) : undefined;
    if (!wanted) {
      if (!this.canWant) return;
      wanted = this.want(this.newRequest());
    }
    const asking = wanted;
    const { requestId, asset, amount } = asking.request.statement;
    const twice = world.chance.hit(150) ? 2 : 1;
    for (let count = 0; count < twice; count += 1) {
      this.chosenHost()?.run('submit', async ({ transfers }) => {
        const outcome = await transfers.submit(asking.request);
        asking.answered = true;
        const said = outcome.kind === 'accepted' ? outcome.value.state : outcome.code;
        world.trace.note('asked', `${requestId} ${amount} ${asset.symbol}: ${said}`);
        return true;
      });
    }
  }

  private want(request: SignedRequest): Wanted {
    const wanted = { request, answered: false };
    this.wanted.push(wanted);
    this.world.books.requests.set(request.statement.requestId, request.statement);
    return wanted;
  }

  /** What was not paid and never will be by its newest request, of each withdrawal. */
  private async unpaid(): Promise<readonly SignedRequest[]> {
    const { drill, books } = this.world;
    const { restoredMs, stage } = drill;
    const states = new Map((await books.transfers()).map((one) => [one.request_id, one.state]));
    const tries = Map.groupBy(this.wanted, ({ request }) => request.statement.destination);
    return [...tries.values()].flatMap((all) => {
      const newest = all.at(-1)?.request;
      if (!newest || all.length >= TRIES) return [];
      const { requestId, createdAtMs } = newest.statement;
      if (this.voided.has(requestId)) return [newest];
      // As docs/restore.md has it: when all of before is used up and deep, what the chain has not paid is asked for anew.
      const isDead = stage === 'over' && restoredMs !== undefined && createdAtMs <= restoredMs;
      const isPaid = states.get(requestId) === 'settled' || books.paid(newest.statement) > 0n;
      return isDead && !isPaid && this.isStillWanted(newest) ? [newest] : [];
    });
  }

  /** Most customers have gone elsewhere; those stay whom a thief could have paid as well. */
  private isStillWanted({ statement: { requestId, destination } }: SignedRequest): boolean {
    return this.world.judge.touched(requestId) || destination.charCodeAt(9) % 4 === 0;
  }

  /** A backend asks anew, for the same customer's sake: mostly once the signer has something to pay with. */
  async askAnew(): Promise<boolean> {
    const { world } = this;
    const { chance, drill, trueMs, trace } = world;
    const open = await this.unpaid();
    const isExhausted = drill.restoredMs !== undefined && trueMs - drill.restoredMs < EXHAUSTED_MS;
    if (open.length === 0 || (isExhausted && !chance.hit(100))) return open.length > 0;
    const { statement } = chance.pick(open);
    const { requestId, ...rest } = statement;
    const [first = '', count = '0'] = requestId.split('.');
    const { type: _type, deploymentId: _deployment, keyId: _key, kind: _kind, ...asked } = rest;
    const again = {
      ...asked,
      requestId: `${first}.${Number.parseInt(count, 10) + 1}`,
      createdAtMs: trueMs,
      expiresAtMs: trueMs + HOUR_MS * chance.between(1, 4),
    };
    this.want(signedRequest(again));
    trace.note(
      'asked-anew',
      `${again.requestId} ${this.voided.has(requestId) ? 'after a void' : 'after a restore'}`,
    );
    trace.count(`asked anew ${this.voided.has(requestId) ? 'after a void' : 'after a restore'}`);
    this.ask();
    return true;
  }

  /** Requests that were made and that no orchestrator has answered. */
  get unanswered(): number {
    return this.wanted.filter(({ answered }) => !answered).length;
  }

  private async chosen(state: string): Promise<string | undefined> {
    const some = (await this.world.books.transfers()).filter((one) => one.state === state);
    return some.length === 0 ? undefined : this.world.chance.pick(some).transfer_id;
  }

  /** An officer looks at one that waits, and says yes, mostly. */
  async approve(alwaysYes = false): Promise<boolean> {
    const { chance, trace } = this.world;
    const transferId = await this.chosen('awaiting-approvals');
    if (transferId === undefined) return false;
    const officer: OfficerId = chance.pick(['alice', 'alice', 'bob', 'bob', 'carol']);
    const verdict = !alwaysYes && chance.hit(70) ? 'reject' : 'approve';
    const twice = chance.hit(150) ? 2 : 1;
    for (let count = 0; count < twice; count += 1) {
      this.chosenHost()?.run('approve', async ({ approvals }) => {
        const shown = await approvals.statementFor(transferId);
        if (shown.kind === 'refused') return true;
        const outcome = await approvals.submit(
          transferId,
          verdictOf(officer, shown.value.statement, verdict),
        );
        trace.note(
          'approval',
          `${officer} ${verdict}: ${outcome.kind === 'accepted' ? 'taken' : outcome.code}`,
        );
        return true;
      });
    }
    return true;
  }

  async cancel(): Promise<void> {
    const { chance, trace, books } = this.world;
    const all = await books.transfers();
    if (all.length === 0) return;
    const { transfer_id: transferId, state } = chance.pick(all);
    this.chosenHost()?.run('cancel', async ({ transfers }) => {
      const outcome = await transfers.cancel(transferId, 'request-key:backend');
      trace.note('cancel', `${state}: ${outcome.kind === 'accepted' ? 'done' : outcome.code}`);
      if (outcome.kind === 'accepted') trace.count('cancel: done');
      return true;
    });
  }

  /** Somebody has the signer asked once more about what is unclear; a few times for each. */
  async resolve(): Promise<boolean> {
    const { trace, books } = this.world;
    const open = (await books.transfers()).filter(
      ({ state, transfer_id: id }) => state === 'indeterminate' && (this.asked.get(id) ?? 0) < 3,
    );
    for (const { transfer_id: id } of open) {
      this.chosenHost()?.run('resolve', async ({ transfers }) => {
        const outcome = await transfers.resolve(id, { how: 'ask-signer' }, 'person:alice');
        this.asked.set(id, (this.asked.get(id) ?? 0) + 1);
        trace.note('resolve', outcome.kind === 'accepted' ? 'asked again' : outcome.code);
        return true;
      });
    }
    return open.length > 0;
  }

  /** The backend wants the signer's word that what has come to nothing will never be paid. */
  async void(): Promise<void> {
    const { chance, trace, books } = this.world;
    const over = (await books.transfers()).filter(({ state }) => OVER.includes(state));
    if (over.length === 0) return;
    const { request_id: requestId, transfer_id: transferId } = chance.pick(over);
    const wanted = this.wanted.find(({ request }) => request.statement.requestId === requestId);
    if (!wanted) return;
    this.chosenHost()?.run('void', async ({ voids }) => {
      const outcome = await voids.void(transferId, wanted.request, 'request-key:backend');
      trace.note('void', outcome.kind === 'accepted' ? 'given' : outcome.code);
      trace.count(`void: ${outcome.kind === 'accepted' ? 'given' : outcome.code}`);
      if (outcome.kind === 'accepted' && chance.hit(AFTER_VOID)) this.voided.add(requestId);
      return true;
    });
  }

  /** An officer has what is stuck outbid by a payment of the wallet to itself. */
  async outbid(): Promise<void> {
    const { chance, trace, books } = this.world;
    const stuck = (await books.transfers()).filter(({ state }) => STUCK.includes(state));
    if (stuck.length === 0) return;
    const { transfer_id: transferId } = chance.pick(stuck);
    this.chosenHost()?.run('outbid', async ({ cancels }) => {
      const outcome = await cancels.cancel(transferId, 'person:alice');
      trace.note('outbid', outcome.kind === 'accepted' ? 'planned' : outcome.code);
      trace.count(`outbid: ${outcome.kind === 'accepted' ? 'planned' : outcome.code}`);
      return true;
    });
  }

  /**
   * A quorum says that what was signed for a transfer can never be mined any more: the orchestrator drafts the statement,
   * and the officers sign it when their own look at the chain shows the same.
   */
  async bury(): Promise<boolean> {
    const { chance, trace, books } = this.world;
    const open = (await books.transfers()).filter(({ state }) => BURIABLE.includes(state));
    if (open.length === 0) return false;
    const { transfer_id: transferId } = chance.pick(open);
    this.chosenHost()?.run('bury', async ({ waysOut, burials }) => {
      const shown = await waysOut.show(transferId);
      const draft = shown.kind === 'accepted' ? shown.value.burial : null;
      if (!draft || !this.isBuried(draft.conflicting.transactionId)) return true;
      // Officers compare the one that lies in the chain with their own nodes; who else is named is for the signer to compare.
      const dead = chance.hit(LEFT_OUT) && draft.dead.length > 1 ? draft.dead.slice(1) : draft.dead;
      const statement = { ...draft, dead };
      const signatures = quorumOver(burialBytes(statement));
      const outcome = await burials.bury({ statement, signatures }, 'person:alice');
      trace.note('burial', outcome.kind === 'accepted' ? 'taken' : outcome.code);
      trace.count(`burial: ${outcome.kind === 'accepted' ? 'taken' : outcome.code}`);
      return true;
    });
    return true;
  }

  /** The chain of something that a burial would open again, if it is deep enough. */
  async outbidOn(): Promise<'bitcoin' | 'ethereum' | undefined> {
    const { chance, books } = this.world;
    const open = (await books.transfers()).filter(({ state }) => BURIABLE.includes(state));
    if (open.length === 0) return undefined;
    const request = books.requests.get(chance.pick(open).request_id);
    return request?.wallet === 'hot-btc' ? 'bitcoin' : 'ethereum';
  }

  /** As the officers see the chain, whatever a node says. */
  private isBuried(transactionId: string): boolean {
    const { bitcoin, ethereum } = this.world;
    if (transactionId.startsWith('0x')) {
      const mined = ethereum.chain.mined(transactionId);
      const depth = mined === undefined ? 0 : ethereum.chain.head.number - mined.blockNumber + 1;
      return depth >= LEAST_CONFIRMATIONS.ethereum;
    }
    const { chain } = bitcoin;
    const holds = (one: (typeof chain.blocks)[number]) =>
      one.transactions.some((each) => each.getId() === transactionId);
    const block = chain.blocks.find(holds);
    return block !== undefined && chain.height - block.height + 1 >= LEAST_CONFIRMATIONS.bitcoin;
  }

  /** The governors change what needs approvals. */
  govern(): void {
    const { chance, trace, signer, trueMs } = this.world;
    const last = signer.log.at(-1);
    if (!last) return;
    const entry = entryAfter(last, policiesWith(chance.pick(['0.5', '0.3', '0.8'])), trueMs);
    this.chosenHost()?.run('govern', async ({ governance }) => {
      const outcome = await governance.append(entry);
      trace.note('governance', outcome.kind === 'accepted' ? 'taken' : outcome.code);
      return true;
    });
  }

  /** A governor says which entry is the newest, for what nobody approves. */
  vouch(): void {
    const { chance, trace, signer, trueMs } = this.world;
    const last = signer.log.at(-1);
    if (!last) return;
    const word = wordAbout(last, chance.pick(['alice', 'bob', 'carol']), trueMs);
    this.chosenHost()?.run('vouch', async ({ heads }) => {
      const outcome = await heads.take(word);
      const said = outcome.kind === 'accepted' ? 'taken' : outcome.code;
      trace.note('vouched', said);
      trace.count(`vouched: ${said}`);
      return true;
    });
  }

  refresh(): void {
    for (const host of this.world.orchestrators) {
      host.run('refresh', async ({ governance }) => {
        await governance.refresh();
        return true;
      });
    }
  }
}
