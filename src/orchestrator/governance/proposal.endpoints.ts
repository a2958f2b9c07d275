// The endpoints of proposals: changes of governance that officers draft, sign and take back.

import { z } from 'zod';
import { entryHash, entrySignature } from '../../core/governance/entry.js';
import { endpoint } from '../http/endpoint.js';
import { exampleEntry, exampleNowMs } from '../http/examples.js';
import {
  draftBody,
  type ProposalSummary,
  type ProposalView,
  proposalPage,
  proposalParams,
  proposalView,
  waitingEntries,
} from './proposal.dto.js';

const { body, signatures } = exampleEntry;
const [first] = signatures;

const exampleSummary: ProposalSummary = {
  proposalId: entryHash(body),
  state: 'open',
  sequence: body.sequence,
  kind: body.change.kind,
  proposedBy: 'ben',
  proposedAtMs: body.createdAtMs,
  signedBy: ['ada'],
};

const exampleProposal: ProposalView = {
  ...exampleSummary,
  body,
  effect: [
    {
      tone: 'change',
      says: 'removes the request key old-desk: nothing that it signed is acted on any more',
      details: [],
    },
  ],
  redraftOf: null,
  signatures: first ? [{ personId: 'ada', ...first, atMs: exampleNowMs }] : [],
  wanted: [
    {
      group: 'governors',
      threshold: 2,
      with: {},
      missing: 1,
      missingWith: {},
      canSign: ['ben', 'cleo'],
    },
  ],
  cancelledAtMs: null,
  trouble: null,
};

const draftRefusals = [
  'governance-change-invalid',
  'governance-not-pending',
  'governance-timelock',
  'proposals-too-many',
] as const;

export const draftProposal = endpoint({
  operation: 'draftProposal',
  method: 'POST',
  path: '/v1/governance/proposals',
  tag: 'Governance',
  summary: 'Draft a change of governance',
  description:
    'Makes the entry that does this on top of the newest one, replays it as if it were signed, and keeps it for officers to sign. What replay refuses is refused here, before anybody signs.',
  access: 'officer',
  idempotencyKey: 'optional',
  body: { schema: draftBody, example: { change: body.change } },
  answer: {
    is: 'created',
    description: 'The proposal, without signatures.',
    schema: proposalView,
    example: { ...exampleProposal, signedBy: [], signatures: [] },
  },
  refusals: draftRefusals,
});

export const listProposals = endpoint({
  operation: 'listProposals',
  method: 'GET',
  path: '/v1/governance/proposals',
  tag: 'Governance',
  summary: 'List proposals',
  description:
    'Those that want signatures or are being handed in; with `which=all` also those that are over.',
  access: 'officer',
  query: z.strictObject({
    which: z.enum(['open', 'all']).exactOptional().describe('`open` unless said.'),
    before: z
      .string()
      .regex(/^(?:0|[1-9][0-9]{0,6})$/)
      .transform((text) => Number.parseInt(text, 10))
      .exactOptional()
      .describe("An earlier page's `nextBefore`, with the same `which`."),
  }),
  answer: {
    is: 'ok',
    description: 'Proposals for up to 20 places in the log.',
    schema: proposalPage,
    example: { items: [exampleSummary], nextBefore: null },
  },
  refusals: [],
});

export const getProposal = endpoint({
  operation: 'getProposal',
  method: 'GET',
  path: '/v1/governance/proposals/:proposalId',
  tag: 'Governance',
  summary: 'Get a proposal',
  description: 'The entry, what it changes, who signed it and who is still asked to.',
  access: 'officer',
  params: proposalParams,
  answer: { is: 'ok', description: 'The proposal.', schema: proposalView, example: exampleProposal },
  refusals: ['proposal-unknown'],
});

