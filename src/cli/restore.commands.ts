// `portcullis signer restore`: from a lost store to a signer that runs again, step by step. The signer's own half of it
// (`signer record`, `signer restore`) runs on its host; here officers draw up, compare, sign and check what it begins with.

import type { Command } from 'commander';
import { z } from 'zod';
import { accepted, type Outcome, refused } from '../core/fault.js';
import { quorumWords } from '../core/governance/wanted.js';
import { parseUnits } from '../core/money/amount.js';
import {
  MAX_RESTORE_LIFETIME_MS,
  RESTORE_TYPE,
  type RestoredWallet,
  type RestoreStatement,
  restoreBytes,
  verifyRestore,
} from '../core/recovery/restore.js';
import { sha256Hex } from '../core/statements/fields.js';
import { nativeVerifier } from '../platform/native-verifier.js';
import type { Api } from '../sdk/api.js';
import { type RestoreFacts, restoreFacts } from '../sdk/ways-out.js';
import { asOfficer, asOfficerHere, checkOwnKey } from './caller.js';
import type { Answer, CommandLine, Given } from './command-line.js';
import { cliFault } from './exit.js';
import { jsonText, readJson, rewrite, writeNew } from './files.js';
import { type KnownGovernance, newestGovernance } from './governance-log.js';
import { fields, good, type Line, strong } from './lines.js';
import { duration, officerFlags, officerShape, pinFlags, pinShape } from './options.js';
import {
  compareWallet,
  type Finding,
  findingLines,
  nodeFlags,
  nodeShape,
  ownNodes,
  requireSame,
} from './own-node.js';
import { signedByOfficer, signerLines } from './quorum-file.js';
import {
  addressesOf,
  contentRefusal,
  longestWindowMs,
  type RestoreFile,
  readRecord,
  readRestore,
  recordRefusal,
  type SignerRecord,
} from './restore-file.js';
import { refreshCommand } from './restore-refresh.command.js';
import { walk, walkLines } from './restore-walk.js';
import { restoreLines } from './restore-words.js';
import { status } from './status.command.js';
import { coinOf, distance, instant } from './words.js';

const walkOptions = z.object({
  record: z.string().min(1).default('record.json'),
  restore: z.string().min(1).default('restore.json'),
  ask: z.boolean().default(false),
  ...officerShape,
  ...pinShape,
});

async function where(given: Given<z.infer<typeof walkOptions>>): Promise<Outcome<Answer>> {
  const { config, options } = given;
  const files = {
    record: options.record,
    restore: options.restore,
    log: options.log ?? config.log ?? 'governance.json',
  };
  const live = options.ask
    ? await asOfficer(given, async ({ api }) => {
        const seen = await api.get('/v1/status', status);
        if (seen.kind === 'refused') return seen;
        const facts = await api.get('/v1/restore-facts', restoreFacts);
        return facts.kind === 'refused' ? facts : accepted({ status: seen.value, facts: facts.value });
      })
    : undefined;
  if (live?.kind === 'refused') return live;
  const steps = walk(files, options.deployment ?? config.deployment, given.clock.nowMs(), live?.value);
  return accepted({
    json: { files, steps, next: steps.find(({ is }) => is === 'next' || is === 'bad')?.step ?? null },
    lines: walkLines(steps),
  });
}

/** `wallet=value` pairs of an option that may be given for several wallets. */
const byWallet = z
  .array(z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._:@-]{0,63}=[0-9.]{1,40}$/, 'is written WALLET=VALUE'))
  .default([])
  .transform(
    (pairs) =>
      new Map(
        pairs.map((pair): [string, string] => {
          const at = pair.indexOf('=');
          return [pair.slice(0, at), pair.slice(at + 1)];
        }),
      ),
  );

const draftOptions = z.object({
  record: z.string().min(1).exactOptional(),
  sequence: z
    .string()
    .regex(/^(?:0|[1-9][0-9]{0,14})$/, 'a number')
    .exactOptional(),
  hash: sha256Hex.exactOptional(),
  facts: z.string().min(1).exactOptional(),
  nextNonce: byWallet,
  feeCeiling: byWallet,
  expiresIn: duration.refine((ms) => ms <= MAX_RESTORE_LIFETIME_MS, 'at most 24h'),
  out: z.string().min(1),
  ...officerShape,
  ...pinShape,
});
type DraftOptions = z.infer<typeof draftOptions>;

