// Governors' words about the log's head: kept as they come, and the newest one given along with what nobody approves. The
// signer judges them; what is refused here is what it would refuse.

import { sha256 } from '@noble/hashes/sha2.js';
import { bytesToHex } from '@noble/hashes/utils.js';
import type { EntityManager } from 'typeorm';
import type { Clock } from '../../core/clock.js';
import { accepted, type Outcome } from '../../core/fault.js';
import {
  type HeadRefusalCode,
  headBytes,
  type SignedHead,
  signedHead,
  verifyHead,
} from '../../core/governance/fresh-head.js';
import type { SignatureVerifier } from '../../core/statements/signature.js';
import type { DatabaseDoor } from '../database/database.js';
import { insertNew } from '../database/sql.js';
import { GovernanceHeadRow } from './governance.entity.js';
import type { GovernanceService } from './governance.service.js';

/** What governance asks at most; who hands in an older word has kept it for long. */
const DAY_MS = 24 * 60 * 60 * 1000;

/** The newest word that was handed in; undefined when none ever was. */
export async function newestHead(db: EntityManager): Promise<SignedHead | undefined> {
  const [row] = await db.find(GovernanceHeadRow, { order: { createdAtMs: 'DESC', digest: 'ASC' }, take: 1 });
  return row && signedHead.parse(JSON.parse(row.signed));
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
        digest: bytesToHex(sha256(headBytes(signed.statement))),
        signed: JSON.stringify(signed),
        createdAtMs: signed.statement.createdAtMs,
        receivedAtMs: nowMs,
      }),
    );
    return accepted(signed);
  }

  newest(): Promise<SignedHead | undefined> {
    return this.database.read(newestHead);
  }
}
