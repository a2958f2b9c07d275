// An Ethereum node for the demo and the tests: anvil, started from its own binary, on 127.0.0.1 and a free port.
// Never production: its ten accounts are unlocked and their keys are known to everybody. Unlike real nodes it takes a
// replacement that pays one wei more, so the +10 % rule has to be tested elsewhere.

import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Interface, type InterfaceAbi } from 'ethers';
import { Fault } from '../src/core/fault.js';
import { isList, isRecord, type JsonValue, jsonRpc, jsonRpcText } from './json-rpc.js';
import { onFreePort, type Program, startProgram } from './process.js';

export type EthereumDevnetFaultCode = 'node-package-missing' | 'transaction-failed' | 'receipt-missing';

export interface EthereumDevnetOptions {
  /** Receives the node's output. */
  readonly logFile: string;
  /** Keeps the chain: read at start when it exists, written every second and at the end. Without it all is forgotten. */
  readonly stateFile?: string;
  /** 31337 unless given. */
  readonly chainId?: number;
  /** Seconds between blocks. Without it a block is made for every transaction, or none at all with `autoMine: false`. */
  readonly blockTimeSeconds?: number;
  /** False: transactions wait until somebody calls `mine`. */
  readonly autoMine?: boolean;
  /** A free one unless given. */
  readonly port?: number;
}

export interface TokenTerms {
  readonly name: string;
  readonly symbol: string;
  /** In token units; OpenZeppelin's preset has 18 decimals. */
  readonly supply: bigint;
}

const RECEIPT_WITHIN_MS = 15_000;
const require = createRequire(import.meta.url);

/** Starts the node. */
export async function startEthereumDevnet(options: EthereumDevnetOptions): Promise<EthereumDevnet> {
  const binary = anvilBinary();
  const chainId = options.chainId ?? 31_337;
  const start = async (port: number): Promise<EthereumDevnet> => {
    const rpcUrl = `http://127.0.0.1:${port}`;
    const args = ['--host', '127.0.0.1', '--port', `${port}`, '--chain-id', `${chainId}`];
    // One slot per epoch makes `safe` and `finalized` follow the head by one and two blocks instead of by minutes.
    args.push('--silent', '--slots-in-an-epoch', '1');
    if (options.blockTimeSeconds !== undefined) args.push('--block-time', `${options.blockTimeSeconds}`);
    else if (options.autoMine === false) args.push('--no-mining');
    if (options.stateFile !== undefined) {
      mkdirSync(dirname(options.stateFile), { recursive: true });
      args.push('--state', options.stateFile, '--state-interval', '1', '--preserve-historical-states');
    }
    const program = await startProgram({
      name: 'the Ethereum node',
      command: binary,
      args,
      logFile: options.logFile,
      ready: async () => (await jsonRpcText(rpcUrl, 'eth_chainId')) === `0x${chainId.toString(16)}`,
    });
    const mines = options.autoMine !== false || options.blockTimeSeconds !== undefined;
    return new EthereumDevnet(rpcUrl, chainId, program, mines);
  };
  return options.port === undefined ? onFreePort(start) : start(options.port);
}

/** A running Ethereum node, with what tests and the demo do to it. Amounts are wei or token units. */
export class EthereumDevnet {
  constructor(
    readonly rpcUrl: string,
    readonly chainId: number,
    readonly program: Program,
    private readonly minesByItself: boolean,
  ) {}

  call(method: string, params: readonly unknown[] = []): Promise<JsonValue> {
    return jsonRpc(this.rpcUrl, method, params);
  }

  /** Sends ether from an unlocked account; returns the transaction's hash once it is in a block. */
  async fund(address: string, wei: bigint): Promise<string> {
    return (await this.send({ to: address, value: hex(wei) })).hash;
  }

  /** Deploys OpenZeppelin's ERC20PresetFixedSupply; the whole supply belongs to the unlocked account. Returns its address. */
  async deployToken(terms: TokenTerms): Promise<string> {
    const { abi, bytecode } = tokenArtifact();
    const constructorArguments = new Interface(abi).encodeDeploy([
      terms.name,
      terms.symbol,
      terms.supply,
      await this.treasurer(),
    ]);
    const { contractAddress, hash } = await this.send({ data: bytecode + constructorArguments.slice(2) });
    if (contractAddress === null)
      throw new Fault('transaction-failed', 'no contract came of the deployment', { facts: { hash } });
    return contractAddress;
  }

