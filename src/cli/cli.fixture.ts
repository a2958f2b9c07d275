// What tests of the command line stand on: a deployment with an officer and a backend whose keys are real, and a request
// of it. For tests alone; not part of any program.

import { generateKeyPairSync, sign } from 'node:crypto';
import { genesisOf, start, stateOf, vouching } from '../core/governance/people.fixture.js';
import { replayGenesis } from '../core/governance/replay.js';
import { type AttestedVoid, VOID_TYPE, type VoidStatement, voidBytes } from '../core/recovery/void.js';
import { statementOf, type TransferStatement } from '../core/statements/approval.js';
import {
  REQUEST_TYPE,
  type RequestStatement,
  requestBytes,
  requestDigest,
  type SignedRequest,
  transferIdOf,
} from '../core/statements/request.js';
import { portableVerifier } from '../core/statements/signature.js';
import type { StatementToSign } from '../sdk/shapes.js';
import type { WaysOut } from '../sdk/ways-out.js';

const backend = generateKeyPairSync('ed25519');

export const genesis = genesisOf({
  requestKeys: [
    {
      keyId: 'backend',
      algorithm: 'ed25519',
      publicKey: backend.publicKey.export({ format: 'der', type: 'spki' }).subarray(-32).toString('hex'),
      owners: ['payouts'],
    },
  ],
});
export const state = stateOf(replayGenesis(genesis, portableVerifier));
/** Another deployment, with other keys. */
export const otherState = start;
export const NOW = 1_700_000_100_000;

export function requestWith(altered: Partial<RequestStatement> = {}): SignedRequest {
  const statement: RequestStatement = {
    type: REQUEST_TYPE,
    deploymentId: state.deploymentId,
    requestId: 'req-1',
    keyId: 'backend',
    kind: 'withdrawal',
    chain: 'bip122:0f9188f13cb7b2c71f2a335e3a4fc328',
    wallet: 'hot-btc',
    asset: { kind: 'native', symbol: 'BTC', decimals: 8 },
    amount: '25000000',
    destination: 'bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080',
    feeCeiling: '20000',
    requester: 'payouts',
    customer: 'customer-7',
    createdAtMs: NOW,
    expiresAtMs: NOW + 3_600_000,
    ...altered,
  };
  return { statement, signature: sign(null, requestBytes(statement), backend.privateKey).toString('hex') };
}

/** The signer's word on a request, by the key that genesis names. */
export function voidOf(
  { statement: request }: SignedRequest,
  altered: Partial<VoidStatement> = {},
): AttestedVoid {
  const statement: VoidStatement = {
    type: VOID_TYPE,
    deploymentId: state.deploymentId,
    transferId: transferIdOf(requestDigest(request)),
    requestId: request.requestId,
    requestDigest: requestDigest(request),
    basis: 'never-signed',
    journalSequence: 7,
    journalHash: 'ab'.repeat(32),
    voidedAtMs: NOW,
    ...altered,
  };
  const signature = sign('sha256', voidBytes(statement), {
    key: vouching.secret,
    dsaEncoding: 'ieee-p1363',
  });
  return { statement, signature: signature.toString('hex') };
}

export function servedWith(
  request: SignedRequest,
  altered: Partial<TransferStatement> = {},
): StatementToSign {
  const context = { policyHash: state.policyHash, governanceHead: state.head, expiresAtMs: NOW + 1_800_000 };
  return {
    statement: { ...statementOf(request.statement, context), ...altered },
    request,
    statementDigest: '00'.repeat(32),
    follows: [],
    required: [{ group: 'treasury', quorum: 2 }],
    missing: [{ group: 'treasury', quorum: 2 }],
  };
}

/** What a service says of a transfer that a cancel has outbid; its costs are made to sound harmless. */
export const EXAMPLE_WAYS: WaysOut = {
  transferId: `tr-${'1'.repeat(40)}`,
  state: 'replaced',
  asOfMs: NOW,
  signer: { state: 'signed', transactions: [] },
  transactions: [
    {
      transactionKey: `bitcoin:${'e'.repeat(64)}`,
      transactionId: 'e'.repeat(64),
      purpose: 'pays',
      state: 'conflicted',
      signerState: 'signed',
      transferIds: [`tr-${'1'.repeat(40)}`, `tr-${'2'.repeat(40)}`],
      maxFee: '1200',
      chain: {
        kind: 'conflicted',
        blockHash: 'c'.repeat(64),
        blockHeight: 905_214,
        confirmations: 7,
        conflictingBy: 'f'.repeat(64),
        why: null,
      },
    },
  ],
  ways: [
    { way: 'bury', open: true, why: 'It lies 7 blocks deep.', cost: 'It costs nothing at all.' },
    { way: 'void', open: false, why: 'The signer has signed something for it.', cost: '' },
    { way: 'an-unknown-one', open: true, why: '', cost: '' },
  ],
  burial: null,
};
