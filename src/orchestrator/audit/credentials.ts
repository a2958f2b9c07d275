// Which credentials a person ever had, by the mirrored governance log: what it names is found, whether or not they still have it.
// It does NOT judge who may do what; a credential in an entry that was vetoed is among them, too.

import type { EntityManager } from 'typeorm';
import { z } from 'zod';
import { rows } from '../database/sql.js';

const credential = z.object({ credentialId: z.string() });
const person = z.object({ personId: z.string(), credentials: z.array(credential) });
const giving = z.object({
  body: z.object({
    change: z.discriminatedUnion('kind', [
      z.object({ kind: z.literal('genesis'), persons: z.array(person) }),
      z.object({ kind: z.literal('person-added'), person }),
      z.object({ kind: z.literal('credential-added'), personId: z.string(), credential }),
    ]),
  }),
});
const entryRow = z.object({ entry: z.string() });
/** The kinds above, as they stand in an entry's JSON: the others are not read. */
const GIVING = ['genesis', 'person-added', 'credential-added'].map((kind) => `%"kind":"${kind}"%`);

function given(text: string, personId: string): string[] {
  const parsed = giving.safeParse(jsonIn(text));
  if (!parsed.success) return [];
  const { change } = parsed.data.body;
  if (change.kind === 'credential-added')
    return change.personId === personId ? [change.credential.credentialId] : [];
  const persons = change.kind === 'genesis' ? change.persons : [change.person];
  return persons
    .filter((one) => one.personId === personId)
    .flatMap(({ credentials }) => credentials.map(({ credentialId }) => credentialId));
}

function jsonIn(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // No JSON, and so no entry: fsck names it.
    return undefined;
  }
}

export async function credentialsOf(db: EntityManager, personId: string): Promise<readonly string[]> {
  const found = await rows(
    db,
    entryRow,
    `SELECT entry FROM governance_entries WHERE ${GIVING.map(() => 'entry LIKE ?').join(' OR ')} ORDER BY sequence`,
    GIVING,
  );
  return [...new Set(found.flatMap(({ entry }) => given(entry, personId)))];
}
