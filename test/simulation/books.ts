// The judge of the books: what the orchestrators have written, against what stands in the chains. It knows each request that was
// made, and that nobody else pays to its destination.

import { z } from 'zod';
import { MAX_CLOCK_SKEW_MS } from '../../src/core/authorization/requests.js';
import { p2wpkhScript } from '../../src/core/intents/bitcoin/address.js';
import type { RequestStatement } from '../../src/core/statements/request.js';
import { rows } from '../../src/orchestrator/database/sql.js';
import { outpointsOf } from './bitcoin.model.js';
import type { ViolationCode } from './judge.js';
import { BTC_KEY, scriptOf, walletAddress } from './people.js';
import type { World } from './world.js';

const transferRow = z.object({ request_id: z.string(), transfer_id: z.string(), state: z.string() });
export type Booked = z.infer<typeof transferRow>;
const finalRow = z.object({
  transaction_id: z.string(),
  wallet_id: z.string(),
  fee_paid: z.string().nullable(),
});

const idRow = z.object({ transaction_id: z.string() });

const FINISHED = [
  'settled',
  'refused',
  'expired',
  'cancelled',
  'replaced',
  'void',
  'failed',
  'indeterminate',
];

interface OnChain {
  readonly id: string;
  readonly fee: bigint;
}

export class Books {
  readonly requests = new Map<string, RequestStatement>();
  /** A reorganisation took away what counted as final. Until all is followed again, the books may lag behind. */
  deepReorganisations = 0;
  private booked: readonly Booked[] = [];
  private chainsAt = '';

  constructor(private readonly world: World) {}

  private violated(code: ViolationCode, about: string): void {
    this.world.judge.violated(code, about);
  }

  /** As the database has them now; read again only when it has changed. */
  async transfers(): Promise<readonly Booked[]> {
    const { world } = this;
    if (world.dirty) {
      world.dirty = false;
      const select = 'SELECT request_id, transfer_id, state FROM transfers ORDER BY transfer_id';
      this.booked = await world.database.read((db) => rows(db, transferRow, select, []));
    }
    return this.booked;
  }

  /** What has arrived at a request's destination, in the chain as it is. */
  paid({ asset, destination }: RequestStatement): bigint {
    const { ethereum, bitcoin } = this.world;
    if (asset.symbol === 'BTC') {
      const script = scriptOf(destination);
      let sum = 0n;
      for (const output of bitcoin.chain.unspent.values())
        if (output.script === script) sum += output.amountSats;
      return sum;
    }
    const { units, balances } = ethereum.chain.head.state;
    return (asset.kind === 'erc20' ? units : balances).get(destination.toLowerCase()) ?? 0n;
  }

  /** After every turn: nobody is paid twice or another amount; what is booked as settled is paid. */
  async look(): Promise<void> {
    const { world } = this;
    const at = `${world.ethereum.chain.head.hash} ${world.bitcoin.chain.tip}`;
    const moved = at !== this.chainsAt;
    if (moved) {
      this.chainsAt = at;
      for (const [id, request] of this.requests) {
        const paid = this.paid(request);
        if (paid !== 0n && paid !== BigInt(request.amount)) {
          this.violated('paid-twice', `${id}: ${paid} of ${request.amount}`);
        }
      }
    }
    const booked = await this.transfers();
    if (this.deepReorganisations > 0) return;
    for (const { request_id: id, state } of booked) {
      const request = this.requests.get(id);
      if (state === 'settled' && request && this.paid(request) === 0n) {
        this.violated('settled-and-not-paid', id);
      }
    }
  }

  /** What is due, and what waits, for whoever looks into a failure. */
  async unrest(): Promise<string> {
    const sql = (text: string) => this.world.database.read((db) => rows(db, z.unknown(), text, []));
    const due = `SELECT * FROM work WHERE due_at_ms <= ${this.world.trueMs}`;
    const open = 'SELECT request_id, state, waiting_for, reason FROM transfers';
    const sent =
      "SELECT transaction_key, state, reason, facts, transaction_id, plan FROM transactions WHERE state NOT IN ('released', 'final')";
    const waiting = [...this.world.ethereum.chain.pool.keys(), ...this.world.bitcoin.chain.mempool.keys()];
    return JSON.stringify([await sql(due), await sql(open), await sql(sent), waiting]);
  }

  /** True when everything has come to an end, as far as it can by itself. */
  async atRest(): Promise<boolean> {
    const booked = await this.transfers();
    if (!booked.every(({ state }) => FINISHED.includes(state))) return false;
    const open = `SELECT transaction_id FROM transactions WHERE state IN ('planned', 'built', 'signing', 'signed', 'broadcast', 'mined') LIMIT 1`;
    return (await this.world.database.read((db) => rows(db, z.unknown(), open, []))).length === 0;
  }

  /** Requests by where they pay to: a withdrawal that was asked for anew has several. */
  private get withdrawals(): readonly (readonly [id: string, request: RequestStatement])[][] {
    return [...Map.groupBy(this.requests, ([, { destination }]) => destination).values()];
  }

