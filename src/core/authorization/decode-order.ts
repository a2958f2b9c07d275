// From the bytes of an order to what they would do, chain by chain: the one place where the two families meet.

import type { z } from 'zod';
import { accepted, type Outcome, refused } from '../fault.js';
import type { Chain, Wallet, walletKey } from '../governance/entry.js';
import type { GovernanceState } from '../governance/state.js';
import { p2wpkhScript } from '../intents/bitcoin/address.js';
import {
  type BitcoinDecodeCode,
  intentOf,
  readUnsignedBitcoin,
  type UnsignedBitcoin,
} from '../intents/bitcoin/decode.js';
import { type BitcoinMatchCode, matchBitcoin, matchBitcoinCancel } from '../intents/bitcoin/match.js';
import { addressOfPublicKey } from '../intents/ethereum/address.js';
import { decodeEip1559, type EthereumDecodeCode } from '../intents/ethereum/decode.js';
import { type EthereumMatchCode, matchEthereum, matchEthereumCancel } from '../intents/ethereum/match.js';
import type { BitcoinIntent, EthereumIntent, Intent } from '../intents/intent.js';
import type { VerifiedRequest } from './requests.js';
import type { SigningOrder } from './signing-order.js';

export type DecodeRefusalCode =
  | BitcoinDecodeCode
  | BitcoinMatchCode
  | EthereumDecodeCode
  | EthereumMatchCode
  | 'wallet-unknown'
  | 'transfers-too-many'
  | 'transaction-of-other-family';

type BitcoinChain = Extract<Chain, { readonly family: 'bitcoin' }>;
type EthereumChain = Extract<Chain, { readonly family: 'ethereum' }>;

/** A digest and the key that is to sign it. */
export interface DigestToSign {
  readonly key: z.infer<typeof walletKey>;
  readonly digest: Uint8Array;
}

/** What a transaction uses up, costs at most, and needs signed. */
export interface Spending {
  /** What conflicts: `chain/txid:vout` for each input, or `chain/address/nonce`. */
  readonly spends: readonly string[];
  /** Ethereum only. */
  readonly nonce: bigint | undefined;
  /** In base units of the chain's coin. */
  readonly maxFee: bigint;
  readonly toSign: readonly DigestToSign[];
}

/** One transfer as the bytes carry it out: amounts and destinations are the decoded ones. */
export interface Movement {
  readonly request: VerifiedRequest;
  /** `native`, or the contract in lower case. */
  readonly contract: string;
  readonly amount: bigint;
  readonly destination: string;
}

export interface DecodedOrder extends Spending {
  readonly intent: Intent;
  /** Bitcoin only: the transaction as it was read, so that it need not be read once more to be put together. */
  readonly unsigned?: UnsignedBitcoin;
  readonly wallet: Wallet;
  readonly chain: Chain;
  /** Compares the bytes with the requests: each paid exactly, nobody else paid, fee within their ceilings. In their order. */
  readonly matchPayments: (
    requests: readonly VerifiedRequest[],
  ) => Outcome<readonly Movement[], DecodeRefusalCode>;
  /** Does it pay the wallet itself and nobody else, for at most that fee? */
  readonly matchCancel: (feeCeiling: bigint) => Outcome<readonly Movement[], DecodeRefusalCode>;
}

type Result = Outcome<DecodedOrder, DecodeRefusalCode>;

function decodedBitcoin(
  unsigned: UnsignedBitcoin,
  intent: BitcoinIntent,
  wallet: Wallet,
  chain: BitcoinChain,
): Result {
  const keyOfScript = new Map(wallet.keys.map((key) => [p2wpkhScript(key.publicKey), key]));
  const toSign: DigestToSign[] = [];
  for (const [index, input] of intent.inputs.entries()) {
    const key = keyOfScript.get(input.script);
    const digest = intent.sighashes[index];
    if (!key || !digest) return refused('input-foreign', { outpoint: input.outpoint });
    toSign.push({ key, digest });
  }
  const own = { ownScripts: new Set(keyOfScript.keys()), network: chain.network };
  const matchPayments: DecodedOrder['matchPayments'] = (requests) => {
    const token = requests.find(({ statement }) => statement.asset.kind !== 'native');
    if (token) return refused('asset-mismatch', { transferId: token.transferId });
    const matched = matchBitcoin(intent, own, requests.map(paymentOf));
    if (matched.kind === 'refused') return matched;
    const movements: Movement[] = [];
    for (const [index, request] of requests.entries()) {
      const output = intent.outputs[matched.value.payments[index]?.outputIndex ?? -1];
      if (!output?.address) return refused('payment-missing', { transferId: request.transferId });
      movements.push({
        request,
        contract: 'native',
        amount: output.amountSats,
        destination: output.address,
      });
    }
    return accepted(movements);
  };
  return accepted({
    intent,
    unsigned,
    wallet,
    chain,
    spends: intent.inputs.map((input) => `${chain.chain}/${input.outpoint}`),
    nonce: undefined,
    maxFee: intent.feeSats,
    toSign,
    matchPayments,
    matchCancel: (feeCeiling) => nothingMoved(matchBitcoinCancel(intent, own, feeCeiling)),
  });
}

