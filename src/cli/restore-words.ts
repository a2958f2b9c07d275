// What an officer reads before signing what a signer begins again with. Pure. Made from the statement that is signed.

import { sha256 } from '@noble/hashes/sha2.js';
import { bytesToHex } from '@noble/hashes/utils.js';
import { chainWords } from '../core/governance/names.js';
import type { GovernanceState } from '../core/governance/state.js';
import type { RestoredWallet, RestoreStatement } from '../core/recovery/restore.js';
import { attention, bad, faint, fields, grouped, type Line, strong, wrapped } from './lines.js';
import { coinOf, distance, instant, units } from './words.js';

const SHOWN_COINS = 3;
const HOUR_MS = 3_600_000;

/** "24 hours", "90 minutes": exact. */
export function span(ms: number): string {
  if (ms % HOUR_MS === 0) return `${ms / HOUR_MS} hour${ms === HOUR_MS ? '' : 's'}`;
  return `${ms / 60_000} minutes`;
}

function coinLines(unspent: readonly string[], all: boolean): Line[] {
  const shown = all ? unspent : unspent.slice(0, SHOWN_COINS);
  const left = unspent.length - shown.length;
  const list = bytesToHex(sha256(new TextEncoder().encode(unspent.toSorted().join('\n'))));
  return [
    [strong(`${unspent.length}`), ' unspent'],
    ...shown.map((outpoint): Line => [faint(outpoint)]),
    ...(left === 0 ? [] : [[faint(`and ${left} more: see --all`)]]),
    ...(unspent.length === 0 ? [] : [[faint('hash of the sorted list  '), grouped(list.slice(0, 16))]]),
  ];
}

function nonceLines({ minedNonces, nextNonce }: Extract<RestoredWallet, { family: 'ethereum' }>): Line[] {
  const count = nextNonce - minedNonces;
  return [
    [
      strong(`${minedNonces}`),
      ` used up on the chain${minedNonces === 0 ? '' : `: 0 to ${minedNonces - 1}`}`,
    ],
    count === 0
      ? [strong('none'), ' to be used up: nobody knows of one that was signed and not mined']
      : [
          strong(`${count}`),
          ` to be used up by payments of nothing to itself: ${minedNonces} to ${nextNonce - 1}`,
        ],
    [strong(`${nextNonce}`), ' is the first that may pay again'],
  ];
}

function walletLines(wallet: RestoredWallet, state: GovernanceState, all: boolean): Line[] {
  const { walletId, chain, block, refreshFeeCeiling } = wallet;
  return fields([
    ['wallet', [strong(walletId), `  on ${chainWords(chain, state.chains.get(chain))}`]],
    ...(wallet.family === 'ethereum' ? [['address', [grouped(wallet.address)]] as const] : []),
    ['as of block', [strong(`${block.height}`)], [grouped(block.hash, 8)]],
    wallet.family === 'bitcoin'
      ? ['coins', ...coinLines(wallet.unspent, all)]
      : ['nonces', ...nonceLines(wallet)],
    [
      'each fee',
      `at most ${units(refreshFeeCeiling, coinOf(chain, state))}, for moving what is above within the wallet`,
    ],
  ]);
}

export function restoreLines(
  statement: RestoreStatement,
  state: GovernanceState,
  windowMs: number,
  { nowMs, all }: { readonly nowMs: number; readonly all: boolean },
): Line[] {
  const { lost, expiresAtMs } = statement;
  return [
    ['You are asked to sign what the signer BEGINS AGAIN with: its own store is ', bad('LOST'), '.'],
    '',
    ...fields([
      ['deployment', statement.deploymentId],
      ['governance', `entry ${statement.governanceSequence}, ${statement.governanceHead}`],
      ['goes on from', [`the record on the token: entry ${lost.sequence}`], [grouped(lost.hash, 8)]],
      ['drawn up', instant(statement.createdAtMs)],
      ['expires', `${instant(expiresAtMs)}, ${distance(expiresAtMs, nowMs)}`],
    ]),
    ...statement.wallets.flatMap((wallet) => ['', ...walletLines(wallet, state, all)]),
    '',
    [attention('What it does')],
    ...[
      'Every request made up to five minutes after the signer takes it is dead: it is never signed, and never voided either. So is every approval of one.',
      `Every limit is exhausted until the signer has run for its window again: ${span(windowMs)} at most.`,
      'What the lost store signed and nobody has seen stays payable until the coins and nonces above are used up and buried.',
      'It serves once, for this record of this token.',
    ].flatMap((sentence) => wrapped(`· ${sentence}`)),
    '',
    [
      attention('By signing you say:'),
      ' I have compared every block hash, the coins and the nonces with a node of MY OWN.',
    ],
    ...wrapped(
      'A coin that is left out, or a next nonce that is too low, lets something that was signed before be paid beside what is signed from now on. The service that drew this up may be lying.',
    ),
  ];
}
