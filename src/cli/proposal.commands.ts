// `portcullis governance proposals` and `proposal`: changes of governance that officers sign through the API. The API keeps and
// passes on; what is signed is shown in words from this machine's own replay of the log, and is refused where it does not
// stand on top of that log.

import type { Command } from 'commander';
import { z } from 'zod';
import { accepted, type Outcome } from '../core/fault.js';
import { draftEntry } from '../core/governance/draft.js';
import { type Change, entryBytes, entryHash } from '../core/governance/entry.js';
import { isSignedBy, verifyEntrySigners } from '../core/governance/quorum.js';
import { type GovernanceState, holderOf } from '../core/governance/state.js';
import { canonicalJson } from '../core/statements/canonical-json.js';
import { sha256Hex } from '../core/statements/fields.js';
import { nativeVerifier } from '../platform/native-verifier.js';
import type { Api } from '../sdk/api.js';
import { type Proposal, type ProposalSummary, proposal, proposalPage } from '../sdk/proposals.js';
import { asOfficer, checkOwnKey } from './caller.js';
import type { Answer, CommandLine, Given } from './command-line.js';
import { entryText, stateAfter } from './entry-file.js';
import { checkPlace, confirmEntry, signersFor, wantedWords } from './entry-signing.js';
import { entryLines } from './entry-words.js';
import { cliFault } from './exit.js';
import { writeNew } from './files.js';
import { type KnownGovernance, needPinned, newestGovernance, replayed } from './governance-log.js';
import { attention, bad, faint, fields, good, type Line, type Span, strong, table } from './lines.js';
import { officerFlags, officerShape, pinFlags, pinShape } from './options.js';
import { instant } from './words.js';

const PROPOSALS = '/v1/governance/proposals';
const SHORT = 8;
const options = z.object({ ...officerShape, ...pinShape });
type Options = z.infer<typeof options>;

/** Bound for a loop over what an API says. */
const MOST_PAGES = 1_000;

/** What a service may call a state that this program does not know is shown as it is. */
function stateWords(state: string): Span {
  if (state === 'accepted') return good(state);
  if (state === 'open' || state === 'complete') return attention(state);
  return faint(state);
}

/** Those that want something, or all; newest first. */
async function listed(api: Api, which: 'open' | 'all'): Promise<Outcome<ProposalSummary[]>> {
  const all: ProposalSummary[] = [];
  let before: string | undefined;
  for (let page = 0; page < MOST_PAGES; page += 1) {
    const answer = await api.get(PROPOSALS, proposalPage, { which, before });
    if (answer.kind === 'refused') return answer;
    all.push(...answer.value.items);
    const { nextBefore } = answer.value;
    if (nextBefore === null || answer.value.items.length === 0) break;
    before = `${nextBefore}`;
  }
  return accepted(all);
}

/** The whole id, or its beginning where that is of one open proposal. Faults `arguments-invalid`. */
async function idOf(api: Api, named: string): Promise<Outcome<string>> {
  const id = named.toLowerCase();
  if (sha256Hex.safeParse(id).success) return accepted(id);
  if (!/^[0-9a-f]{6,63}$/.test(id)) {
    throw cliFault(
      'arguments-invalid',
      `${named} is no proposal id: it has 64 hexadecimal digits, or its first 8`,
    );
  }
  const open = await listed(api, 'open');
  if (open.kind === 'refused') return open;
  const [found, ...others] = open.value.filter(({ proposalId }) => proposalId.startsWith(id));
  if (!found) throw cliFault('arguments-invalid', `no open proposal begins with ${named}`);
  if (others.length > 0)
    throw cliFault('arguments-invalid', `more than one open proposal begins with ${named}`);
  return accepted(found.proposalId);
}

/** Faults `governance-mismatch` when what is served under an id has another hash. */
async function fetched(api: Api, named: string): Promise<Outcome<Proposal>> {
  const id = await idOf(api, named);
  if (id.kind === 'refused') return id;
  const answer = await api.get(`${PROPOSALS}/${id.value}`, proposal);
  return answer.kind === 'refused' ? answer : accepted(checked(answer.value, id.value));
}

