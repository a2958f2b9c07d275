// On whose behalf a request key asks, at a real signer: a person who was removed is none of them any more, whatever the key is
// and whenever they asked; a service was never on the roster.

import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type Backend, Deployment } from '../../devnet/deployment.js';
import { codeOf, type SocketClient } from '../../devnet/socket-client.js';
import { coin, payTo, psbt } from '../../devnet/transactions.js';
import { p2wpkhScript } from '../../src/core/intents/bitcoin/address.js';
import { ALICE_BTC } from './honest-orders.js';

let deployment: Deployment;
let signer: SocketClient;
let own: string;

beforeAll(async () => {
  deployment = await Deployment.create();
  signer = await deployment.start();
  own = p2wpkhScript(deployment.publicKeys.bitcoin);
});
afterAll(() => deployment?.destroy());

/** An order that nobody has to approve. */
function asked(by: Backend) {
  const request = deployment.request({ amount: '500000', destination: ALICE_BTC }, by);
  return {
    wallet: 'hot-btc',
    transaction: psbt(
      [coin(own, 10_000_000n)],
      [payTo(ALICE_BTC, 500_000n), { script: own, amountSats: 9_490_000n }],
    ),
    transfers: [deployment.transfer(request)],
  };
}

describe('what somebody asked for who is removed', () => {
  it('is refused from then on (requester-removed), and what a service asks for is not', async () => {
    expect(codeOf(await signer.sign(asked(deployment.desk)))).toBe('done');
    const before = asked(deployment.desk);
    const entry = deployment.entry({ kind: 'person-removed', personId: 'carol' }, [
      deployment.alice,
      deployment.bob,
    ]);
    expect(codeOf(await signer.ask({ verb: 'governance-append', entry }))).toBe('done');
    deployment.log.push(entry);
    expect(codeOf(await signer.sign(before))).toBe('requester-removed');
    expect(codeOf(await signer.sign(asked(deployment.desk)))).toBe('requester-removed');
    expect(codeOf(await signer.sign(asked(deployment.exchange)))).toBe('done');
  });
});
