// Entries of the governance log: who may do what, and since which entry. Each entry names the hash of the one before
// it and carries signatures of the quorum under the state before it. Pure data here; what an entry does is replay.ts.

import { sha256 } from '@noble/hashes/sha2.js';
import { bytesToHex } from '@noble/hashes/utils.js';
import { z } from 'zod';
import { isKeyName } from '../audit/note.js';
import { factContract, factKind } from '../facts/fact.js';
import {
  baseUnits,
  chainId,
  destination,
  displayName,
  domainName,
  ed25519PublicKey,
  evmAddress,
  identifier,
  officerSignature,
  p256PublicKey,
  secp256k1PublicKey,
  sha256Hex,
  signature64,
  timestampMs,
  webOrigin,
  wholeNumber,
} from '../statements/fields.js';
import { statementBytes } from '../statements/preimage.js';
import { classCounts } from './credential-class.js';

export const GOVERNANCE_TYPE = 'portcullis/governance/v1';

/** The hash that stands before the first entry. */
export const NO_PREVIOUS = '0'.repeat(64);

/** What kind of thing proves the person. Each class has the one algorithm that it signs statements with. */
export const credential = z.discriminatedUnion('credentialClass', [
  z.strictObject({
    credentialId: identifier,
    /** A key in a token without a screen: it proves the person, and not what that person saw. */
    credentialClass: z.literal('pkcs11'),
    algorithm: z.literal('p256'),
    publicKey: p256PublicKey,
  }),
  z.strictObject({
    credentialId: identifier,
    /** A device that shows on a display of its own what it signs: a hardware wallet's personal message (EIP-191). */
    credentialClass: z.literal('device-display'),
    algorithm: z.literal('eip191'),
    publicKey: secp256k1PublicKey,
  }),
  z.strictObject({
    credentialId: identifier,
    /** A key of an authenticator, used in a browser (WebAuthn): it proves the person, and not what that person saw. */
    credentialClass: z.literal('passkey'),
    algorithm: z.literal('webauthn-es256'),
    publicKey: p256PublicKey,
    rpId: domainName,
    origin: webOrigin,
    /** Whether it may be copied among its owner's devices; it stays what it was made as. */
    backupEligible: z.boolean(),
  }),
]);
export type Credential = z.infer<typeof credential>;

export const person = z.strictObject({
  personId: identifier,
  name: displayName,
  credentials: z.array(credential).min(1).max(8),
});
export type Person = z.infer<typeof person>;

export const group = z.strictObject({ groupId: identifier, members: z.array(identifier).min(1).max(64) });
export type Group = z.infer<typeof group>;

export const requestKey = z.strictObject({
  keyId: identifier,
  algorithm: z.literal('ed25519'),
  publicKey: ed25519PublicKey,
  /** Persons or services on whose behalf it signs: the possible requesters. A person here never approves its requests. */
  owners: z.array(identifier).min(1).max(16),
});
export type RequestKey = z.infer<typeof requestKey>;

/** A key that states facts about the world. It lives with a watcher; it can neither ask for a transfer, approve nor move anything. */
export const factKey = z.strictObject({
  keyId: identifier,
  algorithm: z.literal('ed25519'),
  publicKey: ed25519PublicKey,
  /** Who runs it. Where several have to agree, sources are counted, not keys. */
  source: identifier,
  /** What it may speak about. */
  kinds: z.array(factKind).min(1).max(16),
});
export type FactKey = z.infer<typeof factKey>;

/** What a kind of fact has to meet to be taken into account. */
export const factRule = z.strictObject({
  kind: factKind,
  /** So many different sources have to speak about a thing; the strictest of them counts. */
  agree: wholeNumber(1, 4),
  /** Older ones are refused: at most a day. */
  maxAgeMs: wholeNumber(1_000, 24 * 60 * 60 * 1000),
});
export type FactRule = z.infer<typeof factRule>;

export const chain = z.discriminatedUnion('family', [
  z.strictObject({
    family: z.literal('bitcoin'),
    chain: chainId.refine((id) => id.startsWith('bip122:')),
    network: z.enum(['mainnet', 'testnet', 'signet', 'regtest']),
    coin: z.strictObject({ symbol: z.literal('BTC'), decimals: z.literal(8) }),
  }),
  z.strictObject({
    family: z.literal('ethereum'),
    chain: chainId.refine((id) => id.startsWith('eip155:')),
    coin: z.strictObject({ symbol: z.string().regex(/^[A-Z0-9]{2,12}$/), decimals: z.literal(18) }),
  }),
]);
export type Chain = z.infer<typeof chain>;

