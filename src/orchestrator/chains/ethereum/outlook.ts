// What a reservation needs to know of the chain, read before its database transaction: fees, the wallet's nonces and
// balances at one block, and for each payable whether and with how much gas it can be paid. Network only, no database.

import { keccak_256 } from '@noble/hashes/sha3.js';
import { bytesToHex, hexToBytes } from '@noble/hashes/utils.js';
import type { Erc20Token } from '../../../core/governance/entry.js';
import { ethereumAddress } from '../../../core/intents/ethereum/address.js';
import { PAYABLES_EXAMINED, type Payable } from '../chain-driver.js';
import type { ImpossibleReason } from './ethereum.errors.js';
import { type EthereumRpc, hexQuantity, isChainUnavailable } from './ethereum-rpc.js';
import { type FeeMarket, gasLimitFor } from './fees.js';
import type { NonceOutlook } from './nonces.store.js';
import { callOf, type Movement, weiSentBy } from './plan.js';
import { type Block, dataHex, quantity, smallQuantity, word } from './rpc-answers.js';
import type { ProviderFailure } from './rpc-endpoint.js';
import type { EthereumSettings } from './settings.js';

/** What became of one payable's examination. */
export type Examined =
  | {
      readonly kind: 'payable';
      readonly movement: Exclude<Movement, { kind: 'cancel' }>;
      readonly gasLimit: bigint;
      /** Of the token that moves, if one does; at the outlook's block. */
      readonly tokenBalance: bigint | undefined;
    }
  | { readonly kind: 'impossible'; readonly reason: ImpossibleReason }
  /** The wallet does not hold the amount. */
  | { readonly kind: 'short' }
  /** Nodes gave no answer to rely on. */
  | { readonly kind: 'unknown'; readonly reason: string };

export interface EthereumOutlook extends NonceOutlook {
  readonly head: Block;
  readonly market: FeeMarket;
  readonly balanceWei: bigint;
  /** By transfer id. */
  readonly examined: ReadonlyMap<string, Examined>;
}

/** The wallet's account on its chain. */
export interface Account {
  readonly walletId: string;
  readonly chain: string;
  readonly address: string;
  /** Registered tokens of this chain by contract in lower case. */
  readonly tokens: ReadonlyMap<string, Erc20Token>;
}

const EXAMINED_AT_ONCE = 8;
const PLAIN_TRANSFER_GAS = 21_000n;
/** `balanceOf(address)`, ERC-20. */
const BALANCE_OF_SELECTOR = '70a08231';
const EXECUTION_REVERTED = 3;
/** Nethermind and the Parity family. */
const VM_EXECUTION_ERROR = -32015;

export async function readOutlook(
  rpc: EthereumRpc,
  settings: EthereumSettings,
  account: Account,
  payables: readonly Payable[],
  signerNextNonce: number,
): Promise<EthereumOutlook> {
  const head = await rpc.head();
  const [minedNonces, balanceWei, priorityFeeWei] = await Promise.all([
    minedNoncesAt(rpc, account.address, head.number),
    balanceAt(rpc, account.address, head.number),
    priorityFee(rpc, settings),
  ]);
  const examiner = new Examiner(rpc, settings, account, head.number, balanceWei);
  const examined = new Map<string, Examined>();
  for (let from = 0; from < Math.min(payables.length, PAYABLES_EXAMINED); from += EXAMINED_AT_ONCE) {
    const some = payables.slice(from, Math.min(from + EXAMINED_AT_ONCE, PAYABLES_EXAMINED));
    const answers = await Promise.all(some.map((payable) => examiner.examine(payable)));
    for (const [index, { transferId }] of some.entries()) {
      const answer = answers[index];
      if (answer) examined.set(transferId, answer);
    }
  }
  return {
    walletId: account.walletId,
    chain: account.chain,
    address: account.address,
    signerNextNonce,
    head,
    market: { baseFeePerGasWei: head.baseFeePerGas, priorityFeeWei },
    minedNonces,
    balanceWei,
    examined,
  };
}

/** Nonces of an address that blocks up to `height` have used. Throws `chain-unavailable`. */
export function minedNoncesAt(rpc: EthereumRpc, address: string, height: number): Promise<number> {
  return rpc.agreed({
    method: 'eth_getTransactionCount',
    params: [address, hexQuantity(height)],
    schema: smallQuantity,
  });
}

/** Wei of an address as of a block. Throws `chain-unavailable`. */
export function balanceAt(rpc: EthereumRpc, address: string, height: number): Promise<bigint> {
  return rpc.agreed({
    method: 'eth_getBalance',
    params: [address, hexQuantity(height)],
    schema: quantity,
  });
}

/** Token units of an address as of a block. Throws `chain-unavailable`, also when the contract has no such function. */
export function tokenBalanceAt(
  rpc: EthereumRpc,
  contract: string,
  address: string,
  height: number,
): Promise<bigint> {
  const data = `0x${BALANCE_OF_SELECTOR}${address.slice(2).toLowerCase().padStart(64, '0')}`;
  return rpc.agreed({
    method: 'eth_call',
    params: [{ to: contract, data }, hexQuantity(height)],
    schema: word,
  });
}

