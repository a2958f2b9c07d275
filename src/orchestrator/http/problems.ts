// Every code that the API can answer with, its HTTP status, and what it says to a person. The only place that knows
// statuses. A code of a feature that is missing here does not compile.

import type { HeadRefusalCode } from '../../core/governance/fresh-head.js';
import type { GovernanceRefusalCode } from '../../core/governance/state.js';
import type { ApprovalServiceRefusalCode } from '../approvals/approval.service.js';
import type { OwnProposalRefusalCode } from '../governance/proposal.errors.js';
import type { IdempotencyRefusalCode } from '../idempotency/idempotency.store.js';
import type { SimulationRefusalCode } from '../simulations/simulation.service.js';
import type { AuthenticationRefusalCode } from '../identity/authenticator.js';
import type { TransferRefusalCode } from '../transfers/transfer.errors.js';
import type { WayOutRefusalCode } from '../ways-out/ways-out.errors.js';

/** Codes that this folder itself refuses with. */
export type HttpRefusalCode =
  | 'route-unknown'
  | 'input-invalid'
  | 'body-missing'
  | 'body-unexpected'
  | 'body-malformed'
  | 'body-too-large'
  | 'content-type-unsupported'
  | 'content-encoding-unsupported'
  | 'idempotency-key-missing'
  | 'idempotency-key-malformed'
  | 'officers-only'
  | 'backends-only'
  | 'request-of-another-key'
  | 'approval-of-another-person'
  | 'signer-refused'
  | 'rate-limited'
  | 'answer-timeout'
  | 'unavailable'
  | 'not-ready'
  | 'internal';

export type ProblemCode =
  | HttpRefusalCode
  | AuthenticationRefusalCode
  | IdempotencyRefusalCode
  | TransferRefusalCode
  | ApprovalServiceRefusalCode
  | GovernanceRefusalCode
  | HeadRefusalCode
  | WayOutRefusalCode
  | OwnProposalRefusalCode
  | SimulationRefusalCode
  | 'balance-unavailable'
  | 'audit-file-unknown';

interface ProblemKind {
  readonly status: number;
  readonly title: string;
  readonly detail: string;
}

function kind(status: number, title: string, detail: string): ProblemKind {
  return { status, title, detail };
}

const HTTP: Record<HttpRefusalCode, ProblemKind> = {
  'route-unknown': kind(404, 'No such route', 'Nothing is served under this method and path. See /docs.'),
  'input-invalid': kind(
    400,
    'Input not valid',
    'A field is missing, unknown or not of its form; `where` says which.',
  ),
  'body-missing': kind(400, 'Body missing', 'This endpoint needs a JSON body.'),
  'body-unexpected': kind(400, 'Body not expected', 'This endpoint takes no body.'),
  'body-malformed': kind(400, 'Body is not JSON', 'The body could not be read as UTF-8 JSON.'),
  'body-too-large': kind(413, 'Body too large', 'The body is larger than this deployment accepts.'),
  'content-type-unsupported': kind(
    415,
    'Content type not supported',
    'Bodies are `application/json` in UTF-8.',
  ),
  'content-encoding-unsupported': kind(
    415,
    'Content encoding not supported',
    'Bodies are sent without compression.',
  ),
  'idempotency-key-missing': kind(
    400,
    'Idempotency-Key missing',
    'Send an Idempotency-Key header, and cover it with the signature.',
  ),
  'idempotency-key-malformed': kind(
    400,
    'Idempotency-Key not valid',
    'An Idempotency-Key is 8 to 128 letters, digits and . _ : @ -',
  ),
  'officers-only': kind(403, 'Officers only', 'Sign the request with a credential of the roster.'),
  'backends-only': kind(403, 'Request keys only', 'Sign the request with a registered request key.'),
  'request-of-another-key': kind(
    403,
    "Another key's request",
    'A statement is submitted by the request key that signed it.',
  ),
  'approval-of-another-person': kind(
    403,
    "Another person's approval",
    'An approval is submitted by the officer who signed it.',
  ),
  'signer-refused': kind(422, 'Refused by the signer', 'The signer refused; `signerCode` says why.'),
  'rate-limited': kind(429, 'Too many requests', 'Wait as long as Retry-After says.'),
  'answer-timeout': kind(
    503,
    'Took too long',
    'No answer in time. What was asked may still happen: ask again with the same Idempotency-Key.',
  ),
  unavailable: kind(
    503,
    'Not available now',
    'Something that this needs does not answer at the moment; `reason` names it. Try again.',
  ),
  'not-ready': kind(
    503,
    'Not ready',
    'The program is starting, stopping, or without its database or governance log.',
  ),
  internal: kind(500, 'Internal fault', 'Something broke here. The logs have it under the id in `instance`.'),
};

