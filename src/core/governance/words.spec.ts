import { describe, expect, it } from '@jest/globals';
import { secp256k1 } from '@noble/curves/secp256k1.js';
import { bytesToHex } from '@noble/hashes/utils.js';
import { p2wpkhAddress } from '../intents/bitcoin/address.js';
import { applyChange } from './change.js';
import type { Change, FactKey, RequestKey } from './entry.js';
import {
  ADD_DAVE,
  AUDIT_LOG_SET,
  alice,
  appended,
  auditLogOf,
  bob,
  carol,
  ETHEREUM,
  GENESIS,
  genesisOf,
  newKey,
  POLICY,
  personOf,
  QUORUM_OF_3,
  REMOVE_CAROL,
  start,
  stateOf,
} from './people.fixture.js';
import type { GovernanceState } from './state.js';
import { wordsOfChange } from './words.js';

const USDX = {
  chain: ETHEREUM,
  contract: '0x5FbDB2315678afecb367f032d93F642f64180aa3',
  symbol: 'USDX',
  decimals: 6,
  codeHash: 'cc'.repeat(32),
};

function said(before: GovernanceState | undefined, after: GovernanceState): string[] {
  return wordsOfChange(before, after).flatMap(({ tone, says, details }) => [
    tone === 'warning' ? `! ${says}` : says,
    ...details.map(({ form, label, text }) => `  ${form} ${label}: ${text}`),
  ]);
}

/** What is said of a change on top of a state. */
function saidOf(change: Change, state = start): string[] {
  return said(state, stateOf(appended(state, change, alice, bob, carol)));
}

const stateWith = (change: Change, state = start) => stateOf(appended(state, change, alice, bob, carol));

