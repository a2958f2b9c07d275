// What the transfer pipeline asks of a chain: plan, build, broadcast, observe. One driver a family, bitcoin and ethereum.
// A driver does NOT decide anything about a transfer's state and never talks to the signer.

import type { EntityManager } from 'typeorm';
import type { Wallet } from '../../core/governance/entry.js';
import type { FeeCaps } from '../../core/policy/types.js';
import type { RestoredWallet } from '../../core/recovery/restore.js';
import type { RequestStatement } from '../../core/statements/request.js';

/** One transfer to be paid, as its signed request says. */
export interface Payable {
  readonly transferId: string;
  readonly request: RequestStatement;
  /** Of the policy's decision on it. Of several transfers in one transaction the strictest caps hold. */
  readonly feeCaps: FeeCaps;
}

/** A driver looks at so many of the payables that it is offered, at least; the others may wait for another look. */
export const PAYABLES_EXAMINED = 32;

/** What the pipeline keeps of a planned transaction, on either chain. */
export interface PlannedTransaction {
  readonly transactionKey: string;
  readonly walletId: string;
  readonly chain: string;
  /** Payables in it, a subset of those offered; empty only for a cancel. */
  readonly transferIds: readonly string[];
  /** The transaction that this one replaces, if any. */
  readonly replaces: string | undefined;
  /** Family-specific plan, JSON text: inputs and outputs, or nonce, gas and fees. Enough to build the bytes again. */
  readonly plan: string;
  /** The most that it can cost, in base units of the chain's coin. */
  readonly maxFee: bigint;
}

export type ReserveResult =
  | { readonly kind: 'planned'; readonly transaction: PlannedTransaction }
  /** Nothing can be planned now; the transfers stay where they are and are tried again. */
  | {
      readonly kind: 'wait';
      readonly reason:
        | 'insufficient-funds'
        | 'fee-above-ceiling'
        | 'node-behind'
        | 'too-many-unconfirmed'
        /** A replacement would make a signed transaction impossible that spends the replaced one's change. */
        | 'has-descendants'
        | 'nothing-to-pay';
    }
  /** These transfers can never be paid (amount below dust, for example); others may go on. */
  | { readonly kind: 'impossible'; readonly transferIds: readonly string[]; readonly reason: string };

export type CancelResult =
  | { readonly kind: 'planned'; readonly transaction: PlannedTransaction }
  /** Not today: fees, a node that is behind, a plan that is just being signed. */
  | { readonly kind: 'wait'; readonly reason: string }
  /** What it would have to spend is gone, or is held by something else that was signed. */
  | { readonly kind: 'impossible'; readonly reason: string };

export interface RestoreFacts {
  readonly wallet: RestoredWallet;
  /** Null on Bitcoin, and when none is known. */
  readonly highestSignedNonce: number | null;
}

export type RefreshResult =
  | { readonly kind: 'other-wallet'; readonly reason: string }
  | {
      readonly kind: 'done';
      readonly planned: readonly PlannedTransaction[];
      /** Coins or nonces that something uses up which is not decided yet. */
      readonly underWay: number;
      readonly remaining: number;
      /** Why some remain. */
      readonly reason: string | undefined;
    };

/** Unsigned bytes as the signer takes them. */
export type UnsignedTransaction =
  | { readonly kind: 'psbt'; readonly base64: string }
  | { readonly kind: 'eip1559'; readonly hex: string };

export type BroadcastResult =
  | { readonly kind: 'accepted' }
  | { readonly kind: 'already-known' }
  /** The node refused it for good as things stand; the transaction is signed and stays spendable. */
  | { readonly kind: 'rejected'; readonly reason: string }
  /** No node gave an answer that can be relied on; try again. */
  | { readonly kind: 'unreachable'; readonly reason: string };

/**
 * `final`: deep enough to be told as the end. `buried`: so deep that no reorganisation that is followed reaches it, and
 * nobody looks at it again; only what is final can be buried.
 */
export type Observation =
  | { readonly kind: 'unseen' }
  | { readonly kind: 'pending' }
  | {
      readonly kind: 'mined';
      readonly blockHash: string;
      readonly blockHeight: number;
      readonly confirmations: number;
      readonly final: boolean;
      readonly buried: boolean;
      readonly feePaid: bigint;
    }
  /** Mined and final, but it did not do what it should (status 0, no matching Transfer log). Only the fee was spent, or what `lost` says. */
  | {
      readonly kind: 'failed';
      readonly blockHash: string;
      readonly blockHeight: number;
      readonly final: boolean;
      readonly buried: boolean;
      readonly feePaid: bigint;
      readonly reason: string;
    }
  /** Another transaction that spends an input or the nonce of this one is in the chain, in this block. */
  | {
      readonly kind: 'conflicted';
      readonly by: string;
      readonly blockHash: string;
      readonly blockHeight: number;
      readonly final: boolean;
      readonly buried: boolean;
    }
  | { readonly kind: 'unknown'; readonly reason: string };

