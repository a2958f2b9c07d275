// `portcullis keys`: keys made inside a token and never anywhere else, and the one key that is a file: a backend's.

import { z } from 'zod';
import type { KeyCurve, KeyDescription } from '../../hardware/key-signer.js';
import type { ListedKey } from '../../hardware/pkcs11/key-objects.js';
import { accepted } from '../core/fault.js';
import { attestationKeyBytes } from '../core/governance/attestation-key.js';
import { compressed } from '../core/governance/names.js';
import { p2wpkhAddress } from '../core/intents/bitcoin/address.js';
import { addressOfPublicKey } from '../core/intents/ethereum/address.js';
import type { CommandLine } from './command-line.js';
import { cliFault } from './exit.js';
import { ledgerCommand } from './ledger.command.js';
import { attention, bad, faint, fields, good, grouped, type Line, strong, table } from './lines.js';
import { signWithToken, tokenFrom, withToken } from './officer-token.js';
import { pinShape, tokenFlags, tokenShape } from './options.js';
import { generateRequestKey, readRequestKey } from './request-key.js';

const network = z.enum(['mainnet', 'testnet', 'signet', 'regtest']);
const networkFlag = ['--network <name>', 'Bitcoin network of the address shown', 'mainnet'] as const;

type Network = z.infer<typeof network>;

function addressesOf(key: KeyDescription, on: Network) {
  if (key.curve !== 'secp256k1') return {};
  const short = compressed(key.publicKey);
  return { addresses: { bitcoin: p2wpkhAddress(short, on), ethereum: addressOfPublicKey(short) } };
}

const CURVE_WORDS: Readonly<Record<KeyCurve, string>> = {
  secp256k1: 'secp256k1, for transactions',
  p256: 'P-256, for approvals',
  ed25519: 'Ed25519, for messages',
};

/** Of a point its compressed form; an Ed25519 key has one form only. */
function shortest({ curve, publicKey }: KeyDescription): string {
  return curve === 'ed25519' ? publicKey : compressed(publicKey);
}

/** What is printed of a key as JSON, and read by a ceremony's plan. */
export function keyJson(key: KeyDescription, on: Network) {
  return {
    ...key,
    ...(key.curve === 'ed25519' ? {} : { compressed: compressed(key.publicKey) }),
    ...addressesOf(key, on),
  };
}

export function keyLines(key: KeyDescription, on: Network): Line[] {
  const { addresses } = addressesOf(key, on);
  return fields([
    ['key', [strong(key.label)]],
    ['curve', CURVE_WORDS[key.curve]],
    ['public key', shortest(key)],
    ...(addresses === undefined
      ? []
      : ([
          [`Bitcoin ${on}`, grouped(addresses.bitcoin)],
          ['Ethereum', grouped(addresses.ethereum)],
        ] as const)),
    ['can leave token', key.unextractable ? [good('no')] : [bad('YES: never use it for a wallet')]],
    [
      'made in token',
      key.bornInToken ? [good('yes, and was never outside')] : [attention('no, or the token cannot say')],
    ],
    ['CKA_ID', key.id],
  ]);
}

function listLines(keys: readonly ListedKey[]): Line[] {
  if (keys.length === 0) return ['  There is no private key on this token.'];
  return table(
    ['label', 'curve', 'public key', 'leaves token', 'made in token'],
    keys.map(({ label, key, fault }) =>
      key === undefined
        ? [label, [faint(fault ?? 'unknown')], '', '', '']
        : [
            [strong(label)],
            key.curve,
            shortest(key),
            key.unextractable ? 'no' : [bad('YES')],
            key.bornInToken ? 'yes' : [attention('no')],
          ],
    ),
  );
}

function requestKeyLines(file: string, publicKey: string): Line[] {
  return fields([
    ['request key', [strong(file)]],
    ['algorithm', 'Ed25519'],
    ['public key', publicKey],
  ]);
}

