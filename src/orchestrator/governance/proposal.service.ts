// Proposals: changes of governance on their way from a draft to the signer. Officers' signatures are gathered here, and handed
// in when they are enough; whether they are is the signer's to say, who knows nothing of proposals. Whoever can write to
// this database can lose a proposal or hand it in too early; they cannot make one, nor change what was signed.
//
// There is no claim and no lease: the signer takes an entry once and answers the same when it is handed in again, so it does
// no harm when several programs hand in the same one, or one does so again after a crash.

import { type EntityManager, In } from 'typeorm';
import { z } from 'zod';
import type { Clock } from '../../core/clock.js';
import { accepted, Fault, type Outcome, refused } from '../../core/fault.js';
import { draftEntry } from '../../core/governance/draft.js';
import { type Change, type EntrySignature, entryBytes, entryHash } from '../../core/governance/entry.js';
import { isSignedBy } from '../../core/governance/quorum.js';
import { type GovernanceState, holderOf } from '../../core/governance/state.js';
import { wantedFor } from '../../core/governance/wanted.js';
import { wordsOfChange } from '../../core/governance/words.js';
import { canonicalJson } from '../../core/statements/canonical-json.js';
import type { SignatureVerifier } from '../../core/statements/signature.js';
import type { Alongside } from '../database/alongside.js';
import type { DatabaseDoor } from '../database/database.js';
import { forUpdate, insertNew, rows, sqlInteger } from '../database/sql.js';
import type { GovernanceService } from './governance.service.js';
import type { ProposalPage, ProposalView } from './proposal.dto.js';
import { ActRow, ProposalRow } from './proposal.entity.js';
import type { OwnProposalRefusalCode, ProposalRefusalCode } from './proposal.errors.js';
import { entryOf, type Proposal, standing, summaryOf, type Trouble, viewOf } from './proposal.view.js';

/** Of one person on top of one entry: all but one come to nothing anyway. */
const MOST_OF_ONE = 20;
/** Places in the log, with all that was proposed for each. */
const PAGE_PLACES = 20;
/** Another entry was faster: the proposal is superseded, which the log itself says. */
const OVERTAKEN: readonly string[] = ['governance-sequence', 'governance-previous-mismatch'];
/** After so many times of trouble in a row, a proposal is tried again every so many turns at most. */
const MOST_TURNS_LEFT_OUT = 32;

type Result<Code extends string = ProposalRefusalCode> = Outcome<ProposalView, Code>;

export interface ProposalParts {
  readonly database: DatabaseDoor;
  readonly governance: Pick<GovernanceService, 'state' | 'catchUp' | 'append' | 'refresh'>;
  readonly verifier: SignatureVerifier;
  readonly clock: Clock;
}

interface Setback extends Trouble {
  readonly times: number;
  readonly turnsLeft: number;
}

const lastRow = z.object({ last: sqlInteger.nullable() });
const placeRow = z.object({ sequence: sqlInteger });

function unknown(proposalId: string) {
  return refused<OwnProposalRefusalCode>('proposal-unknown', { proposalId });
}

function notOpen(proposalId: string, state: string) {
  return refused<OwnProposalRefusalCode>('proposal-not-open', { proposalId, state });
}

export class Proposals {
  private readonly setbacks = new Map<string, Setback>();

  constructor(private readonly parts: ProposalParts) {}

  /** Drafts the entry that makes a change on top of the newest one. Refuses what replay would refuse, before anybody signs. */
  async draft(
    change: Change,
    personId: string,
    options: { readonly alongside?: Alongside | undefined; readonly again?: ProposalRow } = {},
  ): Promise<Result> {
    const { database, clock } = this.parts;
    const state = await this.state();
    const { alongside, again } = options;
    // Made anew in the same millisecond and on top of the same entry, it would be the very same one.
    const proposedAtMs = Math.max(clock.nowMs(), again ? again.body.createdAtMs + 1 : 0);
    const possible = draftEntry(state, change, proposedAtMs);
    if (possible.kind === 'refused') return possible;
    const { body, after } = possible.value;
    const proposalId = entryHash(body);
    const said = wordsOfChange(state, after);
    const { sequence } = body;
    const redraftOf = again?.proposalId ?? null;
    return database.transaction(async (db): Promise<Result> => {
      if ((await db.countBy(ProposalRow, { sequence, proposedBy: personId })) >= MOST_OF_ONE) {
        return refused('proposals-too-many', { sequence, most: MOST_OF_ONE });
      }
      const row = { proposalId, sequence, body, said, proposedBy: personId, proposedAtMs, redraftOf };
      if (await insertNew(db, ProposalRow, row)) {
        await this.note(db, proposalId, 'proposed', personId);
      }
      await alongside?.(db);
      return this.view(db, proposalId, state);
    });
  }

