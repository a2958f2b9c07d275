// Conditions that list names: `destination-in`, `requester-in` and their like. One of the names has to be the transfer's.

import { z } from 'zod';
import { tier } from '../../governance/entry.js';
import { chainId, transferKind } from '../../statements/fields.js';
import { EMPTY, names as identifiers } from '../document-fields.js';
import { distinct, malformed, type Page } from '../page.js';
import { perhaps } from '../suggestions.js';
import type { PlainCondition } from '../types.js';
import { spelledAddress } from './addresses.js';
import type { ConditionKind, Place } from './kind.js';

type Names = Extract<PlainCondition, { readonly names: ReadonlySet<string> }>;
type NamesKind = Names['kind'];

/** At most this many names of a list are told. */
const NAMES_TOLD = 3;

function list(names: Iterable<string>): string {
  const all = [...names];
  const more = all.length - NAMES_TOLD;
  return `${all.slice(0, NAMES_TOLD).join(', ')}${more > 0 ? ` and ${more} more` : ''}`;
}

function isWithin(names: ReadonlySet<string>, others: ReadonlySet<string>): boolean {
  return [...names].every((name) => others.has(name));
}

function areApart(names: ReadonlySet<string>, others: ReadonlySet<string>): boolean {
  return ![...names].some((name) => others.has(name));
}

/** The same for each of them: its words, and what follows from another list of its kind. */
export function listing(
  kind: NamesKind,
  /** All names that there are; absent where anything could be one. */
  all?: readonly string[],
): Pick<ConditionKind<NamesKind>, 'words' | 'followsFrom' | 'otherwise' | 'excludes'> {
  return {
    words: ({ names }) => list(names),
    followsFrom: ({ names }, given) =>
      given.kind === kind && 'names' in given && isWithin(given.names, names),
    otherwise: ({ names }, known) => {
      const before = known.findLast((one): one is Names => one.kind === kind);
      const possible = before?.names ?? all;
      if (!possible) return undefined;
      const left = new Set([...possible].filter((name) => !names.has(name)));
      return left.size > 0 ? { kind, names: left } : 'never';
    },
    excludes: ({ names }, other) => other.kind === kind && 'names' in other && areApart(names, other.names),
  };
}

export function listed(written: readonly string[], { page, path }: Place): ReadonlySet<string> {
  distinct(page, path, written);
  return new Set(written);
}

/** Of names that the document's wallets have: another one could never match. */
function known(
  written: readonly string[],
  place: Place,
  nameOf: (wallet: Page['wallets'][number]) => string,
  what: string,
): ReadonlySet<string> {
  const names = listed(written, place);
  const { page, path } = place;
  const owned = new Set(page.wallets.map(nameOf));
  written.forEach((name, index) => {
    if (!owned.has(name)) malformed(page, [...path, index], `${what} of this document: ${name}`);
  });
  return names;
}

/** Owners of request keys, who alone can ask, and persons: whoever was one of them once may stay in the text. */
function requesters(written: readonly string[], place: Place): ReadonlySet<string> {
  const { page, path } = place;
  const { everRegistered, everRequestKeys, persons } = page.context;
  const owners = new Set([...everRequestKeys.values()].flatMap((key) => key.owners));
  written.forEach((name, index) => {
    if (owners.has(name) || everRegistered.has(`person:${name}`)) return;
    const near = perhaps(name, [...owners, ...persons.keys()]);
    malformed(page, [...path, index], `no request key was ever owned by ${name}${near}`);
  });
  return listed(written, place);
}

/** Each with its own place. */
function spelledDestinations(addresses: readonly string[], place: Place): readonly string[] {
  return addresses.map((address, index) =>
    spelledAddress(address, { ...place, path: [...place.path, index] }),
  );
}

export const destinationIn: ConditionKind<'destination-in'> = {
  ...listing('destination-in'),
  schema: z
    .array(z.string().regex(/^[A-Za-z0-9]{14,90}$/, 'not an address'))
    .min(1, EMPTY)
    .max(1_000),
  read: (written, place) => ({
    kind: 'destination-in',
    names: listed(spelledDestinations(written, place), place),
  }),
  holds: ({ names }, { destination }) => names.has(destination),
};

export const requesterIn: ConditionKind<'requester-in'> = {
  ...listing('requester-in'),
  schema: identifiers,
  read: (written, place) => ({ kind: 'requester-in', names: requesters(written, place) }),
  holds: ({ names }, { requester }) => names.has(requester),
};

export const customerIn: ConditionKind<'customer-in'> = {
  ...listing('customer-in'),
  schema: identifiers,
  read: (written, place) => ({ kind: 'customer-in', names: listed(written, place) }),
  holds: ({ names }, { customer }) => names.has(customer),
};

export const walletIn: ConditionKind<'wallet-in'> = {
  ...listing('wallet-in'),
  schema: identifiers,
  read: (written, place) => ({
    kind: 'wallet-in',
    names: known(written, place, ({ walletId }) => walletId, 'no wallet'),
  }),
  holds: ({ names }, { wallet }) => names.has(wallet),
};

export const tierIn: ConditionKind<'tier-in'> = {
  ...listing('tier-in', tier.options),
  schema: z.array(tier).min(1, EMPTY).max(5),
  read: (written, place) => ({
    kind: 'tier-in',
    names: known(written, place, (wallet) => wallet.tier, 'the tier of no wallet'),
  }),
  holds: ({ names }, situation) => names.has(situation.tier),
};

/** The one chain on which a condition can hold. */
function chainOf(condition: PlainCondition): string | undefined {
  if ('asset' in condition) return condition.asset.chain;
  return condition.kind === 'fee-at-most' ? condition.coin.chain : undefined;
}

const plainChainIn = listing('chain-in');
export const chainIn: ConditionKind<'chain-in'> = {
  ...plainChainIn,
  schema: z.array(chainId).min(1, EMPTY).max(16),
  read: (written, place) => ({
    kind: 'chain-in',
    names: known(written, place, (wallet) => wallet.chain, 'the chain of no wallet'),
  }),
  holds: ({ names }, { chain }) => names.has(chain),
  followsFrom: (condition, given) => {
    const only = chainOf(given);
    return only === undefined ? plainChainIn.followsFrom(condition, given) : condition.names.has(only);
  },
  excludes: (condition, other) => {
    const only = chainOf(other);
    return only === undefined ? plainChainIn.excludes(condition, other) : !condition.names.has(only);
  },
};

export const kindIn: ConditionKind<'kind-in'> = {
  ...listing('kind-in', transferKind.options),
  schema: z
    .array(z.enum(transferKind.options, `a kind is one of ${transferKind.options.join(', ')}`))
    .min(1, EMPTY),
  read: (written, place) => ({ kind: 'kind-in', names: listed(written, place) }),
  holds: ({ names }, { kind }) => names.has(kind),
};

export const toOwnTierIn: ConditionKind<'to-own-tier-in'> = {
  ...listing('to-own-tier-in'),
  asks: 'own-addresses',
  schema: z.array(tier).min(1, EMPTY).max(5),
  read: (written, place) => ({ kind: 'to-own-tier-in', names: listed(written, place) }),
  holds: ({ names }, { toTier }) => toTier !== undefined && names.has(toTier),
};
