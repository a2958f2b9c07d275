// How transfers are shown: a list, one in full, and the lines of one that is followed. Pure.

import { chainWords } from '../core/governance/names.js';
import type { GovernanceState } from '../core/governance/state.js';
import { approvalWords } from '../core/policy/approvals.js';
import type { Transaction, Transfer, TransferSummary } from '../sdk/shapes.js';
import { attention, bad, faint, fields, good, type Line, type Span, strong, table, toned } from './lines.js';
import { address, assetWords, bothUnits, type Coin, coinOf, distance, instant, units } from './words.js';

const BAD_ENDS = ['refused', 'expired', 'cancelled', 'failed', 'void', 'replaced', 'indeterminate'];

export function stateSpan(state: string): Span {
  if (state === 'settled') return good(state);
  if (BAD_ENDS.includes(state)) return bad(state);
  return state === 'awaiting-approvals' ? attention(state) : toned('plain', state);
}

export function listLines(transfers: readonly TransferSummary[], nowMs: number): Line[] {
  if (transfers.length === 0) return ['  There are no transfers like that.'];
  return table(
    ['transfer', 'amount', 'customer', 'received', 'state'],
    transfers.map((one) => [
      one.transferId,
      units(one.amount, one.asset),
      one.customer,
      distance(one.receivedAtMs, nowMs),
      [stateSpan(one.state), faint(` ${one.waitingFor ?? one.reason.code}`)],
    ]),
  );
}

function factWords(facts: Readonly<Record<string, string | number | boolean>>): string {
  const words = Object.entries(facts).map(([name, value]) => `${name} ${value}`);
  return words.length === 0 ? '' : `  ${words.join(', ')}`.slice(0, 160);
}

function transactionLines(transaction: Transaction, coin: Coin): Line[] {
  const { feePaid, blockHeight, confirmations, transactionId, state, maxFee } = transaction;
  return [
    [strong(transactionId ?? 'not signed yet')],
    [
      state,
      faint(
        blockHeight === null
          ? ''
          : `, in block ${blockHeight}, ${confirmations} confirmation${confirmations === 1 ? '' : 's'}`,
      ),
    ],
    feePaid === null ? ['fee at most ', units(maxFee, coin)] : ['fee paid ', units(feePaid, coin)],
  ];
}

/** What was signed stays payable whatever the state says, so it is told for every transfer that is not over on the chain. */
function spendableSpans({ is, transactionIds }: Transfer['spendable']): Span[] {
  if (is === 'maybe')
    return [attention('perhaps'), faint('  the signer was asked, and its answer is not known')];
  return [
    attention('yes'),
    faint(`  by ${transactionIds.join(', ')}, until it or what conflicts with it is buried`),
  ];
}

/** As the service has it: it is no proof here. */
function voidSpans({ basis, voidedAtMs }: { readonly basis: string; readonly voidedAtMs: number }): Span[] {
  return [
    attention(`since ${instant(voidedAtMs)}`),
    faint(`  ${basis}; \`portcullis void\` has the signer's word and verifies it`),
  ];
}

export function transferLines(one: Transfer, nowMs: number, state?: GovernanceState): Line[] {
  const coin = coinOf(one.chain, state, one.asset);
  const { approvals } = one;
  const ended = BAD_ENDS.includes(one.state);
  const given = approvals.given.map(
    ({ personId, verdict, after, atMs }) =>
      `${verdict === 'approve' ? 'approved' : 'rejected'} by ${personId}${after.length === 0 ? '' : ` after ${after.join(', ')}`}, ${distance(atMs, nowMs)}`,
  );
  return [
    ...fields([
      ['transfer', [strong(one.transferId)]],
      [
        'state',
        [
          stateSpan(one.state),
          faint(`  ${one.reason.code}`),
          faint(ended ? factWords(one.reason.facts) : ''),
        ],
      ],
      ...(one.waitingFor === null ? [] : [['waits for', waitingWords(one)] as const]),
      ['pays', bothUnits(one.amount, one.asset)],
      ['to', address(one.destination)],
      ['asset', assetWords(one.asset)],
      ['from wallet', `${one.wallet}, on ${chainWords(one.chain, undefined)}`],
      ['fee at most', units(one.feeCeiling, coin)],
      ['requested by', `${one.requester} with key ${one.keyId}, as ${one.requestId}`],
      ['for customer', one.customer],
      ['received', `${instant(one.receivedAtMs)}, ${distance(one.receivedAtMs, nowMs)}`],
      ['expires', `${instant(one.expiresAtMs)}, ${distance(one.expiresAtMs, nowMs)}`],
      ['rule', one.rule ?? 'not decided yet'],
      ...(approvals.required.length === 0
        ? []
        : [
            [
              'approvals',
              `${approvalWords(approvals.required)}; missing ${approvalWords(approvals.missing) || 'nobody'}`,
              ...given,
            ] as const,
          ]),
      ...(one.spendable.is === 'no' ? [] : [['spendable', spendableSpans(one.spendable)] as const]),
      ...(one.void ? [['void', voidSpans(one.void.statement)] as const] : []),
      ...one.transactions.map((each) => ['transaction', ...transactionLines(each, coin)] as const),
    ]),
    '',
    ...table(
      ['when', 'state', 'why', 'by'],
      one.transitions.map((each) => [
        instant(each.atMs).slice(11, 19),
        [stateSpan(each.to)],
        each.reason.code,
        [faint(each.by)],
      ]),
    ),
  ];
}

/** The hold of a rule with the time until when it lasts, if the signer runs on. */
function waitingWords({ waitingFor, reason: { facts } }: Transfer): string {
  const { heldUntilMs, rule } = facts;
  return waitingFor === 'transfer-held' && typeof heldUntilMs === 'number'
    ? `the hold of ${rule}, until about ${instant(heldUntilMs)}`
    : (waitingFor ?? '');
}

/** What distinguishes one moment of a followed transfer from the next; equal moments are not told twice. */
export function momentOf(one: Transfer): string {
  const newest = one.transactions.at(-1);
  return [
    one.state,
    one.waitingFor ?? '',
    one.approvals.given.length,
    newest?.transactionId ?? '',
    newest?.confirmations ?? 0,
  ].join('/');
}

export function momentLine(one: Transfer, atMs: number, state?: GovernanceState): Line {
  const newest = one.transactions.at(-1);
  const more: string[] = [];
  if (one.state === 'awaiting-approvals') more.push(`missing ${approvalWords(one.approvals.missing)}`);
  if (one.waitingFor !== null) more.push(`waits for ${waitingWords(one)}`);
  if (newest?.transactionId && ['signed', 'broadcast'].includes(one.state)) more.push(newest.transactionId);
  if (one.state === 'confirming' && newest) more.push(`${newest.confirmations} confirmations`);
  if (one.state === 'settled' && newest?.feePaid) {
    more.push(`fee ${units(newest.feePaid, coinOf(one.chain, state, one.asset))}`);
  }
  if (BAD_ENDS.includes(one.state)) more.push(`${one.reason.code}${factWords(one.reason.facts)}`);
  return [
    faint(instant(atMs).slice(11, 19)),
    '  ',
    stateSpan(one.state),
    faint(more.length === 0 ? '' : `  ${more.join(', ')}`),
  ];
}
