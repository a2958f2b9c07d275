// A token that stops answering in the middle of a signature, and one whose process dies. What was asked then is reserved,
// nothing has left the signer, and once the token is back the same order gives one signature, for good.

import { readdirSync, readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Transaction as EthereumTransaction } from 'ethers';
import { Deployment, ETH, ETHEREUM } from '../../devnet/deployment.js';
import { codeOf, type SocketClient } from '../../devnet/socket-client.js';
import { coin, eip1559, payTo, psbt } from '../../devnet/transactions.js';
import type { SigningOrder } from '../../src/core/authorization/signing-order.js';
import { p2wpkhScript } from '../../src/core/intents/bitcoin/address.js';
import { requestDigest, transferIdOf } from '../../src/core/statements/request.js';
import { type SignResult, signResult, statusResult } from '../../src/signer-protocol/messages.js';

const DESTINATION_BTC = 'bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080';
const DESTINATION_ETH = '0x70997970C51812dc3A010C7d01b50e0d17dc79C8';
const DEADLINE_MS = 1_500;

let deployment: Deployment;
let signer: SocketClient;
let own: string;

beforeAll(async () => {
  deployment = await Deployment.create({ deadlineMs: DEADLINE_MS });
  signer = await deployment.start();
  own = p2wpkhScript(deployment.publicKeys.bitcoin);
});
afterAll(() => deployment.destroy());

/** The token's process: our only child that runs the token program. */
function tokenProcess(): number {
  const found = readdirSync('/proc')
    .filter((name) => /^[0-9]+$/.test(name))
    .filter((name) => {
      try {
        const parent = readFileSync(`/proc/${name}/stat`, 'utf8')
          .replace(/^.*\) /, '')
          .split(' ')[1];
        const command = readFileSync(`/proc/${name}/cmdline`, 'utf8');
        return parent === String(process.pid) && command.includes(deployment.tokenProgram);
      } catch {
        // A process that ended while it was looked at is not ours: ours is alive.
        return false;
      }
    });
  const [only, another] = found;
  if (only === undefined || another !== undefined) throw new Error(`${found.length} token processes`);
  return Number.parseInt(only, 10);
}

function bitcoinOrder(request = deployment.request()): SigningOrder {
  const outputs = [payTo(DESTINATION_BTC, 500_000n), { script: own, amountSats: 490_000n }];
  return {
    wallet: 'hot-btc',
    transaction: psbt([coin(own, 1_000_000n)], outputs),
    transfers: [deployment.transfer(request)],
  };
}

function ethereumOrder(nonce: number, request = ethereumRequest()): SigningOrder {
  const transaction = eip1559({ to: DESTINATION_ETH, value: 10n ** 16n, nonce });
  return { wallet: 'hot-eth', transaction, transfers: [deployment.transfer(request)] };
}

function ethereumRequest() {
  return deployment.request({
    chain: ETHEREUM,
    wallet: 'hot-eth',
    asset: ETH,
    amount: (10n ** 16n).toString(),
    destination: DESTINATION_ETH,
    feeCeiling: (10n ** 15n).toString(),
  });
}

async function stateOf(order: SigningOrder) {
  const transferIds = order.transfers.map(({ request }) => transferIdOf(requestDigest(request.statement)));
  const answer = await signer.ask({ verb: 'status', transferIds });
  if (answer.kind !== 'done') throw new Error(`no status: ${codeOf(answer)}`);
  return statusResult.parse(answer.result).transfers[0];
}

/** As an orchestrator does: faults are tried again, a bounded number of times. */
async function insist(order: SigningOrder): Promise<SignResult> {
  for (let tries = 0; tries < 50; tries++) {
    const answer = await signer.sign(order);
    if (answer.kind === 'done') return signResult.parse(answer.result);
    if (answer.kind === 'refused') throw new Error(`refused: ${answer.code}`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error('the token did not come back');
}

describe.each([
  ['hangs until its deadline', 'SIGSTOP'],
  ['dies', 'SIGKILL'],
] as const)('a token process that %s during a signature', (_title, signal) => {
  it('leaves a reserved transfer, which the same order signs later, and no other transaction ever does', async () => {
    const request = deployment.request();
    const order = bitcoinOrder(request);
    process.kill(tokenProcess(), 'SIGSTOP');
    const answers = [signer.sign(order), signer.sign(order)];
    // What was asked has reached the token's process by then, which does not run.
    await new Promise((resolve) => setTimeout(resolve, 300));
    if (signal === 'SIGKILL') process.kill(tokenProcess(), signal);
    for (const answer of await Promise.all(answers)) {
      expect(answer).toMatchObject({ kind: 'fault', code: 'indeterminate' });
    }
    expect(await stateOf(order)).toMatchObject({ state: 'reserved', transactionIds: [] });
    // Nobody may take the way out of paying it otherwise in the meantime.
    expect(codeOf(await signer.sign(bitcoinOrder(request)))).toBe('transfer-already-signed');

    const first = await insist(order);
    expect(await stateOf(order)).toMatchObject({ state: 'signed', transactionIds: [first.transactionId] });
    const again = await signer.signed(order);
    expect(again).toEqual({ ...first, repeated: true });
    expect(codeOf(await signer.sign(bitcoinOrder(request)))).toBe('transfer-already-signed');
  });

  it('keeps the nonce for its transfer', async () => {
    const nonce = signal === 'SIGSTOP' ? 0 : 1;
    const request = ethereumRequest();
    const order = ethereumOrder(nonce, request);
    process.kill(tokenProcess(), 'SIGSTOP');
    const answered = signer.sign(order);
    await new Promise((resolve) => setTimeout(resolve, 300));
    if (signal === 'SIGKILL') process.kill(tokenProcess(), signal);
    expect(codeOf(await answered)).toBe('indeterminate');
    const other = ethereumOrder(nonce);
    expect(codeOf(await signer.sign(other))).toBe('transaction-of-other-order');
    expect(codeOf(await signer.sign(ethereumOrder(nonce + 1, request)))).toBe('transfer-already-signed');
    const first = await insist(order);
    expect(EthereumTransaction.from(`0x${first.signedTransaction}`).nonce).toBe(nonce);
    expect(await signer.signed(order)).toEqual({ ...first, repeated: true });
  });
});

describe('an order that expires while its token is away', () => {
  it('is not signed any more once the token is back, and its coin stays taken', async () => {
    const request = deployment.request();
    const order = bitcoinOrder(request);
    process.kill(tokenProcess(), 'SIGSTOP');
    expect(codeOf(await signer.sign(order))).toBe('indeterminate');
    deployment.time.advance(2 * 3_600_000);
    expect(codeOf(await signer.sign(order))).toBe('request-expired');
    expect(await stateOf(order)).toMatchObject({ state: 'reserved', transactionIds: [] });
    expect(codeOf(await signer.sign(bitcoinOrder(request)))).toBe('request-expired');
  });
});
