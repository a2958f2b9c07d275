// What was decided, out of certificates that were verified before, with all that can be told by now of the time when it was: the
// governance of then, what that rule asked for, what was stated, and what of its destination follows from certificates and log.

import { type Certificate, decisionsOf } from '../core/certificates/certificate.js';
import { type CertifiedDecision, knownFrom } from '../core/certificates/decision.js';
import { History } from '../core/certificates/history.js';
import type { Verified } from '../core/certificates/verify.js';
import { knownThen as factsThen } from '../core/facts/verify.js';
import type { Wallet } from '../core/governance/entry.js';
import { lookAlikeOf, spelledAddress, walletOfAddress } from '../core/governance/known-addresses.js';
import { classesHeld, type GovernanceState, groupsAt, whitelistedAt } from '../core/governance/state.js';
import type { Groups } from '../core/policy/approvals.js';
import type { Passing } from '../core/policy/changes.js';
import { lookOf } from '../core/policy/looks.js';
import type { PastDecision } from '../core/policy/replay-past.js';
import type { Known, Situation } from '../core/policy/types.js';
import type { Unsure } from '../core/policy/unsure.js';
import { type RequestStatement, requestDigest, transferIdOf } from '../core/statements/request.js';
import { nativeVerifier } from '../platform/native-verifier.js';
import { situationOfRequest } from './asked-situation.js';
import { cliFault } from './exit.js';

type OrderedTransfer = Certificate['reservation']['order']['transfers'][number];

/** What was paid up to a certificate, and since when its signer had known how much of the log. */
export class Before {
  /** `wallet/chain/address` */
  private readonly addresses = new Set<string>();
  /** By look, of a wallet and of all: the first address that was paid. */
  private readonly looks = new Map<string, string>();
  private heads: { readonly sequence: number; readonly measuredMs: number }[] = [];
  private measuredMs = 0;

  isPaid(wallet: string, chain: string, address: string): boolean {
    return this.addresses.has(`${wallet}/${chain}/${address}`);
  }

  paidLike(wallet: string, chain: string, address: string): readonly string[] {
    const look = `${chain}/${lookOf(address)}`;
    return [this.looks.get(`${wallet}/${look}`), this.looks.get(look)].filter((one) => one !== undefined);
  }

  /** The least time that was measured since an entry of the log was accepted. */
  leastMsSince(sequence: number): number {
    const first = this.heads.find((head) => head.sequence >= sequence);
    return first ? this.measuredMs - first.measuredMs : 0;
  }

  /** Of a store that was lost, the time is lost as well. */
  reaches({ reservation: { at, governanceSequence } }: Certificate): void {
    if (at.measuredMs < this.measuredMs) this.heads = [];
    this.measuredMs = at.measuredMs;
    if (this.heads.at(-1)?.sequence !== governanceSequence) {
      this.heads.push({ sequence: governanceSequence, measuredMs: at.measuredMs });
    }
  }

  pays({ outcome, reservation: { order } }: Certificate): void {
    if (outcome.kind !== 'signed') return;
    for (const { request } of order.transfers) {
      const { wallet, chain } = request.statement;
      const address = spelledAddress(chain, request.statement.destination);
      this.addresses.add(`${wallet}/${chain}/${address}`);
      const look = `${chain}/${lookOf(address)}`;
      for (const place of [look, `${wallet}/${look}`]) {
        if (!this.looks.has(place)) this.looks.set(place, address);
      }
    }
  }
}

/** What a rule of then that lets pass asks for; undefined where there is none of that name. */
export function passingThen(history: History, state: GovernanceState, name: string): Passing | undefined {
  const parsed = history.policiesIn(state);
  const policies = parsed.kind === 'accepted' ? parsed.value.policies : [];
  const rules = policies.flatMap(({ name: document, rules: all }) =>
    all.map((rule) => ({ name: `${document}/${rule.id}`, effect: rule.effect })),
  );
  const effect = rules.find((rule) => rule.name === name)?.effect;
  return effect?.kind === 'refuse' ? undefined : effect;
}

/** The rule that let it pass; the certificate was verified, so that it is there. */
function effectThen(history: History, state: GovernanceState, name: string): Passing {
  const effect = passingThen(history, state, name);
  if (effect) return effect;
  throw cliFault('governance-mismatch', `the log has no rule ${name} that lets pass`, {
    sequence: state.sequence,
  });
}

/** The governance under which it was decided. Faults `governance-mismatch`. */
export function stateThen(history: History, { reservation }: Certificate): GovernanceState {
  return stateAfter(history, reservation.governanceSequence);
}

/** The governance after an entry of the log. Faults `governance-mismatch`. */
export function stateAfter(history: History, sequence: number): GovernanceState {
  const replayed = history.at(sequence);
  if (replayed.kind === 'accepted') return replayed.value;
  throw cliFault('governance-mismatch', `the governance log does not hold: ${replayed.code}`, replayed.facts);
}

