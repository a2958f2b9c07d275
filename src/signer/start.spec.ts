// The first questions of a ceremony and of a start, on tokens that hold nothing but records. Real ones are under test
// elsewhere.

import { describe, expect, it } from '@jest/globals';
import type { KeySigner, TokenRecord } from '../../hardware/key-signer.js';
import { Fault } from '../core/fault.js';
import { entryHash, type GovernanceEntry } from '../core/governance/entry.js';
import { genesisOf } from '../core/governance/people.fixture.js';
import { ANCHOR_RECORD, anchorValue } from './anchor.js';
import type { SignerConfig } from './config.js';
import { bringUp, initialise } from './start.js';

const GENESIS = 'ab'.repeat(32);
const config = { storePath: '/nowhere/signer.db', deploymentId: GENESIS, anchorToken: 'treasury' };
const time = { wallMs: () => 1, monotonicMs: () => 0 };

function started(name: string, ...records: readonly [string, TokenRecord][]): Promise<string> {
  const held = new Map(records);
  const token: Pick<KeySigner, 'readRecord'> = { readRecord: async (record) => held.get(record) };
  return bringUp(config, new Map([[name, { signer: token as KeySigner, serial: '1' }]]), { time }).then(
    () => 'started',
    (error: unknown) => (error instanceof Fault ? error.code : String(error)),
  );
}

const anchor = (genesis: string): [string, TokenRecord] => [
  ANCHOR_RECORD,
  { version: 1n, value: anchorValue(genesis, 'cd'.repeat(32)) },
];

describe('a ceremony', () => {
  it('makes nothing of a genesis that its own quorum has not signed (store-other-genesis)', async () => {
    const { body, signatures } = genesisOf();
    const settings = { ...config, deploymentId: entryHash(body), tokens: {} } as unknown as SignerConfig;
    const code = (entry: GovernanceEntry) =>
      initialise(settings, entry).catch((error: unknown) => (error instanceof Fault ? error.code : error));
    expect(await code({ body, signatures: signatures.slice(0, 1) })).toBe('store-other-genesis');
    // A valid one gets as far as the tokens, of which there are none here.
    expect(await code({ body, signatures })).toBe('token-unknown');
  });
});

describe('a signer does not start', () => {
  it('without the token that holds its record (token-unknown)', async () => {
    expect(await started('safu', anchor(GENESIS))).toBe('token-unknown');
  });

  it('with a token that was never part of a ceremony (anchor-missing)', async () => {
    expect(await started('treasury')).toBe('anchor-missing');
  });

  it('with a token of another deployment (store-other-genesis)', async () => {
    expect(await started('treasury', anchor('cd'.repeat(32)))).toBe('store-other-genesis');
  });

  it('with a token without the secret of the seal (seal-missing)', async () => {
    expect(await started('treasury', anchor(GENESIS))).toBe('seal-missing');
  });
});
