// Which rules a transfer can meet, of those that apply to its wallet: one that names destinations, requesters or customers is asked of
// these alone, so that a thousand of them cost no more than those that name the transfer's.
//
// Nothing is decided here. Whatever is left out has a condition that does not hold, and a rule holds only with all of its
// conditions. These conditions are never unknown, and are asked before any that could be or could go wrong (the order of
// conditions/table.ts): to leave such a rule out, and to ask it, come to the same.

import type { Condition, Situation } from './types.js';

const NAMING = {
  'destination-in': 'destination',
  'requester-in': 'requester',
  'customer-in': 'customer',
} as const;
type Field = (typeof NAMING)[keyof typeof NAMING];
const FIELDS: readonly Field[] = Object.values(NAMING);

interface Ruled {
  readonly when: readonly Condition[];
}

interface Placed<R> {
  readonly place: number;
  readonly rule: R;
}

/** Rules in the order in which they are asked, by what they name. Each stands in one of the lists, under each of its names. */
export interface Candidates<R> {
  readonly unnamed: readonly Placed<R>[];
  readonly named: Readonly<Record<Field, ReadonlyMap<string, readonly Placed<R>[]>>>;
}

/** The first condition that names whom the rule is about; undefined where none does. */
function naming({ when }: Ruled): { readonly field: Field; readonly names: ReadonlySet<string> } | undefined {
  for (const condition of when) {
    if (
      condition.kind === 'destination-in' ||
      condition.kind === 'requester-in' ||
      condition.kind === 'customer-in'
    )
      return { field: NAMING[condition.kind], names: condition.names };
  }
  return undefined;
}

/** `rules`: in the order in which they are asked. */
export function candidatesOf<R extends Ruled>(rules: readonly R[]): Candidates<R> {
  const unnamed: Placed<R>[] = [];
  const named = {
    destination: new Map<string, Placed<R>[]>(),
    requester: new Map<string, Placed<R>[]>(),
    customer: new Map<string, Placed<R>[]>(),
  };
  for (const [place, rule] of rules.entries()) {
    const about = naming(rule);
    if (!about) unnamed.push({ place, rule });
    for (const name of about?.names ?? []) {
      const under = about && named[about.field];
      const others = under?.get(name);
      if (others) others.push({ place, rule });
      else under?.set(name, [{ place, rule }]);
    }
  }
  return { unnamed, named };
}

function merged<R>(one: readonly Placed<R>[], other: readonly Placed<R>[]): readonly Placed<R>[] {
  if (one.length === 0) return other;
  if (other.length === 0) return one;
  const all: Placed<R>[] = [];
  let at = 0;
  for (const placed of one) {
    for (let next = other[at]; next && next.place < placed.place; next = other[at]) {
      all.push(next);
      at += 1;
    }
    all.push(placed);
  }
  return [...all, ...other.slice(at)];
}

const NONE: readonly never[] = [];

/** Those that a transfer in its one spelling could meet, in their order. */
export function candidatesFor<R>(
  { unnamed, named }: Candidates<R>,
  situation: Situation,
): readonly Placed<R>[] {
  return FIELDS.reduce<readonly Placed<R>[]>(
    (found, field) => merged(found, named[field].get(situation[field]) ?? NONE),
    unnamed,
  );
}
