// Does a decoded Ethereum transaction do exactly what was asked, and nothing else? Pure comparison of an intent with one
// payment, the wallet's own address and the registered tokens. It does NOT judge whether the payment may be made
// (policy does), nor whether the nonce is the next one (the signer's store does).

import { accepted, type Outcome, refused } from '../../fault.js';
import type { Erc20Token } from '../../governance/entry.js';
import type { Asset } from '../../statements/fields.js';
import type { EthereumIntent } from '../intent.js';
import { ethereumAddress } from './address.js';
import { MIN_GAS_LIMIT } from './decode.js';

/**
 * Closed.
 * - `chain-id-mismatch`: for another chain
 * - `destination-invalid`, `destination-own`, `destination-token-contract`: the payment's destination is no checksummed
 *   address, the wallet itself, or a registered token's contract, from which nothing comes back
 * - `token-not-registered`: the payment's token, or the contract that is really called
 * - `asset-mismatch`: another asset moves than was asked, or the request writes symbol or decimals unlike governance
 * - `calldata-not-allowed`: a native payment that calls a contract
 * - `destination-mismatch`, `amount-mismatch`, `fee-above-ceiling`
 * - `cancel-not-to-self`: a cancel that does anything but send 0 wei to the wallet with 21,000 gas
 */
export type EthereumMatchCode =
  | 'chain-id-mismatch'
  | 'destination-invalid'
  | 'destination-own'
  | 'destination-token-contract'
  | 'token-not-registered'
  | 'asset-mismatch'
  | 'calldata-not-allowed'
  | 'destination-mismatch'
  | 'amount-mismatch'
  | 'fee-above-ceiling'
  | 'cancel-not-to-self';

/** One transfer as its signed request states it. `amount` in the asset's base units, `feeCeiling` in wei. */
export interface EthereumPayment {
  readonly transferId: string;
  /** A native asset's symbol and decimals are the caller's to compare with the chain's coin. */
  readonly asset: Asset;
  readonly destination: string;
  readonly amount: bigint;
  readonly feeCeiling: bigint;
}

/** The wallet and its chain, from governance. */
export interface EthereumOwn {
  readonly chainIdNumber: bigint;
  /** EIP-55. */
  readonly ownAddress: string;
  /** Registered tokens of this chain by contract address in lower case, `0x` included: a map, or anything that looks up like one. */
  readonly tokens: { get(contract: string): Erc20Token | undefined };
}

export interface EthereumMatch {
  /** Undefined for a cancel. */
  readonly transferId: string | undefined;
  /** The most that it can cost. */
  readonly maxFeeWei: bigint;
}

type MatchOutcome<T> = Outcome<T, EthereumMatchCode>;

function checkChain(intent: EthereumIntent, own: EthereumOwn): MatchOutcome<undefined> {
  if (intent.chainIdNumber === own.chainIdNumber) return accepted(undefined);
  return refused('chain-id-mismatch', {
    chainId: intent.chainIdNumber.toString(),
    expected: own.chainIdNumber.toString(),
  });
}

function checkFee(intent: EthereumIntent, ceiling: bigint): MatchOutcome<undefined> {
  if (intent.maxFeeWei <= ceiling) return accepted(undefined);
  return refused('fee-above-ceiling', {
    maxFeeWei: intent.maxFeeWei.toString(),
    ceilingWei: ceiling.toString(),
  });
}

function checkDestination(payment: EthereumPayment, own: EthereumOwn): MatchOutcome<undefined> {
  const { transferId, destination } = payment;
  const address = ethereumAddress(destination);
  if (address.kind === 'refused') return refused(address.code, { ...address.facts, transferId });
  if (destination === own.ownAddress) return refused('destination-own', { transferId, destination });
  if (own.tokens.get(destination.toLowerCase()) !== undefined) {
    return refused('destination-token-contract', { transferId, destination });
  }
  return accepted(undefined);
}

type Moved = { readonly to: string; readonly amount: bigint };

/** Where the asked asset goes and how much of it, when it is that asset which moves. */
function movedAsset(
  { movement }: EthereumIntent,
  { asset, transferId }: EthereumPayment,
  own: EthereumOwn,
): MatchOutcome<Moved> {
  if (asset.kind === 'native') {
    return movement.kind === 'native'
      ? accepted({ to: movement.to, amount: movement.amountWei })
      : refused('calldata-not-allowed', { transferId, contract: movement.contract });
  }
  const token = own.tokens.get(asset.contract.toLowerCase());
  if (token === undefined || token.chain !== `eip155:${own.chainIdNumber}`) {
    return refused('token-not-registered', { transferId, contract: asset.contract });
  }
  // Officers read symbol and decimals in the statement: they must be what governance says of the contract.
  if (
    token.contract !== asset.contract ||
    token.symbol !== asset.symbol ||
    token.decimals !== asset.decimals
  ) {
    return refused('asset-mismatch', { transferId, contract: asset.contract, symbol: asset.symbol });
  }
  if (movement.kind === 'native') return refused('asset-mismatch', { transferId, moved: 'native' });
  if (movement.contract !== token.contract) {
    const called = own.tokens.get(movement.contract.toLowerCase());
    const code = called === undefined ? 'token-not-registered' : 'asset-mismatch';
    return refused(code, { transferId, contract: movement.contract, expected: token.contract });
  }
  return accepted({ to: movement.to, amount: movement.amountUnits });
}

/** Matches a decoded transaction with the one transfer that it is to pay. `payment` may be hostile. */
export function matchEthereum(
  intent: EthereumIntent,
  own: EthereumOwn,
  payment: EthereumPayment,
): MatchOutcome<EthereumMatch> {
  const { transferId, destination } = payment;
  const chain = checkChain(intent, own);
  if (chain.kind === 'refused') return chain;
  const address = checkDestination(payment, own);
  if (address.kind === 'refused') return address;
  const moved = movedAsset(intent, payment, own);
  if (moved.kind === 'refused') return moved;
  const { to, amount } = moved.value;
  if (to !== destination) {
    return refused('destination-mismatch', { transferId, destination, transactionDestination: to });
  }
  if (amount !== payment.amount) {
    return refused('amount-mismatch', {
      transferId,
      amount: payment.amount.toString(),
      transactionAmount: amount.toString(),
    });
  }
  const fee = checkFee(intent, payment.feeCeiling);
  if (fee.kind === 'refused') return fee;
  return accepted({ transferId, maxFeeWei: intent.maxFeeWei });
}

/** Matches a cancel: 0 wei from the wallet to itself with 21,000 gas, costing at most `feeCeiling` wei. */
export function matchEthereumCancel(
  intent: EthereumIntent,
  own: EthereumOwn,
  feeCeiling: bigint,
): MatchOutcome<EthereumMatch> {
  const chain = checkChain(intent, own);
  if (chain.kind === 'refused') return chain;
  const { movement, gasLimit } = intent;
  if (
    movement.kind !== 'native' ||
    movement.to !== own.ownAddress ||
    movement.amountWei !== 0n ||
    gasLimit !== MIN_GAS_LIMIT
  ) {
    return refused('cancel-not-to-self', {
      transactionDestination: movement.to,
      gasLimit: gasLimit.toString(),
    });
  }
  const fee = checkFee(intent, feeCeiling);
  if (fee.kind === 'refused') return fee;
  return accepted({ transferId: undefined, maxFeeWei: intent.maxFeeWei });
}
