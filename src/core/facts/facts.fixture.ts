// What tests of facts stand on: a watcher with a key of its own, and a state that knows it. For tests alone.

import { generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { bytesToHex } from '@noble/hashes/utils.js';
import type { FactKey } from '../governance/entry.js';
import { BITCOIN, start } from '../governance/people.fixture.js';
import type { GovernanceState } from '../governance/state.js';
import { type ContentOf, type FactContent, type FactKind, factKind, type SignedFact } from './fact.js';
import { signFact } from './sign.js';

export const NOW_MS = 1_760_000_000_000;

/** An Ed25519 key made by OpenSSL and not by the code under test. */
export interface Watching {
  readonly key: FactKey;
  readonly secret: KeyObject;
}

export function watching(
  keyId: string,
  source = keyId,
  kinds: readonly FactKind[] = factKind.options,
): Watching {
  const { publicKey, privateKey } = generateKeyPairSync('ed25519');
  const raw = publicKey.export({ format: 'der', type: 'spki' }).subarray(-32);
  const key: FactKey = {
    keyId,
    algorithm: 'ed25519',
    publicKey: bytesToHex(raw),
    source,
    kinds: [...kinds],
  };
  return { key, secret: privateKey };
}

export interface Said {
  readonly sequence?: number;
  readonly observedAtMs?: number;
  readonly deploymentId?: string;
}

export function factBy({ key, secret }: Watching, content: FactContent, said: Said = {}): SignedFact {
  const { sequence = 1, observedAtMs = NOW_MS, deploymentId = start.deploymentId } = said;
  const signer = {
    deploymentId,
    keyId: key.keyId,
    sign: (bytes: Uint8Array) => new Uint8Array(sign(null, bytes, secret)),
  };
  return signFact(signer, content, sequence, observedAtMs);
}

export function priceOf(price: string, altered: Partial<ContentOf<'price'>> = {}): ContentOf<'price'> {
  return {
    kind: 'price',
    chain: BITCOIN,
    contract: 'native',
    currency: 'USD',
    price,
    sources: 3,
    ...altered,
  };
}

export function screeningOf(
  address: string,
  altered: Partial<ContentOf<'screening'>> = {},
): ContentOf<'screening'> {
  return { kind: 'screening', chain: BITCOIN, address, result: 'clear', riskScore: 3, ...altered };
}

export function stateWith(...watchers: readonly Watching[]): GovernanceState {
  return { ...start, factKeys: new Map(watchers.map(({ key }) => [key.keyId, key])) };
}
