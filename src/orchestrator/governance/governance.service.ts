// The governance log as the signer has it, replayed here: who may do what. It is a mirror: the orchestrator can neither
// make an entry nor have one forgotten, and it believes only what replays from the genesis that its configuration pins.

import { type EntityManager, MoreThan } from 'typeorm';
import type { Clock } from '../../core/clock.js';
import { accepted, Fault, type Outcome, refused } from '../../core/fault.js';
import { entryHash, type GovernanceEntry, governanceEntry } from '../../core/governance/entry.js';
import { replayEntry, replayGenesis } from '../../core/governance/replay.js';
import type { GovernanceState } from '../../core/governance/state.js';
import { parsePolicies } from '../../core/policy/parse.js';
import type { PolicySet } from '../../core/policy/types.js';
import type { SignatureVerifier } from '../../core/statements/signature.js';
import type { GovernanceResult } from '../../signer-protocol/messages.js';
import type { DatabaseDoor } from '../database/database.js';
import { insertNew } from '../database/sql.js';
import { GovernanceEntryRow } from './governance.entity.js';

export type GovernanceFaultCode =
  /** The log was never read: the signer was not reachable since the first start. */
  | 'governance-unavailable'
  /** The signer belongs to another deployment than the configuration. */
  | 'governance-other-genesis'
  /** The signer's log is not a continuation of what was known here. Nothing goes on until a person has looked. */
  | 'governance-diverged'
  /** The rows of the mirror do not replay: somebody edited the database. */
  | 'governance-mirror-damaged';

/** What the service asks of the signer. */
export interface GovernanceSource {
  governanceRead(fromSequence: number): Promise<GovernanceResult>;
  governanceAppend(entry: GovernanceEntry): Promise<Outcome<GovernanceResult>>;
}

/** Told of new entries inside the database transaction that mirrors them. */
export type GovernanceListener = (db: EntityManager, state: GovernanceState) => Promise<void>;

export interface Governance {
  readonly state: GovernanceState;
  readonly policies: PolicySet;
}

const PAGE = 50;
/** More entries than a log may have: a bound for loops over what a signer says. */
const MAX_PAGES = 20_001;

export class GovernanceService {
  private current: Governance | undefined;
  private divergence: Fault<GovernanceFaultCode> | undefined;
  private refreshing: Promise<void> | undefined;
  private readonly listeners: GovernanceListener[] = [];

  constructor(
    private readonly database: DatabaseDoor,
    private readonly signer: GovernanceSource,
    private readonly verifier: SignatureVerifier,
    private readonly clock: Clock,
    private readonly deploymentId: string,
  ) {}

  /** State and policies of one moment. Throws `governance-unavailable`, `governance-diverged`. */
  now(): Governance {
    if (this.divergence) throw this.divergence;
    if (!this.current) {
      throw new Fault<GovernanceFaultCode>(
        'governance-unavailable',
        'the governance log has not been read from the signer yet',
      );
    }
    return this.current;
  }

  /** The state after the newest entry known here. Throws as `now` does. */
  state(): GovernanceState {
    return this.now().state;
  }

  /** The policies in force, parsed. */
  policies(): PolicySet {
    return this.now().policies;
  }

  onChange(listener: GovernanceListener): void {
    this.listeners.push(listener);
  }

  /** Replays the mirror, so that a program knows who may do what also while the signer is away. Throws `governance-mirror-damaged`, `governance-other-genesis`. */
  async load(): Promise<void> {
    this.current = await this.replayMirror(undefined);
  }

  /** What the mirror holds after `before`, replayed upon it. */
  private async replayMirror(before: Governance | undefined): Promise<Governance | undefined> {
    const known = before?.state.sequence ?? -1;
    const found = await this.database.read((db) =>
      db.find(GovernanceEntryRow, { where: { sequence: MoreThan(known) }, order: { sequence: 'ASC' } }),
    );
    let governance = before;
    for (const row of found) {
      const next = this.replayed(governance, JSON.parse(row.entry));
      if (next.kind === 'refused') {
        throw new Fault<GovernanceFaultCode>(
          'governance-mirror-damaged',
          'the mirrored governance log does not replay; the signer has the true one',
          { facts: { ...next.facts, refusal: next.code, sequence: row.sequence } },
        );
      }
      governance = next.value;
    }
    return governance;
  }

  /** What was read may be older than what was taken from the mirror meanwhile. */
  private becomeNewer(governance: Governance): void {
    if (this.current && this.current.state.sequence >= governance.state.sequence) return;
    this.current = governance;
  }

