// What follows from an entry of governance and nobody may have meant, in sentences, from the states before and after it. None of it is
// refused: what nothing would lead out of is (orphans.ts, rules.ts).

import { classWord, countsIn } from './credential-class.js';
import { compared, type Said, warning } from './said.js';
import { classesHeld, type GovernanceState } from './state.js';

type State = GovernanceState;
type Before = GovernanceState | undefined;

function governorsOf({ groups, quorum }: State): readonly string[] {
  return groups.get(quorum.group) ?? [];
}

/** Everybody has to sign: whoever loses a token then holds up all changes for good. */
function noSpare(before: Before, after: State): Said[] {
  const isTight = (state: State) => governorsOf(state).length === state.quorum.threshold;
  if (isTight(after)) {
    return before && isTight(before)
      ? []
      : [
          warning(
            `every one of ${after.quorum.group} is then needed for a change of governance: one lost token, and nothing can be changed any more`,
          ),
        ];
  }
  const was = before ? scarceClasses(before) : [];
  return scarceClasses(after)
    .filter(({ one }) => !was.some((other) => other.one === one))
    .map(({ one, holders }) =>
      warning(
        `${holders.join(', ')} of ${after.quorum.group} alone can sign a change of governance with ${classWord(one)}: when it is lost, nothing can be changed any more`,
      ),
    );
}

/** Classes of credentials of which the quorum asks for as many as there are who hold one. */
function scarceClasses(state: State) {
  const held = classesHeld(state);
  return countsIn(state.quorum.with).flatMap(([one, wanted]) => {
    const holders = governorsOf(state).filter((member) => held.get(member)?.has(one));
    return holders.length === wanted ? [{ one, holders }] : [];
  });
}

function lastRequestKey(before: Before, after: State): Said[] {
  if (after.requestKeys.size > 0 || before?.requestKeys.size === 0) return [];
  return [warning('no request key is left: nobody can ask for transfers')];
}

function removedOwners(before: Before, after: State): Said[] {
  const gone = compared(before?.persons, after.persons).removed.map(([id]) => id);
  return gone.flatMap((id) => {
    const keys = [...after.requestKeys.values()].filter(({ owners }) => owners.includes(id));
    return keys.map(({ keyId }) =>
      warning(`nothing that ${id} asks for with the request key ${keyId} is signed any more`),
    );
  });
}

export function warningsOf(before: Before, after: State): readonly Said[] {
  return [...noSpare(before, after), ...lastRequestKey(before, after), ...removedOwners(before, after)];
}
