// What policies say of a transfer, in words: of one that is explained here, and of one that the service simulated.

import { approvalWords } from '../core/policy/approvals.js';
import { durationWords } from '../core/policy/durations.js';
import type { ExplainedView } from '../core/policy/explained.js';
import { attention, bad, good, type Line, strong, table } from './lines.js';

/** A service may name a refusal that this program does not know. */
type Said = Omit<ExplainedView, 'code'> & { readonly code: string | null };

function holdWords({ holdMs }: Pick<Said, 'holdMs'>): string {
  return holdMs === 0 ? '' : `, and then it waits for ${durationWords(holdMs)}`;
}

function decisionLine(said: Said): Line {
  const { decision, rule, code, facts, requirements } = said;
  switch (decision) {
    case 'allow':
      return [good('allowed'), ` by ${rule}: nobody has to approve${holdWords(said)}`];
    case 'approve':
      return [attention('to be approved'), ` by ${rule}: ${approvalWords(requirements)}${holdWords(said)}`];
    case 'refuse': {
      const by = rule === null ? '' : ` by ${rule}`;
      const limit = facts.limit === undefined ? '' : `: ${facts.limit} is exceeded`;
      const fact = facts.fact === undefined ? '' : `: ${facts.fact}`;
      return [bad('refused'), '  ', strong(code ?? ''), by, code === 'limit-exceeded' ? limit : fact];
    }
  }
}

/** Of counters: `live`, as somebody has them; else all taken for unused. */
function limitLines({ limits }: Said, counters: 'live' | 'unused'): readonly Line[] {
  if (limits.length === 0) return [];
  return [...limitTable(limits, counters), 'What it takes of an amount has in it what it may cost at most.'];
}

function limitTable(limits: Said['limits'], counters: 'live' | 'unused'): readonly Line[] {
  return counters === 'unused'
    ? table(
        ['limit', 'counter', 'takes', 'of at most', 'within'],
        limits.map(({ limitId, key, takes, atMost, within }) => [limitId, key, takes, atMost, within]),
      )
    : table(
        ['limit', 'counter', 'takes', 'used', 'would be', 'of at most', 'within'],
        limits.map((one) => [one.limitId, one.key, one.takes, one.used, one.wouldBe, one.atMost, one.within]),
      );
}

/** The decision, what it takes of which limits, and why no rule before decided. */
export function explainedLines(said: Said, counters: 'live' | 'unused'): readonly Line[] {
  return [
    decisionLine(said),
    ...limitLines(said, counters),
    ...(said.passedOver.length === 0
      ? []
      : table(
          ['rule that was asked before', 'does not hold'],
          said.passedOver.map(({ rule, unmet }) => [rule, unmet]),
        )),
  ];
}
