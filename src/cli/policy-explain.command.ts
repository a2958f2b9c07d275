// `portcullis policy explain`: what policies say of a transfer, imagined or asked for, and why no other rule decided. It is
// decided here, by the code that decides in the signer; nothing is consumed. What was signed is explained from its certificate.

import { z } from 'zod';
import { checkKinds } from '../core/authorization/kinds.js';
import { NO_FACTS } from '../core/facts/verify.js';
import { accepted, type Outcome } from '../core/fault.js';
import type { Wallet } from '../core/governance/entry.js';
import { lookAlikeOf } from '../core/governance/known-addresses.js';
import { type GovernanceState, whitelistedAt } from '../core/governance/state.js';
import { explain } from '../core/policy/decide.js';
import { explainedViewOf } from '../core/policy/explained.js';
import { parsePolicies } from '../core/policy/parse.js';
import type { Known, LimitUsage, PolicySet, Situation } from '../core/policy/types.js';
import {
  type RequestStatement,
  requestDigest,
  transferId,
  transferIdOf,
} from '../core/statements/request.js';
import { transfer } from '../sdk/shapes.js';
import { readRequest } from '../sdk/ways-out.js';
import { situationOfRequest } from './asked-situation.js';
import { asAnyone } from './caller.js';
import type { Answer, Given } from './command-line.js';
import { type DecidedThen, decidedThen } from './decided-then.js';
import { cliFault, EXIT } from './exit.js';
import { knownGovernance } from './governance-log.js';
import { factsShape, imaginedFacts } from './imagined-facts.js';
import {
  imagined,
  imaginedKnown,
  imaginedTransfer,
  otherArgument,
  situationOf,
  supposed,
  supposesKnowledge,
} from './imagined-transfer.js';
import { faint, type Line } from './lines.js';
import { officerShape } from './options.js';
import { documentsOf, logOption, stateFrom } from './policy-documents.js';
import { explainedLines } from './policy-words.js';
import { notLookedUp, notLookedUpLines, type OnRecord, recordLines, recordOf } from './transfer-on-record.js';
import { instant } from './words.js';

export const explainOptions = z.object({
  ...logOption,
  ...officerShape,
  transfer: transferId.exactOptional(),
  ...z.object(imagined).partial().shape,
  ...supposed,
  ...factsShape,
});
type ExplainOptions = z.infer<typeof explainOptions>;

interface Explained {
  readonly state: GovernanceState;
  readonly situation: Situation;
  /** Of a transfer that somebody asked for. */
  readonly asked?: {
    readonly record: OnRecord;
    /** Undefined where it was not signed. */
    readonly decided: DecidedThen | undefined;
  };
}

/** What governance says of a destination. Nobody says here whether it was paid before, or how long its entry has acted. */
function knownToGovernance(
  { chain, destination }: RequestStatement,
  { tier }: Wallet,
  state: GovernanceState,
  nowMs: number,
): Known {
  const place = { chain, address: destination, tier };
  const listed = whitelistedAt(state, place, nowMs);
  return {
    atMs: nowMs,
    firstUse: false,
    lookAlikeOf: lookAlikeOf(state, place, nowMs, []),
    whitelist: listed && { entryId: listed.entryId, label: listed.label, ageMs: 0 },
  };
}

