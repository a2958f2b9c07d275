// Wallets that governance adds. One that this signer cannot serve must not get into its log: the signer checks every
// wallet's keys at each start and would never start again, and nothing takes a wallet out of the log.

import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { BITCOIN, Deployment } from '../../devnet/deployment.js';
import { codeOf, type SocketClient } from '../../devnet/socket-client.js';
import type { GovernanceEntry, Wallet } from '../../src/core/governance/entry.js';
import { publicKeysResult } from '../../src/signer-protocol/messages.js';

let deployment: Deployment;
let signer: SocketClient;
let publicKey: string;

beforeAll(async () => {
  deployment = await Deployment.create();
  const token = deployment.spawnTreasury();
  const { publicKey: point } = await token.generateKey('hot-btc-2', 'secp256k1');
  await token.close();
  publicKey = `${Number.parseInt(point.slice(-2), 16) % 2 ? '03' : '02'}${point.slice(2, 66)}`;
  signer = await deployment.start();
});
afterAll(() => deployment.destroy());

function added(altered: Partial<Wallet>): GovernanceEntry {
  const wallet: Wallet = {
    walletId: 'second-btc',
    chain: BITCOIN,
    tier: 'hot',
    token: 'treasury',
    keys: [{ label: 'hot-btc-2', publicKey }],
    ...altered,
  };
  return deployment.entry({ kind: 'wallet-added', wallet }, [deployment.alice, deployment.bob]);
}

async function append(entry: GovernanceEntry): Promise<string> {
  return codeOf(await signer.ask({ verb: 'governance-append', entry }));
}

describe('a wallet that governance adds', () => {
  it.each([
    ['on a token that is not here', 'token-unknown', () => ({ token: 'safu' })],
    [
      'with a key that is not on the token',
      'key-missing',
      () => ({ keys: [{ label: 'hot-btc-3', publicKey }] }),
    ],
    [
      'with the public key of something else',
      'key-other-public-key',
      () => ({
        keys: [
          {
            label: 'hot-btc-2',
            publicKey: `02${'79be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798'}`,
          },
        ],
      }),
    ],
  ])('%s is not taken into the log (%s)', async (_title, code, altered) => {
    expect(await append(added(altered()))).toBe(code);
    await deployment.stop();
    signer = await deployment.start();
  });

  it('is taken in when its keys are where it says, and described from then on, also after a restart', async () => {
    const entry = added({});
    expect(await append(entry)).toBe('done');
    deployment.log.push(entry);
    for (let starts = 0; starts < 2; starts++) {
      const described = await signer.ask({ verb: 'public-keys' });
      if (described.kind !== 'done') throw new Error(codeOf(described));
      const { wallets } = publicKeysResult.parse(described.result);
      expect(wallets.map(({ walletId, keys }) => [walletId, keys[0]?.publicKey])).toContainEqual([
        'second-btc',
        publicKey,
      ]);
      await deployment.stop();
      signer = await deployment.start();
    }
  });

  it('is taken in once when the entry comes twice at the same time', async () => {
    const token = deployment.spawnTreasury();
    const { publicKey: point } = await token.generateKey('hot-btc-4', 'secp256k1');
    await token.close();
    const key = `${Number.parseInt(point.slice(-2), 16) % 2 ? '03' : '02'}${point.slice(2, 66)}`;
    const entry = added({ walletId: 'third-btc', keys: [{ label: 'hot-btc-4', publicKey: key }] });
    const other = await deployment.connect();
    const codes = await Promise.all([
      append(entry),
      other.ask({ verb: 'governance-append', entry }).then(codeOf),
    ]);
    expect(codes).toContain('done');
    deployment.log.push(entry);
    expect(await append(entry)).toBe('done');
    await deployment.stop();
    signer = await deployment.start();
  });
});
