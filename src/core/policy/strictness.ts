// Whether one rule that lets pass asks no less than another. It only says what is certain: `false` means that it does not know.

import { alternativesOf, meetingMeets } from './approvals.js';
import type { Rule } from './types.js';

/**
 * Whatever this rule lets pass, the other one would have let pass as well, as far as approvals and holds go. Limits are not
 * compared, since each counts by itself: whoever passes over the other one has its limits count all the same.
 */
export function asksNoLess({ effect }: Pick<Rule, 'effect'>, other: Pick<Rule, 'effect'>): boolean {
  if (effect.kind === 'refuse') return true;
  if (other.effect.kind === 'refuse') return false;
  if ((other.effect.holdMs ?? 0) > (effect.holdMs ?? 0)) return false;
  if (other.effect.kind === 'allow') return true;
  if (other.effect.kind !== 'approve' || effect.kind !== 'approve') return false;
  const wanted = alternativesOf(other.effect.requirements);
  return alternativesOf(effect.requirements).every((given) =>
    wanted.some((alternative) => meetingMeets(given, alternative)),
  );
}