export const tier = z.enum(['hot', 'warm', 'cold', 'safu', 'deposit']);
export type Tier = z.infer<typeof tier>;

export const walletKey = z.strictObject({
  /** CKA_LABEL of the key on the token. */
  label: identifier,
  publicKey: secp256k1PublicKey,
});

export const wallet = z.strictObject({
  walletId: identifier,
  chain: chainId,
  tier,
  /** Name of the token, in the signer's configuration, that holds the keys. */
  token: identifier,
  /** Bitcoin: one P2WPKH address per key, change goes to the first. Ethereum: exactly one key. */
  keys: z.array(walletKey).min(1).max(32),
});
export type Wallet = z.infer<typeof wallet>;

/** The key by which the signer vouches for what it has written down, a void for example. It never signs transactions or approvals. */
export const attestationKey = z.strictObject({
  /** Name of the token, in the signer's configuration, that holds it. */
  token: identifier,
  /** CKA_LABEL of the key on the token. */
  label: identifier,
  algorithm: z.literal('p256'),
  publicKey: p256PublicKey,
});
export type AttestationKey = z.infer<typeof attestationKey>;

/** The log of what happened, whose checkpoints the signer signs, and the key that it signs them with. */
export const auditLog = z.strictObject({
  /** Names the log for good, and its key in signed notes. Once another one was named, never again. */
  origin: z.string().refine(isKeyName, 'no name of a key'),
  key: z.strictObject({
    /** Name of the token, in the signer's configuration, that holds it. */
    token: identifier,
    /** CKA_LABEL of the key on the token. */
    label: identifier,
    algorithm: z.literal('ed25519'),
    publicKey: ed25519PublicKey,
  }),
});
export type AuditLog = z.infer<typeof auditLog>;

export const erc20Token = z.strictObject({
  chain: chainId,
  /** EIP-55 checksummed. */
  contract: evmAddress,
  symbol: z.string().regex(/^[A-Za-z0-9.]{1,12}$/),
  decimals: wholeNumber(0, 30),
  /** keccak256 of the contract's runtime code, as the officers saw it when they registered it. */
  codeHash: sha256Hex,
  /**
   * Words of its storage that have to stay as they are: of a proxy, the address of the code that it runs. A contract that
   * holds its own logic needs none.
   */
  storage: z
    .array(z.strictObject({ slot: sha256Hex, value: sha256Hex }))
    .min(1)
    .max(4)
    .refine((words) => new Set(words.map(({ slot }) => slot)).size === words.length, 'a slot stands twice')
    .exactOptional(),
});
export type Erc20Token = z.infer<typeof erc20Token>;

const basisPoints = wholeNumber(0, 10_000);

/** How much of an asset the wallets of a tier are to hold together. */
export const tierBand = z.discriminatedUnion('measure', [
  /** Of all that is held of it outside SAFU, in hundredths of a percent. */
  z.strictObject({
    tier,
    measure: z.literal('share'),
    minBasisPoints: basisPoints,
    targetBasisPoints: basisPoints,
    maxBasisPoints: basisPoints,
  }),
  /** In base units of the asset. */
  z.strictObject({
    tier,
    measure: z.literal('amount'),
    minUnits: baseUnits,
    targetUnits: baseUnits,
    maxUnits: baseUnits,
  }),
]);
export type TierBand = z.infer<typeof tierBand>;

/** The bands of one asset, each tier at most once; without any, nothing is moved between tiers for its sake. */
export const assetBands = z.strictObject({
  chain: chainId,
  /** `native`, or a registered token's contract in lower case. */
  contract: factContract,
  bands: z.array(tierBand).max(5),
});
export type AssetBands = z.infer<typeof assetBands>;

export const policyDocument = z.strictObject({
  /** Name of the document, e.g. `hot-bitcoin`. */
  name: identifier,
  /** The YAML text as officers read it, a line each, so that what they sign holds printable ASCII alone. */
  lines: z
    .array(z.string().regex(/^[\x20-\x7e]{0,200}$/))
    .min(1)
    .max(2_000),
});
export type PolicyDocument = z.infer<typeof policyDocument>;

/** How many persons of which group a change of governance needs. */
export const quorumRule = z.strictObject({
  group: identifier,
  threshold: wholeNumber(1, 64),
  /** So many of those who count have to have signed with each of these classes of credentials. Absent: with any. */
  with: classCounts.exactOptional(),
});
export type QuorumRule = z.infer<typeof quorumRule>;

