// Which approvals are still missing. Persons are counted, never credentials or signatures, and one person counts for
// one requirement only, even as a member of two groups. Whether a signature is valid was decided before.

import { Fault } from '../fault.js';
import type { ApprovalRequirement } from './types.js';

export type ApprovalFaultCode = 'approval-requirement-invalid';

type Groups = ReadonlyMap<string, readonly string[]>;

/** One approval that a requirement wants: the persons who could give it. */
interface Seat {
  readonly requirement: number;
  readonly candidates: readonly string[];
}

function seatsOf(
  requirements: readonly ApprovalRequirement[],
  available: ReadonlySet<string>,
  groups: Groups,
): readonly Seat[] {
  return requirements.flatMap(({ group, quorum }, requirement) => {
    if (!Number.isSafeInteger(quorum) || quorum < 1) {
      throw new Fault<ApprovalFaultCode>('approval-requirement-invalid', 'a quorum is at least 1', {
        facts: { group, quorum },
      });
    }
    const candidates = [...new Set(groups.get(group) ?? [])].filter((member) => available.has(member));
    // Seats beyond the candidates stay empty in any case; they are counted as missing without being tried.
    const seats = Math.min(quorum, candidates.length);
    return Array.from({ length: seats }, () => ({ requirement, candidates }));
  });
}

/**
 * What is still missing, in the order of `requirements`, each with how many more persons; empty when all are met.
 * `approvers` are persons who validly approved; `excluded` are those whose approval never counts (the requester, the
 * owners of the request key). A group that does not exist has no members.
 *
 * An exact maximum matching of persons to seats (Kuhn's augmenting paths): a person in two groups is moved to where
 * they are needed, so nothing is reported missing that another assignment of the same persons would meet. Earlier
 * requirements are filled first. Throws `approval-requirement-invalid` for a quorum below 1.
 */
export function missingApprovals(
  requirements: readonly ApprovalRequirement[],
  approvers: ReadonlySet<string>,
  groups: Groups,
  excluded: ReadonlySet<string>,
): readonly ApprovalRequirement[] {
  const available = new Set([...approvers].filter((person) => !excluded.has(person)));
  const seatOfPerson = new Map<string, Seat>();
  const seat = (wanting: Seat, tried: Set<string>): boolean => {
    for (const person of wanting.candidates) {
      if (tried.has(person)) continue;
      tried.add(person);
      const taken = seatOfPerson.get(person);
      if (!taken || seat(taken, tried)) {
        seatOfPerson.set(person, wanting);
        return true;
      }
    }
    return false;
  };
  for (const wanting of seatsOf(requirements, available, groups)) seat(wanting, new Set());
  const filled = requirements.map(() => 0);
  for (const { requirement } of seatOfPerson.values()) filled[requirement] = (filled[requirement] ?? 0) + 1;
  return requirements
    .map(({ group, quorum }, index) => ({ group, quorum: quorum - (filled[index] ?? 0) }))
    .filter(({ quorum }) => quorum > 0);
}