  /** At the end, when all faults are over: books and chains say the same, to the unit, and nothing is stuck. */
  async close(): Promise<void> {
    const booked = await this.transfers();
    if (booked.some(({ state }) => !FINISHED.includes(state))) {
      this.world.trace.note('unrest', await this.unrest());
    }
    for (const { request_id: id, state } of booked) {
      const request = this.requests.get(id);
      if (!request) continue;
      const paid = this.paid(request) > 0n;
      if (!FINISHED.includes(state)) this.violated('stuck', `${id} is ${state}`);
      if (state === 'settled' && !paid) this.violated('settled-and-not-paid', id);
      // Nobody can tell whether a store that was lost had begun what the restore has killed, some of it younger: clocks differ.
      const { restoredMs } = this.world.drill;
      const isOfLostStore =
        restoredMs !== undefined && request.createdAtMs <= restoredMs + 2 * MAX_CLOCK_SKEW_MS;
      if (state === 'indeterminate' && !this.world.judge.touched(id) && !isOfLostStore) {
        this.violated('indeterminate-for-nothing', id);
      }
    }
    const states = new Map(booked.map((one) => [one.request_id, one.state]));
    for (const tries of this.withdrawals) this.checkPaid(tries, states);
    this.checkBalances();
    await this.checkFinal();
  }

  /** What has arrived is booked for one of the requests that asked for it, or is for people to find out. */
  private checkPaid(
    tries: readonly (readonly [id: string, request: RequestStatement])[],
    states: ReadonlyMap<string, string>,
  ): void {
    const [first] = tries;
    const booked = tries.map(([id]) => states.get(id) ?? 'unknown');
    const settled = booked.filter((state) => state === 'settled').length;
    const about = tries.map(([id], index) => `${id} is ${booked[index]}`).join(', ');
    if (settled > 1) this.violated('settled-and-not-paid', about);
    const isPaid = first !== undefined && this.paid(first[1]) > 0n;
    if (isPaid && settled === 0 && !booked.includes('indeterminate'))
      this.violated('paid-and-not-settled', about);
  }

  /** Funded less paid less fees is what is left: the chains' own arithmetic against the requests. */
  private checkBalances(): void {
    const { ethereum, bitcoin, funded } = this.world;
    const paid = { ETH: 0n, USDX: 0n, BTC: 0n };
    for (const [first] of this.withdrawals) {
      if (first) paid[first[1].asset.symbol as keyof typeof paid] += this.paid(first[1]);
    }
    const wallet = walletAddress().toLowerCase();
    const { balances, units } = ethereum.chain.head.state;
    const fees = (of: readonly OnChain[]) => of.reduce((sum, { fee }) => sum + fee, 0n);
    const own = p2wpkhScript(BTC_KEY.publicKey);
    let sats = 0n;
    for (const { script, amountSats } of bitcoin.chain.unspent.values())
      if (script === own) sats += amountSats;
    const differences = {
      ETH: funded.wei - paid.ETH - fees(this.ethereumOnChain()) - (balances.get(wallet) ?? 0n),
      USDX: funded.units - paid.USDX - (units.get(wallet) ?? 0n),
      BTC: funded.sats - paid.BTC - fees(this.bitcoinOnChain()) - sats,
    };
    for (const [symbol, difference] of Object.entries(differences)) {
      if (difference !== 0n) this.violated('books-and-chain-differ', `${symbol} is off by ${difference}`);
    }
  }

  /** Every transaction of the wallets in the chains is booked as final with its fee, and no other one is. */
  private async checkFinal(): Promise<void> {
    const final = await this.world.database.read((db) =>
      rows(
        db,
        finalRow,
        "SELECT transaction_id, wallet_id, fee_paid FROM transactions WHERE state IN ('final', 'failed') AND transaction_id IS NOT NULL",
        [],
      ),
    );
    const booked = final.map(({ transaction_id: id, fee_paid: fee }) => `${id} ${fee ?? ''}`).toSorted();
    const mined = [...this.ethereumOnChain(), ...this.bitcoinOnChain()]
      .map(({ id, fee }) => `${id} ${fee}`)
      .toSorted();
    // What a lost store had signed, and no orchestrator ever got, somebody may have broadcast.
    const known = await this.world.database.read((db) =>
      rows(db, idRow, 'SELECT transaction_id FROM transactions WHERE transaction_id IS NOT NULL', []),
    );
    const strange = new Set(this.world.judge.ofLostStores.map(({ id }) => id));
    for (const { transaction_id: id } of known) strange.delete(id);
    const missing = mined.filter((one) => !booked.includes(one) && !strange.has(one.split(' ')[0] ?? ''));
    const invented = booked.filter((one) => !mined.includes(one));
    if (missing.length + invented.length > 0) {
      this.violated(
        'books-and-chain-differ',
        `in the chain alone: ${missing.join(', ') || 'none'}; in the books alone: ${invented.join(', ') || 'none'}`,
      );
    }
  }

  private ethereumOnChain(): OnChain[] {
    const wallet = walletAddress().toLowerCase();
    return this.world.ethereum.chain.blocks
      .flatMap(({ transactions }) => transactions)
      .filter(({ from }) => from === wallet)
      .map(({ hash, gasUsed, price }) => ({ id: hash, fee: gasUsed * price }));
  }

  private bitcoinOnChain(): OnChain[] {
    const { chain } = this.world.bitcoin;
    return chain.blocks
      .flatMap(({ transactions }) => transactions)
      .filter((one) => !one.isCoinbase() && chain.everTaken.has(one.getId()))
      .filter((one) => outpointsOf(one).length > 0)
      .map((one) => ({ id: one.getId(), fee: chain.everTaken.get(one.getId())?.feeSats ?? 0n }));
  }
}