async function priorityFee(rpc: EthereumRpc, { fees }: EthereumSettings): Promise<bigint> {
  const answer = await rpc.first({ method: 'eth_maxPriorityFeePerGas', params: [], schema: quantity });
  return answer.kind === 'answered' ? answer.value : fees.priorityFeeFallbackWei;
}

/** Looks at each payable, and at each token and each address once. */
class Examiner {
  private readonly codes = new Map<string, Promise<string>>();
  private readonly tokenBalances = new Map<string, Promise<bigint>>();

  constructor(
    private readonly rpc: EthereumRpc,
    private readonly settings: EthereumSettings,
    private readonly account: Account,
    private readonly height: number,
    private readonly balanceWei: bigint,
  ) {}

  async examine(payable: Payable): Promise<Examined> {
    try {
      return await this.look(payable);
    } catch (error) {
      // One token whose contract answers nonsense must not keep the other payables from being planned.
      if (isChainUnavailable(error)) return { kind: 'unknown', reason: error.message };
      throw error;
    }
  }

  private async look({ request }: Payable): Promise<Examined> {
    const { destination, asset } = request;
    const { tokens, address } = this.account;
    if (ethereumAddress(destination).kind === 'refused') return impossible('destination-malformed');
    // The signer refuses these too: nothing comes back from a token's contract, and paying oneself pays nobody.
    if (destination === address || tokens.has(destination.toLowerCase())) {
      return impossible('destination-forbidden');
    }
    const amount = BigInt(request.amount);
    if (asset.kind === 'native') return this.native(destination, amount);
    const token = tokens.get(asset.contract.toLowerCase());
    const asRegistered =
      token?.contract === asset.contract &&
      token.symbol === asset.symbol &&
      token.decimals === asset.decimals;
    return asRegistered ? this.erc20(token, destination, amount) : impossible('token-unregistered');
  }

  private async native(to: string, amountWei: bigint): Promise<Examined> {
    const movement = { kind: 'native', to, amountWei } as const;
    if (this.balanceWei < amountWei) return { kind: 'short' };
    if ((await this.code(to)) === '0x') {
      return { kind: 'payable', movement, gasLimit: PLAIN_TRANSFER_GAS, tokenBalance: undefined };
    }
    return this.withGas(movement, this.settings.gas.contractCap, undefined);
  }

  private async erc20(token: Erc20Token, to: string, amountUnits: bigint): Promise<Examined> {
    const code = await this.code(token.contract);
    if (bytesToHex(keccak_256(hexToBytes(code.slice(2)))) !== token.codeHash) {
      return impossible('token-code-changed');
    }
    const tokenBalance = await this.tokenBalance(token.contract);
    if (tokenBalance < amountUnits) return { kind: 'short' };
    const movement = { kind: 'erc20', contract: token.contract, to, amountUnits } as const;
    return this.withGas(movement, this.settings.gas.erc20Cap, tokenBalance);
  }

  private async withGas(
    movement: Exclude<Movement, { kind: 'cancel' }>,
    cap: number,
    tokenBalance: bigint | undefined,
  ): Promise<Examined> {
    const { address } = this.account;
    const { to, data } = callOf(address, movement);
    const call = { from: address, to, data: `0x${data}`, value: hexQuantity(weiSentBy(movement)) };
    const answer = await this.rpc.first({ method: 'eth_estimateGas', params: [call], schema: quantity });
    if (answer.kind === 'none') {
      const reverts = answer.failures.filter(({ failure }) => isRevert(failure));
      if (reverts.length >= this.rpc.believed) return impossible('would-revert');
      return { kind: 'unknown', reason: 'no gas estimate' };
    }
    const gasLimit = gasLimitFor(answer.value, this.settings.gas.marginPercent, cap);
    if (gasLimit === undefined || answer.value < PLAIN_TRANSFER_GAS) return impossible('gas-above-cap');
    return { kind: 'payable', movement, gasLimit, tokenBalance };
  }

  private code(address: string): Promise<string> {
    return remembered(this.codes, address, () =>
      this.rpc.agreed({
        method: 'eth_getCode',
        params: [address, hexQuantity(this.height)],
        schema: dataHex,
      }),
    );
  }

  private tokenBalance(contract: string): Promise<bigint> {
    return remembered(this.tokenBalances, contract, () =>
      tokenBalanceAt(this.rpc, contract, this.account.address, this.height),
    );
  }
}

function remembered<T>(known: Map<string, Promise<T>>, key: string, read: () => Promise<T>): Promise<T> {
  const before = known.get(key);
  if (before) return before;
  const now = read();
  known.set(key, now);
  return now;
}

function impossible(reason: ImpossibleReason): Examined {
  return { kind: 'impossible', reason };
}

function isRevert(failure: ProviderFailure): boolean {
  if (failure.kind !== 'node-error') return false;
  return (
    failure.code === EXECUTION_REVERTED ||
    failure.code === VM_EXECUTION_ERROR ||
    /revert|out of gas|invalid opcode/i.test(failure.message)
  );
}
