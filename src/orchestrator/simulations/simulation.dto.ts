// What a simulation takes and shows, as schemas.

import { z } from 'zod';
import { factContent } from '../../core/facts/fact.js';
import { freezeScope, type PolicyDocument, policyDocument } from '../../core/governance/entry.js';
import { explainedView } from '../../core/policy/explained.js';
import { identifier, sha256Hex, timestampMs } from '../../core/statements/fields.js';
import { requestContent } from '../../core/statements/request.js';

/** Drafts are read while everybody waits: larger ones are for `policy explain`, which reads them elsewhere. */
const MAX_DRAFT_CHARACTERS = 100_000;

function charactersOf(documents: readonly PolicyDocument[]): number {
  return documents.flatMap(({ lines }) => lines).reduce((sum, { length }) => sum + length, 0);
}

export const simulationBody = z
  .strictObject({
    ...requestContent,
    policies: z
      .array(policyDocument)
      .min(1)
      .max(64)
      .refine(
        (documents) => charactersOf(documents) <= MAX_DRAFT_CHARACTERS,
        `a draft has ${MAX_DRAFT_CHARACTERS} characters at most`,
      )
      .exactOptional()
      .describe('A draft in place of the documents in force: all that would be, together.'),
  })
  .meta({ id: 'ImaginedTransfer', description: 'What a request would say, which nobody has signed.' });
export type SimulationBody = z.infer<typeof simulationBody>;

export const simulationView = z
  .strictObject({
    asOfMs: timestampMs,
    governanceHead: sha256Hex,
    policyHash: sha256Hex.describe('Of the documents that were asked.'),
    draft: z.boolean().describe('They are not the ones in force.'),
    ...explainedView.shape,
    excluded: z
      .array(identifier)
      .describe('Who asks, and the owners of the request key: their approvals never count.'),
    wanted: z
      .array(
        z.strictObject({
          subject: z.string().describe('`price/…/native/USD`'),
          said: z.array(factContent).describe('Empty while too few watchers say anything of it.'),
        }),
      )
      .describe('The facts that rules or limits could ask for, and what watchers say of them now.'),
    frozen: z
      .strictObject({ scope: freezeScope, why: z.string(), sequence: z.int() })
      .nullable()
      .describe('Nothing leaves the wallet until a quorum thaws it, whatever is decided.'),
  })
  .meta({ id: 'Simulation' });
export type SimulationView = z.infer<typeof simulationView>;
