// `portcullis approve` and `reject`: the officer's side. It shows what will be signed, made from what will be signed, and
// signs nothing that it cannot trace back to the backend's own signed request under the officer's own governance log.

import { z } from 'zod';
import { excludedApprovers, verifyApprovals, verifyStatement } from '../core/authorization/approvals.js';
import { verifyRequest } from '../core/authorization/requests.js';
import { accepted, type Outcome } from '../core/fault.js';
import type { ClassesOf } from '../core/governance/credential-class.js';
import { classesHeld, type GovernanceState, groupsAt } from '../core/governance/state.js';
import { approvalWords, countsFor, missingApprovals } from '../core/policy/approvals.js';
import { type Follows, isOrdered, stepOf } from '../core/policy/steps.js';
import type { ApprovalRequirement } from '../core/policy/types.js';
import {
  approvalBytes,
  givenApprovalDigest,
  type TransferStatement,
  type Verdict,
} from '../core/statements/approval.js';
import { transferId as transferIdSchema } from '../core/statements/request.js';
import { nativeVerifier } from '../platform/native-verifier.js';
import { type StatementToSign, statementToSign, type Transfer, transfer } from '../sdk/shapes.js';
import { asOfficer, checkOwnKey } from './caller.js';
import type { Answer, CommandLine, Given } from './command-line.js';
import { cliFault } from './exit.js';
import { type KnownGovernance, knownGovernance, needPinned } from './governance-log.js';
import { good, type Line, strong } from './lines.js';
import { officerFlags, officerShape, pinFlags, pinShape } from './options.js';
import { statementLines } from './statement-words.js';

const options = z.object({ ...officerShape, ...pinShape, yes: z.boolean().default(false) });
type Options = z.infer<typeof options>;

const LAST_CHARACTERS = 6;

/**
 * Is the statement exactly what the signed request comes to, under the policy in force, and still alive? Everything
 * about it that is served is hostile. Faults `statement-mismatch`; nothing was signed then, and no option changes that.
 */
export function checkStatement(
  served: StatementToSign,
  transferId: string,
  state: GovernanceState,
  nowMs: number,
): TransferStatement {
  const { statement, request } = served;
  if (statement.transferId !== transferId) {
    throw cliFault('statement-mismatch', 'the statement is about another transfer', {
      asked: transferId,
      served: statement.transferId,
    });
  }
  const verified = verifyRequest(state, request, nativeVerifier, nowMs);
  if (verified.kind === 'refused') {
    throw cliFault(
      'statement-mismatch',
      `the request behind the statement does not hold: ${verified.code}`,
      verified.facts,
    );
  }
  const matched = verifyStatement(state, verified.value, statement, nowMs);
  if (matched.kind === 'refused') {
    throw cliFault(
      'statement-mismatch',
      `the statement is not what was requested: ${matched.code}`,
      matched.facts,
    );
  }
  return statement;
}

/** What an approval follows: what the service shows as given before, each verified, and by whom. */
export interface Followed {
  readonly digests: readonly string[];
  readonly follows: Follows;
  readonly persons: ReadonlySet<string>;
  /** What each of them approved with. */
  readonly by: ClassesOf;
}

/**
 * Verifies what was given before, as the signer will. Faults `statement-mismatch` where one of them is not what it says; what
 * the service holds back is merely not named.
 */
export function checkFollowed(
  { statement, request, follows }: StatementToSign,
  state: GovernanceState,
  nowMs: number,
): Followed {
  const verified = verifyRequest(state, request, nativeVerifier, nowMs);
  if (verified.kind === 'refused') throw cliFault('statement-mismatch', verified.code, verified.facts);
  const given = verifyApprovals(state, verified.value, statement, follows, nativeVerifier, nowMs);
  if (given.kind === 'refused') {
    throw cliFault(
      'statement-mismatch',
      `an approval that was given before does not hold: ${given.code}`,
      given.facts,
    );
  }
  return {
    digests: follows.map((one) => givenApprovalDigest(one, statement)).sort(),
    ...given.value,
    by: classesHeld(
      state,
      follows.map(({ credentialId }) => credentialId),
    ),
  };
}

/** For which step an officer would sign, in words. The rule is what the service says; whose approvals are named is certain. */
export function turnWords(
  { request, required }: Pick<StatementToSign, 'request' | 'required'>,
  { follows, persons, by }: Followed,
  personId: string,
  state: GovernanceState,
  nowMs: number,
): readonly string[] {
  if (!isOrdered(required)) return [];
  const verified = verifyRequest(state, request, nativeVerifier, nowMs);
  const excluded = verified.kind === 'accepted' ? excludedApprovers(verified.value) : new Set<string>();
  const groups = groupsAt(state, nowMs);
  const due = missingApprovals(required, persons, groups, excluded, by, follows);
  const after = new Map([...follows, [personId, persons]]);
  const mine = countsFor(
    personId,
    required,
    new Set([...persons, personId]),
    groups,
    excluded,
    by,
    after,
  ).filter((one) => due.some((other) => isSameSeat(one, other)));
  const named = persons.size === 0 ? 'nobody' : [...persons].join(', ');
  return [
    mine.length === 0
      ? '  It is not your turn: what you could approve for is not due, or not missing.'
      : `  You approve for ${mine.map((one) => `step ${stepOf(one) + 1}, ${approvalWords([one])}`).join('; or ')}.`,
    `  Your signature says that before you approved: ${named}.`,
  ];
}