const AUTHENTICATION: Record<AuthenticationRefusalCode, ProblemKind> = {
  'authority-unknown': kind(
    421,
    'Not this host',
    'The Host that the request names is not one of this deployment.',
  ),
  'signature-missing': kind(
    401,
    'Signature missing',
    'Sign the request as RFC 9421 says, with tag="portcullis". See /docs.',
  ),
  'signature-malformed': kind(
    401,
    'Signature malformed',
    'Signature-Input or Signature is not what the profile allows; `why` says how.',
  ),
  'signature-components-missing': kind(
    401,
    'Signature covers too little',
    'The components named in `missing` have to be covered.',
  ),
  'signature-expired': kind(401, 'Signature expired', 'Sign again; check the clock.'),
  'signature-not-yet-valid': kind(
    401,
    'Signature from the future',
    '`created` is ahead of our clock; check yours.',
  ),
  'signature-key-unknown': kind(
    401,
    'Key unknown',
    'Governance registers no such key id for this algorithm.',
  ),
  'signature-invalid': kind(
    401,
    'Signature not valid',
    'The signature was not made by that key over this request.',
  ),
  'content-digest-mismatch': kind(
    401,
    'Body is not the one signed',
    'Content-Digest does not belong to the body as received.',
  ),
  'signature-replayed': kind(
    401,
    'Nonce used before',
    'Sign every request, a retry too, with a fresh nonce.',
  ),
};

const IDEMPOTENCY: Record<IdempotencyRefusalCode, ProblemKind> = {
  'idempotency-key-reused': kind(
    422,
    'Idempotency-Key used for something else',
    'This key was used for another call. Use a fresh one.',
  ),
};

const TRANSFERS: Record<TransferRefusalCode | 'balance-unavailable', ProblemKind> = {
  'request-other-deployment': kind(
    422,
    "Another deployment's request",
    'The statement names another deployment.',
  ),
  'request-key-unknown': kind(422, 'Request key unknown', 'Governance registers no such request key.'),
  'request-signature-invalid': kind(
    422,
    'Statement signature not valid',
    'The statement was not signed by the request key that it names.',
  ),
  'request-lifetime': kind(
    422,
    'Lifetime not allowed',
    'A request expires after it is created, and not too long after.',
  ),
  'request-from-the-future': kind(
    422,
    'Created in the future',
    'The request was created ahead of our clock.',
  ),
  'request-expired': kind(
    422,
    'Request expired',
    'The request can never be acted on any more. Its id stays used.',
  ),
  'requester-not-owner': kind(
    422,
    'Requester does not belong to the key',
    "The requester is none of the request key's owners.",
  ),
  'requester-removed': kind(
    422,
    'Requester removed',
    'The requester is a person whom governance has removed. Nothing that they ask for is signed any more.',
  ),
  'wallet-unknown': kind(422, 'Wallet unknown', 'Governance has no such wallet.'),
  'chain-mismatch': kind(
    422,
    "Not the wallet's chain",
    'The wallet is on another chain than the request says.',
  ),
  'asset-not-registered': kind(
    422,
    'Asset not registered',
    'Governance registers no such asset, symbol and decimals on this chain.',
  ),
  'request-id-used': kind(
    409,
    'Request id used',
    'Another request has this id. Request ids are used once and for ever.',
  ),
  'destination-invalid': kind(
    422,
    'Destination not valid',
    'The destination is no address of the chain that can be paid.',
  ),
  'kind-contradicted': kind(
    422,
    'Not a transfer of this kind',
    'Wallet or destination are none for what the request says that it is; `kind`, `from` and `to` say which.',
  ),
  'chain-not-served': kind(
    422,
    'Chain not served',
    'This orchestrator has no nodes configured for the chain.',
  ),
  'transfer-unknown': kind(404, 'Transfer unknown', 'There is no such transfer, or none that you may see.'),
  'transaction-unknown': kind(404, 'Transaction unknown', 'The transfer has no such transaction.'),
  'certificate-missing': kind(404, 'No certificate yet', 'The signer has not signed this.'),
  'transfer-not-cancellable': kind(
    409,
    'Cannot be cancelled',
    'The transfer has come to an end, or was signed.',
  ),
  'transfer-being-signed': kind(
    409,
    'Being signed',
    'A signature may be on its way; the transfer cannot be cancelled now.',
  ),
  'transfer-not-indeterminate': kind(
    409,
    'Not indeterminate',
    'Only a transfer that waits for a person to decide can be resolved.',
  ),
  'transfer-nothing-to-ask': kind(
    409,
    'Nothing to ask the signer for',
    'A signature for it is known, or part of its batch was recorded already. Find out, and record it.',
  ),
  'cursor-invalid': kind(400, 'Cursor not valid', 'The cursor is none that an earlier page gave.'),
  'balance-unavailable': kind(503, 'Balance not available', "The chain's nodes do not answer at the moment."),
};

