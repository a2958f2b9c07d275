// The closed list of codes of this feature: why somebody is told no. Those of the signer are passed on.

import type { QuorumRefusalCode } from '../../core/governance/state.js';
import type { BurialRefusalCode } from '../../core/recovery/burial.js';
import type { TransferRefusalCode } from '../transfers/transfer.errors.js';

export type WayOutRefusalCode =
  | Extract<
      TransferRefusalCode,
      | 'transfer-unknown'
      | 'transfer-being-signed'
      | 'wallet-unknown'
      | 'request-other-deployment'
      | 'request-key-unknown'
      | 'request-signature-invalid'
      | 'request-from-the-future'
    >
  | QuorumRefusalCode
  | BurialRefusalCode
  | 'request-of-another-transfer'
  | 'transfer-not-voidable'
  | 'transfer-signed'
  | 'request-before-restore'
  | 'transfer-not-stuck'
  | 'transfer-nothing-to-cancel'
  | 'cancel-impossible'
  | 'cancel-waits'
  | 'burial-transfer-unknown'
  | 'burial-conflicting-unknown'
  | 'burial-conflicting-pays'
  | 'burial-incomplete'
  | 'burial-not-conflicting'
  | 'wallet-of-another-restore';
