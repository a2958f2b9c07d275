// The ceremony of the demo's first start, held with the same commands as a real one (docs/ceremony.md): keys made inside
// tokens, a plan, a genesis that the officers sign with their tokens, and a signer that pins it on the treasury's token.

import { execFile } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { keccak_256 } from '@noble/hashes/sha3.js';
import { bytesToHex, hexToBytes } from '@noble/hashes/utils.js';
import { stringify } from 'yaml';
import { z } from 'zod';
import type { BitcoinDevnet } from '../devnet/bitcoin-node.js';
import type { EthereumDevnet } from '../devnet/ethereum-node.js';
import { jsonRpcText } from '../devnet/json-rpc.js';
import { repositoryRoot } from '../devnet/paths.js';
import type { SoftHsm } from '../devnet/softhsm.js';
import { checksumAddress } from '../src/core/intents/ethereum/address.js';
import type { SignerConfig } from '../src/signer/config.js';
import { portcullisOk, typed } from './command.js';
import { APPROVAL_KEY, ASKERS, credentialOf, writeOfficerConfigs, writeTreasuryConfig } from './people.js';
import type { Screen } from './screen.js';
import { type CeremonyRecord, PEOPLE, places, writeText } from './stage.js';

export const BITCOIN_CHAIN = 'bip122:0f9188f13cb7b2c71f2a335e3a4fc328';
export const ETHEREUM_CHAIN = 'eip155:31337';
export const TOKEN = { name: 'Demo Dollar', symbol: 'USDX', decimals: 18 } as const;

const SIGNER_PROGRAM = join(repositoryRoot, 'dist', 'src', 'signer', 'main.js');
const INIT_TIMEOUT_MS = 60_000;
const WALLET_KEYS = ['hot-btc-1', 'hot-eth-1'] as const;
const ATTESTATION_KEY = 'attestation';
const NAMES = { alice: 'Alice Example', bob: 'Bob Example', carol: 'Carol Example' } as const;

const digits = (count: number) => Array.from({ length: count }, () => `${randomInt(10)}`).join('');

const keyDescription = z.looseObject({
  publicKey: z.string(),
  addresses: z.object({ bitcoin: z.string(), ethereum: z.string() }).optional(),
});

/** Tokens with random PINs, which lie in files that only this user can read. */
export async function makeTokens(tokens: ReadonlyMap<string, SoftHsm>): Promise<void> {
  for (const [label, softHsm] of tokens)
    await softHsm.initToken({ label, soPin: digits(12), pin: digits(8) });
  writeTreasuryConfig(tokens);
  writeOfficerConfigs(tokens, {});
}

export async function makeKey(owner: string, label: string, curve: string, file: string) {
  const args = ['keys', 'generate', '--label', label, '--curve', curve, '--network', 'regtest'];
  const key = await portcullisOk([...args, '--config', places.config(owner)], keyDescription);
  writeText(file, `${JSON.stringify(key, null, 2)}\n`, 0o644);
  return key;
}

export interface MadeKeys {
  readonly bitcoin: string;
  readonly ethereum: string;
}

/** Wallet keys in the treasury's token, approval keys in the officers' own, request keys in their owners' files. */
export async function makeKeys(): Promise<MadeKeys> {
  const [bitcoin, ethereum] = [
    await makeKey('treasury', WALLET_KEYS[0], 'secp256k1', places.key(WALLET_KEYS[0])),
    await makeKey('treasury', WALLET_KEYS[1], 'secp256k1', places.key(WALLET_KEYS[1])),
  ];
  await makeKey('treasury', ATTESTATION_KEY, 'p256', places.key(ATTESTATION_KEY));
  for (const person of PEOPLE) await makeKey(person, APPROVAL_KEY, 'p256', places.key(person));
  for (const { keyId } of ASKERS) {
    const made = await portcullisOk(
      ['keys', 'request-key', 'generate', places.requestKey(keyId)],
      keyDescription,
    );
    writeText(places.key(keyId), `${JSON.stringify(made, null, 2)}\n`, 0o644);
  }
  return { bitcoin: bitcoin.addresses?.bitcoin ?? '', ethereum: ethereum.addresses?.ethereum ?? '' };
}

