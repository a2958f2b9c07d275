// What a draft would have said of what was signed: the past, decided again under other policies, with limits that count from
// its beginning. It sees only what was signed: of what was refused then it says nothing.

import { approvalWords, missingApprovals } from './approvals.js';
import { spelled } from './conditions.js';
import { chargedAt, emptyCounter, type LimitCounter, usedAt } from './counter.js';
import { decide } from './decide.js';
import { durationWords } from './durations.js';
import { lookOf } from './looks.js';
import { inAnyOrder } from './steps.js';
import type { Known, PolicySet, Situation } from './types.js';

/** One transfer, as it was decided the first time. */
export interface PastDecision {
  readonly transferId: string;
  readonly atMs: number;
  readonly situation: Situation;
  readonly kind: 'allow' | 'approve';
  /** `document/rule`. */
  readonly rule: string;
  readonly approvers: ReadonlySet<string>;
  /** Persons whose approval does not count: who asked, and the owners of the request key. */
  readonly excluded: ReadonlySet<string>;
  /** How long it had waited; absent where its rule did not hold it. */
  readonly heldMs?: number;
}

export interface ChangedDecision {
  readonly transferId: string;
  readonly atMs: number;
  readonly was: string;
  /** `allow`, `approve`, `approve: 1 of treasury missing`, or `refuse` with its code; then the rule, and the limit. */
  readonly wouldBe: string;
  /** It would not have left, or not without somebody else's approval. */
  readonly isHeldBack: boolean;
}

export interface Replayed {
  readonly decisions: number;
  readonly changed: readonly ChangedDecision[];
}

type Groups = ReadonlyMap<string, readonly string[]>;

/** What was paid so far, for conditions on a first use and on look-alikes: by look, the first address. */
class Paid {
  /** `wallet/chain/address` */
  private readonly addresses = new Set<string>();
  private readonly looks = new Map<string, string>();

  /** What is certified of a transfer is what was known; of others, what the past itself says. */
  knownTo({ wallet, chain, destination, known }: Situation, atMs: number): Known {
    const look = `${chain}/${lookOf(destination)}`;
    const earliest = [this.looks.get(`${wallet}/${look}`), this.looks.get(look)];
    return (
      known ?? {
        atMs,
        firstUse: !this.addresses.has(`${wallet}/${chain}/${destination}`),
        lookAlikeOf: earliest.find((other) => other !== undefined && other !== destination),
        whitelist: undefined,
      }
    );
  }

  add({ wallet, chain, destination }: Situation): void {
    this.addresses.add(`${wallet}/${chain}/${destination}`);
    const look = `${chain}/${lookOf(destination)}`;
    for (const place of [look, `${wallet}/${look}`]) {
      if (!this.looks.has(place)) this.looks.set(place, destination);
    }
  }
}

/** Decides all of it again, oldest first. What the draft refuses charges nothing, and neither does what lacks approvals. */
export function replayPast(set: PolicySet, past: readonly PastDecision[], groups: Groups): Replayed {
  const counters = new Map<string, LimitCounter>();
  const nameOf = ({ limitId, key }: { readonly limitId: string; readonly key: string }) =>
    `${limitId}\n${key}`;
  const changed: ChangedDecision[] = [];
  const paid = new Paid();
  const inOrder = [...past].sort((one, other) => one.atMs - other.atMs);
  for (const one of inOrder) {
    // The past was signed, so that it was believed when it was.
    const at = { wallMs: one.atMs, measuredMs: one.atMs };
    const asked = spelled(one.situation);
    const situation = { ...asked, known: paid.knownTo(asked, one.atMs) };
    const decision = decide(set, situation, (charged) => {
      const counter = counters.get(nameOf(charged));
      return counter ? usedAt(counter, at) : 0n;
    });
    const told = (wouldBe: string, isHeldBack: boolean) => {
      const { transferId, atMs, kind, rule } = one;
      changed.push({ transferId, atMs, was: `${kind} by ${rule}`, wouldBe, isHeldBack });
    };
    if (decision.kind === 'refuse') {
      const by = decision.rule === undefined ? '' : ` by ${decision.rule}`;
      const limit = decision.facts.limit === undefined ? '' : `, ${decision.facts.limit}`;
      told(`refuse ${decision.code}${by}${limit}`, true);
      continue;
    }
    // Who was not asked for an order signed none: whether there were enough is all that the past can say.
    const missing = missingApprovals(inAnyOrder(decision.requirements), one.approvers, groups, one.excluded);
    if (missing.length > 0) {
      told(`approve by ${decision.rule}: ${approvalWords(missing)} missing`, true);
      continue;
    }
    const { holdMs = 0 } = decision;
    if (holdMs > (one.heldMs ?? 0))
      told(`${decision.kind} by ${decision.rule}, held for ${durationWords(holdMs)}`, false);
    else if (decision.kind !== one.kind) told(`${decision.kind} by ${decision.rule}`, false);
    paid.add(situation);
    for (const limit of decision.limits) {
      const counter = counters.get(nameOf(limit)) ?? emptyCounter(limit);
      counters.set(nameOf(limit), chargedAt(counter, at, limit.amount));
    }
  }
  return { decisions: inOrder.length, changed };
}