const addresses = new WeakMap<z.infer<typeof walletKey>, string>();

/** Worked out once for each key of a governance state, which never changes. */
function ownAddressOf(key: z.infer<typeof walletKey>): string {
  const address = addresses.get(key) ?? addressOfPublicKey(key.publicKey);
  addresses.set(key, address);
  return address;
}

function decodedEthereum(
  intent: EthereumIntent,
  wallet: Wallet,
  chain: EthereumChain,
  state: GovernanceState,
): Result {
  const [key] = wallet.keys;
  if (!key) return refused('transaction-of-other-family', { wallet: wallet.walletId });
  const tokens = [...state.tokens.values()].filter((token) => token.chain === chain.chain);
  const own = {
    chainIdNumber: BigInt(chain.chain.slice('eip155:'.length)),
    ownAddress: ownAddressOf(key),
    tokens: new Map(tokens.map((token) => [token.contract.toLowerCase(), token])),
  };
  const matchPayments: DecodedOrder['matchPayments'] = (requests) => {
    const [request, ...more] = requests;
    if (!request || more.length > 0) return refused('transfers-too-many', { transfers: requests.length });
    const matched = matchEthereum(intent, own, { ...paymentOf(request), asset: request.statement.asset });
    if (matched.kind === 'refused') return matched;
    const { movement } = intent;
    return accepted([
      movement.kind === 'native'
        ? { request, contract: 'native', amount: movement.amountWei, destination: movement.to }
        : {
            request,
            contract: movement.contract.toLowerCase(),
            amount: movement.amountUnits,
            destination: movement.to,
          },
    ]);
  };
  return accepted({
    intent,
    wallet,
    chain,
    spends: [`${chain.chain}/${own.ownAddress.toLowerCase()}/${intent.nonce}`],
    nonce: intent.nonce,
    maxFee: intent.maxFeeWei,
    toSign: [{ key, digest: intent.signingHash }],
    matchPayments,
    matchCancel: (feeCeiling) => nothingMoved(matchEthereumCancel(intent, own, feeCeiling)),
  });
}

function paymentOf({ transferId, statement }: VerifiedRequest) {
  return {
    transferId,
    destination: statement.destination,
    amount: BigInt(statement.amount),
    feeCeiling: BigInt(statement.feeCeiling),
  };
}

function nothingMoved(
  matched: Outcome<unknown, DecodeRefusalCode>,
): Outcome<readonly Movement[], DecodeRefusalCode> {
  return matched.kind === 'refused' ? matched : accepted([]);
}

/** Decodes an order's bytes for the wallet that it names. The order is hostile. */
export function decodeOrder(order: SigningOrder, state: GovernanceState): Result {
  const { transaction } = order;
  const wallet = state.wallets.get(order.wallet);
  const chain = wallet && state.chains.get(wallet.chain);
  if (!wallet || !chain) return refused('wallet-unknown', { wallet: order.wallet });
  if (chain.family === 'bitcoin' && transaction.kind === 'psbt') {
    const unsigned = readUnsignedBitcoin(transaction.base64);
    if (unsigned.kind === 'refused') return unsigned;
    const decoded = intentOf(unsigned.value, chain.network);
    return decoded.kind === 'refused'
      ? decoded
      : decodedBitcoin(unsigned.value, decoded.value, wallet, chain);
  }
  if (chain.family === 'ethereum' && transaction.kind === 'eip1559') {
    const decoded = decodeEip1559(transaction.hex);
    return decoded.kind === 'refused' ? decoded : decodedEthereum(decoded.value, wallet, chain, state);
  }
  return refused('transaction-of-other-family', { family: chain.family, transaction: transaction.kind });
}
