// What must not work, tried for real: each is refused, by whom and with which code, and the demo fails if it is not.

import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import type { Program } from '../devnet/process.js';
import { formatUnits } from '../src/core/money/amount.js';
import { bitcoinAddress, ethereumAddress } from './addresses.js';
import { portcullis, portcullisOk, typed } from './command.js';
import { expect } from './failure.js';
import { DESK, EXCHANGE } from './people.js';
import type { Screen } from './screen.js';
import { places } from './stage.js';
import { changeDestination, transactionWaiting } from './thief.js';
import { approve, ask, decideArgs, inState, type ShownTransfer, show, type Wish } from './transfers.js';

const EXPIRES_IN_SECONDS = 20;
const SECOND_MS = 1_000;

export interface Cast {
  /** The customer of the three withdrawals, with what they have used of their limits. */
  readonly customer: string;
  readonly stopSigner: () => Promise<void>;
  readonly startSigner: () => Promise<Program>;
}

/** A limit of an amount in satoshi, as a sum that everybody can check. */
function limitWords({ reason: { facts } }: ShownTransfer): string {
  const btc = (name: string) => formatUnits(BigInt(facts[name] ?? 0), 8);
  return `${facts.limit ?? ''}: used ${btc('used')} + asked ${btc('asked')} > ${btc('max')} BTC in 24 hours`;
}

/** The customer has had 0.02 BTC today and may have 1 BTC: 0.99 more would be too much, whoever approved it. */
export async function overTheLimit(screen: Screen, { customer }: Cast): Promise<void> {
  const wish: Wish = {
    wallet: 'hot-btc',
    asset: 'BTC',
    amount: '0.99',
    to: bitcoinAddress(),
    feeCeiling: '0.0002',
    customer,
  };
  const ended = await screen.during('0.99 BTC more for the same customer', async () =>
    inState(await ask(wish, EXCHANGE), EXCHANGE, ['refused']),
  );
  expect(
    ended.reason.code === 'limit-exceeded',
    `refused with ${ended.reason.code} instead of limit-exceeded`,
  );
  screen.refusal('policy', ended.reason.code, limitWords(ended));
}

/** One officer's second approval is not a second officer's. Returns the transfer, which goes on waiting. */
export async function oneOfficerTwice(screen: Screen, { customer }: Cast): Promise<string> {
  const wish: Wish = {
    wallet: 'hot-eth',
    asset: 'ETH',
    amount: '0.2',
    to: ethereumAddress(),
    feeCeiling: '0.002',
    customer,
  };
  const { id, second } = await screen.during('alice approves the same transfer twice', async () => {
    const transferId = await ask(wish, EXCHANGE);
    await inState(transferId, EXCHANGE, ['awaiting-approvals']);
    const first = await approve(transferId, 'alice');
    expect(first.exit === 0, `the first approval failed: ${first.code ?? first.errors}`);
    return { id: transferId, second: await approve(transferId, 'alice') };
  });
  expect(
    second.exit === 1 && second.code === 'approver-duplicate',
    `the second approval: ${second.code ?? 'taken'}`,
  );
  const { state } = await show(id, EXCHANGE);
  expect(state === 'awaiting-approvals', `the transfer went on to ${state}`);
  screen.refusal('the orchestrator', second.code, 'The transfer still waits for a second person.');
  screen.command(typed(decideArgs('approve', id, 'alice')));
  return id;
}

/** Carol's desk asks; carol is an officer, and cannot approve it. */
export async function ownRequest(screen: Screen): Promise<void> {
  const wish: Wish = {
    wallet: 'hot-btc',
    asset: 'BTC',
    amount: '0.02',
    to: bitcoinAddress(),
    feeCeiling: '0.0002',
    customer: 'carols-client',
  };
  const { id, verdict } = await screen.during('carol approves what her own desk asked for', async () => {
    const transferId = await ask(wish, DESK);
    await inState(transferId, DESK, ['awaiting-approvals']);
    return { id: transferId, verdict: await approve(transferId, 'carol') };
  });
  expect(
    verdict.exit === 1 && verdict.code === 'approver-is-requester',
    `her approval: ${verdict.code ?? 'taken'}`,
  );
  screen.refusal(
    'the orchestrator',
    verdict.code,
    'Nobody approves what they, or a key of theirs, asked for.',
  );
  screen.command(typed(decideArgs('approve', id, 'carol')));
}

/**
 * Two officers have approved, the transaction is built and lies in the database until the signer is back; there its
 * destination is changed. The signer decodes the bytes that it is to sign, and finds an address that nobody approved.
 */
