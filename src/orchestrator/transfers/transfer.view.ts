// What a person sees of a transfer: plain data, amounts as decimal strings of base units, times in ms since 1970.
// It is made for showing, NOT for deciding: nothing reads a view back.

import type { Facts } from '../../core/fault.js';
import type { Span } from '../../core/policy/counter.js';
import type { ApprovalRequirement } from '../../core/policy/types.js';
import type { AttestedVoid } from '../../core/recovery/void.js';
import type { TransferStatement, Verdict } from '../../core/statements/approval.js';
import type { Asset, TransferKind } from '../../core/statements/fields.js';
import type { SpendableView } from './spendable.js';
import type { TransactionState, TransferState } from './transfer-states.js';

export interface ReasonView {
  readonly code: string;
  readonly facts: Facts;
}

export interface TransitionView {
  readonly sequence: number;
  /** Null for the first one. */
  readonly from: TransferState | null;
  readonly to: TransferState;
  readonly reason: ReasonView;
  readonly atMs: number;
  /** Which process did it, or who asked for it over the API. */
  readonly by: string;
}

export interface TransactionView {
  readonly transactionKey: string;
  readonly state: TransactionState;
  /** Txid or transaction hash, once it is signed. */
  readonly transactionId: string | null;
  /** All transfers that it pays. */
  readonly transferIds: readonly string[];
  /** The transaction that it replaces, by its key. */
  readonly replaces: string | null;
  /** In base units of the chain's coin, for the whole transaction. */
  readonly maxFee: string;
  readonly feePaid: string | null;
  readonly blockHash: string | null;
  readonly blockHeight: number | null;
  readonly confirmations: number;
  readonly plannedAtMs: number;
  readonly signedAtMs: number | null;
  readonly broadcastAtMs: number | null;
  /** Why it is where it is, when that needs saying: a refusal of the signer, a rejection by the node. */
  readonly reason: ReasonView | null;
  /** A decision certificate of the signer can be had for it. */
  readonly certified: boolean;
}

export interface ApprovalView {
  readonly personId: string;
  readonly credentialId: string;
  readonly verdict: Verdict;
  /** Persons whose approvals it names as given before it. */
  readonly after: readonly string[];
  readonly atMs: number;
}

export interface ApprovalsView {
  readonly required: readonly ApprovalRequirement[];
  /** Over the statement as it stands now; those over an earlier one are dropped. */
  readonly given: readonly ApprovalView[];
  /** How many more persons of which group, for each alternative; empty when one is met. */
  readonly missing: readonly ApprovalRequirement[];
  /** What officers sign; null when nobody has to. */
  readonly statement: TransferStatement | null;
  readonly statementDigest: string | null;
}

export interface LimitView extends Span {
  readonly limitId: string;
  /** Whose counter: the wallet, customer, destination, … */
  readonly key: string;
  readonly amount: string;
  readonly usedBefore: string;
  readonly usedAfter: string;
  readonly max: string;
}

/** One line of a list. */
export interface TransferSummary {
  readonly transferId: string;
  readonly requestId: string;
  readonly requestDigest: string;
  readonly state: TransferState;
  /** Why it is in this state. */
  readonly reason: ReasonView;
  /** Why it does not go on by itself at the moment, e.g. `insufficient-funds`. */
  readonly waitingFor: string | null;
  readonly kind: TransferKind;
  readonly chain: string;
  readonly wallet: string;
  readonly asset: Asset;
  readonly amount: string;
  readonly destination: string;
  /** In base units of the chain's coin. */
  readonly feeCeiling: string;
  readonly keyId: string;
  readonly requester: string;
  readonly customer: string;
  readonly receivedAtMs: number;
  readonly updatedAtMs: number;
  readonly expiresAtMs: number;
}

/** Everything about one transfer. */
export interface TransferView extends TransferSummary {
  /** `document/rule` that decided; null before the decision. */
  readonly rule: string | null;
  readonly policyHash: string | null;
  readonly limits: readonly LimitView[];
  readonly approvals: ApprovalsView;
  /** Whether it can still be paid by what was signed for it, whatever its state says. */
  readonly spendable: SpendableView;
  /** The signer's attested word that it is never signed; null until somebody had it. */
  readonly void: AttestedVoid | null;
  readonly transactions: readonly TransactionView[];
  readonly transitions: readonly TransitionView[];
}

export interface TransferFilter {
  readonly state?: TransferState;
  readonly wallet?: string;
  readonly requester?: string;
  /** Only transfers of one of these requesters: what a backend may see. An empty list gives nothing. */
  readonly requesters?: readonly string[];
  readonly customer?: string;
  readonly requestId?: string;
  /** At most 200; 50 unless said. */
  readonly limit?: number;
  /** From an earlier page's `nextCursor`. Opaque. */
  readonly cursor?: string;
}

/** Newest first. */
export interface TransferPage {
  readonly items: readonly TransferSummary[];
  readonly nextCursor: string | null;
}