function checked(served: Proposal, proposalId: string): Proposal {
  if (served.proposalId === proposalId && entryHash(served.body) === proposalId) return served;
  throw cliFault('governance-mismatch', 'what is served under this id is another entry', {
    asked: proposalId,
    served: entryHash(served.body),
  });
}

/** The state before an entry, from a log that has gone further since. */
function stateAt({ entries, state }: KnownGovernance, sequence: number): GovernanceState {
  return sequence === state.sequence ? state : replayed(entries.slice(0, sequence + 1), undefined).state;
}

/** Each signature that is served, and whether it holds under the roster of this machine's own replay. */
function signatureLines({ body, signatures }: Proposal, state: GovernanceState): Line[] {
  const bytes = entryBytes(body);
  const lines = signatures.map(({ credentialId, signature, atMs }): Line => {
    const holder = holderOf(state, credentialId);
    const holds = holder && isSignedBy(holder.credential, bytes, signature, nativeVerifier);
    const who = `${holder?.person.personId ?? 'nobody of the roster'} (${credentialId})  `;
    return [who, holds ? good('holds') : bad('DOES NOT HOLD'), faint(`  ${instant(atMs)}`)];
  });
  return fields([
    ['signed by', ...(lines.length === 0 ? ['nobody yet'] : lines)],
    ['needed', wantedWords(body, state)],
  ]);
}

function standingLines({
  state,
  proposedBy,
  proposedAtMs,
  redraftOf,
  cancelledAtMs,
  trouble,
}: Proposal): Line[] {
  const words = (about: { readonly code: string; readonly facts: Readonly<Record<string, unknown>> }) =>
    [about.code, ...Object.entries(about.facts).map(([name, value]) => `${name} ${String(value)}`)].join(
      ', ',
    );
  return fields([
    ['it is', [stateWords(state), faint('  as the service says')]],
    ['proposed', `by ${proposedBy}, ${instant(proposedAtMs)}`],
    ...(redraftOf === null ? [] : [['made anew from', redraftOf] as const]),
    ...(cancelledAtMs === null ? [] : [['taken back', instant(cancelledAtMs)] as const]),
    ...(trouble === null ? [] : [['held up by', words(trouble)] as const]),
  ]);
}

/** What it does, in this machine's own words, and where it stands. */
function proposalLines(served: Proposal, known: KnownGovernance): Outcome<Line[]> {
  const { body } = served;
  if (body.deploymentId !== known.state.deploymentId || body.sequence > known.state.sequence + 1) {
    checkPlace(body, known.state);
  }
  const before = stateAt(known, body.sequence - 1);
  checkPlace(body, before);
  const after = stateAfter(body, before);
  if (after.kind === 'refused') return after;
  return accepted([
    ...entryLines(body, before, after.value),
    ...standingLines(served),
    ...signatureLines(served, before),
  ]);
}

function jsonOf(served: Proposal) {
  const {
    proposalId,
    state,
    sequence,
    kind,
    proposedBy,
    signatures,
    body,
    cancelledAtMs,
    trouble,
    redraftOf,
  } = served;
  return {
    proposalId,
    state,
    sequence,
    kind,
    proposedBy,
    redraftOf,
    signatures,
    body,
    cancelledAtMs,
    trouble,
  };
}

/** After a draft: what the API made of the change, which has to be this change on top of this log. */
function draftedAnswer(
  { state }: KnownGovernance,
  asked: Change | undefined,
  served: Proposal,
): Outcome<Answer> {
  const { body, proposalId } = checked(served, served.proposalId);
  checkPlace(body, state);
  if (asked && canonicalJson(body.change) !== canonicalJson(asked)) {
    throw cliFault('governance-mismatch', 'the service has drafted another change than it was asked for', {
      proposalId,
    });
  }
  const after = stateAfter(body, state);
  if (after.kind === 'refused') return after;
  return accepted({
    json: jsonOf(served),
    lines: [
      ...entryLines(body, state, after.value),
      '',
      [good('Proposed.'), ' ', strong(proposalId)],
      `  It needs ${signersFor(body, state)}: portcullis governance proposal sign ${proposalId.slice(0, SHORT)}`,
    ],
  });
}

