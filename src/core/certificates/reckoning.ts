// What each reservation of a chain says that the signer knew from those before it: how much of each limit had been used, and
// whether a transfer had been signed for already. A certificate by itself takes that on trust; with those before it, it is
// reckoned again, from what each of them charged. How much time passed between them stays the signer's word.
//
// With certificates missing, what is reckoned is the least that must have been used. A store that was lost begins anew, and
// after it limits are exhausted for a window: as the signer does it.

import { accepted, type Outcome, refused } from '../fault.js';
import type { Moment } from '../policy/calendar.js';
import {
  chargedAt,
  emptyCounter,
  type LimitCounter,
  type Span,
  spanned,
  spanOf,
  usedAt,
} from '../policy/counter.js';
import type { Certificate } from './certificate.js';
import type { CertifiedDecision } from './decision.js';
import type { Verified } from './verify.js';

export type ReckoningRefusalCode =
  /** Of a limit was used what those before it say, and the certificate says something else. */
  | 'certificate-usage-mismatch'
  /** Those before it say something else of whether its transfer was signed for. */
  | 'certificate-past-mismatch'
  /** One transfer was signed for twice, and both could be mined. */
  | 'certificate-paid-twice';

type ClaimedLimit = CertifiedDecision['limits'][number];
type Charge = Certificate['reservation']['transfers'][number]['charges'][number];

type Signed = Pick<Certificate['reservation'], 'transactionKey' | 'spends'>;

function nameOf({ limitId, key }: Pick<Charge, 'limitId' | 'key'>): string {
  return `${limitId}\n${key}`;
}

interface Buried {
  readonly dead: ReadonlySet<string>;
  readonly mined: ReadonlySet<string>;
}

/** What was counted since a store began, which the first of a deployment or a restore did. */
class Count {
  private readonly counters = new Map<string, LimitCounter>();
  /** Of each transfer: whether a reservation for it was signed, as far as is known by now. */
  private readonly seen = new Map<string, boolean>();
  /** By transfer, what was signed for it: with what each spends. */
  private readonly signed = new Map<string, readonly Signed[]>();
  /** What each transaction uses up, signed or begun. */
  private readonly spends = new Map<string, readonly string[]>();
  /** What a quorum says can never be mined, and what it says was mined instead conflicts with. */
  private readonly dead = new Set<string>();
  /** What it says was mined. */
  private readonly mined = new Set<string>();
  /** Transfers of which a reservation was begun, as far as a word goes. */
  private readonly begun = new Set<string>();
  private newest: Moment = { wallMs: 0, measuredMs: 0 };

  /** `restored`: it goes on from a lost store, whose charges nobody knows. `isWhole`: from its first reservation, without a gap. */
  constructor(
    private readonly restored: boolean,
    public isWhole: boolean,
  ) {}

  /** Time that was measured goes on, within a store. */
  takes({ reservation: { at } }: Certificate): boolean {
    if (at.measuredMs < this.newest.measuredMs) return false;
    this.newest = at;
    return true;
  }

  private counter({ limitId, key, ...span }: Pick<Charge, 'limitId' | 'key'> & Span): LimitCounter {
    const counter = this.counters.get(nameOf({ limitId, key }));
    return counter ? spanned(counter, span) : emptyCounter(span);
  }

  /**
   * When a counter's own period of a calendar ends depends on charges that may be missing: then only what was charged in the
   * calendar's must have been used.
   */
  private atLeastUntil({ calendar }: Span): Moment {
    return calendar && !this.isWhole ? { ...this.newest, measuredMs: Number.MAX_SAFE_INTEGER } : this.newest;
  }

  private used({ limitId, key, ...limit }: ClaimedLimit, earlier: readonly Charge[]): bigint {
    const span = spanOf(limit);
    const used = usedAt(this.counter({ limitId, key, ...span }), this.atLeastUntil(span));
    const max = BigInt(limit.max);
    const before = this.restored && this.newest.measuredMs <= span.windowMs && used < max ? max : used;
    const own = earlier.filter((one) => nameOf(one) === nameOf({ limitId, key }));
    return own.reduce((sum, { amount }) => sum + BigInt(amount), before);
  }

  /** The limit of which it says something that cannot be, if any. */
  wrongUsage({ reservation: { transfers } }: Certificate): ClaimedLimit | undefined {
    const earlier: Charge[] = [];
    for (const { decision, charges } of transfers) {
      const wrong = decision.limits.find((limit) => {
        const [says, reckoned] = [BigInt(limit.usedBefore), this.used(limit, earlier)];
        return this.isWhole ? says !== reckoned : says < reckoned;
      });
      if (wrong) return wrong;
      earlier.push(...charges);
    }
    return undefined;
  }

  /** The transfer of which it says something that cannot be, if any. Of `except` it may know more than those before it say. */
  wrongPast(
    { reservation: { transfers } }: Certificate,
    except: ReadonlySet<string>,
  ): CertifiedDecision | undefined {
    return transfers
      .map(({ decision }) => decision)
      .find(({ transferId, past }) => {
        const isSigned = this.seen.get(transferId);
        if (past === 'unseen') return isSigned !== undefined;
        return (
          this.isWhole &&
          !except.has(transferId) &&
          (isSigned === undefined || (past === 'signed' && !isSigned))
        );
      });
  }

