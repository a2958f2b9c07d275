// Payments of an Ethereum wallet to itself: one that outbids what was signed at a nonce, and those that use up nonces at which
// a lost store of the signer may have signed something. Inside the caller's database transaction; no network.

import { type EntityManager, MoreThanOrEqual } from 'typeorm';
import { MAX_REFRESHED_NONCES } from '../../../core/recovery/restore.js';
import { insertNew } from '../../database/sql.js';
import type { CancelResult, PlannedTransaction, RefreshResult, RestoreFacts } from '../chain-driver.js';
import { EthereumNonce, EthereumTransaction, EthereumWallet } from './ethereum.entity.js';
import { least, offerFee } from './fees.js';
import { highestSignedNonce, insertPlan, lowestFree, outflows, walletRow } from './nonces.store.js';
import type { EthereumOutlook } from './outlook.js';
import { type EthereumPlan, maxFeeOf, parsePlan, planText } from './plan.js';
import { CANCEL_GAS, freeOf, priceReplacement } from './pricing.js';
import type { EthereumSettings } from './settings.js';

/** What using up a nonce may cost, as a multiple of what it would cost now: fees rise while people sign. */
const REFRESH_MARGIN = 4n;

function planned(
  row: EthereumWallet,
  transactionKey: string,
  plan: EthereumPlan,
  replaces?: string,
): PlannedTransaction {
  return {
    transactionKey,
    walletId: row.walletId,
    chain: row.chain,
    transferIds: [],
    replaces,
    plan: planText(plan),
    maxFee: maxFeeOf(plan),
  };
}

/** Whoever plans at a nonce holds it: one whose plan was given up before its signature turned up may be held by nobody. */
async function holdNonce(db: EntityManager, row: EthereumWallet, nonce: number): Promise<void> {
  const { walletId } = row;
  if (!(await insertNew(db, EthereumNonce, { walletId, nonce, transferId: null, dead: 0 }))) return;
  if (row.nextNonce !== nonce) return;
  const nextNonce = await lowestFree(db, walletId, nonce + 1);
  await db.update(EthereumWallet, { walletId }, { nextNonce });
  row.nextNonce = nextNonce;
}

/** Plans a cancel that outbids all of these, which were signed at one nonce. The wallet's row has been looked at. */
export async function planCancel(
  db: EntityManager,
  row: EthereumWallet,
  settings: EthereumSettings,
  rivals: readonly PlannedTransaction[],
  maxFeeWei: bigint,
  outlook: EthereumOutlook,
): Promise<CancelResult> {
  const newest = rivals.at(-1);
  if (!newest) return { kind: 'impossible', reason: 'nothing-signed' };
  const before = parsePlan(newest.plan);
  const { nonce } = before;
  const others = rivals.map(({ plan }) => parsePlan(plan));
  if (others.some((plan) => plan.nonce !== nonce)) return { kind: 'impossible', reason: 'nonces-apart' };
  if (outlook.minedNonces > nonce) return { kind: 'impossible', reason: 'decided-by-the-chain' };
  const { walletId } = row;
  const known = await db.findBy(EthereumTransaction, { walletId, nonce });
  if (known.some(({ state }) => state === 'unsigned')) return { kind: 'wait', reason: 'plan-being-signed' };
  const plans = [...others, ...known.map(({ plan }) => parsePlan(plan))];
  const bounded = { ...before, feeBoundWei: maxFeeWei };
  const priced = priceReplacement(bounded, plans, true, outlook.market, settings);
  if (priced.kind === 'wait') return priced;
  // What was signed at this nonce is counted already; a cancel of what these tables gave up takes its fee anew.
  if (known.length === 0) {
    const out = await outflows(db, walletId, outlook.minedNonces);
    if (freeOf(outlook.balanceWei, out).wei < maxFeeOf(priced.plan))
      return { kind: 'wait', reason: 'insufficient-funds' };
  }
  await holdNonce(db, row, nonce);
  const key = await insertPlan(db, row, priced.plan, newest.transactionKey);
  return { kind: 'planned', transaction: planned(row, key, priced.plan, newest.transactionKey) };
}

/** Nonces of dead transactions serve their transfers no more, which may get others. */
export async function markDead(db: EntityManager, dead: readonly PlannedTransaction[]): Promise<void> {
  for (const { walletId, plan } of dead) {
    await db.update(EthereumNonce, { walletId, nonce: parsePlan(plan).nonce }, { dead: 1 });
  }
}