/** Paths in a plan are relative to it. */
function planText(contract: string, codeHash: string): string {
  const key = (name: string) => ({ file: join('..', 'keys', `${name}.key.json`) });
  const policy = (name: string) => join(repositoryRoot, 'policies', `${name}.policy.yaml`);
  const plan = {
    persons: PEOPLE.map((person) => ({
      id: person,
      name: NAMES[person],
      credentials: [{ id: credentialOf(person), key: key(person) }],
    })),
    groups: { treasury: [...PEOPLE], governors: [...PEOPLE] },
    quorum: { group: 'governors', threshold: 2 },
    timelock: {
      whitelist: '0h',
      policy: '0h',
      'fresh-head': '24h',
      veto: { group: 'governors', threshold: 1 },
    },
    attestation: { token: 'treasury', label: ATTESTATION_KEY, key: key(ATTESTATION_KEY) },
    'request-keys': ASKERS.map(({ keyId, requester }) => ({
      id: keyId,
      key: key(keyId),
      owners: [requester],
    })),
    chains: [{ bitcoin: 'regtest' }, { ethereum: 31_337, coin: 'ETH' }],
    wallets: [
      ['hot-btc', BITCOIN_CHAIN, WALLET_KEYS[0]],
      ['hot-eth', ETHEREUM_CHAIN, WALLET_KEYS[1]],
    ].map(([id, chain, label = '']) => ({
      id,
      chain,
      tier: 'hot',
      token: 'treasury',
      keys: [{ label, key: key(label) }],
    })),
    tokens: [
      {
        chain: ETHEREUM_CHAIN,
        contract,
        symbol: TOKEN.symbol,
        decimals: TOKEN.decimals,
        'code-hash': codeHash,
      },
    ],
    policies: ['hot-bitcoin', 'hot-ethereum', 'everything'].map(policy),
  };
  return [
    "# The plan of the demo's ceremony. docs/ceremony.md explains it. Nothing here asks for a device that shows what it signs (class",
    '# device-display), since whoever tries the demo may have none: the policies of its hot wallets do not, nor does its quorum. The policies',
    '# for warm, cold and SAFU wallets do, and so does packaging/config/plan.example.yaml for governance.',
    stringify(plan),
  ].join('\n');
}

/** keccak256 of a contract's runtime code, as the officers would compute it from a node that they trust. */
export async function codeHashOf(ethereum: EthereumDevnet, contract: string): Promise<string> {
  const code = await jsonRpcText(ethereum.rpcUrl, 'eth_getCode', [contract, 'latest']);
  return bytesToHex(keccak_256(hexToBytes(code.slice(2))));
}

const CHECK = ['ceremony', 'check', places.genesis];
const genesisAnswer = z.object({ deploymentId: z.string() });

/** Plan, genesis, three signatures, and everybody's check of it. Returns the deployment id. */
export async function makeGenesis(contract: string, codeHash: string): Promise<string> {
  writeText(places.plan, planText(contract, codeHash), 0o644);
  await portcullisOk(['ceremony', 'genesis', '--plan', places.plan, '--out', places.genesis], genesisAnswer);
  for (const person of PEOPLE) {
    const args = ['governance', 'sign', places.genesis, '--yes', '--config', places.config(person)];
    await portcullisOk(args, z.unknown());
  }
  return (await portcullisOk(CHECK, genesisAnswer)).deploymentId;
}

export function writeSignerConfig(treasury: SoftHsm, deploymentId: string): void {
  const config: SignerConfig = {
    listen: { kind: 'unix', path: places.signerSocket },
    storePath: places.signerStore,
    deploymentId,
    anchorToken: 'treasury',
    tokens: {
      treasury: {
        modulePath: treasury.modulePath,
        tokenLabel: 'treasury',
        sessions: 4,
        pin: { kind: 'file', path: `${places.hsm('treasury')}/pins/treasury.pin` },
        environment: { ...treasury.environment },
        deadlineMs: 15_000,
        startDeadlineMs: 20_000,
      },
    },
  };
  writeText(
    places.signerConfig,
    `# The signer's configuration. Made by the demo at every start.\n${stringify(config)}`,
  );
}

/** `signer init`: makes the signer's store and pins the genesis on the treasury's token, once and for ever. */
export async function initialiseSigner(): Promise<void> {
  await promisify(execFile)(
    process.execPath,
    [SIGNER_PROGRAM, 'init', '--config', places.signerConfig, '--genesis', places.genesis],
    { cwd: repositoryRoot, timeout: INIT_TIMEOUT_MS },
  );
}

/** The whole ceremony. Ends by writing down that it was held. */
export async function holdCeremony(
  screen: Screen,
  tokens: ReadonlyMap<string, SoftHsm>,
  bitcoin: BitcoinDevnet,
  ethereum: EthereumDevnet,
): Promise<CeremonyRecord> {
  await screen.during('tokens for the treasury and three officers', () => makeTokens(tokens));
  const addresses = await screen.during(
    'keys, made inside the tokens',
    makeKeys,
    () => 'wallets secp256k1, officers P-256',
  );
  const supply = 1_000_000_000n * 10n ** BigInt(TOKEN.decimals);
  const contract = await screen.during(
    'an ERC-20 on the Ethereum node',
    async () => {
      const deployed = await ethereum.deployToken({ name: TOKEN.name, symbol: TOKEN.symbol, supply });
      return checksumAddress(hexToBytes(deployed.slice(2)));
    },
    (address) => address,
  );
  const codeHash = await codeHashOf(ethereum, contract);
  const deploymentId = await screen.during('genesis, signed by alice, bob and carol', () =>
    makeGenesis(contract, codeHash),
  );
  screen.below('deployment id, to read aloud:', deploymentId);
  screen.command(typed(CHECK));
  screen.prose(
    'Nobody here has to sign with a device that shows what it signs: whoever tries this may have none.',
  );
  screen.prose(
    'The plan and the policies for warm, cold and SAFU wallets that come with Portcullis ask for one.',
  );
  const treasury = tokens.get('treasury');
  if (treasury) writeSignerConfig(treasury, deploymentId);
  await screen.during('signer initialised, genesis pinned on token', initialiseSigner);
  const record = { deploymentId, token: contract, startHeight: await bitcoin.height(), addresses };
  writeText(places.ceremony, `${JSON.stringify(record, null, 2)}\n`, 0o644);
  return record;
}
