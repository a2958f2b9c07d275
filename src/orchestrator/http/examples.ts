// One story, told by the examples of the API document: a withdrawal of 0.5 BTC on regtest that two officers approve.
// The keys are made of public constants and hold nothing anywhere; what is signed by them verifies, so that a reader
// can check their own code against it.

import { ed25519 } from '@noble/curves/ed25519.js';
import { p256 } from '@noble/curves/nist.js';
import { bytesToHex, hexToBytes } from '@noble/hashes/utils.js';
import type { Certificate } from '../../core/certificates/certificate.js';
import type { Reservation } from '../../core/certificates/reservation.js';
import { type EntryBody, entryBytes, type GovernanceEntry } from '../../core/governance/entry.js';
import { BURIAL_TYPE, type Burial, type BurialStatement, burialBytes } from '../../core/recovery/burial.js';
import type { RestoredWallet } from '../../core/recovery/restore.js';
import { type AttestedVoid, VOID_TYPE, type VoidStatement, voidBytes } from '../../core/recovery/void.js';
import {
  type Approval,
  approvalBytes,
  statementDigest,
  statementOf,
} from '../../core/statements/approval.js';
import {
  type RequestStatement,
  requestBytes,
  requestDigest,
  type SignedRequest,
  transferIdOf,
} from '../../core/statements/request.js';
import type { TransferAnswer, TransferSummaryAnswer } from '../transfers/transfer.dto.js';

/** Secret keys for examples: anybody can see them, so nothing may ever trust them. */
const EXAMPLE_REQUEST_KEY = new Uint8Array(32).fill(1);
const EXAMPLE_OFFICER_KEY = new Uint8Array(32).fill(2);

const CREATED_MS = 1_767_225_600_000;
const MINUTE_MS = 60_000;
const hex64 = (digit: string) => digit.repeat(64);

export const exampleStatement: RequestStatement = {
  type: 'portcullis/request/v1',
  deploymentId: hex64('d'),
  requestId: 'payout-2026-000417',
  keyId: 'payout-desk',
  kind: 'withdrawal',
  chain: 'bip122:0f9188f13cb7b2c71f2a335e3a4fc328',
  wallet: 'hot-bitcoin',
  asset: { kind: 'native', symbol: 'BTC', decimals: 8 },
  amount: '50000000',
  destination: 'bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080',
  feeCeiling: '20000',
  requester: 'payout-service',
  customer: 'customer-81723',
  createdAtMs: CREATED_MS,
  expiresAtMs: CREATED_MS + 120 * MINUTE_MS,
};

export const exampleRequestPublicKey = bytesToHex(ed25519.getPublicKey(EXAMPLE_REQUEST_KEY));

export const exampleRequest: SignedRequest = {
  statement: exampleStatement,
  signature: bytesToHex(ed25519.sign(requestBytes(exampleStatement), EXAMPLE_REQUEST_KEY)),
};

const digest = requestDigest(exampleStatement);
export const exampleTransferId = transferIdOf(digest);
const policyHash = hex64('a');
const statement = statementOf(exampleStatement, {
  policyHash,
  governanceHead: hex64('9'),
  expiresAtMs: CREATED_MS + 90 * MINUTE_MS,
});

const signByOfficer = (bytes: Uint8Array) =>
  bytesToHex(p256.sign(bytes, EXAMPLE_OFFICER_KEY, { prehash: true, format: 'compact' }));

export const exampleApproval: Approval = {
  credentialId: 'ada-piv',
  verdict: 'approve',
  signature: signByOfficer(approvalBytes('approve', statement)),
};

const entryBody: EntryBody = {
  type: 'portcullis/governance/v1',
  sequence: 4,
  previous: hex64('9'),
  deploymentId: exampleStatement.deploymentId,
  createdAtMs: CREATED_MS,
  change: { kind: 'request-key-removed', keyId: 'old-desk' },
};

