// Settings of one Ethereum chain (its id is the key under which the configuration holds them): where its nodes are, how
// many of them must agree, and the bounds of fees and gas. They bound what is planned; what may be signed is the signer's policy and each transfer's fee ceiling.

import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { Fault } from '../../../core/fault.js';
import { MAX_GAS_LIMIT, MIN_GAS_LIMIT } from '../../../core/intents/ethereum/decode.js';
import { wei } from '../../../core/money/amount.js';
import { baseUnits, identifier } from '../../../core/statements/fields.js';
import type { EthereumFaultCode } from './ethereum.errors.js';

/** Wei as decimal digits. */
const weiAmount = baseUnits.transform((text) => wei(BigInt(text)));
/** What the signer would refuse at any fee is no cap. */
const gasCap = z
  .int()
  .min(Number.parseInt(MIN_GAS_LIMIT.toString(), 10))
  .max(Number.parseInt(MAX_GAS_LIMIT.toString(), 10));
const nodeUrl = z.url({ protocol: /^https?$/ }).max(2_048);
const milliseconds = (min: number, max: number) => z.int().min(min).max(max);

const provider = z
  .strictObject({
    /** What logs and faults call it. The URL is never shown: it may hold a key. */
    name: identifier,
    /** JSON-RPC over HTTP. Without user and password, which everybody who sees the configuration would see. */
    url: nodeUrl
      .refine((text) => {
        const { username, password } = new URL(text);
        return username === '' && password === '';
      }, 'credentials do not belong into a URL here; use urlFile')
      .optional(),
    /** A file whose first line is the URL, with whatever key or password it holds. */
    urlFile: z.string().min(1).max(1_024).optional(),
  })
  .refine((one) => (one.url === undefined) !== (one.urlFile === undefined), 'either url or urlFile');

type Reading = { readonly mode: 'quorum'; readonly agreeing: number } | { readonly mode: 'fail-over' };

function readingOf(providers: number): Reading {
  return providers === 1
    ? { mode: 'fail-over' }
    : { mode: 'quorum', agreeing: Math.floor(providers / 2) + 1 };
}

