// What each kind of change does to the state. Whether it may be made, and when, is not asked here: signatures are
// quorum.ts, waiting is apply.ts, what holds in every state is rules.ts.

import type { z } from 'zod';
import { scriptOfAddress } from '../intents/bitcoin/address.js';
import { ethereumAddress } from '../intents/ethereum/address.js';
import { hasProved } from './attestation-key.js';
import { bandsFlaw, withBands } from './bands.js';
import {
  type Change,
  type Credential,
  type genesisChange,
  type Person,
  policyHashOf,
  type FactKey,
  type FactRule,
  type RequestKey,
  type Wallet,
  type WhitelistEntry,
} from './entry.js';
import { lastVetoesOf } from './last-veto.js';
import { soleGovernor, unreachableMeanwhile } from './orphans.js';
import { checked, invalid, isEd25519Key, type Result } from './rules.js';
import { addressKey, type GovernanceState, placesOf, scopeKey, tokenKey } from './state.js';

/** Where an entry stands: its number and its hash. */
export interface LogPlace {
  readonly sequence: number;
  readonly hash: string;
}

/** The same, with one more entry in the log. */
export function moved(state: GovernanceState, { sequence, hash }: LogPlace): GovernanceState {
  return { ...state, sequence, head: hash, history: [...state.history, hash] };
}

function keyed<T>(items: readonly T[], key: (item: T) => string): Map<string, T> | undefined {
  const map = new Map(items.map((item) => [key(item), item]));
  return map.size === items.length ? map : undefined;
}

function marksOfCredential({ credentialId, publicKey }: Credential): string[] {
  return [`id:${credentialId}`, `key:${publicKey}`];
}

function marksOfPerson(person: Person): string[] {
  return [`person:${person.personId}`, ...person.credentials.flatMap(marksOfCredential)];
}

function marksOfRequestKey(key: RequestKey): string[] {
  return [`request:${key.keyId}`, `key:${key.publicKey}`];
}

function marksOfFactKey(key: FactKey): string[] {
  return [`fact:${key.keyId}`, `key:${key.publicKey}`];
}

function factKeyFlaw({ publicKey }: FactKey): string | undefined {
  return isEd25519Key(publicKey) ? undefined : 'the fact key is no point of Ed25519';
}

/** A rule that nobody could meet would hold up whatever needs such facts. */
function factRuleFlaw(factKeys: GovernanceState['factKeys'], { kind, agree }: FactRule): string | undefined {
  const speaking = [...factKeys.values()].filter(({ kinds }) => kinds.includes(kind));
  const sources = new Set(speaking.map(({ source }) => source));
  return sources.size < agree ? `only ${sources.size} sources state facts of this kind` : undefined;
}

function marksOfWallet(wallet: Wallet): string[] {
  return wallet.keys.map((key) => `key:${key.publicKey}`);
}

/** Adds marks, each of which must be new for ever: a removed credential's id or key never comes back as someone else's. */
function register(known: ReadonlySet<string>, marks: readonly string[]): Set<string> | string {
  const all = new Set(known);
  for (const mark of marks) {
    if (all.has(mark)) return mark;
    all.add(mark);
  }
  return all;
}

export function genesisState(genesis: z.infer<typeof genesisChange>, hash: string): Result {
  const persons = keyed(genesis.persons, (person) => person.personId);
  const groups = keyed(genesis.groups, (group) => group.groupId);
  const requestKeys = keyed(genesis.requestKeys, (key) => key.keyId);
  const factKeys = keyed(genesis.factKeys ?? [], (key) => key.keyId);
  const factRules = keyed(genesis.factRules ?? [], (rule) => rule.kind);
  const chains = keyed(genesis.chains, (chain) => chain.chain);
  const wallets = keyed(genesis.wallets, (wallet) => wallet.walletId);
  const tokens = keyed(genesis.tokens, (token) => tokenKey(token.chain, token.contract));
  if (!persons || !groups || !requestKeys || !factKeys || !factRules || !chains || !wallets || !tokens)
    return invalid('something is named twice');
  const ofFacts =
    [...factKeys.values()].flatMap((key) => factKeyFlaw(key) ?? [])[0] ??
    [...factRules.values()].flatMap((rule) => factRuleFlaw(factKeys, rule) ?? [])[0];
  if (ofFacts !== undefined) return invalid(ofFacts, 'genesis');
  const everRegistered = register(new Set(), [
    ...genesis.persons.flatMap(marksOfPerson),
    ...genesis.requestKeys.flatMap(marksOfRequestKey),
    ...[...factKeys.values()].flatMap(marksOfFactKey),
    ...genesis.wallets.flatMap(marksOfWallet),
    `key:${genesis.attestation.publicKey}`,
  ]);
  if (typeof everRegistered === 'string')
    return invalid('a key or credential is registered twice', everRegistered);
  const state: GovernanceState = {
    deploymentId: hash,
    sequence: 0,
    head: hash,
    history: [hash],
    persons,
    groups: new Map([...groups].map(([id, group]) => [id, group.members])),
    quorum: genesis.quorum,
    safu: genesis.safu,
    timelock: genesis.timelock,
    pending: new Map(),
    lastVetoes: new Map(),
    whitelist: new Map(),
    delegations: new Map(),
    freezeKeys: new Map(),
    timeSet: undefined,
    attestation: genesis.attestation,
    attestations: [{ sequence: 0, key: genesis.attestation }],
    auditLog: undefined,
    auditLogs: [],
    requestKeys,
    everRequestKeys: requestKeys,
    factKeys,
    factRules,
    chains,
    wallets,
    retired: new Map(),
    tokens,
    bands: new Map(),
    policies: genesis.policies,
    policyHash: policyHashOf(genesis.policies),
    policiesSince: 0,
    frozen: new Map(),
    everRegistered,
  };
  const valid = checked(state);
  const flaw = valid.kind === 'accepted' ? dispensableFlaw(state) : undefined;
  return flaw === undefined ? valid : invalid(flaw, 'genesis');
}

