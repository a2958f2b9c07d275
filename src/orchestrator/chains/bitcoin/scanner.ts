// Keeps the wallets' coins in step with the chain: reads raw blocks from a node, verifies each, and applies one a database
// transaction. Follows reorganisations down to a configured depth; a deeper one stops it, and nothing is planned until a
// person has looked. Any number of scanners may work on one database: whoever comes second finds the work done.

import type { Wallet } from '../../../core/governance/entry.js';
import { p2wpkhScript } from '../../../core/intents/bitcoin/address.js';
import type { DatabaseDoor } from '../../database/database.js';
import type { BitcoinNode } from './bitcoin-node.js';
import {
  appendBlock,
  blockHashAt,
  type Cursor,
  ensureChain,
  lockCursor,
  readCursor,
  recordCoins,
  removeNewestBlock,
  setStopped,
  type WatchedScripts,
  watchedScripts,
  watchScript,
} from './blocks.store.js';
import { easiestTargetAt } from './least-work.js';
import { type VerifiedBlock, verifiedBlock } from './raw-block.js';
import type { BitcoinSettings } from './settings.js';

export interface ScanReport {
  /** `scanned`: in step with the node. `more`: call again at once. `behind`: the node is behind what was scanned. */
  readonly kind: 'scanned' | 'more' | 'behind' | 'stopped';
  readonly height: number;
  readonly nodeHeight: number;
  readonly blocksAdded: number;
  readonly blocksRemoved: number;
}

/** Wallets of a chain as governance has them now. */
export type WalletSource = (chain: string) => readonly Wallet[];

/** Blocks that one call applies at most, so that a caller can stop in between. */
const MAX_BLOCKS = 200;

export class Scanner {
  constructor(
    readonly chain: string,
    private readonly settings: Pick<BitcoinSettings, 'startHeight' | 'reorgDepth'>,
    private readonly database: DatabaseDoor,
    private readonly node: BitcoinNode,
    private readonly wallets: WalletSource,
  ) {}

  /**
   * Brings the database nearer to the node. Throws `chain-unavailable`, `block-malformed`, `block-mismatch`; whatever was
   * applied until then stays, and the next call goes on from there.
   */
  async scan(): Promise<ScanReport> {
    const scripts = await this.watch();
    const tip = await this.node.tip();
    const start = await this.cursor();
    const report = (
      kind: ScanReport['kind'],
      cursor: Cursor,
      blocksAdded = 0,
      blocksRemoved = 0,
    ): ScanReport => ({
      kind,
      height: cursor.height,
      nodeHeight: tip.height,
      blocksAdded,
      blocksRemoved,
    });
    // A node with fewer blocks says nothing about ours: it may be catching up, or in the middle of a reorganisation.
    if (tip.height < start.height) return report('behind', start);
    const stale = await this.staleBlocks(start, tip.hash);
    const stopped = stale === undefined ? 'reorg-too-deep' : undefined;
    if (start.stopped !== stopped) {
      await this.database.transaction((db) => setStopped(db, this.chain, stopped));
    }
    if (stale === undefined) return report('stopped', start);
    await this.remove(stale, start);
    const added = await this.advance(scripts, tip.height);
    const end = await this.cursor();
    return report(
      end.height >= tip.height && !this.lags(await this.scripts(), end) ? 'scanned' : 'more',
      end,
      added,
      stale.size,
    );
  }

  /** Watches what governance has registered since the last call. */
  private async watch(): Promise<WatchedScripts> {
    const { chain, settings } = this;
    const wanted = this.wallets(chain).flatMap((wallet) =>
      wallet.keys.map((key) => ({ walletId: wallet.walletId, script: p2wpkhScript(key.publicKey) })),
    );
    const known = (await this.database.read((db) => readCursor(db, chain)))
      ? await this.scripts()
      : undefined;
    if (known !== undefined && wanted.every(({ script }) => known.has(script))) return known;
    return this.database.transaction(async (db) => {
      await ensureChain(db, chain, settings.startHeight);
      for (const { walletId, script } of wanted) {
        await watchScript(db, chain, walletId, script, settings.startHeight);
      }
      return watchedScripts(db, chain);
    });
  }