/** The record on the token: what `signer record` printed, or what was read out of it. Faults `arguments-invalid`. */
function recordFrom({ record, sequence, hash }: DraftOptions, deploymentId: string): SignerRecord {
  if (record !== undefined && sequence === undefined && hash === undefined) return readRecord(record);
  if (record === undefined && sequence !== undefined && hash !== undefined) {
    return { deploymentId, sequence: Number.parseInt(sequence, 10), hash };
  }
  throw cliFault('arguments-invalid', 'say --record FILE, or --sequence N and --hash H');
}

/** A wallet as the facts have it, with what officers decided otherwise. Exported for its test. */
export function decided(
  wallet: RestoredWallet,
  { nextNonce, feeCeiling }: Pick<DraftOptions, 'nextNonce' | 'feeCeiling'>,
  { state }: Pick<KnownGovernance, 'state'>,
): RestoredWallet {
  const fee = feeCeiling.get(wallet.walletId);
  const { decimals } = coinOf(wallet.chain, state);
  const refreshFeeCeiling =
    fee === undefined ? wallet.refreshFeeCeiling : parseUnits(fee, decimals).toString();
  const nonce = nextNonce.get(wallet.walletId);
  if (nonce === undefined) return { ...wallet, refreshFeeCeiling };
  if (wallet.family === 'ethereum' && /^[0-9]{1,15}$/.test(nonce)) {
    return { ...wallet, refreshFeeCeiling, nextNonce: Number.parseInt(nonce, 10) };
  }
  throw cliFault(
    'arguments-invalid',
    `--next-nonce ${wallet.walletId}=${nonce}: a nonce of an Ethereum wallet`,
  );
}

async function draft(given: Given<DraftOptions>): Promise<Outcome<Answer>> {
  const { facts } = given.options;
  if (facts !== undefined) {
    return drawnUp(given, readJson(facts, restoreFacts, 'an answer of /v1/restore-facts'), undefined);
  }
  return asOfficer(given, async ({ api }): Promise<Outcome<Answer>> => {
    const answer = await api.get('/v1/restore-facts', restoreFacts);
    return answer.kind === 'refused' ? answer : drawnUp(given, answer.value, api);
  });
}

async function drawnUp(
  given: Given<DraftOptions>,
  facts: RestoreFacts,
  api: Api | undefined,
): Promise<Outcome<Answer>> {
  const { options, clock } = given;
  const governance = await newestGovernance(given, api);
  const { state } = governance;
  const record = recordFrom(options, state.deploymentId);
  const wallets: RestoredWallet[] = [];
  for (const { walletId, wallet, why } of facts.wallets) {
    if (wallet === null) return refused('restore-facts-missing', { walletId, why: why ?? '' });
    wallets.push(decided(wallet, options, governance));
  }
  for (const named of [...options.nextNonce.keys(), ...options.feeCeiling.keys()]) {
    if (!state.wallets.has(named)) throw cliFault('arguments-invalid', `governance has no wallet ${named}`);
  }
  const nowMs = clock.nowMs();
  const statement: RestoreStatement = {
    type: RESTORE_TYPE,
    deploymentId: state.deploymentId,
    governanceSequence: state.sequence,
    governanceHead: state.head,
    lost: { sequence: record.sequence, hash: record.hash },
    wallets,
    createdAtMs: nowMs,
    expiresAtMs: nowMs + options.expiresIn,
  };
  const other = recordRefusal(statement, record, governance.entries);
  if (other.kind === 'refused') return other;
  const refusal = contentRefusal(statement, governance, nowMs);
  if (refusal.kind === 'refused') return refusal;
  writeNew(options.out, jsonText({ statement, signatures: [] } satisfies RestoreFile));
  return accepted({
    json: { file: options.out, statement },
    lines: [
      ...restoreLines(statement, state, longestWindowMs(state), { nowMs, all: false }),
      '',
      [good('Written'), ` to ${options.out}, without signatures. All officers sign this one file.`],
      `  It needs ${quorumWords(state.quorum)}, each: portcullis signer restore sign ${options.out}`,
    ],
  });
}

