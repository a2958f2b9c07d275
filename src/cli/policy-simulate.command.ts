// `portcullis policy simulate`: what the service says would become of a transfer that nobody has asked for, by its counters and
// facts as they stand. It is the service's word. Nothing is created, counted or signed.

import { z } from 'zod';
import { accepted, type Outcome } from '../core/fault.js';
import type { GovernanceState } from '../core/governance/state.js';
import type { FactContent } from '../core/facts/fact.js';
import { parseUnits } from '../core/money/amount.js';
import { shareWords } from '../core/policy/shares.js';
import { identifier, transferKind } from '../core/statements/fields.js';
import { requestContent } from '../core/statements/request.js';
import { type ImaginedRequest, type Simulation, simulate } from '../sdk/simulations.js';
import { asOfficer } from './caller.js';
import type { Answer, Given } from './command-line.js';
import { EXIT } from './exit.js';
import { knownGovernance, notPinned } from './governance-log.js';
import { feeOf, otherArgument } from './imagined-transfer.js';
import { attention, bad, faint, type Line, table } from './lines.js';
import { officerShape, pinShape } from './options.js';
import { readDocument } from './policy-documents.js';
import { explainedLines } from './policy-words.js';
import { assetOf, chainOf } from './transfer.commands.js';
import { instant } from './words.js';

export const simulateOptions = z.object({
  wallet: identifier,
  amount: z.string().max(100),
  to: z.string().max(100),
  fee: z.string().max(100),
  kind: transferKind,
  requester: identifier,
  customer: identifier,
  requestKey: identifier.exactOptional(),
  policy: z.array(z.string()).min(1).exactOptional(),
  ...officerShape,
  ...pinShape,
});
type SimulateOptions = z.infer<typeof simulateOptions>;

const content = z.strictObject(requestContent);

/** The first key that speaks for them. Faults `arguments-invalid`. */
function keyFor(requester: string, { requestKeys }: GovernanceState): string {
  const key = [...requestKeys.values()].find(({ owners }) => owners.includes(requester));
  return key?.keyId ?? otherArgument('no request key speaks for this requester', { requester });
}

/** What a request would say. Amounts are exact or refused. Faults `arguments-invalid`. */
function imaginedRequest(options: SimulateOptions, state: GovernanceState): ImaginedRequest {
  const { wallet, to, requester, customer } = options;
  const chain = chainOf(state, wallet);
  const [number = '', symbol = ''] = options.amount.split(' ');
  const asset = assetOf(state, chain, symbol);
  const made = content.safeParse({
    keyId: options.requestKey ?? keyFor(requester, state),
    kind: options.kind,
    chain: chain.chain,
    wallet,
    asset,
    amount: parseUnits(number, asset.decimals).toString(),
    destination: to,
    feeCeiling: feeOf(options.fee, chain.coin).toString(),
    requester,
    customer,
  });
  if (made.success) return made.data;
  const [issue] = made.error.issues;
  return otherArgument(`${issue?.path.join('.') ?? 'transfer'}: ${issue?.message ?? 'not valid'}`, {});
}

/** What a watcher says, shortly. */
function saidWords(said: FactContent): string {
  switch (said.kind) {
    case 'price':
      return `${said.price} ${said.currency}`;
    case 'screening':
      return `${said.result}, risk ${said.riskScore}`;
    case 'balance':
      return `${said.amount} base units`;
    case 'hot-share':
      return shareWords(BigInt(said.basisPoints));
    default:
      return said.kind;
  }
}

function frozenLines({ frozen }: Simulation): readonly Line[] {
  if (frozen === null) return [];
  const { scope, why, sequence } = frozen;
  const what = scope.kind === 'everything' ? 'Everything' : `The wallet ${scope.walletId}`;
  return [
    [
      bad(`${what} is frozen`),
      ` since entry ${sequence}: ${why}. Nothing leaves it until a quorum thaws it.`,
    ],
  ];
}

function simulationLines(said: Simulation): readonly Line[] {
  return [
    ...(said.draft
      ? [[attention('DRAFT: '), 'by documents that are not in force, and counters that are.']]
      : []),
    ...frozenLines(said),
    ...explainedLines(said, 'live'),
    ...(said.wanted.length === 0
      ? []
      : table(
          ['fact', 'watchers say'],
          said.wanted.map((one) => [
            one.subject,
            one.said.map(saidWords).join('; ') || 'nothing that counts',
          ]),
        )),
    ...(said.decision === 'approve' ? [`Approvals of these never count: ${said.excluded.join(', ')}`] : []),
    [
      faint(
        `As the service says of ${instant(said.asOfMs)}. Nothing was counted or reserved. The signer decides by its own counters, and what others ask for meanwhile counts.`,
      ),
    ],
  ];
}

export async function simulateTransfer(given: Given<SimulateOptions>): Promise<Outcome<Answer>> {
  const { options, terminal } = given;
  const draft = options.policy?.map(readDocument);
  return asOfficer(given, async ({ api }): Promise<Outcome<Answer>> => {
    const { state, pinned } = await knownGovernance(given, api);
    if (!pinned) terminal.tell([notPinned()]);
    const answer = await simulate(api, imaginedRequest(options, state), draft);
    if (answer.kind === 'refused') return answer;
    const said = answer.value;
    return accepted({
      json: said,
      lines: simulationLines(said),
      exit: said.decision === 'refuse' ? EXIT.refused : EXIT.ok,
    });
  });
}