export const signProposal = endpoint({
  operation: 'signProposal',
  method: 'POST',
  path: '/v1/governance/proposals/:proposalId/signatures',
  tag: 'Governance',
  summary: 'Sign a proposal',
  description:
    "Takes the calling officer's signature over the entry. With the last one that it wants, the entry goes to the signer, which decides; when the signer is away, it goes there later by itself. A retry with the same signature needs no Idempotency-Key.",
  access: 'officer',
  params: proposalParams,
  body: {
    schema: entrySignature.meta({
      id: 'EntrySignature',
      description:
        'The signature of the credential (P-256, r || s, for a token; a device or a passkey in the way of its class) over the line `portcullis/governance/v1` and the RFC 8785 canonical JSON of `body`.',
    }),
    example: first ?? { credentialId: 'ada-piv', signature: '0'.repeat(128) },
  },
  answer: {
    is: 'created',
    description: 'The proposal with this signature.',
    schema: proposalView,
    example: exampleProposal,
  },
  refusals: [
    'proposal-unknown',
    'proposal-not-open',
    'approval-of-another-person',
    'governance-signer-unknown',
    'governance-signer-duplicate',
    'governance-signer-not-asked',
    'governance-signature-invalid',
  ],
});

export const cancelProposal = endpoint({
  operation: 'cancelProposal',
  method: 'POST',
  path: '/v1/governance/proposals/:proposalId/cancel',
  tag: 'Governance',
  summary: 'Take a proposal back',
  description:
    'For its drafter, as long as it is not in the log. Signatures over it stay valid until another entry has its place in the log: whoever has seen enough of them can still hand it in.',
  access: 'officer',
  params: proposalParams,
  answer: {
    is: 'ok',
    description: 'The proposal as it is now.',
    schema: proposalView,
    example: {
      ...exampleProposal,
      state: 'cancelled',
      wanted: [],
      cancelledAtMs: exampleNowMs,
    },
  },
  refusals: ['proposal-unknown', 'proposal-not-open', 'proposal-of-another-person'],
});

export const redraftProposal = endpoint({
  operation: 'redraftProposal',
  method: 'POST',
  path: '/v1/governance/proposals/:proposalId/redraft',
  tag: 'Governance',
  summary: 'Draft a proposal anew',
  description:
    'The same change on top of the newest entry, for a proposal that another entry has superseded or that was taken back. It has to be signed anew, since an entry names the one before it.',
  access: 'officer',
  idempotencyKey: 'optional',
  params: proposalParams,
  answer: {
    is: 'created',
    description: 'The new proposal.',
    schema: proposalView,
    example: { ...exampleProposal, redraftOf: 'e'.repeat(64), signedBy: [], signatures: [] },
  },
  refusals: ['proposal-unknown', 'proposal-not-over', ...draftRefusals],
});

export const listWaiting = endpoint({
  operation: 'listWaitingEntries',
  method: 'GET',
  path: '/v1/governance/waiting',
  tag: 'Governance',
  summary: 'List entries that wait',
  description:
    'Entries of the log that loosen and act only when they have waited and somebody else has activated them. How long that is still, the signer says, which counts it itself.',
  access: 'officer',
  answer: {
    is: 'ok',
    description: 'What waits.',
    schema: waitingEntries,
    example: {
      items: [
        {
          entry: 'c'.repeat(64),
          sequence: 4,
          kind: 'whitelist-added',
          effect: [
            {
              tone: 'change',
              says: 'puts an address on the whitelist as "OTC desk B" (otc-b), for hot wallets on Bitcoin regtest (bip122:0f9188f13cb7b2c71f2a335e3a4fc328)',
              details: [
                {
                  form: 'address',
                  label: 'OTC desk B',
                  text: 'bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080',
                },
              ],
            },
          ],
          delayMs: 86_400_000,
          leftMs: 3_600_000,
          usableFromMs: exampleNowMs + 3_600_000,
          signedBy: ['ada', 'ben'],
          canActivate: ['cleo'],
          canVeto: { group: 'governors', threshold: 1 },
        },
      ],
    },
  },
  refusals: [],
});
