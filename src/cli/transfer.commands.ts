// `portcullis request`, `list`, `show`, `cancel`, `follow`: transfers, from asking to settled.

import { setTimeout as sleep } from 'node:timers/promises';
import { bytesToHex } from '@noble/hashes/utils.js';
import { z } from 'zod';
import { MAX_REQUEST_LIFETIME_MS } from '../core/authorization/requests.js';
import { accepted, Fault, type Outcome } from '../core/fault.js';
import type { Chain } from '../core/governance/entry.js';
import type { GovernanceState } from '../core/governance/state.js';
import { scriptOfAddress } from '../core/intents/bitcoin/address.js';
import { ethereumAddress } from '../core/intents/ethereum/address.js';
import { parseUnits } from '../core/money/amount.js';
import { type Asset, identifier, transferKind } from '../core/statements/fields.js';
import {
  REQUEST_TYPE,
  type RequestStatement,
  requestStatement,
  type SignedRequest,
  transferId as transferIdSchema,
} from '../core/statements/request.js';
import type { Api } from '../sdk/api.js';
import { readTransfer, signRequest, submitRequest, transferIdFor } from '../sdk/backend.js';
import { ENDED, type Transfer, transfer, transferPage } from '../sdk/shapes.js';
import { asAnyone, asBackend, type CallerOptions } from './caller.js';
import type { Answer, CommandLine, Given } from './command-line.js';
import { cliFault, EXIT } from './exit.js';
import { configuredState, knownGovernance, notPinned } from './governance-log.js';
import { good, strong } from './lines.js';
import { apiFlags, duration, officerFlags, officerShape, pinFlags, pinShape } from './options.js';
import { listLines, momentLine, momentOf, stateSpan, transferLines } from './transfer-words.js';
import { units } from './words.js';

const POLL_MS = 500;
const REQUEST_ID_BYTES = 8;

const readerOptions = z.object(officerShape);

const requestOptions = z.object({
  wallet: identifier,
  asset: z.string().min(1).max(12),
  amount: z.string().max(100),
  to: z.string().max(100),
  feeCeiling: z.string().max(100),
  kind: transferKind,
  customer: identifier,
  requester: identifier.exactOptional(),
  requestId: identifier.exactOptional(),
  expiresIn: duration.refine((ms) => ms <= MAX_REQUEST_LIFETIME_MS, 'at most 7d'),
  api: officerShape.api,
  ...pinShape,
});

/** A transfer id as somebody typed it. Faults `arguments-invalid`. */
export function transferIdFrom(text: string): string {
  const parsed = transferIdSchema.safeParse(text);
  if (parsed.success) return parsed.data;
  throw cliFault('arguments-invalid', `${text} is no transfer id: it looks like tr-0123...`);
}

/** The chain of a wallet. Faults `arguments-invalid`. */
export function chainOf(state: GovernanceState, walletId: string): Chain {
  const wallet = state.wallets.get(walletId);
  const chain = wallet && state.chains.get(wallet.chain);
  if (chain) return chain;
  throw cliFault('arguments-invalid', `governance has no wallet ${walletId}`, { wallet: walletId });
}

/** The asset of a symbol on a chain. Faults `arguments-invalid`. */
export function assetOf(state: GovernanceState, chain: Chain, symbol: string): Asset {
  if (symbol === chain.coin.symbol) return { kind: 'native', ...chain.coin };
  const token = [...state.tokens.values()].find((one) => one.chain === chain.chain && one.symbol === symbol);
  if (!token) {
    throw cliFault('arguments-invalid', `governance registers no asset ${symbol} on ${chain.chain}`, {
      symbol,
    });
  }
  const { decimals, contract } = token;
  return { kind: 'erc20', symbol, decimals, contract };
}

/** The statement that the options come to. Amounts are exact or refused. */
export function requestOf(
  options: z.infer<typeof requestOptions>,
  state: GovernanceState,
  keyId: string,
  requester: string,
  requestId: string,
  nowMs: number,
): RequestStatement {
  const chain = chainOf(state, options.wallet);
  const asset = assetOf(state, chain, options.asset);
  const made = requestStatement.safeParse({
    type: REQUEST_TYPE,
    deploymentId: state.deploymentId,
    requestId,
    keyId,
    kind: options.kind,
    chain: chain.chain,
    wallet: options.wallet,
    asset,
    amount: parseUnits(options.amount, asset.decimals).toString(),
    destination: options.to,
    feeCeiling: parseUnits(options.feeCeiling, chain.coin.decimals).toString(),
    requester,
    customer: options.customer,
    createdAtMs: nowMs,
    expiresAtMs: nowMs + options.expiresIn,
  });
  if (made.success) return made.data;
  const [issue] = made.error.issues;
  throw cliFault(
    'arguments-invalid',
    `${issue?.path.join('.') ?? 'request'}: ${issue?.message ?? 'not valid'}`,
  );
}

