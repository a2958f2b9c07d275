// What a draft would have said of the past, decided again under other policies, with limits that count from its beginning:
// of what was signed, and of as much of what was refused as is handed in.

import type { ClassesOf } from '../governance/credential-class.js';
import { approvalWords, type Groups, missingApprovals } from './approvals.js';
import { CHANGE_KINDS, type ChangeKind, changesBetween, type Passing, passingWords } from './changes.js';
import { HOUR } from './conditions/known.js';
import { chargedAt, emptyCounter, type LimitCounter, usedAt } from './counter.js';
import { chargesOf, decide } from './decide.js';
import { inAnyOrder } from './steps.js';
import type { Decision, LimitCharge, LimitUsage, PolicySet, Situation } from './types.js';
import { type Asking, askingOf, type Unsure, waysItMayHaveBeen } from './unsure.js';

/** One transfer, as it was decided the first time. */
export interface PastDecision {
  readonly transferId: string;
  readonly atMs: number;
  /** With what was stated and known then, also where no rule of then asked for it. */
  readonly situation: Situation;
  /** What of `situation.known` nobody can tell any more. */
  readonly unsure: readonly Unsure[];
  /** `document/rule` that let it pass, and what that rule asked for. */
  readonly rule: string;
  readonly effect: Passing;
  readonly approvers: ReadonlySet<string>;
  /** What each of them approved with. */
  readonly by: ClassesOf;
  /** Members of the groups at that time; of those that came later, their members since. */
  readonly groups: Groups;
  /** Persons whose approval does not count: who asked, and the owners of the request key. */
  readonly excluded: ReadonlySet<string>;
}

/** One transfer that policies did not let pass, when that came to its end. Nobody recorded facts for it. */
export interface PastRefusal extends Pick<PastDecision, 'transferId' | 'atMs' | 'situation' | 'unsure'> {
  /** `refuse limit-exceeded by hot/any, hot/day (signer)` */
  readonly was: string;
  /** What approvals were asked for that never came together; undefined where none were, or where that cannot be told. */
  readonly asked: Passing | undefined;
}

export interface ChangedDecision {
  readonly transferId: string;
  readonly atMs: number;
  /** Never empty. */
  readonly kinds: readonly ChangeKind[];
  /** `approve by hot/middle: 2 of treasury, held for 24h` */
  readonly was: string;
  /** The same of the draft, with `; 1 of treasury missing`; or `refuse` with its code, the rule and the limit. */
  readonly wouldBe: string;
  /** It would not have left, or not without somebody else's approval. */
  readonly isHeldBack: boolean;
}

/** The draft asks for what nobody stated or noted then. */
export interface UnjudgedDecision {
  readonly transferId: string;
  readonly atMs: number;
  readonly was: string;
  /** Subjects of facts, or kinds of conditions. */
  readonly notKnown: readonly string[];
}

export interface Replayed {
  readonly decisions: number;
  readonly changed: readonly ChangedDecision[];
  /** How many of `changed` are of each kind, also of none; one can be of several. */
  readonly counts: ReadonlyMap<ChangeKind, number>;
  readonly unjudged: readonly UnjudgedDecision[];
  /** Refused, as is said, for approvals that did not come, and the draft would ask for the same. Not in `changed`. */
  readonly waitingAlike: number;
}

/** What a draft says of one of them. */
type Judged =
  | (Pick<ChangedDecision, 'kinds' | 'wouldBe' | 'isHeldBack'> & {
      readonly kind: 'judged';
      readonly charges: readonly LimitCharge[];
    })
  | (Pick<UnjudgedDecision, 'notKnown'> & { readonly kind: 'open' });

/** What is put to a draft of one, however it ended. */
type Put = Pick<PastDecision, 'situation' | 'unsure'>;

type Refusal = Extract<Decision, { readonly kind: 'refuse' }>;
type Permission = Exclude<Decision, Refusal>;

/** The fact that nobody stated for it. That the hour was not known, the signer noted. */
function unstated({ code, facts }: Refusal): string | undefined {
  return code === 'fact-missing' && facts.fact !== HOUR ? String(facts.fact) : undefined;
}

function refusalWords({ code, rule, facts }: Refusal): string {
  const by = rule === undefined ? '' : ` by ${rule}`;
  const limit = facts.limit === undefined ? '' : `, ${facts.limit}`;
  return `refuse ${code}${by}${limit}`;
}

function effectOf({ kind, requirements, holdMs }: Permission): Passing {
  const held = holdMs === undefined ? {} : { holdMs };
  return kind === 'allow' ? { kind, ...held } : { kind, requirements, ...held };
}

type Judge = (decision: Decision) => Judged;

/** Of what was signed. */
function judgedSigned(one: PastDecision, decision: Decision): Judged {
  if (decision.kind === 'refuse') {
    const wouldBe = refusalWords(decision);
    return { kind: 'judged', kinds: ['refused'], wouldBe, isHeldBack: true, charges: [] };
  }
  const { requirements, rule } = decision;
  const effect = effectOf(decision);
  // Who was not asked for an order signed none: whether there were enough is all that the past can say.
  const wanted = inAnyOrder(requirements);
  const missing = missingApprovals(wanted, one.approvers, one.groups, one.excluded, one.by);
  const isHeldBack = missing.length > 0;
  return {
    kind: 'judged',
    kinds: [...(isHeldBack ? (['approvals-missing'] as const) : []), ...changesBetween(one.effect, effect)],
    wouldBe: `${passingWords(effect, rule)}${isHeldBack ? `; ${approvalWords(missing)} missing` : ''}`,
    isHeldBack,
    charges: isHeldBack ? [] : decision.limits,
  };
}

