// `portcullis policy`: what is wrong with policy documents, and what they would say of a transfer, before anybody signs them.
// Governance comes from a log in a file, and everything else from the same code that decides in the signer. Offline.

import { basename } from 'node:path';
import { z } from 'zod';
import { type Certificate, decisionsOf } from '../core/certificates/certificate.js';
import { knownFrom } from '../core/certificates/decision.js';
import { knownThen as factsThen } from '../core/facts/verify.js';
import { accepted, type Outcome } from '../core/fault.js';
import { type Chain, type PolicyDocument, policyDocument, type Wallet } from '../core/governance/entry.js';
import { tierOfAddress } from '../core/governance/known-addresses.js';
import type { GovernanceState } from '../core/governance/state.js';
import { parseUnits } from '../core/money/amount.js';
import { approvalWords } from '../core/policy/approvals.js';
import { type Explanation, explain } from '../core/policy/decide.js';
import { durationWords } from '../core/policy/durations.js';
import { parsePolicies } from '../core/policy/parse.js';
import { type PastDecision, replayPast } from '../core/policy/replay-past.js';
import type { Known, Policy, PolicySet, Situation } from '../core/policy/types.js';
import {
  type RequestStatement,
  requestDigest,
  transferId,
  transferIdOf,
} from '../core/statements/request.js';
import { type Transfer, transfer } from '../sdk/shapes.js';
import { readRequest } from '../sdk/ways-out.js';
import { asAnyone } from './caller.js';
import { needed } from './cli-config.js';
import type { Answer, CommandLine, Given } from './command-line.js';
import { cliFault, EXIT } from './exit.js';
import { readText } from './files.js';
import { knownGovernance, readLog, replayed } from './governance-log.js';
import { attention, bad, faint, good, type Line, strong, table } from './lines.js';
import { officerFlags, officerShape } from './options.js';
import { verifyFiles } from './verify.command.js';
import { instant } from './words.js';

const HOUR_MS = 3_600_000;
const NAME = /\.policy\.ya?ml$|\.ya?ml$/;

/** Named after its file, as the shipped ones are. Faults `file-unreadable`, `file-malformed`. */
function readDocument(path: string): PolicyDocument {
  const lines = readText(path).replace(/\n$/, '').split('\n');
  const parsed = policyDocument.safeParse({ name: basename(path).replace(NAME, ''), lines });
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  const line =
    issue?.path[0] === 'lines' && typeof issue.path[1] === 'number' ? issue.path[1] + 1 : undefined;
  throw cliFault(
    'file-malformed',
    `${path} is no policy document: ${line === undefined ? 'its name or its length' : `line ${line} is too long, or not printable ASCII`}`,
    { path },
  );
}

const logOption = { log: z.string().exactOptional() };
const LOG_FLAG = ['--log <file>', 'the governance log: `portcullis governance log --out FILE`'] as const;

function stateFrom({ options, config }: Given<{ readonly log?: string }>): GovernanceState {
  const log = readLog(needed(options.log ?? config.log, 'log', '--log FILE'));
  return replayed(log, config.deployment).state;
}

/** The documents of these files, or those in force. */
function documentsOf(files: readonly string[], state: GovernanceState): readonly PolicyDocument[] {
  return files.length === 0 ? state.policies : files.map(readDocument);
}

function scopeOf({ appliesTo }: Policy): string {
  switch (appliesTo.kind) {
    case 'wallets':
      return appliesTo.wallets.join(', ');
    case 'tier':
      return `tier ${appliesTo.tier}`;
    case 'everything':
      return 'everything';
  }
}

/** Those of a document, and of its rules. */
function limitsIn(rules: Policy['rules'], limits: Policy['limits']): number {
  return rules.reduce((count, { limits: ofRule = [] }) => count + ofRule.length, limits.length);
}

/** Wallets that pay nothing, since no document has rules for them. */
export function uncovered(set: PolicySet, wallets: Iterable<Wallet>): readonly string[] {
  return [...wallets]
    .filter(({ walletId, tier }) =>
      set.policies.every(
        ({ appliesTo }) =>
          appliesTo.kind === 'everything' ||
          (appliesTo.kind === 'tier' ? appliesTo.tier !== tier : !appliesTo.wallets.includes(walletId)),
      ),
    )
    .map(({ walletId }) => walletId);
}