export const ethereumSettings = z
  .strictObject({
    providers: z.array(provider).min(1).max(8),
    /**
     * How state that decides (receipts, block hashes, nonces, balances, code) is read. `quorum`: that many nodes must say
     * exactly the same. `fail-over`: the first node that answers is believed, so a single lying node is believed too.
     */
    reading: z
      .discriminatedUnion('mode', [
        z.strictObject({ mode: z.literal('quorum'), agreeing: z.int().min(2).max(8) }),
        z.strictObject({ mode: z.literal('fail-over') }),
      ])
      .exactOptional(),
    /** When a mined transaction is final: so many blocks (its own counts), or the block that the nodes call so. */
    confirmations: z
      .discriminatedUnion('by', [
        z.strictObject({ by: z.literal('depth'), depth: z.int().min(1).max(10_000) }),
        z.strictObject({ by: z.literal('tag'), tag: z.enum(['safe', 'finalized']) }),
      ])
      .default({ by: 'tag', tag: 'finalized' }),
    /**
     * Reorganisations of so many blocks are followed: what was final and is dropped by one is sent again. Until it is
     * deeper than this, a final transaction is looked at now and then.
     */
    reorgDepth: z.int().min(0).max(100_000).default(128),
    fees: z
      .strictObject({
        maxFeePerGasCeilingWei: weiAmount.prefault('300000000000'),
        /** When no node suggests a priority fee. */
        priorityFeeFallbackWei: weiAmount.prefault('1000000000'),
        priorityFeeCeilingWei: weiAmount.prefault('5000000000'),
        /** The most that one transaction may cost, whatever its transfer's ceiling says. */
        maxFeePerTransactionWei: weiAmount.prefault('100000000000000000'),
        /** Nodes drop a replacement that raises either fee by less than 10 %. */
        replacementBumpPercent: z.int().min(10).max(1_000).default(12),
      })
      .prefault({}),
    gas: z
      .strictObject({
        /** For an ERC-20 `transfer`. */
        erc20Cap: gasCap.default(200_000),
        /** For the chain's coin to an address that has code. */
        contractCap: gasCap.default(100_000),
        /** Added to a node's estimate, up to the cap. */
        marginPercent: z.int().min(0).max(200).default(20),
      })
      .prefault({}),
    /** Transactions of one wallet that are planned or signed and not in a block yet. */
    maxUnconfirmedPerWallet: z.int().min(1).max(1_000).default(64),
    /** For one question to one node. */
    timeoutMs: milliseconds(50, 120_000).default(10_000),
    /** A node whose head is further behind the others than this is stale and not asked for state. */
    maxHeadLagBlocks: z.int().min(0).max(1_000).default(4),
    /** A head older than this is stale whatever the others say; null for chains that make blocks only on demand. */
    maxHeadAgeMs: milliseconds(1_000, 86_400_000).nullable().default(null),
    /** How often a node must prove its chain id again. */
    chainIdRecheckMs: milliseconds(1_000, 86_400_000).default(300_000),
  })
  // Where nobody says otherwise, several nodes are there to be compared: more than half of them must agree.
  .transform((settings) => ({
    ...settings,
    reading: settings.reading ?? readingOf(settings.providers.length),
  }))
  .superRefine((settings, context) => {
    const refuse = (path: string[], message: string) => context.addIssue({ code: 'custom', path, message });
    const { providers, reading, fees } = settings;
    if (new Set(providers.map((one) => one.name)).size !== providers.length) {
      refuse(['providers'], 'two providers have the same name');
    }
    const places = providers.map((one) => one.url ?? one.urlFile);
    if (new Set(places).size !== providers.length) {
      refuse(['providers'], 'two providers have the same URL: one node cannot agree with itself');
    }
    if (reading.mode === 'quorum') {
      if (reading.agreeing > providers.length) {
        refuse(['reading', 'agreeing'], 'more nodes must agree than there are');
      }
      // Otherwise two halves could both be a quorum and say opposite things.
      if (reading.agreeing * 2 <= providers.length) {
        refuse(['reading', 'agreeing'], 'a quorum is more than half of the nodes');
      }
    }
    if (fees.priorityFeeFallbackWei > fees.priorityFeeCeilingWei) {
      refuse(['fees', 'priorityFeeFallbackWei'], 'the fallback is above the ceiling');
    }
    if (fees.priorityFeeCeilingWei > fees.maxFeePerGasCeilingWei) {
      refuse(
        ['fees', 'priorityFeeCeilingWei'],
        'the priority fee ceiling is above the ceiling of the whole fee',
      );
    }
  });

export type EthereumSettings = z.output<typeof ethereumSettings>;

/** Where a node is, read from its file when that holds the URL. Throws `provider-url-malformed`. */
export function providerUrl(one: EthereumSettings['providers'][number]): string {
  const text =
    one.url ??
    (one.urlFile === undefined ? '' : (readFileSync(one.urlFile, 'utf8').split('\n')[0] ?? '').trim());
  const url = nodeUrl.safeParse(text);
  if (url.success) return url.data;
  throw new Fault<EthereumFaultCode>('provider-url-malformed', 'not the URL of a node', {
    facts: { provider: one.name },
  });
}

/** EIP-155 chain id of a CAIP-2 id such as `eip155:1`. */
export function chainIdOf(chain: string): number {
  const id = /^eip155:([1-9][0-9]{0,14})$/.exec(chain)?.[1];
  if (id === undefined) {
    throw new Fault<EthereumFaultCode>('wallet-other-chain', 'not an Ethereum chain', { facts: { chain } });
  }
  return Number.parseInt(id, 10);
}