export const exampleEntry: GovernanceEntry = {
  body: entryBody,
  signatures: [
    { credentialId: 'ada-piv', signature: signByOfficer(entryBytes(entryBody)) },
    { credentialId: 'ben-piv', signature: signByOfficer(entryBytes(entryBody)) },
  ],
};

export const exampleSummary: TransferSummaryAnswer = {
  transferId: exampleTransferId,
  requestId: exampleStatement.requestId,
  requestDigest: digest,
  state: 'awaiting-approvals',
  reason: { code: 'approvals-missing', facts: { group: 'treasury', missing: 1 } },
  waitingFor: null,
  kind: 'withdrawal',
  chain: exampleStatement.chain,
  wallet: exampleStatement.wallet,
  asset: exampleStatement.asset,
  amount: exampleStatement.amount,
  destination: exampleStatement.destination,
  feeCeiling: exampleStatement.feeCeiling,
  keyId: exampleStatement.keyId,
  requester: exampleStatement.requester,
  customer: exampleStatement.customer,
  receivedAtMs: CREATED_MS + 400,
  updatedAtMs: CREATED_MS + 5 * MINUTE_MS,
  expiresAtMs: exampleStatement.expiresAtMs,
};

export const exampleToSign = {
  statement,
  request: exampleRequest,
  statementDigest: statementDigest(statement),
  follows: [],
  required: [{ group: 'treasury', quorum: 2 }],
  missing: [{ group: 'treasury', quorum: 1 }],
};

export const exampleTransfer: TransferAnswer = {
  ...exampleSummary,
  rule: 'hot-bitcoin/large',
  policyHash,
  limits: [
    {
      limitId: 'hot-bitcoin/day',
      key: 'hot-bitcoin',
      windowMs: 86_400_000,
      amount: exampleStatement.amount,
      usedBefore: '120000000',
      usedAfter: '170000000',
      max: '1000000000',
    },
  ],
  approvals: {
    required: exampleToSign.required,
    given: [
      {
        personId: 'ada',
        credentialId: 'ada-piv',
        verdict: 'approve',
        after: [],
        atMs: CREATED_MS + 5 * MINUTE_MS,
      },
    ],
    missing: exampleToSign.missing,
    statement,
    statementDigest: exampleToSign.statementDigest,
  },
  spendable: { is: 'no', transactionIds: [] },
  void: null,
  transactions: [],
  transitions: [
    {
      sequence: 1,
      from: null,
      to: 'requested',
      reason: { code: 'request-accepted', facts: {} },
      atMs: CREATED_MS + 400,
      by: 'request-key:payout-desk',
    },
    {
      sequence: 2,
      from: 'requested',
      to: 'screened',
      reason: { code: 'nothing-screened', facts: {} },
      atMs: CREATED_MS + 900,
      by: 'orchestrator-1',
    },
  ],
};

const exampleReservation: Reservation = {
  kind: 'reserved',
  at: { wallMs: CREATED_MS + 12 * MINUTE_MS, measuredMs: 86_400_000 },
  ordinal: 7,
  previous: hex64('c'),
  signerVersion: '0.3.0',
  transactionKey: `bitcoin:${hex64('e')}`,
  walletId: exampleStatement.wallet,
  keys: [{ label: 'hot-btc-1', publicKey: `02${hex64('3')}` }],
  order: {
    wallet: exampleStatement.wallet,
    transaction: { kind: 'psbt', base64: 'cHNidP8=' },
    transfers: [{ request: exampleRequest, statement, approvals: [exampleApproval] }],
  },
  intent: {
    family: 'bitcoin',
    version: 2,
    lockTime: 0,
    inputs: [
      {
        outpoint: `${hex64('1')}:0`,
        amountSats: '60000000',
        script: `0014${'4'.repeat(40)}`,
        sequence: 4_294_967_293,
      },
    ],
    outputs: [
      {
        amountSats: exampleStatement.amount,
        script: `0014${'5'.repeat(40)}`,
        address: exampleStatement.destination,
      },
    ],
    feeSats: '1200',
    signedVbytes: 110,
    transactionId: hex64('e'),
  },
  spends: [`${exampleStatement.chain}/${hex64('1')}:0`],
  nonce: null,
  transfers: [
    {
      requestId: exampleStatement.requestId,
      requestDigest: digest,
      feeCeiling: exampleStatement.feeCeiling,
      decision: {
        transferId: exampleTransferId,
        past: 'unseen',
        kind: 'approve',
        rule: 'hot-bitcoin/large',
        approvers: ['ada', 'ben'],
        limits: [
          {
            limitId: 'hot-bitcoin/day',
            key: 'hot-bitcoin',
            windowMs: 86_400_000,
            max: '1000000000',
            usedBefore: '120000000',
            usedAfter: '170000000',
          },
        ],
      },
      charges: [
        {
          limitId: 'hot-bitcoin/day',
          key: 'hot-bitcoin',
          windowMs: 86_400_000,
          amount: exampleStatement.amount,
        },
      ],
    },
  ],
  documents: [{ name: 'hot-bitcoin', sha256: hex64('6') }],
  governanceSequence: 3,
  governanceHead: statement.governanceHead,
  policyHash,
};

