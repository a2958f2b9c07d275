// What each kind of governance entry does to the state, and what no entry may do: leave a quorum that cannot be reached,
// give one key to two people, or let a policy or wallet refer to what is not there. More of that is in orphans.ts.

import { ed25519 } from '@noble/curves/ed25519.js';
import { p256 } from '@noble/curves/nist.js';
import { hexToBytes } from '@noble/hashes/utils.js';
import { isPointCompressed } from 'tiny-secp256k1';
import type { z } from 'zod';
import { currency } from '../facts/fact.js';
import { accepted, type Outcome, refused } from '../fault.js';
import { ethereumAddress } from '../intents/ethereum/address.js';
import { parsePolicies } from '../policy/parse.js';
import {
  type Change,
  type genesisChange,
  type Person,
  policyHashOf,
  type RequestKey,
  type Wallet,
} from './entry.js';
import { soleGovernor, unreachableRule } from './orphans.js';
import { type GovernanceRefusalCode, type GovernanceState, scopeKey, tokenKey } from './state.js';

type Result = Outcome<GovernanceState, GovernanceRefusalCode>;

function invalid(why: string, about = ''): Result {
  return refused('governance-change-invalid', { why, about });
}

function keyed<T>(items: readonly T[], key: (item: T) => string): Map<string, T> | undefined {
  const map = new Map(items.map((item) => [key(item), item]));
  return map.size === items.length ? map : undefined;
}

function marksOfPerson(person: Person): string[] {
  const credentials = person.credentials.flatMap((one) => [`id:${one.credentialId}`, `key:${one.publicKey}`]);
  return [`person:${person.personId}`, ...credentials];
}