function without<T>(map: ReadonlyMap<string, T>, key: string): Map<string, T> {
  const rest = new Map(map);
  rest.delete(key);
  return rest;
}

function withCredentials(state: GovernanceState, person: Person, credentials: Person['credentials']) {
  return new Map(state.persons).set(person.personId, { ...person, credentials });
}

/** Once, when it comes: chains are never taken back, and the list may be long. */
function whitelistFlaw(state: GovernanceState, { chain, address }: WhitelistEntry): string | undefined {
  const registered = state.chains.get(chain);
  if (!registered) return 'a whitelist entry is on a chain that is not registered';
  const valid =
    registered.family === 'bitcoin'
      ? scriptOfAddress(address, registered.network).kind === 'accepted'
      : ethereumAddress(address).kind === 'accepted';
  if (!valid) return 'a whitelist entry has no address of its chain';
  return placesOf(state.whitelist).has(addressKey(chain, address))
    ? 'this address is on the whitelist already'
    : undefined;
}

/** What is left in a wallet goes to one of its own kind, which is there and stays: what is held moves no nearer to anybody. */
function retirementFlaw({ wallets, retired }: GovernanceState, walletId: string, successor: string) {
  const [wallet, next] = [wallets.get(walletId), wallets.get(successor)];
  if (!wallet || !next) return 'no such wallet';
  if (retired.has(walletId)) return 'this wallet is retired already';
  if (walletId === successor) return 'a wallet does not follow itself';
  if (retired.has(successor)) return 'the wallet that is to follow is retired itself';
  return wallet.chain === next.chain && wallet.tier === next.tier
    ? undefined
    : 'the wallet that is to follow is on another chain or of another tier';
}

/** It takes away again what vetoes all the same. */
function isEnding(state: GovernanceState, change: Change): boolean {
  return lastVetoesOf(state, change).length > 0;
}