  /** Hashes of the scanned blocks that are not in the node's chain any more; undefined when there are too many. */
  private async staleBlocks(cursor: Cursor, nodeTip: string): Promise<ReadonlySet<string> | undefined> {
    const stale = new Set<string>();
    if (cursor.hash === undefined || cursor.hash === nodeTip) return stale;
    for (let height = cursor.height; height >= cursor.height - this.settings.reorgDepth; height -= 1) {
      const scanned = await this.database.read((db) => blockHashAt(db, this.chain, height));
      // Undefined: nothing was scanned from here down, the fork lies before the start height.
      if (scanned === undefined || (await this.node.blockHash(height)) === scanned) return stale;
      stale.add(scanned);
    }
    return undefined;
  }

  private async remove(stale: ReadonlySet<string>, newest: Cursor): Promise<void> {
    // Asked again for every block: another scanner may have removed them, and be on the new branch already.
    for (let cursor = newest; stale.has(cursor.hash ?? ''); cursor = await this.cursor()) {
      await this.database.transaction(async (db) => {
        if (await lockCursor(db, this.chain, cursor)) await removeNewestBlock(db, this.chain, cursor);
      });
    }
  }

  /** Applies blocks that follow, and searches earlier ones for scripts that were registered late. */
  private async advance(scripts: WatchedScripts, nodeHeight: number): Promise<number> {
    let added = 0;
    for (let blocks = 0; blocks < MAX_BLOCKS; blocks += 1) {
      const cursor = await this.cursor();
      if (await this.searchEarlier(scripts, cursor)) continue;
      if (cursor.height >= nodeHeight) break;
      if (!(await this.applyNext(scripts, cursor))) break;
      added += 1;
    }
    return added;
  }

  /** True when there was an earlier block to search. */
  private async searchEarlier(scripts: WatchedScripts, cursor: Cursor): Promise<boolean> {
    const current = await this.scripts();
    if (!this.lags(current, cursor)) return false;
    const height = Math.min(...[...current.values()].map((script) => script.scannedHeight)) + 1;
    const known = await this.database.read((db) => blockHashAt(db, this.chain, height));
    const block = await this.fetch(height, known ?? (await this.node.blockHash(height)));
    if (block === undefined) return false;
    await this.database.transaction(async (db) => {
      if (await lockCursor(db, this.chain, cursor)) {
        await recordCoins(db, this.chain, height, block, scripts);
      }
    });
    return true;
  }

  /** False when the next block does not follow: the chain was reorganised meanwhile, and the next call sees to it. */
  private async applyNext(scripts: WatchedScripts, cursor: Cursor): Promise<boolean> {
    const height = cursor.height + 1;
    const block = await this.fetch(height, await this.node.blockHash(height));
    if (block === undefined) return false;
    if (cursor.hash !== undefined && block.previous !== cursor.hash) return false;
    return this.database.transaction(async (db) => {
      // Another scanner may have been faster; then its work is seen in the next round.
      if (await lockCursor(db, this.chain, cursor)) {
        await appendBlock(db, this.chain, height, block, scripts);
      }
      return true;
    });
  }

  private async fetch(height: number, hash: string | undefined): Promise<VerifiedBlock | undefined> {
    if (hash === undefined) return undefined;
    return verifiedBlock(await this.node.rawBlock(hash), hash, easiestTargetAt(this.chain, height));
  }

  private lags(scripts: WatchedScripts, cursor: Cursor): boolean {
    return [...scripts.values()].some((script) => script.scannedHeight < cursor.height);
  }

  private scripts(): Promise<WatchedScripts> {
    return this.database.read((db) => watchedScripts(db, this.chain));
  }

  private async cursor(): Promise<Cursor> {
    const cursor = await this.database.read((db) => readCursor(db, this.chain));
    return cursor ?? { height: this.settings.startHeight - 1, hash: undefined, stopped: undefined };
  }
}