/** Of what was refused: what would wait for approvals charges nothing, since nobody can say whether they had come. */
function judgedRefused({ asked }: PastRefusal, decision: Decision): Judged {
  if (decision.kind === 'refuse') {
    const wouldBe = refusalWords(decision);
    return { kind: 'judged', kinds: [], wouldBe, isHeldBack: true, charges: [] };
  }
  const effect = effectOf(decision);
  const wouldBe = passingWords(effect, decision.rule);
  if (decision.kind === 'allow') {
    const charges = decision.limits;
    return { kind: 'judged', kinds: ['let-through'], wouldBe, isHeldBack: false, charges };
  }
  const kinds = asked ? changesBetween(asked, effect) : (['let-through-approved'] as const);
  return { kind: 'judged', kinds, wouldBe, isHeldBack: false, charges: [] };
}

/** The draft's answer to one way that it may have been. */
function judgedAs(set: PolicySet, situation: Situation, usage: LimitUsage, judge: Judge): Judged {
  const decision = decide(set, situation, usage);
  const fact = decision.kind === 'refuse' ? unstated(decision) : undefined;
  return fact === undefined ? judge(decision) : { kind: 'open', notKnown: [fact] };
}

/** What two answers have to share; of what stays refused, the words are no difference. */
function sameAs({ kinds, wouldBe, isHeldBack }: Extract<Judged, { readonly kind: 'judged' }>): string {
  return isHeldBack && kinds.length === 0 ? 'refused' : wouldBe;
}

/** One answer, if it is the same for every way that it may have been. */
function judged(set: PolicySet, one: Put, asking: Asking, usage: LimitUsage, judge: Judge): Judged {
  const ways = waysItMayHaveBeen(one.situation, one.unsure, asking);
  const answers = ways.map((situation) => judgedAs(set, situation, usage, judge));
  const notKnown = answers.flatMap((answer) => (answer.kind === 'open' ? answer.notKnown : []));
  if (notKnown.length > 0) return { kind: 'open', notKnown: [...new Set(notKnown)] };
  const said = new Set(answers.map((answer) => (answer.kind === 'open' ? '' : sameAs(answer))));
  const [first] = answers;
  if (first && said.size === 1) return first;
  return { kind: 'open', notKnown: one.unsure.filter((each) => asking.kinds.has(each)) };
}

/** What the draft's limits count, from the beginning of the past. */
class Counters {
  private readonly byName = new Map<string, LimitCounter>();

  private nameOf({ limitId, key }: Pick<LimitCharge, 'limitId' | 'key'>): string {
    return `${limitId}\n${key}`;
  }

  /** Of what was signed, the time was believed when it was. */
  usageAt(atMs: number): LimitUsage {
    const at = { wallMs: atMs, measuredMs: atMs };
    return (charged) => {
      const counter = this.byName.get(this.nameOf(charged));
      return counter ? usedAt(counter, at) : 0n;
    };
  }

  charge(atMs: number, charges: readonly LimitCharge[]): void {
    const at = { wallMs: atMs, measuredMs: atMs };
    for (const one of charges) {
      const counter = this.byName.get(this.nameOf(one)) ?? emptyCounter(one);
      this.byName.set(this.nameOf(one), chargedAt(counter, at, one.amount));
    }
  }
}

function countsOf(changed: readonly ChangedDecision[]): Replayed['counts'] {
  return new Map(
    CHANGE_KINDS.map((kind) => [kind, changed.filter(({ kinds }) => kinds.includes(kind)).length]),
  );
}

/**
 * Decides all of it again, oldest first, and tells what was decided since. What the draft refuses charges nothing, and neither
 * does what lacks approvals; what cannot be judged is counted as if it had ended as it did. What was refused and nobody would
 * have to approve is counted: under the draft it had left.
 */
export function replayPast(
  set: PolicySet,
  past: readonly PastDecision[],
  sinceMs = 0,
  refusals: readonly PastRefusal[] = [],
): Replayed {
  const counters = new Counters();
  const asking = askingOf(set);
  const changed: ChangedDecision[] = [];
  const unjudged: UnjudgedDecision[] = [];
  let decisions = 0;
  let waitingAlike = 0;
  for (const one of [...past, ...refusals].sort((earlier, later) => earlier.atMs - later.atMs)) {
    const { transferId, atMs, situation } = one;
    const judge: Judge = (decision) =>
      'was' in one ? judgedRefused(one, decision) : judgedSigned(one, decision);
    const answer = judged(set, one, asking, counters.usageAt(atMs), judge);
    const asItWas = 'was' in one ? [] : chargesOf(set, situation);
    counters.charge(atMs, answer.kind === 'open' ? asItWas : answer.charges);
    if (atMs < sinceMs) continue;
    decisions += 1;
    const was = 'was' in one ? one.was : passingWords(one.effect, one.rule);
    if (answer.kind === 'open') {
      unjudged.push({ transferId, atMs, was, notKnown: answer.notKnown });
    } else if (answer.kinds.length > 0) {
      const { kinds, wouldBe, isHeldBack } = answer;
      changed.push({ transferId, atMs, kinds, was, wouldBe, isHeldBack });
    } else if ('was' in one && !answer.isHeldBack) waitingAlike += 1;
  }
  return { decisions, changed, counts: countsOf(changed), unjudged, waitingAlike };
}
