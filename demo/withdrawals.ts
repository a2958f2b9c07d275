// The main job: three signed withdrawals, each approved by two officers, signed in the token, settled on its chain, and
// checked afterwards from its certificate alone.

import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { formatUnits } from '../src/core/money/amount.js';
import { bitcoinAddress, ethereumAddress } from './addresses.js';
import { TOKEN } from './ceremony.js';
import { portcullisOk, typed } from './command.js';
import { expect, until } from './failure.js';
import { EXCHANGE } from './people.js';
import type { Nodes } from './programs.js';
import type { Screen } from './screen.js';
import { type CeremonyRecord, places } from './stage.js';
import {
  approve,
  ask,
  decideArgs,
  followArgs,
  followToSettled,
  inState,
  requestArgs,
  type Settled,
  type Wish,
} from './transfers.js';

const FUNDING = { sats: 50_000_000n, wei: 2n * 10n ** 18n, units: 5_000n * 10n ** 18n } as const;
const FUNDED_WITHIN_MS = 60_000;
/** Of a transfer's id, for the name of a file that somebody may have to type. */
const SHORT_ID = 15;

const walletsAnswer = z.object({
  wallets: z.array(
    z.object({
      walletId: z.string(),
      balances: z.union([
        z.string(),
        z.array(z.object({ symbol: z.string(), decimals: z.int(), available: z.string() })),
      ]),
    }),
  ),
});

interface Held {
  readonly symbol: string;
  readonly decimals: number;
  readonly available: bigint;
}

async function holdings(): Promise<Held[]> {
  const { wallets } = await portcullisOk(['wallets', '--config', places.config('alice')], walletsAnswer);
  return wallets.flatMap(({ balances }) =>
    typeof balances === 'string'
      ? []
      : balances.map(({ symbol, decimals, available }) => ({
          symbol,
          decimals,
          available: BigInt(available),
        })),
  );
}

/** Pays into the wallets, as customers' deposits would, and waits until the orchestrator has seen it. */
export async function fund(nodes: Nodes, { addresses, token }: CeremonyRecord): Promise<string> {
  const before = new Map((await holdings()).map(({ symbol, available }) => [symbol, available]));
  await nodes.bitcoin.fund(addresses.bitcoin, FUNDING.sats);
  await nodes.ethereum.fund(addresses.ethereum, FUNDING.wei);
  await nodes.ethereum.fundToken(token, addresses.ethereum, FUNDING.units);
  const held = await until('the deposits to arrive', FUNDED_WITHIN_MS, async () => {
    const now = await holdings();
    const arrived = (['BTC', 'ETH', TOKEN.symbol] as const).every(
      (symbol) => (now.find((one) => one.symbol === symbol)?.available ?? 0n) > (before.get(symbol) ?? 0n),
    );
    return arrived ? now : undefined;
  });
  return held
    .map(({ available, decimals, symbol }) => `${formatUnits(available, decimals)} ${symbol}`)
    .join(', ');
}

export interface Withdrawal {
  readonly wish: Wish;
  readonly transferId: string;
}

export function wishes(customer: string): readonly Wish[] {
  const bitcoin = { wallet: 'hot-btc', feeCeiling: '0.0002', customer } as const;
  const ethereum = { wallet: 'hot-eth', feeCeiling: '0.002', customer } as const;
  return [
    { ...bitcoin, asset: 'BTC', amount: '0.02', to: bitcoinAddress() },
    { ...ethereum, asset: 'ETH', amount: '0.15', to: ethereumAddress() },
    { ...ethereum, asset: 'USDX', amount: '250', to: ethereumAddress() },
  ];
}

/** Signs and hands in the three requests. */
export async function askForAll(screen: Screen, all: readonly Wish[]): Promise<Withdrawal[]> {
  const asked: Withdrawal[] = [];
  for (const wish of all) {
    const transferId = await screen.during(
      `${wish.amount} ${wish.asset} requested, signed by ${EXCHANGE.keyId}`,
      () => ask(wish, EXCHANGE),
      (id) => id,
    );
    if (asked.length === 0) screen.command(typed(requestArgs(wish, EXCHANGE)));
    asked.push({ wish, transferId });
  }
  return asked;
}

