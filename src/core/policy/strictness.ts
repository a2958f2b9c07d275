// Whether one rule that lets pass asks no less than another. It only says what is certain: `false` means that it does not know.

import { alternativesOf, meetingMeets } from './approvals.js';
import type { Rule } from './types.js';

/** Whatever this rule lets pass, the other one would have let pass as well, as far as approvals go. */
export function asksNoLess(
  rule: Pick<Rule, 'effect' | 'limits'>,
  other: Pick<Rule, 'effect' | 'limits'>,
): boolean {
  const { effect } = rule;
  if (effect.kind === 'refuse') return true;
  if (other.effect.kind === 'refuse') return false;
  if ((other.effect.holdMs ?? 0) > (effect.holdMs ?? 0)) return false;
  // What the other one would count, this one does not: that takes a person who looks at it instead.
  if (other.limits && effect.kind === 'allow') return false;
  if (other.effect.kind === 'allow') return true;
  if (other.effect.kind !== 'approve' || effect.kind !== 'approve') return false;
  const wanted = alternativesOf(other.effect.requirements);
  return alternativesOf(effect.requirements).every((given) =>
    wanted.some((alternative) => meetingMeets(given, alternative)),
  );
}
