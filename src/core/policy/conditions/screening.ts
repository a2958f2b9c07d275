// Conditions on what watchers say of the destination, of the wallet's balance, and of how much lies in hot wallets.

import { z } from 'zod';
import { screeningResult } from '../../facts/fact.js';
import { parseUnits } from '../../money/amount.js';
import { EMPTY, percentage } from '../document-fields.js';
import { malformed } from '../page.js';
import type { PlainConditionOf } from '../types.js';
import { balanceSubject, hotShareSubject, saidOf, screeningSubject, unanimous } from './answer.js';
import type { ConditionKind, Place } from './kind.js';
import { distinct } from '../page.js';

const WHOLE_BASIS_POINTS = 10_000n;
const riskScore = z.int('a risk is a whole number from 0 to 100').min(0).max(100);

export const riskScoreAtMost: ConditionKind<'risk-score-at-most'> = {
  schema: riskScore,
  read: (score) => ({ kind: 'risk-score-at-most', score }),
  holds: ({ score }, situation) =>
    unanimous(saidOf(situation, screeningSubject(situation), 'screening'), (said) => said.riskScore <= score),
  needs: (_, situation) => screeningSubject(situation),
  words: ({ score }) => `${score}`,
  followsFrom: ({ score }, given) => given.kind === 'risk-score-at-most' && given.score <= score,
  excludes: ({ score }, other) => other.kind === 'risk-score-above' && other.score >= score,
};

export const riskScoreAbove: ConditionKind<'risk-score-above'> = {
  schema: riskScore,
  read: (score, { page, path }) =>
    score < 100 ? { kind: 'risk-score-above', score } : malformed(page, path, 'no risk is above 100'),
  holds: ({ score }, situation) =>
    unanimous(saidOf(situation, screeningSubject(situation), 'screening'), (said) => said.riskScore > score),
  needs: (_, situation) => screeningSubject(situation),
  words: ({ score }) => `${score}`,
  followsFrom: ({ score }, given) => given.kind === 'risk-score-above' && given.score >= score,
  excludes: ({ score }, other) => other.kind === 'risk-score-at-most' && score >= other.score,
};

export const screeningIn: ConditionKind<'screening-in'> = {
  schema: z
    .array(z.enum(screeningResult.options, 'a result is clear, flagged or blocked'))
    .min(1, EMPTY)
    .max(3),
  read: (results, { page, path }) => {
    distinct(page, path, results);
    return { kind: 'screening-in', results: new Set<string>(results) };
  },
  holds: ({ results }, situation) =>
    unanimous(saidOf(situation, screeningSubject(situation), 'screening'), (said) =>
      results.has(said.result),
    ),
  needs: (_, situation) => screeningSubject(situation),
  words: ({ results }) => [...results].join(', '),
  followsFrom: ({ results }, given) =>
    given.kind === 'screening-in' && [...given.results].every((result) => results.has(result)),
  excludes: ({ results }, other) =>
    other.kind === 'screening-in' && ![...other.results].some((result) => results.has(result)),
};

function shareOf(text: string, { page, path }: Place): bigint {
  const basisPoints = parseUnits(text.slice(0, -1), 2);
  return basisPoints >= 1n && basisPoints <= WHOLE_BASIS_POINTS
    ? basisPoints
    : malformed(page, path, 'must be more than 0% and at most 100%');
}

function shareWords({ basisPoints }: PlainConditionOf<'share-of-balance-at-most'>): string {
  const [whole, fraction] = [basisPoints / 100n, (basisPoints % 100n).toString().padStart(2, '0')];
  return `${whole}${fraction === '00' ? '' : `.${fraction.replace(/0$/, '')}`}%`;
}

/** Of what the wallet holds of the asset that moves; of nothing, an amount is no share at all. */
export const shareOfBalanceAtMost: ConditionKind<'share-of-balance-at-most'> = {
  schema: percentage,
  read: (text, place) => ({ kind: 'share-of-balance-at-most', basisPoints: shareOf(text, place) }),
  holds: ({ basisPoints }, situation) =>
    unanimous(
      saidOf(situation, balanceSubject(situation), 'balance'),
      ({ amount }) => situation.amount * WHOLE_BASIS_POINTS <= BigInt(amount) * basisPoints,
    ),
  needs: (_, situation) => balanceSubject(situation),
  words: shareWords,
  followsFrom: ({ basisPoints }, given) =>
    given.kind === 'share-of-balance-at-most' && given.basisPoints <= basisPoints,
  excludes: () => false,
};

export const hotShareAtMost: ConditionKind<'hot-share-at-most'> = {
  schema: percentage,
  read: (text, place) => ({ kind: 'hot-share-at-most', basisPoints: shareOf(text, place) }),
  holds: ({ basisPoints }, situation) =>
    unanimous(
      saidOf(situation, hotShareSubject(situation), 'hot-share'),
      (said) => BigInt(said.basisPoints) <= basisPoints,
    ),
  needs: (_, situation) => hotShareSubject(situation),
  words: ({ basisPoints }) => shareWords({ kind: 'share-of-balance-at-most', basisPoints }),
  followsFrom: ({ basisPoints }, given) =>
    given.kind === 'hot-share-at-most' && given.basisPoints <= basisPoints,
  excludes: () => false,
};
