import { PassThrough } from 'node:stream';
import { describe, expect, it } from '@jest/globals';
import { Fault } from '../core/fault.js';
import { type Change, entryHash, type GovernanceEntry } from '../core/governance/entry.js';
import {
  ADD_DAVE,
  alice,
  bob,
  bodyAfter,
  carol,
  GENESIS,
  genesisOf,
  type Key,
  newKey,
  personOf,
  REMOVE_CAROL,
  signed,
  stateOf,
} from '../core/governance/people.fixture.js';
import { replayEntry, replayGenesis } from '../core/governance/replay.js';
import { holderOf } from '../core/governance/state.js';
import { portableVerifier } from '../core/statements/signature.js';
import { systemRandomness } from '../platform/system-randomness.js';
import { cliFault } from './exit.js';
import { type Act, type ActOptions, type Desk, doAct } from './one-person.js';
import { Terminal } from './terminal.js';
import { activation, vetoing } from './waiting.commands.js';

const HOUR_MS = 3_600_000;
const erin = newKey('erin-1');
/** Two days after the genesis. */
const NOW = 1_700_000_000_000 + 48 * 3_600_000;

/** A log that takes what follows, as the signer does, and that others write to as well. */
class Log {
  state;
  readonly entries: GovernanceEntry[];
  /** What others hand in, one before each entry of ours. */
  readonly faster: (readonly [Change, ...Key[]])[] = [];
  signatures = 0;

  constructor() {
    const genesis = genesisOf({
      persons: [...GENESIS.persons, personOf('erin', erin)],
      groups: [...GENESIS.groups, { groupId: 'watch', members: ['erin', 'carol'] }],
      timelock: { whitelistMs: HOUR_MS, policyMs: HOUR_MS, veto: { group: 'watch', threshold: 1 } },
    });
    this.entries = [genesis];
    this.state = stateOf(replayGenesis(genesis, portableVerifier));
  }

  take(change: Change, ...keys: readonly Key[]): string {
    const entry = signed(bodyAfter(this.state, change), ...keys);
    this.state = stateOf(replayEntry(this.state, entry, portableVerifier));
    this.entries.push(entry);
    return entryHash(entry.body);
  }

  desk(personId: string, key: Key): Desk {
    return {
      door: {
        saidBy: 'signer',
        read: async () => [...this.entries],
        pending: async () => [],
        append: async (entry) => {
          const [other] = this.faster.splice(0, 1);
          if (other) this.take(...other);
          const next = replayEntry(this.state, entry, portableVerifier);
          if (next.kind === 'refused') return next;
          this.state = next.value;
          this.entries.push(entry);
          return { kind: 'accepted', value: { sequence: this.state.sequence, head: this.state.head } };
        },
      },
      handIn: async (state) => {
        if (!holderOf(state, key.credentialId)) throw cliFault('key-mismatch', 'the roster has no such key');
        return {
          signers: new Map([[personId, { credentialId: key.credentialId, credentialClass: 'pkcs11' }]]),
          sign: async (body) => {
            this.signatures += 1;
            return signed(body, key);
          },
        };
      },
    };
  }

  async codeOf(act: Act, personId = 'erin', key = erin): Promise<string> {
    const streams = { input: new PassThrough(), output: new PassThrough(), errors: new PassThrough() };
    const options: ActOptions = { yes: true, deployment: this.state.deploymentId };
    const given = {
      terminal: new Terminal(streams, {}),
      config: {},
      options,
      clock: { nowMs: () => NOW },
      randomness: systemRandomness,
    };
    try {
      const done = await doAct(given, act, this.desk(personId, key));
      return done.kind === 'accepted' ? 'done' : done.code;
    } catch (error) {
      if (error instanceof Fault) return error.code;
      throw error;
    }
  }
}

const FREEZE: Change = { kind: 'frozen', scope: { kind: 'everything' }, why: 'drill' };