/** The fields of a statement by which payments differ: the whole of it was shown before. */
const TELLING = /^\s+(?:pays|to|token|from wallet|fee at most|digest) /;

/** What the officer's program put on the screen: all of it, or what differs from the one before. */
function statementText(errors: string, whole: boolean): string[] {
  const lines = errors.trimEnd().split('\n');
  return whole ? lines : lines.filter((line) => TELLING.test(line));
}

/** Alice and Bob approve each with their own token; what they sign is shown. */
export async function approveAll(screen: Screen, all: readonly Withdrawal[]): Promise<void> {
  for (const [index, { wish, transferId }] of all.entries()) {
    await inState(transferId, EXCHANGE, ['awaiting-approvals']);
    for (const person of ['alice', 'bob'] as const) {
      const result = await screen.during(`${wish.amount} ${wish.asset} approved by ${person}`, async () => {
        const approved = await approve(transferId, person);
        expect(
          approved.exit === 0,
          `${person} could not approve: ${approved.code ?? ''}\n${approved.errors}`,
        );
        return approved;
      });
      if (person === 'bob') continue;
      screen.command(typed(decideArgs('approve', transferId, person)));
      if (index === 0) screen.below('What she was shown, and signed with her token over PKCS#11:');
      screen.below('', ...statementText(result.errors, index === 0), '');
    }
  }
}

function feeWords(wish: Wish, { feePaid }: Settled): string {
  return wish.asset === 'BTC'
    ? `${formatUnits(BigInt(feePaid), 8)} BTC`
    : `${formatUnits(BigInt(feePaid), 18)} ETH`;
}

export async function followAll(screen: Screen, all: readonly Withdrawal[]): Promise<void> {
  for (const { wish, transferId } of all) {
    const paid = await screen.during(`${wish.amount} ${wish.asset} settled`, () =>
      followToSettled(transferId, EXCHANGE),
    );
    screen.below(
      paid.transactionId,
      `block ${paid.blockHeight}, ${paid.confirmations} confirmations, fee ${feeWords(wish, paid)}`,
    );
  }
  const [first] = all;
  if (first) screen.command(typed(followArgs(first.transferId, EXCHANGE)));
}

const verified = z.object({
  certificates: z
    .array(z.object({ valid: z.literal(true), proved: z.array(z.string()), trusted: z.array(z.string()) }))
    .min(1),
});

const saved = z.object({ certificates: z.int(), attested: z.int() });
const ATTESTED_WITHIN_MS = 20_000;

/** Saves the certificates of a transfer, once the signer has attested them all. */
async function saveCertificates(transferId: string, file: string, config: readonly string[]): Promise<void> {
  await until('an attestation of the signer', ATTESTED_WITHIN_MS, async () => {
    rmSync(file, { force: true });
    const found = await portcullisOk(['certificate', transferId, '--out', file, ...config], saved);
    return found.attested === found.certificates ? found : undefined;
  });
}

/** Fetches the signer's certificates and checks them with nothing but the files. */
export async function verifyAll(screen: Screen, all: readonly Withdrawal[]): Promise<void> {
  const files: string[] = [];
  for (const { transferId } of all) {
    const file = join(places.certificates, `${transferId.slice(0, SHORT_ID)}.jsonl`);
    await saveCertificates(transferId, file, ['--config', places.config(EXCHANGE.keyId)]);
    files.push(file);
  }
  const evidence = ['--genesis', places.genesis, '--log', places.governanceLog];
  const { certificates } = await screen.during(
    'decision certificates verified offline',
    () => portcullisOk(['verify', ...files, ...evidence], verified),
    (found) => `${found.certificates.length} of ${all.length} hold`,
  );
  expect(certificates.length === all.length, 'a certificate is missing');
  const [one] = certificates;
  for (const sentence of one?.proved ?? []) screen.prose(sentence);
  const [first] = files;
  if (first) screen.command(typed(['verify', first, ...evidence]));
}