async function request(given: Given<z.infer<typeof requestOptions>>): Promise<Outcome<Answer>> {
  const { options, terminal } = given;
  const backend = asBackend(given);
  const governance = await knownGovernance(given, undefined);
  const { state } = governance;
  if (!governance.pinned) terminal.tell([notPinned()]);
  const requester =
    options.requester ?? backend.requester ?? state.requestKeys.get(backend.keyId)?.owners[0] ?? '';
  const requestId = options.requestId ?? `req-${bytesToHex(given.randomness.bytes(REQUEST_ID_BYTES))}`;
  const chain = chainOf(state, options.wallet);
  const destination =
    chain.family === 'bitcoin' ? scriptOfAddress(options.to, chain.network) : ethereumAddress(options.to);
  if (destination.kind === 'refused') return destination;
  const statement = requestOf(options, state, backend.keyId, requester, requestId, given.clock.nowMs());
  const signed = await signRequest(statement, backend.sign);
  const answer = await submitted(backend.api, signed);
  if (answer.kind === 'refused') return answer;
  const { transferId } = answer.value;
  return accepted({
    json: { transferId, requestId, state: answer.value.state, request: signed },
    lines: [
      [
        good('Requested'),
        ` ${units(statement.amount, statement.asset)} for ${statement.customer}, as ${requestId}.`,
      ],
      ['Transfer ', strong(transferId), ' is now: ', stateSpan(answer.value.state)],
    ],
  });
}

/**
 * A request that was sent may have been taken, whatever came back. Whoever asks anew has to know under which id: another
 * one is another payment.
 */
async function submitted(api: Api, signed: SignedRequest): Promise<Outcome<Transfer>> {
  try {
    return await submitRequest(api, signed);
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    const { requestId } = signed.statement;
    throw new Fault(
      error.code,
      `${error.message}; the request may have been taken all the same. To ask again without ever paying twice, say --request-id ${requestId}`,
      { facts: { ...error.facts, requestId, transferId: transferIdFor(signed.statement) }, cause: error },
    );
  }
}

const followOptions = z.object({ timeout: duration, ...officerShape });

async function follow(given: Given<z.infer<typeof followOptions>>, id: string): Promise<Outcome<Answer>> {
  const transferId = transferIdFrom(id);
  return asAnyone(given, async (api): Promise<Outcome<Answer>> => {
    const { terminal, clock } = given;
    const state = configuredState(given);
    const until = clock.nowMs() + given.options.timeout;
    let told = '';
    for (;;) {
      const answer = await readTransfer(api, transferId);
      if (answer.kind === 'refused') return answer;
      const one = answer.value;
      if (momentOf(one) !== told) {
        told = momentOf(one);
        if (!terminal.json) terminal.tell([momentLine(one, clock.nowMs(), state)]);
      }
      if (ENDED.includes(one.state)) return accepted(ended(one));
      if (clock.nowMs() >= until) {
        throw cliFault('not-yet', `${transferId} is ${one.state} and not at its end yet`, {
          state: one.state,
        });
      }
      await sleep(POLL_MS);
    }
  });
}

/** Exported for its test. */
export function ended(one: Transfer): Answer {
  const settled = one.state === 'settled';
  const transaction = one.transactions.find((each) => each.state === 'final') ?? one.transactions.at(-1);
  return {
    json: {
      transferId: one.transferId,
      state: one.state,
      reason: one.reason,
      transaction: transaction ?? null,
    },
    lines: settled
      ? [[good('Settled'), ' in ', strong(transaction?.transactionId ?? 'an unknown transaction')]]
      : [['It ended as ', stateSpan(one.state), `: ${one.reason.code}`]],
    exit: settled ? EXIT.ok : one.state === 'indeterminate' ? EXIT.unknown : EXIT.refused,
  };
}

async function shown(given: Given<CallerOptions>, api: Api, id: string): Promise<Outcome<Answer>> {
  const answer = await api.get(`/v1/transfers/${transferIdFrom(id)}`, transfer);
  return answer.kind === 'refused'
    ? answer
    : accepted({
        json: answer.value,
        lines: transferLines(answer.value, given.clock.nowMs(), configuredState(given)),
      });
}