  /** What became of a draft that was made and never answered. */
  async drafted(change: Change, personId: string): Promise<Result> {
    const state = await this.state();
    return this.parts.database.read(async (db): Promise<Result> => {
      const own = await db.find(ProposalRow, {
        where: { proposedBy: personId },
        order: { proposedAtMs: 'DESC' },
        take: MOST_OF_ONE,
      });
      const wanted = canonicalJson(change);
      const row = own.find(({ body }) => canonicalJson(body.change) === wanted);
      return row ? this.view(db, row.proposalId, state) : unknown('');
    });
  }

  async show(proposalId: string): Promise<Result<OwnProposalRefusalCode>> {
    const state = await this.state();
    return this.parts.database.read((db) => this.view(db, proposalId, state));
  }

  /** Newest first; only those for a place in the log before `before`, when it is given. */
  async list(which: 'open' | 'all', before?: number): Promise<ProposalPage> {
    const { database, verifier } = this.parts;
    const state = await this.state();
    const after = which === 'open' ? state.sequence : -1;
    return database.read(async (db) => {
      const places = await rows(
        db,
        placeRow,
        `SELECT DISTINCT sequence FROM governance_proposals WHERE sequence > ? AND sequence < ? ORDER BY sequence DESC LIMIT ${PAGE_PLACES + 1}`,
        [after, before ?? Number.MAX_SAFE_INTEGER],
      );
      const shown = places.slice(0, PAGE_PLACES).map(({ sequence }) => sequence);
      const found =
        shown.length === 0
          ? []
          : await db.find(ProposalRow, {
              where: { sequence: In(shown) },
              order: { sequence: 'DESC', proposedAtMs: 'DESC', proposalId: 'ASC' },
            });
      const items = (await this.withActs(db, found))
        .map((one) => summaryOf(one, state, verifier))
        .filter((one) => which === 'all' || one.state === 'open' || one.state === 'complete');
      return { items, nextBefore: places.length > PAGE_PLACES ? (shown.at(-1) ?? null) : null };
    });
  }

  /**
   * Takes one officer's signature over the entry, and hands the entry to the signer when it was the last one. The signature is
   * hostile. A person signs once; the same signature again is answered as if it had just been given.
   */
  async sign(proposalId: string, { credentialId, signature }: EntrySignature): Promise<Result> {
    const { database, verifier } = this.parts;
    const state = await this.state();
    const taken = await database.transaction(async (db): Promise<Outcome<undefined, ProposalRefusalCode>> => {
      const proposal = await this.forUpdate(db, proposalId);
      if (!proposal) return unknown(proposalId);
      const holder = holderOf(state, credentialId);
      if (!holder) return refused('governance-signer-unknown', { credentialId });
      const { personId } = holder.person;
      const earlier = proposal.acts.find((one) => one.act === 'signed' && one.personId === personId);
      if (earlier?.credentialId === credentialId && earlier.signature === signature)
        return accepted(undefined);
      if (earlier) return refused('governance-signer-duplicate', { personId });
      const { body } = proposal.row;
      const stands = standing(proposal, state, verifier);
      if (stands !== 'open') return notOpen(proposalId, stands);
      const wanted = wantedFor(body.change, state);
      if (!wanted.some(({ candidates }) => candidates.includes(personId))) {
        const groups = wanted.map(({ group }) => group ?? 'anybody').join(', ');
        return refused('governance-signer-not-asked', { personId, groups });
      }
      if (!isSignedBy(holder.credential, entryBytes(body), signature, verifier)) {
        return refused('governance-signature-invalid', { credentialId });
      }
      await this.note(db, proposalId, 'signed', personId, { credentialId, signature });
      return accepted(undefined);
    });
    if (taken.kind === 'refused') return taken;
    await this.handInIfComplete(proposalId);
    return this.show(proposalId);
  }

  /**
   * Its drafter takes it back, as long as it is not in the log. It is not shown as open any more, and not handed in; who has
   * seen its signatures can use them until another entry has its place in the log.
   */
  async cancel(proposalId: string, personId: string): Promise<Result> {
    const { database, verifier } = this.parts;
    const state = await this.state();
    return database.transaction(async (db): Promise<Result> => {
      const proposal = await this.forUpdate(db, proposalId);
      if (!proposal) return unknown(proposalId);
      const { proposedBy } = proposal.row;
      if (proposedBy !== personId) {
        return refused('proposal-of-another-person', { proposalId, proposedBy });
      }
      const stands = standing(proposal, state, verifier);
      if (stands === 'accepted' || stands === 'superseded') return notOpen(proposalId, stands);
      if (stands !== 'cancelled') await this.note(db, proposalId, 'cancelled', personId);
      return this.view(db, proposalId, state);
    });
  }

  /** The same change on top of the newest entry, to be signed anew. */
  async redraft(proposalId: string, personId: string, alongside?: Alongside): Promise<Result> {
    const { database, verifier } = this.parts;
    const state = await this.state();
    const proposal = await database.read((db) => this.find(db, proposalId));
    if (!proposal) return unknown(proposalId);
    const stands = standing(proposal, state, verifier);
    if (stands === 'open' || stands === 'complete' || stands === 'accepted') {
      return refused('proposal-not-over', { proposalId, state: stands });
    }
    return this.draft(proposal.row.body.change, personId, { alongside, again: proposal.row });
  }

