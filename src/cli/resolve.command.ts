// `portcullis resolve`: what an officer does about a transfer whose outcome no program can know.

import { z } from 'zod';
import { accepted, type Outcome } from '../core/fault.js';
import { transfer } from '../sdk/shapes.js';
import { asOfficer } from './caller.js';
import type { Answer, CommandLine } from './command-line.js';
import { strong } from './lines.js';
import { officerFlags, officerShape } from './options.js';
import { transferIdFrom } from './transfer.commands.js';
import { stateSpan } from './transfer-words.js';

export function resolveCommand(cli: CommandLine): void {
  cli.add(
    cli.program,
    {
      usage: 'resolve <transfer>',
      summary: 'say what becomes of an indeterminate transfer',
      description:
        'A signature for it was or may have been made, and nobody knows the outcome. First have the signer asked again (ask-signer), which is harmless. If that does not help, find out on the chain and from the signer, and record it (paid or not-paid, with a note): then only the books change.',
      example: 'resolve tr-3f9a1c0b7d2e45863f9a1c0b7d2e45863f9a1c0b --how ask-signer',
    },
    [
      ['--how <way>', 'ask-signer, paid, or not-paid'],
      ['--note <text>', 'how you know, for paid and not-paid: printable ASCII, at most 200 characters'],
      ...officerFlags,
    ],
    z
      .object({
        how: z.enum(['ask-signer', 'paid', 'not-paid']),
        note: z.string().max(200).exactOptional(),
        ...officerShape,
      })
      .refine(({ how, note }) => (how === 'ask-signer') === (note === undefined), {
        path: ['note'],
        message: 'belongs to paid and not-paid, and to nothing else',
      }),
    (given, id = '') =>
      asOfficer(given, async ({ api }): Promise<Outcome<Answer>> => {
        const transferId = transferIdFrom(id);
        const { how, note } = given.options;
        const body = note === undefined ? { how } : { how, note };
        const answer = await api.post(`/v1/transfers/${transferId}/resolve`, body, transfer);
        if (answer.kind === 'refused') return answer;
        return accepted({
          json: answer.value,
          lines: [['Transfer ', strong(transferId), ' is now: ', stateSpan(answer.value.state)]],
        });
      }),
  );
}