export function transferCommands(cli: CommandLine): void {
  cli.add(
    cli.program,
    {
      usage: 'request',
      summary: "ask for a transfer with a backend's request key",
      description:
        'Builds a request, signs it with the request key of the configuration, and hands it in. Amounts are exact: more digits than the asset has are refused, never rounded. The governance log (--log, or "log" in the configuration) says what wallets and assets there are.',
      example:
        'request --wallet hot-btc --asset BTC --amount 0.25 --to bcrt1q... --fee-ceiling 0.0002 --customer customer-7',
    },
    [
      ['--wallet <id>', 'wallet that pays'],
      ['--asset <symbol>', "the chain's coin, or a registered token"],
      ['--amount <amount>', 'in units of the asset: 0.25'],
      ['--to <address>', 'destination'],
      ['--fee-ceiling <amount>', "the most that it may cost in fees, in units of the chain's coin"],
      ['--customer <id>', "the exchange's reference to its customer; no personal data"],
      [
        '--kind <kind>',
        `what it is: ${transferKind.options.join(', ')}; refused where wallet or destination contradict it`,
        'withdrawal',
      ],
      ['--requester <id>', "one of the key's owners; its first unless said"],
      ['--request-id <id>', 'used once and for ever; random unless said'],
      ['--expires-in <time>', 'from then on it is dead: 90s, 30m, 24h, 7d', '1h'],
      ...pinFlags,
      ...apiFlags,
    ],
    requestOptions,
    request,
  );

  cli.add(
    cli.program,
    {
      usage: 'list',
      summary: 'list transfers, newest first',
      example: 'list --state awaiting-approvals --limit 20',
    },
    [
      ['--state <state>', 'only those in this state'],
      ['--wallet <id>', 'only those of this wallet'],
      ['--customer <id>', 'only those for this customer'],
      ['--limit <number>', 'at most so many, up to 200', '20'],
      ['--cursor <text>', "where to go on: an earlier answer's nextCursor"],
      ...officerFlags,
    ],
    z.object({
      state: z.string().max(32).exactOptional(),
      wallet: identifier.exactOptional(),
      customer: identifier.exactOptional(),
      limit: z.string().regex(/^[1-9][0-9]{0,2}$/, 'a number from 1 to 200'),
      cursor: z.string().max(512).exactOptional(),
      ...officerShape,
    }),
    async (given) =>
      asAnyone(given, async (api): Promise<Outcome<Answer>> => {
        const { state, wallet, customer, limit, cursor } = given.options;
        const answer = await api.get('/v1/transfers', transferPage, {
          state,
          wallet,
          customer,
          limit,
          cursor,
        });
        if (answer.kind === 'refused') return answer;
        const { items, nextCursor } = answer.value;
        return accepted({
          json: answer.value,
          lines: [
            ...listLines(items, given.clock.nowMs()),
            ...(nextCursor === null ? [] : ['', `  There are more: --cursor ${nextCursor}`]),
          ],
        });
      }),
  );

  cli.add(
    cli.program,
    {
      usage: 'show <transfer>',
      summary: 'show everything about a transfer',
      example: 'show tr-3f9a1c0b7d2e45863f9a1c0b7d2e45863f9a1c0b',
    },
    officerFlags,
    readerOptions,
    (given, id = '') => asAnyone(given, (api) => shown(given, api, id)),
  );

  cli.add(
    cli.program,
    {
      usage: 'follow <transfer>',
      summary: 'follow a transfer until it has come to its end',
      description:
        'Tells each step. Ends with exit code 0 when it is settled, 1 when it ended otherwise, 6 when the time is over, 7 when nobody knows whether it was paid (indeterminate).',
      example: 'follow tr-3f9a1c0b7d2e45863f9a1c0b7d2e45863f9a1c0b --timeout 30m',
    },
    [['--timeout <time>', 'how long to wait: 90s, 30m, 24h', '15m'], ...officerFlags],
    followOptions,
    (given, id = '') => follow(given, id),
  );

  cli.add(
    cli.program,
    {
      usage: 'cancel <transfer>',
      summary: 'end a transfer that nothing was signed for yet',
      example: 'cancel tr-3f9a1c0b7d2e45863f9a1c0b7d2e45863f9a1c0b',
    },
    officerFlags,
    readerOptions,
    (given, id = '') =>
      asAnyone(given, async (api): Promise<Outcome<Answer>> => {
        const transferId = transferIdFrom(id);
        const answer = await api.post(
          `/v1/transfers/${transferId}/cancel`,
          undefined,
          transfer,
          `cancel:${transferId}`,
        );
        if (answer.kind === 'refused') return answer;
        return accepted({
          json: answer.value,
          lines: [['Transfer ', strong(transferId), ' is now: ', stateSpan(answer.value.state)]],
        });
      }),
  );
}