  async changeOf(proposalId: string): Promise<Change | undefined> {
    const row = await this.parts.database.read((db) => db.findOneBy(ProposalRow, { proposalId }));
    return row?.body.change;
  }

  /** Hands in what has its signatures and is not in the log: what a crash or a signer that was away has left. */
  async handInAll(onTrouble: (trouble: Trouble) => void): Promise<void> {
    const { database, verifier } = this.parts;
    const state = await this.state();
    const found = await database.read(async (db) =>
      this.withActs(db, await db.findBy(ProposalRow, { sequence: state.sequence + 1 })),
    );
    for (const known of this.setbacks.keys()) {
      if (!found.some(({ row }) => row.proposalId === known)) this.setbacks.delete(known);
    }
    for (const proposal of found.toSorted((a, b) => a.row.proposedAtMs - b.row.proposedAtMs)) {
      if (standing(proposal, this.parts.governance.state(), verifier) !== 'complete') continue;
      const setback = this.setbacks.get(proposal.row.proposalId);
      if (setback && setback.turnsLeft > 0) {
        this.setbacks.set(proposal.row.proposalId, { ...setback, turnsLeft: setback.turnsLeft - 1 });
        continue;
      }
      const trouble = await this.handIn(proposal);
      if (trouble) onTrouble(trouble);
    }
  }

  private async handInIfComplete(proposalId: string): Promise<void> {
    const { database, verifier } = this.parts;
    const state = await this.state();
    const proposal = await database.read((db) => this.find(db, proposalId));
    if (proposal && standing(proposal, state, verifier) === 'complete') await this.handIn(proposal);
  }

  /** What kept it from being handed in; undefined when the signer has answered. */
  private async handIn(proposal: Proposal): Promise<Trouble | undefined> {
    const { governance } = this.parts;
    const { proposalId } = proposal.row;
    try {
      const outcome = await governance.append(entryOf(proposal));
      if (outcome.kind === 'accepted') return undefined;
      if (OVERTAKEN.includes(outcome.code)) {
        await governance.refresh();
        return undefined;
      }
      return this.setBack(proposalId, outcome);
    } catch (error) {
      if (!(error instanceof Fault)) throw error;
      return this.setBack(proposalId, error);
    }
  }

  private setBack(proposalId: string, { code, facts }: Trouble): Trouble {
    const times = (this.setbacks.get(proposalId)?.times ?? 0) + 1;
    const turnsLeft = Math.min(2 ** (times - 1) - 1, MOST_TURNS_LEFT_OUT);
    this.setbacks.set(proposalId, { code, facts, times, turnsLeft });
    return { code, facts: { ...facts, proposalId } };
  }

  /** As far as any program on this database has mirrored the log. */
  private async state(): Promise<GovernanceState> {
    const { database, governance } = this.parts;
    const [mirrored] = await database.read((db) =>
      rows(db, lastRow, 'SELECT max(sequence) AS last FROM governance_entries'),
    );
    await governance.catchUp(mirrored?.last ?? null);
    return governance.state();
  }

  private async note(
    db: EntityManager,
    proposalId: string,
    act: ActRow['act'],
    personId: string,
    by?: { readonly credentialId: string; readonly signature: string },
  ): Promise<void> {
    const { credentialId = null, signature = null } = by ?? {};
    const atMs = this.parts.clock.nowMs();
    await insertNew(db, ActRow, { proposalId, act, personId, credentialId, signature, atMs });
  }

  private async withActs(db: EntityManager, found: readonly ProposalRow[]): Promise<Proposal[]> {
    const ids = found.map(({ proposalId }) => proposalId);
    const all =
      ids.length === 0
        ? []
        : await db.find(ActRow, { where: { proposalId: In(ids) }, order: { atMs: 'ASC', personId: 'ASC' } });
    return found.map((row) => ({ row, acts: all.filter(({ proposalId }) => proposalId === row.proposalId) }));
  }

  private async find(db: EntityManager, proposalId: string): Promise<Proposal | undefined> {
    const row = await db.findOneBy(ProposalRow, { proposalId });
    return row ? (await this.withActs(db, [row]))[0] : undefined;
  }

  /** The proposal's row is taken for the rest of the transaction, before what was done with it is read. */
  private async forUpdate(db: EntityManager, proposalId: string): Promise<Proposal | undefined> {
    const select = db.createQueryBuilder(ProposalRow, 'proposal').where({ proposalId });
    const row = await forUpdate(db, select).getOne();
    return row ? (await this.withActs(db, [row]))[0] : undefined;
  }

  private async view(
    db: EntityManager,
    proposalId: string,
    state: GovernanceState,
  ): Promise<Result<OwnProposalRefusalCode>> {
    const proposal = await this.find(db, proposalId);
    if (!proposal) return unknown(proposalId);
    return accepted(viewOf(proposal, state, this.parts.verifier, this.setbacks.get(proposalId)));
  }
}
