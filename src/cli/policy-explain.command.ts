// `portcullis policy explain`: what policies say of a transfer, imagined or asked for, and why no other rule decided. It is
// decided here, by the code that decides in the signer; nothing is consumed.

import { z } from 'zod';
import { checkKinds } from '../core/authorization/kinds.js';
import { accepted, type Outcome } from '../core/fault.js';
import type { GovernanceState } from '../core/governance/state.js';
import { approvalWords } from '../core/policy/approvals.js';
import { explain } from '../core/policy/decide.js';
import { explainedViewOf } from '../core/policy/explained.js';
import { parsePolicies } from '../core/policy/parse.js';
import type { Situation } from '../core/policy/types.js';
import { requestDigest, transferId, transferIdOf } from '../core/statements/request.js';
import { type Transfer, transfer } from '../sdk/shapes.js';
import { readRequest } from '../sdk/ways-out.js';
import { situationOfRequest } from './asked-situation.js';
import { asAnyone } from './caller.js';
import type { Answer, Given } from './command-line.js';
import { cliFault, EXIT } from './exit.js';
import { knownGovernance } from './governance-log.js';
import {
  imagined,
  imaginedKnown,
  imaginedTransfer,
  otherArgument,
  situationOf,
  supposed,
} from './imagined-transfer.js';
import { factsShape, imaginedFacts } from './imagined-facts.js';
import { faint, type Line, table } from './lines.js';
import { officerShape } from './options.js';
import { documentsOf, logOption, stateFrom } from './policy-documents.js';
import { explainedLines } from './policy-words.js';

export const explainOptions = z.object({
  ...logOption,
  ...officerShape,
  transfer: transferId.exactOptional(),
  ...z.object(imagined).partial().shape,
  ...supposed,
  ...factsShape,
});
type ExplainOptions = z.infer<typeof explainOptions>;

/** What the service has on record of a transfer: its word, beside what is decided here. */
interface OnRecord {
  readonly state: string;
  readonly rule: string | null;
  readonly limits: Transfer['limits'];
  readonly approvedBy: readonly string[];
  readonly missing: string;
}

interface Explained {
  readonly state: GovernanceState;
  readonly situation: Situation;
  readonly record: OnRecord | undefined;
}

function recordOf({ state, rule, limits, approvals }: Transfer): OnRecord {
  const approvedBy = approvals.given.filter(({ verdict }) => verdict === 'approve');
  return {
    state,
    rule,
    limits,
    approvedBy: approvedBy.map(({ personId }) => personId),
    missing: approvalWords(approvals.missing),
  };
}

/** A transfer that somebody has asked for: its request has to be the one that its id is made of. */
async function askedFor(given: Given<ExplainOptions>, id: string): Promise<Outcome<Explained>> {
  return asAnyone(given, async (api) => {
    const { state } = await knownGovernance(given, api);
    const request = await readRequest(api, id);
    if (request.kind === 'refused') return request;
    const { statement } = request.value;
    if (transferIdOf(requestDigest(statement)) !== id) {
      throw cliFault('statement-mismatch', 'the request that the service shows is of another transfer', {
        id,
      });
    }
    const wallet =
      state.wallets.get(statement.wallet) ??
      otherArgument('governance knows no such wallet', { wallet: statement.wallet });
    const shown = await api.get(`/v1/transfers/${id}`, transfer);
    if (shown.kind === 'refused') return shown;
    const known = imaginedKnown(given.options, given.clock.nowMs());
    const situation = situationOfRequest(statement, wallet, state, known);
    return accepted({ state, situation, record: recordOf(shown.value) });
  });
}

async function explainedBy(given: Given<ExplainOptions>): Promise<Outcome<Explained>> {
  const { transfer: id, ...options } = given.options;
  if (id !== undefined) return askedFor(given, id);
  const whole = imaginedTransfer.safeParse(options);
  if (!whole.success) {
    return otherArgument('say --transfer ID, or what is imagined: wallet, amount, to, requester, customer', {
      missing: whole.error.issues.map(({ path }) => path.join('.')).join(', '),
    });
  }
  const state = stateFrom(given);
  const situation = situationOf(whole.data, state, given.clock.nowMs());
  return accepted({ state, situation, record: undefined });
}

function recordLines({ state, rule, limits, approvedBy, missing }: OnRecord): Line[] {
  return [
    '',
    [faint('What the service has on record, which is its word alone:')],
    [`${state}, by the rule ${rule ?? 'none'}; approved by ${approvedBy.join(', ') || 'nobody'}`],
    [missing === '' ? 'no approval is missing' : `missing: ${missing}`],
    ...(limits.length === 0
      ? []
      : table(
          ['limit', 'counter', 'used before', 'used after', 'at most'],
          limits.map((one) => [one.limitId, one.key, one.usedBefore, one.usedAfter, one.max]),
        )),
  ];
}

export async function explainTransfer(
  given: Given<ExplainOptions>,
  files: readonly string[],
): Promise<Outcome<Answer>> {
  const about = await explainedBy(given);
  if (about.kind === 'refused') return about;
  const { state, situation, record } = about.value;
  const parsed = parsePolicies(documentsOf(files, state), state);
  if (parsed.kind === 'refused') return parsed;
  const { wallet: walletId, chain, destination, tier, kind } = situation;
  const request = { wallet: { walletId, tier }, chain: { chain }, statement: { kind } };
  const labelled = checkKinds(state, [{ request, destination }]);
  if (labelled.kind === 'refused') return labelled;
  const facts = imaginedFacts(given.options, state, situation);
  const said = explainedViewOf(explain(parsed.value, { ...situation, facts }, () => 0n));
  return accepted({
    json: { ...said, ...(record && { record }) },
    lines: [
      ...explainedLines(said, 'unused'),
      [
        faint(
          'Limits are taken for unused, and what is said of fee, time, destination and facts for true. Signatures are not looked at.',
        ),
      ],
      ...(record ? recordLines(record) : []),
    ],
    exit: said.decision === 'refuse' ? EXIT.refused : EXIT.ok,
  });
}