describe('a change of governance in words', () => {
  it('says who comes, with which key, into which group, and how many the quorum then is of', () => {
    const [says, key, ...rest] = saidOf(ADD_DAVE);
    expect(says).toBe('adds the person dave, "dave"');
    expect(key).toMatch(/^ {2}key dave-1 \(pkcs11\): 0[23][0-9a-f]{64}$/);
    expect(rest).toEqual([
      'changes the group governors: dave in; it is then alice, bob, carol, dave',
      'changes of governance need 2 of the 4 in governors from then on, and no longer 2 of the 3 in governors',
    ]);
  });

  it('says who goes, out of every group, and that nobody can be spared any more', () => {
    expect(saidOf(REMOVE_CAROL)).toEqual([
      'removes the person carol, "carol": no signature of theirs counts any more',
      'changes the group governors: carol out; it is then alice, bob',
      'changes the group treasury: carol out; it is then alice, bob',
      'changes of governance need 2 of the 2 in governors from then on, and no longer 2 of the 3 in governors',
      '! every one of governors is then needed for a change of governance: one lost token, and nothing can be changed any more',
    ]);
  });

  it('warns when somebody alone holds what a quorum asks for from then on, and not again', () => {
    const publicKey = bytesToHex(secp256k1.getPublicKey(new Uint8Array(32).fill(7)));
    const holding = stateWith({
      kind: 'credential-added',
      personId: 'alice',
      credential: {
        credentialId: 'alice-ledger',
        credentialClass: 'device-display',
        algorithm: 'eip191',
        publicKey,
      },
    });
    const asking: Change = {
      kind: 'quorum-set',
      quorum: { group: 'governors', threshold: 2, with: { 'device-display': 1 } },
    };
    expect(saidOf(asking, holding)).toEqual([
      'changes of governance need 2 of the 3 in governors (1 with a display) from then on, and no longer 2 of the 3 in governors',
      '! alice of governors alone can sign a change of governance with a display: when it is lost, nothing can be changed any more',
    ]);
    const before = stateOf(applyChange(holding, asking, { sequence: 8, hash: 'ab'.repeat(32) }));
    const stricter: Change = {
      kind: 'quorum-set',
      quorum: { group: 'governors', threshold: 2, with: { 'device-display': 1, pkcs11: 1 } },
    };
    expect(
      said(before, stateOf(applyChange(before, stricter, { sequence: 9, hash: 'ab'.repeat(32) }))),
    ).toEqual([expect.stringContaining('(1 with a token, 1 with a display)')]);
  });

  it('warns that what somebody asks for with a request key is not signed once they are removed', () => {
    const desk: RequestKey = {
      keyId: 'desk',
      algorithm: 'ed25519',
      publicKey: 'e2'.repeat(32),
      owners: ['carol'],
    };
    const withKey = stateWith({ kind: 'request-key-added', requestKey: desk });
    expect(saidOf(REMOVE_CAROL, withKey)).toContain(
      '! nothing that carol asks for with the request key desk is signed any more',
    );
  });

  it('says on whose behalf a request key speaks, and warns when none is left', () => {
    const requestKey: RequestKey = {
      keyId: 'desk',
      algorithm: 'ed25519',
      publicKey: 'e2'.repeat(32),
      owners: ['carol', 'desk'],
    };
    expect(saidOf({ kind: 'request-key-added', requestKey })).toEqual([
      'adds the request key desk: it asks for transfers on behalf of carol, desk, none of whom can approve them',
      `  key Ed25519 key: ${'e2'.repeat(32)}`,
    ]);
    expect(saidOf({ kind: 'request-key-removed', keyId: 'backend' })).toEqual([
      'removes the request key backend: nothing that it signed is acted on any more',
      '! no request key is left: nobody can ask for transfers',
    ]);
  });

  it('shows a wallet by its addresses', () => {
    const publicKey = '0279be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798';
    const [wallet] = GENESIS.wallets;
    if (!wallet) throw new Error('no wallet');
    const added = {
      ...wallet,
      walletId: 'warm-btc',
      tier: 'warm' as const,
      keys: [{ label: 'w', publicKey }],
    };
    expect(saidOf({ kind: 'wallet-added', wallet: added })).toEqual([
      'adds the warm wallet warm-btc on Bitcoin regtest (bip122:0f9188f13cb7b2c71f2a335e3a4fc328), keys in token "treasury"',
      `  address w: ${p2wpkhAddress(publicKey, 'regtest')}`,
    ]);
  });

  it('shows a token by its contract and the hash of its code, and names it when it goes', () => {
    const withToken = stateWith({ kind: 'token-added', token: USDX });
    expect(said(start, withToken)).toEqual([
      'registers the token USDX, 6 decimals, on Ethereum chain 31337 (eip155:31337)',
      `  address contract: ${USDX.contract}`,
      `  key code hash: ${USDX.codeHash}`,
    ]);
    const [gone] = saidOf({ kind: 'token-removed', chain: USDX.chain, contract: USDX.contract }, withToken);
    expect(gone).toContain('USDX');
  });

  it('shows of a policy the lines that change, and of a new one all of them', () => {
    const lines = POLICY.map((line) => line.replace('"5%"', '"4%"'));
    const wider = {
      name: 'wider',
      lines: POLICY.map((line) => line.replace('policy: hot', 'policy: wider')),
    };
    expect(saidOf({ kind: 'policies-set', policies: [{ name: 'hot', lines }] })).toEqual([
      'changes the policy hot',
      `  same : ${POLICY[0]}`,
      `  same : ${POLICY[1]}`,
      `  removed : ${POLICY[2]}`,
      `  added : ${lines[2]}`,
      `  same : ${POLICY[3]}`,
      `  same : ${POLICY[4]}`,
    ]);
    const replaced = saidOf({ kind: 'policies-set', policies: [wider] });
    expect(replaced[0]).toBe('adds the policy wider');
    for (const line of wider.lines) expect(replaced).toContain(`  added : ${line}`);
    expect(replaced).toContain('removes the policy hot');
    expect(replaced.at(-1)).toBe('policies are then read in this order: wider');
  });

  it('says what is frozen and why, and what is thawed', () => {
    const scope = { kind: 'everything' } as const;
    const stopped = stateWith({ kind: 'frozen', scope, why: 'odd payments' });
    const [says, why] = said(start, stopped);
    expect(says).toMatch(/^freezes ALL WALLETS: nothing is signed for it/);
    expect(why).toBe('  text because: odd payments');
    expect(saidOf({ kind: 'thawed', scope }, stopped)).toEqual([
      'thaws ALL WALLETS: what waits for it is signed again',
    ]);
  });

  it('says which key signs the checkpoints of the audit log, and when it is another', () => {
    const named = stateWith(AUDIT_LOG_SET);
    expect(said(start, named)[0]).toBe(
      'names the audit log exchange.example/audit: its checkpoints are signed by the key audit-1 in token "treasury"',
    );
    const [again] = saidOf({ kind: 'audit-log-set', auditLog: auditLogOf(2) }, named);
    expect(again).toMatch(/^gives another key to the audit log .* audit-2 /);
    const other = auditLogOf(2, { origin: 'exchange.example/audit-2' });
    expect(saidOf({ kind: 'audit-log-set', auditLog: other }, named).slice(0, 2)).toEqual([
      'closes the audit log exchange.example/audit for good: no checkpoint of it is signed any more',
      'names the audit log exchange.example/audit-2: its checkpoints are signed by the key audit-2 in token "treasury"',
    ]);
  });

  it('says the quorum before and after', () => {
    expect(saidOf(QUORUM_OF_3)[0]).toBe(
      'changes of governance need 3 of the 3 in governors from then on, and no longer 2 of the 3 in governors',
    );
  });

  it('says nothing of an entry that changes nothing', () => {
    const group = { groupId: 'treasury', members: ['alice', 'bob', 'carol'] };
    expect(saidOf({ kind: 'group-set', group })).toEqual([]);
  });

  it('says all of a genesis: people, groups, quorum, keys, wallets, and policies to the letter', () => {
    const all = said(undefined, start).join('\n');
    const { body } = genesisOf();
    if (body.change.kind !== 'genesis') throw new Error('no genesis');
    for (const { credentials } of body.change.persons) {
      for (const { credentialId } of credentials) expect(all).toContain(credentialId);
    }
    for (const words of [
      'governors: alice, bob, carol',
      '2 of the 3 in governors',
      'backend',
      'payouts',
      'attestation',
    ])
      expect(all).toContain(words);
    expect(all).toContain(p2wpkhAddress(`02${'a1'.repeat(32)}`, 'regtest'));
    for (const line of POLICY) expect(all).toContain(line);
  });

  it('says when a person has another credential than before', () => {
    const key = newKey('bob-2');
    const persons = new Map(start.persons).set('bob', personOf('bob', key));
    const [says, gone, come] = said(start, { ...start, persons });
    expect(says).toBe('changes what the person bob is known by');
    expect(gone).toContain('no longer bob-1 (pkcs11)');
    expect(come).toContain('from now on bob-2 (pkcs11)');
  });
});

