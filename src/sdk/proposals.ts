// The API's answers about proposals, as far as clients read them. What is signed is made again from a verified log: nothing of
// these is relied on but the entry, which its hash identifies.

import { z } from 'zod';
import { entryBody } from '../core/governance/entry.js';
import { identifier, sha256Hex, officerSignature } from '../core/statements/fields.js';
import { facts } from './shapes.js';

export const proposalSummary = z.object({
  proposalId: sha256Hex,
  state: z.string(),
  sequence: z.int(),
  kind: z.string(),
  proposedBy: identifier,
  proposedAtMs: z.int(),
  signedBy: z.array(identifier),
});
export type ProposalSummary = z.infer<typeof proposalSummary>;

export const proposal = z.object({
  ...proposalSummary.shape,
  body: entryBody,
  redraftOf: sha256Hex.nullable(),
  signatures: z.array(
    z.object({ personId: identifier, credentialId: identifier, signature: officerSignature, atMs: z.int() }),
  ),
  cancelledAtMs: z.int().nullable(),
  trouble: z.object({ code: z.string(), facts }).nullable(),
});
export type Proposal = z.infer<typeof proposal>;

export const proposalPage = z.object({
  items: z.array(proposalSummary),
  nextBefore: z.int().nullable(),
});