/** The state with one change made by entry `sequence`, before the rules of every state are checked; or why it cannot be made. */
function changed(state: GovernanceState, change: Change, sequence: number): GovernanceState | string {
  const registering = (
    marks: readonly string[],
    rest: Partial<GovernanceState>,
  ): GovernanceState | string => {
    const everRegistered = register(state.everRegistered, marks);
    return typeof everRegistered === 'string'
      ? `registered before: ${everRegistered}`
      : { ...state, ...rest, everRegistered };
  };
  switch (change.kind) {
    case 'genesis':
      return 'genesis stands only at the beginning';
    case 'person-added': {
      if (state.persons.has(change.person.personId)) return 'this person is in the roster already';
      const unknown = change.groups.find((groupId) => !state.groups.has(groupId));
      if (unknown !== undefined) return `no such group: ${unknown}`;
      const groups = new Map(state.groups);
      for (const groupId of change.groups) {
        groups.set(groupId, [...(groups.get(groupId) ?? []), change.person.personId]);
      }
      const persons = new Map(state.persons).set(change.person.personId, change.person);
      return registering(marksOfPerson(change.person), { persons, groups });
    }
    case 'person-removed': {
      if (!state.persons.has(change.personId)) return isEnding(state, change) ? state : 'no such person';
      const groups = new Map(
        [...state.groups].map(([id, members]) => [
          id,
          members.filter((member) => member !== change.personId),
        ]),
      );
      return { ...state, persons: without(state.persons, change.personId), groups };
    }
    case 'credential-added': {
      const person = state.persons.get(change.personId);
      if (!person) return 'no such person';
      const persons = withCredentials(state, person, [...person.credentials, change.credential]);
      return registering(marksOfCredential(change.credential), { persons });
    }
    case 'credential-removed': {
      const isRemoved = ({ credentialId }: Credential) => credentialId === change.credentialId;
      const person = [...state.persons.values()].find(({ credentials }) => credentials.some(isRemoved));
      if (!person) return isEnding(state, change) ? state : 'no such credential';
      const left = person.credentials.filter((one) => !isRemoved(one));
      if (left.length === 0) return 'it is the last credential of this person';
      return { ...state, persons: withCredentials(state, person, left) };
    }
    case 'group-set':
      return { ...state, groups: new Map(state.groups).set(change.group.groupId, change.group.members) };
    case 'quorum-set':
      return { ...state, quorum: change.quorum };
    case 'safu-quorum-set':
      return { ...state, safu: change.quorum };
    case 'timelock-set':
      return { ...state, timelock: change.timelock };
    case 'request-key-added': {
      const { requestKey } = change;
      return registering(marksOfRequestKey(requestKey), {
        requestKeys: new Map(state.requestKeys).set(requestKey.keyId, requestKey),
        everRequestKeys: new Map(state.everRequestKeys).set(requestKey.keyId, requestKey),
      });
    }
    case 'request-key-removed':
      if (!state.requestKeys.has(change.keyId)) return 'no such request key';
      return { ...state, requestKeys: without(state.requestKeys, change.keyId) };
    case 'fact-key-added': {
      const { factKey } = change;
      const flaw = factKeyFlaw(factKey);
      if (flaw !== undefined) return flaw;
      return registering(marksOfFactKey(factKey), {
        factKeys: new Map(state.factKeys).set(factKey.keyId, factKey),
      });
    }
    case 'fact-key-removed':
      if (!state.factKeys.has(change.keyId)) return 'no such fact key';
      return { ...state, factKeys: without(state.factKeys, change.keyId) };
    case 'fact-rule-set': {
      const { rule } = change;
      const flaw = factRuleFlaw(state.factKeys, rule);
      if (flaw !== undefined) return flaw;
      return { ...state, factRules: new Map(state.factRules).set(rule.kind, rule) };
    }
    case 'wallet-added': {
      if (state.wallets.has(change.wallet.walletId)) return 'this wallet exists already';
      const wallets = new Map(state.wallets).set(change.wallet.walletId, change.wallet);
      return registering(marksOfWallet(change.wallet), { wallets });
    }
    case 'wallet-retired': {
      const flaw = retirementFlaw(state, change.walletId, change.successor);
      if (flaw !== undefined) return flaw;
      const { walletId, successor } = change;
      const retired = new Map(state.retired).set(walletId, { walletId, successor, sequence });
      return { ...state, retired };
    }
    case 'attestation-key-set': {
      const { attestation, proof } = change;
      if (!hasProved(state.deploymentId, attestation.publicKey, proof))
        return 'the attestation key has not signed that it is one of this deployment';
      const attestations = [...state.attestations, { sequence, key: attestation }];
      return registering([`key:${attestation.publicKey}`], { attestation, attestations });
    }
    case 'token-added': {
      const key = tokenKey(change.token.chain, change.token.contract);
      if (state.tokens.has(key)) return 'this token is registered already';
      return { ...state, tokens: new Map(state.tokens).set(key, change.token) };
    }
    case 'token-removed': {
      const key = tokenKey(change.chain, change.contract);
      if (!state.tokens.has(key)) return 'no such token';
      return { ...state, tokens: without(state.tokens, key) };
    }
    case 'tier-bands-set':
      return bandsFlaw(state, change.bands) ?? { ...state, bands: withBands(state.bands, change.bands) };
    case 'policies-set':
      return {
        ...state,
        policies: change.policies,
        policyHash: policyHashOf(change.policies),
        policiesSince: sequence,
      };
    case 'audit-log-set': {
      const { origin, key } = change.auditLog;
      const isOther = state.auditLog?.origin !== origin;
      if (isOther && state.auditLogs.some((past) => past.origin === origin))
        return 'the audit log of this origin is closed for good';
      if (!isEd25519Key(key.publicKey)) return 'the key of the audit log is no point of Ed25519';
      const auditLogs = [...state.auditLogs, change.auditLog];
      return registering([`key:${key.publicKey}`], { auditLog: change.auditLog, auditLogs });
    }
    case 'whitelist-added': {
      const { entry } = change;
      if (state.whitelist.has(entry.entryId)) return 'this whitelist entry exists already';
      const flaw = whitelistFlaw(state, entry);
      if (flaw !== undefined) return flaw;
      const whitelist = new Map(state.whitelist).set(entry.entryId, { ...entry, sequence });
      return registering([`whitelist:${entry.entryId}`], { whitelist });
    }
    case 'whitelist-removed':
      if (!state.whitelist.has(change.entryId)) return 'no such whitelist entry';
      return { ...state, whitelist: without(state.whitelist, change.entryId) };
    case 'delegation-added': {
      const { delegation } = change;
      if (state.delegations.has(delegation.delegationId)) return 'this delegation exists already';
      if (!state.persons.has(delegation.to)) return 'a place is lent to somebody who is not in the roster';
      if (!state.groups.get(delegation.group)?.includes(delegation.from))
        return 'a place is lent by somebody who has none in the group';
      const delegations = new Map(state.delegations).set(delegation.delegationId, delegation);
      return { ...state, delegations };
    }
    case 'delegation-removed':
      if (!state.delegations.has(change.delegationId)) return 'no such delegation';
      return { ...state, delegations: without(state.delegations, change.delegationId) };
    case 'freeze-key-added': {
      const { freezeKey } = change;
      if (!isEd25519Key(freezeKey.publicKey)) return 'the freeze key is no point of Ed25519';
      return registering([`id:${freezeKey.keyId}`, `key:${freezeKey.publicKey}`], {
        freezeKeys: new Map(state.freezeKeys).set(freezeKey.keyId, freezeKey),
      });
    }
    case 'freeze-key-removed':
      if (!state.freezeKeys.has(change.keyId)) return 'no such freeze key';
      return { ...state, freezeKeys: without(state.freezeKeys, change.keyId) };
    case 'time-set':
      return { ...state, timeSet: { timeMs: change.timeMs, sequence } };
    case 'activated':
    case 'vetoed':
      return 'an entry that waits is ended by another, and does not wait itself';
    case 'frozen': {
      const { scope, why } = change;
      if (scope.kind === 'wallet' && !state.wallets.has(scope.walletId)) return 'no such wallet';
      if (state.frozen.has(scopeKey(scope))) return 'this is frozen already';
      const freeze = { scope, why, sequence };
      return { ...state, frozen: new Map(state.frozen).set(scopeKey(scope), freeze) };
    }
    case 'thawed':
      if (!state.frozen.has(scopeKey(change.scope))) return 'this is not frozen';
      return { ...state, frozen: without(state.frozen, scopeKey(change.scope)) };
  }
}

