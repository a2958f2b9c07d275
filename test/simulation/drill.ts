// The drill of docs/restore.md, walked by the people of the simulated world: the signer's store is lost, an officer draws up what
// the next one begins with, others compare it with nodes of their own and sign, the store is made, and the wallets pay
// themselves until nothing is left that the lost one may have signed over.

import { entryHash, type GovernanceEntry } from '../../src/core/governance/entry.js';
import {
  RESTORE_TYPE,
  type Restore,
  type RestoredWallet,
  type RestoreStatement,
  restoreBytes,
} from '../../src/core/recovery/restore.js';
import { outpointsOf } from './bitcoin.model.js';
import type { OrchestratorHost } from './orchestrator-host.js';
import { BITCOIN, DEPLOYMENT_ID, ETHEREUM, HOUR_MS, ownScript, quorumOver, walletAddress } from './people.js';
import type { World } from './world.js';

export type Stage = 'none' | 'lost' | 'drafted' | 'restored' | 'over';

/** Deeper than any block that a reorganisation of this world takes back. */
const DEEP = 6;
/** What `signer restore` may end with where nobody refused it: it is run again. */
const CUT_SHORT = ['died', 'transient', 'indeterminate', 'closed', 'busy'];
const LIFETIME_MS = 24 * HOUR_MS;

export class Drill {
  stage: Stage = 'none';
  /** When the newest store was made anew. What was asked for before is dead. */
  restoredMs: number | undefined;
  private log: readonly GovernanceEntry[] = [];
  private drafted: Restore | undefined;
  private served: Restore | undefined;
  /** Wallets of which the orchestrator says that all is used up. */
  private readonly usedUp = new Set<string>();
  private busy = false;
  /** When the restore was first begun that is drawn up: the store may be of that time. */
  private beganMs: number | undefined;

  constructor(private readonly world: World) {}

  get isUnderWay(): boolean {
    return this.stage !== 'none' && this.stage !== 'over';
  }

  /** The disk dies. Sometimes a thief has put an old copy in its place, or a person means well. */
  lose(): void {
    const { signer, chance } = this.world;
    signer.lose();
    if (!signer.lost) return;
    // Every officer has a copy of it.
    this.log = [...signer.log];
    this.stage = 'lost';
    this.drafted = undefined;
    this.usedUp.clear();
    if (signer.canPutBack && chance.hit(600)) void signer.putBackCopy();
  }

  /** The next thing that somebody does about it. */
  advance(): void {
    const { signer } = this.world;
    if (this.busy) return;
    // The copy that was put in its place was as new as the record.
    if (this.stage !== 'restored' && this.isUnderWay && !signer.lost) this.stage = 'none';
    if (this.stage === 'lost') this.draft();
    if (this.stage === 'drafted' && this.drafted && !signer.process) void this.restore(this.drafted);
    if (this.stage === 'restored') this.refresh();
  }

  private hostUp(): OrchestratorHost | undefined {
    const up = this.world.orchestrators.filter(({ life }) => life !== undefined);
    return up.length === 0 ? undefined : this.world.chance.pick(up);
  }

  /** From the orchestrator, or without it: from a file that two people have made on two nodes. */
  private draft(): void {
    const { world } = this;
    const { chance, settings } = world;
    const host = this.hostUp();
    if (settings.attack === 'rogue' || !host || chance.hit(100)) {
      this.sign([this.bitcoinNow(), this.ethereumNow()]);
      return;
    }
    host.run('restore-facts', async ({ restores }) => {
      const { wallets } = await restores.facts();
      const found = wallets.flatMap(({ wallet }) => (wallet === null ? [] : [wallet]));
      if (found.length < wallets.length) world.trace.note('restore-draft', 'facts missing');
      else if (this.stage === 'lost') this.sign(found);
      return true;
    });
  }

