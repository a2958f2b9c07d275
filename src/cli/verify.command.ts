// `portcullis verify`: decision certificates checked with nothing running, by the code that decided. What cannot be known
// offline is listed as trusted, not left out.

import { z } from 'zod';
import { type CertificateRefusalCode, verifyCertificate } from '../core/certificates/verify.js';
import { accepted, type Outcome, type Refusal } from '../core/fault.js';
import { entryHash, type GovernanceEntry } from '../core/governance/entry.js';
import { nativeVerifier } from '../platform/native-verifier.js';
import { needed } from './cli-config.js';
import type { Answer, CommandLine, Given } from './command-line.js';
import { readEntry } from './entry-file.js';
import { EXIT, type ExitCode } from './exit.js';
import { readJson } from './files.js';
import { readLog } from './governance-log.js';
import { bad, faint, fields, good, type Line, strong, wrapped } from './lines.js';

/** A certificate, a list of them, or the file that the API gives out. Each is parsed by whoever verifies it. */
const file = z.union([
  z.object({ certificates: z.array(z.unknown()).min(1) }).transform(({ certificates }) => certificates),
  z.array(z.unknown()).min(1),
  z.looseObject({}).transform((one): unknown[] => [one]),
]);

/** The evidence is not about the deployment that the person trusts, as opposed to a certificate that is wrong. */
function isMismatch(code: string): boolean {
  return (
    code.startsWith('governance-') ||
    ['certificate-other-deployment', 'certificate-log-too-short'].includes(code)
  );
}

interface Checked {
  readonly file: string;
  readonly index: number;
  readonly outcome: ReturnType<typeof verifyCertificate>;
}

export function exitOf(checked: readonly Checked[]): ExitCode {
  const codes = checked.flatMap(({ outcome }) => (outcome.kind === 'refused' ? [outcome.code] : []));
  if (codes.length === 0) return EXIT.ok;
  return codes.every(isMismatch) ? EXIT.mismatch : EXIT.refused;
}

function refusalLines(name: string, refusal: Refusal<CertificateRefusalCode>): Line[] {
  return [
    [bad('✗'), ' ', strong(name), ': ', bad(refusal.code)],
    ...fields(Object.entries(refusal.facts).map(([key, value]) => [key, String(value)])),
  ];
}

function checkedLines({ file: name, index, outcome }: Checked): Line[] {
  const title = index === 0 ? name : `${name}, certificate ${index + 1}`;
  if (outcome.kind === 'refused') return refusalLines(title, outcome);
  const { proved, trusted, certificate } = outcome.value;
  const items = (sentences: readonly string[], sign: string) =>
    sentences.flatMap((sentence) =>
      wrapped(sentence, 90, '').map((line, at): Line => `${at === 0 ? `  ${sign} ` : '    '}${line}`),
    );
  return [
    [good('✓'), ' ', strong(title), '  ', certificate.transactionId],
    [faint('  proved, from the certificate and the log alone:')],
    ...items(proved, '·'),
    [faint('  taken on trust, since nothing here can check it:')],
    ...items(trusted, '·'),
  ];
}

/** A deployment id, or the file of a genesis entry, whose hash it is. */
function genesisHash(text: string): string {
  const plain = text.replaceAll(/[\s-]/g, '').toLowerCase();
  return /^[0-9a-f]{64}$/.test(plain) ? plain : entryHash(readEntry(text).body);
}

const options = z.object({ genesis: z.string().exactOptional(), log: z.string().exactOptional() });

export function verifyFiles(
  files: readonly string[],
  log: readonly GovernanceEntry[],
  genesis: string,
): Checked[] {
  return files.flatMap((name) =>
    readJson(name, file, 'a certificate').map((certificate, index) => ({
      file: name,
      index,
      outcome: verifyCertificate(certificate, log, genesis, nativeVerifier),
    })),
  );
}

async function verify(given: Given<z.infer<typeof options>>, files: string[]): Promise<Outcome<Answer>> {
  const log = readLog(needed(given.options.log ?? given.config.log, 'log', '--log FILE'));
  const genesis = genesisHash(
    needed(given.options.genesis ?? given.config.deployment, 'deployment', '--genesis FILE or HASH'),
  );
  const checked = verifyFiles(files, log, genesis);
  return accepted({
    json: {
      genesis,
      certificates: checked.map(({ file: name, index, outcome }) =>
        outcome.kind === 'refused'
          ? { file: name, index, valid: false, code: outcome.code, facts: outcome.facts }
          : {
              file: name,
              index,
              valid: true,
              transactionId: outcome.value.certificate.transactionId,
              proved: outcome.value.proved,
              trusted: outcome.value.trusted,
            },
      ),
    },
    lines: checked.flatMap((one, index) => (index === 0 ? checkedLines(one) : ['', ...checkedLines(one)])),
    exit: exitOf(checked),
  });
}

export function verifyCommand(cli: CommandLine): void {
  cli.add(
    cli.program,
    {
      usage: 'verify <file...>',
      summary: 'check decision certificates offline',
      description:
        'Checks certificates against a governance log and the deployment id that you know from elsewhere: replays the log, decodes the signed bytes, verifies the request and every approval, evaluates the policy again. Needs no network. Exit code 0: all hold; 1: one does not; 4: they are about another deployment, or the log does not fit.',
      example: 'verify certificates.json --genesis genesis.json --log governance.json',
    },
    [
      ['--genesis <file or hash>', 'the genesis entry that you trust, or its hash (the deployment id)'],
      ['--log <file>', 'the governance log: `portcullis governance log --out FILE`'],
    ],
    options,
    (given, ...files) => verify(given, files),
  );
}
