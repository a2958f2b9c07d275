// The typed form of policies, what a policy is asked, and what it answers. Parsing is parse.ts, deciding is decide.ts.

import type { Currency } from '../facts/fact.js';
import type { KnownFacts } from '../facts/verify.js';
import type { Facts } from '../fault.js';
import type { ClassCounts } from '../governance/credential-class.js';
import type { Tier } from '../governance/entry.js';
import type { TransferKind } from '../statements/fields.js';
import type { Span } from './counter.js';
import type { Pin } from './pins.js';

/** Asset of a policy: a registered symbol on one chain, resolved to base units when the policy is parsed. */
export interface PolicyAsset {
  readonly chain: string;
  /** `native`, or the contract in lower case. */
  readonly contract: string;
  readonly symbol: string;
  readonly decimals: number;
}

/** Base units of the asset, which has to be the one that moves. */
interface AmountBound {
  readonly asset: PolicyAsset;
  readonly amount: bigint;
}

/** How what an amount is worth is found: the decimals of each asset that can be asked about, by `chain/contract`. */
export interface Worth {
  readonly currency: Currency;
  readonly decimals: ReadonlyMap<string, number>;
}

/** On what moves, whatever the asset; in cents. */
export interface ValueBound {
  readonly worth: Worth;
  readonly cents: bigint;
}

/** In hundredths of a percent. */
interface Share {
  readonly basisPoints: bigint;
}

/** Addresses of destinations are in their one spelling: those of Ethereum in lower case. */
interface NamesList {
  readonly names: ReadonlySet<string>;
}

/** Whether what the condition asks has to be so, or has not to be so. */
interface YesOrNo {
  readonly wanted: boolean;
}

/** What a condition of each kind says, of those that have no others in them. What it means stands in conditions/. */
interface PlainConditions {
  readonly asset: { readonly asset: PolicyAsset };
  readonly 'amount-at-most': AmountBound | ValueBound;
  readonly 'amount-above': AmountBound | ValueBound;
  readonly 'destination-in': NamesList;
  readonly 'requester-in': NamesList;
  readonly 'customer-in': NamesList;
  readonly 'wallet-in': NamesList;
  readonly 'tier-in': NamesList;
  readonly 'chain-in': NamesList;
  readonly 'risk-score-at-most': { readonly score: number };
  readonly 'risk-score-above': { readonly score: number };
  readonly 'screening-in': { readonly results: ReadonlySet<string> };
  readonly 'share-of-balance-at-most': Share;
  readonly 'hot-share-at-most': Share;
  readonly 'kind-in': NamesList;
  readonly 'to-own-tier-in': NamesList;
  /** Base units of the coin of one chain. */
  readonly 'fee-at-most': { readonly coin: PolicyAsset; readonly fee: bigint };
  /** In hundredths of a percent of what moves in the chain's coin. */
  readonly 'fee-share-at-most': { readonly basisPoints: bigint };
  /**
   * Whole minutes of a week that begins on Monday at 00:00 UTC, each from the first up to the second, by rising minutes, apart
   * from each other. `written` is how the document says it.
   */
  readonly 'within-hours': {
    readonly minutes: readonly (readonly [from: number, to: number])[];
    readonly written: string;
  };
  readonly 'first-use': YesOrNo;
  readonly 'look-alike': YesOrNo;
  readonly whitelisted: YesOrNo;
  readonly 'whitelist-label-in': NamesList;
  readonly 'whitelist-entry-in': NamesList;
  readonly 'whitelist-age-at-least': { readonly ageMs: number };
}

export type PlainKind = keyof PlainConditions;
export type PlainConditionOf<K extends PlainKind> = {
  readonly [P in K]: { readonly kind: P } & PlainConditions[P];
}[K];

/** A condition that has no others in it. */
export type PlainCondition = PlainConditionOf<PlainKind>;

export type Condition =
  | PlainCondition
  /** `any-of`: all conditions of at least one branch hold. `none-of`: of no branch do all hold. */
  | { readonly kind: 'any-of' | 'none-of'; readonly branches: readonly (readonly PlainCondition[])[] };

/**
 * Approvals of `quorum` distinct persons of `group`. Several requirements must all be met, and not by the same persons' double
 * count; where they belong to several alternatives, those of one of them.
 */
export interface ApprovalRequirement {
  readonly group: string;
  readonly quorum: number;
  /** Persons who do not count for this one, though they are of the group. */
  readonly except?: readonly string[];
  /** Groups whose members do not count for this one. */
  readonly notMembersOf?: readonly string[];
  /** At least so many of them approve with each of these classes of credentials. Absent: with any. */
  readonly with?: ClassCounts;
  /** Which alternative this belongs to, from 0. Absent where there is only one. */
  readonly alternative?: number;
  /** Which step of its alternative this belongs to, from 0; each is met before the next begins. Absent where there is only one. */
  readonly step?: number;
}

export type Effect =
  | { readonly kind: 'allow'; readonly holdMs?: number }
  /** `holdMs`: how long the signer waits, by time that it measured, once everything else is in place. Absent where it does not. */
  | {
      readonly kind: 'approve';
      readonly requirements: readonly ApprovalRequirement[];
      readonly holdMs?: number;
    }
  | { readonly kind: 'refuse' };

export interface Rule {
  readonly id: string;
  /** All of them must hold. Without one, the rule only names what is refused anyway. */
  readonly when: readonly Condition[];
  readonly effect: Effect;
  /** Charged by what this rule decides, beside those of the documents. Absent where it has none; a rule that refuses has none. */
  readonly limits?: readonly Limit[];
}

