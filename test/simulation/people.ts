// Who acts in the simulated world, and the rules they live under: one deployment, the same in every run. Keys are made from
// fixed words and signatures are deterministic, so that a seed gives the same bytes everywhere. Worthless by design.

import { createHash, createPrivateKey, type KeyObject, sign } from 'node:crypto';
import { p256 } from '@noble/curves/nist.js';
import { keccak_256 } from '@noble/hashes/sha3.js';
import { getAddress, keccak256 } from 'ethers';
import * as secp256k1 from 'tiny-secp256k1';
import {
  type Change,
  type EntryBody,
  entryBytes,
  entryHash,
  GOVERNANCE_TYPE,
  type GovernanceEntry,
  NO_PREVIOUS,
} from '../../src/core/governance/entry.js';
import {
  HEAD_TYPE,
  type HeadStatement,
  headBytes,
  type SignedHead,
} from '../../src/core/governance/fresh-head.js';
import { p2wpkhAddress, p2wpkhScript, scriptOfAddress } from '../../src/core/intents/bitcoin/address.js';
import { addressOfPublicKey } from '../../src/core/intents/ethereum/address.js';
import {
  type Approval,
  approvalBytes,
  type TransferStatement,
  type Verdict,
} from '../../src/core/statements/approval.js';
import {
  REQUEST_TYPE,
  type RequestStatement,
  requestBytes,
  type SignedRequest,
} from '../../src/core/statements/request.js';

export const ETHEREUM = 'eip155:31337';
export const BITCOIN = 'bip122:0f9188f13cb7b2c71f2a335e3a4fc328';
export const START_MS = 1_760_000_000_000;
export const HOUR_MS = 3_600_000;
export const ETHER = 10n ** 18n;
export const COIN = 100_000_000n;

/** What the token contract's account holds on the simulated chain: bytes that nobody runs. */
export const TOKEN_CODE = '0x60016002';
export const TOKEN_CONTRACT = getAddress('0x5fbdb2315678afecb367f032d93f642f64180aa3');

export const ETH = { kind: 'native', symbol: 'ETH', decimals: 18 } as const;
export const BTC = { kind: 'native', symbol: 'BTC', decimals: 8 } as const;
export const USDX = { kind: 'erc20', symbol: 'USDX', decimals: 18, contract: TOKEN_CONTRACT } as const;

function secretOf(word: string): Uint8Array {
  return createHash('sha256').update(`portcullis simulation ${word}`).digest();
}

export interface WalletKey {
  readonly label: string;
  readonly secret: Uint8Array;
  /** SEC 1 compressed, hex. */
  readonly publicKey: string;
}

function walletKey(label: string): WalletKey {
  const secret = secretOf(label);
  const point = secp256k1.pointFromScalar(secret, true);
  if (!point) throw new RangeError('not a key');
  return { label, secret, publicKey: Buffer.from(point).toString('hex') };
}

export const ETH_KEY = walletKey('hot-eth-1');
export const BTC_KEY = walletKey('hot-btc-1');
export const ATTESTATION = { label: 'attestation', secret: secretOf('attestation') };

export function p256Point(secret: Uint8Array): string {
  return Buffer.from(p256.getPublicKey(secret, false)).toString('hex');
}

const REMEMBERED = 500;
const signatures = new Map<string, string>();

/** ECDSA over SHA-256 with a nonce that follows from key and message (RFC 6979), so that the same is signed once. */
export function p256Signature(secret: Uint8Array, bytes: Uint8Array): string {
  const name = createHash('sha256').update(secret).update(bytes).digest('hex');
  const known = signatures.get(name);
  if (known !== undefined) return known;
  if (signatures.size >= REMEMBERED) signatures.clear();
  const signature = Buffer.from(p256.sign(bytes, secret)).toString('hex');
  signatures.set(name, signature);
  return signature;
}

export function walletAddress(): string {
  return addressOfPublicKey(ETH_KEY.publicKey);
}

/** scriptPubKey of a destination, hex. */
export function scriptOf(destination: string): string {
  const script = scriptOfAddress(destination, 'regtest');
  if (script.kind === 'refused') throw new RangeError(`not an address: ${destination}`);
  return script.value;
}

/** scriptPubKey of the Bitcoin wallet, hex. */
export function ownScript(): string {
  return p2wpkhScript(BTC_KEY.publicKey);
}

export type OfficerId = 'alice' | 'bob' | 'carol';
export function officerSecret(id: OfficerId): Uint8Array {
  return secretOf(id);
}

