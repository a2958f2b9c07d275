// `portcullis certificate`, `certificates`: the signer's decision certificates, saved for whoever checks them: one a line, each
// in canonical form. Nothing is believed of them here; that is for `verify`.

import { z } from 'zod';
import type { Certificate } from '../core/certificates/certificate.js';
import { accepted, type Outcome } from '../core/fault.js';
import { canonicalJson } from '../core/statements/canonical-json.js';
import type { Api } from '../sdk/api.js';
import { certificateFile, certificatePage } from '../sdk/shapes.js';
import { asAnyone, asOfficer } from './caller.js';
import type { Answer, CommandLine } from './command-line.js';
import { cliFault } from './exit.js';
import { writeNew, writeNewByPiece } from './files.js';
import { good, type Line } from './lines.js';
import { officerFlags, officerShape } from './options.js';
import { transferIdFrom } from './transfer.commands.js';

function certificateLine(certificate: Certificate): string {
  return `${canonicalJson(certificate)}\n`;
}

function savedLine(count: number, out: string): Line {
  return [good('Saved'), ` ${count} certificate${count === 1 ? '' : 's'} in ${out}.`];
}

/** Page by page; faults `api-answer-malformed` where a page does not follow the one before. */
async function saveAll(api: Api, out: string, from: string): Promise<Outcome<Answer>> {
  return writeNewByPiece(out, 0o644, async (append): Promise<Outcome<Answer>> => {
    let count = 0;
    for (let next: number | null = Number(from); next !== null; ) {
      const page: Outcome<z.infer<typeof certificatePage>> = await api.get(
        '/v1/certificates',
        certificatePage,
        { from: `${next}` },
      );
      if (page.kind === 'refused') return page;
      const { certificates, nextFrom }: z.infer<typeof certificatePage> = page.value;
      if (nextFrom !== null && nextFrom <= next) {
        throw cliFault('api-answer-malformed', 'a page of certificates leads back', { from: next });
      }
      for (const certificate of certificates) append(certificateLine(certificate));
      count += certificates.length;
      next = nextFrom;
    }
    return accepted({ json: { file: out, certificates: count }, lines: [savedLine(count, out)] });
  });
}

export function certificateCommands(cli: CommandLine): void {
  cli.add(
    cli.program,
    {
      usage: 'certificate <transfer>',
      summary: "save the signer's decision certificates of a transfer",
      example: 'certificate tr-3f9a1c0b7d2e45863f9a1c0b7d2e45863f9a1c0b --out certificates.json',
    },
    [['--out <file>', 'where to write them; must not exist'], ...officerFlags],
    z.object({ out: z.string().min(1), ...officerShape }),
    (given, id = '') =>
      asAnyone(given, async (api): Promise<Outcome<Answer>> => {
        const { out } = given.options;
        const answer = await api.get(`/v1/transfers/${transferIdFrom(id)}/certificates`, certificateFile);
        if (answer.kind === 'refused') return answer;
        const { certificates } = answer.value;
        writeNew(out, certificates.map(certificateLine).join(''));
        const waiting = certificates.filter(({ attestation }) => attestation === undefined).length;
        return accepted({
          json: { file: out, certificates: certificates.length, attested: certificates.length - waiting },
          lines: [
            savedLine(certificates.length, out),
            ...(waiting === 0
              ? []
              : [`${waiting} of them the signer has not attested yet: it does so soon.`]),
          ],
        });
      }),
  );

  cli.add(
    cli.program,
    {
      usage: 'certificates',
      summary: "save all of the signer's decision certificates",
      description:
        'Certificates of all that the signer has reserved, one a line, in its order. They are counted without a gap: `verify --whole` names each that is missing.',
      example: 'certificates --out all-certificates.jsonl',
    },
    [
      ['--out <file>', 'where to write them; must not exist'],
      ['--from <ordinal>', 'the first one; 1 unless said'],
      ...officerFlags,
    ],
    z.object({
      out: z.string().min(1),
      from: z
        .string()
        .regex(/^[1-9][0-9]{0,14}$/, 'an ordinal')
        .exactOptional(),
      ...officerShape,
    }),
    (given) => asOfficer(given, ({ api }) => saveAll(api, given.options.out, given.options.from ?? '1')),
  );
}