const checkOptions = z.object(logOption);

async function check(
  given: Given<z.infer<typeof checkOptions>>,
  files: readonly string[],
): Promise<Outcome<Answer>> {
  const state = stateFrom(given);
  const parsed = parsePolicies(documentsOf(files, state), state);
  if (parsed.kind === 'refused') return parsed;
  const set = parsed.value;
  const without = uncovered(set, state.wallets.values());
  const isInForce = set.hash === state.policyHash;
  return accepted({
    json: {
      policyHash: set.hash,
      inForce: isInForce,
      documents: set.policies.map(({ name, rules, limits }) => ({
        name,
        rules: rules.length,
        limits: limitsIn(rules, limits),
      })),
      uncovered: without,
    },
    lines: [
      [good('✓'), ' these documents hold together', faint(isInForce ? ', and are those in force' : '')],
      ...table(
        ['document', 'for', 'rules', 'limits'],
        set.policies.map((policy) => [
          policy.name,
          scopeOf(policy),
          `${policy.rules.length}`,
          `${limitsIn(policy.rules, policy.limits)}`,
        ]),
      ),
      ...without.map((wallet): Line => [attention('! '), `no document is for ${wallet}: nothing leaves it`]),
      [faint(`policy hash ${set.hash}`)],
    ],
  });
}

const imagined = {
  wallet: z.string(),
  amount: z.string(),
  to: z.string(),
  requester: z.string(),
  customer: z.string(),
};

const supposed = {
  fee: z.string().exactOptional(),
  at: z.iso.datetime({ offset: true }).exactOptional(),
  firstUse: z.boolean().default(false),
  lookAlikeOf: z.string().exactOptional(),
  whitelisted: z.string().exactOptional(),
  whitelistLabel: z.string().exactOptional(),
  whitelistHours: z
    .string()
    .regex(/^[0-9]{1,6}$/, 'a number of hours')
    .default('0'),
};

const explainOptions = z.object({
  ...logOption,
  ...officerShape,
  transfer: transferId.exactOptional(),
  ...z.object(imagined).partial().shape,
  ...supposed,
});
type ExplainOptions = z.infer<typeof explainOptions>;

const imaginedTransfer = z.object({ ...imagined, ...supposed });
type ImaginedTransfer = z.infer<typeof imaginedTransfer>;
type Supposed = z.infer<z.ZodObject<typeof supposed>>;

function otherArgument(why: string, facts: Readonly<Record<string, string>>): never {
  throw cliFault('arguments-invalid', why, facts);
}

/** Nothing where none is given. Faults `arguments-invalid`. */
function feeOf(written: string | undefined, coin: Chain['coin'] | undefined): bigint {
  if (written === undefined) return 0n;
  const [number = '', symbol = ''] = written.split(' ');
  if (!coin || symbol !== coin.symbol) {
    return otherArgument('a fee is written like "0.0001 BTC", in the coin of the chain', { fee: written });
  }
  return parseUnits(number, coin.decimals);
}

/** What is known of an imagined destination: nothing is looked up. */
function imaginedKnown(options: Supposed, nowMs: number): Known {
  const { at, firstUse, lookAlikeOf, whitelisted, whitelistLabel = '', whitelistHours } = options;
  const ageMs = Number(whitelistHours) * HOUR_MS;
  return {
    atMs: at === undefined ? nowMs : Date.parse(at),
    firstUse,
    lookAlikeOf,
    whitelist: whitelisted === undefined ? undefined : { entryId: whitelisted, label: whitelistLabel, ageMs },
  };
}

/** An imagined transfer. Faults `arguments-invalid`. */
export function situationOf(options: ImaginedTransfer, state: GovernanceState, nowMs: number): Situation {
  const wallet =
    state.wallets.get(options.wallet) ??
    otherArgument('governance knows no such wallet', { wallet: options.wallet });
  const [number = '', symbol = ''] = options.amount.split(' ');
  const coin = state.chains.get(wallet.chain)?.coin;
  const token = [...state.tokens.values()].find((one) => one.chain === wallet.chain && one.symbol === symbol);
  const asset =
    coin?.symbol === symbol ? { contract: 'native', decimals: coin.decimals } : (token ?? undefined);
  if (!asset) {
    return otherArgument('an amount is written like "0.5 BTC", of an asset on the chain of the wallet', {
      amount: options.amount,
      chain: wallet.chain,
    });
  }
  return {
    wallet: wallet.walletId,
    tier: wallet.tier,
    chain: wallet.chain,
    contract: asset.contract,
    amount: parseUnits(number, asset.decimals),
    destination: options.to,
    requester: options.requester,
    customer: options.customer,
    kind: 'withdrawal',
    feeCeiling: feeOf(options.fee, coin),
    toTier: tierOfAddress(state, wallet.chain, options.to),
    known: imaginedKnown(options, nowMs),
  };
}