/** `governance propose` without a file. */
export async function proposeAtApi(given: Given<Options>, change: Change): Promise<Outcome<Answer>> {
  return asOfficer(given, async ({ api }) => {
    const known = await newestGovernance(given, api);
    const possible = draftEntry(known.state, change, given.clock.nowMs());
    if (possible.kind === 'refused') return possible;
    const served = await api.post(PROPOSALS, { change }, proposal);
    return served.kind === 'refused' ? served : draftedAnswer(known, change, served.value);
  });
}

async function list(given: Given<Options & { readonly all: boolean }>): Promise<Outcome<Answer>> {
  return asOfficer(given, async ({ api }) => {
    const found = await listed(api, given.options.all ? 'all' : 'open');
    if (found.kind === 'refused') return found;
    const rows = found.value.map((one): Line[] => [
      [strong(one.proposalId.slice(0, SHORT))],
      `${one.sequence}`,
      one.kind,
      [stateWords(one.state)],
      one.proposedBy,
      one.signedBy.join(', ') || 'nobody',
    ]);
    return accepted({
      json: { proposals: found.value },
      lines:
        rows.length === 0
          ? ['No proposals.']
          : table(['proposal', 'entry', 'change', 'state', 'by', 'signed by'], rows),
    });
  });
}

async function show(
  given: Given<Options & { readonly out?: string }>,
  named: string,
): Promise<Outcome<Answer>> {
  return asOfficer(given, async ({ api }) => {
    const served = await fetched(api, named);
    if (served.kind === 'refused') return served;
    const lines = proposalLines(served.value, needPinned(await newestGovernance(given, api)));
    if (lines.kind === 'refused') return lines;
    const { out } = given.options;
    if (out !== undefined) {
      const signatures = served.value.signatures.map(({ credentialId, signature }) => ({
        credentialId,
        signature,
      }));
      writeNew(out, entryText({ body: served.value.body, signatures }));
    }
    return accepted({
      json: jsonOf(served.value),
      lines: [...lines.value, ...(out === undefined ? [] : ['', [good('Written'), ` to ${out}.`] as const])],
    });
  });
}

function signedLines(after: Proposal, personId: string, state: GovernanceState): Line[] {
  const entry = {
    body: after.body,
    signatures: after.signatures.map(({ credentialId, signature }) => ({ credentialId, signature })),
  };
  const isEnough = verifyEntrySigners(entry, state, nativeVerifier).kind === 'accepted';
  const next = isEnough
    ? after.state === 'accepted'
      ? ' The orchestrator says that the signer has it. To be sure: portcullis governance show.'
      : ` It has all signatures, and the orchestrator says that it is ${after.state}.`
    : ` It needs ${wantedWords(after.body, state)}.`;
  return [[good('Signed'), ` by ${personId}.${next}`], ...signatureLines(after, state)];
}

async function sign(
  given: Given<Options & { readonly yes: boolean }>,
  named: string,
): Promise<Outcome<Answer>> {
  return asOfficer(given, async (call) => {
    const { api, credentialId } = call;
    const served = await fetched(api, named);
    if (served.kind === 'refused') return served;
    const { body, proposalId, signatures } = served.value;
    const known = needPinned(await newestGovernance(given, api));
    checkPlace(body, known.state);
    const { sign: signWith, personId } = await checkOwnKey(call, known.state);
    if (signatures.some((one) => holderOf(known.state, one.credentialId)?.person.personId === personId)) {
      throw cliFault('arguments-invalid', `the proposal has a signature of ${personId} already`, {
        proposalId,
      });
    }
    const lines = proposalLines(served.value, known);
    if (lines.kind === 'refused') return lines;
    await confirmEntry(given, body, lines.value);
    const signature = await signWith(entryBytes(body));
    const after = await api.post(
      `${PROPOSALS}/${proposalId}/signatures`,
      { credentialId, signature },
      proposal,
    );
    if (after.kind === 'refused') return after;
    return accepted({
      json: jsonOf(after.value),
      lines: signedLines(checked(after.value, proposalId), personId, known.state),
    });
  });
}

