// What watchers say of a token's contract, in orders to a signer with a real token: where it is another one than governance
// registered, nothing is paid in it, whoever approves.

import { expect, it } from '@jest/globals';
import { codeOf } from '../../devnet/socket-client.js';
import { verifyCertificate } from '../../src/core/certificates/verify.js';
import { factBy, watching } from '../../src/core/facts/facts.fixture.js';
import type { SignedFact } from '../../src/core/facts/fact.js';
import type { Change } from '../../src/core/governance/entry.js';
import { portableVerifier } from '../../src/core/statements/signature.js';
import { ETHEREUM, TOKEN_CONTRACT } from '../../devnet/deployment.js';
import { signResult } from '../../src/signer-protocol/messages.js';
import { deployment, ethereumOrder, nonceUsed, prepareAttacks, signer, tokenOrder } from './honest-orders.js';

prepareAttacks();

const frankfurt = watching('watcher-1', 'frankfurt');
const zurich = watching('watcher-2', 'zurich');
let sequence = 0;

function codeIs(by: typeof frankfurt, codeHash: string): SignedFact {
  const block = { height: 7, hash: 'ee'.repeat(32) };
  const content = {
    kind: 'code',
    chain: ETHEREUM,
    contract: TOKEN_CONTRACT.toLowerCase(),
    codeHash,
    block,
  } as const;
  sequence += 1;
  return factBy(by, content, { deploymentId: deployment.deploymentId, sequence, observedAtMs: Date.now() });
}

const registered = () => {
  const [genesis] = deployment.log;
  const change = genesis?.body.change;
  if (change?.kind !== 'genesis') throw new Error('no genesis');
  return change.tokens[0]?.codeHash ?? '';
};

async function govern(change: Change): Promise<string> {
  const entry = deployment.entry(change, [deployment.alice, deployment.bob]);
  const code = codeOf(await signer.ask({ verb: 'governance-append', entry }));
  if (code === 'done') deployment.log.push(entry);
  return code;
}

const answer = async (facts: readonly SignedFact[]) =>
  signer.sign({ ...tokenOrder(), ...(facts.length > 0 ? { facts: [...facts] } : {}) });

it('a token whose code is another one than was registered is not paid in (token-changed)', async () => {
  for (const { key } of [frankfurt, zurich])
    expect(await govern({ kind: 'fact-key-added', factKey: key })).toBe('done');
  expect(codeOf(await answer([codeIs(frankfurt, 'ab'.repeat(32))]))).toBe('token-changed');
  expect(codeOf(await answer([codeIs(frankfurt, registered())]))).toBe('done');
  nonceUsed();
});

it('where two sources have to agree, one is not enough, and two that do not agree neither', async () => {
  expect(await govern({ kind: 'fact-rule-set', rule: { kind: 'code', agree: 2, maxAgeMs: 60_000 } })).toBe(
    'done',
  );
  const other = 'ab'.repeat(32);
  expect(codeOf(await answer([]))).toBe('fact-missing');
  expect(codeOf(await answer([codeIs(frankfurt, registered())]))).toBe('fact-missing');
  expect(codeOf(await answer([codeIs(frankfurt, registered()), codeIs(zurich, other)]))).toBe(
    'facts-disagree',
  );
  expect(codeOf(await answer([codeIs(frankfurt, other), codeIs(zurich, other)]))).toBe('token-changed');
  const signed = await answer([codeIs(frankfurt, registered()), codeIs(zurich, registered())]);
  expect(codeOf(signed)).toBe('done');
  nonceUsed();
  const { certificate } = signResult.parse(signed.kind === 'done' ? signed.result : undefined);
  const verify = (of: unknown) =>
    verifyCertificate(of, deployment.log, deployment.deploymentId, portableVerifier).kind;
  expect(verify(certificate)).toBe('accepted');
  const { facts: _, ...order } = certificate.reservation.order;
  expect(verify({ ...certificate, reservation: { ...certificate.reservation, order } })).toBe('refused');
});

it('the coin of the chain has no contract to ask about', async () => {
  expect(codeOf(await signer.sign(ethereumOrder()))).toBe('done');
  nonceUsed();
});
