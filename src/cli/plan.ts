// The ceremony's plan: a YAML file that people can read and agree on, from which genesis is made. It names files for the
// keys, so that nobody copies a public key by hand. Making genesis signs nothing.

import { dirname, resolve } from 'node:path';
import { z } from 'zod';
import { factKind } from '../core/facts/fact.js';
import { CREDENTIAL_CLASSES, classCounts } from '../core/governance/credential-class.js';
import {
  type Chain,
  type Credential,
  type EntryBody,
  type Erc20Token,
  erc20Token,
  type genesisChange,
  GOVERNANCE_TYPE,
  NO_PREVIOUS,
  type PolicyDocument,
  policyDocument,
  tier,
} from '../core/governance/entry.js';
import { BITCOIN_NETWORKS } from '../core/governance/names.js';
import { ethereumAddress } from '../core/intents/ethereum/address.js';
import {
  chainId,
  displayName,
  domainName,
  ed25519PublicKey,
  evmAddress,
  identifier,
  p256PublicKey,
  secp256k1PublicKey,
  sha256Hex,
  webOrigin,
} from '../core/statements/fields.js';
import { cliFault } from './exit.js';
import { readJson, readText, readYaml } from './files.js';

const path = z.string().min(1).max(4_096);

/** A file that `portcullis keys ... --json` wrote, or the public key itself. */
const keySource = z.union([z.strictObject({ file: path }), z.strictObject({ 'public-key': z.string() })]);

const plannedQuorum = z.strictObject({
  group: identifier,
  threshold: z.int().min(1),
  /** So many of them with each of these classes of credentials. */
  with: classCounts.exactOptional(),
});

/** How long what loosens waits; `0h` is not at all. */
const delay = z.string().regex(/^(?:0|[1-9][0-9]{0,3})[mhd]$/, 'a delay is written like 30m, 24h or 2d');

const UNITS_MS = { m: 60_000, h: 3_600_000, d: 86_400_000 } as const;

function delayMs(text: string): number {
  const unit = text.slice(-1);
  return Number.parseInt(text, 10) * UNITS_MS[unit === 'm' || unit === 'h' ? unit : 'd'];
}

/** How old a governor's word about the log may be, for what nobody approves. */
const wordsAge = delay.refine((text) => {
  const ms = delayMs(text);
  return ms >= UNITS_MS.m && ms <= UNITS_MS.d;
}, "what nobody approves needs a governor's word, and its age is from 1m to 24h");

/** How old a fact may be: shorter than what people wait for. */
const age = z.string().regex(/^[1-9][0-9]{0,4}[smh]$/, 'an age is written like 30s, 5m or 1h');

function ageMs(text: string): number {
  const unit = text.slice(-1);
  return Number.parseInt(text, 10) * (unit === 's' ? 1_000 : UNITS_MS[unit === 'm' ? 'm' : 'h']);
}

const plan = z.strictObject({
  persons: z
    .array(
      z.strictObject({
        id: identifier,
        name: displayName,
        credentials: z
          .array(
            z.strictObject({
              id: identifier,
              class: z.enum(CREDENTIAL_CLASSES).default('pkcs11'),
              key: keySource,
              /** Of a passkey: its relying party and origin, and whether it may be copied between devices. */
              passkey: z
                .strictObject({
                  'rp-id': domainName,
                  origin: webOrigin,
                  'backup-eligible': z.boolean().default(false),
                })
                .exactOptional(),
            }),
          )
          .min(1),
      }),
    )
    .min(1),
  groups: z.record(identifier, z.array(identifier).min(1)),
  quorum: plannedQuorum,
  'safu-quorum': plannedQuorum.exactOptional(),
  timelock: z.strictObject({
    whitelist: delay.default('24h'),
    policy: delay.default('48h'),
    'fresh-head': wordsAge.default('24h'),
    veto: plannedQuorum,
  }),
  /** The signer's own key for what it vouches for. */
  attestation: z.strictObject({ token: identifier, label: identifier, key: keySource }),
  'request-keys': z
    .array(z.strictObject({ id: identifier, key: keySource, owners: z.array(identifier).min(1) }))
    .default([]),
  /** Of watchers, as `watcher key` printed them. */
  'fact-keys': z
    .array(
      z.strictObject({
        id: identifier,
        key: keySource,
        /** Who runs it: where several have to agree, sources are counted. */
        source: identifier,
        kinds: z.array(factKind).min(1),
      }),
    )
    .default([]),
  'fact-rules': z
    .array(z.strictObject({ kind: factKind, agree: z.int().min(1).max(4), 'max-age': age }))
    .default([]),
  chains: z
    .array(
      z.union([
        z.strictObject({ bitcoin: z.enum(['mainnet', 'testnet', 'signet', 'regtest']) }),
        z.strictObject({ ethereum: z.int().min(1), coin: z.string().regex(/^[A-Z0-9]{2,12}$/) }),
      ]),
    )
    .min(1),
  wallets: z
    .array(
      z.strictObject({
        id: identifier,
        chain: chainId,
        tier,
        token: identifier,
        keys: z.array(z.strictObject({ label: identifier, key: keySource })).min(1),
      }),
    )
    .min(1),
  tokens: z
    .array(
      z.strictObject({
        chain: chainId,
        contract: evmAddress,
        symbol: z.string(),
        decimals: z.int().min(0).max(30),
        'code-hash': sha256Hex,
        storage: erc20Token.shape.storage,
      }),
    )
    .default([]),
  policies: z.array(path).min(1),
});
export type Plan = z.infer<typeof plan>;
type KeySource = z.infer<typeof keySource>;
type GenesisChange = z.infer<typeof genesisChange>;