function isSameSeat(one: ApprovalRequirement, other: ApprovalRequirement): boolean {
  return one.group === other.group && one.step === other.step && one.alternative === other.alternative;
}

async function confirm(
  given: Given<Options>,
  verdict: Verdict,
  { destination }: TransferStatement,
): Promise<void> {
  if (given.options.yes) return;
  const wanted = destination.slice(-LAST_CHARACTERS);
  given.terminal.tell(['Compare the whole destination with what you know from elsewhere.']);
  const typed = await given.terminal.ask(`To ${verdict}, type its last ${LAST_CHARACTERS} characters: `);
  if (typed !== wanted) throw cliFault('not-confirmed', 'that is not how the destination ends');
}

function resultLines(verdict: Verdict, personId: string, after: Transfer): Line[] {
  const { missing } = after.approvals;
  const next =
    verdict === 'reject'
      ? 'It is refused and will not be paid.'
      : missing.length > 0
        ? `Still needed: ${approvalWords(missing)}.`
        : 'Nothing is missing: it goes on its way.';
  return [
    [good(verdict === 'approve' ? 'Approved' : 'Rejected'), ` by ${personId}. ${next}`],
    ['Transfer ', strong(after.transferId), ` is now: ${after.state}.`],
  ];
}

async function decide(given: Given<Options>, verdict: Verdict, id: string): Promise<Outcome<Answer>> {
  const named = transferIdSchema.safeParse(id);
  if (!named.success)
    throw cliFault('arguments-invalid', `${id} is no transfer id: it looks like tr-0123...`);
  const transferId = named.data;
  return asOfficer(given, async (call) => {
    const served = await call.api.get(`/v1/transfers/${transferId}/statement`, statementToSign);
    if (served.kind === 'refused') return served;
    const governance = needPinned(await knownGovernance(given, call.api));
    const { state } = governance;
    const nowMs = given.clock.nowMs();
    const statement = checkStatement(served.value, transferId, state, nowMs);
    const { sign, personId } = await checkOwnKey(call, state);
    const followed = checkFollowed(served.value, state, nowMs);
    const follows = verdict === 'approve' ? followed.digests : [];
    showFor(given, verdict, served.value, governance, nowMs, follows);
    if (verdict === 'approve')
      given.terminal.tell([...turnWords(served.value, followed, personId, state, nowMs), '']);
    await confirm(given, verdict, statement);

    const { credentialId } = call;
    const signature = await sign(approvalBytes(verdict, statement, follows));
    const approval = { credentialId, verdict, signature, ...(follows.length > 0 && { follows }) };
    // Without an idempotency key: ECDSA signs anew each time, and a person's second verdict is told as what it is.
    const after = await call.api.post(`/v1/transfers/${transferId}/approvals`, approval, transfer);
    if (after.kind === 'refused') return after;
    return accepted({
      json: {
        transferId,
        verdict,
        statement,
        approval,
        state: after.value.state,
        approvals: after.value.approvals,
      },
      lines: resultLines(verdict, personId, after.value),
    });
  });
}

/** The statement on the screen, what was checked about it, and what could not be. */
function showFor(
  given: Given<Options>,
  verdict: Verdict,
  { statement, request, required, missing }: StatementToSign,
  { state }: KnownGovernance,
  nowMs: number,
  follows: readonly string[],
): void {
  const verified = verifyRequest(state, request, nativeVerifier, nowMs);
  const excluded = verified.kind === 'accepted' ? [...excludedApprovers(verified.value)].join(', ') : '';
  given.terminal.tell([
    ...statementLines(verdict, statement, state, nowMs, follows),
    '',
    // Nothing that was signed says so, and it is not what is approved: the policy is, and the signer asks it.
    `  The service says that it needs ${approvalWords(required)}; still missing ${approvalWords(missing) || 'nobody'}.`,
    `  Cannot approve it: ${excluded}.`,
    [
      '  ',
      good('✓'),
      ` signed by request key ${request.statement.keyId}, and the statement is exactly what was requested`,
    ],
    ['  ', good('✓'), ' the governance log leads back to the deployment that you trust'],
    '',
  ]);
}

export function approvalCommands(cli: CommandLine): void {
  for (const verdict of ['approve', 'reject'] as const) {
    cli.add(
      cli.program,
      {
        usage: `${verdict} <transfer>`,
        summary: `${verdict} a transfer with your token`,
        description:
          verdict === 'approve'
            ? 'Fetches the statement, builds it again from the signed request, verifies both under the governance log, shows it in full, asks, and signs it with your P-256 key over PKCS#11. The key never leaves the token.'
            : 'As approve, but says no: one valid rejection of an officer who was asked ends the transfer for good.',
        example: `${verdict} tr-3f9a1c0b7d2e45863f9a1c0b7d2e45863f9a1c0b --config alice.yaml`,
      },
      [['--yes', 'do not ask: a person has looked already'], ...pinFlags, ...officerFlags],
      options,
      (given, id = '') => decide(given, verdict, id),
    );
  }
}
