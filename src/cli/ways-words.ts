// What is known of a transfer and which ways lead on, as the person reads it who has to choose. Pure. What happened is the
// service's word and shown as that; what a wrong choice costs is said here, so that no service can leave it out.

import type { WaysOut } from '../sdk/ways-out.js';
import { attention, bad, faint, fields, good, type Line, strong, wrapped } from './lines.js';
import { stateSpan } from './transfer-words.js';
import { instant } from './words.js';

interface Way {
  readonly title: string;
  /** What it does, and what it costs to be wrong. */
  readonly cost: string;
  /** Without the program's name. */
  readonly commands: (transferId: string) => readonly string[];
}

/** In the order in which a careful person tries them. */
export const WAYS: Readonly<Record<string, Way>> = {
  wait: {
    title: 'wait',
    cost: 'Nothing is lost by it. What was signed stays payable meanwhile.',
    commands: (id) => [`follow ${id}`],
  },
  'ask-signer': {
    title: 'ask the signer again',
    cost: 'Harmless: the same bytes get the same answer. The transfer may then be paid, if its request still lives.',
    commands: (id) => [`resolve ${id} --how ask-signer`],
  },
  void: {
    title: "have the signer's void",
    cost: 'The request is dead for good, and that cannot be taken back. It costs no money: the signer gives no void of what it has signed.',
    commands: (id) => [`void ${id} --out ${id}.void.json`],
  },
  'cancel-on-chain': {
    title: 'outbid it on the chain',
    cost: 'A fee, which is gone. One of the two is mined, and it may still be the payment: whoever pays the customer anew before the cancel is buried may pay twice.',
    commands: (id) => [`resolve ${id} --cancel-on-chain`],
  },
  bury: {
    title: 'take what was signed for dead',
    cost: 'Needs a quorum of officers. The transfer is paid anew. If the conflicting transaction is reorganised away and a dead one is mined after all, the customer is paid twice.',
    commands: (id) => [
      `burial draft ${id} --out burial.json`,
      'burial sign burial.json',
      'burial submit burial.json',
    ],
  },
  'record-paid': {
    title: 'record that it was paid',
    cost: 'Changes the books alone. If it was not paid, the customer waits for money that never comes.',
    commands: (id) => [`resolve ${id} --how paid --note "how you know"`],
  },
  'record-not-paid': {
    title: 'record that it was not paid',
    cost: 'Changes the books alone; nothing that was signed dies by it. If the customer is paid anew and the old payment is broadcast later, they are paid twice. The void is the safe way.',
    commands: (id) => [`resolve ${id} --how not-paid --note "how you know"`],
  },
};

type Known = WaysOut['transactions'][number];

function chainWords({ chain, signerState }: Known): Line[] {
  if (chain === null)
    return [[faint('the chain: '), signerState === 'signed' ? 'not looked at' : 'nothing to look for']];
  const { kind, blockHeight, blockHash, confirmations, conflictingBy, why } = chain;
  const place =
    blockHeight === null
      ? ''
      : `, block ${blockHeight}${confirmations === null ? '' : `, ${confirmations} deep`}`;
  return [
    [faint('the chain: '), strong(kind), place, faint(why === null ? '' : `  ${why}`)],
    ...(blockHash === null ? [] : [[faint(`  ${blockHash}`)]]),
    ...(conflictingBy === null ? [] : [[faint('  in its place: '), conflictingBy]]),
  ];
}

function transactionLines(known: Known): Line[] {
  const { transactionId, transactionKey, purpose, state, signerState } = known;
  return [
    [strong(transactionId ?? transactionKey ?? 'not built yet'), faint(`  ${purpose}`)],
    [
      faint('the signer: '),
      signerState ?? 'says nothing of it',
      faint('   the books: '),
      state ?? 'do not have it',
    ],
    ...chainWords(known),
  ];
}

/** The transfers that stand and fall with this one. */
export function togetherOf({ transferId, transactions }: WaysOut): readonly string[] {
  return [...new Set([transferId, ...transactions.flatMap(({ transferIds }) => transferIds)])];
}

function wayLines({ way, open, why }: WaysOut['ways'][number], transferId: string): Line[] {
  const known = WAYS[way];
  if (known === undefined) return [];
  if (!open) return [[faint(`  ✗ ${known.title}: `), faint(why)]];
  return [
    [good('  → '), strong(known.title)],
    ...wrapped(why, 88, '      '),
    ...wrapped(known.cost, 88, '      '),
    ...known.commands(transferId).map((command): Line => ['      $ ', strong(`portcullis ${command}`)]),
  ];
}

export function waysLines(known: WaysOut): Line[] {
  const { transferId, state, signer, asOfMs, transactions, ways } = known;
  const others = togetherOf(known).filter((id) => id !== transferId);
  return [
    ...fields([
      ['transfer', [strong(transferId)]],
      ['the books', [stateSpan(state)]],
      [
        'the signer',
        signer === null
          ? [bad('does not answer'), faint('  what it has signed is not known')]
          : [strong(signer.state)],
      ],
      ['as of', instant(asOfMs)],
      ...(others.length === 0 ? [] : [['together with', ...others] as const]),
      ...transactions.map((one) => ['transaction', ...transactionLines(one)] as const),
    ]),
    '',
    [
      attention('Ways that are open'),
      faint('  The signer and the chain decide; this is what the service knows.'),
    ],
    ...ways.filter(({ open }) => open).flatMap((way) => ['', ...wayLines(way, transferId)]),
    '',
    [faint('Ways that are not:')],
    ...ways.filter(({ open }) => !open).flatMap((way) => wayLines(way, transferId)),
  ];
}
