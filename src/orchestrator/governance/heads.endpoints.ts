// The endpoints of governors' words about the log's head.

import { z } from 'zod';
import { HEAD_TYPE, signedHead } from '../../core/governance/fresh-head.js';
import { endpoint } from '../http/endpoint.js';
import { exampleStatement } from '../http/examples.js';

const exampleHead = {
  statement: {
    type: HEAD_TYPE,
    deploymentId: exampleStatement.deploymentId,
    sequence: 4,
    head: 'c'.repeat(64),
    createdAtMs: exampleStatement.createdAtMs,
  },
  credentialId: 'ada-piv',
  signature: 'd'.repeat(128),
} as const;

const headAnswer = z
  .strictObject({
    newest: signedHead.nullable().describe('Null when no governor has said anything yet.'),
    freshForMs: z.int().describe('How old it may be for what nobody approves; a day at most.'),
  })
  .meta({ id: 'GovernanceHead' });
export type HeadAnswer = z.infer<typeof headAnswer>;

export const getHead = endpoint({
  operation: 'getGovernanceHead',
  method: 'GET',
  path: '/v1/governance/head',
  tag: 'Governance',
  summary: "Read the newest governor's word about the log's head",
  description:
    'The signer signs what nobody approves only with a word that is fresh: whoever keeps a freeze from it gains no more than that time.',
  access: 'officer',
  answer: {
    is: 'ok',
    description: 'The newest word, and how old it may be.',
    schema: headAnswer,
    example: { newest: exampleHead, freshForMs: 86_400_000 },
  },
  refusals: [],
});

export const submitHead = endpoint({
  operation: 'submitGovernanceHead',
  method: 'POST',
  path: '/v1/governance/head',
  tag: 'Governance',
  summary: "Hand in a governor's word about the log's head",
  description:
    'Kept as it is, and given to the signer with what nobody approves. The same one again changes nothing.',
  access: 'officer',
  body: { schema: signedHead, example: exampleHead },
  answer: {
    is: 'created',
    description: 'The newest word.',
    schema: headAnswer,
    example: { newest: exampleHead, freshForMs: 86_400_000 },
  },
  refusals: ['head-unknown', 'head-stale', 'head-signer-not-governor', 'head-signature-invalid'],
});