const signOptions = z.object({
  record: z.string().min(1).exactOptional(),
  all: z.boolean().default(false),
  scanCoins: z.boolean().default(false),
  yes: z.boolean().default(false),
  ...nodeShape,
  ...officerShape,
  ...pinShape,
});
type SignOptions = z.infer<typeof signOptions>;

interface Compared {
  readonly walletId: string;
  readonly findings: readonly Finding[];
}

async function compared(
  { options }: Given<SignOptions>,
  { wallets }: RestoreStatement,
  { state }: KnownGovernance,
): Promise<readonly Compared[]> {
  const nodes = ownNodes(options);
  const all: Compared[] = [];
  for (const wallet of wallets) {
    const addresses = addressesOf(wallet, state);
    const findings = await compareWallet(nodes, wallet, addresses, options.scanCoins);
    all.push({ walletId: wallet.walletId, findings });
  }
  return all;
}

function comparedLines(all: readonly Compared[]): Line[] {
  return all.flatMap(({ walletId, findings }) => [
    [
      strong(walletId),
      findings.length === 0
        ? ': NOT compared with a node of yours; compare it yourself'
        : ' on your own node:',
    ],
    ...findingLines(findings),
  ]);
}

function sign(given: Given<SignOptions>, path: string): Promise<Outcome<Answer>> {
  const file = readRestore(path);
  const { statement } = file;
  const { terminal, options, clock } = given;
  return asOfficerHere(given, async (here): Promise<Outcome<Answer>> => {
    const governance = await newestGovernance(given, here.api);
    const { state } = governance;
    const refusal = contentRefusal(statement, governance, clock.nowMs());
    if (refusal.kind === 'refused') return refusal;
    const other =
      options.record === undefined
        ? undefined
        : recordRefusal(statement, readRecord(options.record), governance.entries);
    if (other?.kind === 'refused') return other;
    const { personId } = await checkOwnKey(here, state);
    const seen = await compared(given, statement, governance);
    const all = seen.flatMap(({ findings }) => findings);
    if (all.some(({ says }) => says === 'differs') && !terminal.json) terminal.tell(comparedLines(seen));
    requireSame(all);
    const shown = { nowMs: clock.nowMs(), all: options.all };
    const lines = [
      ...restoreLines(statement, state, longestWindowMs(state), shown),
      '',
      ...comparedLines(seen),
    ];
    const toSign = { bytes: restoreBytes(statement), signatures: file.signatures, lines, file: path };
    const signatures = [...file.signatures, await signedByOfficer(given, here, state, toSign)];
    rewrite(path, jsonText({ statement, signatures } satisfies RestoreFile));
    return accepted({
      json: { file: path, compared: seen, signatures: signatures.map(({ credentialId }) => credentialId) },
      lines: [
        [good('Signed'), ` by ${personId} with ${here.credentialId}.`],
        ...signerLines(signatures, state),
        `  When there are enough: portcullis signer restore check ${path}`,
      ],
    });
  });
}

const checkOptions = z.object({ record: z.string().min(1).exactOptional(), ...pinShape });

async function check(given: Given<z.infer<typeof checkOptions>>, path: string): Promise<Outcome<Answer>> {
  const { options, config, clock } = given;
  const file = readRestore(path);
  const { statement, signatures } = file;
  const { entries, state } = await newestGovernance(given, undefined);
  const nowMs = clock.nowMs();
  if (options.record !== undefined) {
    const other = recordRefusal(statement, readRecord(options.record), entries);
    if (other.kind === 'refused') return other;
  }
  const verified = verifyRestore(file, entries, state.deploymentId, nativeVerifier, nowMs);
  if (verified.kind === 'refused') return verified;
  const log = options.log ?? config.log ?? 'governance.json';
  const command = `signer restore --config signer.yaml --restore ${path} --log ${log}`;
  return accepted({
    json: { valid: true, lost: statement.lost, expiresAtMs: statement.expiresAtMs, command },
    lines: [
      [good('Valid.'), ' A quorum says so, and the signer will take it.'],
      '',
      ...signerLines(signatures, state),
      ...fields([
        ['goes on from', `entry ${statement.lost.sequence} of the record on the token`],
        ['valid until', `${instant(statement.expiresAtMs)}, ${distance(statement.expiresAtMs, nowMs)}`],
      ]),
      '',
      "  On the signer's host, with the signer stopped and no store there:",
      ['    $ ', strong(command)],
      '    $ signer serve --config signer.yaml',
      `  Then, here: portcullis signer restore refresh ${path}`,
    ],
  });
}