function holdWords({ holdMs }: { readonly holdMs?: number }): string {
  return holdMs === undefined ? '' : `, and then it waits for ${durationWords(holdMs)}`;
}

function decisionLine(decision: Explanation['decision']): Line {
  switch (decision.kind) {
    case 'allow':
      return [good('allowed'), ` by ${decision.rule}: nobody has to approve${holdWords(decision)}`];
    case 'approve':
      return [
        attention('to be approved'),
        ` by ${decision.rule}: ${approvalWords(decision.requirements)}${holdWords(decision)}`,
      ];
    case 'refuse': {
      const by = decision.rule === undefined ? '' : ` by ${decision.rule}`;
      const limit = decision.facts.limit === undefined ? '' : `: ${decision.facts.limit} is exceeded`;
      return [bad('refused'), '  ', strong(decision.code), by, limit];
    }
  }
}

function decisionLines({ decision, limits }: Explanation): readonly Line[] {
  return [
    decisionLine(decision),
    ...(limits.length === 0
      ? []
      : table(
          ['limit', 'counter', 'takes', 'of at most', 'within'],
          limits.map(({ limitId, key, takes, atMost, within }) => [limitId, key, takes, atMost, within]),
        )),
  ];
}

/** What a signed request asks, as the signer would be asked about it. */
function situationOfRequest(
  statement: RequestStatement,
  { walletId, tier, chain }: Wallet,
  state: GovernanceState,
  known: Known | undefined,
): Situation {
  return {
    wallet: walletId,
    tier,
    chain,
    contract: statement.asset.kind === 'native' ? 'native' : statement.asset.contract,
    amount: BigInt(statement.amount),
    destination: statement.destination,
    requester: statement.requester,
    customer: statement.customer,
    kind: statement.kind,
    feeCeiling: BigInt(statement.feeCeiling),
    toTier: tierOfAddress(state, chain, statement.destination),
    known,
  };
}

/** What the service has on record of a transfer: its word, beside what is decided here. */
interface OnRecord {
  readonly state: string;
  readonly rule: string | null;
  readonly limits: Transfer['limits'];
  readonly approvedBy: readonly string[];
  readonly missing: string;
}

interface Explained {
  readonly state: GovernanceState;
  readonly situation: Situation;
  readonly record: OnRecord | undefined;
}

function recordOf({ state, rule, limits, approvals }: Transfer): OnRecord {
  const approvedBy = approvals.given.filter(({ verdict }) => verdict === 'approve');
  return {
    state,
    rule,
    limits,
    approvedBy: approvedBy.map(({ personId }) => personId),
    missing: approvalWords(approvals.missing),
  };
}

/** A transfer that somebody has asked for: its request has to be the one that its id is made of. */
async function askedFor(given: Given<ExplainOptions>, id: string): Promise<Outcome<Explained>> {
  return asAnyone(given, async (api) => {
    const { state } = await knownGovernance(given, api);
    const request = await readRequest(api, id);
    if (request.kind === 'refused') return request;
    const { statement } = request.value;
    if (transferIdOf(requestDigest(statement)) !== id) {
      throw cliFault('statement-mismatch', 'the request that the service shows is of another transfer', {
        id,
      });
    }
    const wallet =
      state.wallets.get(statement.wallet) ??
      otherArgument('governance knows no such wallet', { wallet: statement.wallet });
    const shown = await api.get(`/v1/transfers/${id}`, transfer);
    if (shown.kind === 'refused') return shown;
    const known = imaginedKnown(given.options, given.clock.nowMs());
    const situation = situationOfRequest(statement, wallet, state, known);
    return accepted({ state, situation, record: recordOf(shown.value) });
  });
}