const OFFICERS: readonly OfficerId[] = ['alice', 'bob', 'carol'];

const ED25519_PKCS8 = Buffer.from('302e020100300506032b657004220420', 'hex');

function backendKey(name: string): KeyObject {
  const key = Buffer.concat([ED25519_PKCS8, secretOf(name)]);
  return createPrivateKey({ key, format: 'der', type: 'pkcs8' });
}

const BACKEND = backendKey('backend');

function rawPublic(key: KeyObject): string {
  return Buffer.from(key.export({ format: 'jwk' }).x ?? '', 'base64url').toString('hex');
}

const HOT_ETHEREUM = `policy: hot-ethereum
applies-to: { wallets: [hot-eth] }
fee-caps: { absolute: "0.01 ETH", relative: "50%" }
limits:
  - { id: eth-hour, per: wallet, asset: ETH, window: 1h, max: "3 ETH" }
  - { id: usdx-hour, per: wallet, asset: USDX, window: 1h, max: "500 USDX" }
rules:
  - { id: eth-small, when: { asset: ETH, amount-at-most: "0.5 ETH" }, then: allow }
  - { id: eth-middle, when: { asset: ETH, amount-at-most: "2 ETH" }, then: { approve: [{ group: treasury, quorum: 2 }] } }
  - { id: usdx-small, when: { asset: USDX, amount-at-most: "200 USDX" }, then: allow }
  - { id: large, when: anything, then: refuse }`;

const HOT_BITCOIN = `policy: hot-bitcoin
applies-to: { wallets: [hot-btc] }
fee-caps: { absolute: "0.001 BTC", relative: "50%" }
limits:
  - { id: btc-hour, per: wallet, asset: BTC, window: 1h, max: "0.3 BTC" }
rules:
  - { id: btc-small, when: { asset: BTC, amount-at-most: "0.05 BTC" }, then: allow }
  - { id: btc-middle, when: { asset: BTC, amount-at-most: "0.2 BTC" }, then: { approve: [{ group: treasury, quorum: 2 }] } }
  - { id: large, when: anything, then: refuse }`;

const EVERYTHING = `policy: everything
applies-to: everything
limits:
  - { id: all-hour, per: global, window: 1h, max-count: 12 }`;

/** The limits of these policies once more, for the judge. `asset` undefined: transfers are counted, whatever moves. */
export interface LimitRule {
  readonly id: string;
  readonly symbol: string | undefined;
  readonly windowMs: number;
  readonly max: bigint;
}

export const LIMITS: readonly LimitRule[] = [
  { id: 'eth-hour', symbol: 'ETH', windowMs: HOUR_MS, max: 3n * ETHER },
  { id: 'usdx-hour', symbol: 'USDX', windowMs: HOUR_MS, max: 500n * ETHER },
  { id: 'btc-hour', symbol: 'BTC', windowMs: HOUR_MS, max: (COIN * 3n) / 10n },
  { id: 'all-hour', symbol: undefined, windowMs: HOUR_MS, max: 12n },
];

function documentsOf(small: string) {
  const documents = { 'hot-ethereum': HOT_ETHEREUM, 'hot-bitcoin': HOT_BITCOIN, everything: EVERYTHING };
  return Object.entries(documents).map(([name, text]) => ({
    name,
    lines: text.replace('amount-at-most: "0.5 ETH"', `amount-at-most: "${small} ETH"`).split('\n'),
  }));
}

/** The same policies with another bound below which nobody is asked. The limits stay. */
export function policiesWith(small: '0.5' | '0.3' | '0.8'): Change {
  return { kind: 'policies-set', policies: documentsOf(small) };
}

/** So old may a governor's word be for what nobody approves. */
const FRESH_MS = 6 * HOUR_MS;