describe('an act of one person', () => {
  it('is made anew on top of an entry that was faster', async () => {
    const log = new Log();
    const hash = log.take(ADD_DAVE, alice, bob);
    log.faster.push([FREEZE, bob], [{ kind: 'thawed', scope: { kind: 'everything' } }, alice, bob]);
    expect(await log.codeOf(vetoing(hash, 'not agreed'))).toBe('done');
    expect([log.signatures, log.state.pending.size, log.entries.length]).toEqual([3, 0, 5]);
  });

  it('is a veto of who was taken out of the group that vetoes, and nothing else of theirs', async () => {
    const log = new Log();
    const end = log.take({ kind: 'person-removed', personId: 'erin' }, alice, bob);
    const hash = log.take(ADD_DAVE, alice, bob);
    expect(await log.codeOf(activation(hash))).toBe('key-mismatch');
    expect(await log.codeOf(vetoing(end, 'it is mine'))).toBe('key-mismatch');
    expect(log.signatures).toBe(0);
    expect(await log.codeOf(vetoing(hash, 'not agreed'))).toBe('done');
    expect([...log.state.pending.keys()]).toEqual([end]);
  });

  it('gives up after five that were faster, and says what the signer said', async () => {
    const log = new Log();
    const hash = log.take(ADD_DAVE, alice, bob);
    const thaw: Change = { kind: 'thawed', scope: { kind: 'everything' } };
    for (let count = 0; count < 5; count += 1) log.faster.push([FREEZE, bob], [thaw, alice, bob]);
    expect(await log.codeOf(vetoing(hash, 'not agreed'))).toBe('governance-sequence');
    expect([log.signatures, log.state.pending.size]).toEqual([5, 1]);
  });

  it('is not signed again where it would do something else than what was shown (not-confirmed)', async () => {
    const log = new Log();
    const hash = log.take(ADD_DAVE, alice, bob);
    log.faster.push([REMOVE_CAROL, alice, bob]);
    expect(await log.codeOf(activation(hash))).toBe('not-confirmed');
    // Beside it, the end of carol's veto waits.
    expect([log.signatures, log.state.pending.size, log.state.pending.has(hash)]).toEqual([1, 2, true]);
  });

  it('ends where somebody else did it meanwhile (governance-not-pending)', async () => {
    const log = new Log();
    const hash = log.take(ADD_DAVE, alice, bob);
    log.faster.push([{ kind: 'vetoed', entry: hash, why: 'first' }, carol]);
    expect(await log.codeOf(vetoing(hash, 'second'))).toBe('governance-not-pending');
    expect(log.signatures).toBe(1);
  });

  it('is refused before anything is signed to whoever may not do it', async () => {
    const log = new Log();
    const hash = log.take(ADD_DAVE, alice, carol);
    expect(await log.codeOf(activation(hash), 'carol', carol)).toBe('governance-activator-proposed');
    expect(await log.codeOf(activation(hash), 'bob', bob)).toBe('governance-quorum-missing');
    expect(await log.codeOf(vetoing(hash, 'no'), 'alice', alice)).toBe('governance-quorum-missing');
    expect(await log.codeOf(activation('f'.repeat(64)))).toBe('governance-not-pending');
    expect(await log.codeOf(activation(hash.slice(0, 7)))).toBe('arguments-invalid');
    expect(await log.codeOf(activation(`${hash}0`))).toBe('arguments-invalid');
    expect(log.signatures).toBe(0);
  });

  it('is not taken by the log before the time that it names itself is over (governance-timelock)', async () => {
    const log = new Log();
    const entry = signed({ ...bodyAfter(log.state, ADD_DAVE), createdAtMs: NOW - HOUR_MS + 1 }, alice, bob);
    log.state = stateOf(replayEntry(log.state, entry, portableVerifier));
    log.entries.push(entry);
    expect(await log.codeOf(activation(entryHash(entry.body)))).toBe('governance-timelock');
    expect(log.signatures).toBe(0);
  });
});