/** A transfer that somebody has asked for: its request has to be the one that its id is made of. */
async function askedFor(given: Given<ExplainOptions>, id: string): Promise<Outcome<Explained>> {
  return asAnyone(given, async (api) => {
    const governance = await knownGovernance(given, api);
    const request = await readRequest(api, id);
    if (request.kind === 'refused') return request;
    const { statement } = request.value;
    if (transferIdOf(requestDigest(statement)) !== id) {
      throw cliFault('statement-mismatch', 'the request that the service shows is of another transfer', {
        id,
      });
    }
    const shown = await api.get(`/v1/transfers/${id}`, transfer);
    if (shown.kind === 'refused') return shown;
    const isCertified = shown.value.transactions.some(({ certified }) => certified);
    const decided = isCertified ? await decidedThen(api, id, governance) : accepted(undefined);
    if (decided.kind === 'refused') return decided;
    const state = decided.value?.state ?? governance.state;
    const wallet =
      state.wallets.get(statement.wallet) ??
      otherArgument('governance knows no such wallet', { wallet: statement.wallet });
    const nowMs = given.clock.nowMs();
    const known = supposesKnowledge(given.options)
      ? imaginedKnown(given.options, nowMs)
      : (decided.value?.known ?? knownToGovernance(statement, wallet, state, nowMs));
    const situation = {
      ...situationOfRequest(statement, wallet, state, known),
      facts: decided.value?.facts ?? NO_FACTS,
    };
    return accepted({
      state: governance.state,
      situation,
      asked: { record: recordOf(shown.value), decided: decided.value },
    });
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
  return accepted({ state, situation: situationOf(whole.data, state, given.clock.nowMs()) });
}

/** By which documents it is explained, and with which counters. */
interface Deciding {
  readonly policies: PolicySet;
  readonly usage: LimitUsage;
  /** The documents and counters of the time when it was signed. */
  readonly isAsDecided: boolean;
}

/** Those in files; else, of what was signed, those of then, else those in force. */
function decidingBy(files: readonly string[], { state, asked }: Explained): Outcome<Deciding> {
  const decided = files.length === 0 ? asked?.decided : undefined;
  if (decided) return accepted({ policies: decided.policies, usage: decided.usage, isAsDecided: true });
  const parsed = parsePolicies(documentsOf(files, state), state);
  if (parsed.kind === 'refused') return parsed;
  return accepted({ policies: parsed.value, usage: () => 0n, isAsDecided: false });
}

const SUPPOSED =
  'Limits are taken for unused, and what is said of fee, time, destination and facts for true. Signatures are not looked at.';

/** On what the answer rests. */
function restsOn(decided: DecidedThen | undefined, isAsDecided: boolean, isSupposed: boolean): Line {
  if (!decided) return [faint(SUPPOSED)];
  const { atMs, state, rule } = decided;
  const when = `Signed at ${instant(atMs)}, by ${rule}, under entry ${state.sequence} of the governance log.`;
  const limits = isAsDecided ? ', and what limits had used' : '; limits are taken for unused';
  const options = isSupposed ? ' What options say stands in place of it.' : '';
  return `${when} What was known and stated then is its certificate's, which was verified${limits}.${options}`;
}

/** As the signer would, before it asks any policy. */
function kindOf({ state, situation, asked }: Explained): Outcome<undefined> {
  const { wallet: walletId, chain, destination, tier, kind } = situation;
  const request = { wallet: { walletId, tier }, chain: { chain }, statement: { kind } };
  return checkKinds(asked?.decided?.state ?? state, [{ request, destination }]);
}

export async function explainTransfer(
  given: Given<ExplainOptions>,
  files: readonly string[],
): Promise<Outcome<Answer>> {
  const about = await explainedBy(given);
  if (about.kind === 'refused') return about;
  const { state, asked } = about.value;
  const deciding = decidingBy(files, about.value);
  if (deciding.kind === 'refused') return deciding;
  const onRecord = decidingBy([], about.value);
  if (onRecord.kind === 'refused') return onRecord;
  const labelled = kindOf(about.value);
  if (labelled.kind === 'refused') return labelled;
  const { policies, usage, isAsDecided } = deciding.value;
  const supposed = imaginedFacts(given.options, state, about.value.situation);
  const facts = new Map([...(about.value.situation.facts ?? NO_FACTS), ...supposed]);
  const situation = { ...about.value.situation, facts };
  const said = explainedViewOf(explain(policies, situation, usage));
  const isSaid = supposesKnowledge(given.options);
  const isKnown = isSaid || asked?.decided?.known !== undefined;
  const missing = asked && !isAsDecided ? notLookedUp(policies, situation, isKnown) : [];
  const { record, decided } = asked ?? {};
  return accepted({
    json: { ...said, ...(asked && { record, decidedAtMs: decided?.atMs ?? null, notLookedUp: missing }) },
    lines: [
      ...explainedLines(said, isAsDecided ? 'live' : 'unused'),
      restsOn(decided, isAsDecided, isSaid || supposed.size > 0),
      ...notLookedUpLines(missing),
      ...(record ? recordLines(record, onRecord.value.policies) : []),
    ],
    exit: said.decision === 'refuse' ? EXIT.refused : EXIT.ok,
  });
}
