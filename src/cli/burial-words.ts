// What an officer reads before signing that what was signed for some transfers is dead. Pure. Made from the statement that
// is signed and from the requests that the backends signed, never from a description.

import { chainWords } from '../core/governance/names.js';
import type { GovernanceState } from '../core/governance/state.js';
import type { BurialStatement } from '../core/recovery/burial.js';
import type { RequestStatement } from '../core/statements/request.js';
import { transferIdFor } from '../sdk/backend.js';
import { attention, bad, faint, fields, grouped, type Line, strong, wrapped } from './lines.js';
import { bothUnits, distance, instant } from './words.js';

function transferLines(request: RequestStatement): Line[] {
  const { customer, requester, keyId, requestId } = request;
  return [
    [strong(transferIdFor(request))],
    bothUnits(request.amount, request.asset),
    ['to ', strong(grouped(request.destination))],
    [faint(`for ${customer}, asked for by ${requester} with key ${keyId}, as ${requestId}`)],
  ];
}

export function burialLines(
  statement: BurialStatement,
  requests: readonly RequestStatement[],
  chain: string,
  state: GovernanceState,
  nowMs: number,
): Line[] {
  const { conflicting, dead, expiresAtMs } = statement;
  return [
    [
      'You are asked to sign that transactions are ',
      strong('DEAD'),
      ': that none of them can ever be mined.',
    ],
    '',
    ...fields([
      ...requests.map(
        (request, index) => [index === 0 ? 'was to pay' : '', ...transferLines(request)] as const,
      ),
      ['dead', ...dead.map((key): Line => [bad(key)])],
      ['in the chain', [strong(conflicting.transactionId)], [faint(conflicting.transactionKey)]],
      ['of', chainWords(chain, state.chains.get(chain))],
      [
        'in block',
        [strong(String(conflicting.blockHeight)), `, ${conflicting.confirmations} deep`],
        [grouped(conflicting.blockHash, 8)],
      ],
      ['drawn up', instant(statement.createdAtMs)],
      ['expires', `${instant(expiresAtMs)}, ${distance(expiresAtMs, nowMs)}`],
      ['governance', statement.governanceHead],
      ['deployment', statement.deploymentId],
    ]),
    '',
    [
      attention('By signing you say:'),
      ' I have seen this transaction in this block, this deep, on a node of my own.',
    ],
    ...wrapped(
      'Then the transfers are paid anew, by other coins or another nonce, while their requests live. If the conflicting transaction is reorganised away and a dead one is mined after all, the customer is paid twice, and no limit and no program stops it.',
    ),
    ...wrapped('Compare the block with your own node: the service that drew this up may be lying.'),
  ];
}