/** What `keys generate`, `keys show` and `keys request-key` print as JSON, as far as a plan needs it. */
const keyFile = z.object({
  publicKey: z.string(),
  compressed: z.string().optional(),
  unextractable: z.boolean().optional(),
  bornInToken: z.boolean().optional(),
});

/** Faults `file-unreadable`, `file-malformed`. */
export function readPlan(file: string): Plan {
  return readYaml(file, plan, 'a ceremony plan');
}

class KeyReader {
  constructor(private readonly folder: string) {}

  /** `mustBeBorn`: only a key that was made in its token and cannot leave it will do. */
  read(source: KeySource, schema: z.ZodType<string>, whose: string, mustBeBorn = false): string {
    const file = 'file' in source ? resolve(this.folder, source.file) : undefined;
    const described =
      'file' in source
        ? readJson(resolve(this.folder, source.file), keyFile, 'the description of a key')
        : { publicKey: source['public-key'] };
    // A wallet's key, or the signer's own, that ever was outside a token may be in somebody's pocket.
    if (
      mustBeBorn &&
      file !== undefined &&
      !(described.unextractable === true && described.bornInToken === true)
    ) {
      throw cliFault('plan-invalid', `${whose}: this key was not made in its token, or can leave it`, {
        file,
      });
    }
    for (const candidate of [described.publicKey, described.compressed]) {
      const parsed = schema.safeParse(candidate);
      if (parsed.success) return parsed.data;
    }
    throw cliFault('plan-invalid', `${whose}: this is not a public key of the kind that is needed here`, {
      ...(file === undefined ? {} : { file }),
    });
  }
}

/** A policy file as governance holds it. Faults `file-malformed`. */
export function policyFrom(file: string): PolicyDocument {
  const text = readText(file);
  const name = /^policy: ([A-Za-z0-9][A-Za-z0-9._:@-]*)$/m.exec(text)?.[1];
  const parsed = policyDocument.safeParse({ name, lines: text.trimEnd().split('\n') });
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  const [part, line] = issue?.path ?? [];
  const where = part === 'lines' && typeof line === 'number' ? `${file}:${line + 1}` : file;
  throw cliFault(
    'file-malformed',
    `${where}: a policy is printable ASCII, has "policy: NAME", and lines of at most 200 characters`,
    {
      path: file,
    },
  );
}

function chainOf(chain: Plan['chains'][number]): Chain {
  return 'bitcoin' in chain
    ? {
        family: 'bitcoin',
        chain: BITCOIN_NETWORKS[chain.bitcoin],
        network: chain.bitcoin,
        coin: { symbol: 'BTC', decimals: 8 },
      }
    : {
        family: 'ethereum',
        chain: `eip155:${chain.ethereum}`,
        coin: { symbol: chain.coin, decimals: 18 },
      };
}

/** A contract in another spelling than EIP-55 would be registered, and could then never be paid. */
function tokenOf({ 'code-hash': codeHash, ...token }: Plan['tokens'][number]): Erc20Token {
  if (ethereumAddress(token.contract).kind === 'refused') {
    throw cliFault('plan-invalid', `token ${token.symbol}: ${token.contract} has not its EIP-55 checksum`, {
      contract: token.contract,
    });
  }
  return { ...token, codeHash };
}

