// What is told of proposals over the API.

import { z } from 'zod';
import { CREDENTIAL_CLASSES } from '../../core/governance/credential-class.js';
import { change, entryBody } from '../../core/governance/entry.js';
import type { Said } from '../../core/governance/words.js';
import { identifier, sha256Hex, officerSignature } from '../../core/statements/fields.js';

const someClasses = z.partialRecord(z.enum(CREDENTIAL_CLASSES), z.int());

const facts = z.record(z.string(), z.union([z.string(), z.number(), z.boolean()]));

/** As core has it; read back from the database through this. */
export const saidShape = z.strictObject({
  tone: z.enum(['change', 'warning']),
  says: z.string(),
  details: z.array(
    z.strictObject({
      form: z.enum(['text', 'address', 'key', 'same', 'removed', 'added']),
      label: z.string(),
      text: z.string(),
    }),
  ),
}) satisfies z.ZodType<Said>;

export const proposalStates = ['open', 'complete', 'accepted', 'superseded', 'cancelled'] as const;
export const proposalState = z
  .enum(proposalStates)
  .describe(
    '`open`: wants signatures. `complete`: has them all, and is being handed to the signer. `accepted`: it is in the log. `superseded`: another entry took its place; draft it anew. `cancelled`: its drafter took it back.',
  );
export type ProposalState = z.infer<typeof proposalState>;

export const proposalSummary = z
  .strictObject({
    proposalId: sha256Hex.describe(
      'Hash of the entry: what officers compare, and what its signatures are over.',
    ),
    state: proposalState,
    sequence: z.int().describe('The place in the governance log that it is drafted for.'),
    kind: z.string().describe('Of its change.'),
    proposedBy: identifier,
    proposedAtMs: z.int(),
    signedBy: z.array(identifier).describe('Persons.'),
  })
  .meta({ id: 'ProposalSummary' });
export type ProposalSummary = z.infer<typeof proposalSummary>;

export const proposalView = z
  .strictObject({
    ...proposalSummary.shape,
    body: entryBody.describe(
      'What is signed: the line `portcullis/governance/v1` and its RFC 8785 canonical JSON.',
    ),
    effect: z
      .array(saidShape)
      .describe(
        "What it changes, by replay, as it was when it was drafted. Whoever signs does not go by it: an officer's own program replays the log and says it in its own words.",
      ),
    redraftOf: sha256Hex.nullable(),
    signatures: z.array(
      z.strictObject({
        personId: identifier,
        credentialId: identifier,
        signature: officerSignature,
        atMs: z.int(),
      }),
    ),
    wanted: z
      .array(
        z.strictObject({
          group: identifier.nullable().describe('Null: anybody of the roster.'),
          threshold: z.int(),
          with: someClasses.describe('So many of them with each of these classes of credentials.'),
          missing: z.int(),
          missingWith: someClasses.describe('How many of each are still missing.'),
          canSign: z.array(identifier).describe('Who has not signed and would count.'),
        }),
      )
      .describe('Empty when it wants nothing any more.'),
    cancelledAtMs: z.int().nullable(),
    trouble: z
      .strictObject({ code: z.string(), facts })
      .nullable()
      .describe(
        'What kept this orchestrator from handing it to the signer when it last tried, or why the signer refused it. It goes on trying.',
      ),
  })
  .meta({ id: 'Proposal' });
export type ProposalView = z.infer<typeof proposalView>;

export const proposalPage = z
  .strictObject({
    items: z.array(proposalSummary).describe('Newest first.'),
    nextBefore: z.int().nullable().describe('`before` of the next page; null on the last one.'),
  })
  .meta({ id: 'ProposalPage' });
export type ProposalPage = z.infer<typeof proposalPage>;

export const draftBody = z.strictObject({ change });
export const proposalParams = z.strictObject({ proposalId: sha256Hex });

export const waitingEntry = z
  .strictObject({
    entry: sha256Hex.describe('Its hash: what `activated` and `vetoed` name.'),
    sequence: z.int(),
    kind: z.string().describe('Of its change.'),
    effect: z
      .array(saidShape)
      .nullable()
      .describe('What it would change if it acted now; null when it could not any more.'),
    delayMs: z.int().describe('How long it waits, of the time that the signer counts while it runs.'),
    leftMs: z.int().nullable().describe('What is left of that; null while the signer does not answer.'),
    usableFromMs: z
      .int()
      .nullable()
      .describe('About when it can be activated, if the signer runs on until then. 0 ms left: now.'),
    signedBy: z.array(identifier).describe('Persons. None of them activates it.'),
    canActivate: z.array(identifier),
    canVeto: z.strictObject({ group: identifier, threshold: z.int() }),
  })
  .meta({ id: 'WaitingEntry' });
export type WaitingEntry = z.infer<typeof waitingEntry>;

export const waitingEntries = z.strictObject({ items: z.array(waitingEntry).describe('Oldest first.') });
