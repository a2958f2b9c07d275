// Classes of credentials: what kind of thing proved the person. Quorums of governance and requirements of policies may ask that so
// many approve with each; whether enough of them did is counted by quorum.ts and policy/approvals.ts.

import { z } from 'zod';

export const CREDENTIAL_CLASSES = ['pkcs11', 'device-display', 'passkey'] as const;
export type CredentialClass = (typeof CREDENTIAL_CLASSES)[number];

const WANTED = 'with is a map like { device-display: 1 }';

const count = z.int().min(1, 'a count is at least 1').max(64).exactOptional();

/** At least so many of those who count, by the class that each of them approves or signs with. Never empty. */
export const classCounts = z
  .strictObject(
    {
      pkcs11: count.describe('With a key in a token that has no screen'),
      'device-display': count.describe('With a device that shows what they sign'),
      passkey: count.describe('With a passkey, in a browser'),
    } satisfies Record<CredentialClass, z.ZodType>,
    { error: ({ code }) => (code === 'invalid_type' ? WANTED : undefined) },
  )
  .refine((counts) => Object.keys(counts).length > 0, WANTED)
  .meta({ minProperties: 1 });
export type ClassCounts = z.infer<typeof classCounts>;

/** The classes that persons hold, or those that they approved with. */
export type ClassesOf = ReadonlyMap<string, ReadonlySet<CredentialClass>>;

export const NO_CLASSES: ClassesOf = new Map();

/** Classes with how many each, in one order whatever theirs was. Empty for none. */
export function countsIn(counts: ClassCounts = {}): readonly (readonly [CredentialClass, number])[] {
  return CREDENTIAL_CLASSES.flatMap((one) => {
    const wanted = counts[one] ?? 0;
    return wanted > 0 ? [[one, wanted] as const] : [];
  });
}

/** How many they ask for in all: nobody approves with two. */
export function sumOf(counts: ClassCounts | undefined): number {
  return countsIn(counts).reduce((sum, [, wanted]) => sum + wanted, 0);
}

/** Does `given` ask for no fewer of any class than `wanted`? */
export function asksNoLess(given: ClassCounts | undefined, wanted: ClassCounts | undefined): boolean {
  return countsIn(wanted).every(([one, least]) => (given?.[one] ?? 0) >= least);
}

/** Those of `counts` for which `left` gives more than nothing; undefined where there are none. */
export function countsLeft(
  counts: ClassCounts | undefined,
  left: (one: CredentialClass, wanted: number) => number,
): ClassCounts | undefined {
  const some = countsIn(counts)
    .map(([one, wanted]) => [one, left(one, wanted)] as const)
    .filter(([, still]) => still > 0);
  return some.length === 0 ? undefined : Object.fromEntries(some);
}

const WORDS: Readonly<Record<CredentialClass, string>> = {
  pkcs11: 'a token',
  'device-display': 'a display',
  passkey: 'a passkey',
};

/** What somebody of the class approves with: `a display`. */
export function classWord(one: CredentialClass): string {
  return WORDS[one];
}

/** As a person says it: `1 with a display, 1 with a passkey`. Empty for none. */
export function countWords(counts: ClassCounts | undefined): string {
  return countsIn(counts)
    .map(([one, wanted]) => `${wanted} with ${WORDS[one]}`)
    .join(', ');
}
