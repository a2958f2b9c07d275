// Is each fact of an order the newest that this signer knows? Of each key about each subject that one counts which anything was
// reserved with, as the journal says, or which came with an order whose facts verified, whatever became of that order. The
// second is held in memory alone: bounded, and gone with the process. What was seen before the signer began, or before
// something that had to be forgotten, may be older than what is not known any more, and is not taken. It judges no content.
// docs/decisions/0089-facts-that-were-heard.md says why.

import type { SigningOrder } from '../core/authorization/signing-order.js';
import { type SignedFact, subjectOf } from '../core/facts/fact.js';
import { factDigest } from '../core/facts/fact-bytes.js';
import { type FactRefusalCode, verifyFacts } from '../core/facts/verify.js';
import { accepted, type Outcome, refused } from '../core/fault.js';
import type { GovernanceState } from '../core/governance/state.js';
import type { SignatureVerifier } from '../core/statements/signature.js';
import type { Ledger } from './ledger.js';
import type { Instant } from './signer-clock.js';

export type FactOrderRefusalCode = 'fact-sequence-decreased' | 'fact-order-unknown';

/** So many keys and subjects are held, at most some 20 MB: in an exchange's day more are asked about, in five minutes far fewer. */
export const MOST_FACTS_HEARD = 32_768;

interface Heard {
  readonly keyId: string;
  readonly sequence: number;
  readonly digest: string;
  readonly observedAtMs: number;
}

type Compared = Outcome<undefined, FactOrderRefusalCode>;

export class HeardFacts {
  /** By key and subject; those that were heard anew last stand last. */
  private readonly newest = new Map<string, Heard>();
  /** By key: what it observed up to then may be older than something that was heard and forgotten. */
  private readonly unknownUpToMs = new Map<string, number>();

  /** `beganMs` is the signer's wall clock when it began to hear. */
  constructor(
    private readonly ledger: Pick<Ledger, 'newestFact'>,
    private readonly beganMs: number,
    private readonly most = MOST_FACTS_HEARD,
  ) {}

  /**
   * Verifies the facts of an order and compares them with all that came before. Hostile input. From now on they have been heard
   * as well, each that is the newest about its subject, also where another one is older; those of an order of which one does
   * not verify have not.
   */
  hear(
    { facts = [] }: Pick<SigningOrder, 'facts'>,
    state: GovernanceState,
    verifier: SignatureVerifier,
    { wallMs }: Pick<Instant, 'wallMs'>,
  ): Outcome<undefined, FactRefusalCode | FactOrderRefusalCode> {
    const verified = verifyFacts(state, facts, verifier, wallMs);
    if (verified.kind === 'refused') return verified;
    const compared = facts.map((fact) => ({ fact, answer: this.compare(fact) }));
    for (const { fact, answer } of compared) if (answer.kind === 'accepted') this.hold(fact);
    return compared.find(({ answer }) => answer.kind === 'refused')?.answer ?? accepted(undefined);
  }

  private compare({ statement }: SignedFact): Compared {
    const { keyId, sequence, observedAtMs, content } = statement;
    const subject = subjectOf(content);
    const heard = this.newest.get(nameOf(keyId, subject));
    for (const newest of [heard, this.ledger.newestFact(keyId, subject)]) {
      if (!newest || sequence > newest.sequence) continue;
      if (sequence === newest.sequence && factDigest(statement) === newest.digest) continue;
      return refused('fact-sequence-decreased', { keyId, fact: subject, sequence, newest: newest.sequence });
    }
    // What was observed in the very millisecond in which the signer began was observed by a running one.
    const upToMs = this.unknownUpToMs.get(keyId) ?? this.beganMs - 1;
    return heard || observedAtMs > upToMs
      ? accepted(undefined)
      : refused('fact-order-unknown', { keyId, fact: subject, observedAtMs, unknownUpToMs: upToMs });
  }

  private hold({ statement }: SignedFact): void {
    const { keyId, sequence, observedAtMs, content } = statement;
    const name = nameOf(keyId, subjectOf(content));
    // Of two screenings in one order, each for a transfer of its own, the newer one.
    if ((this.newest.get(name)?.sequence ?? 0) > sequence) return;
    this.newest.delete(name);
    if (this.newest.size >= this.most) this.forget();
    this.newest.set(name, { keyId, sequence, digest: factDigest(statement), observedAtMs });
  }

  /** The one that was heard longest ago. Nothing that could be older than it is taken any more, unless it can be compared. */
  private forget(): void {
    const [oldest] = this.newest;
    if (!oldest) return;
    const [name, { keyId, observedAtMs }] = oldest;
    this.newest.delete(name);
    const upToMs = this.unknownUpToMs.get(keyId) ?? this.beganMs - 1;
    this.unknownUpToMs.set(keyId, Math.max(upToMs, observedAtMs));
  }
}

/** No key's id has a line break. */
function nameOf(keyId: string, subject: string): string {
  return `${keyId}\n${subject}`;
}