async function cancel(given: Given<Options>, named: string): Promise<Outcome<Answer>> {
  return asOfficer(given, async ({ api }) => {
    const id = await idOf(api, named);
    if (id.kind === 'refused') return id;
    const answer = await api.post(`${PROPOSALS}/${id.value}/cancel`, undefined, proposal);
    if (answer.kind === 'refused') return answer;
    const { state, signatures } = answer.value;
    return accepted({
      json: jsonOf(answer.value),
      lines: [
        [good('Taken back.'), ` It is ${state}.`],
        ...(signatures.length === 0
          ? []
          : [
              [
                attention('Note: '),
                'it was signed. Those signatures are valid until another entry has its place in the log.',
              ],
            ]),
      ],
    });
  });
}

async function redraft(given: Given<Options>, named: string): Promise<Outcome<Answer>> {
  return asOfficer(given, async ({ api }) => {
    const id = await idOf(api, named);
    if (id.kind === 'refused') return id;
    const earlier = await fetched(api, id.value);
    if (earlier.kind === 'refused') return earlier;
    const answer = await api.post(`${PROPOSALS}/${id.value}/redraft`, undefined, proposal);
    if (answer.kind === 'refused') return answer;
    return draftedAnswer(await newestGovernance(given, api), earlier.value.body.change, answer.value);
  });
}

export function proposalCommands(cli: CommandLine, governance: Command): void {
  cli.add(
    governance,
    {
      usage: 'proposals',
      summary: 'list what officers are asked to sign',
      example: 'governance proposals --config alice.yaml',
    },
    [['--all', 'also those that are over'], ...officerFlags],
    z.object({ ...options.shape, all: z.boolean().default(false) }),
    list,
  );

  const one = cli.group('proposal', 'Read, sign and take back one proposal', governance);
  const flags = [...pinFlags, ...officerFlags];
  cli.add(
    one,
    {
      usage: 'show <proposal>',
      summary: 'show what a proposal does, who signed it and where it stands',
      description:
        'The words come from your own replay of the log, and each signature is verified here. With --out the entry is saved with its signatures, for `governance sign` and `governance submit`.',
      example: 'governance proposal show 3f9a1c0b --config alice.yaml',
    },
    [['--out <file>', 'save the entry with its signatures; must not exist'], ...flags],
    z.object({ ...options.shape, out: z.string().min(1).exactOptional() }),
    (given, named = '') => show(given, named),
  );
  cli.add(
    one,
    {
      usage: 'sign <proposal>',
      summary: 'sign a proposal with your token, after showing what it does',
      description:
        'Fetches the entry, checks that it stands on top of the log that you know, shows in words of this machine what it does, asks, and signs its bytes with your token. The last signature that it needs has it handed to the signer.',
      example: 'governance proposal sign 3f9a1c0b --config alice.yaml',
    },
    [['--yes', 'do not ask: a person has looked already'], ...flags],
    z.object({ ...options.shape, yes: z.boolean().default(false) }),
    (given, named = '') => sign(given, named),
  );
  cli.add(
    one,
    {
      usage: 'cancel <proposal>',
      summary: 'take back a proposal of yours',
      description:
        'It is not shown as open any more. Signatures that were given stay valid until another entry has its place in the log.',
      example: 'governance proposal cancel 3f9a1c0b --config alice.yaml',
    },
    officerFlags,
    options,
    (given, named = '') => cancel(given, named),
  );
  cli.add(
    one,
    {
      usage: 'redraft <proposal>',
      summary: 'propose the same change anew, on top of the newest entry',
      description:
        'For a proposal that another entry has superseded or that was taken back. It is to be signed anew.',
      example: 'governance proposal redraft 3f9a… --config alice.yaml',
    },
    flags,
    options,
    (given, named = '') => redraft(given, named),
  );
}
