// The answer of a policy set to one situation. Total: whatever is missing, unknown or goes wrong refuses. Pure: no
// clock, no counters of its own (the caller says how much of a limit is used, and reserves what a decision charges).
// It does NOT check approvals, fees or signatures: it says which are needed.

import { type Facts, Fault } from '../fault.js';
import { calendarWords } from './calendar.js';
import { type Candidates, candidatesFor, candidatesOf } from './candidates.js';
import { chargeOf, counts, factOf, least, subjectsOfLimit } from './charges.js';
import { isAsset } from './conditions/asset.js';
import type { Asked } from './conditions/kind.js';
import { HOUR, inconsistent } from './conditions/known.js';
import { askedBy, type Test } from './conditions/table.js';
import { firstUnmet, needsOf, quantityWords, spelled, testOfAll, unknownOf, wordsOf } from './conditions.js';
import { durationWords } from './durations.js';
import { flawOfPins } from './pins.js';
import { shareWords } from './shares.js';
import { asksNoLess } from './strictness.js';
import type {
  ApprovalRequirement,
  Decision,
  FeeCaps,
  Limit,
  LimitCharge,
  LimitEffect,
  LimitUsage,
  Policy,
  PolicyRefusalCode,
  PolicySet,
  Rule,
  Situation,
} from './types.js';

/** What holds for a wallet, out of all documents. It depends on the documents alone. */
interface Applying {
  /** In the order in which they are asked. */
  readonly rules: readonly NamedRule[];
  readonly candidates: Candidates<NamedRule>;
  readonly limits: readonly Limit[];
  readonly feeCaps: FeeCaps | undefined;
  readonly asked: ReadonlySet<Asked>;
}

interface NamedRule {
  /** `document/rule`. */
  readonly name: string;
  readonly rule: Rule;
  readonly when: Rule['when'];
  readonly holds: Test;
}

/** What is asked first, then, and last: whatever refuses, wherever it stands; what lets pass; what only names the rest. */
const TURNS: readonly ((rule: Rule) => boolean)[] = [
  ({ effect, when }) => effect.kind === 'refuse' && when.length > 0,
  ({ effect }) => effect.kind !== 'refuse',
  ({ effect, when }) => effect.kind === 'refuse' && when.length === 0,
];

/** The documents whose limits and refusals hold: the wallet's own, its tier's, and those for everything, in this order. */
export function documentsFor(set: PolicySet, { wallet, tier }: AskedWallet): readonly Policy[] {
  const own = set.policies.filter(
    ({ appliesTo }) => appliesTo.kind === 'wallets' && appliesTo.wallets.includes(wallet),
  );
  const tiers = set.policies.filter(({ appliesTo }) => appliesTo.kind === 'tier' && appliesTo.tier === tier);
  return [...own, ...tiers, ...set.policies.filter(({ appliesTo }) => appliesTo.kind === 'everything')];
}

type AskedWallet = Pick<Situation, 'wallet' | 'tier'>;

/** Put together once for each wallet of a set: a thousand rules are not sorted for each transfer. */
const remembered = new WeakMap<PolicySet, Map<string, Applying>>();
const MOST_REMEMBERED = 1_000;

function applying(set: PolicySet, asked: AskedWallet): Applying {
  const byWallet = remembered.get(set) ?? new Map<string, Applying>();
  remembered.set(set, byWallet);
  const name = `${asked.tier}\n${asked.wallet}`;
  const known = byWallet.get(name);
  if (known) return known;
  const policies = documentsFor(set, asked);
  const named = policies.flatMap(({ name: document, rules }) =>
    rules.map((rule) => ({
      name: `${document}/${rule.id}`,
      rule,
      when: rule.when,
      holds: testOfAll(rule.when),
    })),
  );
  const rules = TURNS.flatMap((isNow) => named.filter(({ rule }) => isNow(rule)));
  const found = {
    rules,
    candidates: candidatesOf(rules),
    limits: policies.flatMap(({ limits }) => limits),
    feeCaps: tightestFeeCaps(policies),
    asked: new Set(named.flatMap(({ rule }) => askedBy(rule.when))),
  };
  if (byWallet.size >= MOST_REMEMBERED) byWallet.clear();
  byWallet.set(name, found);
  return found;
}