export const exampleCertificate: Certificate = {
  type: 'portcullis/certificate/v1',
  deploymentId: exampleStatement.deploymentId,
  journalSequence: 17,
  journalPrevious: hex64('a'),
  journalHash: hex64('b'),
  reservation: exampleReservation,
  burials: [],
  outcome: {
    kind: 'signed',
    signedTransaction: '020000000001',
    transactionId: hex64('e'),
    tokenSerial: '3f9a1c0b7d2e4586',
  },
  attestation: {
    statement: {
      type: 'portcullis/attestation/v1',
      deploymentId: exampleStatement.deploymentId,
      fromOrdinal: 6,
      toOrdinal: 7,
      root: hex64('7'),
      newestOrdinal: 7,
      keptFrom: 1,
      attestedAtMs: CREATED_MS + 13 * MINUTE_MS,
    },
    path: [hex64('8')],
    signature: 'ab'.repeat(64),
  },
};

export const exampleNowMs = CREATED_MS + 13 * MINUTE_MS;
export const exampleWalletPublicKey = `02${bytesToHex(hexToBytes(hex64('7')))}`;

const voidStatement: VoidStatement = {
  type: VOID_TYPE,
  deploymentId: exampleStatement.deploymentId,
  transferId: exampleTransferId,
  requestId: exampleStatement.requestId,
  requestDigest: digest,
  basis: 'never-signed',
  journalSequence: 19,
  journalHash: hex64('8'),
  voidedAtMs: exampleStatement.expiresAtMs + MINUTE_MS,
};

export const exampleVoid: AttestedVoid = {
  statement: voidStatement,
  signature: signByOfficer(voidBytes(voidStatement)),
};

const burialStatement: BurialStatement = {
  type: BURIAL_TYPE,
  deploymentId: exampleStatement.deploymentId,
  governanceHead: statement.governanceHead,
  transferIds: [exampleTransferId],
  dead: [`bitcoin:${hex64('e')}`],
  conflicting: {
    transactionKey: `bitcoin:${hex64('f')}`,
    transactionId: hex64('f'),
    blockHash: hex64('c'),
    blockHeight: 905_214,
    confirmations: 7,
  },
  createdAtMs: exampleNowMs,
  expiresAtMs: exampleNowMs + 24 * 60 * MINUTE_MS,
};

export const exampleBurial: Burial = {
  statement: burialStatement,
  signatures: [
    { credentialId: 'ada-piv', signature: signByOfficer(burialBytes(burialStatement)) },
    { credentialId: 'ben-piv', signature: signByOfficer(burialBytes(burialStatement)) },
  ],
};

export const exampleRestoredWallet: RestoredWallet = {
  family: 'bitcoin',
  walletId: exampleStatement.wallet,
  chain: exampleStatement.chain,
  block: { height: 905_220, hash: hex64('c') },
  unspent: [`${hex64('5')}:0`],
  refreshFeeCeiling: '50000',
};
