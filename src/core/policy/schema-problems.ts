// What a person needs to know of a document that is none: where, why, and what would stand there. Pure; it judges nothing, the
// schema has.

import { z } from 'zod';
import { policyFile } from './document.js';
import { perhaps } from './suggestions.js';

export interface SchemaProblem {
  readonly path: readonly PropertyKey[];
  readonly why: string;
  /** It is about a key that does not stand there. */
  readonly isOfKey?: boolean;
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

function unknownKey(path: readonly PropertyKey[], key: string): string {
  const known = keysAt(path);
  if (known.has(key)) return `${key} does not go with what stands beside it`;
  const near = perhaps(key, known);
  if (near !== '') return `unknown key: ${key}${near}`;
  const names = known.size <= MOST_NAMES ? `; here stand ${[...known].join(', ')}` : '';
  return `unknown key: ${key}${names}`;
}

function weight(issue: Issue): number {
  return issue.code === 'unrecognized_keys' ? issue.keys.length : 1;
}

const isMissing = (issue: Issue) =>
  issue.code === 'invalid_type' && issue.message.endsWith('received undefined');

/** What stands there has keys, and none that this alternative wants, nor one that could be meant for it. */
function isForeign(issues: readonly Issue[]): boolean {
  const missing = issues.flatMap((one) =>
    isMissing(one) && one.path.length === 1 ? [String(one.path[0])] : [],
  );
  const strange = issues.flatMap((one) =>
    one.code === 'unrecognized_keys' && one.path.length === 0 ? one.keys : [],
  );
  return missing.length > 0 && strange.length > 0 && !strange.some((key) => perhaps(key, missing) !== '');
}

/** Of a union's failures, the one that was nearest to fit; none when no alternative even had the right shape. */
function nearest(branches: readonly (readonly Issue[])[]): readonly Issue[] | undefined {
  const shaped = branches.filter(
    (issues) =>
      !isForeign(issues) &&
      issues.every(
        ({ path, code }) => path.length > 0 || code === 'unrecognized_keys' || code === 'too_small',
      ),
  );
  const total = (issues: readonly Issue[]) => issues.reduce((sum, issue) => sum + weight(issue), 0);
  return [...shaped].sort((left, right) => total(left) - total(right))[0];
}

/** What would be right, where the schema has no sentence of its own for it. */
function wanted(issue: Issue, path: readonly PropertyKey[]): string {
  if (issue.message.startsWith('Invalid input: expected string, received number'))
    return 'text is wanted here: what looks like a number stands in quotes';
  if (/^Invalid input: expected (?:number|int)/.test(issue.message))
    return 'a whole number is wanted here, without quotes';
  if (issue.message.startsWith('Invalid input: expected array')) return 'a list in brackets is wanted here';
  if (issue.message.startsWith('Invalid string'))
    return path.includes('chain-in')
      ? 'a chain is written like eip155:1, in quotes'
      : 'a name is written like hot-btc: letters, digits and . _ : @ -, 64 at most';
  return issue.message;
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
      return issue.keys.map((key) => ({ path: [...path, key], why: unknownKey(path, key), isOfKey: true }));
    }
    if (isMissing(issue)) {
      return [{ path, why: `${String(path.at(-1))} is missing` }];
    }
    return [{ path, why: wanted(issue, path) }];
  });
}
