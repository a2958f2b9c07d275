// After a lost store of the signer: what the chains say that a restore has to know, and payments of the wallets to themselves
// that use up what the lost store may have signed over.

import type { EntityManager } from 'typeorm';
import { accepted, Fault, type Outcome, refused } from '../../core/fault.js';
import { feeCapsOf } from '../../core/policy/decide.js';
import type { RestoredWallet } from '../../core/recovery/restore.js';
import type { PlannedTransaction } from '../chains/chain-driver.js';
import { type PipelineParts, servedWallet } from '../transfers/pipeline.js';
import { plannedOf } from '../transfers/release.js';
import { insertPlan } from '../transfers/reserving.steps.js';
import { BEFORE_RESTORE } from '../transfers/signer-refusals.js';
import { TransactionRow } from '../transfers/transfer.entity.js';
import { lock, wake } from '../transfers/work.store.js';
import type { RefreshAnswer, RestoreFacts } from './ways-out.dto.js';
import type { WayOutRefusalCode } from './ways-out.errors.js';

export class Restores {
  constructor(private readonly parts: PipelineParts) {}

  /** A wallet whose chain does not answer has no facts, and says why. */
  async facts(): Promise<RestoreFacts> {
    const wallets: RestoreFacts['wallets'] = [];
    for (const { walletId, chain } of this.parts.governance.state().wallets.values()) {
      const none = { walletId, chain, wallet: null, highestSignedNonce: null };
      try {
        const { wallet, driver } = servedWallet(this.parts, walletId);
        wallets.push({ walletId, chain, ...(await driver.restoreFacts(wallet)), why: null });
      } catch (error) {
        if (!(error instanceof Fault)) throw error;
        wallets.push({ ...none, why: error.code });
      }
    }
    return { asOfMs: this.parts.clock.nowMs(), wallets };
  }

  /** Refuses `wallet-unknown`, `wallet-of-another-restore`. Throws `chain-unavailable` and the signer client's faults. */
  async refresh(
    walletId: string,
    restored: RestoredWallet,
  ): Promise<Outcome<RefreshAnswer, WayOutRefusalCode>> {
    const { database, governance, clock, settings } = this.parts;
    const known = governance.state().wallets.get(walletId);
    if (!known) return refused('wallet-unknown', { walletId });
    if (restored.walletId !== walletId || restored.chain !== known.chain) {
      return refused('wallet-of-another-restore', { walletId, restored: restored.walletId });
    }
    const { wallet, driver } = servedWallet(this.parts, walletId);
    const caps = feeCapsOf(governance.policies(), { wallet: walletId, tier: wallet.tier });
    const ceiling = BigInt(restored.refreshFeeCeiling);
    const maxFee = !caps ? 0n : caps.absoluteMax < ceiling ? caps.absoluteMax : ceiling;
    const outlook = await driver.outlook(wallet, []);
    return database.transaction(async (db): Promise<Outcome<RefreshAnswer, WayOutRefusalCode>> => {
      await lock(db, 'wallet', walletId);
      const abandoned = await abandonedOf(db, walletId);
      const result = await driver.refresh(db, wallet, restored, { maxFee, abandoned }, outlook);
      if (result.kind === 'other-wallet') {
        return refused('wallet-of-another-restore', { walletId, why: result.reason });
      }
      const nowMs = clock.nowMs();
      for (const transaction of result.planned) {
        await insertPlan(db, transaction, nowMs, nowMs + settings.bumpAfterMs[driver.family]);
      }
      await wake(db, 'wallet', walletId, nowMs);
      const { planned, underWay, remaining, reason } = result;
      return accepted({
        walletId,
        planned: planned.map(({ transactionKey }) => transactionKey),
        underWay,
        remaining,
        why: reason ?? null,
      });
    });
  }
}

/** Plans that the signer refuses as older than the restore, and the lost store may have signed. */
async function abandonedOf(db: EntityManager, walletId: string): Promise<PlannedTransaction[]> {
  const rows = await db.findBy(TransactionRow, { walletId, state: 'indeterminate', reason: BEFORE_RESTORE });
  const plans: PlannedTransaction[] = [];
  for (const row of rows) if (row.signedHex === null) plans.push(await plannedOf(db, row));
  return plans;
}