  /**
   * Takes in what another orchestrator has mirrored in the same database, where that reaches to `sequence` and this one
   * is behind. Throws as `load` does.
   */
  async catchUp(sequence: number | null): Promise<void> {
    const known = this.current?.state.sequence ?? -1;
    if (sequence === null || sequence <= known) return;
    const replayed = await this.replayMirror(this.current);
    if (replayed) this.becomeNewer(replayed);
  }

  /**
   * Reads what is new from the signer. Calls at the same time share one reading. Throws the signer client's faults,
   * `governance-other-genesis`, `governance-diverged`.
   */
  refresh(): Promise<void> {
    this.refreshing ??= this.read().finally(() => {
      this.refreshing = undefined;
    });
    return this.refreshing;
  }

  /** At most 50 entries from a sequence. */
  async entries(fromSequence: number): Promise<readonly GovernanceEntry[]> {
    const found = await this.database.read((db) =>
      db
        .createQueryBuilder(GovernanceEntryRow, 'entry')
        .where('entry.sequence >= :fromSequence', { fromSequence })
        .orderBy('entry.sequence', 'ASC')
        .limit(PAGE)
        .getMany(),
    );
    return found.map((row) => governanceEntry.parse(JSON.parse(row.entry)));
  }

  /** Hands a quorum-signed entry to the signer, which decides. Its refusals are passed on with its codes. */
  async append(entry: GovernanceEntry): Promise<Outcome<GovernanceState>> {
    const outcome = await this.signer.governanceAppend(entry);
    if (outcome.kind === 'refused') return outcome;
    await this.refresh();
    // The refresh may have been one that was under way before the signer took the entry.
    if (this.state().sequence < outcome.value.sequence) await this.refresh();
    return accepted(this.state());
  }

  private async read(): Promise<void> {
    for (let page = 0; page < MAX_PAGES; page += 1) {
      const before = this.current;
      const from = before ? before.state.sequence + 1 : 0;
      const answer = await this.signer.governanceRead(from);
      // The mirror was taken in meanwhile, and this answer is not about what is known now.
      if (this.current !== before) continue;
      if (answer.entries.length > 0) await this.take(answer.entries);
      const { state } = this.current ?? {};
      if (!state) throw new Fault<GovernanceFaultCode>('governance-unavailable', 'the signer has no log');
      if (state.sequence === answer.sequence && state.head === answer.head) return;
      // Shorter than ours, of another head, or longer without giving the entries: not the log that we know.
      if (state.sequence >= answer.sequence || answer.entries.length === 0) {
        throw this.diverged({ ours: state.sequence, theirs: answer.sequence });
      }
    }
  }

  private async take(entries: readonly GovernanceEntry[]): Promise<void> {
    let governance = this.current;
    for (const entry of entries) {
      const next = this.replayed(governance, entry);
      if (next.kind === 'refused') throw this.diverged({ refusal: next.code });
      governance = next.value;
    }
    const taken = governance;
    if (!taken) return;
    const mirroredAtMs = this.clock.nowMs();
    await this.database.transaction(async (db) => {
      for (const entry of entries) {
        const row = {
          sequence: entry.body.sequence,
          hash: entryHash(entry.body),
          entry: JSON.stringify(entry),
          mirroredAtMs,
        };
        // Another orchestrator on the same database may have been faster; what stands there is checked at the next start.
        await insertNew(db, GovernanceEntryRow, row);
      }
      for (const listener of this.listeners) await listener(db, taken.state);
    });
    this.becomeNewer(taken);
  }

  private replayed(before: Governance | undefined, entry: unknown): Outcome<Governance> {
    const state = before
      ? replayEntry(before.state, entry, this.verifier)
      : replayGenesis(entry, this.verifier);
    if (state.kind === 'refused') return state;
    if (state.value.deploymentId !== this.deploymentId) {
      throw new Fault<GovernanceFaultCode>(
        'governance-other-genesis',
        'this is not the deployment that the configuration names',
        { facts: { found: state.value.deploymentId, configured: this.deploymentId } },
      );
    }
    const policies = parsePolicies(state.value.policies, state.value);
    return policies.kind === 'refused'
      ? refused(policies.code, policies.facts)
      : accepted({ state: state.value, policies: policies.value });
  }

  private diverged(facts: Record<string, string | number>): Fault<GovernanceFaultCode> {
    this.divergence = new Fault<GovernanceFaultCode>(
      'governance-diverged',
      'the governance log of the signer does not continue the one known here',
      { facts },
    );
    return this.divergence;
  }
}
