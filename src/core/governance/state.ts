// The state that a governance log replays to, and the questions that programs ask of it. It changes only by replay.

import type { Vouching } from './attestation-key.js';
import type { Groups } from '../policy/approvals.js';
import type { ClassesOf } from './credential-class.js';
import type {
  AssetBands,
  AttestationKey,
  AuditLog,
  Chain,
  Change,
  Credential,
  Delegation,
  Erc20Token,
  FactKey,
  FactRule,
  FreezeKey,
  FreezeScope,
  Person,
  PolicyDocument,
  QuorumRule,
  RequestKey,
  Tier,
  Timelock,
  Wallet,
  WhitelistEntry,
} from './entry.js';
import type { LastVeto } from './last-veto.js';

export type QuorumRefusalCode =
  | 'governance-signature-invalid'
  | 'governance-signer-unknown'
  | 'governance-signer-duplicate'
  | 'governance-quorum-missing'
  | 'governance-class-missing';

export type GovernanceRefusalCode =
  | 'governance-entry-malformed'
  | 'governance-not-genesis'
  | 'governance-other-deployment'
  | 'governance-sequence'
  | 'governance-previous-mismatch'
  | 'governance-head-missing'
  | QuorumRefusalCode
  | 'governance-change-invalid'
  | 'governance-not-pending'
  | 'governance-timelock'
  | 'governance-pending-stale'
  | 'governance-activator-proposed';

/** What is not signed any more until a quorum thaws it. */
export interface Freeze {
  readonly scope: FreezeScope;
  readonly why: string;
  /** Of the entry that froze it. */
  readonly sequence: number;
}

/** A wallet that pays nobody any more but the one that follows it. */
export interface Retirement {
  readonly walletId: string;
  readonly successor: string;
  /** Of the entry since which it is so. */
  readonly sequence: number;
}

/** The persons who signed something, each with the credential that they signed it with. */
export type Signers = ReadonlyMap<string, Pick<Credential, 'credentialId' | 'credentialClass'>>;

/** An entry that loosens and waits: it does nothing until it is activated. */
export interface PendingEntry {
  readonly hash: string;
  readonly sequence: number;
  readonly createdAtMs: number;
  /** How long the signer has to have run since it accepted the entry. */
  readonly delayMs: number;
  readonly change: Change;
  /** Who signed it. */
  readonly signers: Signers;
}

export interface Whitelisted extends WhitelistEntry {
  /** Of the entry since which it acts: the activation, where it waited. */
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
  /** Undefined where no wallet is SAFU's. */
  readonly safu: QuorumRule | undefined;
  readonly timelock: Timelock;
  /** Entries that wait, by their hash, oldest first. */
  readonly pending: ReadonlyMap<string, PendingEntry>;
  /** Of who may still veto and do nothing else, by the credential that was taken from them. */
  readonly lastVetoes: ReadonlyMap<string, LastVeto>;
  /** By id. */
  readonly whitelist: ReadonlyMap<string, Whitelisted>;
  readonly delegations: ReadonlyMap<string, Delegation>;
  readonly freezeKeys: ReadonlyMap<string, FreezeKey>;
  /** The newest time that a quorum has said, and the entry that says it. */
  readonly timeSet: { readonly timeMs: number; readonly sequence: number } | undefined;
  /** The one in force. */
  readonly attestation: AttestationKey;
  /** Every key that was ever in force, the present one last; which one when says attestation-key.ts. */
  readonly attestations: readonly Vouching[];
  /** Undefined until an entry names it. */
  readonly auditLog: AuditLog | undefined;
  /** Every log and key that was ever in force, the present one last. A log under an earlier origin is closed for good. */
  readonly auditLogs: readonly AuditLog[];
  readonly requestKeys: ReadonlyMap<string, RequestKey>;
  /** Every request key that ever was one, the present ones included: what a removed key asked for can still be voided. */
  readonly everRequestKeys: ReadonlyMap<string, RequestKey>;
  readonly factKeys: ReadonlyMap<string, FactKey>;
  /** By kind of fact; what holds for the others is in facts/verify.ts. */
  readonly factRules: ReadonlyMap<string, FactRule>;
  readonly chains: ReadonlyMap<string, Chain>;
  readonly wallets: ReadonlyMap<string, Wallet>;
  /** By the id of the wallet that is retired. None comes back. */
  readonly retired: ReadonlyMap<string, Retirement>;
  /** By `tokenKey(chain, contract)`. */
  readonly tokens: ReadonlyMap<string, Erc20Token>;
  /** By `tokenKey(chain, contract)`; bandsOf (bands.ts) says which of them hold. */
  readonly bands: ReadonlyMap<string, AssetBands>;
  readonly policies: readonly PolicyDocument[];
  readonly policyHash: string;
  /** Of the entry since which they are in force, also where the same ones were before. */
  readonly policiesSince: number;
  /** By `scopeKey(scope)`. */
  readonly frozen: ReadonlyMap<string, Freeze>;
  /**
   * Every person, credential, request key and public key that was ever registered (`person:`, `id:`, `request:`,
   * `fact:`, `key:`).
   * None of them is ever given to someone else later.
   */
  readonly everRegistered: ReadonlySet<string>;
}

