// The state that a governance log replays to, and the questions that programs ask of it. It changes only by replay.

import type {
  AttestationKey,
  AuditLog,
  Chain,
  Credential,
  Erc20Token,
  FactKey,
  FactRule,
  FreezeScope,
  Person,
  PolicyDocument,
  QuorumRule,
  RequestKey,
  Wallet,
} from './entry.js';

export type QuorumRefusalCode =
  | 'governance-signature-invalid'
  | 'governance-signer-unknown'
  | 'governance-signer-duplicate'
  | 'governance-quorum-missing';

export type GovernanceRefusalCode =
  | 'governance-entry-malformed'
  | 'governance-not-genesis'
  | 'governance-other-deployment'
  | 'governance-sequence'
  | 'governance-previous-mismatch'
  | 'governance-head-missing'
  | QuorumRefusalCode
  | 'governance-change-invalid';

/** What is not signed any more until a quorum thaws it. */
export interface Freeze {
  readonly scope: FreezeScope;
  readonly why: string;
  /** Of the entry that froze it. */
  readonly sequence: number;
}

export interface GovernanceState {
  /** Hash of genesis. */
  readonly deploymentId: string;
  /** Sequence and hash of the newest entry. */
  readonly sequence: number;
  readonly head: string;
  /** Hashes of all entries, genesis first: what an older statement may still name. */
  readonly history: readonly string[];
  readonly persons: ReadonlyMap<string, Person>;
  /** Members by group. */
  readonly groups: ReadonlyMap<string, readonly string[]>;
  readonly quorum: QuorumRule;
  /** Fixed in genesis. */
  readonly attestation: AttestationKey;
  /** Undefined until an entry names it. */
  readonly auditLog: AuditLog | undefined;
  readonly requestKeys: ReadonlyMap<string, RequestKey>;
  /** Every request key that ever was one, the present ones included: what a removed key asked for can still be voided. */
  readonly everRequestKeys: ReadonlyMap<string, RequestKey>;
  readonly factKeys: ReadonlyMap<string, FactKey>;
  /** By kind of fact; what holds for the others is in facts/verify.ts. */
  readonly factRules: ReadonlyMap<string, FactRule>;
  readonly chains: ReadonlyMap<string, Chain>;
  readonly wallets: ReadonlyMap<string, Wallet>;
  /** By `tokenKey(chain, contract)`. */
  readonly tokens: ReadonlyMap<string, Erc20Token>;
  readonly policies: readonly PolicyDocument[];
  readonly policyHash: string;
  /** By `scopeKey(scope)`. */
  readonly frozen: ReadonlyMap<string, Freeze>;
  /**
   * Every person, credential, request key and public key that was ever registered (`person:`, `id:`, `request:`,
   * `fact:`, `key:`).
   * None of them is ever given to someone else later.
   */
  readonly everRegistered: ReadonlySet<string>;
}

export function tokenKey(chain: string, contract: string): string {
  return `${chain}/${contract.toLowerCase()}`;
}

/** No wallet's id has a slash. */
export function scopeKey(scope: FreezeScope): string {
  return scope.kind === 'everything' ? 'everything' : `wallet/${scope.walletId}`;
}

/** Why nothing is signed for a wallet; undefined when it is not frozen. The widest freeze is named. */
export function freezeOf({ frozen }: Pick<GovernanceState, 'frozen'>, walletId: string): Freeze | undefined {
  return frozen.get(scopeKey({ kind: 'everything' })) ?? frozen.get(scopeKey({ kind: 'wallet', walletId }));
}

/** The person and credential behind a credential id, as the roster stands now. */
export function holderOf(
  state: GovernanceState,
  credentialId: string,
): { readonly person: Person; readonly credential: Credential } | undefined {
  for (const person of state.persons.values()) {
    const credential = person.credentials.find((candidate) => candidate.credentialId === credentialId);
    if (credential) return { person, credential };
  }
  return undefined;
}