export async function changedDestination(screen: Screen, cast: Cast): Promise<void> {
  const { customer } = cast;
  const [customers, thiefs] = [bitcoinAddress(), bitcoinAddress()];
  const wish: Wish = {
    wallet: 'hot-btc',
    asset: 'BTC',
    amount: '0.03',
    to: customers,
    feeCeiling: '0.0002',
    customer,
  };
  const { transferId, transactionKey } = await screen.during(
    '0.03 BTC approved while the signer is stopped',
    async () => {
      const id = await ask(wish, EXCHANGE);
      await inState(id, EXCHANGE, ['awaiting-approvals']);
      await cast.stopSigner();
      for (const person of ['alice', 'bob'] as const) {
        const approved = await approve(id, person);
        expect(approved.exit === 0, `${person} could not approve: ${approved.code ?? approved.errors}`);
      }
      return { transferId: id, transactionKey: await transactionWaiting(id) };
    },
  );
  const rows = changeDestination(transactionKey, customers, thiefs);
  expect(rows === 1, `${rows} rows were changed in the database instead of one`);
  screen.below(
    "Its transaction waits in the orchestrator's database. Somebody writes to it:",
    `approved   ${customers}`,
    `rewritten  ${thiefs}`,
  );
  const ended = await screen.during('the signer is back, and is asked to sign that', async () => {
    await cast.startSigner();
    return inState(transferId, EXCHANGE, ['refused', 'settled', 'failed', 'indeterminate']);
  });
  expect(ended.state === 'refused', `the transfer ended as ${ended.state} (${ended.reason.code})`);
  const signed = ended.transactions.filter((one) => one.transactionId !== null);
  expect(signed.length === 0, 'something was signed after all');
  screen.refusal(
    'the SIGNER',
    ended.reason.code,
    'It decodes the bytes itself, and they pay an address that nobody approved.',
  );
  screen.command(typed(['show', transferId, '--config', places.config(EXCHANGE.keyId)]));
}

export interface Expiring {
  readonly transferId: string;
  /** Of the monotonic clock. */
  readonly until: number;
}

/** A transfer that can be approved for a few seconds only; alice is in time. */
export async function beginExpiring(screen: Screen, { customer }: Cast): Promise<Expiring> {
  const wish: Wish = {
    wallet: 'hot-eth',
    asset: 'USDX',
    amount: '300',
    to: ethereumAddress(),
    feeCeiling: '0.002',
    customer,
    expiresIn: `${EXPIRES_IN_SECONDS}s`,
  };
  return screen.during(`300 USDX for ${EXPIRES_IN_SECONDS} seconds, approved by alice`, async () => {
    const transferId = await ask(wish, EXCHANGE);
    const until = performance.now() + EXPIRES_IN_SECONDS * SECOND_MS;
    await inState(transferId, EXCHANGE, ['awaiting-approvals']);
    const first = await approve(transferId, 'alice');
    expect(first.exit === 0, `the first approval failed: ${first.code ?? first.errors}`);
    return { transferId, until };
  });
}

/** Bob is not. */
export async function endExpiring(screen: Screen, { transferId, until }: Expiring): Promise<void> {
  const late = await screen.during('bob approves it when the time is over', async () => {
    await sleep(Math.max(0, until - performance.now()));
    await inState(transferId, EXCHANGE, ['expired']);
    return approve(transferId, 'bob');
  });
  expect(late.exit === 1 && late.code === 'approval-expired', `his approval: ${late.code ?? 'taken'}`);
  screen.refusal(
    'the orchestrator',
    late.code,
    "The transfer is expired for good, and alice's approval with it.",
  );
  screen.command(typed(decideArgs('approve', transferId, 'bob')));
}

const voidAnswer = z.object({ void: z.object({ statement: z.object({ journalSequence: z.int() }) }) });

/**
 * The expired one again, and one that was paid: the signer vouches for the first that it is never signed, and will not for
 * the second.
 */
export async function voids(screen: Screen, { transferId }: Expiring, settled: string): Promise<void> {
  const file = join(places.certificates, `${transferId}.void.json`);
  const as = ['--config', places.config(EXCHANGE.keyId)];
  const args = ['void', transferId, '--out', file, ...as];
  await screen.during(
    'the exchange asks for a void of it',
    () => portcullisOk(args, voidAnswer),
    ({ void: { statement } }) => `signed, journal entry ${statement.journalSequence}`,
  );
  screen.below('Only with that may the customer be paid by a new request.');
  screen.command(typed(args));
  const refused = await screen.during('and of a withdrawal that was paid', () =>
    portcullis(['void', settled, '--out', join(places.certificates, `${settled}.void.json`), ...as]),
  );
  expect(
    refused.exit === 1 && refused.code === 'transfer-not-voidable',
    `voided: ${refused.code ?? 'taken'}`,
  );
  screen.refusal('the orchestrator', refused.code, 'The signer would refuse it too: it has signed it.');
}
