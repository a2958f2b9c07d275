// `portcullis wallets`: the wallets of governance, their addresses, and what the chains say they hold. People send money
// to the addresses that are shown here, so they are made from the keys in the governance log and never taken from the
// API; what a wallet holds is the API's word.

import { z } from 'zod';
import { accepted, type Outcome } from '../core/fault.js';
import { chainWords } from '../core/governance/names.js';
import type { GovernanceState } from '../core/governance/state.js';
import { p2wpkhAddress } from '../core/intents/bitcoin/address.js';
import { addressOfPublicKey } from '../core/intents/ethereum/address.js';
import { baseUnits } from '../core/statements/fields.js';
import type { Api } from '../sdk/api.js';
import { asOfficer } from './caller.js';
import type { Answer, CommandLine } from './command-line.js';
import { knownGovernance, needPinned } from './governance-log.js';
import { attention, faint, fields, grouped, type Line, strong } from './lines.js';
import { officerFlags, officerShape, pinFlags, pinShape } from './options.js';
import { units } from './words.js';

interface ShownWallet {
  readonly walletId: string;
  readonly chain: string;
  readonly tier: string;
  readonly token: string;
  readonly keys: readonly { readonly label: string; readonly publicKey: string; readonly address: string }[];
}

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

export interface WalletWithBalances extends ShownWallet {
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

/** The wallets of a log, with the addresses that their keys have. */
export function walletsOf(state: GovernanceState): ShownWallet[] {
  return [...state.wallets.values()].flatMap(({ walletId, chain, tier, token, keys }) => {
    const known = state.chains.get(chain);
    if (known === undefined) return [];
    const addressOf = (publicKey: string) =>
      known.family === 'bitcoin' ? p2wpkhAddress(publicKey, known.network) : addressOfPublicKey(publicKey);
    return [
      {
        walletId,
        chain,
        tier,
        token,
        keys: keys.map(({ label, publicKey }) => ({ label, publicKey, address: addressOf(publicKey) })),
      },
    ];
  });
}

async function withBalances(api: Api, one: ShownWallet): Promise<WalletWithBalances> {
  const answer = await api.get(`/v1/wallets/${one.walletId}/balances`, balances);
  return { ...one, balances: answer.kind === 'refused' ? answer.code : answer.value.balances };
}

export function walletsCommand(cli: CommandLine): void {
  cli.add(
    cli.program,
    {
      usage: 'wallets',
      summary: 'show wallets, their addresses and what they hold',
      description:
        'Addresses are made from the keys in the governance log, which must lead back to the deployment that you trust. What the wallets hold is what the orchestrator says.',
      example: 'wallets --config alice.yaml',
    },
    [...pinFlags, ...officerFlags],
    z.object({ ...officerShape, ...pinShape }),
    (given) =>
      asOfficer(given, async ({ api }): Promise<Outcome<Answer>> => {
        const { state } = needPinned(await knownGovernance(given, api));
        const wallets: WalletWithBalances[] = [];
        for (const one of walletsOf(state)) wallets.push(await withBalances(api, one));
        return accepted({ json: { wallets }, lines: walletLines(wallets) });
      }),
  );
}