function credentialOf(
  { id, class: credentialClass, key, passkey }: Plan['persons'][number]['credentials'][number],
  keys: KeyReader,
): Credential {
  const whose = `credential ${id}`;
  if ((credentialClass === 'passkey') !== (passkey !== undefined)) {
    throw cliFault('plan-invalid', `${whose}: a passkey, and nothing else, has a section "passkey"`, { id });
  }
  if (passkey !== undefined) {
    return {
      credentialId: id,
      credentialClass: 'passkey',
      algorithm: 'webauthn-es256',
      publicKey: keys.read(key, p256PublicKey, whose),
      rpId: passkey['rp-id'],
      origin: passkey.origin,
      backupEligible: passkey['backup-eligible'],
    };
  }
  return credentialClass === 'pkcs11'
    ? {
        credentialId: id,
        credentialClass,
        algorithm: 'p256',
        publicKey: keys.read(key, p256PublicKey, whose),
      }
    : {
        credentialId: id,
        credentialClass: 'device-display',
        algorithm: 'eip191',
        publicKey: keys.read(key, secp256k1PublicKey, whose),
      };
}

/** What stands in a genesis of facts; nothing of what the plan has none of. */
function factsOf(planned: Plan, keys: KeyReader): Pick<GenesisChange, 'factKeys' | 'factRules'> {
  const factKeys = planned['fact-keys'].map(({ id, key, source, kinds }) => ({
    keyId: id,
    algorithm: 'ed25519' as const,
    publicKey: keys.read(key, ed25519PublicKey, `fact key ${id}`),
    source,
    kinds,
  }));
  const factRules = planned['fact-rules'].map(({ kind, agree, 'max-age': maxAge }) => ({
    kind,
    agree,
    maxAgeMs: ageMs(maxAge),
  }));
  return {
    ...(factKeys.length > 0 && { factKeys }),
    ...(factRules.length > 0 && { factRules }),
  };
}

/**
 * The genesis body of a plan. Paths in the plan are relative to `folder`. Faults `plan-invalid`, `file-unreadable`,
 * `file-malformed`. Whether it is a valid genesis is said by replaying it, with its signatures.
 */
export function genesisOf(planned: Plan, planFile: string, seed: string, createdAtMs: number): EntryBody {
  const folder = dirname(planFile);
  const keys = new KeyReader(folder);
  return {
    type: GOVERNANCE_TYPE,
    sequence: 0,
    previous: NO_PREVIOUS,
    deploymentId: NO_PREVIOUS,
    createdAtMs,
    change: {
      kind: 'genesis',
      seed,
      persons: planned.persons.map(({ id, name, credentials }) => ({
        personId: id,
        name,
        credentials: credentials.map((credential) => credentialOf(credential, keys)),
      })),
      groups: Object.entries(planned.groups).map(([groupId, members]) => ({ groupId, members })),
      quorum: planned.quorum,
      ...(planned['safu-quorum'] === undefined ? {} : { safu: planned['safu-quorum'] }),
      timelock: {
        whitelistMs: delayMs(planned.timelock.whitelist),
        policyMs: delayMs(planned.timelock.policy),
        freshHeadMs: delayMs(planned.timelock['fresh-head']),
        veto: planned.timelock.veto,
      },
      attestation: {
        token: planned.attestation.token,
        label: planned.attestation.label,
        algorithm: 'p256',
        publicKey: keys.read(planned.attestation.key, p256PublicKey, 'the attestation key', true),
      },
      requestKeys: planned['request-keys'].map(({ id, key, owners }) => ({
        keyId: id,
        algorithm: 'ed25519',
        publicKey: keys.read(key, ed25519PublicKey, `request key ${id}`),
        owners,
      })),
      ...factsOf(planned, keys),
      chains: planned.chains.map(chainOf),
      wallets: planned.wallets.map(({ id, chain, tier: walletTier, token, keys: walletKeys }) => ({
        walletId: id,
        chain,
        tier: walletTier,
        token,
        keys: walletKeys.map(({ label, key }) => ({
          label,
          publicKey: keys.read(key, secp256k1PublicKey, `wallet ${id}, key ${label}`, true),
        })),
      })),
      tokens: planned.tokens.map(tokenOf),
      policies: planned.policies.map((file) => policyFrom(resolve(folder, file))),
    },
  };
}
