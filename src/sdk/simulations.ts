// What the service says would become of a transfer that nobody has asked for. It is the service's word, and no promise: the
// signer decides by counters of its own.

import { z } from 'zod';
import { factContent } from '../core/facts/fact.js';
import type { Outcome } from '../core/fault.js';
import { freezeScope, type PolicyDocument } from '../core/governance/entry.js';
import { explainedView } from '../core/policy/explained.js';
import { identifier, sha256Hex, timestampMs } from '../core/statements/fields.js';
import type { RequestStatement } from '../core/statements/request.js';
import type { Api } from './api.js';
import { requirement } from './shapes.js';

export const simulation = z.object({
  asOfMs: timestampMs,
  governanceHead: sha256Hex,
  policyHash: sha256Hex,
  draft: z.boolean(),
  ...explainedView.shape,
  code: z.string().nullable(),
  requirements: z.array(requirement),
  excluded: z.array(identifier),
  wanted: z.array(z.object({ subject: z.string(), said: z.array(factContent) })),
  frozen: z.object({ scope: freezeScope, why: z.string(), sequence: z.int() }).nullable(),
});
export type Simulation = z.infer<typeof simulation>;

/** What a request would say. */
export type ImaginedRequest = Omit<
  RequestStatement,
  'type' | 'deploymentId' | 'requestId' | 'createdAtMs' | 'expiresAtMs'
>;

/**
 * Asks an officer's question: what if? Nothing is created or counted, so it is safe to repeat. `policies` are a draft in place of
 * those in force. Refusals are the API's; faults as of `submitRequest`.
 */
export function simulate(
  api: Api,
  asked: ImaginedRequest,
  policies?: readonly PolicyDocument[],
): Promise<Outcome<Simulation>> {
  return api.post('/v1/policy/simulations', { ...asked, ...(policies && { policies }) }, simulation);
}
