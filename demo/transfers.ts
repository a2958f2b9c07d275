// Asking, approving and following, each through the portcullis command.

import { z } from 'zod';
import { type CommandResult, portcullis, portcullisOk } from './command.js';
import { expect, until } from './failure.js';
import type { Asker } from './people.js';
import { type Person, places } from './stage.js';

const SETTLED_WITHIN = '120s';
const STATE_WITHIN_MS = 60_000;
const POLL_MS = 250;

export interface Wish {
  readonly wallet: 'hot-btc' | 'hot-eth';
  readonly asset: 'BTC' | 'ETH' | 'USDX';
  /** In units, as a person says it. */
  readonly amount: string;
  readonly to: string;
  readonly feeCeiling: string;
  readonly customer: string;
  readonly expiresIn?: string;
}

export function requestArgs(wish: Wish, asker: Asker): string[] {
  return [
    'request',
    '--wallet',
    wish.wallet,
    '--asset',
    wish.asset,
    '--amount',
    wish.amount,
    '--to',
    wish.to,
    '--fee-ceiling',
    wish.feeCeiling,
    '--customer',
    wish.customer,
    ...(wish.expiresIn === undefined ? [] : ['--expires-in', wish.expiresIn]),
    '--config',
    places.config(asker.keyId),
  ];
}

const requested = z.object({ transferId: z.string() });

export async function ask(wish: Wish, asker: Asker): Promise<string> {
  return (await portcullisOk(requestArgs(wish, asker), requested)).transferId;
}

export const decideArgs = (verdict: 'approve' | 'reject', transferId: string, person: Person) => [
  verdict,
  transferId,
  '--config',
  places.config(person),
];

/** What the officer's screen showed, and what came of it. `--yes` types the confirmation that a person would type. */
export async function approve(transferId: string, person: Person): Promise<CommandResult> {
  return portcullis([...decideArgs('approve', transferId, person), '--yes']);
}

const shownTransfer = z.looseObject({
  state: z.string(),
  waitingFor: z.string().nullable(),
  reason: z.object({
    code: z.string(),
    facts: z.record(z.string(), z.union([z.string(), z.number(), z.boolean()])),
  }),
  transactions: z.array(z.object({ transactionId: z.string().nullable() })),
});
export type ShownTransfer = z.infer<typeof shownTransfer>;

export function show(transferId: string, asker: Asker): Promise<ShownTransfer> {
  return portcullisOk(['show', transferId, '--config', places.config(asker.keyId)], shownTransfer);
}

export function inState(transferId: string, asker: Asker, states: readonly string[]): Promise<ShownTransfer> {
  return until(
    `${transferId} to be ${states.join(' or ')}`,
    STATE_WITHIN_MS,
    async () => {
      const one = await show(transferId, asker);
      return states.includes(one.state) ? one : undefined;
    },
    POLL_MS,
  );
}

const transaction = z.object({
  transactionId: z.string(),
  feePaid: z.string(),
  blockHeight: z.int(),
  confirmations: z.int(),
});
const followed = z.object({ state: z.string(), transaction });
export type Settled = z.infer<typeof transaction>;

export const followArgs = (transferId: string, asker: Asker) => [
  'follow',
  transferId,
  '--config',
  places.config(asker.keyId),
];

/** Throws unless it is settled in time. */
export async function followToSettled(transferId: string, asker: Asker): Promise<Settled> {
  const args = [...followArgs(transferId, asker), '--timeout', SETTLED_WITHIN];
  const { state, transaction: paid } = await portcullisOk(args, followed);
  expect(state === 'settled', `${transferId} ended as ${state}`);
  return paid;
}
