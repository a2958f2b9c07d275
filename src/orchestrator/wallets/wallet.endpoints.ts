// The endpoints of wallets.

import { z } from 'zod';
import { tier } from '../../core/governance/entry.js';
import {
  baseUnits,
  chainId,
  identifier,
  secp256k1PublicKey,
  timestampMs,
} from '../../core/statements/fields.js';
import { endpoint } from '../http/endpoint.js';
import { exampleNowMs, exampleStatement, exampleWalletPublicKey } from '../http/examples.js';
import type { WalletBalancesView, WalletView } from './wallet.service.js';

export const walletView = z
  .strictObject({
    walletId: identifier,
    chain: chainId,
    family: z.enum(['bitcoin', 'ethereum']),
    tier,
    token: identifier.describe("The signer's name of the token that holds the keys."),
    keys: z.array(z.strictObject({ label: identifier, publicKey: secp256k1PublicKey, address: z.string() })),
  })
  .meta({ id: 'Wallet' }) satisfies z.ZodType<WalletView>;

const walletList = z.strictObject({ items: z.array(walletView) }).meta({ id: 'Wallets' });
export type WalletList = z.infer<typeof walletList>;

const balances = z
  .strictObject({
    walletId: identifier,
    chain: chainId,
    asOfMs: timestampMs,
    balances: z.array(
      z.strictObject({
        contract: z.string().describe("`native`, or the token's contract."),
        symbol: z.string(),
        decimals: z.int(),
        available: baseUnits,
        pending: baseUnits.describe('Incoming that is not deep enough yet.'),
        reserved: baseUnits.describe(
          'Held by plans that are not broadcast yet; part of neither of the others.',
        ),
      }),
    ),
  })
  .meta({ id: 'WalletBalances' }) satisfies z.ZodType<WalletBalancesView>;

export const listWallets = endpoint({
  operation: 'listWallets',
  method: 'GET',
  path: '/v1/wallets',
  tag: 'Wallets',
  summary: 'List wallets',
  description: 'The wallets of governance with their addresses.',
  access: 'officer',
  answer: {
    is: 'ok',
    description: 'All wallets.',
    schema: walletList,
    example: {
      items: [
        {
          walletId: exampleStatement.wallet,
          chain: exampleStatement.chain,
          family: 'bitcoin',
          tier: 'hot',
          token: 'treasury',
          keys: [
            {
              label: 'hot-bitcoin-0',
              publicKey: exampleWalletPublicKey,
              address: exampleStatement.destination,
            },
          ],
        },
      ],
    },
  },
  refusals: [],
});

export const getBalances = endpoint({
  operation: 'getBalances',
  method: 'GET',
  path: '/v1/wallets/:walletId/balances',
  tag: 'Wallets',
  summary: 'Show what a wallet holds',
  description: "As the chain's nodes say now. For people to look at: nothing is decided by it.",
  access: 'officer',
  params: z.strictObject({ walletId: identifier }),
  answer: {
    is: 'ok',
    description: 'By asset.',
    schema: balances,
    example: {
      walletId: exampleStatement.wallet,
      chain: exampleStatement.chain,
      asOfMs: exampleNowMs,
      balances: [
        {
          contract: 'native',
          symbol: 'BTC',
          decimals: 8,
          available: '420000000',
          pending: '0',
          reserved: '50020000',
        },
      ],
    },
  },
  refusals: ['wallet-unknown', 'balance-unavailable'],
});
