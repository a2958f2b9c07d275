// Teeth of the policy: the decision, its limits, and the counting of approvals.

import { type Tooth, teethOf } from '../tooth.js';

export const POLICY: readonly Tooth[] = [
  ...teethOf('src/core/policy/decide.ts', 'src/core/policy/decide.spec.ts', [
    {
      code: 'policy-error',
      without: 'the ban on amounts that are not more than 0',
      was: "if (situation.amount <= 0n) return inconsistent('an amount that is not more than 0');\n",
      becomes: '',
      title: 'a decision refuses an amount of 0 and below, which would give a limit back',
    },
    {
      code: 'policy-no-match',
      without: 'the refusal where no rule matches',
      was: '  if (!match) {\n',
      becomes:
        "  if (!match) return { kind: 'allow', rule: 'none', policyHash: set.hash, requirements: [], limits: [], feeCaps: { absoluteMax: 10n ** 30n, relativeMaxBasisPoints: 10_000n } };\n  if (!match) {\n",
      title: 'a decision refuses when there is no policy at all',
    },
    {
      code: 'policy-refused',
      without: 'the rules that refuse',
      was: "if (effect.kind === 'refuse') return refuse('policy-refused', name, { rule: name });\n",
      becomes: '',
      title: 'a decision comes from a rule that refuses, wherever it stands',
    },
    {
      code: 'policy-refused',
      without: 'the refusals that stand behind what lets pass',
      was: "({ effect, when }) => effect.kind === 'refuse' && when.length > 0,\n",
      becomes: '',
      title: 'a decision comes from a rule that refuses, wherever it stands',
    },
    {
      code: 'limit-exceeded',
      without: 'the limits',
      was: 'if (exceeded) {',
      becomes: 'if (false) {',
      title: 'a decision gives for the same question the same answer',
    },
    {
      code: 'policy-error',
      without: 'an answer for an error',
      was: "    return { kind: 'refuse', code: 'policy-error', rule: undefined, policyHash, facts: { why } };",
      becomes:
        "    return { kind: 'allow', rule: why, policyHash, requirements: [], limits: [], feeCaps: { absoluteMax: 10n ** 30n, relativeMaxBasisPoints: 10_000n } };",
      title: 'a decision refuses an amount of 0 and below, which would give a limit back',
    },
    {
      code: 'policy-inconsistent',
      without: 'the ban on counters below zero',
      was: "if (typeof usedBefore !== 'bigint' || usedBefore < 0n)",
      becomes: 'if (false)',
      title: 'a decision refuses when a counter is below zero',
    },
    {
      code: 'policy-inconsistent',
      without: 'the ban on a rule for approval that wants nobody',
      was: 'if (effect.requirements.length === 0 || effect.requirements.some(({ quorum }) => !(quorum >= 1))) {',
      becomes: 'if (false) {',
      title: 'a decision refuses a rule for approval that wants nobody',
    },
    {
      code: 'policy-inconsistent',
      without: 'the demand for fee caps',
      was: "caps ?? inconsistent('no fee caps')",
      becomes: 'caps ?? { absoluteMax: 10n ** 30n, relativeMaxBasisPoints: 10_000n }',
      title: 'a decision refuses when a document that decides has no fee caps',
    },
    {
      code: 'limit-exceeded',
      without: "the limits of the tier's documents and of those for everything",
      was: "return [...own, ...tiers, ...set.policies.filter(({ appliesTo }) => appliesTo.kind === 'everything')];",
      becomes: 'return own.length > 0 ? own : tiers;',
      title:
        "a decision comes from the wallet's own document before its tier's, under the tightest caps of both",
    },
  ]),
  ...teethOf('src/core/policy/conditions.ts', 'src/core/policy/decide.spec.ts', [
    {
      code: 'policy-refused',
      without: 'the upper bound of a rule',
      was: 'return isAsset(condition.asset, situation) && situation.amount <= condition.amount;',
      becomes: 'return isAsset(condition.asset, situation);',
      title: 'a decision takes both bounds of an amount exactly',
    },
    {
      code: 'policy-refused',
      without: 'the lower bound of a rule',
      was: 'return isAsset(condition.asset, situation) && situation.amount > condition.amount;',
      becomes: 'return isAsset(condition.asset, situation);',
      title: 'a decision takes both bounds of an amount exactly',
    },
    {
      code: 'policy-no-match',
      without: 'the asset of a rule',
      was: 'return isAsset(condition.asset, situation);',
      becomes: 'return true;',
      title: 'a decision refuses an asset that no rule names',
    },
    {
      code: 'policy-no-match',
      without: 'the destinations of a rule',
      was: 'return condition.names.has(situation.destination);',
      becomes: 'return true;',
      title:
        'a decision compares Ethereum destinations without regard to case, and Bitcoin ones letter by letter',
    },
    {
      code: 'policy-no-match',
      without: 'the requesters of a rule',
      was: 'return condition.names.has(situation.requester);',
      becomes: 'return true;',
      title: 'a decision takes only the requesters that a rule names',
    },
    {
      code: 'policy-no-match',
      without: 'the customers of a rule',
      was: 'return condition.names.has(situation.customer);',
      becomes: 'return true;',
      title: 'conditions hold for those customers that a rule names',
    },
    {
      code: 'policy-no-match',
      without: 'the wallets of a rule',
      was: 'return condition.names.has(situation.wallet);',
      becomes: 'return true;',
      title: 'conditions hold for those wallets that a rule names',
    },
    {
      code: 'policy-no-match',
      without: 'the tiers of a rule',
      was: 'return condition.names.has(situation.tier);',
      becomes: 'return true;',
      title: 'conditions hold for those tiers that a rule names',
    },
    {
      code: 'policy-no-match',
      without: 'the chains of a rule',
      was: 'return condition.names.has(situation.chain);',
      becomes: 'return true;',
      title: 'conditions hold for those chains that a rule names',
    },
    {
      code: 'policy-no-match',
      without: 'the branches of which one has to hold',
      was: 'return condition.branches.some((branch) => allHold(branch, situation));',
      becomes: 'return true;',
      title: 'conditions hold where one of several branches does',
    },
    {
      code: 'policy-no-match',
      without: 'the branches of which none may hold',
      was: 'return !condition.branches.some((branch) => allHold(branch, situation));',
      becomes: 'return true;',
      title: 'conditions hold where none of several branches does',
    },
  ]),
  ...teethOf('src/core/policy/approvals.ts', 'src/core/policy/approvals.spec.ts', [
    {
      code: 'approval-requirement-invalid',
      without: 'the demand that a quorum is at least 1',
      was: 'if (!Number.isSafeInteger(quorum) || quorum < 1) {',
      becomes: 'if (false) {',
      title: 'missing approvals refuse to be counted for a quorum of 0',
    },
    {
      code: 'approvals-insufficient',
      without: 'leaving out whoever asked',
      was: '.filter((person) => !excluded.has(person))',
      becomes: '',
      title: 'missing approvals do not shrink by the requester or an owner of the request key',
    },
    {
      code: 'approvals-insufficient',
      without: 'counting a person once for all groups',
      was: 'if (!taken || seat(taken, tried)) {',
      becomes: 'if (true) {',
      title: 'missing approvals are none when the quorum approved',
    },
    {
      code: 'approvals-insufficient',
      without: 'the membership in the group that a rule names',
      was: 'const candidates = [...new Set(groups.get(group) ?? [])].filter((member) => available.has(member));',
      becomes: 'const candidates = [...available];',
      title: 'missing approvals do not shrink by persons outside the group',
    },
  ]),
  ...teethOf('src/core/policy/window.ts', 'src/core/policy/window.spec.ts', [
    {
      code: 'window-invalid',
      without: 'the ban on negative charges',
      was: "  requireThat(amount >= 0n, 'a charge is not negative');\n",
      becomes: '',
      title: 'a rolling window refuses a negative charge, a time that is not whole, and a window of nothing',
    },
    {
      code: 'window-invalid',
      without: 'the demand for whole milliseconds of time',
      was: "  requireThat(Number.isSafeInteger(nowMs) && nowMs >= 0, 'time is whole milliseconds since 1970');\n",
      becomes: '',
      title: 'a rolling window refuses a negative charge, a time that is not whole, and a window of nothing',
    },
    {
      code: 'window-invalid',
      without: 'the demand for a window of at least a millisecond',
      was: "  requireThat(Number.isSafeInteger(windowMs) && windowMs >= 1, 'a window is whole milliseconds, at least 1');\n",
      becomes: '',
      title: 'a rolling window refuses a negative charge, a time that is not whole, and a window of nothing',
    },
    {
      code: 'limit-exceeded',
      without: 'a clock that never goes back',
      was: 'return Math.max(nowMs, (buckets.at(-1)?.[0] ?? 0) * bucketMs);',
      becomes: 'return nowMs;',
      title:
        'a rolling window keeps what is charged under a clock that stepped back as long as if it had not',
    },
    {
      code: 'limit-exceeded',
      without: 'keeping a charge for its whole window',
      was: '(index + 1) * bucketMs - 1 > atMs - windowMs',
      becomes: 'index * bucketMs > atMs - windowMs',
      title: 'a rolling window counts a charge for the whole window and frees it within one bucket after',
    },
  ]),
];
