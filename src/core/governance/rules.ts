// What holds in every state, whatever entry led to it: no quorum that cannot be reached, no key that verifies nothing, no
// policy or wallet that refers to what is not there.

import { ed25519 } from '@noble/curves/ed25519.js';
import { p256 } from '@noble/curves/nist.js';
import { hexToBytes } from '@noble/hashes/utils.js';
import { isPointCompressed } from 'tiny-secp256k1';
import { currency } from '../facts/fact.js';
import { accepted, type Outcome, refused } from '../fault.js';
import { ethereumAddress } from '../intents/ethereum/address.js';
import { isReachable } from '../policy/approvals.js';
import { parsePolicies } from '../policy/parse.js';
import type { ApprovalRequirement } from '../policy/types.js';
import { type ClassesOf, sumOf } from './credential-class.js';
import type { Credential, QuorumRule } from './entry.js';
import { unreachableRule } from './orphans.js';
import { safuFlaw } from './safu.js';
import { classesHeld, type GovernanceRefusalCode, type GovernanceState } from './state.js';

export type Result = Outcome<GovernanceState, GovernanceRefusalCode>;

export function invalid(why: string, about = ''): Result {
  return refused('governance-change-invalid', { why, about });
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

function isKeyOf({ credentialClass, publicKey }: Credential): boolean {
  return credentialClass === 'device-display'
    ? isPointCompressed(hexToBytes(publicKey))
    : isP256Point(publicKey);
}

/** A browser lets a site use the passkeys of its own domain and of those above it, and of no other. */
function isUsable(credential: Credential): boolean {
  if (credential.credentialClass !== 'passkey') return true;
  const { rpId, origin } = credential;
  const domain = origin.slice('https://'.length).replace(/:[0-9]+$/, '');
  return domain === rpId || domain.endsWith(`.${rpId}`);
}

/** Are there members enough who hold what a quorum asks for, each of them signing with one credential? */
function canSignWith(wanted: ApprovalRequirement, { groups }: GovernanceState, held: ClassesOf): boolean {
  const members = new Set(groups.get(wanted.group) ?? []);
  return sumOf(wanted.with) <= wanted.quorum && isReachable([wanted], members, groups, new Set(), held);
}

/** Of the whole curve's prime order: with a point of small order, signatures of nobody verify. */
export function isEd25519Key(publicKey: string): boolean {
  try {
    const point = ed25519.Point.fromHex(publicKey);
    return point.isTorsionFree() && !point.is0();
  } catch {
    // As for P-256.
    return false;
  }
}

/** Who waits must be stopped by fewer than who let it wait, and somebody must be left to activate it. */
function waitingFlaw({ groups, quorum, safu, timelock }: GovernanceState): string | undefined {
  const { veto, whitelistMs, policyMs } = timelock;
  if (whitelistMs === 0 && policyMs === 0) return undefined;
  if (quorum.threshold > 1 && veto.threshold >= quorum.threshold) return 'a veto takes as many as a change';
  const vetoers = groups.get(veto.group) ?? [];
  if (!canActivate(groups.get(quorum.group) ?? [], quorum, vetoers)) {
    return 'nobody who may activate is left when the quorum has signed';
  }
  // Custodians are in no other group: of any other one, nobody signs as one of them.
  return safu?.group === veto.group && vetoers.length <= safu.threshold
    ? "nobody who may activate is left when SAFU's quorum has signed"
    : undefined;
}

function canActivate(
  governors: readonly string[],
  { threshold }: QuorumRule,
  vetoers: readonly string[],
): boolean {
  return governors.length > threshold
    ? vetoers.length > 0
    : vetoers.some((person) => !governors.includes(person));
}

/** The rules that hold in every state, whatever entry led to it. */
export function checked(state: GovernanceState): Result {
  for (const [groupId, members] of state.groups) {
    if (new Set(members).size !== members.length) return invalid('a group names somebody twice', groupId);
    const stranger = members.find((member) => !state.persons.has(member));
    if (stranger !== undefined) return invalid('a group names somebody who is not in the roster', stranger);
  }
  for (const person of state.persons.values()) {
    const stray = person.credentials.find((one) => !isKeyOf(one));
    if (stray)
      return invalid('a credential has a public key that is no point of its curve', stray.credentialId);
    const elsewhere = person.credentials.find((one) => !isUsable(one));
    if (elsewhere)
      return invalid('a passkey is for an origin that is not of its relying party', elsewhere.credentialId);
  }
  if (!isP256Point(state.attestation.publicKey))
    return invalid('the attestation key is no point of P-256', state.attestation.label);
  const quorums = [state.quorum, state.timelock.veto, ...(state.safu ? [state.safu] : [])];
  const held = classesHeld(state);
  for (const { group, threshold, with: asked } of quorums) {
    const members = state.groups.get(group);
    if (!members) return invalid('the quorum names a group that does not exist', group);
    if (members.length < threshold) return invalid('the quorum could never be reached', group);
    if (asked && !canSignWith({ group, quorum: threshold, with: asked }, state, held))
      return invalid(
        'the quorum could never be reached with the classes of credentials that it asks for',
        group,
      );
  }
  const waiting = waitingFlaw(state);
  if (waiting !== undefined) return invalid(waiting, state.timelock.veto.group);
  for (const { delegationId, group, from, to, startsAtMs, endsAtMs } of state.delegations.values()) {
    if (startsAtMs >= endsAtMs) return invalid('a delegation ends before it begins', delegationId);
    // Whoever has left the roster delegates nothing, and stands in for nobody: their delegations lie idle.
    if (from === to || !state.groups.has(group)) return invalid('a delegation of nothing', delegationId);
  }
  const safu = safuFlaw(state);
  if (safu !== undefined) return invalid(safu.why, safu.about);
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
