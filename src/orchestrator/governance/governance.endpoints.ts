// The endpoints of governance: reading the log, and handing in an entry that a quorum has signed.

import { z } from 'zod';
import {
  assetBands,
  chain,
  erc20Token,
  freezeScope,
  governanceEntry,
  quorumRule,
  requestKey,
  tier,
} from '../../core/governance/entry.js';
import { chainId, displayName, identifier, sha256Hex } from '../../core/statements/fields.js';
import { endpoint } from '../http/endpoint.js';
import { exampleEntry, exampleRequestPublicKey, exampleStatement, exampleToSign } from '../http/examples.js';

export const freezes = z
  .array(z.strictObject({ scope: freezeScope, why: displayName, sequence: z.int() }))
  .describe('What is not signed until a quorum thaws it, and the entry that froze it.');

export const governanceSummary = z
  .strictObject({
    deploymentId: sha256Hex,
    sequence: z.int(),
    head: sha256Hex,
    policyHash: sha256Hex,
    policies: z.array(identifier).describe('Names of the policy documents in force.'),
    quorum: quorumRule.describe('What a change of governance needs.'),
    persons: z.array(
      z.strictObject({ personId: identifier, name: displayName, credentialIds: z.array(identifier) }),
    ),
    groups: z.array(z.strictObject({ groupId: identifier, members: z.array(identifier) })),
    frozen: freezes,
    requestKeys: z.array(requestKey),
    chains: z.array(chain),
    wallets: z.array(z.strictObject({ walletId: identifier, chain: chainId, tier, token: identifier })),
    tokens: z.array(erc20Token),
    retired: z
      .array(z.strictObject({ walletId: identifier, successor: identifier, sequence: z.int() }))
      .describe('Wallets that pay nobody any more but the one that follows them.'),
    bands: z.array(assetBands).describe('How much of each asset the tiers are to hold.'),
  })
  .meta({ id: 'GovernanceSummary' });
export type GovernanceSummary = z.infer<typeof governanceSummary>;

const from = z
  .string()
  .regex(/^(?:0|[1-9][0-9]{0,6})$/)
  .transform((text) => Number.parseInt(text, 10))
  .optional()
  .describe('Sequence of the first entry wanted; 0 unless said.');

const governancePage = z
  .strictObject({
    summary: governanceSummary,
    entries: z.array(governanceEntry).describe('At most 50.'),
    nextFrom: z.int().nullable().describe('`from` of the next page; null on the last one.'),
  })
  .meta({ id: 'GovernancePage' });
export type GovernancePage = z.infer<typeof governancePage>;

const exampleSummary: GovernanceSummary = {
  deploymentId: exampleStatement.deploymentId,
  sequence: 4,
  head: 'c'.repeat(64),
  policyHash: exampleToSign.statement.policyHash,
  policies: ['hot-bitcoin', 'hot-ethereum'],
  quorum: { group: 'governors', threshold: 2 },
  persons: [{ personId: 'ada', name: 'Ada Byron', credentialIds: ['ada-piv'] }],
  groups: [
    { groupId: 'governors', members: ['ada', 'ben', 'cleo'] },
    { groupId: 'treasury', members: ['ada', 'ben', 'cleo'] },
  ],
  frozen: [],
  requestKeys: [
    {
      keyId: exampleStatement.keyId,
      algorithm: 'ed25519',
      publicKey: exampleRequestPublicKey,
      owners: [exampleStatement.requester],
    },
  ],
  chains: [
    {
      family: 'bitcoin',
      chain: exampleStatement.chain,
      network: 'regtest',
      coin: { symbol: 'BTC', decimals: 8 },
    },
  ],
  wallets: [{ walletId: 'hot-bitcoin', chain: exampleStatement.chain, tier: 'hot', token: 'treasury' }],
  tokens: [],
  retired: [],
  bands: [
    {
      chain: exampleStatement.chain,
      contract: 'native',
      bands: [
        { tier: 'hot', measure: 'share', minBasisPoints: 200, targetBasisPoints: 500, maxBasisPoints: 800 },
      ],
    },
  ],
};

export const getGovernance = endpoint({
  operation: 'getGovernance',
  method: 'GET',
  path: '/v1/governance',
  tag: 'Governance',
  summary: 'Read the governance log',
  description:
    'The state after the newest entry that this orchestrator has mirrored from the signer, and the entries themselves, which replay to it.',
  access: 'officer',
  query: z.strictObject({ from }),
  answer: {
    is: 'ok',
    description: 'State and entries.',
    schema: governancePage,
    example: { summary: exampleSummary, entries: [exampleEntry], nextFrom: null },
  },
  refusals: [],
});

export const appendEntry = endpoint({
  operation: 'appendGovernanceEntry',
  method: 'POST',
  path: '/v1/governance/entries',
  tag: 'Governance',
  summary: 'Hand in an entry that a quorum has signed',
  description:
    'The entry goes to the signer, which replays it and decides. An entry that is in the log already is answered as if it had just been added.',
  access: 'officer',
  handsIn: { kind: 'governance', what: 'entry-handed-in' },
  about: ({ body }) => [`governance-entry:${body.sequence}`],
  body: { schema: governanceEntry, example: exampleEntry },
  answer: {
    is: 'created',
    description: 'The state after it.',
    schema: governanceSummary,
    example: exampleSummary,
  },
  refusals: [
    'governance-entry-malformed',
    'governance-not-genesis',
    'governance-other-deployment',
    'governance-sequence',
    'governance-previous-mismatch',
    'governance-signature-invalid',
    'governance-signer-unknown',
    'governance-signer-duplicate',
    'governance-quorum-missing',
    'governance-change-invalid',
    'governance-not-pending',
    'governance-timelock',
    'governance-activator-proposed',
    'signer-refused',
  ],
});
