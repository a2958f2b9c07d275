// The watcher in the demo: a process of its own, with a key of its own, which states what a coin is worth and which blocks there
// are. Its prices come from a file, since the demo asks nobody on the internet.

import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { z } from 'zod';
import { repositoryRoot } from '../devnet/paths.js';
import { type Program, startProgram } from '../devnet/process.js';
import { signedFact } from '../src/core/facts/fact.js';
import type { watcherConfig } from '../src/watcher/config.js';
import { enact } from './audit.js';
import { BITCOIN_CHAIN, ETHEREUM_CHAIN } from './ceremony.js';
import type { Nodes } from './programs.js';
import type { Screen } from './screen.js';
import { type CeremonyRecord, type Ports, places, writeText } from './stage.js';

const KEY_ID = 'watcher-1';
const PRICES = { btc: '60000.25', eth: '2500.5' };
const program = join(repositoryRoot, 'dist', 'src', 'watcher', 'main.js');
const sequenceFile = join(places.watcher, 'sequence');
const publicKeyFile = join(places.watcher, 'fact-key.json');
const loginFile = join(places.watcher, 'bitcoin-login');

const identity = z.object({ publicKey: z.string() });
const stated = z.object({ facts: z.array(signedFact) });

function run(...args: readonly string[]): string {
  return execFileSync(process.execPath, [program, ...args], { encoding: 'utf8', env: {} });
}

function configOf(
  ports: Ports,
  { bitcoin, ethereum }: Nodes,
  record: CeremonyRecord,
): z.input<typeof watcherConfig> {
  const { username, password } = new URL(bitcoin.rpcUrl);
  writeText(loginFile, `${decodeURIComponent(username)}:${decodeURIComponent(password)}\n`);
  const price = (chain: string, name: string) => ({
    chain,
    sources: [{ name: 'file', place: { file: places.prices }, pointer: `/${name}` }],
    leastSources: 1,
    maxSpreadBasisPoints: 100,
  });
  return {
    deploymentId: record.deploymentId,
    key: { keyId: KEY_ID, file: places.factKey },
    sequenceFile,
    listen: { port: ports.watcher },
    prices: [price(BITCOIN_CHAIN, 'btc'), price(ETHEREUM_CHAIN, 'eth')],
    chains: {
      bitcoin: { [BITCOIN_CHAIN]: { url: `http://127.0.0.1:${ports.bitcoin}/`, loginFile } },
      ethereum: { [ETHEREUM_CHAIN]: { url: ethereum.rpcUrl, contracts: [record.token] } },
    },
  };
}

export function watcherUrl({ watcher }: Ports): string {
  return `http://127.0.0.1:${watcher}`;
}

export function startWatcher(ports: Ports, nodes: Nodes, record: CeremonyRecord): Promise<Program> {
  if (!existsSync(places.factKey)) writeText(publicKeyFile, run('key', '--out', places.factKey), 0o644);
  writeText(places.prices, `${JSON.stringify(PRICES)}\n`, 0o644);
  writeText(places.watcherConfig, `${JSON.stringify(configOf(ports, nodes, record), null, 2)}\n`);
  if (!existsSync(sequenceFile)) run('init', '--config', places.watcherConfig);
  return startProgram({
    name: 'the watcher',
    command: process.execPath,
    args: [program, 'serve', '--config', places.watcherConfig],
    cwd: repositoryRoot,
    env: { PATH: process.env.PATH },
    logFile: places.log('watcher'),
    ready: async () => (await fetch(`${watcherUrl(ports)}/health`)).ok,
  });
}

/** Once for each deployment: two officers register its key. Then it is believed. */
export async function registerWatcher(screen: Screen, ports: Ports): Promise<void> {
  if (!existsSync(places.factKeyNamed)) {
    const { publicKey } = identity.parse(JSON.parse(readFileSync(publicKeyFile, 'utf8')));
    const kinds = ['price', 'block-header', 'code', 'storage', 'confirmations'];
    const factKey = { keyId: KEY_ID, algorithm: 'ed25519', publicKey, source: KEY_ID, kinds };
    writeText(places.factKeyChange, stringify({ kind: 'fact-key-added', factKey }), 0o644);
    await screen.during(
      'key of the watcher registered by two officers',
      () => enact(places.factKeyChange, places.factKeyEntry),
      () => KEY_ID,
    );
    writeText(places.factKeyNamed, `${KEY_ID}\n`, 0o644);
  }
  await screen.during(
    'prices, signed by the watcher',
    async () => {
      const subjects = [BITCOIN_CHAIN, ETHEREUM_CHAIN].map((chain) => `subject=price/${chain}/native/USD`);
      const answer = await fetch(`${watcherUrl(ports)}/facts?${subjects.join('&')}`);
      return stated.parse(await answer.json()).facts;
    },
    (facts) =>
      facts
        .map(({ statement: { content } }) =>
          content.kind === 'price' ? `${content.price} USD` : content.kind,
        )
        .join(', '),
  );
}
