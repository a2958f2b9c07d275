// Answers to conditions on what watchers say: not known where nothing is, or where sources differ so that one says yes and
// another no. What becomes of a rule whose conditions may hold and may not is decided where rules are.

import { type ContentOf, type FactContent, type FactKind, spelledForFacts } from '../../facts/fact.js';
import type { Situation } from '../types.js';

export type Answer = boolean | 'unknown';

/** What is known of a subject. */
export function saidOf<Kind extends FactKind>(
  { facts }: Situation,
  subject: string,
  kind: Kind,
): readonly ContentOf<Kind>[] {
  const said = facts?.get(subject) ?? [];
  return said.filter((content: FactContent): content is ContentOf<Kind> => content.kind === kind);
}

/** What all of them say; each counts, so that the strictest does. */
export function unanimous<T>(said: readonly T[], holds: (one: T) => boolean): Answer {
  const answers = new Set(said.map(holds));
  const [answer] = answers;
  return answers.size === 1 && answer !== undefined ? answer : 'unknown';
}

/** Transactions and requests spell Ethereum's addresses with a checksum in their case, and facts without. */
export function screeningSubject({ chain, destination }: Situation): string {
  return `screening/${chain}/${spelledForFacts(destination)}`;
}

export function balanceSubject({ wallet, chain, contract }: Situation): string {
  return `balance/${wallet}/${chain}/${contract}`;
}

export function hotShareSubject({ chain, contract }: Situation): string {
  return `hot-share/${chain}/${contract}`;
}
