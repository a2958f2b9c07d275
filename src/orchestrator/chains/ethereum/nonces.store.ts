// Nonces in the database: handed out, given back, and followed. Every function works inside the caller's transaction and
// takes the wallet's row first, so that two pipelines never hand out at once. It knows no chain and no network.

import { type EntityManager, MoreThan, MoreThanOrEqual } from 'typeorm';
import { Fault } from '../../../core/fault.js';
import { forUpdate, insertNew } from '../../database/sql.js';
import { EthereumNonce, EthereumTransaction, EthereumWallet } from './ethereum.entity.js';
import type { EthereumFaultCode } from './ethereum.errors.js';
import { type EthereumPlan, maxFeeOf, planText, weiSentBy } from './plan.js';

/** What is known from outside when a nonce is to be taken. */
export interface NonceOutlook {
  readonly walletId: string;
  readonly chain: string;
  /** EIP-55. */
  readonly address: string;
  /** The signer's next nonce: the only one that it can sign next. */
  readonly signerNextNonce: number;
  /** Nonces that blocks have used. */
  readonly minedNonces: number;
}

/** The wallet's row, locked; made at first use, with the signer's next nonce as the start. Throws `wallet-other-chain`. */
export async function walletRow(db: EntityManager, outlook: NonceOutlook): Promise<EthereumWallet> {
  const { walletId, chain, address, signerNextNonce } = outlook;
  await insertNew(db, EthereumWallet, {
    walletId,
    chain,
    address,
    nextNonce: signerNextNonce,
    plansMade: 0,
    foreignTransaction: null,
    stoppedAtMs: null,
    restoredNonce: 0,
    voidedBelow: 0,
  });
  const wallet = await lockedWallet(db, walletId);
  if (wallet?.address !== address || wallet.chain !== chain) {
    throw new Fault<EthereumFaultCode>('wallet-other-chain', 'the wallet has another address than before', {
      facts: { walletId, chain, address },
    });
  }
  return wallet;
}

/**
 * As `walletRow`, for planning payments. Throws what must stop the wallet: `nonce-foreign`, `nonce-behind-signer`,
 * `wallet-stopped`.
 */
export async function lockWallet(db: EntityManager, outlook: NonceOutlook): Promise<EthereumWallet> {
  const { walletId, address, signerNextNonce, minedNonces } = outlook;
  const wallet = await walletRow(db, outlook);
  const { foreignTransaction, nextNonce, voidedBelow, restoredNonce } = wallet;
  if (foreignTransaction !== null) {
    throw new Fault<EthereumFaultCode>('wallet-stopped', "somebody else used the wallet's key", {
      facts: { walletId, foreignTransaction },
    });
  }
  const facts = { walletId, address, nextNonce, signerNextNonce, minedNonces };
  if (signerNextNonce > Math.max(nextNonce, voidedBelow)) {
    throw new Fault<EthereumFaultCode>('nonce-behind-signer', 'the signer has signed nonces unknown here', {
      facts,
    });
  }
  const unsigned = await firstUnsigned(db, wallet);
  if (minedNonces > Math.max(unsigned, restoredNonce)) {
    throw new Fault<EthereumFaultCode>('nonce-foreign', 'the chain has used a nonce that was never signed', {
      facts: { ...facts, firstUnsigned: unsigned },
    });
  }
  return wallet;
}

/**
 * Plans a transfer at the wallet's next nonce. `planAt` gets the nonce and gives the plan. Returns the plan's key and the
 * plan. Throws `nonce-of-transfer-taken`.
 */
export async function takeNonce(
  db: EntityManager,
  wallet: EthereumWallet,
  transferId: string,
  planAt: (nonce: number) => EthereumPlan,
): Promise<{ readonly transactionKey: string; readonly plan: EthereumPlan }> {
  const nonce = wallet.nextNonce;
  if (!(await insertNew(db, EthereumNonce, { walletId: wallet.walletId, nonce, transferId, dead: 0 }))) {
    throw new Fault<EthereumFaultCode>('nonce-of-transfer-taken', 'the transfer, or the nonce, is taken', {
      facts: { walletId: wallet.walletId, nonce, transferId },
    });
  }
  const plan = planAt(nonce);
  const transactionKey = await insertPlan(db, wallet, plan, null);
  const nextNonce = await lowestFree(db, wallet.walletId, nonce + 1);
  await db.update(EthereumWallet, { walletId: wallet.walletId }, { nextNonce });
  return { transactionKey, plan };
}

