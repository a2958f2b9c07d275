// What given transaction bytes would really do. An intent is only ever made by decoding bytes; nothing in it comes
// from what a request, a database or a person says about them.

import type { Sats, Wei } from '../money/amount.js';

/** One input of a Bitcoin transaction, with the output that it spends as its full previous transaction shows it. */
export interface SpentOutput {
  /** `txid:vout`, the txid in display order (reversed), lower-case hex. */
  readonly outpoint: string;
  readonly amountSats: Sats;
  /** scriptPubKey, lower-case hex. */
  readonly script: string;
  readonly sequence: number;
}

export interface CreatedOutput {
  readonly amountSats: Sats;
  /** scriptPubKey, lower-case hex. */
  readonly script: string;
  /** The script's address on the chain's network; a script without one is refused at decoding. */
  readonly address: string;
}

export interface BitcoinIntent {
  readonly family: 'bitcoin';
  readonly version: number;
  readonly lockTime: number;
  readonly inputs: readonly SpentOutput[];
  readonly outputs: readonly CreatedOutput[];
  /** Sum of inputs less sum of outputs; never negative in a decoded intent. */
  readonly feeSats: Sats;
  /** Virtual size of the transaction once signed with P2WPKH witnesses of the largest size, in vbytes. */
  readonly signedVbytes: number;
  /** Digests to sign, one an input, BIP-143 with SIGHASH_ALL. */
  readonly sighashes: readonly Uint8Array[];
  /** The txid, which signatures do not change (segwit only). Display order, lower-case hex. */
  readonly transactionId: string;
}

export interface EthereumIntent {
  readonly family: 'ethereum';
  readonly chainIdNumber: bigint;
  readonly nonce: bigint;
  readonly gasLimit: bigint;
  readonly maxFeePerGasWei: Wei;
  readonly maxPriorityFeePerGasWei: Wei;
  /** The most that it can cost: gasLimit * maxFeePerGas. */
  readonly maxFeeWei: Wei;
  readonly movement: /** Addresses are EIP-55 checksummed and never zero. */
    | { readonly kind: 'native'; readonly to: string; readonly amountWei: Wei }
    | {
        readonly kind: 'erc20-transfer';
        readonly contract: string;
        readonly to: string;
        readonly amountUnits: bigint;
      };
  /** keccak256 of the unsigned serialization (EIP-1559, EIP-2718): what gets signed. */
  readonly signingHash: Uint8Array;
}

export type Intent = BitcoinIntent | EthereumIntent;
