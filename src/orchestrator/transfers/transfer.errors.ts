// The closed lists of codes of this feature: why somebody is told no, why a transfer moved, what went wrong.

import type { KindRefusalCode } from '../../core/authorization/kinds.js';
import type { RequestRefusalCode } from '../../core/authorization/requests.js';

/** Answers to whoever submits, reads or cancels. */
export type TransferRefusalCode =
  | RequestRefusalCode
  | 'request-id-used'
  | 'destination-invalid'
  | KindRefusalCode
  | 'chain-not-served'
  | 'transfer-unknown'
  | 'transaction-unknown'
  | 'certificate-missing'
  | 'transfer-not-cancellable'
  | 'transfer-being-signed'
  | 'transfer-not-indeterminate'
  | 'transfer-nothing-to-ask'
  | 'cursor-invalid';

export type TransferFaultCode =
  | 'transfer-move-forbidden'
  | 'transfer-changed'
  | 'lease-lost'
  | 'transfer-inconsistent'
  | 'release-blocked'
  | 'signer-answer-inconsistent'
  | 'settled-reorganised';