/** Adds a replacement at a nonce that has signed transactions and none that is unsigned. Returns its key. */
export async function addReplacement(
  db: EntityManager,
  wallet: EthereumWallet,
  plan: EthereumPlan,
  replaces: string,
): Promise<string> {
  return insertPlan(db, wallet, plan, replaces);
}

/**
 * Gives back what a never-signed plan holds. A replacement holds nothing but itself. Otherwise the nonce is free again and
 * the next to be handed out, and the keys of the unsigned plans at later nonces are returned: the signer would not sign
 * them before this nonce is signed by somebody. Of nonces that a restore left behind it signs any. `voided`: the signer may
 * have begun it, so that its own next nonce is the one after. Doing it twice changes nothing. Throws `release-of-signed`, `nonce-order`.
 */
export async function releasePlan(
  db: EntityManager,
  walletId: string,
  transactionKey: string,
  voided = false,
): Promise<readonly string[]> {
  const wallet = await lockedWallet(db, walletId);
  const row = await db.findOneBy(EthereumTransaction, { transactionKey });
  if (!wallet || !row) return [];
  const { nonce } = row;
  const facts = { walletId, transactionKey, nonce };
  if (row.state === 'signed') {
    throw new Fault<EthereumFaultCode>('release-of-signed', 'a signed transaction is never given back', {
      facts,
    });
  }
  await db.delete(EthereumTransaction, { transactionKey });
  if (row.replaces !== null) return [];
  if (nonce < wallet.restoredNonce) {
    await db.delete(EthereumNonce, { walletId, nonce });
    return [];
  }
  const later = await db.findBy(EthereumTransaction, { walletId, nonce: MoreThan(nonce) });
  if (later.some((other) => other.state === 'signed')) {
    throw new Fault<EthereumFaultCode>('nonce-order', 'a later nonce of the wallet is signed', { facts });
  }
  await db.delete(EthereumNonce, { walletId, nonce });
  const voidedBelow = voided ? Math.max(wallet.voidedBelow, nonce + 1) : wallet.voidedBelow;
  const nextNonce = Math.min(nonce, wallet.nextNonce);
  await db.update(EthereumWallet, { walletId }, { nextNonce, voidedBelow });
  return later.toSorted((a, b) => b.nonce - a.nonce).map((other) => other.transactionKey);
}

/** Records that a plan was signed. Doing it twice changes nothing. Throws `plan-unknown`, `signed-not-as-planned`. */
export async function markSigned(
  db: EntityManager,
  walletId: string,
  transactionKey: string,
  transactionId: string,
): Promise<void> {
  await lockedWallet(db, walletId);
  const row = await db.findOneBy(EthereumTransaction, { transactionKey, walletId });
  if (!row) {
    throw new Fault<EthereumFaultCode>('plan-unknown', 'signed, but its plan was given back or never made', {
      facts: { walletId, transactionKey, transactionId },
    });
  }
  if (row.transactionId !== null && row.transactionId !== transactionId) {
    throw new Fault<EthereumFaultCode>('signed-not-as-planned', 'it was recorded as signed with another id', {
      facts: { walletId, transactionKey, transactionId, recorded: row.transactionId },
    });
  }
  await db.update(EthereumTransaction, { transactionKey }, { state: 'signed', transactionId });
}

/** All transactions at the nonce of one, itself included, in no order. */
export async function atSameNonce(
  db: EntityManager,
  transactionKey: string,
): Promise<readonly EthereumTransaction[]> {
  const row = await db.findOneBy(EthereumTransaction, { transactionKey });
  if (!row) return [];
  return db.findBy(EthereumTransaction, { walletId: row.walletId, nonce: row.nonce });
}

/** What transactions that are in no block yet take from the wallet, each nonce counted once at its dearest. */
export interface Outflow {
  readonly wei: bigint;
  /** Units by contract in lower case. */
  readonly tokens: ReadonlyMap<string, bigint>;
}

export interface Outflows {
  /** Nonces that are taken and not mined. */
  readonly nonces: number;
  readonly signed: Outflow;
  readonly unsigned: Outflow;
}

/** `minedNonces` and the balances that this is compared with must be of the same block. */
export async function outflows(db: EntityManager, walletId: string, minedNonces: number): Promise<Outflows> {
  const open = await db.findBy(EthereumTransaction, { walletId, nonce: MoreThanOrEqual(minedNonces) });
  const byNonce = Map.groupBy(open, (row) => row.nonce);
  const signed: EthereumTransaction[] = [];
  const unsigned: EthereumTransaction[] = [];
  for (const rows of byNonce.values()) {
    // A cancel moves no token but may be what is mined last; the dearest is what must be kept free.
    const dearest = rows.toSorted((a, b) => (a.outflowWei < b.outflowWei ? 1 : -1))[0];
    const token = rows.find((row) => row.token !== null);
    const kept = dearest && {
      ...dearest,
      token: token?.token ?? null,
      tokenUnits: token?.tokenUnits ?? null,
    };
    if (!kept) continue;
    if (rows.some((row) => row.state === 'signed')) signed.push(kept);
    else unsigned.push(kept);
  }
  return { nonces: byNonce.size, signed: sum(signed), unsigned: sum(unsigned) };
}

