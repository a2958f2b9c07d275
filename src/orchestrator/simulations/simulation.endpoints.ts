// The endpoint of simulations.

import { endpoint } from '../http/endpoint.js';
import { exampleNowMs, exampleStatement, exampleTransfer } from '../http/examples.js';
import {
  type SimulationBody,
  type SimulationView,
  simulationBody,
  simulationView,
} from './simulation.dto.js';

const {
  type: _type,
  deploymentId,
  requestId: _id,
  createdAtMs: _from,
  expiresAtMs: _until,
  ...content
} = exampleStatement;
const exampleImagined: SimulationBody = content;

const exampleSimulation: SimulationView = {
  asOfMs: exampleNowMs,
  governanceHead: deploymentId,
  policyHash: deploymentId,
  draft: false,
  decision: 'approve',
  rule: exampleTransfer.rule,
  code: null,
  facts: {},
  requirements: exampleTransfer.approvals.required,
  holdMs: 0,
  limits: exampleTransfer.limits.map((limit) => ({
    ...limit,
    takes: '0.5 BTC',
    used: '1.2 BTC',
    wouldBe: '1.7 BTC',
    atMost: '10 BTC',
    within: '24h',
  })),
  passedOver: [{ rule: 'hot-bitcoin/small', unmet: 'amount-at-most: 0.01 BTC' }],
  excluded: [exampleStatement.requester],
  wanted: [],
  frozen: null,
};

export const simulateTransfer = endpoint({
  operation: 'simulateTransfer',
  method: 'POST',
  path: '/v1/policy/simulations',
  tag: 'Policy',
  summary: 'Ask what would become of a transfer that nobody has asked for',
  description:
    'Decides by the policies in force (or a draft), the counters, facts and freezes as they stand now. Nothing is created, counted, reserved or signed, so there is nothing to repeat safely and an Idempotency-Key plays no part. It is the word of this service: **the signer decides by its own counters**, and what others ask for meanwhile counts.',
  access: 'officer',
  isRecorded: true,
  body: { schema: simulationBody, example: exampleImagined },
  answer: {
    is: 'ok',
    description: 'The decision, and what led to it.',
    schema: simulationView,
    example: exampleSimulation,
  },
  refusals: [
    'request-key-unknown',
    'requester-not-owner',
    'requester-removed',
    'wallet-unknown',
    'chain-mismatch',
    'asset-not-registered',
    'destination-invalid',
    'kind-contradicted',
    'chain-not-served',
    'policy-malformed',
  ],
});