  /** Sends token units that `deployToken` gave to the unlocked account. */
  async fundToken(token: string, address: string, units: bigint): Promise<string> {
    const data = new Interface(tokenArtifact().abi).encodeFunctionData('transfer', [address, units]);
    return (await this.send({ to: token, data })).hash;
  }

  async balance(address: string, block = 'latest'): Promise<bigint> {
    return BigInt(await jsonRpcText(this.rpcUrl, 'eth_getBalance', [address, block]));
  }

  async tokenBalance(token: string, address: string): Promise<bigint> {
    const data = new Interface(tokenArtifact().abi).encodeFunctionData('balanceOf', [address]);
    return BigInt(await jsonRpcText(this.rpcUrl, 'eth_call', [{ to: token, data }, 'latest']));
  }

  async blockNumber(): Promise<number> {
    return Number.parseInt(await jsonRpcText(this.rpcUrl, 'eth_blockNumber'), 16);
  }

  /** Makes `count` blocks; the first takes what waits. */
  async mine(count = 1): Promise<void> {
    for (let i = 0; i < count; i += 1) await this.call('evm_mine');
  }

  /** Turns block-per-transaction on or off while the node runs. */
  async setAutoMine(on: boolean): Promise<void> {
    await this.call('evm_setAutomine', [on]);
  }

  /**
   * Replaces the last `depth` blocks by `depth` empty ones and adds one more, so that the other chain is the longer.
   * What those blocks held is gone from the node, as after a reorganisation onto a fork whose miners never saw it.
   */
  async reorg(depth: number): Promise<void> {
    await this.call('anvil_reorg', [depth, []]);
    await this.mine();
  }

  /** Forgets a waiting transaction, as a node does under pressure. */
  async dropTransaction(hash: string): Promise<void> {
    await this.call('anvil_dropTransaction', [hash]);
  }

  async stop(): Promise<void> {
    await this.program.stop();
  }

  private async treasurer(): Promise<string> {
    const accounts = await this.call('eth_accounts');
    const first = isList(accounts) ? accounts[0] : undefined;
    if (typeof first !== 'string') throw new Fault('rpc-error', 'the node has no unlocked account');
    return first;
  }

  private async send(
    transaction: Record<string, string>,
  ): Promise<{ hash: string; contractAddress: string | null }> {
    const from = await this.treasurer();
    const hash = await jsonRpcText(this.rpcUrl, 'eth_sendTransaction', [{ from, ...transaction }]);
    if (!this.minesByItself) await this.mine();
    const deadline = performance.now() + RECEIPT_WITHIN_MS;
    while (performance.now() < deadline) {
      const receipt = await this.call('eth_getTransactionReceipt', [hash]);
      if (isRecord(receipt)) {
        if (receipt.status !== '0x1') {
          throw new Fault<EthereumDevnetFaultCode>('transaction-failed', 'the transaction reverted', {
            facts: { hash },
          });
        }
        const contractAddress = receipt.contractAddress;
        return { hash, contractAddress: typeof contractAddress === 'string' ? contractAddress : null };
      }
      await sleep(20);
    }
    throw new Fault<EthereumDevnetFaultCode>('receipt-missing', 'the transaction came into no block', {
      facts: { hash },
    });
  }
}

/** The whole ABI and creation code of the token that the devnet deploys. */
export function tokenArtifact(): { abi: InterfaceAbi; bytecode: string } {
  const file = require.resolve('@openzeppelin/contracts/build/contracts/ERC20PresetFixedSupply.json');
  return JSON.parse(readFileSync(file, 'utf8')) as { abi: InterfaceAbi; bytecode: string };
}

function anvilBinary(): string {
  const platform = process.arch === 'arm64' ? 'linux-arm64' : 'linux-amd64';
  const packageFile = require.resolve('@foundry-rs/anvil/package.json');
  const binary = join(dirname(dirname(packageFile)), `anvil-${platform}`, 'bin', 'anvil');
  if (!existsSync(binary)) {
    throw new Fault<EthereumDevnetFaultCode>(
      'node-package-missing',
      `the package @foundry-rs/anvil-${platform} is not installed`,
    );
  }
  return binary;
}

function hex(value: bigint): string {
  return `0x${value.toString(16)}`;
}