/** The rule that decides; or one of which it is not known whether it would, and without which no other may. */
type Deciding =
  /** `passed`: those before it that may hold, and were passed over for it. */
  | { readonly kind: 'rule'; readonly match: NamedRule; readonly passed?: readonly NamedRule[] }
  | { readonly kind: 'open'; readonly match: NamedRule; readonly subject: string }
  | { readonly kind: 'none'; readonly match: undefined };

/**
 * A rule that refuses and may hold, refuses. A rule that lets pass and may hold is passed over only for one that asks no
 * less, and counts what passes all the same: nobody gets an easier answer by withholding a fact.
 */
function deciding({ candidates }: Applying, situation: Situation): Deciding {
  let open: NamedRule[] | undefined;
  for (const { rule: named } of candidatesFor(candidates, situation)) {
    const answer = named.holds(situation);
    if (answer === false) continue;
    const refuses = named.rule.effect.kind === 'refuse';
    if (answer === true && !(refuses && open)) {
      const stricter = open?.find((passed) => !asksNoLess(named.rule, passed.rule));
      if (stricter) return openAt(stricter, situation);
      return open ? { kind: 'rule', match: named, passed: open } : { kind: 'rule', match: named };
    }
    if (refuses) return openAt(open?.[0] ?? named, situation);
    open = [...(open ?? []), named];
  }
  const [first] = open ?? [];
  return first ? openAt(first, situation) : { kind: 'none', match: undefined };
}

function openAt(match: NamedRule, situation: Situation): Deciding {
  const subjects = unknownOf(match.rule.when, situation);
  const missing = subjects.find((subject) => !situation.facts?.has(subject));
  // Sources that say different things of a rule which refuses: the stricter one decides.
  if (missing === undefined && match.rule.effect.kind === 'refuse') return { kind: 'rule', match };
  return { kind: 'open', match, subject: missing ?? subjects[0] ?? inconsistent('an answer is missing') };
}

/** Subjects of the facts that the rules and limits for a transfer could need. */
export function factsFor(set: PolicySet, asked: Situation): readonly string[] {
  const situation = spelled(asked);
  const { rules, limits } = applying(set, situation);
  const near = rules.filter(({ rule }) =>
    rule.when.every((condition) => condition.kind !== 'asset' || isAsset(condition.asset, situation)),
  );
  const counted = [...limits, ...near.flatMap(({ rule }) => rule.limits ?? [])];
  return [
    ...new Set([
      ...near.flatMap(({ rule }) => needsOf(rule.when, situation)).filter((subject) => subject !== HOUR),
      ...counted.flatMap(({ measure }) => subjectsOfLimit(measure, situation)),
      ...(situation.pins ?? []).map(({ subject }) => subject),
    ]),
  ];
}

/**
 * The limits that a transfer is charged to, the rule's that decides and theirs that it could have been; one on an amount counts
 * only its own asset.
 */
function limitsUnder({ limits }: Applying, decider: Deciding, situation: Situation): readonly Limit[] {
  const passed = decider.kind === 'rule' ? (decider.passed ?? []) : [];
  const ofRules = [...passed, ...(decider.match ? [decider.match] : [])].flatMap(
    ({ rule }) => rule.limits ?? [],
  );
  return [...limits, ...ofRules].filter(({ measure }) => counts(measure, situation));
}

/**
 * What a transfer takes from which counters: every limit of every document that applies, those of the rule that decides, and
 * those of rules that were passed over for want of a fact.
 * Which one that is depends on the transfer and the documents, never on counters or approvals: so this can be asked before
 * the decision, and says what the decision will say: nothing where that is an error. One counter per `limitId` and `key`. A
 * limit for which a fact is missing is left out: the decision refuses for it.
 */
