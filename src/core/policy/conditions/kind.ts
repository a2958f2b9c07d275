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
}

/** Where a condition stands. */
export interface Place {
  readonly page: Page;
  readonly path: Path;
  /** The asset that the conditions around it are about, if they name one. */
  readonly asset: PolicyAsset | undefined;
}

export interface ConditionKind<K extends PlainKind> {
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
  /** Nobody meets both; asked of each of the two. `false` means that it does not know. */
  readonly excludes: (condition: PlainConditionOf<K>, other: PlainCondition) => boolean;
}

/** Plain conditions as they stand together in a document, for all of which hold. */
export type PlainConditionsText = { readonly [K in PlainKind]?: PlainTexts[K] | undefined };