/** Where and when it was decided. */
interface Place {
  readonly state: GovernanceState;
  readonly wallet: Wallet;
  readonly statement: RequestStatement;
  readonly atMs: number;
  readonly before: Before;
  /** All that came before it is there: then, what was not paid by it was never paid. */
  readonly isWhole: boolean;
}

/** What follows of a destination from the log, and from the certificates before. */
export function knownFromBefore({ state, wallet, statement, atMs, before }: Place): Known {
  const { chain } = statement;
  const address = spelledAddress(chain, statement.destination);
  const place = { chain, address, tier: wallet.tier };
  const listed = whitelistedAt(state, place, atMs);
  return {
    atMs,
    firstUse: !before.isPaid(wallet.walletId, chain, address),
    lookAlikeOf: lookAlikeOf(state, place, atMs, before.paidLike(wallet.walletId, chain, address)),
    whitelist: listed && {
      entryId: listed.entryId,
      label: listed.label,
      ageMs: before.leastMsSince(listed.sequence),
    },
  };
}

export function unsureOf({ state, statement, isWhole }: Place, known: Known): readonly Unsure[] {
  const { chain, destination } = statement;
  // What is there for wallets of this tier, and an own address, is no look-alike of anything.
  const isNone = known.whitelist !== undefined || walletOfAddress(state, chain, destination) !== undefined;
  return [
    ...(isWhole || !known.firstUse ? [] : (['first-use'] as const)),
    ...(isWhole || isNone || known.lookAlikeOf !== undefined ? [] : (['look-alike'] as const)),
    ...(known.whitelist ? (['whitelist-age-at-least'] as const) : []),
  ];
}

/** What was stated for a transfer of a certificate; nothing where nothing was. */
export function statedThen(
  { reservation: { order } }: Certificate,
  state: GovernanceState,
  transferId: string,
): Pick<Situation, 'facts'> {
  return order.facts ? { facts: factsThen(state, order.facts, transferId) } : {};
}

/** A transfer of a certificate with its signed request and approvals. */
export function orderedThen(
  { reservation: { order } }: Certificate,
  transferId: string,
): OrderedTransfer | undefined {
  return order.transfers.find(({ request }) => transferIdOf(requestDigest(request.statement)) === transferId);
}

function groupsThen(state: GovernanceState, atMs: number, now: GovernanceState): PastDecision['groups'] {
  const then = groupsAt(state, atMs);
  const of = (group: string): Groups => (then.has(group) ? then : now.groups);
  return {
    get: (group) => of(group).get(group),
    has: (group) => of(group).has(group),
    keptOut: (group) => of(group).keptOut?.(group) ?? of(group).get(group) ?? [],
  };
}

/**
 * First decisions, in their order: a replacement was no new one. `inOrder` has each reservation once; `whole` are the ordinals of
 * those of which all that came before is there. `now` knows the groups that came later.
 */
export function certifiedPast(
  inOrder: readonly Verified[],
  whole: ReadonlySet<number>,
  history: History,
  now: GovernanceState,
): PastDecision[] {
  const before = new Before();
  return inOrder.flatMap(({ certificate }) => {
    before.reaches(certificate);
    const past = decisionsOf(certificate)
      .filter((decision) => decision.past === 'unseen')
      .map((decision) => pastOf(certificate, decision, { before, whole, history, now }));
    before.pays(certificate);
    return past;
  });
}

interface Around {
  readonly before: Before;
  readonly whole: ReadonlySet<number>;
  readonly history: History;
  readonly now: GovernanceState;
}

function pastOf(
  certificate: Certificate,
  decision: CertifiedDecision,
  { before, whole, history, now }: Around,
): PastDecision {
  const { transferId, rule, approvers } = decision;
  const { at, ordinal } = certificate.reservation;
  const state = stateThen(history, certificate);
  const ordered = orderedThen(certificate, transferId);
  const wallet = ordered && state.wallets.get(ordered.request.statement.wallet);
  if (!ordered || !wallet) {
    throw cliFault('governance-mismatch', 'a certified transfer is of no wallet of its log', { transferId });
  }
  const { statement } = ordered.request;
  const place = { state, wallet, statement, atMs: at.wallMs, before, isWhole: whole.has(ordinal) };
  const known = decision.knew ? knownFrom(decision.knew) : knownFromBefore(place);
  const unsure = decision.knew ? [] : unsureOf(place, known);
  const credentials = ordered.approvals.map(({ credentialId }) => credentialId);
  return {
    transferId,
    atMs: at.wallMs,
    situation: {
      ...situationOfRequest(statement, wallet, state, known),
      ...statedThen(certificate, state, transferId),
    },
    unsure,
    rule,
    effect: effectThen(history, state, rule),
    approvers: new Set(approvers),
    by: classesHeld(state, credentials),
    groups: groupsThen(state, at.wallMs, now),
    excluded: new Set([statement.requester, ...(state.everRequestKeys.get(statement.keyId)?.owners ?? [])]),
  };
}

/** A log as it is gone through here. */
export function historyOf(log: History['log']): History {
  return new History(log, nativeVerifier);
}