  /** Its transfers for which something was begun, as far as a word goes. */
  begunBefore({ reservation: { transfers } }: Certificate): ReadonlySet<string> {
    return new Set(transfers.map(({ decision }) => decision.transferId).filter((id) => this.begun.has(id)));
  }

  /** The transfer that it pays once more beside what was signed before, if any: neither shares what it spends with the other. */
  paidTwice({ outcome, burials, reservation }: Certificate): string | undefined {
    const { dead } = this.buried(burials);
    const spends = new Set(reservation.spends);
    const stands = ({ transactionKey, spends: others }: Signed) =>
      !dead.has(transactionKey) && !others.some((spend) => spends.has(spend));
    // Who says what is dead may be in one that is missing.
    if (!this.isWhole || outcome.kind !== 'signed') return undefined;
    return reservation.transfers
      .map(({ decision }) => decision.transferId)
      .find((transferId) => this.signed.get(transferId)?.some(stands));
  }

  /**
   * What cannot be mined, and what was mined instead, with these burials. The officers vouch for what they saw in the chain, and the
   * signer for which of its transactions conflict with it. What was mined is never dead, and what is dead was not mined.
   */
  private buried(burials: Certificate['burials']): Buried {
    const [dead, mined] = [new Set(this.dead), new Set(this.mined)];
    for (const { statement } of burials) {
      const { transactionKey } = statement.conflicting;
      if (dead.has(transactionKey)) continue;
      mined.add(transactionKey);
      const used = new Set(this.spends.get(transactionKey));
      for (const key of statement.dead) {
        if (!mined.has(key) && this.spends.get(key)?.some((spend) => used.has(spend))) dead.add(key);
      }
    }
    return { dead, mined };
  }

  add({ outcome, burials, reservation }: Certificate): void {
    const { transfers, transactionKey, spends } = reservation;
    const { dead, mined } = this.buried(burials);
    for (const key of dead) this.dead.add(key);
    for (const key of mined) this.mined.add(key);
    if (outcome.kind !== 'ended') this.spends.set(transactionKey, spends);
    for (const { decision, charges } of transfers) {
      const { transferId } = decision;
      if (outcome.kind === 'begun') this.begun.add(transferId);
      if (outcome.kind === 'signed') {
        this.signed.set(transferId, [...(this.signed.get(transferId) ?? []), { transactionKey, spends }]);
      }
      this.seen.set(transferId, this.seen.get(transferId) === true || outcome.kind === 'signed');
      for (const { amount, ...one } of charges) {
        this.counters.set(nameOf(one), chargedAt(this.counter(one), this.newest, BigInt(amount)));
      }
    }
  }
}

const NOTHING: ReadonlySet<string> = new Set();

/** Where stores began, as the signer attests: the first ordinal, and each that it says it has kept them from. */
function beginnings(verified: readonly Verified[]): ReadonlySet<number> {
  return new Set([1, ...verified.flatMap(({ attested }) => attested?.keptFrom ?? [])]);
}

/**
 * The ordinals of those whose usage and past follow from what comes before them. Each has been verified by itself, all as a
 * chain; `inOrder` has one of each ordinal, in the form that came last. `outdated` are those that were begun, and may have been signed
 * since: after one of them nobody knows what was signed for a transfer.
 */
export function reckon(
  inOrder: readonly Verified[],
  verified: readonly Verified[],
  outdated: ReadonlySet<number> = new Set(),
): Outcome<ReadonlySet<number>, ReckoningRefusalCode> {
  const starts = beginnings(verified);
  const reckoned = new Set<number>();
  let count = new Count(false, false);
  let next = 0;
  for (const { certificate, attested, otherRules } of inOrder) {
    const { ordinal } = certificate.reservation;
    if (otherRules) {
      // By other rules, what it charges may count otherwise: nothing is known of what was used, and nobody is accused.
      count = new Count(false, false);
      next = ordinal + 1;
      continue;
    }
    const start = Math.max(...[...starts].filter((one) => one <= ordinal));
    if (start >= next) count = new Count(start > 1, start === ordinal);
    else if (ordinal !== next) count.isWhole = false;
    next = ordinal + 1;
    if (!count.takes(certificate)) {
      if (attested) return refused('certificate-usage-mismatch', { ordinal, why: 'measured time went back' });
      // A store may have been lost, which nobody attests yet: nothing is known of what was counted since.
      count = new Count(false, false);
      count.takes(certificate);
    }
    // Given out with its signature, it may be younger than the word that what it replaces was only begun.
    const younger = attested ? NOTHING : count.begunBefore(certificate);
    const usage = count.wrongUsage(certificate);
    if (usage) {
      const { limitId, key, usedBefore } = usage;
      return refused('certificate-usage-mismatch', { ordinal, limitId, key, usedBefore });
    }
    const past = count.wrongPast(certificate, younger);
    if (past) {
      return refused('certificate-past-mismatch', { ordinal, transferId: past.transferId, past: past.past });
    }
    const twice = count.paidTwice(certificate);
    if (twice !== undefined) return refused('certificate-paid-twice', { ordinal, transferId: twice });
    if (count.isWhole && younger.size === 0) reckoned.add(ordinal);
    count.add(certificate);
    if (outdated.has(ordinal)) count.isWhole = false;
  }
  return accepted(reckoned);
}
