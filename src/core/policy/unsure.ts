// What nobody can tell any more of a past transfer, because no rule of then asked: each way that it may have been is put to a draft.
// Where the draft says the same of all of them, what is not known does not matter.

import type { Condition, Known, PlainCondition, PolicySet, Situation } from './types.js';

/** By the condition that asks for it. Of `whitelist-age-at-least`, what is known is the least that it was. */
export const UNSURE = ['first-use', 'look-alike', 'whitelist-age-at-least'] as const;
export type Unsure = (typeof UNSURE)[number];

/** What a set asks of that. */
export interface Asking {
  readonly kinds: ReadonlySet<PlainCondition['kind']>;
  /** All that it asks of ages. */
  readonly agesMs: readonly number[];
}

function plainIn(when: readonly Condition[]): readonly PlainCondition[] {
  return when.flatMap((condition) => ('branches' in condition ? condition.branches.flat() : [condition]));
}

export function askingOf({ policies }: PolicySet): Asking {
  const all = policies.flatMap(({ rules }) => rules.flatMap(({ when }) => plainIn(when)));
  const agesMs = all.flatMap((one) => (one.kind === 'whitelist-age-at-least' ? [one.ageMs] : []));
  return { kinds: new Set(all.map(({ kind }) => kind)), agesMs: [...new Set(agesMs)] };
}

function waysOf(unsure: Unsure, known: Known, { agesMs }: Asking, { destination }: Situation): Known[] {
  switch (unsure) {
    case 'first-use':
      return [true, false].map((firstUse) => ({ ...known, firstUse }));
    case 'look-alike':
      // Which address it looks like, no condition asks.
      return [undefined, destination].map((lookAlikeOf) => ({ ...known, lookAlikeOf }));
    case 'whitelist-age-at-least': {
      const { whitelist } = known;
      if (!whitelist) return [known];
      const older = agesMs.filter((ageMs) => ageMs > whitelist.ageMs);
      return [known, ...older.map((ageMs) => ({ ...known, whitelist: { ...whitelist, ageMs } }))];
    }
  }
}

/** Every way that it may have been, as far as the set tells them apart: one where all that it asks for is certain. */
export function waysItMayHaveBeen(
  situation: Situation,
  unsure: readonly Unsure[],
  asking: Asking,
): readonly Situation[] {
  const { known } = situation;
  if (!known) return [situation];
  return unsure
    .filter((one) => asking.kinds.has(one))
    .reduce<Known[]>((ways, one) => ways.flatMap((way) => waysOf(one, way, asking, situation)), [known])
    .map((way) => ({ ...situation, known: way }));
}