export function restoreCommands(cli: CommandLine): void {
  const signer = cli.group('signer', "The officers' half of what is done to the signer");
  const restore: Command = cli.add(
    signer,
    {
      usage: 'restore',
      summary: 'walk from a lost store of the signer to one that runs again',
      description:
        'Without a step it shows where one stands, from the files that are there, and what is next. It changes nothing. docs/restore.md is the drill.',
      example: 'signer restore',
    },
    [
      ['--record <file>', 'what `signer record` printed; else record.json'],
      ['--restore <file>', 'the statement; else restore.json'],
      ['--ask', 'also ask the API whether the signer runs, and what is left to use up'],
      ...pinFlags,
      ...officerFlags,
    ],
    walkOptions,
    (given) => where(given),
  );

  cli.add(
    restore,
    {
      usage: 'draft',
      summary: 'draw up what the signer begins again with, for officers to sign',
      description:
        'Takes what the chains say now from the orchestrator, or from a file with its answer, and the record on the token from what `signer record` printed. Checks it as the signer will. It lives for a day, and all officers sign the same file. Raise --next-nonce when higher nonces may have been signed than the orchestrator knows of: each costs a transaction.',
      example: 'signer restore draft --record record.json --log governance.json --out restore.json',
    },
    [
      ['--record <file>', "what `signer record` printed on the signer's host"],
      ['--sequence <n>', 'sequence of the record, in place of its file'],
      ['--hash <hash>', 'hash of the record, in place of its file'],
      ['--facts <file>', 'a saved answer of GET /v1/restore-facts, where the API cannot be asked'],
      ['--next-nonce <wallet=n...>', 'first nonce of an Ethereum wallet that may pay again'],
      [
        '--fee-ceiling <wallet=amount...>',
        "most that one refreshing transaction may cost, in the chain's coin",
      ],
      ['--expires-in <time>', 'how long officers and the host have: 90m, 24h', '24h'],
      ['--out <file>', 'where to write it; must not exist'],
      ...pinFlags,
      ...officerFlags,
    ],
    draftOptions,
    (given) => draft(given),
  );

  cli.add(
    restore,
    {
      usage: 'sign <file>',
      summary: 'sign it with your token, after comparing it with a node of your own',
      description:
        'Shows wallet by wallet the block, coins, nonces and fee ceilings, and what becomes dead. With nodes of your own it compares block hash, coins and nonces with them, and signs nothing if one of them differs. Refuses what is not on top of the newest governance log that you know.',
      example:
        'signer restore sign restore.json --bitcoin-rpc http://127.0.0.1:8332 --bitcoin-cookie ~/.bitcoin/.cookie',
    },
    [
      ['--record <file>', 'what `signer record` printed: compared as well'],
      ['--all', 'show every coin'],
      ['--scan-coins', 'have the Bitcoin node look for coins that are left out (Bitcoin Core; minutes)'],
      ['--yes', 'do not ask: a person has looked already'],
      ...nodeFlags,
      ...pinFlags,
      ...officerFlags,
    ],
    signOptions,
    (given, path = '') => sign(given, path),
  );

  cli.add(
    restore,
    {
      usage: 'check <file>',
      summary: "is it signed by enough, and what is run on the signer's host",
      description:
        'Verifies it as the signer will, with nothing running: the log, every wallet, every signature, the quorum, the time. Prints the command for the host.',
      example: 'signer restore check restore.json --log governance.json',
    },
    [['--record <file>', 'what `signer record` printed: compared as well'], ...pinFlags],
    checkOptions,
    (given, path = '') => check(given, path),
  );

  refreshCommand(cli, restore);
}
