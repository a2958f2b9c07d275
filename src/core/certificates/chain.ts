// The chain of reservations that certificates stand for. The signer counts them without a gap, each names the one before, and
// the attestation says how many there were: so a missing certificate shows, and with it a signature that somebody hides. It
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

export interface Chain {
  /** The first and the last one that are here; undefined when there is none. */
  readonly here: Ordinals | undefined;
  /** What is not here, lowest first: between those, and with `whole` also before and behind them. */
  readonly missing: readonly Ordinals[];
  /** The latest word of the signer on how many there were; undefined when nothing is attested. */
  readonly newest: { readonly ordinal: number; readonly atMs: number } | undefined;
  /** Reservations before it were lost with a store, says the signer. */
  readonly keptFrom: number;
}

/** Whether of one reservation both can be said, the one later than the other. */
function agree(one: Verified, other: Verified): boolean {
  const [a, b] = [one.certificate, other.certificate];
  if (canonicalJson(a.outcome) === canonicalJson(b.outcome)) return true;
  const isBegun = (it: Certificate) => it.outcome.kind === 'begun';
  return (
    (timeOf(one) <= timeOf(other) && isBegun(a) && !isBegun(b)) ||
    (timeOf(other) <= timeOf(one) && isBegun(b) && !isBegun(a))
  );
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
    byOrdinal.set(ordinal, other && timeOf(other) > timeOf(one) ? other : one);
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

function chainOf(inOrder: InOrder, verified: readonly Verified[], whole: boolean): Chain {
  const ordinals = inOrder.map(([ordinal]) => ordinal);
  const [from, to] = [ordinals[0], ordinals.at(-1)];
  // All of them, also of a certificate that is here in a later form: a copy without its attestation takes no word away.
  const words = verified.flatMap(({ attested }) => attested ?? []);
  const newest = words.reduce<Chain['newest']>(
    (latest, { newestOrdinal, attestedAtMs, countedAtMs = attestedAtMs }) =>
      latest && latest.ordinal >= newestOrdinal ? latest : { ordinal: newestOrdinal, atMs: countedAtMs },
    undefined,
  );
  const keptFrom = Math.max(1, ...words.map((word) => word.keptFrom));
  if (from === undefined || to === undefined) return { here: undefined, missing: [], newest, keptFrom };
  const last = whole ? Math.max(to, newest?.ordinal ?? 0) : to;
  return {
    here: { from, to },
    missing: missingBetween(ordinals, whole ? 1 : from, last),
    newest,
    keptFrom,
  };
}