/**
 * Whoever alone can veto must be dispensable: else one stolen key stops every change for good, its own holder's removal among
 * them, and with it whatever has to wait to make them so. Asked of what sets who is needed; a removal may lead there, since it
 * must never have to wait. What is wrong, in words; undefined where nothing is.
 */
function dispensableFlaw(state: GovernanceState): string | undefined {
  const { veto, whitelistMs, policyMs } = state.timelock;
  if (veto.threshold > 1 || (whitelistMs === 0 && policyMs === 0)) return undefined;
  const needed = (state.groups.get(veto.group) ?? []).find((personId) => {
    const left = changed(state, { kind: 'person-removed', personId }, state.sequence);
    return typeof left === 'string' || checked(left).kind === 'refused';
  });
  return needed === undefined ? undefined : `${needed} could veto every change and never be removed`;
}

/** Changes of who or what is needed: for a change of governance, for a veto, or for a transfer. */
const SETS_WHO_IS_NEEDED: readonly Change['kind'][] = [
  'group-set',
  'quorum-set',
  'safu-quorum-set',
  'timelock-set',
  'policies-set',
];

/** The state with one more change in force, at its place in the log. Who may make it has been asked. */
export function applyChange(state: GovernanceState, change: Change, at: LogPlace): Result {
  const next = changed(state, change, at.sequence);
  if (typeof next === 'string') return invalid(next, change.kind);
  const sole = soleGovernor(state, next);
  if (sole) return invalid(sole.why, sole.about);
  if (change.kind === 'delegation-added') {
    const orphan = unreachableMeanwhile(state, change.delegation);
    if (orphan) return invalid(orphan.why, orphan.about);
  }
  const valid = checked(moved(next, at));
  if (valid.kind === 'refused' || !SETS_WHO_IS_NEEDED.includes(change.kind)) return valid;
  const flaw = dispensableFlaw(next);
  return flaw === undefined ? valid : invalid(flaw, change.kind);
}
