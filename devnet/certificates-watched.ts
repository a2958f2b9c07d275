// The newest of the certificates that the verifier's vectors are made of: a payment and one in a token by rules that rest on what
// watchers say, and one that was paid again after a burial. Governance wants two watchers, both played in software.

import { randomBytes } from 'node:crypto';
import { factBy, type Watching, watching } from '../src/core/facts/facts.fixture.js';
import type { FactContent, FactKind, SignedFact } from '../src/core/facts/fact.js';
import type { OrderedTransfer } from '../src/core/authorization/signing-order.js';
import type { Change } from '../src/core/governance/entry.js';
import { addressOfPublicKey } from '../src/core/intents/ethereum/address.js';
import { BURIAL_TYPE, type Burial, type BurialStatement, burialBytes } from '../src/core/recovery/burial.js';
import { requestDigest, transferIdOf } from '../src/core/statements/request.js';
import { signResult } from '../src/signer-protocol/messages.js';
import {
  type Deployment,
  ETH,
  ETHEREUM,
  type Officer,
  officersSign,
  TOKEN_CONTRACT,
  USDX,
} from './deployment.js';
import { codeOf, type SocketClient } from './socket-client.js';
import { eip1559, erc20Transfer } from './transactions.js';

export const PAID = '0x70997970C51812dc3A010C7d01b50e0d17dc79C8';
/** How old a fact may be. */
export const MAX_AGE_MS = 60_000;
const CONFIRMATIONS = 64;
const FEE_CEILING = '5000000000000000';
export const ETHER_PAID = 10n ** 16n;
export const USDX_PAID = 100n * 10n ** 18n;
const CONTRACT = TOKEN_CONTRACT.toLowerCase();
/** Of those that are paid here; two were paid before. */
export const NONCES = { ether: 2, token: 3, buried: 4, again: 5 } as const;

const KINDS: readonly FactKind[] = ['price', 'balance', 'code'];
/** The spare key is another one of the second source. */
export const WATCHERS = {
  one: watching('watcher-1', 'watcher-1', KINDS),
  two: watching('watcher-2', 'watcher-2', KINDS),
  spare: watching('watcher-2-spare', 'watcher-2', KINDS),
} as const;

const WATCHED = `policy: hot-ethereum
applies-to: { wallets: [hot-eth] }
fee-caps: { absolute: "0.01 ETH", relative: "5%" }
limits:
  - { id: share, per: wallet, asset: ETH, window: 24h, max-share: "20%" }
rules:
  - id: worth-little
    when: { asset: ETH, amount-at-most: "100 USD" }
    then: allow
  - id: usdx
    when: { asset: USDX, amount-at-most: "1000 USD" }
    then: { approve: [{ group: treasury, quorum: 2 }] }
  - id: rest
    when: anything
    then: refuse`.split('\n');

export const priceOf = (contract: string, price: string): FactContent => ({
  kind: 'price',
  chain: ETHEREUM,
  contract,
  currency: 'USD',
  price,
  sources: 3,
});

export const balanceOf = (amount: bigint): FactContent => ({
  kind: 'balance',
  wallet: 'hot-eth',
  chain: ETHEREUM,
  contract: 'native',
  amount: amount.toString(),
});

export const codeWith = (codeHash: string): FactContent => ({
  kind: 'code',
  chain: ETHEREUM,
  contract: CONTRACT,
  codeHash,
  block: { height: 100, hash: 'cd'.repeat(32) },
});

/** The hash that genesis pins for the token. */
export function registeredCode({ log: [genesis] }: Deployment): string {
  const change = genesis?.body.change;
  const [token] = change?.kind === 'genesis' ? change.tokens : [];
  if (!token) throw new Error('genesis registers no token');
  return token.codeHash;
}

let sequence = 0;

/** One more fact of a watcher about this, for this deployment, as of now. */
export function stated(deployment: Deployment, who: Watching, content: FactContent): SignedFact {
  sequence += 1;
  const { deploymentId, time } = deployment;
  return factBy(who, content, { sequence, observedAtMs: time.wall, deploymentId });
}

/** Of both: 0.01 ETH are worth 25 USD, and what the wallet holds is 0.9 ETH by the stricter of them. */
function ofEther(deployment: Deployment): SignedFact[] {
  return [
    stated(deployment, WATCHERS.one, priceOf('native', '2500')),
    stated(deployment, WATCHERS.two, priceOf('native', '2510')),
    stated(deployment, WATCHERS.one, balanceOf(10n ** 18n)),
    stated(deployment, WATCHERS.two, balanceOf(9n * 10n ** 17n)),
  ];
}

