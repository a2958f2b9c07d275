// Conditions on what watchers say of the destination, of the wallet's balance, and of how much lies in hot wallets.

import { z } from 'zod';
import { screeningResult } from '../../facts/fact.js';
import { EMPTY, percentage } from '../document-fields.js';
import { distinct, malformed } from '../page.js';
import { basisPointsOf, shareWords, WHOLE_BASIS_POINTS } from '../shares.js';
import { balanceSubject, hotShareSubject, saidOf, screeningSubject, unanimous } from './answer.js';
import type { ConditionKind } from './kind.js';

const HIGHEST_RISK = 100;
const riskScore = z.int('a risk is a whole number from 0 to 100').min(0).max(HIGHEST_RISK);

export const riskScoreAtMost: ConditionKind<'risk-score-at-most'> = {
  schema: riskScore,
  read: (score) => ({ kind: 'risk-score-at-most', score }),
  holds: ({ score }, situation) =>
    unanimous(saidOf(situation, screeningSubject(situation), 'screening'), (said) => said.riskScore <= score),
  needs: (_, situation) => screeningSubject(situation),
  words: ({ score }) => `${score}`,
  followsFrom: ({ score }, given) => given.kind === 'risk-score-at-most' && given.score <= score,
  otherwise: ({ score }) => (score < HIGHEST_RISK ? { kind: 'risk-score-above', score } : 'never'),
  excludes: ({ score }, other) => other.kind === 'risk-score-above' && other.score >= score,
};

export const riskScoreAbove: ConditionKind<'risk-score-above'> = {
  schema: riskScore,
  read: (score, { page, path }) =>
    score < HIGHEST_RISK
      ? { kind: 'risk-score-above', score }
      : malformed(page, path, 'no risk is above 100'),
  holds: ({ score }, situation) =>
    unanimous(saidOf(situation, screeningSubject(situation), 'screening'), (said) => said.riskScore > score),
  needs: (_, situation) => screeningSubject(situation),
  words: ({ score }) => `${score}`,
  followsFrom: ({ score }, given) => given.kind === 'risk-score-above' && given.score >= score,
  otherwise: ({ score }) => ({ kind: 'risk-score-at-most', score }),
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
  otherwise: ({ results }, known) => {
    const before = known.findLast((one) => one.kind === 'screening-in');
    const possible: Iterable<string> = before?.results ?? screeningResult.options;
    const left = new Set([...possible].filter((result) => !results.has(result)));
    return left.size > 0 ? { kind: 'screening-in', results: left } : 'never';
  },
  excludes: ({ results }, other) =>
    other.kind === 'screening-in' && ![...other.results].some((result) => results.has(result)),
};

/** Of what the wallet holds of the asset that moves; of nothing, an amount is no share at all. */
export const shareOfBalanceAtMost: ConditionKind<'share-of-balance-at-most'> = {
  schema: percentage,
  read: (text, place) => ({
    kind: 'share-of-balance-at-most',
    basisPoints: basisPointsOf(place.page, place.path, text),
  }),
  holds: ({ basisPoints }, situation) =>
    unanimous(
      saidOf(situation, balanceSubject(situation), 'balance'),
      ({ amount }) => situation.amount * WHOLE_BASIS_POINTS <= BigInt(amount) * basisPoints,
    ),
  needs: (_, situation) => balanceSubject(situation),
  words: ({ basisPoints }) => shareWords(basisPoints),
  followsFrom: ({ basisPoints }, given) =>
    given.kind === 'share-of-balance-at-most' && given.basisPoints <= basisPoints,
  excludes: () => false,
};

export const hotShareAtMost: ConditionKind<'hot-share-at-most'> = {
  schema: percentage,
  read: (text, place) => ({
    kind: 'hot-share-at-most',
    basisPoints: basisPointsOf(place.page, place.path, text),
  }),
  holds: ({ basisPoints }, situation) =>
    unanimous(
      saidOf(situation, hotShareSubject(situation), 'hot-share'),
      (said) => BigInt(said.basisPoints) <= basisPoints,
    ),
  needs: (_, situation) => hotShareSubject(situation),
  words: ({ basisPoints }) => shareWords(basisPoints),
  followsFrom: ({ basisPoints }, given) =>
    given.kind === 'hot-share-at-most' && given.basisPoints <= basisPoints,
  // No share is above all of it.
  otherwise: ({ basisPoints }) => (basisPoints >= WHOLE_BASIS_POINTS ? 'never' : undefined),
  excludes: () => false,
};