  private bitcoinNow(): RestoredWallet {
    const { chain } = this.world.bitcoin;
    const script = ownScript();
    const unspent = [...chain.unspent]
      .filter(([, one]) => one.script === script)
      .map(([outpoint]) => outpoint);
    unspent.push(...this.onItsWay());
    return {
      family: 'bitcoin',
      walletId: 'hot-btc',
      chain: BITCOIN,
      block: { height: chain.height, hash: chain.tip },
      unspent: unspent.toSorted(),
      refreshFeeCeiling: '20000',
    };
  }

  /** Change that waits in the mempool, whoever may have spent it there. */
  private onItsWay(): string[] {
    const script = ownScript();
    return [...this.world.bitcoin.chain.mempool.values()].flatMap(({ transaction, txid }) =>
      transaction.outs.flatMap((output, vout) =>
        Buffer.from(output.script).toString('hex') === script ? [`${txid}:${vout}`] : [],
      ),
    );
  }

  private ethereumNow(): RestoredWallet {
    const { head } = this.world.ethereum.chain;
    const mined = head.state.nonces.get(walletAddress().toLowerCase()) ?? 0;
    return {
      family: 'ethereum',
      walletId: 'hot-eth',
      chain: ETHEREUM,
      address: walletAddress(),
      block: { height: head.number, hash: head.hash.replace(/^0x/, '') },
      minedNonces: mined,
      nextNonce: mined,
      refreshFeeCeiling: (8n * 10n ** 15n).toString(),
    };
  }

  /** Officers compare it with nodes of their own, which say what is so, and sign nothing that differs. */
  private sign(facts: readonly RestoredWallet[]): void {
    const { trace, signer, trueMs } = this.world;
    const newest = this.log.at(-1);
    if (!newest || !facts.every((wallet) => this.isSo(wallet))) {
      trace.note('restore-draft', 'node-mismatch');
      return;
    }
    const statement: RestoreStatement = {
      type: RESTORE_TYPE,
      deploymentId: DEPLOYMENT_ID,
      governanceSequence: newest.body.sequence,
      governanceHead: entryHash(newest.body),
      lost: signer.record(),
      wallets: facts.map((wallet) => this.decided(wallet)),
      createdAtMs: trueMs,
      expiresAtMs: trueMs + LIFETIME_MS,
    };
    this.drafted = { statement, signatures: quorumOver(restoreBytes(statement)) };
    this.beganMs = undefined;
    this.stage = 'drafted';
    trace.note('restore-draft', JSON.stringify(statement.wallets));
  }

  private isSo(wallet: RestoredWallet): boolean {
    if (wallet.family === 'bitcoin') {
      const { chain } = this.world.bitcoin;
      const now = this.bitcoinNow();
      const known = now.family === 'bitcoin' ? now.unspent : [];
      const isThere = wallet.unspent.every((outpoint) => known.includes(outpoint));
      const hasAll = known.every((one) => !chain.unspent.has(one) || wallet.unspent.includes(one));
      return wallet.block.hash === now.block.hash && isThere && hasAll;
    }
    const block = this.world.ethereum.chain.blocks[wallet.block.height];
    const mined = block?.state.nonces.get(walletAddress().toLowerCase()) ?? 0;
    return block?.hash === `0x${wallet.block.hash}` && mined === wallet.minedNonces;
  }

  /**
   * Officers add nonces until they are past all that the lost store can have signed; what a store has signed above the one
   * that they signed stays spendable ("what remains at risk" in docs/restore.md), and is not judged here.
   */
  private decided(wallet: RestoredWallet): RestoredWallet {
    if (wallet.family === 'bitcoin') return wallet;
    const { judge, chance } = this.world;
    const least = Math.max(wallet.nextNonce, judge.highestNonce + 1);
    return { ...wallet, nextNonce: least + chance.pick([0, 0, 1, 2]) };
  }

