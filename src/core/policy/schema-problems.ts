// What a person needs to know of a document that is none: where, why, and what would stand there. Pure; it judges nothing, the
// schema has.

import { z } from 'zod';
import { policyFile } from './document.js';

export interface SchemaProblem {
  readonly path: readonly PropertyKey[];
  readonly why: string;
}

type Issue = z.core.$ZodIssue;
type Node = z.core.JSONSchema.BaseSchema;

/** As many names as a line of an error holds. */
const MOST_NAMES = 8;

function forms(node: Node): readonly Node[] {
  return node.anyOf ? node.anyOf.flatMap(forms) : [node];
}

const isNode = (value: unknown): value is Node => typeof value === 'object' && value !== null;

/** Every key that may stand at a place of a document, in whichever of the forms that are open there. */
function keysAt(path: readonly PropertyKey[]): ReadonlySet<string> {
  const root: Node = z.toJSONSchema(policyFile, { io: 'input' });
  const nodes = path.reduce<readonly Node[]>(
    (found, part) =>
      found.flatMap((node) => {
        const inner = typeof part === 'number' ? node.items : node.properties?.[String(part)];
        return isNode(inner) ? forms(inner) : [];
      }),
    forms(root),
  );
  return new Set(nodes.flatMap(({ properties = {} }) => Object.keys(properties)));
}

/** Levenshtein's: how many letters have to be put in, taken out or exchanged. */
function distance(one: string, other: string): number {
  let row = Array.from({ length: other.length + 1 }, (_, at) => at);
  for (const [above, letter] of [...one].entries()) {
    const next = [above + 1];
    for (const [at, wanted] of [...other].entries()) {
      const exchanged = (row[at] ?? 0) + (letter === wanted ? 0 : 1);
      next.push(Math.min(exchanged, (row[at + 1] ?? 0) + 1, (next[at] ?? 0) + 1));
    }
    row = next;
  }
  return row[other.length] ?? 0;
}

function unknownKey(path: readonly PropertyKey[], key: string): string {
  const known = keysAt(path);
  if (known.has(key)) return `${key} does not go with what stands beside it`;
  const near = [...known]
    .map((name) => ({ name, away: distance(key.slice(0, 64), name) }))
    .filter(({ away }) => away <= Math.max(2, key.length / 3))
    .sort((left, right) => left.away - right.away)[0];
  if (near) return `unknown key: ${key}; perhaps ${near.name}`;
  const names = known.size <= MOST_NAMES ? `; here stand ${[...known].join(', ')}` : '';
  return `unknown key: ${key}${names}`;
}

function weight(issue: Issue): number {
  return issue.code === 'unrecognized_keys' ? issue.keys.length : 1;
}

/** Of a union's failures, the one that was nearest to fit; none when no alternative even had the right shape. */
function nearest(branches: readonly (readonly Issue[])[]): readonly Issue[] | undefined {
  const shaped = branches.filter((issues) =>
    issues.every(({ path, code }) => path.length > 0 || code === 'unrecognized_keys' || code === 'too_small'),
  );
  const total = (issues: readonly Issue[]) => issues.reduce((sum, issue) => sum + weight(issue), 0);
  return [...shaped].sort((left, right) => total(left) - total(right))[0];
}

/** A schema's failures, each with the path of the value it is about. */
export function schemaProblems(
  issues: readonly Issue[],
  around: readonly PropertyKey[] = [],
): readonly SchemaProblem[] {
  return issues.flatMap((issue): readonly SchemaProblem[] => {
    const path = [...around, ...issue.path];
    if (issue.code === 'invalid_union') {
      const inner = nearest(issue.errors);
      if (inner) return schemaProblems(inner, path);
    }
    if (issue.code === 'unrecognized_keys') {
      return issue.keys.map((key) => ({ path: [...path, key], why: unknownKey(path, key) }));
    }
    if (issue.code === 'invalid_type' && issue.message.endsWith('received undefined')) {
      return [{ path, why: `${String(path.at(-1))} is missing` }];
    }
    return [{ path, why: issue.message }];
  });
}
