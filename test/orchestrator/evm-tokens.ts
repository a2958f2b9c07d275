// Contracts that do not do what they should, for tests: assembled here from EVM instructions, since a compiler is not
// among the parts that this project can have. Put in place with `anvil_setCode`; they keep no balances.

import { id } from 'ethers';

/** Opcodes that are used here; Yellow Paper, appendix H. */
const OPCODES = {
  STOP: '00',
  SUB: '03',
  DIV: '04',
  EQ: '14',
  SHR: '1c',
  ADDRESS: '30',
  CALLER: '33',
  CALLDATALOAD: '35',
  MSTORE: '52',
  SLOAD: '54',
  JUMPI: '57',
  JUMPDEST: '5b',
  DUP1: '80',
  LOG3: 'a3',
  RETURN: 'f3',
  REVERT: 'fd',
} as const;

type Instruction =
  | keyof typeof OPCODES
  /** PUSH of so many bytes of hex. */
  | { readonly push: string }
  | { readonly label: string }
  | { readonly pushLabel: string };

/** Two bytes for every jump target keep the layout independent of where labels are. */
function assemble(program: readonly Instruction[]): string {
  const places = new Map<string, number>();
  let at = 0;
  for (const one of program) {
    if (typeof one === 'string') at += 1;
    else if ('push' in one) at += 1 + one.push.length / 2;
    else if ('pushLabel' in one) at += 3;
    else {
      places.set(one.label, at);
      at += 1;
    }
  }
  const bytes = program.map((one) => {
    if (typeof one === 'string') return OPCODES[one];
    if ('push' in one) return `${(0x5f + one.push.length / 2).toString(16)}${one.push}`;
    if ('label' in one) return OPCODES.JUMPDEST;
    return `61${(places.get(one.pushLabel) ?? 0).toString(16).padStart(4, '0')}`;
  });
  return `0x${bytes.join('')}`;
}

const selector = (signature: string): Instruction => ({ push: id(signature).slice(2, 10) });
const TRANSFER_EVENT: Instruction = { push: id('Transfer(address,address,uint256)').slice(2) };
const ZERO: Instruction = { push: '00' };
const WORD: Instruction = { push: '20' };
/** First and second argument of the call. */
const RECIPIENT: readonly Instruction[] = [{ push: '04' }, 'CALLDATALOAD'];
const AMOUNT: readonly Instruction[] = [{ push: '24' }, 'CALLDATALOAD'];
/** A hundredth of the amount. */
const FEE: readonly Instruction[] = [{ push: '64' }, ...AMOUNT, 'DIV'];
const AMOUNT_LESS_FEE: readonly Instruction[] = [...FEE, ...AMOUNT, 'SUB'];

/** Transfer(caller, `to`, `units`), where both leave one word on the stack. */
const transferLog = (to: readonly Instruction[], units: readonly Instruction[]): readonly Instruction[] => [
  ...units,
  ZERO,
  'MSTORE',
  ...to,
  'CALLER',
  TRANSFER_EVENT,
  WORD,
  ZERO,
  'LOG3',
];
const returnWord = (value: string): readonly Instruction[] => [
  { push: value },
  ZERO,
  'MSTORE',
  WORD,
  ZERO,
  'RETURN',
];

/** A token on which everybody always holds 10^24 units, and whose `transfer` does as told here. */
function token(transfer: readonly Instruction[]): string {
  return assemble([
    ZERO,
    'CALLDATALOAD',
    { push: 'e0' },
    'SHR',
    'DUP1',
    selector('balanceOf(address)'),
    'EQ',
    { pushLabel: 'balanceOf' },
    'JUMPI',
    selector('transfer(address,uint256)'),
    'EQ',
    { pushLabel: 'transfer' },
    'JUMPI',
    ZERO,
    ZERO,
    'REVERT',
    { label: 'balanceOf' },
    ...returnWord((10n ** 24n).toString(16).padStart(22, '0')),
    { label: 'transfer' },
    ...transfer,
  ]);
}

/** Answers false and moves nothing, as some tokens do where others revert. */
export const FALSE_TOKEN = token(returnWord('00'));
/** Answers true and says nothing. */
export const SILENT_TOKEN = token(returnWord('01'));
/** Keeps a hundredth of what is sent, and says so. */
export const FEE_TAKING_TOKEN = token([
  ...transferLog(RECIPIENT, AMOUNT_LESS_FEE),
  ...transferLog(['ADDRESS'], FEE),
  ...returnWord('01'),
]);
/** Sends the exact amount, and takes a hundredth of it besides. */
export const FEE_ADDING_TOKEN = token([
  ...transferLog(RECIPIENT, AMOUNT),
  ...transferLog(['ADDRESS'], FEE),
  ...returnWord('01'),
]);
/** Writes the exact log, and returns nothing at all, as some old and widely used tokens do. */
export const MUTE_TOKEN = token([...transferLog(RECIPIENT, AMOUNT), 'STOP']);

/** Takes ether unless its storage slot 0 is set. */
export const MOODY_RECIPIENT = assemble([
  ZERO,
  'SLOAD',
  { pushLabel: 'refuse' },
  'JUMPI',
  'STOP',
  { label: 'refuse' },
  ZERO,
  ZERO,
  'REVERT',
]);
