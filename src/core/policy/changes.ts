// In what a draft's answer about a transfer differs from the one that it was signed under: the approvals that are wanted, how long it
// waits, and whether it leaves at all. The name of a rule is no difference, and neither is another way to write the same approvals.

import { alternativesOf, approvalWords } from './approvals.js';
import { durationWords } from './durations.js';
import { stepsOf } from './steps.js';
import { asksNoLess } from './strictness.js';
import type { ApprovalRequirement, Effect } from './types.js';

export const CHANGE_KINDS = [
  /** It would not leave at all. */
  'refused',
  /** Somebody would have to approve who did not. */
  'approvals-missing',
  /** Somebody had to approve, and nobody would have to. */
  'unattended',
  /** Whoever met what was wanted meets what would be, and not the other way round. */
  'approvals-eased',
  'approvals-tightened',
  /** Neither can be said. */
  'approvals-other',
  'hold-shorter',
  'hold-longer',
  /** It was refused, and nobody would have to approve it. */
  'let-through',
  /** It was refused, and would leave if somebody approved. */
  'let-through-approved',
] as const;
export type ChangeKind = (typeof CHANGE_KINDS)[number];

/** The effect of a rule that lets pass. */
export type Passing = Exclude<Effect, { readonly kind: 'refuse' }>;

function requirementsOf(effect: Passing): readonly ApprovalRequirement[] {
  return effect.kind === 'approve' ? effect.requirements : [];
}

/** One text for what is the same, in whatever order it is written. */
function canonicalWords(requirements: readonly ApprovalRequirement[]): string {
  const wordsOf = ({ except, notMembersOf, ...one }: ApprovalRequirement) =>
    approvalWords([
      {
        ...one,
        ...(except && { except: [...except].sort() }),
        ...(notMembersOf && { notMembersOf: [...notMembersOf].sort() }),
      },
    ]);
  const alternatives = alternativesOf(requirements).map((together) =>
    stepsOf(together).map((step) => step.map(wordsOf).sort()),
  );
  return JSON.stringify(alternatives.map((steps) => JSON.stringify(steps)).sort());
}

function approvalsChange(was: Passing, wouldBe: Passing): readonly ChangeKind[] {
  const [wanted, wants] = [requirementsOf(was), requirementsOf(wouldBe)];
  if (canonicalWords(wanted) === canonicalWords(wants)) return [];
  if (wants.length === 0) return ['unattended'];
  if (wanted.length === 0) return ['approvals-tightened'];
  const asking = (requirements: readonly ApprovalRequirement[]) => ({
    effect: { kind: 'approve' as const, requirements },
  });
  const tightened = asksNoLess(asking(wants), asking(wanted));
  const eased = asksNoLess(asking(wanted), asking(wants));
  if (tightened && eased) return [];
  if (tightened) return ['approvals-tightened'];
  return [eased ? 'approvals-eased' : 'approvals-other'];
}

function holdChange({ holdMs: was = 0 }: Passing, { holdMs: wouldBe = 0 }: Passing): readonly ChangeKind[] {
  if (was === wouldBe) return [];
  return [wouldBe < was ? 'hold-shorter' : 'hold-longer'];
}

/** Empty where both ask the same. */
export function changesBetween(was: Passing, wouldBe: Passing): readonly ChangeKind[] {
  return [...approvalsChange(was, wouldBe), ...holdChange(was, wouldBe)];
}

/** `approve by hot/middle: 2 of treasury, held for 24h`. */
export function passingWords(effect: Passing, rule: string): string {
  const wanted = approvalWords(requirementsOf(effect));
  const held = effect.holdMs === undefined ? '' : `, held for ${durationWords(effect.holdMs)}`;
  return `${effect.kind} by ${rule}${wanted === '' ? '' : `: ${wanted}`}${held}`;
}