function genesisChange(): Change {
  return {
    kind: 'genesis',
    seed: createHash('sha256').update('simulation').digest('hex'),
    persons: OFFICERS.map((personId) => ({
      personId,
      name: personId,
      credentials: [
        {
          credentialId: `${personId}-piv`,
          credentialClass: 'pkcs11',
          algorithm: 'p256',
          publicKey: p256Point(secretOf(personId)),
        },
      ],
    })),
    groups: [
      { groupId: 'governors', members: [...OFFICERS] },
      { groupId: 'treasury', members: [...OFFICERS] },
    ],
    quorum: { group: 'governors', threshold: 2 },
    timelock: {
      whitelistMs: 0,
      policyMs: 0,
      freshHeadMs: FRESH_MS,
      veto: { group: 'governors', threshold: 1 },
    },
    attestation: {
      token: 'treasury',
      label: ATTESTATION.label,
      algorithm: 'p256',
      publicKey: p256Point(ATTESTATION.secret),
    },
    requestKeys: [
      {
        keyId: 'backend',
        algorithm: 'ed25519',
        publicKey: rawPublic(BACKEND),
        owners: ['exchange', 'carol'],
      },
    ],
    chains: [
      { family: 'ethereum', chain: ETHEREUM, coin: { symbol: 'ETH', decimals: 18 } },
      { family: 'bitcoin', chain: BITCOIN, network: 'regtest', coin: { symbol: 'BTC', decimals: 8 } },
    ],
    wallets: [
      {
        walletId: 'hot-eth',
        chain: ETHEREUM,
        tier: 'hot',
        token: 'treasury',
        keys: [{ label: ETH_KEY.label, publicKey: ETH_KEY.publicKey }],
      },
      {
        walletId: 'hot-btc',
        chain: BITCOIN,
        tier: 'hot',
        token: 'treasury',
        keys: [{ label: BTC_KEY.label, publicKey: BTC_KEY.publicKey }],
      },
    ],
    tokens: [
      {
        chain: ETHEREUM,
        contract: TOKEN_CONTRACT,
        symbol: 'USDX',
        decimals: 18,
        codeHash: keccak256(TOKEN_CODE).slice(2),
      },
    ],
    policies: documentsOf('0.5'),
  };
}

function signedEntry(body: EntryBody): GovernanceEntry {
  return { body, signatures: quorumOver(entryBytes(body)) };
}

export const GENESIS: GovernanceEntry = signedEntry({
  type: GOVERNANCE_TYPE,
  sequence: 0,
  previous: NO_PREVIOUS,
  deploymentId: NO_PREVIOUS,
  createdAtMs: START_MS,
  change: genesisChange(),
});
export const DEPLOYMENT_ID = entryHash(GENESIS.body);

/** Signatures of two officers over a statement of theirs. */
export function quorumOver(bytes: Uint8Array): GovernanceEntry['signatures'] {
  return (['alice', 'bob'] as const).map((id) => ({
    credentialId: `${id}-piv`,
    signature: p256Signature(secretOf(id), bytes),
  }));
}

/** A governor's word that this entry is the newest. */
export function wordAbout({ body }: GovernanceEntry, of: OfficerId, createdAtMs: number): SignedHead {
  const statement: HeadStatement = {
    type: HEAD_TYPE,
    deploymentId: DEPLOYMENT_ID,
    sequence: body.sequence,
    head: entryHash(body),
    createdAtMs,
  };
  return {
    statement,
    credentialId: `${of}-piv`,
    signature: p256Signature(secretOf(of), headBytes(statement)),
  };
}

/** The next entry after `previous`, signed by two governors. */
export function entryAfter(previous: GovernanceEntry, change: Change, createdAtMs: number): GovernanceEntry {
  return signedEntry({
    type: GOVERNANCE_TYPE,
    sequence: previous.body.sequence + 1,
    previous: entryHash(previous.body),
    deploymentId: DEPLOYMENT_ID,
    createdAtMs,
    change,
  });
}

export function signedRequest(
  statement: Omit<RequestStatement, 'type' | 'deploymentId' | 'keyId' | 'kind'>,
): SignedRequest {
  const whole: RequestStatement = {
    type: REQUEST_TYPE,
    deploymentId: DEPLOYMENT_ID,
    keyId: 'backend',
    kind: 'withdrawal',
    ...statement,
  };
  return { statement: whole, signature: sign(null, requestBytes(whole), BACKEND).toString('hex') };
}

export function verdictOf(of: OfficerId, statement: TransferStatement, verdict: Verdict): Approval {
  const signature = p256Signature(secretOf(of), approvalBytes(verdict, statement));
  return { credentialId: `${of}-piv`, verdict, signature };
}

/** Addresses that nobody else pays: what arrives there is one transfer's. */
export function destinationOf(chain: 'ethereum' | 'bitcoin', word: string): string {
  if (chain === 'bitcoin') return p2wpkhAddress(walletKey(`destination ${word}`).publicKey, 'regtest');
  return getAddress(
    `0x${Buffer.from(keccak_256(secretOf(word)))
      .toString('hex')
      .slice(24)}`,
  );
}

export const SEAL_SECRET = secretOf('seal');