/**
 * Records that a transaction that is not ours used one of the wallet's nonces, for good. False when it may be of the signer's
 * lost store.
 */
export async function stopWallet(
  db: EntityManager,
  walletId: string,
  nonce: number,
  foreignTransaction: string,
  nowMs: number,
): Promise<boolean> {
  const wallet = await lockedWallet(db, walletId);
  if (wallet && nonce < wallet.restoredNonce) return false;
  if (!wallet || wallet.foreignTransaction !== null) return true;
  await db.update(EthereumWallet, { walletId }, { foreignTransaction, stoppedAtMs: nowMs });
  return true;
}

/** Other signed transactions at the nonce of this one. */
export async function signedSiblings(
  db: EntityManager,
  transactionKey: string,
): Promise<readonly EthereumTransaction[]> {
  const all = await atSameNonce(db, transactionKey);
  return all.filter((row) => row.state === 'signed' && row.transactionKey !== transactionKey);
}

function lockedWallet(db: EntityManager, walletId: string): Promise<EthereumWallet | null> {
  const select = db
    .createQueryBuilder(EthereumWallet, 'wallet')
    .where('wallet.walletId = :walletId', { walletId });
  return forUpdate(db, select).getOne();
}

/** The lowest nonce that is not signed: nobody but a holder of the key can have used it, or a later one. */
async function firstUnsigned(db: EntityManager, wallet: EthereumWallet): Promise<number> {
  const lastSigned = await highestSignedNonce(db, wallet.walletId);
  if (lastSigned !== null) return lastSigned + 1;
  const taken = await db.find(EthereumNonce, {
    select: { nonce: true },
    where: { walletId: wallet.walletId },
    order: { nonce: 'ASC' },
    take: 1,
  });
  return Math.min(wallet.nextNonce, taken[0]?.nonce ?? wallet.nextNonce);
}

/** The highest nonce that a signature is known of. */
export async function highestSignedNonce(db: EntityManager, walletId: string): Promise<number | null> {
  const [row] = await db.find(EthereumTransaction, {
    select: { nonce: true },
    where: { walletId, state: 'signed' },
    order: { nonce: 'DESC' },
    take: 1,
  });
  return row?.nonce ?? null;
}

/** While later plans are being given back one after the other, nonces above the next may still be taken. */
export async function lowestFree(db: EntityManager, walletId: string, from: number): Promise<number> {
  const later = await db.find(EthereumNonce, {
    select: { nonce: true },
    where: { walletId, nonce: MoreThanOrEqual(from) },
    order: { nonce: 'ASC' },
  });
  let free = from;
  for (const { nonce } of later) {
    if (nonce !== free) break;
    free += 1;
  }
  return free;
}

export async function insertPlan(
  db: EntityManager,
  wallet: EthereumWallet,
  plan: EthereumPlan,
  replaces: string | null,
): Promise<string> {
  const { walletId } = wallet;
  const plansMade = wallet.plansMade + 1;
  const transactionKey = `eth.${walletId}.${plan.nonce}.${plansMade}`;
  const { movement } = plan;
  await db.insert(EthereumTransaction, {
    transactionKey,
    walletId,
    nonce: plan.nonce,
    state: 'unsigned',
    replaces,
    transactionId: null,
    plan: planText(plan),
    outflowWei: weiSentBy(movement) + maxFeeOf(plan),
    token: movement.kind === 'erc20' ? movement.contract.toLowerCase() : null,
    tokenUnits: movement.kind === 'erc20' ? movement.amountUnits : null,
  });
  await db.update(EthereumWallet, { walletId }, { plansMade });
  wallet.plansMade = plansMade;
  return transactionKey;
}

function sum(rows: readonly EthereumTransaction[]): Outflow {
  const tokens = new Map<string, bigint>();
  let total = 0n;
  for (const { outflowWei, token, tokenUnits } of rows) {
    total += outflowWei;
    if (token !== null) tokens.set(token, (tokens.get(token) ?? 0n) + (tokenUnits ?? 0n));
  }
  return { wei: total, tokens };
}