  /** On the signer's host. Cut short, the very same line is run again; refused, it is drawn up anew. */
  private async restore(drafted: Restore): Promise<void> {
    const { signer, trace, judge, chance, trueMs } = this.world;
    this.busy = true;
    // One that has served before is of no use to anybody.
    if (this.served && chance.hit(500)) await this.again(this.served);
    this.beganMs ??= trueMs;
    const said = await signer.restore(drafted, this.log);
    this.busy = false;
    trace.note('restore', said);
    trace.count(`restore: ${said}`);
    const hasMoved = signer.record().hash !== drafted.statement.lost.hash;
    if (said === 'done' || (CUT_SHORT.includes(said) && hasMoved)) this.isDone(drafted, this.beganMs);
    else if (said.startsWith('restore-') || said.startsWith('governance-')) {
      signer.clear();
      this.stage = 'lost';
    } else if (!CUT_SHORT.includes(said)) judge.violated('program-failure', `the restore fails: ${said}`);
  }

  private isDone(drafted: Restore, beganMs: number): void {
    this.world.judge.onRestored(beganMs, drafted.statement);
    this.world.signer.restored();
    this.restoredMs = beganMs;
    this.stage = 'restored';
    this.served = drafted;
  }

  private async again(served: Restore): Promise<void> {
    const { signer, trace, judge } = this.world;
    const said = await signer.restore(served, this.log);
    trace.count(`restore offered again: ${said}`);
    if (said === 'done') judge.violated('old-store-serves', 'a restore that has served before');
  }

  private refresh(): void {
    const { drafted, world } = this;
    if (!drafted) return;
    if (this.isBuried(drafted.statement)) {
      this.stage = 'over';
      world.trace.note('restore-over');
      return;
    }
    // Where a thief has used the keys, the orchestrators rightly wait for people.
    if (world.settings.attack === 'rogue') return;
    for (const wallet of this.toUseUp(drafted.statement)) {
      this.hostUp()?.run('refresh-wallet', async ({ restores }) => {
        const outcome = await restores.refresh(wallet.walletId, wallet);
        if (this.drafted !== drafted) return true;
        if (outcome.kind === 'accepted') {
          const { underWay, remaining, why, planned } = outcome.value;
          const isDone = underWay === 0 && remaining === 0;
          if (isDone) this.usedUp.add(wallet.walletId);
          else this.usedUp.delete(wallet.walletId);
          world.trace.note(
            'refreshed',
            `${wallet.walletId} ${planned.length} ${underWay}/${remaining} ${why}`,
          );
        } else world.trace.note('refreshed', `${wallet.walletId} ${outcome.code}`);
        return true;
      });
    }
  }

  private toUseUp({ wallets }: RestoreStatement): readonly RestoredWallet[] {
    return wallets;
  }

  /** All is used up as the orchestrator says, and as deep as these people want a payment to be. */
  private isBuried(statement: RestoreStatement): boolean {
    const { bitcoin, ethereum } = this.world;
    return this.toUseUp(statement).every((wallet) => {
      if (!this.usedUp.has(wallet.walletId)) return false;
      if (wallet.family === 'bitcoin') {
        const { blocks } = bitcoin.chain;
        const deep = blocks
          .slice(0, Math.max(0, blocks.length - DEEP + 1))
          .flatMap((one) => one.transactions);
        const spent = new Set(deep.flatMap((one) => (one.isCoinbase() ? [] : outpointsOf(one))));
        const made = new Set(blocks.flatMap(({ transactions }) => transactions.map((one) => one.getId())));
        for (const txid of bitcoin.chain.mempool.keys()) made.add(txid);
        const canNeverBe = (outpoint: string) => !made.has(outpoint.slice(0, 64));
        return wallet.unspent.every((outpoint) => spent.has(outpoint) || canNeverBe(outpoint));
      }
      const { blocks } = ethereum.chain;
      const nonces = blocks.at(-DEEP)?.state.nonces ?? new Map<string, number>();
      return (nonces.get(walletAddress().toLowerCase()) ?? 0) >= wallet.nextNonce;
    });
  }
}
