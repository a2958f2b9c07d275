// What tests of governance stand on: people with real P-256 keys, a genesis, and a way to sign entries.
// For tests alone; not part of any program.

import { generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { ed25519 } from '@noble/curves/ed25519.js';
import { bytesToHex } from '@noble/hashes/utils.js';
import type { Outcome } from '../fault.js';
import { portableVerifier } from '../statements/signature.js';
import {
  type AuditLog,
  type Change,
  type EntryBody,
  entryBytes,
  GOVERNANCE_TYPE,
  type GovernanceEntry,
  NO_PREVIOUS,
  type Person,
} from './entry.js';
import { HEAD_TYPE, type HeadStatement, headBytes, type SignedHead } from './fresh-head.js';
import { replayEntry, replayGenesis } from './replay.js';
import type { GovernanceState } from './state.js';

export const BITCOIN = 'bip122:0f9188f13cb7b2c71f2a335e3a4fc328';
export const ETHEREUM = 'eip155:31337';
export const POLICY = [
  'policy: hot',
  'applies-to: { wallets: [hot-btc] }',
  'fee-caps: { absolute: "0.001 BTC", relative: "5%" }',
  'rules:',
  '  - { id: all, when: { asset: BTC }, then: { approve: [{ group: treasury, quorum: 2 }] } }',
];

/** A credential with its key: P-256, made by OpenSSL and not by the code under test. */
export interface Key {
  readonly credentialId: string;
  readonly publicKey: string;
  readonly secret: KeyObject;
}

export function newKey(credentialId: string): Key {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const spki = publicKey.export({ format: 'der', type: 'spki' });
  return { credentialId, publicKey: bytesToHex(spki.subarray(-65)), secret: privateKey };
}

export const alice = newKey('alice-1');
export const aliceSpare = newKey('alice-2');
export const bob = newKey('bob-1');
export const carol = newKey('carol-1');
export const dave = newKey('dave-1');
/** Stands for the signer's own key. */
export const vouching = newKey('attestation');

export function personOf(personId: string, ...keys: readonly Key[]): Person {
  return {
    personId,
    name: personId,
    credentials: keys.map(({ credentialId, publicKey }) => ({
      credentialId,
      credentialClass: 'pkcs11',
      algorithm: 'p256',
      publicKey,
    })),
  };
}

export type Genesis = Extract<Change, { kind: 'genesis' }>;

export const GENESIS: Genesis = {
  kind: 'genesis',
  seed: '5e'.repeat(32),
  persons: [personOf('alice', alice, aliceSpare), personOf('bob', bob), personOf('carol', carol)],
  groups: [
    { groupId: 'governors', members: ['alice', 'bob', 'carol'] },
    { groupId: 'treasury', members: ['alice', 'bob', 'carol'] },
  ],
  quorum: { group: 'governors', threshold: 2 },
  timelock: { whitelistMs: 0, policyMs: 0, veto: { group: 'governors', threshold: 1 } },
  attestation: { token: 'treasury', label: 'attestation', algorithm: 'p256', publicKey: vouching.publicKey },
  requestKeys: [{ keyId: 'backend', algorithm: 'ed25519', publicKey: 'e1'.repeat(32), owners: ['payouts'] }],
  chains: [
    { family: 'bitcoin', chain: BITCOIN, network: 'regtest', coin: { symbol: 'BTC', decimals: 8 } },
    { family: 'ethereum', chain: ETHEREUM, coin: { symbol: 'ETH', decimals: 18 } },
  ],
  wallets: [
    {
      walletId: 'hot-btc',
      chain: BITCOIN,
      tier: 'hot',
      token: 'treasury',
      keys: [{ label: 'hot-btc-0', publicKey: `02${'a1'.repeat(32)}` }],
    },
  ],
  tokens: [],
  policies: [{ name: 'hot', lines: POLICY }],
};

export function signed(body: EntryBody, ...keys: readonly Key[]): GovernanceEntry {
  const signatures = keys.map(({ credentialId, secret }) => ({
    credentialId,
    signature: bytesToHex(sign('sha256', entryBytes(body), { key: secret, dsaEncoding: 'ieee-p1363' })),
  }));
  return { body, signatures };
}

export function genesisOf(change: Partial<Genesis> = {}, ...keys: readonly Key[]): GovernanceEntry {
  const body: EntryBody = {
    type: GOVERNANCE_TYPE,
    sequence: 0,
    previous: NO_PREVIOUS,
    deploymentId: NO_PREVIOUS,
    createdAtMs: 1_700_000_000_000,
    change: { ...GENESIS, ...change },
  };
  return signed(body, ...(keys.length > 0 ? keys : [alice, bob]));
}

export function bodyAfter(state: GovernanceState, change: Change): EntryBody {
  return {
    type: GOVERNANCE_TYPE,
    sequence: state.sequence + 1,
    previous: state.head,
    deploymentId: state.deploymentId,
    createdAtMs: 1_700_000_000_000 + state.sequence + 1,
    change,
  };
}

export function stateOf(outcome: Outcome<GovernanceState>): GovernanceState {
  if (outcome.kind === 'refused') throw new Error(`${outcome.code} ${JSON.stringify(outcome.facts)}`);
  return outcome.value;
}

export function codeOf(outcome: Outcome<GovernanceState>): string {
  return outcome.kind === 'refused' ? outcome.code : outcome.kind;
}

export const start = stateOf(replayGenesis(genesisOf(), portableVerifier));

export function appended(
  state: GovernanceState,
  change: Change,
  ...keys: readonly Key[]
): Outcome<GovernanceState> {
  return replayEntry(
    state,
    signed(bodyAfter(state, change), ...(keys.length > 0 ? keys : [alice, bob])),
    portableVerifier,
  );
}

export function whyOf(outcome: Outcome<GovernanceState>) {
  return outcome.kind === 'refused' ? [outcome.code, outcome.facts.why, outcome.facts.about] : outcome.kind;
}

export const ADD_DAVE = {
  kind: 'person-added',
  person: personOf('dave', dave),
  groups: ['governors'],
} satisfies Change;
export function auditLogOf(seed: number, altered: Partial<AuditLog> = {}): AuditLog {
  const publicKey = bytesToHex(ed25519.getPublicKey(new Uint8Array(32).fill(seed)));
  const key = { token: 'treasury', label: `audit-${seed}`, algorithm: 'ed25519', publicKey } as const;
  return { origin: 'exchange.example/audit', key, ...altered };
}
export const AUDIT_LOG_SET = { kind: 'audit-log-set', auditLog: auditLogOf(1) } satisfies Change;
export const QUORUM_OF_3: Change = { kind: 'quorum-set', quorum: { group: 'governors', threshold: 3 } };
export const REMOVE_CAROL: Change = { kind: 'person-removed', personId: 'carol' };

/** A governor's word that the newest entry of this state is the newest. */
export function wordOf(
  { deploymentId, sequence, head }: GovernanceState,
  key: Key,
  altered: Pick<HeadStatement, 'createdAtMs'> & Partial<HeadStatement>,
): SignedHead {
  const statement: HeadStatement = { type: HEAD_TYPE, deploymentId, sequence, head, ...altered };
  const signature = sign('sha256', headBytes(statement), { key: key.secret, dsaEncoding: 'ieee-p1363' });
  return { statement, credentialId: key.credentialId, signature: bytesToHex(signature) };
}
