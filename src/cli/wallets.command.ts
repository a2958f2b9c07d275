// `portcullis wallets`: the wallets of governance, their addresses, and what the chains say they hold.

import { z } from 'zod';
import { accepted, type Outcome } from '../core/fault.js';
import { baseUnits, chainId, identifier } from '../core/statements/fields.js';
import type { Api } from '../sdk/api.js';
import { asOfficer } from './caller.js';
import type { Answer, CommandLine } from './command-line.js';
import { attention, faint, fields, grouped, type Line, strong } from './lines.js';
import { officerFlags, officerShape } from './options.js';
import { chainWords, units } from './words.js';

const wallet = z.object({
  walletId: identifier,
  chain: chainId,
  tier: z.string(),
  token: identifier,
  keys: z.array(z.object({ label: identifier, publicKey: z.string(), address: z.string() })),
});
const walletList = z.object({ items: z.array(wallet) });

const balances = z.object({
  balances: z.array(
    z.object({
      contract: z.string(),
      symbol: z.string().regex(/^[A-Za-z0-9.]{1,12}$/),
      decimals: z.int().min(0).max(30),
      available: baseUnits,
      pending: baseUnits,
      reserved: baseUnits,
    }),
  ),
});

export interface WalletWithBalances extends z.infer<typeof wallet> {
  /** Or the code of why they cannot be had. */
  readonly balances: z.infer<typeof balances>['balances'] | string;
}

export function walletLines(wallets: readonly WalletWithBalances[]): Line[] {
  return wallets.flatMap((one, index): Line[] => [
    ...(index === 0 ? [] : ['']),
    ...fields([
      [
        'wallet',
        [strong(one.walletId), `  ${one.tier}, ${chainWords(one.chain, undefined)}, token ${one.token}`],
      ],
      ...one.keys.map(
        ({ label, address }) => ['address', [grouped(address), faint(`  key ${label}`)]] as const,
      ),
      ...(typeof one.balances === 'string'
        ? [['balance', [attention(one.balances)]] as const]
        : one.balances.map(
            (held) =>
              [
                'holds',
                [
                  strong(units(held.available, held)),
                  faint(held.pending === '0' ? '' : `  and ${units(held.pending, held)} coming in`),
                  faint(held.reserved === '0' ? '' : `  and ${units(held.reserved, held)} reserved`),
                ],
              ] as const,
          )),
    ]),
  ]);
}

async function withBalances(api: Api, one: z.infer<typeof wallet>): Promise<WalletWithBalances> {
  const answer = await api.get(`/v1/wallets/${one.walletId}/balances`, balances);
  return { ...one, balances: answer.kind === 'refused' ? answer.code : answer.value.balances };
}

export function walletsCommand(cli: CommandLine): void {
  cli.add(
    cli.program,
    {
      usage: 'wallets',
      summary: 'show wallets, their addresses and what they hold',
      example: 'wallets --config alice.yaml',
    },
    officerFlags,
    z.object(officerShape),
    (given) =>
      asOfficer(given, async ({ api }): Promise<Outcome<Answer>> => {
        const answer = await api.get('/v1/wallets', walletList);
        if (answer.kind === 'refused') return answer;
        const wallets: WalletWithBalances[] = [];
        for (const one of answer.value.items) wallets.push(await withBalances(api, one));
        return accepted({ json: { wallets }, lines: walletLines(wallets) });
      }),
  );
}