function marksOfRequestKey(key: RequestKey): string[] {
  return [`request:${key.keyId}`, `key:${key.publicKey}`];
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

/** A symbol that two assets of one chain share, in whatever case: officers would take one for the other. */
function sharedSymbol(state: GovernanceState): string | undefined {
  const coins = [...state.chains.values()].map(({ chain, coin }) => `${chain}/${coin.symbol}`);
  const tokens = [...state.tokens.values()].map(({ chain, symbol }) => `${chain}/${symbol}`);
  const symbols = [...coins, ...tokens].map((symbol) => symbol.toLowerCase());
  return symbols.find((symbol, index) => symbols.indexOf(symbol) !== index);
}

/** A symbol that reads like a currency: `1 USD` in a policy would be one or the other. */
function currencySymbol(state: GovernanceState): string | undefined {
  const symbols = [
    ...[...state.chains.values()].map(({ coin }) => coin.symbol),
    ...[...state.tokens.values()].map(({ symbol }) => symbol),
  ];
  return symbols.find((symbol) => currency.safeParse(symbol.toUpperCase()).success);
}

/** A key that is no point verifies nothing: whoever holds it would count for a quorum and could never sign. */
function isP256Point(publicKey: string): boolean {
  try {
    p256.Point.fromHex(publicKey).assertValidity();
    return true;
  } catch {
    // The library throws for whatever is no point; which of its reasons it was changes nothing.
    return false;
  }
}

/** Of the whole curve's prime order: with a point of small order, signatures of nobody verify. */
function isEd25519Key(publicKey: string): boolean {
  try {
    const point = ed25519.Point.fromHex(publicKey);
    return point.isTorsionFree() && !point.is0();
  } catch {
    // As for P-256.
    return false;
  }
}

/** The rules that hold in every state, whatever entry led to it. */
function checked(state: GovernanceState): Result {
  for (const [groupId, members] of state.groups) {
    if (new Set(members).size !== members.length) return invalid('a group names somebody twice', groupId);
    const stranger = members.find((member) => !state.persons.has(member));
    if (stranger !== undefined) return invalid('a group names somebody who is not in the roster', stranger);
  }
  for (const person of state.persons.values()) {
    const stray = person.credentials.find(({ publicKey }) => !isP256Point(publicKey));
    if (stray) return invalid('a credential has a public key that is no point of P-256', stray.credentialId);
  }
  if (!isP256Point(state.attestation.publicKey))
    return invalid('the attestation key is no point of P-256', state.attestation.label);
  const governors = state.groups.get(state.quorum.group);
  if (!governors) return invalid('the quorum names a group that does not exist', state.quorum.group);
  if (governors.length < state.quorum.threshold)
    return invalid('the quorum could never be reached', state.quorum.group);
  for (const wallet of state.wallets.values()) {
    const chain = state.chains.get(wallet.chain);
    if (!chain) return invalid('a wallet is on a chain that is not registered', wallet.walletId);
    if (chain.family === 'ethereum' && wallet.keys.length !== 1) {
      return invalid('an Ethereum wallet has exactly one key', wallet.walletId);
    }
    if (!wallet.keys.every((key) => isPointCompressed(hexToBytes(key.publicKey)))) {
      return invalid('a wallet names a public key that is no point of secp256k1', wallet.walletId);
    }
  }
  for (const token of state.tokens.values()) {
    if (state.chains.get(token.chain)?.family !== 'ethereum') {
      return invalid('a token is on a chain that is not a registered Ethereum chain', token.contract);
    }
    if (ethereumAddress(token.contract).kind === 'refused') {
      return invalid('a token contract is not written with its checksum (EIP-55)', token.contract);
    }
  }
  const twin = sharedSymbol(state);
  if (twin !== undefined) return invalid('two assets of a chain have one symbol', twin);
  const money = currencySymbol(state);
  if (money !== undefined) return invalid('an asset has the symbol of a currency', money);
  const policies = parsePolicies(state.policies, state);
  if (policies.kind === 'refused') {
    const { document, line, column, why } = policies.facts;
    return invalid('a policy is not valid', `${document}:${line}:${column}: ${why}`);
  }
  const orphan = unreachableRule(state, policies.value);
  return orphan ? invalid(orphan.why, orphan.about) : accepted(state);
}

export function genesisState(genesis: z.infer<typeof genesisChange>, hash: string): Result {
  const persons = keyed(genesis.persons, (person) => person.personId);
  const groups = keyed(genesis.groups, (group) => group.groupId);
  const requestKeys = keyed(genesis.requestKeys, (key) => key.keyId);
  const chains = keyed(genesis.chains, (chain) => chain.chain);
  const wallets = keyed(genesis.wallets, (wallet) => wallet.walletId);
  const tokens = keyed(genesis.tokens, (token) => tokenKey(token.chain, token.contract));
  if (!persons || !groups || !requestKeys || !chains || !wallets || !tokens)
    return invalid('something is named twice');
  const everRegistered = register(new Set(), [
    ...genesis.persons.flatMap(marksOfPerson),
    ...genesis.requestKeys.flatMap(marksOfRequestKey),
    ...genesis.wallets.flatMap(marksOfWallet),
    `key:${genesis.attestation.publicKey}`,
  ]);
  if (typeof everRegistered === 'string')
    return invalid('a key or credential is registered twice', everRegistered);
  return checked({
    deploymentId: hash,
    sequence: 0,
    head: hash,
    history: [hash],
    persons,
    groups: new Map([...groups].map(([id, group]) => [id, group.members])),
    quorum: genesis.quorum,
    attestation: genesis.attestation,
    auditLog: undefined,
    requestKeys,
    everRequestKeys: requestKeys,
    factKeys: new Map(),
    factRules: new Map(),
    chains,
    wallets,
    tokens,
    policies: genesis.policies,
    policyHash: policyHashOf(genesis.policies),
    frozen: new Map(),
    everRegistered,
  });
}

function without<T>(map: ReadonlyMap<string, T>, key: string): Map<string, T> {
  const rest = new Map(map);
  rest.delete(key);
  return rest;
}

/** The state with one change, before the rules of every state are checked. */
function changed(state: GovernanceState, change: Change): GovernanceState | string {
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
      if (!state.persons.has(change.personId)) return 'no such person';
      const groups = new Map(
        [...state.groups].map(([id, members]) => [
          id,
          members.filter((member) => member !== change.personId),
        ]),
      );
      return { ...state, persons: without(state.persons, change.personId), groups };
    }
    case 'group-set':
      return { ...state, groups: new Map(state.groups).set(change.group.groupId, change.group.members) };
    case 'quorum-set':
      return { ...state, quorum: change.quorum };
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
      if (!isEd25519Key(factKey.publicKey)) return 'the fact key is no point of Ed25519';
      return registering([`fact:${factKey.keyId}`, `key:${factKey.publicKey}`], {
        factKeys: new Map(state.factKeys).set(factKey.keyId, factKey),
      });
    }
    case 'fact-key-removed':
      if (!state.factKeys.has(change.keyId)) return 'no such fact key';
      return { ...state, factKeys: without(state.factKeys, change.keyId) };
    case 'fact-rule-set': {
      const { rule } = change;
      const speaking = [...state.factKeys.values()].filter(({ kinds }) => kinds.includes(rule.kind));
      const sources = new Set(speaking.map(({ source }) => source));
      if (sources.size < rule.agree) return `only ${sources.size} sources state facts of this kind`;
      return { ...state, factRules: new Map(state.factRules).set(rule.kind, rule) };
    }
    case 'wallet-added': {
      if (state.wallets.has(change.wallet.walletId)) return 'this wallet exists already';
      const wallets = new Map(state.wallets).set(change.wallet.walletId, change.wallet);
      return registering(marksOfWallet(change.wallet), { wallets });
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
    case 'policies-set':
      return { ...state, policies: change.policies, policyHash: policyHashOf(change.policies) };
    case 'audit-log-set': {
      const { origin, key } = change.auditLog;
      if (state.auditLog && state.auditLog.origin !== origin)
        return 'the origin of the audit log never changes';
      if (!isEd25519Key(key.publicKey)) return 'the key of the audit log is no point of Ed25519';
      return registering([`key:${key.publicKey}`], { auditLog: change.auditLog });
    }
    case 'frozen': {
      const { scope, why } = change;
      if (scope.kind === 'wallet' && !state.wallets.has(scope.walletId)) return 'no such wallet';
      if (state.frozen.has(scopeKey(scope))) return 'this is frozen already';
      const freeze = { scope, why, sequence: state.sequence + 1 };
      return { ...state, frozen: new Map(state.frozen).set(scopeKey(scope), freeze) };
    }
    case 'thawed':
      if (!state.frozen.has(scopeKey(change.scope))) return 'this is not frozen';
      return { ...state, frozen: without(state.frozen, scopeKey(change.scope)) };
  }
}

/** The state after one more entry whose signatures and place in the log have been verified. */
export function applyChange(state: GovernanceState, change: Change, hash: string): Result {
  const next = changed(state, change);
  if (typeof next === 'string') return invalid(next, change.kind);
  const sole = soleGovernor(state, next);
  if (sole) return invalid(sole.why, sole.about);
  return checked({ ...next, sequence: state.sequence + 1, head: hash, history: [...state.history, hash] });
}
