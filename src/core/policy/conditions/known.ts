// What whoever decides has to know for conditions on time and on what is known of a destination. Who does not know the hour is
// missing a fact; who knows nothing at all refuses: the decision faults, and a decision that faults is no decision.

import { Fault } from '../../fault.js';
import type { Known, Situation } from '../types.js';

export type PolicyFaultCode = 'policy-inconsistent';

export function inconsistent(what: string): never {
  throw new Fault<PolicyFaultCode>('policy-inconsistent', what);
}

export function knownOf({ known }: Situation): Known {
  return known ?? inconsistent('what is known of the destination is missing');
}

/** As facts have a subject: what is missing where whoever decides does not know what time it is. No watcher says it. */
export const HOUR = 'hour';

/** Undefined where nobody has told whoever decides. */
export function hourOf(situation: Situation): number | undefined {
  return knownOf(situation).atMs;
}
