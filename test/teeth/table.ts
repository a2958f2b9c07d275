// The table of teeth: every refusal of the spine, how its check is taken out, and the test that notices. `npm run test:teeth`
// runs it. That no code and no place that answers with one is missing here, teeth.spec.ts checks in every test run.

import type { Aside } from './coverage.js';
import { AUDIT } from './rows/audit.js';
import { AUTHORIZATION } from './rows/authorization.js';
import { BITCOIN } from './rows/bitcoin.js';
import { CERTIFICATES } from './rows/certificates.js';
import { CLOCK } from './rows/clock.js';
import { ETHEREUM } from './rows/ethereum.js';
import { FACTS } from './rows/facts.js';
import { GOVERNANCE } from './rows/governance.js';
import { HEADS } from './rows/heads.js';
import { IDENTITY } from './rows/identity.js';
import { ORCHESTRATOR } from './rows/orchestrator.js';
import { POLICY } from './rows/policy.js';
import { RECOVERY } from './rows/recovery.js';
import { SIGNED_TRANSACTIONS } from './rows/signed-transactions.js';
import { SIGNER } from './rows/signer.js';
import { SIGNER_START } from './rows/signer-start.js';
import { TEXTS } from './rows/texts.js';
import { TIMELOCK } from './rows/timelock.js';
import { TOKEN_RECORDS } from './rows/token-records.js';
import { WAYS_OUT } from './rows/ways-out.js';
import type { Tooth, Toothless } from './tooth.js';

/** Folders and sources of the spine: whatever code they declare has a row here, or is aside with a reason. */
export const SPINE: readonly string[] = [
  'src/core',
  'src/signer',
  'src/signer-protocol',
  'hardware/key-signer.ts',
  'hardware/pkcs11/record-format.ts',
  'hardware/pkcs11/token-records.ts',
  'src/orchestrator/approvals',
  'src/orchestrator/governance',
  'src/orchestrator/http/call.interceptor.ts',
  'src/orchestrator/http/input.ts',
  'src/orchestrator/http/problems.ts',
  'src/orchestrator/idempotency',
  'src/orchestrator/identity',
  'src/orchestrator/transfers',
  'src/orchestrator/ways-out',
];

export const TEETH: readonly Tooth[] = [
  ...TEXTS,
  ...BITCOIN,
  ...ETHEREUM,
  ...SIGNED_TRANSACTIONS,
  ...AUTHORIZATION,
  ...FACTS,
  ...POLICY,
  ...GOVERNANCE,
  ...HEADS,
  ...CLOCK,
  ...TIMELOCK,
  ...SIGNER,
  ...SIGNER_START,
  ...TOKEN_RECORDS,
  ...RECOVERY,
  ...CERTIFICATES,
  ...IDENTITY,
  ...ORCHESTRATOR,
  ...WAYS_OUT,
  ...AUDIT,
];

const CALLS = 'src/orchestrator/http/problems.ts';
const INPUT = 'src/orchestrator/http/input.ts';

export const ASIDE: readonly Aside[] = [
  {
    union: 'HttpRefusalCode',
    file: CALLS,
    but: [
      'officers-only',
      'backends-only',
      'request-of-another-key',
      'approval-of-another-person',
      'idempotency-key-missing',
      'idempotency-key-malformed',
    ],
    why: 'how a call is written, and when nothing can be answered: no question of who may have what',
  },
  {
    union: 'InputRefusalCode',
    file: INPUT,
    but: ['idempotency-key-missing', 'idempotency-key-malformed'],
    why: 'how a call is written',
  },
  { union: 'ProblemCode', file: CALLS, why: 'a balance that no node tells: nothing is refused' },
  {
    union: 'TransferFaultCode',
    file: 'src/orchestrator/transfers/transfer.errors.ts',
    but: ['lease-lost'],
    why: 'what a step finds wrong with its own rows: it is undone and done again, nobody is refused anything',
  },
  {
    union: 'OwnFreezeFaultCode',
    file: 'src/orchestrator/governance/own-freezes.ts',
    why: 'why a freeze of its own could not be had: nobody is let through by it, and it is tried again',
  },
  {
    union: 'PolicyParseRefusalCode',
    file: 'src/core/policy/page.ts',
    why: 'why a text is no policy: governance answers governance-change-invalid, which has a tooth for it, and policies/bad has a sample of each',
  },
  {
    union: 'YamlRefusalCode',
    file: 'src/core/policy/strict-yaml.ts',
    why: 'why a text is no strict YAML, as for policies',
  },
  {
    union: 'HttpSigningFaultCode',
    file: 'src/core/http-message-signatures/sign.ts',
    why: "the caller's side of a signature, in the caller's own process",
  },
  {
    union: 'ProtocolFaultCode',
    file: 'src/signer/conversation.ts',
    but: ['reply-too-large'],
    why: 'internal is what an error is called that nobody expected; there is no check to take out',
  },
  {
    union: 'TokenFaultCode',
    file: 'hardware/key-signer.ts',
    but: ['record-changed', 'record-stale', 'record-duplicate', 'record-malformed'],
    why: 'what becomes of a call to a token: shown on real ones, in a process that no mutation reaches; nothing but records is judged there',
  },
  {
    union: 'MainFaultCode',
    file: 'src/signer/main.ts',
    why: 'what is wrong with a command line or a file, told to who typed it',
  },
];

/** Second lines, behind checks that have teeth: no input leads there while the first line stands. */
export const TOOTHLESS: readonly Toothless[] = [
  {
    code: 'policy-inconsistent',
    file: 'src/core/policy/conditions/known.ts',
    why: 'where nothing is known, without it the next line would throw as well, and be answered as the same policy-error',
  },
  {
    code: 'audit-tile-not-read',
    file: 'src/core/audit/tiles.ts',
    why: 'what is asked of the tiles is the list by which they were read, and the size was compared before',
  },
  {
    code: 'payment-missing',
    file: 'src/core/authorization/decode-order.ts',
    why: 'the comparison before it has named the output that pays each request',
  },
  {
    code: 'certificate-policy-mismatch',
    file: 'src/core/certificates/verify.ts',
    why: 'the replay before it refuses policies that do not parse',
  },
  {
    code: 'signature-key-unknown',
    file: 'src/orchestrator/identity/authenticator.ts',
    why: 'the signature before it was verified with the key of the same roster',
  },
  {
    code: 'transfer-unknown',
    file: 'src/orchestrator/transfers/transfer.service.ts',
    why: 'the second look at a transfer that is cancelled: rows of transfers are never deleted',
  },
  {
    code: 'token-unknown',
    file: 'src/signer/signer.ts',
    why: "the self-check of the wallet's keys before it has asked the same token",
  },
  {
    code: 'policy-unreadable',
    file: 'src/signer/signer.ts',
    why: 'replay refuses an entry whose policies do not parse',
  },
  {
    code: 'store-corrupt',
    file: 'src/signer/certificates.ts',
    why: 'what the ledger says lies at a sequence, which it took from there itself',
  },
  {
    code: 'store-corrupt',
    file: 'src/signer/ways-out.ts',
    why: 'the same, for a void',
  },
  {
    code: 'store-corrupt',
    file: 'src/signer/ways-out.ts',
    why: 'the same, for a reservation',
  },
];
