// What whoever decides has to know for conditions on time and on what is known of a destination. Whatever is not known
// refuses: the decision faults, and a decision that faults is no decision.

import { Fault } from '../../fault.js';
import type { Known, Situation } from '../types.js';

export type PolicyFaultCode = 'policy-inconsistent';

export function inconsistent(what: string): never {
  throw new Fault<PolicyFaultCode>('policy-inconsistent', what);
}

export function knownOf({ known }: Situation): Known {
  return known ?? inconsistent('what is known of the destination is missing');
}

export function hourOf(situation: Situation): number {
  return knownOf(situation).atMs ?? inconsistent('what time it is is not known');
}
