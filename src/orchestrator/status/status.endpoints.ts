// The endpoints that say how the programs are.

import { endpoint } from '../http/endpoint.js';
import { exampleNowMs, exampleStatement, exampleToSign } from '../http/examples.js';
import { liveness, readiness, statusView } from './status.view.js';

export const getStatus = endpoint({
  operation: 'getStatus',
  method: 'GET',
  path: '/v1/status',
  tag: 'Status',
  summary: 'Show signer, tokens, nodes and database',
  description: 'Asks each of them now. What does not answer is reported as such; the call itself succeeds.',
  access: 'officer',
  answer: {
    is: 'ok',
    description: 'How everything is.',
    schema: statusView,
    example: {
      version: '0.1.0',
      nowMs: exampleNowMs,
      deploymentId: exampleStatement.deploymentId,
      database: { dialect: 'postgres', reachable: true },
      governance: {
        known: true,
        sequence: 3,
        head: exampleToSign.statement.governanceHead,
        policyHash: exampleToSign.statement.policyHash,
        frozen: [],
        word: { needed: true, credentialId: 'ada-piv', untilMs: exampleNowMs + 3_600_000 },
      },
      signer: {
        reachable: true,
        agrees: true,
        version: '0.1.0',
        governanceSequence: 3,
        journalSequence: 17,
        anchoredSequence: 17,
        checkpoint: { size: 41, root: '9f'.repeat(32) },
        auditKeyFault: null,
        pending: [],
        clockAheadMs: 3,
      },
      tokens: [
        {
          name: 'treasury',
          ready: true,
          label: 'portcullis-treasury',
          serial: '3f9a1c0b7d2e4586',
          model: 'SoftHSM v2',
          manufacturer: 'SoftHSM project',
        },
      ],
      nodes: [
        { chain: exampleStatement.chain, node: '127.0.0.1:18443', healthy: true, height: 512, detail: null },
      ],
    },
  },
  refusals: [],
});

export const getLiveness = endpoint({
  operation: 'getLiveness',
  method: 'GET',
  path: '/healthz',
  tag: 'Status',
  summary: 'Is the process alive?',
  description: 'Answers as long as the process can answer at all. Looks at nothing else.',
  access: 'open',
  answer: { is: 'ok', description: 'It is.', schema: liveness, example: { status: 'alive' } },
  refusals: [],
});

export const getReadiness = endpoint({
  operation: 'getReadiness',
  method: 'GET',
  path: '/readyz',
  tag: 'Status',
  summary: 'Can it take requests?',
  description:
    'It can while its database answers, the governance log is known and it is not shutting down. A signer or node that is away does not count: transfers wait for them, and `/v1/status` shows it.',
  access: 'open',
  answer: { is: 'ok', description: 'It can.', schema: readiness, example: { status: 'ready' } },
  refusals: ['not-ready'],
});