async function explainedBy(given: Given<ExplainOptions>): Promise<Outcome<Explained>> {
  const { transfer: id, ...options } = given.options;
  if (id !== undefined) return askedFor(given, id);
  const whole = imaginedTransfer.safeParse(options);
  if (!whole.success) {
    return otherArgument('say --transfer ID, or what is imagined: wallet, amount, to, requester, customer', {
      missing: whole.error.issues.map(({ path }) => path.join('.')).join(', '),
    });
  }
  const state = stateFrom(given);
  const situation = situationOf(whole.data, state, given.clock.nowMs());
  return accepted({ state, situation, record: undefined });
}

function recordLines({ state, rule, limits, approvedBy, missing }: OnRecord): Line[] {
  return [
    '',
    [faint('What the service has on record, which is its word alone:')],
    [`${state}, by the rule ${rule ?? 'none'}; approved by ${approvedBy.join(', ') || 'nobody'}`],
    [missing === '' ? 'no approval is missing' : `missing: ${missing}`],
    ...(limits.length === 0
      ? []
      : table(
          ['limit', 'counter', 'used before', 'used after', 'at most'],
          limits.map((one) => [one.limitId, one.key, one.usedBefore, one.usedAfter, one.max]),
        )),
  ];
}

async function explainTransfer(
  given: Given<ExplainOptions>,
  files: readonly string[],
): Promise<Outcome<Answer>> {
  const about = await explainedBy(given);
  if (about.kind === 'refused') return about;
  const { state, situation, record } = about.value;
  const parsed = parsePolicies(documentsOf(files, state), state);
  if (parsed.kind === 'refused') return parsed;
  const explained = explain(parsed.value, situation, () => 0n);
  const { decision, passedOver, limits } = explained;
  return accepted({
    json: {
      decision: decision.kind,
      rule: decision.rule ?? null,
      ...(decision.kind === 'refuse'
        ? { code: decision.code, facts: decision.facts }
        : { requirements: decision.requirements, holdMs: decision.holdMs ?? 0 }),
      limits: limits.map(({ amount, max, ...words }) => ({
        ...words,
        amount: amount.toString(),
        max: max.toString(),
      })),
      passedOver,
      ...(record && { record }),
    },
    lines: [
      ...decisionLines(explained),
      ...(passedOver.length === 0
        ? []
        : table(
            ['rule that was asked before', 'does not hold'],
            passedOver.map(({ rule, unmet }) => [rule, unmet]),
          )),
      [
        faint(
          'Limits are taken for unused, and what is said of fee, time and destination for true. Signatures are not looked at.',
        ),
      ],
      ...(record ? recordLines(record) : []),
    ],
    exit: decision.kind === 'refuse' ? EXIT.refused : EXIT.ok,
  });
}

const replayOptions = z.object({
  ...logOption,
  policy: z.array(z.string()).min(1),
  days: z
    .string()
    .regex(/^[1-9][0-9]{0,3}$/, 'a number of days')
    .exactOptional(),
});

const DAY_MS = 24 * HOUR_MS;

/** First decisions: a replacement was no new one. */
export function pastOf(certificate: Certificate, state: GovernanceState): PastDecision[] {
  const { order, at } = certificate.reservation;
  const decisions = decisionsOf(certificate);
  return decisions.flatMap(({ transferId, past, kind, rule, approvers, knew, heldMs }) => {
    const statement = order.transfers
      .map(({ request }) => request.statement)
      .find((one) => transferIdOf(requestDigest(one)) === transferId);
    const wallet = statement && state.wallets.get(statement.wallet);
    if (past !== 'unseen' || !statement || !wallet) return [];
    return [
      {
        transferId,
        atMs: at.wallMs,
        situation: {
          ...situationOfRequest(statement, wallet, state, knew && knownFrom(knew)),
          ...(order.facts && { facts: factsThen(state, order.facts, transferId) }),
        },
        kind,
        rule,
        ...(heldMs !== undefined && { heldMs }),
        approvers: new Set(approvers),
        excluded: new Set([
          statement.requester,
          ...(state.everRequestKeys.get(statement.keyId)?.owners ?? []),
        ]),
      },
    ];
  });
}

