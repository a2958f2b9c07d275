// What policies refused, out of a file that a service's books were exported to. It proves who asked for what: each request
// is signed. When and why it was refused, and that none is left out, is the books' word; so is the name of the rule.

import { z } from 'zod';
import { type VerifiedRequest, verifyRequest } from '../core/authorization/requests.js';
import type { History } from '../core/certificates/history.js';
import type { Verified } from '../core/certificates/verify.js';
import { accepted, type Outcome, refused } from '../core/fault.js';
import type { GovernanceState } from '../core/governance/state.js';
import { passingWords } from '../core/policy/changes.js';
import { policyRefusalCode } from '../core/policy/explained.js';
import type { PastRefusal } from '../core/policy/replay-past.js';
import { identifier, timestampMs } from '../core/statements/fields.js';
import { type SignedRequest, signedRequest } from '../core/statements/request.js';
import { nativeVerifier } from '../platform/native-verifier.js';
import { situationOfRequest } from './asked-situation.js';
import { Before, knownFromBefore, passingThen, stateAfter, unsureOf } from './certified-past.js';
import { cliFault } from './exit.js';
import { readText } from './files.js';

/**
 * With these codes the policies said no themselves, or asked for approvals or facts that did not come. A token's contract that has
 * changed no policy lets pass.
 */
export const refusedBecause = z.enum([
  ...policyRefusalCode.exclude(['token-changed']).options,
  'approval-expired',
  'request-expired',
  'rejected-by-officer',
]);

const WAITED: ReadonlySet<RefusedRequest['code']> = new Set([
  'approval-expired',
  'request-expired',
  'rejected-by-officer',
]);

/** `document/rule`; of a limit, `document/limit` or `document/rule/limit`. */
export const ruleName = z.string().refine((name) => {
  const parts = name.split('/');
  return parts.length >= 2 && parts.length <= 3 && parts.every((part) => identifier.safeParse(part).success);
}, 'a rule or a limit by its document');

/** So late may a service find that a request has expired. */
const LATEST_NO_MS = 24 * 3_600_000;

/** One line of the file. */
export const refusedRequest = z.strictObject({
  request: signedRequest,
  atMs: timestampMs,
  code: refusedBecause,
  /** Whose no it was. */
  by: z.enum(['signer', 'orchestrator']),
  rule: ruleName.nullable(),
  limit: ruleName.nullable(),
});
export type RefusedRequest = z.infer<typeof refusedRequest>;

/** Faults `file-unreadable`, `file-malformed`. */
export function readRefused(path: string): readonly RefusedRequest[] {
  const lines = readText(path)
    .split('\n')
    .filter((line) => line !== '');
  return lines.map((line, index) => {
    const parsed = refusedRequest.safeParse(jsonOf(line));
    if (parsed.success) return parsed.data;
    throw cliFault('file-malformed', `${path}:${index + 1}: not a refused request`, { path });
  });
}

function jsonOf(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    // No JSON; nothing is what no schema accepts.
    return undefined;
  }
}

interface OfThen {
  readonly state: GovernanceState;
  readonly asked: VerifiedRequest;
}

/**
 * By the newest governance of then in which it verifies. An entry is dated when it was drafted, by the clocks of those who signed it, and
 * it acted when it had its signatures: who was removed by one of before may have asked all the same.
 */
function verifiedThen(history: History, request: SignedRequest, atMs: number): Outcome<OfThen> {
  const newest = Math.max(
    0,
    history.log.findLastIndex(({ body }) => body.createdAtMs <= atMs),
  );
  let first: Outcome<OfThen> | undefined;
  for (let sequence = newest; sequence >= 0; sequence -= 1) {
    const state = stateAfter(history, sequence);
    // That it had expired is what some of them were refused for.
    const verified = verifyRequest(state, request, nativeVerifier, atMs, () => true);
    if (verified.kind === 'accepted') return accepted({ state, asked: verified.value });
    first ??= verified;
  }
  return first ?? refused('request-key-unknown', { keyId: request.statement.keyId });
}

/**
 * In the order of time, each transfer once, and none of `signed`: that one was let pass later. Refuses what its key did not sign
 * for this deployment, by the governance of then. `inOrder` and `whole` are those of `certifiedPast`.
 */
export function refusedPast(
  given: readonly RefusedRequest[],
  inOrder: readonly Verified[],
  whole: ReadonlySet<number>,
  history: History,
  signed: ReadonlySet<string>,
): Outcome<readonly PastRefusal[]> {
  const before = new Before();
  const past = new Map<string, PastRefusal>();
  let next = 0;
  for (const { request, atMs, code, by, rule, limit } of [...given].sort((a, b) => a.atMs - b.atMs)) {
    const verified = verifiedThen(history, request, atMs);
    if (verified.kind === 'refused') return verified;
    const { state, asked: who } = verified.value;
    const { expiresAtMs } = request.statement;
    if (atMs > expiresAtMs + LATEST_NO_MS) {
      return refused('request-expired', { transferId: who.transferId, expiresAtMs, atMs });
    }
    for (let one = inOrder[next]; one && one.certificate.reservation.at.wallMs <= atMs; one = inOrder[next]) {
      before.reaches(one.certificate);
      before.pays(one.certificate);
      next += 1;
    }
    const { transferId, statement, wallet } = who;
    if (signed.has(transferId) || past.has(transferId)) continue;
    const following = inOrder[next]?.certificate.reservation.ordinal;
    const isWhole = following !== undefined && whole.has(following);
    const place = { state, wallet, statement, atMs, before, isWhole };
    const known = knownFromBefore(place);
    const asked = rule === null ? undefined : passingThen(history, state, rule);
    const isWaiting = WAITED.has(code);
    const where = `${rule === null ? '' : ` by ${rule}`}${limit === null ? '' : `, ${limit}`}`;
    const wanted = isWaiting && asked && rule !== null ? `; ${passingWords(asked, rule)}` : where;
    past.set(transferId, {
      transferId,
      atMs,
      situation: situationOfRequest(statement, wallet, state, known),
      unsure: unsureOf(place, known),
      was: `refuse ${code}${wanted} (${by})`,
      asked: isWaiting ? asked : undefined,
    });
  }
  return accepted([...past.values()]);
}
