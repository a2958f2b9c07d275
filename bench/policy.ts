// policy-1000: how long a decision takes with 10, 100 and 1,000 rules that all apply and 20 limits, against Cedar in
// WebAssembly, which has parsed its policies beforehand, with equal rules and no limits. Before anything is timed, both give
// the same answers to the same questions.

import {
  type AuthorizationAnswer,
  preparsePolicySet,
  statefulIsAuthorized,
} from '@cedar-policy/cedar-wasm/nodejs';
import { decide } from '../src/core/policy/decide.js';
import type { PolicySet, Situation } from '../src/core/policy/types.js';
import { type Benchmark, percentile, type Result, resultOf, type Settings } from './benchmark.js';
import { cedarPoliciesOf, mostOf, policySetOf, situationOf } from './rig/equal-rules.js';

const RULES = [1_000, 100, 10] as const;

interface Asked {
  readonly situation: Situation;
  readonly isAllowed: boolean;
}

/** For each rule that lets pass: just enough, too much, and to a place that is refused. */
function questionsOf(rules: number): readonly Asked[] {
  return Array.from({ length: rules / 2 }, (_, at): readonly Asked[] => [
    { situation: situationOf(at, mostOf(at), rules), isAllowed: true },
    { situation: situationOf(at, mostOf(at) + 1n, rules), isAllowed: false },
    { situation: situationOf(at, mostOf(at), at), isAllowed: false },
  ]).flat();
}

function ours(set: PolicySet, situation: Situation): boolean {
  return decide(set, situation, () => 0n).kind === 'allow';
}

function succeeded(answer: { readonly type: string; readonly errors?: unknown }): void {
  if (answer.type !== 'success')
    throw new Error(`Cedar did not understand: ${JSON.stringify(answer.errors)}`);
}

function cedars(preparsedPolicySetId: string, situation: Situation): boolean {
  const answer: AuthorizationAnswer = statefulIsAuthorized({
    principal: { type: 'Requester', id: situation.requester },
    action: { type: 'Action', id: 'transfer' },
    resource: { type: 'Wallet', id: situation.wallet },
    context: {
      asset: 'BTC',
      amount: Number(situation.amount),
      customer: situation.customer,
      destination: situation.destination,
    },
    preparsedPolicySetId,
    entities: [],
  });
  succeeded(answer);
  return answer.type === 'success' && answer.response.decision === 'allow';
}

/** Microseconds that each call took. */
function times(questions: readonly Asked[], calls: number, answer: (situation: Situation) => boolean) {
  const taken: number[] = [];
  for (let call = 0; call < calls; call += 1) {
    const asked = questions[(call * 7) % questions.length];
    if (!asked) break;
    const before = performance.now();
    const isAllowed = answer(asked.situation);
    taken.push((performance.now() - before) * 1_000);
    if (isAllowed !== asked.isAllowed) throw new Error(`another answer for ${asked.situation.customer}`);
  }
  return taken;
}

function runPolicy(rules: number, { quick }: Settings): Result[] {
  const set = policySetOf(rules);
  const preparsed = `rules-${rules}`;
  succeeded(preparsePolicySet(preparsed, { staticPolicies: cedarPoliciesOf(rules) }));
  const questions = questionsOf(rules);
  for (const { situation, isAllowed } of questions) {
    if (ours(set, situation) !== isAllowed || cedars(preparsed, situation) !== isAllowed) {
      throw new Error(`one of both decides otherwise for ${situation.customer}`);
    }
  }
  const samples = Array.from({ length: quick ? 2 : 7 }, () => ({
    ours: times(questions, quick ? 2_000 : 20_000, (situation) => ours(set, situation)),
    cedars: times(questions, quick ? 20 : 200, (situation) => cedars(preparsed, situation)),
  }));
  const row = (name: string, share: number) =>
    resultOf(
      name,
      'µs',
      samples.map((sample) => percentile(sample.ours, share)),
      samples.map((sample) => percentile(sample.cedars, share)),
    );
  const name = rules === RULES[0] ? 'policy-1000' : `policy-1000/${rules}-rules`;
  return [row(name, 0.5), row(`${name}/p99`, 0.99)];
}

export const policyBenchmark: Benchmark = {
  name: 'policy-1000',
  says: 'one decision with 1,000, 100 and 10 rules and 20 limits, against Cedar with as many rules that mean the same',
  aims: { 'policy-1000': 'ratio at most 0.05: 20 times as fast', 'policy-1000/p99': 'below 50 µs' },
  run: async (settings) => ({ results: RULES.flatMap((rules) => runPolicy(rules, settings)) }),
};
