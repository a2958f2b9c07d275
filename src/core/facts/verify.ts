// Which facts of an order are to be believed, and what they say together. A fact that is not is no reason to go on without
// it: the order is refused, so that nobody gets another decision by spoiling one. Sequences are the signer's to compare.

import { hexToBytes } from '@noble/hashes/utils.js';
import { accepted, type Outcome, refused } from '../fault.js';
import type { FactKey, FactRule } from '../governance/entry.js';
import type { GovernanceState } from '../governance/state.js';
import type { SignatureVerifier } from '../statements/signature.js';
import { type FactContent, type FactKind, type SignedFact, subjectOf } from './fact.js';
import { factBytes } from './fact-bytes.js';

/** How far a watcher's clock may be ahead. */
export const MAX_FACT_SKEW_MS = 2 * 60 * 1000;

/** What holds for a kind of fact of which governance says nothing: one source, five minutes. */
export const DEFAULT_FACT_RULE: Omit<FactRule, 'kind'> = { agree: 1, maxAgeMs: 5 * 60 * 1000 };

export type FactRefusalCode =
  | 'fact-other-deployment'
  | 'fact-key-unknown'
  | 'fact-kind-not-allowed'
  | 'fact-duplicate'
  | 'fact-from-the-future'
  | 'fact-too-old'
  | 'fact-signature-invalid';

export interface VerifiedFact {
  readonly subject: string;
  readonly key: Pick<FactKey, 'source'>;
  readonly content: FactContent;
}

export function factRuleOf({ factRules }: Pick<GovernanceState, 'factRules'>, kind: FactKind) {
  return factRules.get(kind) ?? DEFAULT_FACT_RULE;
}

/**
 * Verifies all facts of an order: each by a registered key that may state this kind, for this deployment, recent, and no
 * key twice about one thing. Input is hostile; `nowMs` is the verifier's own time.
 */
export function verifyFacts(
  state: GovernanceState,
  facts: readonly SignedFact[],
  verifier: SignatureVerifier,
  nowMs: number,
): Outcome<readonly VerifiedFact[], FactRefusalCode> {
  const verified: VerifiedFact[] = [];
  const seen = new Set<string>();
  for (const { statement, signature } of facts) {
    const { keyId, content, observedAtMs } = statement;
    const subject = subjectOf(content);
    const no = (code: FactRefusalCode, more = {}) => refused(code, { keyId, fact: subject, ...more });
    if (statement.deploymentId !== state.deploymentId) return no('fact-other-deployment');
    const key = state.factKeys.get(keyId);
    if (!key) return no('fact-key-unknown');
    if (!key.kinds.includes(content.kind)) return no('fact-kind-not-allowed');
    const name = `${keyId}\n${subject}\n${transferOf(content) ?? ''}`;
    if (seen.has(name)) return no('fact-duplicate');
    seen.add(name);
    if (observedAtMs > nowMs + MAX_FACT_SKEW_MS) return no('fact-from-the-future', { observedAtMs, nowMs });
    const { maxAgeMs } = factRuleOf(state, content.kind);
    if (observedAtMs + maxAgeMs < nowMs) return no('fact-too-old', { observedAtMs, nowMs, maxAgeMs });
    if (!verifier.ed25519(hexToBytes(key.publicKey), factBytes(statement), hexToBytes(signature)))
      return no('fact-signature-invalid');
    verified.push({ subject, key, content });
  }
  return accepted(verified);
}

function transferOf(content: FactContent): string | undefined {
  return content.kind === 'screening' ? content.transferId : undefined;
}

/**
 * What is known about each subject: what every source says of it, since the strictest of them counts. A subject of which
 * fewer sources speak than governance wants is not in it.
 */
export type KnownFacts = ReadonlyMap<string, readonly FactContent[]>;

export const NO_FACTS: KnownFacts = new Map();

/** What may be taken into account for one transfer; undefined, for one that nobody has asked for. Sources are counted, not keys. */
export function knownFacts(
  state: Pick<GovernanceState, 'factRules'>,
  verified: readonly VerifiedFact[],
  transferId: string | undefined,
): KnownFacts {
  const usable = verified.filter(({ content }) => (transferOf(content) ?? transferId) === transferId);
  const bySubject = Map.groupBy(usable, ({ subject }) => subject);
  const known = new Map<string, readonly FactContent[]>();
  for (const [subject, said] of bySubject) {
    const sources = new Set(said.map(({ key }) => key.source));
    const [first] = said;
    if (first && sources.size >= factRuleOf(state, first.content.kind).agree) {
      known.set(
        subject,
        said.map(({ content }) => content),
      );
    }
  }
  return known;
}

/** What was known for a transfer of an order whose facts were verified when it was signed; their keys may be gone by now. */
export function knownThen(
  state: Pick<GovernanceState, 'factRules' | 'factKeys'>,
  facts: readonly SignedFact[],
  transferId: string,
): KnownFacts {
  const verified = facts.map(({ statement: { keyId, content } }) => ({
    subject: subjectOf(content),
    key: state.factKeys.get(keyId) ?? { source: keyId },
    content,
  }));
  return knownFacts(state, verified, transferId);
}