function ofToken(deployment: Deployment): SignedFact[] {
  const code = codeWith(registeredCode(deployment));
  const facts = [priceOf(CONTRACT, '1'), code, balanceOf(9n * 10n ** 17n)];
  return [WATCHERS.one, WATCHERS.two].flatMap((who) => facts.map((fact) => stated(deployment, who, fact)));
}

export function burialBy(statement: BurialStatement, officers: readonly Officer[]): Burial {
  return { statement, signatures: officersSign(burialBytes(statement), officers) };
}

export async function governed(deployment: Deployment, client: SocketClient, change: Change): Promise<void> {
  const entry = deployment.entry(change, [deployment.alice, deployment.bob]);
  const code = codeOf(await client.ask({ verb: 'governance-append', entry }));
  if (code !== 'done') throw new Error(`the signer answers ${code}`);
  deployment.log.push(entry);
}

async function underWatchers(deployment: Deployment, client: SocketClient): Promise<void> {
  const policies = deployment.policies.map((one) =>
    one.name === 'hot-ethereum' ? { ...one, lines: WATCHED } : one,
  );
  const changes: Change[] = [
    ...Object.values(WATCHERS).map(({ key }) => ({ kind: 'fact-key-added', factKey: key }) as const),
    ...KINDS.map(
      (kind) => ({ kind: 'fact-rule-set', rule: { kind, agree: 2, maxAgeMs: MAX_AGE_MS } }) as const,
    ),
    { kind: 'policies-set', policies },
  ];
  for (const change of changes) await governed(deployment, client, change);
  deployment.policies = policies;
}

/** An eleventh under a rule and a limit that need facts, a twelfth in a token, and three around a burial. */
export async function watched(deployment: Deployment, client: SocketClient): Promise<void> {
  await underWatchers(deployment, client);
  const sign = async (order: Parameters<SocketClient['sign']>[0]) => {
    const answer = await client.sign(order);
    if (answer.kind !== 'done') throw new Error(`the signer answers ${codeOf(answer)}`);
    return signResult.parse(answer.result).certificate;
  };
  const asked = { chain: ETHEREUM, wallet: 'hot-eth', destination: PAID, feeCeiling: FEE_CEILING };
  const ether = () =>
    deployment.transfer(deployment.request({ ...asked, asset: ETH, amount: ETHER_PAID.toString() }));
  const paying = (transfer: OrderedTransfer, nonce: number) =>
    sign({
      wallet: 'hot-eth',
      transaction: eip1559({ to: PAID, value: ETHER_PAID, nonce }),
      transfers: [transfer],
      facts: ofEther(deployment),
    });
  await paying(ether(), NONCES.ether);
  const request = deployment.request({ ...asked, asset: USDX, amount: USDX_PAID.toString() });
  await sign({
    wallet: 'hot-eth',
    transaction: eip1559({ ...TOKEN_CALL, data: erc20Transfer(PAID, USDX_PAID) }),
    transfers: [deployment.transfer(request, [deployment.alice, deployment.bob])],
    facts: ofToken(deployment),
  });
  const transfer = ether();
  const dead = await paying(transfer, NONCES.buried);
  const own = addressOfPublicKey(deployment.publicKeys.ethereum);
  const mined = await sign({
    wallet: 'hot-eth',
    transaction: eip1559({ to: own, nonce: NONCES.buried }),
    transfers: [],
  });
  if (mined.outcome.kind !== 'signed') throw new Error('the cancel is not signed');
  const now = deployment.time.wall;
  const statement: BurialStatement = {
    type: BURIAL_TYPE,
    deploymentId: deployment.deploymentId,
    governanceHead: deployment.head,
    transferIds: [transferIdOf(requestDigest(transfer.request.statement))],
    dead: [dead.reservation.transactionKey],
    conflicting: {
      transactionKey: mined.reservation.transactionKey,
      transactionId: mined.outcome.transactionId,
      blockHash: randomBytes(32).toString('hex'),
      blockHeight: 700,
      confirmations: CONFIRMATIONS,
    },
    createdAtMs: now,
    expiresAtMs: now + 3_600_000,
  };
  const burial = burialBy(statement, [deployment.alice, deployment.bob]);
  const buried = codeOf(await client.ask({ verb: 'bury', burial }));
  if (buried !== 'done') throw new Error(`the signer answers ${buried}`);
  await paying(transfer, NONCES.again);
}

/** All of the payment in a token but what it calls with. */
export const TOKEN_CALL = { to: TOKEN_CONTRACT, nonce: NONCES.token, gasLimit: 60_000n } as const;