/** A signed transaction that is to be followed. */
export interface SignedTransaction {
  readonly transactionKey: string;
  readonly walletId: string;
  readonly chain: string;
  readonly transactionId: string;
  readonly signedHex: string;
  readonly plan: string;
  /**
   * The block in which it, or what it is in conflict with, was seen last. Only a chain that has another block there says
   * that it is there no more; a node that is behind, or forgetful, does not.
   */
  readonly seenIn?: BlockPlace | undefined;
}

export interface BlockPlace {
  readonly blockHash: string;
  readonly blockHeight: number;
}

/** What a wallet holds of one asset, in base units. */
export interface WalletBalance {
  /** `native`, or the token's contract as registered. */
  readonly contract: string;
  readonly symbol: string;
  readonly decimals: number;
  /** Confirmed, less what pending transactions spend. */
  readonly available: bigint;
  /** Incoming that is not deep enough yet, change of the wallet's own transactions included. */
  readonly pending: bigint;
  /** Held by plans that are not broadcast yet; part of neither of the others. */
  readonly reserved: bigint;
}

/** One node that a driver asks, for people to look at. Its URL is not shown: it may hold a key. */
export interface NodeReport {
  readonly chain: string;
  /** As the configuration names it, or host and port. */
  readonly node: string;
  readonly healthy: boolean;
  /** Its newest block; null when it does not say. */
  readonly height: number | null;
  /** What ails it, or how far the driver lags behind it; null when there is nothing to say. */
  readonly detail: string | null;
}

/** `Outlook` is what the driver read from its nodes before a reservation: fee rates, tip, account state. Opaque to the pipeline. */
export interface ChainDriver<Outlook = unknown> {
  readonly family: 'bitcoin' | 'ethereum';
  /**
   * Network reads for a reservation (or a replacement) of these payables, outside any database transaction. What is not
   * among them cannot be planned from the answer. Throws Fault `chain-unavailable`.
   */
  outlook(wallet: Wallet, payables: readonly Payable[]): Promise<Outlook>;
  /** Inside the reserving database transaction (the wallet's row is locked): marks inputs or takes the nonce. No network. */
  reserve(
    db: EntityManager,
    wallet: Wallet,
    payables: readonly Payable[],
    outlook: Outlook,
    nowMs: number,
  ): Promise<ReserveResult>;
  /** The unsigned bytes of a plan; the same plan gives the same bytes. No network. */
  build(db: EntityManager, wallet: Wallet, transaction: PlannedTransaction): Promise<UnsignedTransaction>;
  /**
   * Gives back what a plan that was certainly never signed had reserved. Returns the transaction keys of other unsigned
   * plans that this makes invalid (later nonces), which the pipeline then releases too and plans anew. `voided`: the signer
   * may have begun it, and says that it is never signed.
   */
  release(db: EntityManager, transaction: PlannedTransaction, voided?: boolean): Promise<readonly string[]>;
  /** Told once the signer has signed it, in the same database transaction that records it: change outputs, spent inputs. */
  signed(db: EntityManager, transaction: SignedTransaction): Promise<void>;
  broadcast(transaction: SignedTransaction): Promise<BroadcastResult>;
  /** Looks at the nodes (and the driver's own tables). */
  observe(transaction: SignedTransaction): Promise<Observation>;
  /**
   * Plans a replacement of a signed, unmined transaction with higher fees that pays the same transfers: same nonce, or
   * at least one same input. Inside a database transaction.
   */
  replace(
    db: EntityManager,
    wallet: Wallet,
    transaction: SignedTransaction,
    payables: readonly Payable[],
    outlook: Outlook,
  ): Promise<ReserveResult>;
  /** The transaction of a plan as the signer and a burial name it. No network. */
  signerKey(transaction: Pick<PlannedTransaction, 'walletId' | 'plan'>): string;
  /**
   * Plans a payment of the wallet to itself that conflicts with every one of `rivals` and outbids them, at `maxFee` at most.
   * They are all that was or may have been signed for some transfers, oldest first. Inside a database transaction; the
   * wallet's row is locked.
   */
  cancel(
    db: EntityManager,
    wallet: Wallet,
    rivals: readonly PlannedTransaction[],
    maxFee: bigint,
    outlook: Outlook,
  ): Promise<CancelResult>;
  /** Told that a quorum has buried these: what they alone held is free, what their transfers held is held no more. */
  buried(db: EntityManager, dead: readonly PlannedTransaction[]): Promise<void>;
  /** What a restore of the signer needs to know of a wallet. Throws Fault `chain-unavailable`. */
  restoreFacts(wallet: Wallet): Promise<RestoreFacts>;
  /**
   * Plans payments of the wallet to itself that use up what a restore left to be used up, as many as fit now. `abandoned` are
   * unsigned plans that nobody signs any more. Inside a database transaction; the wallet's row is locked.
   */
  refresh(
    db: EntityManager,
    wallet: Wallet,
    restored: RestoredWallet,
    given: { readonly maxFee: bigint; readonly abandoned: readonly PlannedTransaction[] },
    outlook: Outlook,
  ): Promise<RefreshResult>;
  /** For people to look at, never for a decision. Throws Fault `chain-unavailable`. */
  balance?(wallet: Wallet): Promise<readonly WalletBalance[]>;
  /** For the status page. A node that does not answer is reported, not thrown; answers within a few seconds. */
  nodes?(): Promise<readonly NodeReport[]>;
}