async function replay(
  given: Given<z.infer<typeof replayOptions>>,
  files: readonly string[],
): Promise<Outcome<Answer>> {
  const entries = readLog(needed(given.options.log ?? given.config.log, 'log', '--log FILE'));
  const { state } = replayed(entries, given.config.deployment);
  const parsed = parsePolicies(given.options.policy.map(readDocument), state);
  if (parsed.kind === 'refused') return parsed;
  const past: PastDecision[] = [];
  for (const { outcome } of verifyFiles(files, entries, state.deploymentId)) {
    if (outcome.kind === 'refused') return outcome;
    past.push(...pastOf(outcome.value.certificate, state));
  }
  const newestMs = Math.max(0, ...past.map(({ atMs }) => atMs));
  const days = given.options.days;
  const sinceMs = days === undefined ? 0 : newestMs - Number(days) * DAY_MS;
  const looked = past.filter(({ atMs }) => atMs >= sinceMs);
  const { decisions, changed } = replayPast(parsed.value, looked, state.groups);
  const heldBack = changed.filter(({ isHeldBack }) => isHeldBack).length;
  return accepted({
    json: { decisions, changed },
    lines: [
      `${decisions} decisions, ${changed.length} would change: ${heldBack} held back, ${changed.length - heldBack} otherwise`,
      ...(changed.length === 0
        ? []
        : table(
            ['transfer', 'decided', 'was', 'would be'],
            changed.map(({ transferId, atMs, was, wouldBe }) => [transferId, instant(atMs), was, wouldBe]),
          )),
      [
        faint(
          'Of what was signed. What was refused then may pass under the draft, and is not in certificates.',
        ),
      ],
    ],
  });
}

export function policyCommands(cli: CommandLine): void {
  const policy = cli.group('policy', 'policy documents, before anybody signs them');
  cli.add(
    policy,
    {
      usage: 'check [files...]',
      summary: 'what is wrong with policy documents',
      description:
        'Reads all documents of a deployment together, as the signer would, against what a governance log knows of wallets, assets and groups. Names the line and what is wrong with it. Without files: the documents in force.',
      example: 'policy check policies/*.policy.yaml --log governance.json',
    },
    [LOG_FLAG],
    checkOptions,
    (given, ...files) => check(given, files),
  );
  cli.add(
    policy,
    {
      usage: 'explain [files...]',
      summary: 'what policies say of a transfer, and why no other rule decided',
      description:
        'Decides about a transfer that need not exist, or with --transfer about one that somebody asked for, under the documents in force or those in files. Consumes nothing. Exit code 0: it may leave, perhaps with approvals; 1: it is refused.',
      example:
        'policy explain --wallet hot-btc --amount "0.5 BTC" --to bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080 --requester payouts --customer customer-7 --log governance.json',
    },
    [
      ['--transfer <id>', 'a transfer that somebody asked for, in place of all that is imagined'],
      ['--wallet <id>', 'the wallet that pays'],
      ['--amount <amount>', 'like "0.5 BTC"'],
      ['--to <address>', 'where it goes'],
      ['--requester <name>', 'who asks'],
      ['--customer <name>', 'for whom'],
      ['--fee <amount>', 'the most that it may cost; else nothing'],
      ['--at <time>', 'when, like 2026-03-02T09:30:00+01:00; else now'],
      ['--first-use', 'to where this wallet paid nothing before'],
      ['--look-alike-of <address>', 'to what could be taken for this address'],
      ['--whitelisted <entry>', 'to what is on the whitelist, as this entry'],
      ['--whitelist-label <label>', 'which has this label'],
      ['--whitelist-hours <n>', 'and is in effect for so many hours; else 0'],
      LOG_FLAG,
      ...officerFlags,
    ],
    explainOptions,
    (given, ...files) => explainTransfer(given, files),
  );
  cli.add(
    policy,
    {
      usage: 'replay <certificates...>',
      summary: 'what would have changed under other policies',
      description:
        'Verifies decision certificates and decides about their transfers again, oldest first, under the documents in files, with limits that count from the first of them. Groups and wallets are those of the newest governance in the log.',
      example:
        'policy replay certificates/*.json --policy draft/hot-bitcoin.policy.yaml --log governance.json',
    },
    [
      ['--policy <files...>', 'the draft: all documents that would be in force'],
      ['--days <n>', 'only the last so many days before the newest certificate'],
      LOG_FLAG,
    ],
    replayOptions,
    (given, ...files) => replay(given, files),
  );
}
