// `portcullis policy replay`: decides again about what was signed, under other policies. Offline.

import { z } from 'zod';
import { type Certificate, decisionsOf } from '../core/certificates/certificate.js';
import { knownFrom } from '../core/certificates/decision.js';
import { knownThen as factsThen } from '../core/facts/verify.js';
import { accepted, type Outcome } from '../core/fault.js';
import type { GovernanceState } from '../core/governance/state.js';
import { parsePolicies } from '../core/policy/parse.js';
import { type PastDecision, replayPast } from '../core/policy/replay-past.js';
import { requestDigest, transferIdOf } from '../core/statements/request.js';
import { situationOfRequest } from './asked-situation.js';
import { needed } from './cli-config.js';
import type { Answer, Given } from './command-line.js';
import { readLog, replayed } from './governance-log.js';
import { faint, table } from './lines.js';
import { logOption, readDocument } from './policy-documents.js';
import { verifyFiles } from './verify.command.js';
import { instant } from './words.js';

export const replayOptions = z.object({
  ...logOption,
  policy: z.array(z.string()).min(1),
  days: z
    .string()
    .regex(/^[1-9][0-9]{0,3}$/, 'a number of days')
    .exactOptional(),
});

const DAY_MS = 24 * 3_600_000;

/** First decisions: a replacement was no new one. */
export function pastOf(certificate: Certificate, state: GovernanceState): PastDecision[] {
  const { order, at } = certificate.reservation;
  const decisions = decisionsOf(certificate);
  return decisions.flatMap(({ transferId, past, kind, rule, approvers, knew, heldMs }) => {
    const statement = order.transfers
      .map(({ request }) => request.statement)
      .find((one) => transferIdOf(requestDigest(one)) === transferId);
    const wallet = statement && state.wallets.get(statement.wallet);
    if (past !== 'unseen' || !statement || !wallet) return [];
    return [
      {
        transferId,
        atMs: at.wallMs,
        situation: {
          ...situationOfRequest(statement, wallet, state, knew && knownFrom(knew)),
          ...(order.facts && { facts: factsThen(state, order.facts, transferId) }),
        },
        kind,
        rule,
        ...(heldMs !== undefined && { heldMs }),
        approvers: new Set(approvers),
        excluded: new Set([
          statement.requester,
          ...(state.everRequestKeys.get(statement.keyId)?.owners ?? []),
        ]),
      },
    ];
  });
}

export async function replay(
  given: Given<z.infer<typeof replayOptions>>,
  files: readonly string[],
): Promise<Outcome<Answer>> {
  const entries = readLog(needed(given.options.log ?? given.config.log, 'log', '--log FILE'));
  const { state } = replayed(entries, given.config.deployment);
  const parsed = parsePolicies(given.options.policy.map(readDocument), state);
  if (parsed.kind === 'refused') return parsed;
  const past: PastDecision[] = [];
  for (const { outcome } of verifyFiles(files, entries, state.deploymentId)) {
    if (outcome.kind === 'refused') return outcome;
    past.push(...pastOf(outcome.value.certificate, state));
  }
  const newestMs = Math.max(0, ...past.map(({ atMs }) => atMs));
  const days = given.options.days;
  const sinceMs = days === undefined ? 0 : newestMs - Number(days) * DAY_MS;
  const looked = past.filter(({ atMs }) => atMs >= sinceMs);
  const { decisions, changed } = replayPast(parsed.value, looked, state.groups);
  const heldBack = changed.filter(({ isHeldBack }) => isHeldBack).length;
  return accepted({
    json: { decisions, changed },
    lines: [
      `${decisions} decisions, ${changed.length} would change: ${heldBack} held back, ${changed.length - heldBack} otherwise`,
      ...(changed.length === 0
        ? []
        : table(
            ['transfer', 'decided', 'was', 'would be'],
            changed.map(({ transferId, atMs, was, wouldBe }) => [transferId, instant(atMs), was, wouldBe]),
          )),
      [
        faint(
          'Of what was signed. What was refused then may pass under the draft, and is not in certificates.',
        ),
      ],
    ],
  });
}
