// A signer whose state was put back while it ran: a snapshot of its machine restored, or a copy started beside it, with
// the same token. Both hold a past that the token has gone on from, and neither goes through a start that would notice.

import { copyFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Deployment } from '../../devnet/deployment.js';
import { codeOf, type SocketClient } from '../../devnet/socket-client.js';
import { coin, payTo, psbt } from '../../devnet/transactions.js';
import type { SigningOrder } from '../../src/core/authorization/signing-order.js';
import { Fault } from '../../src/core/fault.js';
import { p2wpkhScript } from '../../src/core/intents/bitcoin/address.js';
import { startSigner } from '../../src/signer/start.js';

const DESTINATION = 'bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080';

let deployment: Deployment;
let first: SocketClient;
let twin: Awaited<ReturnType<typeof startSigner>>;

beforeAll(async () => {
  deployment = await Deployment.create();
  first = await deployment.start();
  expect(codeOf(await first.sign(paying()))).toBe('done');
  await deployment.stop();
  const config = deployment.config();
  const storePath = join(deployment.directory, 'twin.db');
  await copyFile(config.storePath, storePath);
  first = await deployment.start();
  const options = { time: deployment.time, tokenProgram: deployment.tokenProgram };
  twin = await startSigner({ ...config, storePath }, options);
});
afterAll(async () => {
  await twin.close();
  await deployment.destroy();
});

/** A withdrawal from a coin of its own. */
function paying(request = deployment.request()): SigningOrder {
  const own = p2wpkhScript(deployment.publicKeys.bitcoin);
  const outputs = [payTo(DESTINATION, 500_000n), { script: own, amountSats: 490_000n }];
  return {
    wallet: 'hot-btc',
    transaction: psbt([coin(own, 1_000_000n)], outputs),
    transfers: [deployment.transfer(request)],
  };
}

async function twinCode(order: SigningOrder): Promise<string> {
  try {
    const outcome = await twin.signer.sign(deployment.vouched(order));
    return outcome.kind === 'accepted' ? 'done' : outcome.code;
  } catch (error) {
    if (error instanceof Fault) return error.code;
    throw error;
  }
}

describe('a signer whose token went on without it', () => {
  it('signs nothing more, however often it is asked, and the other one goes on', async () => {
    const request = deployment.request();
    expect(codeOf(await first.sign(paying(request)))).toBe('done');
    expect(codeOf(await first.sign(paying()))).toBe('done');
    // Each attempt adds a reservation to its journal, so that its sequence passes the one on the token.
    for (let tries = 0; tries < 8; tries++) {
      expect(['store-rolled-back', 'store-diverged']).toContain(await twinCode(paying()));
    }
    expect(await twinCode(paying())).toMatch(/^store-/);
    expect(codeOf(await first.sign(paying()))).toBe('done');
  });
});
