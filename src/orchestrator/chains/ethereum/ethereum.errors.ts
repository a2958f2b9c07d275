// What the Ethereum driver throws, and the reasons that it writes into a transfer's history. Refusals of a signature
// are the signer's; nothing here decides whether money may move.

import { Fault } from '../../../core/fault.js';

export type EthereumFaultCode =
  /** Too few nodes gave an answer that can be relied on. Facts say which node failed how. */
  | 'chain-unavailable'
  /** The chain has used a nonce that was never handed out here: somebody else has the key, or had it. Alarm. */
  | 'nonce-foreign'
  /** The signer has signed nonces that this database knows nothing of: it was rolled back, or is another one. Alarm. */
  | 'nonce-behind-signer'
  /** A plan cannot be taken back, since a later nonce of the wallet was signed. A bug, or an edited database. */
  | 'nonce-order'
  /** A transfer holds a nonce already. A bug, or two pipelines on one transfer. */
  | 'nonce-of-transfer-taken'
  /** A nonce of the wallet was used by a transaction that is not ours, for good. Permanent: the key is not only ours. */
  | 'wallet-stopped'
  /** A plan that was signed is never given back. */
  | 'release-of-signed'
  | 'plan-unknown'
  | 'plan-malformed'
  /** The signer's bytes are not the planned transaction. */
  | 'signed-not-as-planned'
  | 'wallet-other-chain'
  | 'provider-url-malformed'
  | 'signer-knows-no-wallet';

/** Why a transfer can never be paid as it was requested. */
export type ImpossibleReason =
  | 'destination-malformed'
  /** The wallet itself, or a registered token's contract. */
  | 'destination-forbidden'
  /** Not registered, or registered with another symbol or other decimals than the request says. */
  | 'token-unregistered'
  | 'token-code-changed'
  | 'gas-above-cap'
  | 'would-revert';

/** Why a mined transaction did not do what it should. */
export type FailureReason =
  | 'reverted'
  | 'transfer-log-missing'
  | 'transfer-log-mismatch'
  | 'transfer-log-not-alone';

export type BroadcastRejection =
  | 'nonce-too-low'
  | 'replacement-underpriced'
  | 'insufficient-funds'
  | 'fee-too-low'
  | 'gas-limit'
  | 'malformed-for-node';

export function chainUnavailable(what: string, failures: readonly string[]): Fault<EthereumFaultCode> {
  return new Fault<EthereumFaultCode>('chain-unavailable', `no answer to rely on: ${what}`, {
    facts: { asked: what, failures: failures.join('; ').slice(0, 500) },
  });
}