const APPROVALS: Record<Exclude<ApprovalServiceRefusalCode, TransferRefusalCode>, ProblemKind> = {
  'approval-other-transfer': kind(
    422,
    "Another transfer's approval",
    'What was signed is about another transfer.',
  ),
  'approval-other-deployment': kind(
    422,
    "Another deployment's approval",
    'What was signed is about another deployment.',
  ),
  'approval-altered': kind(
    422,
    'Statement altered',
    'What was signed is not what the transfer says; `field` names the difference.',
  ),
  'approval-without-statement': kind(
    422,
    'Nothing to approve',
    'There is an approval and no statement that it is over.',
  ),
  'policy-not-in-force': kind(
    409,
    'Policy changed',
    'The statement names a policy that is not in force any more. Get the statement again.',
  ),
  'governance-head-unknown': kind(
    409,
    'Governance head unknown',
    'The statement names a governance entry that is none of ours.',
  ),
  'approval-expired': kind(422, 'Statement expired', 'The statement can not be approved any more.'),
  'approval-is-rejection': kind(422, 'That is a rejection', 'A rejection cannot serve as an approval.'),
  'approver-not-in-roster': kind(
    422,
    'Not in the roster',
    'The credential is none of the roster as it stands now.',
  ),
  'approver-is-requester': kind(
    422,
    'Own request',
    'Nobody approves what they, or the key they own, requested.',
  ),
  'approver-duplicate': kind(
    409,
    'Has signed already',
    'This officer has given a verdict. A person counts once.',
  ),
  'approval-follows-unknown': kind(
    422,
    'Follows what is not here',
    'The approval names an earlier one that is not among those given for this transfer. Get the statement again.',
  ),
  'approval-out-of-turn': kind(
    409,
    'Not their turn',
    'The steps before are not met by the approvals that this one names, or nobody is missing that it could count for. Get the statement again; sign when it is your turn.',
  ),
  'approval-class-wanted': kind(
    409,
    'Another of their keys is wanted',
    'With this key of theirs nobody would be left who could approve with a credential of the class that is asked for, and a person approves once. Sign with the other one.',
  ),
  'approval-signature-invalid': kind(
    422,
    'Approval signature not valid',
    'The signature was not made by that credential over this statement.',
  ),
  'transfer-not-awaiting-approvals': kind(
    409,
    'Waits for no approval',
    'The transfer needs no approval now.',
  ),
  'approver-not-in-group': kind(
    422,
    'In none of the groups',
    'The policy asks for approvals of groups that this officer is not in.',
  ),
  'request-altered': kind(
    409,
    'Stored request altered',
    'What the database holds of this transfer is not what was signed. Nothing goes on with it; call the operators.',
  ),
};

