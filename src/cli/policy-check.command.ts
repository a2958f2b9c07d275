// `portcullis policy check`: what is wrong with policy documents. Offline.

import { z } from 'zod';
import { accepted, type Outcome, refused } from '../core/fault.js';
import type { Wallet } from '../core/governance/entry.js';
import { unreachableRule } from '../core/governance/orphans.js';
import { parsePolicies } from '../core/policy/parse.js';
import type { Policy, PolicySet } from '../core/policy/types.js';
import type { Answer, Given } from './command-line.js';
import { attention, faint, good, type Line, table } from './lines.js';
import { documentsOf, logOption, stateFrom } from './policy-documents.js';

function scopeOf({ appliesTo }: Policy): string {
  switch (appliesTo.kind) {
    case 'wallets':
      return appliesTo.wallets.join(', ');
    case 'tier':
      return `tier ${appliesTo.tier}`;
    case 'everything':
      return 'everything';
  }
}

/** Those of a document, and of its rules. */
function limitsIn(rules: Policy['rules'], limits: Policy['limits']): number {
  return rules.reduce((count, { limits: ofRule = [] }) => count + ofRule.length, limits.length);
}

/** Wallets that pay nothing, since no document has rules for them. */
export function uncovered(set: PolicySet, wallets: Iterable<Wallet>): readonly string[] {
  return [...wallets]
    .filter(({ walletId, tier }) =>
      set.policies.every(
        ({ appliesTo }) =>
          appliesTo.kind === 'everything' ||
          (appliesTo.kind === 'tier' ? appliesTo.tier !== tier : !appliesTo.wallets.includes(walletId)),
      ),
    )
    .map(({ walletId }) => walletId);
}

export const checkOptions = z.object(logOption);

export async function check(
  given: Given<z.infer<typeof checkOptions>>,
  files: readonly string[],
): Promise<Outcome<Answer>> {
  const state = stateFrom(given);
  const parsed = parsePolicies(documentsOf(files, state), state);
  if (parsed.kind === 'refused') return parsed;
  const set = parsed.value;
  // What governance would not take either.
  const orphan = unreachableRule(state, set);
  if (orphan) return refused('governance-change-invalid', { why: orphan.why, about: orphan.about });
  const without = uncovered(set, state.wallets.values());
  const isInForce = set.hash === state.policyHash;
  return accepted({
    json: {
      policyHash: set.hash,
      inForce: isInForce,
      documents: set.policies.map(({ name, rules, limits }) => ({
        name,
        rules: rules.length,
        limits: limitsIn(rules, limits),
      })),
      uncovered: without,
    },
    lines: [
      [good('✓'), ' these documents hold together', faint(isInForce ? ', and are those in force' : '')],
      ...table(
        ['document', 'for', 'rules', 'limits'],
        set.policies.map((policy) => [
          policy.name,
          scopeOf(policy),
          `${policy.rules.length}`,
          `${limitsIn(policy.rules, policy.limits)}`,
        ]),
      ),
      ...without.map((wallet): Line => [attention('! '), `no document is for ${wallet}: nothing leaves it`]),
      [faint(`policy hash ${set.hash}`)],
    ],
  });
}
