// `portcullis verify`: decision certificates checked with nothing running, by the code that decided. What cannot be known
// offline is listed as trusted, not left out.

import { z } from 'zod';
import {
  type Checked,
  checkDossier,
  type Dossier,
  EXIT_OF_VERDICT,
  genesisHashIn,
} from '../core/certificates/dossier.js';
import { chainSaid, reportValue, subjectOf, titleOf } from '../core/certificates/report.js';
import { accepted, type Outcome, type Refusal } from '../core/fault.js';
import type { GovernanceEntry } from '../core/governance/entry.js';
import { nativeVerifier } from '../platform/native-verifier.js';
import { needed } from './cli-config.js';
import type { Answer, CommandLine, Given } from './command-line.js';
import { cliFault, type ExitCode } from './exit.js';
import { readText } from './files.js';
import { readLog } from './governance-log.js';
import { bad, faint, fields, good, type Line, strong, wrapped } from './lines.js';

function refusalLines(name: string, refusal: Refusal): Line[] {
  return [
    [bad('✗'), ' ', strong(name), ': ', bad(refusal.code)],
    ...fields(Object.entries(refusal.facts).map(([key, value]) => [key, String(value)])),
  ];
}

function items(sentences: readonly string[], sign: string): Line[] {
  return sentences.flatMap((sentence) =>
    wrapped(sentence, 90, '').map((line, at): Line => `${at === 0 ? `  ${sign} ` : '    '}${line}`),
  );
}

function found(proved: readonly string[], trusted: readonly string[]): Line[] {
  return [
    ...(proved.length === 0 ? [] : [[faint('  proved, from the certificate and the log alone:')]]),
    ...items(proved, '·'),
    ...(trusted.length === 0 ? [] : [[faint('  taken on trust, since nothing here can check it:')]]),
    ...items(trusted, '·'),
  ];
}

function checkedLines(checked: Checked): Line[] {
  const { outcome } = checked;
  if (outcome.kind === 'refused') return refusalLines(titleOf(checked), outcome);
  const { proved, trusted } = outcome.value;
  const mark = outcome.value.otherRules ? bad('?') : good('✓');
  return [[mark, ' ', strong(titleOf(checked)), '  ', subjectOf(checked)], ...found(proved, trusted)];
}

function chainLines(dossier: Dossier, whole: boolean): Line[] {
  const { chain } = dossier;
  const title = 'the certificates among each other';
  if (chain.kind === 'refused') return ['', ...refusalLines(title, chain)];
  const words = chainSaid(dossier, whole);
  if (!words) return [];
  const isWhole = words.missing.length === 0;
  return [
    '',
    [isWhole ? good('✓') : bad('✗'), ' ', strong(title)],
    ...found(words.proved, words.trusted),
    ...(isWhole ? [] : [[faint('  missing:')]]),
    ...items(words.missing, '·'),
  ];
}

/** Faults `file-unreadable`, `file-malformed`. */
function genesisHash(named: string): string {
  const hash = genesisHashIn(named) ?? genesisHashIn(readText(named));
  if (hash !== undefined) return hash;
  throw cliFault('file-malformed', `${named} is no genesis entry`, { path: named });
}

const options = z.object({
  genesis: z.string().exactOptional(),
  log: z.string().exactOptional(),
  whole: z.boolean().exactOptional(),
});

function read(files: readonly string[]) {
  return files.map((name) => ({ name, text: readText(name) }));
}

/** What the files come to, and how `verify` ends for it. Faults `file-unreadable`. */
export function exitOn(
  files: readonly string[],
  log: readonly GovernanceEntry[],
  genesis: string,
  whole = false,
): Dossier & { readonly exit: ExitCode } {
  const evidence = { log, genesisHash: genesis, verifier: nativeVerifier };
  const dossier = checkDossier(read(files), evidence, whole);
  return { ...dossier, exit: EXIT_OF_VERDICT[dossier.verdict] };
}

async function verify(given: Given<z.infer<typeof options>>, files: string[]): Promise<Outcome<Answer>> {
  const log = readLog(needed(given.options.log ?? given.config.log, 'log', '--log FILE'));
  const genesis = genesisHash(
    needed(given.options.genesis ?? given.config.deployment, 'deployment', '--genesis FILE or HASH'),
  );
  const whole = given.options.whole ?? false;
  const dossier = exitOn(files, log, genesis, whole);
  const { checked, exit } = dossier;
  return accepted({
    json: reportValue(dossier, genesis),
    lines: [
      ...checked.flatMap((one, index) => (index === 0 ? checkedLines(one) : ['', ...checkedLines(one)])),
      ...chainLines(dossier, whole),
    ],
    exit,
  });
}

export function verifyCommand(cli: CommandLine): void {
  cli.add(
    cli.program,
    {
      usage: 'verify <file...>',
      summary: 'check decision certificates offline',
      description:
        'Checks certificates against a governance log and the deployment id that you know from elsewhere: replays the log, decodes the signed bytes, verifies the request and every approval, evaluates the policy again, checks that the signer attests it, and looks for gaps among them. Needs no network. Exit code 0: all of it holds; 1: something does not; 2: a file is no certificate; 4: they are about another deployment, or the log does not fit; 8: with --whole, some are missing, or from before they may have been signed; 9: all holds, and the signer has not attested one yet; 10: one was decided by rules of another version than this program has, and everything else holds.',
      example: 'verify certificates.json --genesis genesis.json --log governance.json',
    },
    [
      ['--genesis <file or hash>', 'the genesis entry that you trust, or its hash (the deployment id)'],
      ['--log <file>', 'the governance log: `portcullis governance log --out FILE`'],
      ['--whole', 'the files are all certificates that there are: each that is missing is named'],
    ],
    options,
    (given, ...files) => verify(given, files),
  );
}