/** `rule`: one counter for all that a rule lets pass. `global`: one for all that a document's limit is charged by. */
export type LimitScope =
  | 'wallet'
  | 'tier'
  | 'asset'
  | 'destination'
  | 'customer'
  | 'requester'
  | 'global'
  | 'rule';

export interface Limit extends Span {
  /** Document name and limit id, `hot-bitcoin/day`; in a rule, `hot-bitcoin/small/day`. Unique in a policy set. */
  readonly id: string;
  readonly scope: LimitScope;
  /**
   * What is limited: base units of one asset, cents of whatever asset, or the number of transfers. A share is of what the wallet
   * holds of the asset, and counts base units of it.
   */
  readonly measure:
    | { readonly kind: 'amount'; readonly asset: PolicyAsset; readonly max: bigint }
    | ({ readonly kind: 'share'; readonly asset: PolicyAsset } & Share)
    | { readonly kind: 'value'; readonly worth: Worth; readonly max: bigint }
    | { readonly kind: 'count'; readonly max: bigint };
}

export interface FeeCaps {
  /** Base units of the chain's coin, for one transaction. */
  readonly absoluteMax: bigint;
  /**
   * Of the amount moved in the chain's coin, in hundredths of a percent: 500 is 5 %. Transfers of a token have no common
   * unit with the fee; for them only the absolute cap and the transfer's own ceiling hold.
   */
  readonly relativeMaxBasisPoints: bigint;
}

export interface Policy {
  readonly name: string;
  readonly appliesTo:
    | { readonly kind: 'wallets'; readonly wallets: readonly string[] }
    | { readonly kind: 'tier'; readonly tier: Tier }
    | { readonly kind: 'everything' };
  /** Absent only for documents that apply to everything: those hold limits, and rules that refuse. */
  readonly feeCaps?: FeeCaps;
  readonly limits: readonly Limit[];
  readonly rules: readonly Rule[];
}

export interface PolicySet {
  readonly hash: string;
  readonly policies: readonly Policy[];
}

/** An entry of the whitelist that names a destination. */
export interface WhitelistKnown {
  readonly entryId: string;
  readonly label: string;
  /** Time that passed, as whoever decides measured it, since the entry took effect. */
  readonly ageMs: number;
}

/** What whoever decides knows besides the request, the bytes and the governance log: a verifier can only take it on trust. */
export interface Known {
  /** By which hours and days are told; undefined when whoever decides does not know what time it is. */
  readonly atMs: number | undefined;
  /** Nothing of this wallet that pays this destination was ever signed. */
  readonly firstUse: boolean;
  /** The address known before that this one could be taken for. */
  readonly lookAlikeOf: string | undefined;
  readonly whitelist: WhitelistKnown | undefined;
}

/** What a policy is asked about: facts decoded from bytes and a verified request, never descriptions. */
export interface Situation {
  readonly wallet: string;
  readonly tier: Tier;
  readonly chain: string;
  /** `native`, or the contract in lower case. */
  readonly contract: string;
  readonly amount: bigint;
  readonly destination: string;
  readonly requester: string;
  readonly customer: string;
  readonly kind: TransferKind;
  /** What the request lets it cost at most, in base units of the chain's coin; what it does cost is never more. */
  readonly feeCeiling: bigint;
  /** The tier of the wallet of this deployment that it goes to; undefined when it leaves the house. */
  readonly toTier: Tier | undefined;
  /** Undefined where nobody knows: then a condition on it refuses. */
  readonly known: Known | undefined;
  /** What watchers say about it; without it, nothing is known. */
  readonly facts?: KnownFacts;
  /** What the token's contract has to be; absent and empty where a chain's own coin moves. */
  readonly pins?: readonly Pin[];
}

/** One counter that a transfer consumes. */
export interface LimitCharge extends Span {
  readonly limitId: string;
  /** What the scope resolved to, e.g. the wallet or the customer; one counter per limit and key. */
  readonly key: string;
  readonly amount: bigint;
  readonly max: bigint;
}

/** How much of a counter is used up in its window as of now. The caller owns the counters. */
export type LimitUsage = (charge: LimitCharge) => bigint;

export interface LimitEffect extends LimitCharge {
  readonly usedBefore: bigint;
  readonly usedAfter: bigint;
}

export type PolicyRefusalCode =
  | 'policy-no-match'
  | 'policy-refused'
  | 'policy-error'
  | 'limit-exceeded'
  /** Without that fact, or as long as sources say different things, a rule or limit cannot be told to let it pass. */
  | 'fact-missing'
  | 'facts-disagree'
  /** The contract of the token is not what governance registered. */
  | 'token-changed';

export type Decision =
  | {
      readonly kind: 'allow' | 'approve';
      /** `document/rule`. */
      readonly rule: string;
      readonly policyHash: string;
      /** Empty for `allow`, never empty for `approve`. */
      readonly requirements: readonly ApprovalRequirement[];
      /** How long it still has to wait then; absent where it has not. */
      readonly holdMs?: number;
      readonly limits: readonly LimitEffect[];
      readonly feeCaps: FeeCaps;
    }
  | {
      readonly kind: 'refuse';
      readonly code: PolicyRefusalCode;
      readonly rule: string | undefined;
      readonly policyHash: string;
      readonly facts: Facts;
    };
