// A transfer that somebody imagines on the command line. Nothing is looked up and nothing is filled in: what is not said and
// what a policy asks for has no answer.

import { z } from 'zod';
import type { Chain } from '../core/governance/entry.js';
import { tierOfAddress } from '../core/governance/known-addresses.js';
import type { GovernanceState } from '../core/governance/state.js';
import { parseUnits } from '../core/money/amount.js';
import type { Known, Situation } from '../core/policy/types.js';
import { transferKind } from '../core/statements/fields.js';
import { cliFault } from './exit.js';

const HOUR_MS = 3_600_000;

export const imagined = {
  wallet: z.string(),
  amount: z.string(),
  to: z.string(),
  requester: z.string(),
  customer: z.string(),
};

export const supposed = {
  kind: transferKind.default('withdrawal'),
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

export const imaginedTransfer = z.object({ ...imagined, ...supposed });
type ImaginedTransfer = z.infer<typeof imaginedTransfer>;
type Supposed = z.infer<z.ZodObject<typeof supposed>>;

export function otherArgument(why: string, facts: Readonly<Record<string, string>>): never {
  throw cliFault('arguments-invalid', why, facts);
}

/** Nothing where none is given. Faults `arguments-invalid`. */
export function feeOf(written: string | undefined, coin: Chain['coin'] | undefined): bigint {
  if (written === undefined) return 0n;
  const [number = '', symbol = ''] = written.split(' ');
  if (!coin || symbol !== coin.symbol) {
    return otherArgument('a fee is written like "0.0001 BTC", in the coin of the chain', { fee: written });
  }
  return parseUnits(number, coin.decimals);
}

/** What is known of an imagined destination: nothing is looked up. */
export function imaginedKnown(options: Supposed, nowMs: number): Known {
  const { at, firstUse, lookAlikeOf, whitelisted, whitelistLabel = '', whitelistHours } = options;
  const ageMs = Number(whitelistHours) * HOUR_MS;
  return {
    atMs: at === undefined ? nowMs : Date.parse(at),
    firstUse,
    lookAlikeOf,
    whitelist: whitelisted === undefined ? undefined : { entryId: whitelisted, label: whitelistLabel, ageMs },
  };
}

/** Do the options say anything of what is known? Else it is taken for a destination that was paid before, now. */
export function supposesKnowledge({ at, firstUse, lookAlikeOf, whitelisted }: Supposed): boolean {
  return firstUse || [at, lookAlikeOf, whitelisted].some((said) => said !== undefined);
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
    kind: options.kind,
    feeCeiling: feeOf(options.fee, coin),
    toTier: tierOfAddress(state, wallet.chain, options.to),
    known: imaginedKnown(options, nowMs),
  };
}
