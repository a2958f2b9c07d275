// What the transfer pipeline asks of a chain: plan, build, broadcast, observe. One driver a family, bitcoin and ethereum.
// A driver does NOT decide anything about a transfer's state and never talks to the signer.

import type { EntityManager } from 'typeorm';
import type { Wallet } from '../../core/governance/entry.js';
import type { FeeCaps } from '../../core/policy/types.js';
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
   * plans that this makes invalid (later nonces), which the pipeline then releases too and plans anew.
   */
  release(db: EntityManager, transaction: PlannedTransaction): Promise<readonly string[]>;
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
  /** For people to look at, never for a decision. Throws Fault `chain-unavailable`. */
  balance?(wallet: Wallet): Promise<readonly WalletBalance[]>;
  /** For the status page. A node that does not answer is reported, not thrown; answers within a few seconds. */
  nodes?(): Promise<readonly NodeReport[]>;
}