const DAY_MS = 24 * 60 * 60 * 1_000;
const delayMs = wholeNumber(0, 90 * DAY_MS);

/** How long what loosens waits before it acts, and who can stop it until then. */
export const timelock = z.strictObject({
  /** For new whitelist entries. The signer counts it itself, from when it accepted the entry. 0: they act at once. */
  whitelistMs: delayMs,
  /** For everything else that loosens. 0: it acts at once. */
  policyMs: delayMs,
  /** How old the newest word of a governor about the log's head may be for what is signed unattended. Absent: a day. */
  freshHeadMs: wholeNumber(60_000, DAY_MS).exactOptional(),
  /** Who can veto what waits; one of them who did not sign it activates it. */
  veto: quorumRule,
});
export type Timelock = z.infer<typeof timelock>;

/** A key that freezes and does nothing else: a watcher's, or the orchestrator's own. */
export const freezeKey = z.strictObject({
  keyId: identifier,
  algorithm: z.literal('ed25519'),
  publicKey: ed25519PublicKey,
  /** Who holds it, as people say it. */
  holder: displayName,
});
export type FreezeKey = z.infer<typeof freezeKey>;

/** An address that people have looked at and given a name. */
export const whitelistEntry = z.strictObject({
  entryId: identifier,
  label: displayName,
  chain: chainId,
  /** In the one spelling that the chain's tools print: bech32 in lower case, or EIP-55. */
  address: destination,
  /** Wallets of which tiers it is for. */
  tiers: z.array(tier).min(1).max(5),
  /** Not one any more from then on. */
  endsAtMs: timestampMs.exactOptional(),
});
export type WhitelistEntry = z.infer<typeof whitelistEntry>;

/** One person's place in a group, given to another for a time. Meanwhile the place is the other's alone. */
export const delegation = z.strictObject({
  delegationId: identifier,
  group: identifier,
  from: identifier,
  to: identifier,
  startsAtMs: timestampMs,
  endsAtMs: timestampMs,
});
export type Delegation = z.infer<typeof delegation>;

export const genesisChange = z.strictObject({
  kind: z.literal('genesis'),
  /** Random; makes the deployment one of its own. */
  seed: sha256Hex,
  persons: z.array(person).min(1).max(64),
  groups: z.array(group).min(1).max(64),
  quorum: quorumRule,
  /** Whoever touches SAFU needs this quorum beside that of governance. Present where there are SAFU wallets. */
  safu: quorumRule.exactOptional(),
  timelock,
  attestation: attestationKey,
  requestKeys: z.array(requestKey).max(64),
  /** Absent where nobody states facts at the beginning. */
  factKeys: z.array(factKey).min(1).max(64).exactOptional(),
  /** Absent where the usual holds for every kind. */
  factRules: z.array(factRule).min(1).max(16).exactOptional(),
  chains: z.array(chain).min(1).max(16),
  wallets: z.array(wallet).min(1).max(256),
  tokens: z.array(erc20Token).max(256),
  policies: z.array(policyDocument).min(1).max(64),
});

/** What a freeze stops from being signed. */
export const freezeScope = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('everything') }),
  z.strictObject({ kind: z.literal('wallet'), walletId: identifier }),
]);
export type FreezeScope = z.infer<typeof freezeScope>;