const AUDIT: Record<'audit-file-unknown', ProblemKind> = {
  'audit-file-unknown': kind(404, 'No such file', 'The audit log has no file of this name, or not yet.'),
};

const HEADS: Record<HeadRefusalCode, ProblemKind> = {
  'head-missing': kind(
    409,
    'No word about the head',
    'What nobody approves needs a fresh word of a governor.',
  ),
  'head-stale': kind(422, 'Word too old', 'The word about the head is older than governance asks.'),
  'head-unknown': kind(
    409,
    'Not an entry of this log',
    'The word is about another deployment, from the future, or about an entry that is not known here (yet).',
  ),
  'head-signer-not-governor': kind(403, 'Not a governor', 'Governors alone vouch for the head of the log.'),
  'head-signature-invalid': kind(
    422,
    'Signature not valid',
    'The signature was not made by that credential over this word.',
  ),
};

const GOVERNANCE: Record<GovernanceRefusalCode, ProblemKind> = {
  'governance-not-pending': kind(
    409,
    'Nothing waits under this hash',
    'No entry of this hash waits: it was activated, vetoed, or never there.',
  ),
  'governance-timelock': kind(
    409,
    'The timelock still runs',
    'The entry cannot be activated yet; `leftMs` of the time that the signer counts itself are missing.',
  ),
  'governance-pending-stale': kind(
    409,
    'Waited too long',
    'The entry could have been activated for thirty days, and was not: it is proposed anew.',
  ),
  'governance-activator-proposed': kind(
    403,
    'Proposed by the same person',
    'Whoever signed an entry does not activate it.',
  ),
  'governance-entry-malformed': kind(
    422,
    'Entry malformed',
    'The entry is not of its form; `where` says how.',
  ),
  'governance-not-genesis': kind(422, 'Not a genesis', 'The first entry of a log is its genesis.'),
  'governance-other-deployment': kind(
    422,
    "Another deployment's entry",
    'The entry names another deployment.',
  ),
  'governance-sequence': kind(
    409,
    'Not the next entry',
    'Another entry has this place. Make it anew on top of the newest.',
  ),
  'governance-previous-mismatch': kind(
    409,
    'Not on top of the newest',
    'The entry names another one before it. Make it anew.',
  ),
  'governance-signature-invalid': kind(
    422,
    'Signature not valid',
    'A signature was not made by that credential over this entry.',
  ),
  'governance-signer-unknown': kind(
    422,
    'Signer unknown',
    'A credential is none of the roster before this entry.',
  ),
  'governance-signer-duplicate': kind(422, 'Signed twice', 'One person signed twice. A person counts once.'),
  'governance-quorum-missing': kind(
    422,
    'Quorum missing',
    'Too few persons of the governing group have signed.',
  ),
  'governance-class-missing': kind(
    422,
    'Class of credential missing',
    'Too few of those who signed did so with a credential of a class that the quorum asks for.',
  ),
  'governance-head-missing': kind(409, 'Log is shorter', 'The log does not reach the entry that is meant.'),
  'governance-change-invalid': kind(
    422,
    'Change not valid',
    'The change cannot be made to the state as it is; `why` says so.',
  ),
};

const PROPOSALS: Record<OwnProposalRefusalCode, ProblemKind> = {
  'proposal-unknown': kind(404, 'Proposal unknown', 'There is no such proposal.'),
  'proposal-not-open': kind(
    409,
    'Wants no signatures',
    'The proposal has its signatures, or is over; `state` says which.',
  ),
  'proposal-not-over': kind(
    409,
    'Not over',
    'Only what was superseded or taken back is drafted anew; `state` says where it stands.',
  ),
  'proposal-of-another-person': kind(
    403,
    "Another officer's proposal",
    'Only its drafter takes a proposal back. Whoever is against it does not sign it.',
  ),
  'proposals-too-many': kind(
    409,
    'Too many proposals',
    'One person drafts so many proposals for one place in the log, and no more.',
  ),
  'governance-signer-not-asked': kind(
    422,
    'Not asked to sign',
    'Signatures of this person do not count for this change; `groups` says whose do.',
  ),
};

