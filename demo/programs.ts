// The programs of the demo: two chain nodes, the signer and the orchestrator, each a process of its own with a log file.

import { mkdirSync } from 'node:fs';
import { connect } from 'node:net';
import { dirname, join } from 'node:path';
import { stringify } from 'yaml';
import type { z } from 'zod';
import { type BitcoinDevnet, startBitcoinDevnet } from '../devnet/bitcoin-node.js';
import { type EthereumDevnet, startEthereumDevnet } from '../devnet/ethereum-node.js';
import { repositoryRoot } from '../devnet/paths.js';
import { type Program, startProgram } from '../devnet/process.js';
import type { configuration } from '../src/orchestrator/config/settings.js';
import { BITCOIN_CHAIN, ETHEREUM_CHAIN } from './ceremony.js';
import { type CeremonyRecord, type Ports, places, writeText } from './stage.js';

const READY_WITHIN_MS = 60_000;
const compiled = (...path: string[]) => join(repositoryRoot, 'dist', 'src', ...path);

export interface Nodes {
  readonly bitcoin: BitcoinDevnet;
  readonly ethereum: EthereumDevnet;
}

/** Blocks until something counts as settled; few, so that nobody waits. */
export const BITCOIN_CONFIRMATIONS = 3;
export const ETHEREUM_CONFIRMATIONS = 3;

export function startBitcoin(ports: Ports): Promise<BitcoinDevnet> {
  return startBitcoinDevnet({
    logFile: places.log('bitcoin-node'),
    dataFolder: places.bitcoin,
    port: ports.bitcoin,
  });
}

export function startEthereum(ports: Ports): Promise<EthereumDevnet> {
  return startEthereumDevnet({
    logFile: places.log('ethereum-node'),
    stateFile: places.ethereum,
    port: ports.ethereum,
  });
}

export function startSigner(): Promise<Program> {
  const folder = dirname(places.signerSocket);
  mkdirSync(folder, { recursive: true, mode: 0o750 });
  return startProgram({
    name: 'the signer',
    command: process.execPath,
    args: [compiled('signer', 'main.js'), 'serve', '--config', places.signerConfig],
    cwd: repositoryRoot,
    // The programs get nothing of our environment that they do not need.
    env: { PATH: process.env.PATH },
    logFile: places.log('signer'),
    ready: () => answersOn(places.signerSocket),
    readyWithinMs: READY_WITHIN_MS,
  });
}

function answersOn(socketPath: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(socketPath);
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}

function orchestratorConfig(
  ports: Ports,
  nodes: Nodes,
  record: CeremonyRecord,
): z.input<typeof configuration> {
  const bitcoinUrl = new URL(nodes.bitcoin.rpcUrl);
  writeText(places.bitcoinPassword, `${decodeURIComponent(bitcoinUrl.password)}\n`);
  return {
    deploymentId: record.deploymentId,
    http: { host: '127.0.0.1', port: ports.api },
    database: { url: `sqlite:${places.database}` },
    signer: { socket: places.signerSocket },
    chains: {
      bitcoin: {
        [BITCOIN_CHAIN]: {
          nodes: [
            {
              url: `http://127.0.0.1:${ports.bitcoin}/`,
              user: decodeURIComponent(bitcoinUrl.username),
              passwordFile: places.bitcoinPassword,
            },
          ],
          pollMs: 250,
          startHeight: record.startHeight,
          finalConfirmations: BITCOIN_CONFIRMATIONS,
          foreignCoinConfirmations: 1,
        },
      },
      ethereum: {
        [ETHEREUM_CHAIN]: {
          providers: [{ name: 'local', url: nodes.ethereum.rpcUrl }],
          confirmations: { by: 'depth', depth: ETHEREUM_CONFIRMATIONS },
        },
      },
    },
    workers: { pollMs: 100, backoffMinMs: 200, backoffMaxMs: 2_000 },
    audit: { addMs: 250, checkpointMs: 2_000 },
    watchers: [{ url: `http://127.0.0.1:${ports.watcher}` }],
  };
}

export function startOrchestrator(ports: Ports, nodes: Nodes, record: CeremonyRecord): Promise<Program> {
  const config = orchestratorConfig(ports, nodes, record);
  writeText(
    places.orchestratorConfig,
    `# The orchestrator's configuration. Made by the demo at every start.\n${stringify(config)}`,
  );
  return startProgram({
    name: 'the orchestrator',
    command: process.execPath,
    args: ['--enable-source-maps', compiled('orchestrator', 'main.js')],
    cwd: repositoryRoot,
    env: { PATH: process.env.PATH, PORTCULLIS_CONFIG: places.orchestratorConfig },
    logFile: places.log('orchestrator'),
    ready: async () => {
      const answer = await fetch(`http://127.0.0.1:${ports.api}/readyz`, {
        signal: AbortSignal.timeout(2_000),
      });
      await answer.arrayBuffer();
      return answer.ok;
    },
    readyWithinMs: READY_WITHIN_MS,
  });
}
