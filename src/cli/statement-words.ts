// What an officer is shown before signing: everything that the statement says, in full, in an order that a person checks
// things in. Pure. It shows the statement that will be signed, never a description that came beside it.

import { chainWords } from '../core/governance/names.js';
import type { GovernanceState } from '../core/governance/state.js';
import { approvalDigest, type TransferStatement, type Verdict } from '../core/statements/approval.js';
import { fields, grouped, type Line, strong } from './lines.js';
import { address, bothUnits, coinOf, distance, instant } from './words.js';

/** SHA-256 of the bytes that will be signed. */
export function digestOf(
  verdict: Verdict,
  statement: TransferStatement,
  follows: readonly string[] = [],
): string {
  return Buffer.from(approvalDigest(verdict, statement, follows)).toString('hex');
}

export function statementLines(
  verdict: Verdict,
  statement: TransferStatement,
  state: GovernanceState | undefined,
  nowMs: number,
  follows: readonly string[] = [],
): Line[] {
  const { asset, chain, expiresAtMs } = statement;
  const fee = coinOf(chain, state);
  return [
    [
      'You are asked to ',
      strong(verdict === 'approve' ? 'APPROVE' : 'REJECT'),
      ` this ${statement.kind}. By signing you say: this, and nothing else.`,
    ],
    '',
    ...fields([
      ['pays', bothUnits(statement.amount, asset)],
      ['to', address(statement.destination)],
      ...(asset.kind === 'erc20' ? [['token', grouped(asset.contract)] as const] : []),
      ['from wallet', `${statement.wallet}, on ${chainWords(chain, state?.chains.get(chain))}`],
      ['fee at most', bothUnits(statement.feeCeiling, fee)],
      ['requested by', statement.requester],
      ['for customer', statement.customer],
      ['expires', `${instant(expiresAtMs)}, ${distance(expiresAtMs, nowMs)}`],
      ['transfer', statement.transferId],
      ['request', statement.requestDigest],
      ['policy', statement.policyHash],
      ['governance', statement.governanceHead],
      ['deployment', statement.deploymentId],
      ...(follows.length === 0 ? [] : [['follows', ...follows] as const]),
      ['digest', digestOf(verdict, statement, follows)],
    ]),
  ];
}
