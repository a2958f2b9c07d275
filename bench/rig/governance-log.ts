// Governance logs of any length with real keys and signatures, made without replaying them. Two officers govern; a log's
// changes are all of one kind.

import { generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import {
  type Change,
  type EntryBody,
  entryBytes,
  entryHash,
  GOVERNANCE_TYPE,
  type GovernanceEntry,
  NO_PREVIOUS,
  type Person,
} from '../../src/core/governance/entry.js';

const CHAIN = 'bip122:0f9188f13cb7b2c71f2a335e3a4fc328';
const CREATED_AT_MS = 1_760_000_000_000;
const POLICY = [
  'policy: hot',
  'applies-to: { wallets: [hot-btc] }',
  'fee-caps: { absolute: "0.001 BTC", relative: "5%" }',
  'rules:',
  '  - { id: all, when: { asset: BTC }, then: { approve: [{ group: treasury, quorum: 2 }] } }',
];

interface Officer {
  readonly person: Person;
  readonly secret: KeyObject;
}

function officerOf(personId: string): Officer {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const point = publicKey.export({ format: 'der', type: 'spki' }).subarray(-65).toString('hex');
  const credential = {
    credentialId: `${personId}-1`,
    credentialClass: 'pkcs11',
    algorithm: 'p256',
    publicKey: point,
  } as const;
  return { person: { personId, name: personId, credentials: [credential] }, secret: privateKey };
}

function signedBy(officers: readonly Officer[], body: EntryBody): GovernanceEntry {
  const bytes = entryBytes(body);
  const signatures = officers.map(({ person, secret }) => ({
    credentialId: `${person.personId}-1`,
    signature: sign('sha256', bytes, { key: secret, dsaEncoding: 'ieee-p1363' }).toString('hex'),
  }));
  return { body, signatures };
}

function genesisOf(officers: readonly Officer[]): Change {
  const members = officers.map(({ person }) => person.personId);
  const attestation = officerOf('attestation').person.credentials[0]?.publicKey ?? '';
  return {
    kind: 'genesis',
    seed: '5e'.repeat(32),
    persons: officers.map(({ person }) => person),
    groups: [
      { groupId: 'governors', members },
      { groupId: 'treasury', members },
    ],
    quorum: { group: 'governors', threshold: 2 },
    timelock: { whitelistMs: 0, policyMs: 0, veto: { group: 'governors', threshold: 1 } },
    attestation: { token: 'treasury', label: 'attestation', algorithm: 'p256', publicKey: attestation },
    requestKeys: [],
    chains: [{ family: 'bitcoin', chain: CHAIN, network: 'regtest', coin: { symbol: 'BTC', decimals: 8 } }],
    wallets: [
      {
        walletId: 'hot-btc',
        chain: CHAIN,
        tier: 'hot',
        token: 'treasury',
        // The generator of secp256k1: a point, and nobody's key.
        keys: [
          {
            label: 'hot-btc-0',
            publicKey: '0279be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798',
          },
        ],
      },
    ],
    tokens: [],
    policies: [{ name: 'hot', lines: POLICY }],
  };
}

/** Same members in another order, again and again: nothing grows but the log. */
function groupChange(at: number, members: readonly string[]): Change {
  const turned = at % 2 === 0 ? [...members] : members.toReversed();
  return { kind: 'group-set', group: { groupId: 'treasury', members: turned } };
}

/** Somebody new comes, and goes with the next entry: the roster stays small, and who was ever in it grows. */
function personChange(at: number): Change {
  const personId = `guest-${Math.floor(at / 2)}`;
  return at % 2 === 0
    ? { kind: 'person-added', person: officerOf(personId).person, groups: [] }
    : { kind: 'person-removed', personId };
}

/** So many entries, genesis included. */
export function governanceLogOf(entries: number, changes: 'groups' | 'persons'): readonly GovernanceEntry[] {
  const officers = [officerOf('alice'), officerOf('bob')];
  const members = officers.map(({ person }) => person.personId);
  const common = { type: GOVERNANCE_TYPE, createdAtMs: CREATED_AT_MS } as const;
  const genesis: EntryBody = {
    ...common,
    sequence: 0,
    previous: NO_PREVIOUS,
    deploymentId: NO_PREVIOUS,
    change: genesisOf(officers),
  };
  const deploymentId = entryHash(genesis);
  const log = [signedBy(officers, genesis)];
  let previous = deploymentId;
  for (let at = 0; log.length < entries; at += 1) {
    const change = changes === 'groups' ? groupChange(at, members) : personChange(at);
    const body: EntryBody = { ...common, sequence: log.length, previous, deploymentId, change };
    previous = entryHash(body);
    log.push(signedBy(officers, body));
  }
  return log;
}