export function chargesOf(set: PolicySet, asked: Situation): readonly LimitCharge[] {
  const situation = spelled(asked);
  const found = applying(set, situation);
  try {
    const decider = deciding(found, situation);
    return limitsUnder(found, decider, situation).flatMap((limit) => chargeOf(limit, situation) ?? []);
  } catch (error) {
    if (error instanceof Fault && error.code === 'policy-inconsistent') return [];
    throw error;
  }
}

function effectOf(charge: LimitCharge, usage: LimitUsage): LimitEffect {
  const usedBefore = usage(charge);
  if (typeof usedBefore !== 'bigint' || usedBefore < 0n) return inconsistent('a counter below zero');
  return { ...charge, usedBefore, usedAfter: usedBefore + charge.amount };
}

/** The tightest caps of the documents that apply: both the wallet's and the tier's hold. */
function tightestFeeCaps(policies: readonly Policy[]): FeeCaps | undefined {
  const [first, ...rest] = policies.flatMap(({ feeCaps }) => (feeCaps ? [feeCaps] : []));
  if (!first) return undefined;
  return {
    absoluteMax: least(
      first.absoluteMax,
      rest.map((caps) => caps.absoluteMax),
    ),
    relativeMaxBasisPoints: least(
      first.relativeMaxBasisPoints,
      rest.map((caps) => caps.relativeMaxBasisPoints),
    ),
  };
}

/** What has to be found out for the rules of a wallet before they can be asked. */
export function askedFor(set: PolicySet, wallet: AskedWallet): ReadonlySet<Asked> {
  return applying(set, wallet).asked;
}

/** What any transaction of a wallet may cost, also one that no rule was asked about; undefined when no document covers it. */
export function feeCapsOf(set: PolicySet, wallet: Pick<Situation, 'wallet' | 'tier'>): FeeCaps | undefined {
  return applying(set, wallet).feeCaps;
}

function requirementsOf({ effect }: Rule): readonly ApprovalRequirement[] {
  if (effect.kind !== 'approve') return [];
  if (effect.requirements.length === 0 || effect.requirements.some(({ quorum }) => !(quorum >= 1))) {
    return inconsistent('a rule for approval that wants none');
  }
  return effect.requirements;
}

function decided(set: PolicySet, situation: Situation, usage: LimitUsage): Decision {
  const refuse = (code: PolicyRefusalCode, rule: string | undefined, facts: Facts): Decision => ({
    kind: 'refuse',
    code,
    rule,
    policyHash: set.hash,
    facts,
  });
  if (situation.amount <= 0n) return inconsistent('an amount that is not more than 0');
  const found = applying(set, situation);
  const decider = deciding(found, situation);
  if (decider.kind === 'none') {
    const { wallet, chain, contract, amount } = situation;
    return refuse('policy-no-match', undefined, { wallet, chain, contract, amount: amount.toString() });
  }
  const { name, rule } = decider.match;
  if (decider.kind === 'open') {
    const code = situation.facts?.has(decider.subject) ? 'facts-disagree' : 'fact-missing';
    return refuse(code, name, { rule: name, fact: decider.subject });
  }
  const { effect } = rule;
  if (effect.kind === 'refuse') return refuse('policy-refused', name, { rule: name });
  const flaw = flawOfPins(situation.pins ?? [], situation.facts);
  if (flaw) return refuse(flaw.code, name, { rule: name, fact: flaw.subject });
  const requirements = requirementsOf(rule);
  const limits: LimitEffect[] = [];
  for (const limit of limitsUnder(found, decider, situation)) {
    const charge = chargeOf(limit, situation);
    if (!charge) return refuse('fact-missing', name, { limit: limit.id, fact: factOf(limit, situation) });
    limits.push(effectOf(charge, usage));
  }
  const exceeded = limits.find(({ usedAfter, max }) => usedAfter > max);
  if (exceeded) {
    return refuse('limit-exceeded', name, {
      limit: exceeded.limitId,
      key: exceeded.key,
      used: exceeded.usedBefore.toString(),
      asked: exceeded.amount.toString(),
      max: exceeded.max.toString(),
    });
  }
  const feeCaps = found.feeCaps ?? inconsistent('no fee caps');
  return {
    kind: effect.kind,
    rule: name,
    policyHash: set.hash,
    requirements,
    ...(effect.holdMs !== undefined && { holdMs: effect.holdMs }),
    limits,
    feeCaps,
  };
}