export function keysCommands(cli: CommandLine): void {
  const keys = cli.group('keys', 'Make and look at keys');

  cli.add(
    keys,
    {
      usage: 'generate',
      summary: 'make a key pair inside a token',
      description:
        'Makes a key pair inside a token, where the private key stays. secp256k1 signs transactions (a wallet), p256 signs approvals (an officer), ed25519 signs messages and nothing that moves money. The label must be new on the token. With --json it prints what a ceremony plan reads.',
      example: 'keys generate --label hot-btc-1 --curve secp256k1 --module /usr/lib/hsm.so --token treasury',
    },
    [
      ['--label <label>', 'label of the new key'],
      ['--curve <curve>', 'secp256k1, p256 or ed25519'],
      networkFlag,
      ...tokenFlags,
    ],
    z.object({
      label: z.string().min(1).max(64),
      curve: z.enum(['secp256k1', 'p256', 'ed25519']),
      network,
      ...tokenShape,
    }),
    async ({ config, options, terminal }) =>
      withToken(tokenFrom(config, options, terminal), async (token) => {
        const key = await token.generateKey(options.label, options.curve);
        return accepted({ json: keyJson(key, options.network), lines: keyLines(key, options.network) });
      }),
  );

  cli.add(
    keys,
    {
      usage: 'list',
      summary: 'list the private keys of a token',
      example: 'keys list --module /usr/lib/hsm.so --token treasury',
    },
    tokenFlags,
    z.object(tokenShape),
    async ({ config, options, terminal }) =>
      withToken(tokenFrom(config, options, terminal), async (token) => {
        const all = await token.listKeys();
        return accepted({ json: { keys: all }, lines: listLines(all) });
      }),
  );

  cli.add(
    keys,
    {
      usage: 'show <label>',
      summary: 'show one key of a token, with its addresses',
      example: 'keys show hot-btc-1 --network regtest --json > hot-btc-1.key.json',
    },
    [networkFlag, ...tokenFlags],
    z.object({ network, ...tokenShape }),
    async ({ config, options, terminal }, label = '') =>
      withToken(tokenFrom(config, options, terminal), async (token) => {
        const key = await token.describeKey({ label });
        return accepted({ json: keyJson(key, options.network), lines: keyLines(key, options.network) });
      }),
  );

  cli.add(
    keys,
    {
      usage: 'prove <label>',
      summary: "have a key of the treasury's token sign that it is a deployment's next attestation key",
      description:
        'Signs, with a P-256 key of this token, that it is offered as an attestation key of this deployment and nothing else. Governance takes no attestation key without this signature: it goes into the entry attestation-key-set, with the public key.',
      example:
        'keys prove attestation-2 --deployment 4f1c7e5d… --module /usr/lib/hsm.so --token treasury --json',
    },
    [['--deployment <id>', 'deployment id, as it was read out at the ceremony'], ...tokenFlags],
    z.object({ deployment: pinShape.deployment.nonoptional(), ...tokenShape }),
    async ({ config, options, terminal }, label = '') =>
      withToken(tokenFrom(config, options, terminal), async (token) => {
        const { curve, publicKey, unextractable, bornInToken } = await token.describeKey({ label });
        if (curve !== 'p256')
          throw cliFault('key-mismatch', 'an attestation key is of P-256', { label, curve });
        const { deployment: deploymentId } = options;
        const bytes = attestationKeyBytes(deploymentId, publicKey);
        const proof = await signWithToken(token, label, publicKey, bytes);
        return accepted({
          json: { label, publicKey, deploymentId, proof, unextractable, bornInToken },
          lines: fields([
            ['key', [strong(label)]],
            ['public key', publicKey],
            ['for the deployment', deploymentId],
            ['proof', proof],
          ]),
        });
      }),
  );
  ledgerCommand(cli, keys);

  const requestKey = keys
    .command('request-key')
    .description("A backend's key for asking")
    .summary("a backend's key for asking")
    .helpCommand(false);
  const lives =
    "The private key lives in this file, with the exchange's backend: it asks for transfers and can do nothing else. Whoever has it can ask for what policy lets through without officers, so keep it as you keep that backend.";

  cli.add(
    requestKey,
    {
      usage: 'generate <file>',
      summary: 'make an Ed25519 request key in a new file, mode 0600',
      description: `Makes an Ed25519 key pair. ${lives}`,
      example: 'keys request-key generate exchange-1.pem --json > exchange-1.key.json',
    },
    [],
    z.object({}),
    async (_given, file = '') => {
      const publicKey = generateRequestKey(file);
      return accepted({
        json: { file, algorithm: 'ed25519', publicKey },
        lines: [
          ...requestKeyLines(file, publicKey),
          '',
          '  Governance has to register the public key before it counts.',
        ],
      });
    },
  );

  cli.add(
    requestKey,
    {
      usage: 'show <file>',
      summary: 'show the public key of a request key file',
      description: `Shows what governance registers of a request key. ${lives}`,
      example: 'keys request-key show exchange-1.pem',
    },
    [],
    z.object({}),
    async (_given, file = '') => {
      const { publicKey } = readRequestKey(file);
      return accepted({
        json: { file, algorithm: 'ed25519', publicKey },
        lines: requestKeyLines(file, publicKey),
      });
    },
  );
}
