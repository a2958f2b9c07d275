// What a kind of plain condition has to say of itself. A new kind is one entry of the table and one key of the document's
// schema.

import type { z } from 'zod';
import type { ScreeningResult } from '../../facts/fact.js';
import type { Page, Path } from '../page.js';
import type { PlainCondition, PlainConditionOf, PlainKind, PolicyAsset, Situation } from '../types.js';
import type { Answer } from './answer.js';

/** How each kind is written in a document. */
export interface PlainTexts {
  readonly asset: string;
  readonly 'amount-at-most': string;
  readonly 'amount-above': string;
  readonly 'destination-in': readonly string[];
  readonly 'requester-in': readonly string[];
  readonly 'customer-in': readonly string[];
  readonly 'wallet-in': readonly string[];
  readonly 'tier-in': readonly string[];
  readonly 'chain-in': readonly string[];
  readonly 'risk-score-at-most': number;
  readonly 'risk-score-above': number;
  readonly 'screening-in': readonly ScreeningResult[];
  readonly 'share-of-balance-at-most': string;
  readonly 'hot-share-at-most': string;
  readonly 'kind-in': readonly string[];
  readonly 'to-own-tier-in': readonly string[];
  readonly 'fee-at-most': string;
  readonly 'fee-share-at-most': string;
  readonly 'within-hours': HoursText;
  readonly 'first-use': YesOrNoText;
  readonly 'look-alike': YesOrNoText;
  readonly whitelisted: YesOrNoText;
  readonly 'whitelist-label-in': readonly string[];
  readonly 'whitelist-entry-in': readonly string[];
  readonly 'whitelist-age-at-least': string;
}

export type YesOrNoText = 'yes' | 'no';

export type Day = 'mon' | 'tue' | 'wed' | 'thu' | 'fri' | 'sat' | 'sun';

export interface HoursText {
  readonly from: string;
  readonly to: string;
  /** On which it begins; all of them where none is named. */
  readonly days?: readonly Day[] | undefined;
  readonly zone: string;
}

/** Where a condition stands. */
export interface Place {
  readonly page: Page;
  readonly path: Path;
  /** The asset that the conditions around it are about, if they name one. */
  readonly asset: PolicyAsset | undefined;
}

/** `known`: what only whoever decides knows. `own-addresses`: which addresses the own wallets have. */
export type Asked = 'known' | 'own-addresses';

export interface ConditionKind<K extends PlainKind> {
  /** What has to be found out for it; absent where request, bytes and document say all. */
  readonly asks?: Asked;
  readonly schema: z.ZodType<PlainTexts[K]>;
  /** From its text. Hostile; refuses by `malformed`. */
  readonly read: (written: PlainTexts[K], place: Place) => PlainConditionOf<K>;
  /** Of a situation in its one spelling. Asked of every rule for every transfer: nothing is put together here. */
  readonly holds: (condition: PlainConditionOf<K>, situation: Situation) => Answer;
  /** The subject of the fact without which it is not known; absent, or undefined, where it needs none. */
  readonly needs?: (condition: PlainConditionOf<K>, situation: Situation) => string | undefined;
  /** What stands behind its name and a colon, as a person reads it in the document. */
  readonly words: (condition: PlainConditionOf<K>) => string;
  /** Whoever meets `given` meets this one. `false` means that it does not know. */
  readonly followsFrom: (condition: PlainConditionOf<K>, given: PlainCondition) => boolean;
  /**
   * What is known where this one is known not to hold, beside what is known anyway; absent, or undefined, where that is nothing
   * that a condition says. `never`: it always holds.
   */
  readonly otherwise?: (
    condition: PlainConditionOf<K>,
    known: readonly PlainCondition[],
  ) => PlainCondition | 'never' | undefined;
  /** Nobody meets both; asked of each of the two. `false` means that it does not know. */
  readonly excludes: (condition: PlainConditionOf<K>, other: PlainCondition) => boolean;
}

/** Plain conditions as they stand together in a document, for all of which hold. */
export type PlainConditionsText = { readonly [K in PlainKind]?: PlainTexts[K] | undefined };