export const change = z.discriminatedUnion('kind', [
  genesisChange,
  z.strictObject({ kind: z.literal('person-added'), person, groups: z.array(identifier).max(64) }),
  z.strictObject({ kind: z.literal('person-removed'), personId: identifier }),
  z.strictObject({ kind: z.literal('group-set'), group }),
  z.strictObject({ kind: z.literal('credential-added'), personId: identifier, credential }),
  z.strictObject({ kind: z.literal('credential-removed'), credentialId: identifier }),
  z.strictObject({ kind: z.literal('quorum-set'), quorum: quorumRule }),
  z.strictObject({ kind: z.literal('safu-quorum-set'), quorum: quorumRule }),
  z.strictObject({ kind: z.literal('timelock-set'), timelock }),
  z.strictObject({ kind: z.literal('request-key-added'), requestKey }),
  z.strictObject({ kind: z.literal('request-key-removed'), keyId: identifier }),
  z.strictObject({ kind: z.literal('fact-key-added'), factKey }),
  z.strictObject({ kind: z.literal('fact-key-removed'), keyId: identifier }),
  /** Replaces what held for this kind. */
  z.strictObject({ kind: z.literal('fact-rule-set'), rule: factRule }),
  z.strictObject({ kind: z.literal('wallet-added'), wallet }),
  /** For good: from then on it pays nobody but the wallet that follows it, and nobody pays it. */
  z.strictObject({ kind: z.literal('wallet-retired'), walletId: identifier, successor: identifier }),
  /** The key by which the signer vouches for what it writes down from then on. */
  z.strictObject({
    kind: z.literal('attestation-key-set'),
    attestation: attestationKey,
    /** Of that key over `attestationKeyBytes` (attestation-key.ts): whoever made the entry has it. */
    proof: signature64,
  }),
  z.strictObject({ kind: z.literal('token-added'), token: erc20Token }),
  z.strictObject({ kind: z.literal('token-removed'), chain: chainId, contract: evmAddress }),
  /** Replaces all bands of this asset by these. */
  z.strictObject({ kind: z.literal('tier-bands-set'), bands: assetBands }),
  /** Replaces all policy documents by these. */
  z.strictObject({ kind: z.literal('policies-set'), policies: z.array(policyDocument).min(1).max(64) }),
  /**
   * Names the audit log. With the same origin again, it gives the log another key; with another one, it closes the log and
   * names a new one, which begins anew.
   */
  z.strictObject({ kind: z.literal('audit-log-set'), auditLog }),
  z.strictObject({ kind: z.literal('whitelist-added'), entry: whitelistEntry }),
  z.strictObject({ kind: z.literal('whitelist-removed'), entryId: identifier }),
  z.strictObject({ kind: z.literal('delegation-added'), delegation }),
  z.strictObject({ kind: z.literal('delegation-removed'), delegationId: identifier }),
  z.strictObject({ kind: z.literal('freeze-key-added'), freezeKey }),
  z.strictObject({ kind: z.literal('freeze-key-removed'), keyId: identifier }),
  /** Says what time it is, for a signer whose host's clock and own measure have gone apart. */
  z.strictObject({ kind: z.literal('time-set'), timeMs: timestampMs }),
  /** Lets an entry act that has waited long enough. Takes one person who may veto and did not sign that entry. */
  z.strictObject({ kind: z.literal('activated'), entry: sha256Hex }),
  /** Ends an entry that waits. Takes those who may veto. */
  z.strictObject({ kind: z.literal('vetoed'), entry: sha256Hex, why: displayName }),
  /** Takes one person of the roster or one freeze key, and acts at once. */
  z.strictObject({ kind: z.literal('frozen'), scope: freezeScope, why: displayName }),
  /** Takes the quorum, as every other change. */
  z.strictObject({ kind: z.literal('thawed'), scope: freezeScope }),
]);
export type Change = z.infer<typeof change>;

export const entryBody = z.strictObject({
  type: z.literal(GOVERNANCE_TYPE),
  /** 0 for genesis, then without a gap. */
  sequence: wholeNumber(0, 1_000_000),
  previous: sha256Hex,
  /** Hash of the genesis entry; `NO_PREVIOUS` in genesis itself. Binds an entry to its deployment. */
  deploymentId: sha256Hex,
  createdAtMs: timestampMs,
  change,
});
export type EntryBody = z.infer<typeof entryBody>;

/** One officer's signature over an entry, or over another text that the quorum signs. */
export const entrySignature = z.strictObject({ credentialId: identifier, signature: officerSignature });
export type EntrySignature = z.infer<typeof entrySignature>;

export const entrySignatures = z.array(entrySignature).min(1).max(64);

export const governanceEntry = z.strictObject({
  body: entryBody,
  signatures: entrySignatures,
});
export type GovernanceEntry = z.infer<typeof governanceEntry>;

export function entryBytes(body: EntryBody): Uint8Array {
  return statementBytes(GOVERNANCE_TYPE, body);
}

export function entryDigest(body: EntryBody): Uint8Array {
  return sha256(entryBytes(body));
}

/** Hash of an entry, hex: the governance head after it; for genesis, the deployment id. Signatures are not part of it. */
export function entryHash(body: EntryBody): string {
  return bytesToHex(entryDigest(body));
}

/** Hash over the policy documents in force, in their order: what a transfer's statement names as its policy. */
export function policyHashOf(policies: readonly PolicyDocument[]): string {
  return bytesToHex(sha256(statementBytes('portcullis/policies/v1', policies)));
}

/** The YAML text of a policy document. */
export function policyText(document: PolicyDocument): string {
  return `${document.lines.join('\n')}\n`;
}
