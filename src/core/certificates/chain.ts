// The chain of reservations that certificates stand for. The signer counts them without a gap, each names the one before, and
// the attestation says how many there were: so a missing certificate shows, and with it a signature that somebody hides. So does
// one that is shown as it was before the signature, since the signer's words beside it are newer. It
// knows only the certificates that it is given, each of which has been verified by itself.

import { accepted, type Outcome, refused } from '../fault.js';
import { canonicalJson } from '../statements/canonical-json.js';
import type { Certificate } from './certificate.js';
import type { Verified } from './verify.js';

export type ChainRefusalCode =
  /** Two reservations have one ordinal: there are two journals. */
  | 'certificate-chain-forked'
  /** A reservation does not follow from the one before it. */
  | 'certificate-chain-broken'
  /** The signer says two things of one reservation that cannot both be true. */
  | 'certificate-chain-contradiction';

/** Ordinals from one to another, both included. */
export interface Ordinals {
  readonly from: number;
  readonly to: number;
}

/** One that was begun, as a word says from before the newest: it may have been signed between the two. */
export interface Outdated {
  readonly ordinal: number;
  /** When the signer attested that it was only begun. */
  readonly begunAtMs: number;
  /** When it attested what is newer here. */
  readonly newestAtMs: number;
}

export interface Chain {
  /** The first and the last one that are here; undefined when there is none. */
  readonly here: Ordinals | undefined;
  /** What is not here, lowest first: between those, and with `whole` also before and behind them. */
  readonly missing: readonly Ordinals[];
  /** What is here in a form that may hide a signature, lowest first. */
  readonly outdated: readonly Outdated[];
  /** Those that were begun, and never signed as far as the newest word goes. */
  readonly begun: readonly number[];
  /** The latest word of the signer on how many there were; undefined when nothing is attested. */
  readonly newest: { readonly ordinal: number; readonly atMs: number } | undefined;
  /** Reservations before it were lost with a store, says the signer. */
  readonly keptFrom: number;
}

/** Whether of one reservation both can be said, the one later than the other. */
function agree(one: Verified, other: Verified): boolean {
  const [a, b] = [one.certificate, other.certificate];
  if (canonicalJson(a.outcome) === canonicalJson(b.outcome)) return true;
  return (
    (timeOf(one) <= timeOf(other) && isBegun(one) && !isBegun(other)) ||
    (timeOf(other) <= timeOf(one) && isBegun(other) && !isBegun(one))
  );
}

function isBegun({ certificate: { outcome } }: Verified): boolean {
  return outcome.kind === 'begun';
}

/** Of two that agree. What was begun may have been signed within the same millisecond. */
function isLater(one: Verified, other: Verified): boolean {
  const [time, others] = [timeOf(one), timeOf(other)];
  return time === others ? isBegun(other) : time > others;
}

/** What is not attested yet was given out with the signature, and stays true. */
function timeOf({ attested }: Verified): number {
  return attested?.attestedAtMs ?? Number.POSITIVE_INFINITY;
}

function follows(before: Certificate, next: Certificate): boolean {
  const isNext = next.reservation.ordinal === before.reservation.ordinal + 1;
  const isLinked = next.reservation.previous === before.journalHash;
  // Governance only goes on: what comes later was not decided under an earlier state, nor vouched for by an earlier key.
  const isUnderLater = next.reservation.governanceSequence >= before.reservation.governanceSequence;
  return next.journalSequence > before.journalSequence && isUnderLater && (!isNext || isLinked);
}

/**
 * A key that was replaced knows of no reservation that came after it: the ordinal of one that it claims to, if any. In order.
 */
function outlived(inOrder: InOrder, verified: readonly Verified[]): number | undefined {
  const sinces = new Map<number, number>();
  for (const [ordinal, { vouching }] of inOrder) {
    if (!sinces.has(vouching.sequence)) sinces.set(vouching.sequence, ordinal);
  }
  const firsts = [...sinces];
  for (const { vouching, attested } of verified) {
    const later = firsts.find(([sequence]) => sequence > vouching.sequence);
    if (later && attested && attested.newestOrdinal >= later[1]) return later[1];
  }
  return undefined;
}

function missingBetween(ordinals: readonly number[], from: number, to: number): Ordinals[] {
  const missing: Ordinals[] = [];
  let next = from;
  for (const ordinal of ordinals) {
    if (ordinal > next) missing.push({ from: next, to: ordinal - 1 });
    next = ordinal + 1;
  }
  if (next <= to) missing.push({ from: next, to });
  return missing;
}

