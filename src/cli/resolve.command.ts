// `portcullis resolve`: the guided way out for a transfer that does not go on by itself, or whose outcome no program can
// know. Without a choice it shows what is known and changes nothing.

import { z } from 'zod';
import { accepted, type Outcome } from '../core/fault.js';
import type { Api } from '../sdk/api.js';
import { transfer } from '../sdk/shapes.js';
import { cancelAnswer, waysOut } from '../sdk/ways-out.js';
import { asOfficer } from './caller.js';
import type { Answer, CommandLine, Given } from './command-line.js';
import { cliFault } from './exit.js';
import { configuredState } from './governance-log.js';
import { attention, good, strong, wrapped } from './lines.js';
import { officerFlags, officerShape } from './options.js';
import { transferIdFrom } from './transfer.commands.js';
import { stateSpan } from './transfer-words.js';
import { togetherOf, WAYS, waysLines } from './ways-words.js';
import { coinOf, units } from './words.js';

const options = z
  .object({
    how: z.enum(['ask-signer', 'paid', 'not-paid']).exactOptional(),
    note: z.string().max(200).exactOptional(),
    cancelOnChain: z.boolean().default(false),
    yes: z.boolean().default(false),
    ...officerShape,
  })
  .refine(({ how, note }) => (how === 'paid' || how === 'not-paid') === (note !== undefined), {
    path: ['note'],
    message: 'belongs to paid and not-paid, and to nothing else',
  })
  .refine(({ how, cancelOnChain }) => how === undefined || !cancelOnChain, {
    path: ['cancelOnChain'],
    message: 'is a way of its own: leave out --how',
  });
type Options = z.infer<typeof options>;

async function guide(api: Api, transferId: string): Promise<Outcome<Answer>> {
  const answer = await api.get(`/v1/transfers/${transferId}/ways-out`, waysOut);
  if (answer.kind === 'refused') return answer;
  const commands = Object.fromEntries(
    answer.value.ways
      .filter(({ open }) => open)
      .map(({ way }) => [
        way,
        WAYS[way]?.commands(transferId).map((command) => `portcullis ${command}`) ?? [],
      ]),
  );
  return accepted({ json: { ...answer.value, commands }, lines: waysLines(answer.value) });
}

async function record(api: Api, transferId: string, { how, note }: Options): Promise<Outcome<Answer>> {
  const body = note === undefined ? { how } : { how, note };
  const answer = await api.post(`/v1/transfers/${transferId}/resolve`, body, transfer);
  if (answer.kind === 'refused') return answer;
  return accepted({
    json: answer.value,
    lines: [['Transfer ', strong(transferId), ' is now: ', stateSpan(answer.value.state)]],
  });
}

/** Everything that the cancel would end is shown before it is asked for: a batch goes together. */
async function cancelOnChain(given: Given<Options>, api: Api, transferId: string): Promise<Outcome<Answer>> {
  const known = await api.get(`/v1/transfers/${transferId}/ways-out`, waysOut);
  if (known.kind === 'refused') return known;
  const together = togetherOf(known.value);
  given.terminal.tell([
    [attention('A cancel on the chain'), ' ends, if it is mined before the payment:'],
    ...together.map((id) => `  ${id}`),
    ...wrapped(WAYS['cancel-on-chain']?.cost ?? ''),
    '',
  ]);
  if (!given.options.yes) {
    const wanted = transferId.slice(-6);
    const typed = await given.terminal.ask(
      "To have it signed and sent, type the transfer's last 6 characters: ",
    );
    if (typed !== wanted) throw cliFault('not-confirmed', 'that is not how the transfer ends');
  }
  const answer = await api.post(`/v1/transfers/${transferId}/cancel-on-chain`, undefined, cancelAnswer);
  if (answer.kind === 'refused') return answer;
  const shown = await api.get(`/v1/transfers/${transferId}`, transfer);
  const coin =
    shown.kind === 'refused'
      ? undefined
      : coinOf(shown.value.chain, configuredState(given), shown.value.asset);
  const { maxFee, again } = answer.value;
  return accepted({
    json: answer.value,
    lines: [
      [
        good(again ? 'A cancel is on its way already' : 'Planned'),
        `, for at most ${coin === undefined ? maxFee : units(maxFee, coin)} in fees.`,
      ],
      `  What becomes of it: portcullis resolve ${transferId}`,
      '  Until the cancel is buried, the payment may still be mined: pay nobody anew.',
    ],
  });
}

export function resolveCommand(cli: CommandLine): void {
  cli.add(
    cli.program,
    {
      usage: 'resolve <transfer>',
      summary: 'show which ways lead on from a transfer that is stuck, and take one',
      description:
        "Without a choice it shows what is known (the signer's record, each transaction and what the chain says, the books), which ways are open and why not the others, what a wrong choice would cost, and the exact command for each way. It changes nothing then. --how asks the signer again, which is harmless, or records what people found out (paid or not-paid, with a note): then only the books change. --cancel-on-chain outbids what was signed by a payment of the wallet to itself.",
      example: 'resolve tr-3f9a1c0b7d2e45863f9a1c0b7d2e45863f9a1c0b',
    },
    [
      ['--how <way>', 'ask-signer, paid, or not-paid'],
      ['--note <text>', 'how you know, for paid and not-paid: printable ASCII, at most 200 characters'],
      ['--cancel-on-chain', 'outbid what was signed for it by a payment of the wallet to itself'],
      ['--yes', 'do not ask before a cancel: a person has looked already'],
      ...officerFlags,
    ],
    options,
    (given, id = '') =>
      asOfficer(given, async ({ api }): Promise<Outcome<Answer>> => {
        const transferId = transferIdFrom(id);
        if (given.options.cancelOnChain) return cancelOnChain(given, api, transferId);
        return given.options.how === undefined
          ? guide(api, transferId)
          : record(api, transferId, given.options);
      }),
  );
}
