// Governors' words about the log's head: kept as they come, and the newest one given along with what nobody approves. The
// signer judges them; what is refused here is what it would refuse.

import { sha256 } from '@noble/hashes/sha2.js';
import { bytesToHex, concatBytes, utf8ToBytes } from '@noble/hashes/utils.js';
import type { EntityManager } from 'typeorm';
import type { Clock } from '../../core/clock.js';
import { accepted, type Outcome } from '../../core/fault.js';
import {
  freshForMs,
  type HeadRefusalCode,
  headBytes,
  type SignedHead,
  signedHead,
  verifyHead,
} from '../../core/governance/fresh-head.js';
import type { GovernanceState } from '../../core/governance/state.js';
import type { SignatureVerifier } from '../../core/statements/signature.js';
import type { DatabaseDoor } from '../database/database.js';
import { insertNew } from '../database/sql.js';
import { GovernanceHeadRow } from './governance.entity.js';
import type { GovernanceService } from './governance.service.js';

/** What governance asks at most; who hands in an older word has kept it for long. */
const DAY_MS = 24 * 60 * 60 * 1000;

/** So many are looked at in one go: whoever was a governor may have left many. */
const PAGE = 50;

/** By what a word is judged: governance as it is here, and now. */
export interface HeadJudging {
  readonly state: GovernanceState;
  readonly verifier: SignatureVerifier;
  readonly nowMs: number;
}

/**
 * The newest word that counts now; without any, the newest that was handed in, so that the signer says what is wrong with it.
 * One of somebody who is no governor any more, or about a head that is none, holds up no older one that is good.
 */
export async function newestHead(
  db: EntityManager,
  { state, verifier, nowMs }: HeadJudging,
): Promise<SignedHead | undefined> {
  const maxAgeMs = freshForMs(state.timelock);
  let newest: SignedHead | undefined;
  for (let skip = 0; ; skip += PAGE) {
    const rows = await db.find(GovernanceHeadRow, {
      order: { createdAtMs: 'DESC', digest: 'ASC' },
      skip,
      take: PAGE,
    });
    for (const { signed, createdAtMs } of rows) {
      const word = signedHead.parse(JSON.parse(signed));
      newest ??= word;
      if (createdAtMs + maxAgeMs <= nowMs) return newest;
      if (verifyHead(state, word, maxAgeMs, verifier, nowMs).kind === 'accepted') return word;
    }
    if (rows.length < PAGE) return newest;
  }
}

/** Of the statement, and of who says it: a word is not kept out by another's about the same, at the same moment. */
function digestOf({ statement, credentialId }: SignedHead): string {
  return bytesToHex(sha256(concatBytes(utf8ToBytes(`${credentialId}\n`), headBytes(statement))));
}

export class Heads {
  constructor(
    private readonly database: DatabaseDoor,
    private readonly governance: GovernanceService,
    private readonly verifier: SignatureVerifier,
    private readonly clock: Clock,
  ) {}

  /** Keeps a governor's word. The same one again changes nothing. Hostile input. */
  async take(signed: SignedHead): Promise<Outcome<SignedHead, HeadRefusalCode>> {
    const nowMs = this.clock.nowMs();
    const verified = verifyHead(this.governance.state(), signed, DAY_MS, this.verifier, nowMs);
    if (verified.kind === 'refused') return verified;
    await this.database.transaction((db) =>
      insertNew(db, GovernanceHeadRow, {
        digest: digestOf(signed),
        signed: JSON.stringify(signed),
        createdAtMs: signed.statement.createdAtMs,
        receivedAtMs: nowMs,
      }),
    );
    return accepted(signed);
  }

  /** Until when what nobody approves is signed, and by whose word; undefined where no word counts now. */
  async standing(): Promise<{ readonly credentialId: string; readonly untilMs: number } | undefined> {
    const [newest, state] = [await this.newest(), this.governance.state()];
    const maxAgeMs = freshForMs(state.timelock);
    if (verifyHead(state, newest, maxAgeMs, this.verifier, this.clock.nowMs()).kind === 'refused')
      return undefined;
    return newest && { credentialId: newest.credentialId, untilMs: newest.statement.createdAtMs + maxAgeMs };
  }

  newest(): Promise<SignedHead | undefined> {
    const { governance, verifier, clock } = this;
    const judging = { state: governance.state(), verifier, nowMs: clock.nowMs() };
    return this.database.read((db) => newestHead(db, judging));
  }
}
