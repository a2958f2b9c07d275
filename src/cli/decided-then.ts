// How a transfer was decided when it was signed: from its certificate, which a service shows and which is verified here against
// the governance log. It has what was known and stated then, and how much of each limit was used.

import { type Certificate, decisionsOf } from '../core/certificates/certificate.js';
import { type CertifiedDecision, knownFrom } from '../core/certificates/decision.js';
import { verifyUnder } from '../core/certificates/verify.js';
import { accepted, type Outcome } from '../core/fault.js';
import type { GovernanceState } from '../core/governance/state.js';
import type { Known, LimitUsage, PolicySet, Situation } from '../core/policy/types.js';
import { nativeVerifier } from '../platform/native-verifier.js';
import type { Api } from '../sdk/api.js';
import { certificateFile } from '../sdk/shapes.js';
import { historyOf, stateThen, statedThen } from './certified-past.js';
import { cliFault } from './exit.js';
import type { KnownGovernance } from './governance-log.js';

export interface DecidedThen {
  readonly atMs: number;
  /** The governance that it was decided under, and the documents that were in force. */
  readonly state: GovernanceState;
  readonly policies: PolicySet;
  readonly rule: string;
  /** Undefined where no rule of then asked. */
  readonly known: Known | undefined;
  readonly facts: Situation['facts'];
  readonly usage: LimitUsage;
}

/** What replaces an earlier transaction charges nothing and says nothing new: the first decision counts. */
function firstDecision(certificates: readonly Certificate[], transferId: string) {
  const decisions = certificates.flatMap((certificate) =>
    decisionsOf(certificate)
      .filter((decision) => decision.transferId === transferId)
      .map((decision) => ({ certificate, decision })),
  );
  return decisions.find(({ decision }) => decision.past === 'unseen') ?? decisions[0];
}

function usageThen({ limits }: CertifiedDecision): LimitUsage {
  return ({ limitId, key }) =>
    BigInt(limits.find((one) => one.limitId === limitId && one.key === key)?.usedBefore ?? '0');
}

/** Each has to be verified. Undefined where none of them is about a decision on this transfer. Refuses what does not hold. */
export function decidedIn(
  certificates: readonly Certificate[],
  transferId: string,
  { entries, state: { deploymentId } }: Pick<KnownGovernance, 'entries' | 'state'>,
): Outcome<DecidedThen | undefined> {
  const history = historyOf(entries);
  for (const one of certificates) {
    const verified = verifyUnder(one, history, deploymentId, nativeVerifier);
    if (verified.kind === 'refused') return verified;
  }
  const first = firstDecision(certificates, transferId);
  if (!first) return accepted(undefined);
  const { certificate, decision } = first;
  const state = stateThen(history, certificate);
  const policies = history.policiesIn(state);
  if (policies.kind === 'refused') return policies;
  return accepted({
    atMs: certificate.reservation.at.wallMs,
    state,
    policies: policies.value,
    rule: decision.rule,
    known: decision.knew && knownFrom(decision.knew),
    facts: statedThen(certificate, state, transferId).facts,
    usage: usageThen(decision),
  });
}

/** Asks the service for the certificates of what the signer signed. Faults `statement-mismatch` where they are others'. */
export async function decidedThen(
  api: Api,
  transferId: string,
  governance: KnownGovernance,
): Promise<Outcome<DecidedThen | undefined>> {
  const answer = await api.get(`/v1/transfers/${transferId}/certificates`, certificateFile);
  if (answer.kind === 'refused') return answer.code === 'certificate-missing' ? accepted(undefined) : answer;
  const decided = decidedIn(answer.value.certificates, transferId, governance);
  if (decided.kind === 'accepted' && !decided.value) {
    throw cliFault('statement-mismatch', 'the certificates that the service shows are of another transfer', {
      transferId,
    });
  }
  return decided;
}