const SIMULATIONS: Record<Exclude<SimulationRefusalCode, TransferRefusalCode>, ProblemKind> = {
  'policy-malformed': kind(
    422,
    'Draft does not hold together',
    'The signer would refuse these documents; `document`, `line` and `why` say for what.',
  ),
};

type OwnCode = Exclude<WayOutRefusalCode, TransferRefusalCode | GovernanceRefusalCode>;

const WAYS_OUT: Record<OwnCode, ProblemKind> = {
  'request-of-another-transfer': kind(
    422,
    "Another transfer's request",
    'The request in the body is not the one that this transfer came of.',
  ),
  'transfer-not-voidable': kind(
    409,
    'Not over yet',
    'Something of it is still under way, or it was paid. Cancel it first, or wait for its end.',
  ),
  'transfer-signed': kind(
    409,
    'Was signed',
    'Something spendable was signed for it: it is never void before a quorum has buried that.',
  ),
  'request-before-restore': kind(
    409,
    'Older than the restore',
    'The signer began again after a lost store and does not know whether the lost one signed this. Nothing is signed for it any more.',
  ),
  'transfer-not-stuck': kind(
    409,
    'Not under way',
    'Only what was signed and is not decided by the chain can be cancelled there.',
  ),
  'transfer-nothing-to-cancel': kind(
    409,
    'Nothing to cancel',
    'No signed transaction of it is known here. See its ways out.',
  ),
  'cancel-impossible': kind(
    409,
    'Cannot be outbid',
    'No coin or nonce of this wallet that conflicts with all that was signed can be spent; `why` says what hinders.',
  ),
  'cancel-waits': kind(
    409,
    'Cannot be cancelled now',
    'The cancel does not fit under the fee ceilings today, or the nodes are behind; `why` says which. Try again.',
  ),
  'burial-other-deployment': kind(
    422,
    "Another deployment's burial",
    'The statement names another deployment.',
  ),
  'burial-governance-moved': kind(
    409,
    'Governance moved',
    'The statement was signed under another governance entry. Draw it up again.',
  ),
  'burial-expired': kind(
    422,
    'Burial expired',
    'The statement is too old, or was to live too long. Draw it up again.',
  ),
  'burial-too-shallow': kind(
    409,
    'Not deep enough',
    'What lies in the chain needs more confirmations: 6 on Bitcoin, 64 on Ethereum.',
  ),
  'burial-transfer-unknown': kind(
    422,
    'Nothing was signed for it',
    'The signer has begun nothing for one of the transfers.',
  ),
  'burial-conflicting-unknown': kind(
    422,
    'Not of this signer',
    'The transaction in the chain is none that this signer has signed, or its id is another one.',
  ),
  'burial-conflicting-pays': kind(
    422,
    'It pays one of them',
    'The transaction in the chain pays one of the transfers: that one is paid.',
  ),
  'burial-incomplete': kind(
    409,
    'Not all of it',
    'The statement does not name exactly what was signed for the transfers. Draw it up again.',
  ),
  'burial-not-conflicting': kind(
    422,
    'Does not conflict',
    'One of the transactions shares no coin or nonce with what lies in the chain: it can still be mined.',
  ),
  'wallet-of-another-restore': kind(
    422,
    'Not this wallet',
    'The body names another wallet, chain or address, or not what the signer goes on from.',
  ),
};

export const PROBLEMS: Record<ProblemCode, ProblemKind> = {
  ...HTTP,
  ...AUTHENTICATION,
  ...IDEMPOTENCY,
  ...TRANSFERS,
  ...APPROVALS,
  ...AUDIT,
  ...GOVERNANCE,
  ...HEADS,
  ...PROPOSALS,
  ...SIMULATIONS,
  ...WAYS_OUT,
};
