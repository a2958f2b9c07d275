// A governance log as somebody goes through it who checks many certificates: replayed as far as it is asked for, once where
// they come in their order. What it answers is what `replayLog` answers of the log up to an entry; it judges nothing besides.

import type { Outcome } from '../fault.js';
import type { GovernanceEntry } from '../governance/entry.js';
import { replayEntry, replayLog } from '../governance/replay.js';
import type { GovernanceRefusalCode, GovernanceState } from '../governance/state.js';
import { parsePolicies } from '../policy/parse.js';
import type { SignatureVerifier } from '../statements/signature.js';

type Replayed = Outcome<GovernanceState, GovernanceRefusalCode>;
type Parsed = ReturnType<typeof parsePolicies>;

/** States held at a time: each knows the hashes of all entries before it. */
const MOST_HELD = 32;

export class History {
  private readonly held = new Map<number, GovernanceState>();
  private readonly policies = new WeakMap<GovernanceState, Parsed>();

  /** The log is hostile. */
  constructor(
    readonly log: readonly GovernanceEntry[],
    private readonly verifier: SignatureVerifier,
  ) {}

  /** The state after an entry of the log. */
  at(sequence: number): Replayed {
    const known = this.held.get(sequence);
    if (known) return { kind: 'accepted', value: known };
    const before = Math.max(-1, ...[...this.held.keys()].filter((one) => one < sequence));
    const base = this.held.get(before);
    const replayed = base
      ? this.replayFrom(base, before + 1, sequence)
      : replayLog(this.log.slice(0, sequence + 1), this.verifier);
    if (replayed.kind === 'accepted') this.hold(sequence, replayed.value);
    return replayed;
  }

  /** The policies in force in one of its states. */
  policiesIn(state: GovernanceState): Parsed {
    const known = this.policies.get(state);
    if (known) return known;
    const parsed = parsePolicies(state.policies, state);
    this.policies.set(state, parsed);
    return parsed;
  }

  private replayFrom(base: GovernanceState, from: number, to: number): Replayed {
    let outcome: Replayed = { kind: 'accepted', value: base };
    for (const entry of this.log.slice(from, to + 1)) {
      if (outcome.kind === 'refused') return outcome;
      outcome = replayEntry(outcome.value, entry, this.verifier);
    }
    return outcome;
  }

  private hold(sequence: number, state: GovernanceState): void {
    const [oldest] = this.held.keys();
    if (this.held.size >= MOST_HELD && oldest !== undefined) this.held.delete(oldest);
    this.held.set(sequence, state);
  }
}