/** An address in its one spelling: whatever case an Ethereum address is written in, it is the same. */
export function addressKey(chain: string, address: string): string {
  return `${chain}/${chain.startsWith('eip155:') ? address.toLowerCase() : address}`;
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

/** The wallet that a retired one pays: of those that follow it, the one that is not retired itself. */
export function successorOf({ retired }: Pick<GovernanceState, 'retired'>, walletId: string): string {
  let last = walletId;
  // No wallet follows a retired one, so this ends.
  for (let next = retired.get(last); next; next = retired.get(last)) last = next.successor;
  return last;
}

/**
 * Members by group at a time: who lends their place to somebody of the roster does not count for it meanwhile, who stands in does.
 * From what keeps a group out, both are kept out: duties that are apart do not come together by a holiday. What approves transfers
 * is counted by this; governance itself is not, since its replay knows no time.
 */
export function groupsAt(
  { groups, delegations, persons }: Pick<GovernanceState, 'groups' | 'delegations' | 'persons'>,
  nowMs: number,
): Groups {
  const living = [...delegations.values()].filter(
    ({ startsAtMs, endsAtMs, to }) => startsAtMs <= nowMs && nowMs < endsAtMs && persons.has(to),
  );
  if (living.length === 0) return groups;
  const then = new Map(groups);
  for (const { group, from, to } of living) {
    const members = then.get(group) ?? [];
    if (members.includes(to)) continue;
    then.set(
      group,
      members.map((member) => (member === from ? to : member)),
    );
  }
  const keptOut = (group: string) => [...new Set([...(groups.get(group) ?? []), ...(then.get(group) ?? [])])];
  return { get: (group) => then.get(group), has: (group) => then.has(group), keptOut };
}

/** Members by group, and with them whoever stands, stood or will stand in for one of them. */
export function groupsEver({
  groups,
  delegations,
}: Pick<GovernanceState, 'groups' | 'delegations'>): ReadonlyMap<string, readonly string[]> {
  const all = new Map(groups);
  for (const { group, to } of delegations.values()) all.set(group, [...(all.get(group) ?? []), to]);
  return all;
}

/** Put together once for each list: transfers ask for one address of many. */
const places = new WeakMap<GovernanceState['whitelist'], ReadonlyMap<string, Whitelisted>>();

/** Whitelist entries by `addressKey(chain, address)`; no address stands there twice. */
export function placesOf(whitelist: GovernanceState['whitelist']): ReadonlyMap<string, Whitelisted> {
  const known = places.get(whitelist);
  if (known) return known;
  const found = new Map(
    [...whitelist.values()].map((entry) => [addressKey(entry.chain, entry.address), entry]),
  );
  places.set(whitelist, found);
  return found;
}

/** The whitelist entry of an address that wallets of a tier may use at a time. */
export function whitelistedAt(
  { whitelist }: Pick<GovernanceState, 'whitelist'>,
  { chain, address, tier }: { readonly chain: string; readonly address: string; readonly tier: Tier },
  nowMs: number,
): Whitelisted | undefined {
  const entry = placesOf(whitelist).get(addressKey(chain, address));
  return entry?.tiers.includes(tier) && (entry.endsAtMs === undefined || nowMs < entry.endsAtMs)
    ? entry
    : undefined;
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

/** Of which classes the credentials of each person are; of these credentials alone, where some are given. */
export function classesHeld(
  { persons }: Pick<GovernanceState, 'persons'>,
  credentialIds?: readonly string[],
): ClassesOf {
  return new Map(
    [...persons.values()].map(({ personId, credentials }) => {
      const those = credentials.filter(({ credentialId }) => credentialIds?.includes(credentialId) ?? true);
      return [personId, new Set(those.map(({ credentialClass }) => credentialClass))];
    }),
  );
}