type InOrder = readonly (readonly [ordinal: number, Verified])[];

/** One of each ordinal, in the form that came last, by ordinal. */
export function latestOf(verified: readonly Verified[]): Outcome<InOrder, ChainRefusalCode> {
  const byOrdinal = new Map<number, Verified>();
  for (const one of verified) {
    const { journalHash, reservation } = one.certificate;
    const { ordinal } = reservation;
    const other = byOrdinal.get(ordinal);
    byOrdinal.set(ordinal, other && !isLater(one, other) ? other : one);
    if (!other) continue;
    if (other.certificate.journalHash !== journalHash)
      return refused('certificate-chain-forked', { ordinal });
    if (!agree(one, other)) return refused('certificate-chain-contradiction', { ordinal });
  }
  return accepted([...byOrdinal].sort(([one], [other]) => one - other));
}

/**
 * The certificates as a chain, in whatever order they come and however often. `whole`: they are said to be all that there are,
 * so that those before the first and up to the newest are missing too.
 */
export function checkChain(verified: readonly Verified[], whole: boolean): Outcome<Chain, ChainRefusalCode> {
  const latest = latestOf(verified);
  if (latest.kind === 'refused') return latest;
  const inOrder = latest.value;
  for (const [at, [ordinal, { certificate }]] of inOrder.entries()) {
    const before = inOrder[at - 1]?.[1].certificate;
    if (before && !follows(before, certificate)) return refused('certificate-chain-broken', { ordinal });
  }
  const beyond = outlived(inOrder, verified);
  if (beyond !== undefined) return refused('certificate-chain-contradiction', { ordinal: beyond });
  return accepted(chainOf(inOrder, verified, whole));
}

/** The latest word on how many there were. All words count, also of a certificate that is here in a later form. */
function newestOf(verified: readonly Verified[]): Chain['newest'] {
  let newest: Chain['newest'];
  for (const { attested } of verified) {
    if (!attested) continue;
    const { newestOrdinal: ordinal, countedAtMs: atMs = attested.attestedAtMs } = attested;
    const isNewer = !newest || ordinal > newest.ordinal || (ordinal === newest.ordinal && atMs > newest.atMs);
    if (isNewer) newest = { ordinal, atMs };
  }
  return newest;
}

/**
 * Up to when it has to be known of what was begun whether it was signed: until the newest word with anything that is over, and
 * until there were as many as there are. What was begun and asked for again later than those is told by its own word; several
 * of them are asked for one after the other.
 */
function knownUntil(verified: readonly Verified[], newest: Chain['newest']): number {
  const over = verified
    .filter((one) => !isBegun(one))
    .flatMap(({ attested }) => attested?.attestedAtMs ?? []);
  const counted = verified.flatMap(({ attested }) =>
    attested && attested.newestOrdinal === newest?.ordinal ? attested.attestedAtMs : [],
  );
  return Math.max(0, ...over, ...(counted.length === 0 ? [] : [Math.min(...counted)]));
}

function chainOf(inOrder: InOrder, verified: readonly Verified[], whole: boolean): Chain {
  const ordinals = inOrder.map(([ordinal]) => ordinal);
  const [from, to] = [ordinals[0], ordinals.at(-1)];
  const newest = newestOf(verified);
  const keptFrom = Math.max(1, ...verified.map(({ attested }) => attested?.keptFrom ?? 1));
  const begun = inOrder.filter(([, one]) => isBegun(one));
  const newestAtMs = knownUntil(verified, newest);
  const isOutdated = (one: Verified) => timeOf(one) < newestAtMs;
  const chain = {
    outdated: begun
      .filter(([, one]) => isOutdated(one))
      .map(([ordinal, one]) => ({ ordinal, begunAtMs: timeOf(one), newestAtMs })),
    begun: begun.filter(([, one]) => !isOutdated(one)).map(([ordinal]) => ordinal),
    newest,
    keptFrom,
  };
  if (from === undefined || to === undefined) return { here: undefined, missing: [], ...chain };
  const last = whole ? Math.max(to, newest?.ordinal ?? 0) : to;
  return { here: { from, to }, missing: missingBetween(ordinals, whole ? 1 : from, last), ...chain };
}
