// Conditions on what is known of a destination: was it paid before, could it be taken for another one, is it on the
// whitelist, as what and for how long. Whoever decides says so (`Known`); looks.ts says what looks alike.

import { duration, names as identifiers, labels, yesOrNo } from '../document-fields.js';
import { ageOf, durationWords } from '../durations.js';
import type { PlainCondition } from '../types.js';
import type { ConditionKind, YesOrNoText } from './kind.js';
import { knownOf } from './known.js';
import { listed, listing } from './names.js';

type YesOrNo = Extract<PlainCondition, { readonly wanted: boolean }>;

/** The same for each of them: its words, and that `yes` and `no` exclude each other. */
function answering(kind: YesOrNo['kind']): Pick<
  ConditionKind<YesOrNo['kind']>,
  'asks' | 'words' | 'followsFrom' | 'otherwise' | 'excludes'
> & {
  readonly schema: typeof yesOrNo;
} {
  return {
    asks: 'known',
    schema: yesOrNo,
    words: ({ wanted }) => (wanted ? 'yes' : 'no'),
    followsFrom: ({ wanted }, given) => given.kind === kind && 'wanted' in given && given.wanted === wanted,
    otherwise: ({ wanted }) => ({ kind, wanted: !wanted }),
    excludes: ({ wanted }, other) => other.kind === kind && 'wanted' in other && other.wanted !== wanted,
  };
}

const isYes = (written: YesOrNoText) => written === 'yes';

export const firstUse: ConditionKind<'first-use'> = {
  ...answering('first-use'),
  read: (written) => ({ kind: 'first-use', wanted: isYes(written) }),
  holds: ({ wanted }, situation) => knownOf(situation).firstUse === wanted,
};

export const lookAlike: ConditionKind<'look-alike'> = {
  ...answering('look-alike'),
  read: (written) => ({ kind: 'look-alike', wanted: isYes(written) }),
  holds: ({ wanted }, situation) => (knownOf(situation).lookAlikeOf !== undefined) === wanted,
};

/** Those that hold only for what is on the whitelist. */
const OF_THE_WHITELIST: readonly PlainCondition['kind'][] = [
  'whitelist-label-in',
  'whitelist-entry-in',
  'whitelist-age-at-least',
];

const plainWhitelisted = answering('whitelisted');
export const whitelisted: ConditionKind<'whitelisted'> = {
  ...plainWhitelisted,
  read: (written) => ({ kind: 'whitelisted', wanted: isYes(written) }),
  holds: ({ wanted }, situation) => (knownOf(situation).whitelist !== undefined) === wanted,
  followsFrom: (condition, given) =>
    plainWhitelisted.followsFrom(condition, given) ||
    (condition.wanted && OF_THE_WHITELIST.includes(given.kind)),
  excludes: (condition, other) =>
    plainWhitelisted.excludes(condition, other) ||
    (!condition.wanted && OF_THE_WHITELIST.includes(other.kind)),
};

export const whitelistLabelIn: ConditionKind<'whitelist-label-in'> = {
  ...listing('whitelist-label-in'),
  asks: 'known',
  schema: labels,
  read: (written, place) => ({ kind: 'whitelist-label-in', names: listed(written, place) }),
  holds: ({ names }, situation) => {
    const { whitelist } = knownOf(situation);
    return whitelist !== undefined && names.has(whitelist.label);
  },
};

export const whitelistEntryIn: ConditionKind<'whitelist-entry-in'> = {
  ...listing('whitelist-entry-in'),
  asks: 'known',
  schema: identifiers,
  read: (written, place) => ({ kind: 'whitelist-entry-in', names: listed(written, place) }),
  holds: ({ names }, situation) => {
    const { whitelist } = knownOf(situation);
    return whitelist !== undefined && names.has(whitelist.entryId);
  },
};

export const whitelistAgeAtLeast: ConditionKind<'whitelist-age-at-least'> = {
  asks: 'known',
  schema: duration,
  read: (written, { page, path }) => ({
    kind: 'whitelist-age-at-least',
    ageMs: ageOf(page, path, written),
  }),
  holds: ({ ageMs }, situation) => {
    const { whitelist } = knownOf(situation);
    return whitelist !== undefined && whitelist.ageMs >= ageMs;
  },
  words: ({ ageMs }) => durationWords(ageMs),
  followsFrom: ({ ageMs }, given) => given.kind === 'whitelist-age-at-least' && given.ageMs >= ageMs,
  excludes: () => false,
};