/** As the outlook has the chain; its `signerNextNonce` is not used. The next nonce is past all that is known or planned here. */
export async function restoreFactsOf(
  db: EntityManager,
  settings: EthereumSettings,
  { walletId, chain, address, head, minedNonces, market }: EthereumOutlook,
): Promise<RestoreFacts> {
  const known = await db.findOneBy(EthereumWallet, { walletId });
  const highest = await highestSignedNonce(db, walletId);
  const nextNonce = Math.max(minedNonces, known?.nextNonce ?? 0, (highest ?? -1) + 1);
  const feePerGas = (market.baseFeePerGasWei * 2n + market.priorityFeeWei) * REFRESH_MARGIN;
  return {
    wallet: {
      family: 'ethereum',
      walletId,
      chain,
      address,
      block: { height: head.number, hash: head.hash.replace(/^0x/, '') },
      minedNonces,
      nextNonce: Math.min(nextNonce, minedNonces + MAX_REFRESHED_NONCES),
      refreshFeeCeiling: least(feePerGas * CANCEL_GAS, settings.fees.maxFeePerTransactionWei).toString(),
    },
    highestSignedNonce: highest,
  };
}

/** Takes the wallet up to the restore's next nonce, and plans cancels at those below that nothing uses up. */
export async function planRefresh(
  db: EntityManager,
  settings: EthereumSettings,
  restoredNonce: number,
  { maxFee, abandoned }: { readonly maxFee: bigint; readonly abandoned: readonly PlannedTransaction[] },
  outlook: EthereumOutlook,
): Promise<RefreshResult> {
  if (outlook.signerNextNonce < restoredNonce)
    return { kind: 'other-wallet', reason: 'nonce-ahead-of-signer' };
  const row = await walletRow(db, outlook);
  const { walletId } = row;
  row.restoredNonce = Math.max(row.restoredNonce, restoredNonce);
  row.nextNonce = Math.max(row.nextNonce, restoredNonce);
  await db.update(
    EthereumWallet,
    { walletId },
    { restoredNonce: row.restoredNonce, nextNonce: row.nextNonce },
  );

  const open = await db.findBy(EthereumTransaction, {
    walletId,
    nonce: MoreThanOrEqual(outlook.minedNonces),
  });
  const byNonce = Map.groupBy(open, ({ nonce }) => nonce);
  const given = new Set(abandoned.map(({ transactionKey }) => transactionKey));
  const free: number[] = [];
  let underWay = 0;
  let held = 0;
  for (let nonce = outlook.minedNonces; nonce < restoredNonce; nonce += 1) {
    const at = byNonce.get(nonce) ?? [];
    if (at.some(({ state, plan }) => state === 'signed' || parsePlan(plan).transferId === null))
      underWay += 1;
    else if (at.some(({ transactionKey }) => !given.has(transactionKey))) held += 1;
    else free.push(nonce);
  }
  const bounds = { ...settings.fees, maxFeeWei: least(maxFee, settings.fees.maxFeePerTransactionWei) };
  const offer = offerFee(outlook.market, CANCEL_GAS, bounds);
  const out = await outflows(db, walletId, outlook.minedNonces);
  const cost = offer === undefined ? 0n : maxFeeOf({ gasLimit: CANCEL_GAS, ...offer });
  let wei = freeOf(outlook.balanceWei, out).wei;
  let room = settings.maxUnconfirmedPerWallet - out.nonces;
  const plans: PlannedTransaction[] = [];
  let reason = held > 0 ? 'plan-not-given-up' : undefined;
  for (const nonce of free) {
    if (offer === undefined || wei < cost || room <= 0) {
      reason ??=
        offer === undefined
          ? 'fee-above-ceiling'
          : wei < cost
            ? 'insufficient-funds'
            : 'too-many-unconfirmed';
      break;
    }
    // An abandoned plan leaves its nonce to what uses it up.
    await db.delete(EthereumTransaction, { walletId, nonce, state: 'unsigned' });
    await holdNonce(db, row, nonce);
    const plan: EthereumPlan = {
      version: 1,
      chain: outlook.chain,
      from: outlook.address,
      nonce,
      movement: { kind: 'cancel' },
      transferId: null,
      gasLimit: CANCEL_GAS,
      ...offer,
      feeBoundWei: bounds.maxFeeWei,
      plannedAtHeight: outlook.head.number,
    };
    plans.push(planned(row, await insertPlan(db, row, plan, null), plan));
    wei -= cost;
    room -= 1;
  }
  const remaining = held + free.length - plans.length;
  return { kind: 'done', planned: plans, underWay: underWay + plans.length, remaining, reason };
}
