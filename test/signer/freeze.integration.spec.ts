// A freeze at the signer: from the moment it has the entry, nothing leaves it for what is frozen, in whatever state that is
// on its way; and nothing is lost, so that after the thaw everything goes on.

import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { whileTokenWaits } from '../../devnet/broken-token.js';
import { Deployment, type Officer } from '../../devnet/deployment.js';
import { codeOf, type SocketClient } from '../../devnet/socket-client.js';
import { coin, payTo, psbt } from '../../devnet/transactions.js';
import type { SigningOrder } from '../../src/core/authorization/signing-order.js';
import type { Change, FreezeScope } from '../../src/core/governance/entry.js';
import { p2wpkhScript } from '../../src/core/intents/bitcoin/address.js';
import { requestDigest, transferIdOf } from '../../src/core/statements/request.js';
import { type Reply, statusResult } from '../../src/signer-protocol/messages.js';

const DESTINATION = 'bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080';
const HOT: FreezeScope = { kind: 'wallet', walletId: 'hot-btc' };
const EVERYTHING: FreezeScope = { kind: 'everything' };

let deployment: Deployment;
let signer: SocketClient;
let own: string;

beforeAll(async () => {
  deployment = await Deployment.create();
  signer = await deployment.start();
  own = p2wpkhScript(deployment.publicKeys.bitcoin);
});
afterAll(() => deployment.destroy());
// Limits are not what is tested here.
beforeEach(() => deployment.time.advance(25 * 3_600_000));

function paying(): SigningOrder {
  const request = deployment.request({ amount: '100000', destination: DESTINATION });
  const outputs = [payTo(DESTINATION, 100_000n), { script: own, amountSats: 898_000n }];
  return {
    wallet: 'hot-btc',
    transaction: psbt([coin(own, 1_000_000n)], outputs),
    transfers: [deployment.transfer(request)],
  };
}

async function append(change: Change, officers: readonly Officer[]): Promise<string> {
  const entry = deployment.entry(change, officers);
  const code = codeOf(await signer.ask({ verb: 'governance-append', entry }));
  if (code === 'done') deployment.log.push(entry);
  return code;
}

const freeze = (scope: FreezeScope, officer = deployment.alice) =>
  append({ kind: 'frozen', scope, why: 'drill' }, [officer]);
const thaw = (scope: FreezeScope, officers = [deployment.alice, deployment.bob]) =>
  append({ kind: 'thawed', scope }, officers);

async function stateOf(order: SigningOrder) {
  const transferIds = order.transfers.map(({ request }) => transferIdOf(requestDigest(request.statement)));
  const answer = await signer.ask({ verb: 'status', transferIds });
  return answer.kind === 'done' ? statusResult.parse(answer.result).transfers[0]?.state : codeOf(answer);
}

describe('a wallet that is frozen', () => {
  it.each([
    ['by itself', HOT],
    ['with all others', EVERYTHING],
  ])('%s signs nothing (wallet-frozen), and everything again after the thaw', async (_, scope) => {
    const order = paying();
    expect(await freeze(scope)).toBe('done');
    const refused = await signer.sign(order);
    expect(refused).toMatchObject({
      kind: 'refused',
      code: 'wallet-frozen',
      facts: { wallet: 'hot-btc', scope: scope.kind, why: 'drill' },
    });
    expect(await stateOf(order)).toBe('unseen');
    expect(await thaw(scope, [deployment.alice])).toBe('governance-quorum-missing');
    expect(codeOf(await signer.sign(order))).toBe('wallet-frozen');
    expect(await thaw(scope)).toBe('done');
    expect(codeOf(await signer.sign(order))).toBe('done');
  });

  it('leaves other wallets alone', async () => {
    expect(await freeze({ kind: 'wallet', walletId: 'hot-eth' })).toBe('done');
    expect(codeOf(await signer.sign(paying()))).toBe('done');
    expect(await thaw({ kind: 'wallet', walletId: 'hot-eth' })).toBe('done');
  });

  it('does not give out again what it signed before, until the thaw', async () => {
    const order = paying();
    const first = await signer.sign(order);
    expect(codeOf(first)).toBe('done');
    expect(await freeze(HOT)).toBe('done');
    expect(codeOf(await signer.sign(order))).toBe('wallet-frozen');
    expect(await stateOf(order)).toBe('signed');
    expect(await thaw(HOT)).toBe('done');
    expect(await signer.sign(order)).toMatchObject({ kind: 'done', result: { repeated: true } });
  });

  it('keeps back a signature that the token was at when it was frozen, also from whoever asked once more', async () => {
    const order = paying();
    const answers: Promise<Reply>[] = [];
    await whileTokenWaits(deployment, async () => {
      answers.push(signer.sign(order), signer.sign(order));
      for (let looks = 0; (await stateOf(order)) !== 'reserved' && looks < 1_000; looks += 1);
      expect(await freeze(HOT)).toBe('done');
    });
    const codes = (await Promise.all(answers)).map(codeOf);
    expect(codes).toEqual(['wallet-frozen', 'wallet-frozen']);
    expect(await stateOf(order)).toBe('signed');
    expect(await thaw(HOT)).toBe('done');
    expect(await signer.sign(order)).toMatchObject({ kind: 'done', result: { repeated: true } });
  });

  it('is frozen after a restart, too', async () => {
    expect(await freeze(HOT, deployment.carol)).toBe('done');
    await deployment.stop();
    signer = await deployment.start();
    expect(codeOf(await signer.sign(paying()))).toBe('wallet-frozen');
    expect(await thaw(HOT)).toBe('done');
    expect(codeOf(await signer.sign(paying()))).toBe('done');
  });

  it('still gives voids: what is not to be paid can be given up', async () => {
    const order = paying();
    const [transfer] = order.transfers;
    expect(await freeze(EVERYTHING)).toBe('done');
    expect(codeOf(await signer.ask({ verb: 'void', request: transfer?.request }))).toBe('done');
    expect(await thaw(EVERYTHING)).toBe('done');
    expect(codeOf(await signer.sign(order))).toBe('transfer-void');
  });
});
