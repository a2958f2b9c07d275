// Who acts in tests of the transfer pipeline: a small deployment with two wallets, three officers and two request keys,
// and what they sign. Real keys and signatures; for tests alone, not part of any program.

import { createHash, createPrivateKey, generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { secp256k1 } from '@noble/curves/secp256k1.js';
import { Fault } from '../../core/fault.js';
import {
  type Change,
  type EntryBody,
  type EntrySignature,
  entryBytes,
  entryHash,
  type GovernanceEntry,
  NO_PREVIOUS,
  type Person,
} from '../../core/governance/entry.js';
import {
  HEAD_TYPE,
  type HeadStatement,
  headBytes,
  type SignedHead,
} from '../../core/governance/fresh-head.js';
import { type AttestedVoid, VOID_TYPE, type VoidStatement, voidBytes } from '../../core/recovery/void.js';
import {
  type Approval,
  approvalBytes,
  givenApprovalDigest,
  type TransferStatement,
  type Verdict,
} from '../../core/statements/approval.js';
import {
  REQUEST_TYPE,
  type RequestStatement,
  requestBytes,
  requestDigest,
  type SignedRequest,
  transferIdOf,
} from '../../core/statements/request.js';

export const ETHEREUM = 'eip155:31337';
export const BITCOIN = 'bip122:0f9188f13cb7b2c71f2a335e3a4fc328';
export const START_MS = 1_760_000_000_000;
const HOUR_MS = 3_600_000;
const DESTINATION = '0x70997970C51812dc3A010C7d01b50e0d17dc79C8';
const BITCOIN_DESTINATION = 'bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080';

const HOT_ETHEREUM = `policy: hot-ethereum
applies-to: { wallets: [hot-eth] }
fee-caps: { absolute: "0.01 ETH", relative: "5%" }
limits:
  - { id: day, per: wallet, asset: ETH, window: 24h, max: "10 ETH" }
rules:
  - id: small
    when: { asset: ETH, amount-at-most: "1 ETH" }
    then: allow
  - id: middle
    when: { asset: ETH, amount-at-most: "5 ETH" }
    then: { approve: [ { group: treasury, quorum: 2 } ] }
  - id: large
    when: anything
    then: refuse`;

const HOT_BITCOIN = `policy: hot-bitcoin
applies-to: { wallets: [hot-btc] }
fee-caps: { absolute: "0.001 BTC", relative: "5%" }
limits:
  - { id: day, per: wallet, asset: BTC, window: 24h, max: "2 BTC" }
rules:
  - id: any
    when: { asset: BTC, amount-at-most: "1 BTC" }
    then: allow`;

/** Over all wallets, so that two of them share a counter. */
const EVERYTHING = `policy: everything
applies-to: everything
limits:
  - { id: all-per-hour, per: global, window: 1h, max-count: 60 }`;

interface Officer {
  readonly person: Person;
  readonly key: KeyObject;
}

export type OfficerId = 'alice' | 'bob' | 'carol';

function officer(personId: string): Officer {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const { x = '', y = '' } = publicKey.export({ format: 'jwk' });
  const point = Buffer.concat([Buffer.of(4), Buffer.from(x, 'base64url'), Buffer.from(y, 'base64url')]);
  const credential = {
    credentialId: `${personId}-piv`,
    credentialClass: 'pkcs11' as const,
    algorithm: 'p256' as const,
    publicKey: point.toString('hex'),
  };
  return { person: { personId, name: personId, credentials: [credential] }, key: privateKey };
}

function p256(key: KeyObject, bytes: Uint8Array): string {
  return sign('sha256', bytes, { key, dsaEncoding: 'ieee-p1363' }).toString('hex');
}

function walletKey(label: string, secret: number) {
  const bytes = new Uint8Array(32);
  bytes[31] = secret;
  return { label, publicKey: Buffer.from(secp256k1.getPublicKey(bytes, true)).toString('hex') };
}

const ED25519_PKCS8 = Buffer.from('302e020100300506032b657004220420', 'hex');

function backendKey(name: string): KeyObject {
  const seed = createHash('sha256').update(name).digest();
  return createPrivateKey({ key: Buffer.concat([ED25519_PKCS8, seed]), format: 'der', type: 'pkcs8' });
}

function rawPublic(key: KeyObject): string {
  return Buffer.from(key.export({ format: 'jwk' }).x ?? '', 'base64url').toString('hex');
}

function documentOf(name: string, text: string) {
  return { name, lines: text.split('\n') };
}

/** A deployment with its governance log; entries are signed by alice and bob. */
export class Cast {
  readonly entries: GovernanceEntry[];
  readonly deploymentId: string;
  private readonly officers = { alice: officer('alice'), bob: officer('bob'), carol: officer('carol') };
  /** Stands for the signer's own key. */
  private readonly vouching = officer('attestation');
  private readonly key = backendKey('backend');
  private requests = 0;

  constructor() {
    const change: Change = {
      kind: 'genesis',
      seed: createHash('sha256').update('cast').digest('hex'),
      persons: Object.values(this.officers).map(({ person }) => person),
      groups: [
        { groupId: 'governors', members: ['alice', 'bob'] },
        { groupId: 'treasury', members: ['alice', 'bob'] },
      ],
      quorum: { group: 'governors', threshold: 2 },
      timelock: { whitelistMs: 0, policyMs: 0, veto: { group: 'governors', threshold: 1 } },
      attestation: {
        token: 'treasury',
        label: 'attestation',
        algorithm: 'p256',
        publicKey: this.vouching.person.credentials[0]?.publicKey ?? '',
      },
      requestKeys: [
        {
          keyId: 'backend',
          algorithm: 'ed25519',
          publicKey: rawPublic(this.key),
          owners: ['exchange', 'carol'],
        },
        // Asks for nothing. Whatever the treasury becomes, there is a key for which it could approve.
        {
          keyId: 'spare',
          algorithm: 'ed25519',
          publicKey: rawPublic(backendKey('spare')),
          owners: ['spare-desk'],
        },
      ],
      chains: [
        { family: 'ethereum', chain: ETHEREUM, coin: { symbol: 'ETH', decimals: 18 } },
        {
          family: 'bitcoin',
          chain: BITCOIN,
          network: 'regtest',
          coin: { symbol: 'BTC', decimals: 8 },
        },
      ],
      wallets: [
        {
          walletId: 'hot-eth',
          chain: ETHEREUM,
          tier: 'hot',
          token: 'treasury',
          keys: [walletKey('hot-eth', 1)],
        },
        {
          walletId: 'hot-btc',
          chain: BITCOIN,
          tier: 'hot',
          token: 'treasury',
          keys: [walletKey('hot-btc', 2)],
        },
      ],
      tokens: [],
      policies: [
        documentOf('hot-ethereum', HOT_ETHEREUM),
        documentOf('hot-bitcoin', HOT_BITCOIN),
        documentOf('everything', EVERYTHING),
      ],
    };
    const genesis = this.signedEntry(change, 0, NO_PREVIOUS, NO_PREVIOUS);
    this.entries = [genesis];
    this.deploymentId = entryHash(genesis.body);
  }

  private signedEntry(
    change: Change,
    sequence: number,
    previous: string,
    deploymentId: string,
  ): GovernanceEntry {
    const body = {
      type: 'portcullis/governance/v1' as const,
      sequence,
      previous,
      deploymentId,
      createdAtMs: START_MS,
      change,
    };
    const bytes = entryBytes(body);
    const signatures = (['alice', 'bob'] as const).map((id) => ({
      credentialId: `${id}-piv`,
      signature: p256(this.officers[id].key, bytes),
    }));
    return { body, signatures };
  }

  /** Adds an entry to the log as the signer has it. */
  amend(change: Change): void {
    const last = this.entries.at(-1);
    if (!last) throw new Fault('fixture', 'a log has a genesis');
    this.entries.push(this.signedEntry(change, this.entries.length, entryHash(last.body), this.deploymentId));
  }

  /** A governor's word that the newest entry is the newest. */
  head(of: OfficerId, createdAtMs = START_MS): SignedHead {
    const last = this.entries.at(-1);
    if (!last) throw new Fault('fixture', 'a log has a genesis');
    const statement: HeadStatement = {
      type: HEAD_TYPE,
      deploymentId: this.deploymentId,
      sequence: this.entries.length - 1,
      head: entryHash(last.body),
      createdAtMs,
    };
    return {
      statement,
      credentialId: `${of}-piv`,
      signature: p256(this.officers[of].key, headBytes(statement)),
    };
  }

  /** One officer's signature over an entry, for those that are gathered one by one. */
  signatureOver(of: OfficerId, body: EntryBody): EntrySignature {
    return { credentialId: `${of}-piv`, signature: p256(this.officers[of].key, entryBytes(body)) };
  }

  /** The policies of genesis with one text in their lines changed; the new one may hold more lines. */
  policiesWith(from: string, to: string): Change {
    const genesis = this.entries[0]?.body.change;
    if (genesis?.kind !== 'genesis') throw new Fault('fixture', 'a log has a genesis');
    const policies = genesis.policies.map((document) => ({
      ...document,
      lines: document.lines.flatMap((line) => line.replace(from, to).split('\n')),
    }));
    return { kind: 'policies-set', policies };
  }

  request(amount: string, changes: Partial<RequestStatement> = {}): SignedRequest {
    this.requests += 1;
    const statement: RequestStatement = {
      type: REQUEST_TYPE,
      deploymentId: this.deploymentId,
      requestId: `w-${this.requests}`,
      keyId: 'backend',
      kind: 'withdrawal',
      chain: ETHEREUM,
      wallet: 'hot-eth',
      asset: { kind: 'native', symbol: 'ETH', decimals: 18 },
      amount,
      destination: DESTINATION,
      feeCeiling: '1000000000000000',
      requester: 'exchange',
      customer: 'customer-1',
      createdAtMs: START_MS,
      expiresAtMs: START_MS + 24 * HOUR_MS,
      ...changes,
    };
    return this.signed(statement);
  }

  bitcoinRequest(amount: string, changes: Partial<RequestStatement> = {}): SignedRequest {
    return this.request(amount, {
      chain: BITCOIN,
      wallet: 'hot-btc',
      asset: { kind: 'native', symbol: 'BTC', decimals: 8 },
      destination: BITCOIN_DESTINATION,
      feeCeiling: '50000',
      ...changes,
    });
  }

  signed(statement: RequestStatement, key: KeyObject = this.key): SignedRequest {
    return { statement, signature: sign(null, requestBytes(statement), key).toString('hex') };
  }

  /** A request with the signature of a key that nobody registered. */
  foreign(request: SignedRequest): SignedRequest {
    return this.signed(request.statement, backendKey('somebody else'));
  }

  /** The signer's void of a request. */
  attested(request: SignedRequest, journalSequence: number): AttestedVoid {
    const digest = requestDigest(request.statement);
    const statement: VoidStatement = {
      type: VOID_TYPE,
      deploymentId: this.deploymentId,
      transferId: transferIdOf(digest),
      requestId: request.statement.requestId,
      requestDigest: digest,
      basis: 'never-signed',
      journalSequence,
      journalHash: this.deploymentId,
      voidedAtMs: START_MS,
    };
    return { statement, signature: p256(this.vouching.key, voidBytes(statement)) };
  }

  verdict(
    of: OfficerId,
    statement: TransferStatement,
    verdict: Verdict = 'approve',
    before: readonly Approval[] = [],
  ): Approval {
    const follows = before.map((one) => givenApprovalDigest(one, statement)).sort();
    const signature = p256(this.officers[of].key, approvalBytes(verdict, statement, follows));
    return { credentialId: `${of}-piv`, verdict, signature, ...(follows.length > 0 && { follows }) };
  }
}