/**
 * Decides. A rule that refuses and matches decides wherever it stands (`policy-refused`); else the first that matches, a
 * wallet's own document before its tier's; no rule refuses (`policy-no-match`), a full limit refuses whatever the rule says
 * (`limit-exceeded`, with limit, key, used, asked and max in base units, cents or transfers), and so does a missing fact
 * without which it could be another rule that decides, or a limit that is full (`fact-missing`, `facts-disagree`). Never throws: an error, also one
 * from `usage`, refuses (`policy-error`). An answer other than `refuse` holds only if the caller reserves all of `limits`
 * in the same transaction that read them.
 */
export function decide(set: PolicySet, situation: Situation, usage: LimitUsage): Decision {
  try {
    return decided(set, spelled(situation), usage);
  } catch (error) {
    // Only what this module says itself is shown; any other error's text could hold anything.
    const why =
      error instanceof Fault && error.code === 'policy-inconsistent' ? error.message : 'an unexpected error';
    const policyHash = set.hash;
    return { kind: 'refuse', code: 'policy-error', rule: undefined, policyHash, facts: { why } };
  }
}

export interface Explanation {
  readonly decision: Decision;
  /** The rules that were asked before one matched, in their order, each with the first of its conditions that does not hold. */
  readonly passedOver: readonly { readonly rule: string; readonly unmet: string }[];
  /** What a rule that lets pass takes, also where a limit then refuses; empty where none does. */
  readonly limits: readonly ExplainedLimit[];
}

export interface ExplainedLimit extends LimitEffect {
  /**
   * `amount`, `usedBefore`, `usedAfter`, `max` and the window in words: `0.5 BTC`, `2 BTC`, `24h` or `calendar day, UTC`; of a
   * count, `1 transfer`.
   */
  readonly takes: string;
  readonly used: string;
  readonly wouldBe: string;
  readonly atMost: string;
  readonly within: string;
}

function explainedLimit(limit: Limit, situation: Situation, usage: LimitUsage): readonly ExplainedLimit[] {
  const charge = chargeOf(limit, situation);
  if (!charge) return [];
  const effect = effectOf(charge, usage);
  return [
    {
      ...effect,
      takes: quantityWords(limit.measure, charge.amount),
      used: quantityWords(limit.measure, effect.usedBefore),
      wouldBe: quantityWords(limit.measure, effect.usedAfter),
      atMost: `${quantityWords(limit.measure, charge.max)}${limit.measure.kind === 'share' ? `, ${shareWords(limit.measure.basisPoints)} of the balance` : ''}`,
      within: limit.calendar ? calendarWords(limit.calendar) : durationWords(limit.windowMs),
    },
  ];
}

/** The decision, what it takes of which limits, and why no rule before the one that matched decided. Throws nothing, as `decide`. */
export function explain(set: PolicySet, asked: Situation, usage: LimitUsage): Explanation {
  const decision = decide(set, asked, usage);
  // What went wrong there would go wrong here.
  if (decision.kind === 'refuse' && decision.code === 'policy-error')
    return { decision, passedOver: [], limits: [] };
  const situation = spelled(asked);
  const found = applying(set, situation);
  const passedOver: { rule: string; unmet: string }[] = [];
  for (const { name, rule } of found.rules) {
    const unmet = firstUnmet(rule.when, situation);
    if (!unmet) break;
    const [fact] = unknownOf([unmet], situation);
    passedOver.push({
      rule: name,
      unmet: `${wordsOf(unmet)}${fact === undefined ? '' : ` (not known: ${fact})`}`,
    });
  }
  const decider = deciding(found, situation);
  const match = decider.kind === 'rule' ? decider.match : undefined;
  const taken = match && match.rule.effect.kind !== 'refuse' ? limitsUnder(found, decider, situation) : [];
  return { decision, passedOver, limits: taken.flatMap((limit) => explainedLimit(limit, situation, usage)) };
}