describe('facts in words', () => {
  const factKey: FactKey = {
    keyId: 'watcher-1',
    algorithm: 'ed25519',
    publicKey: auditLogOf(1).key.publicKey,
    source: 'north',
    kinds: ['price', 'screening'],
  };
  const known = stateWith({ kind: 'fact-key-added', factKey });

  it('say whose key is believed about what, and that it is no more', () => {
    expect(saidOf({ kind: 'fact-key-added', factKey })).toEqual([
      'adds the fact key watcher-1 of north: rules believe what it states about price, screening',
      `  key Ed25519 key: ${factKey.publicKey}`,
    ]);
    expect(saidOf({ kind: 'fact-key-removed', keyId: 'watcher-1' }, known)).toEqual([
      'removes the fact key watcher-1: nothing that it stated is believed any more',
    ]);
  });

  it('say what facts have to meet, and had to', () => {
    const rule = { kind: 'price', agree: 1, maxAgeMs: 30_000 } as const;
    const first = stateWith({ kind: 'fact-rule-set', rule }, known);
    const second = { kind: 'fact-rule-set', rule: { ...rule, maxAgeMs: 60_000 } } as const;
    expect([said(known, first), saidOf(second, first)]).toEqual([
      [
        'facts of kind price count from then on when stated by one source, at most 30 seconds ago; before, when stated by one source, at most 300 seconds ago',
      ],
      [
        'facts of kind price count from then on when stated by one source, at most 60 seconds ago; before, when stated by one source, at most 30 seconds ago',
      ],
    ]);
  });
});
