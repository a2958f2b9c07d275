// The archive of certificates: fetched from the signer page by page, each checked against the attestation key of the
// governance log before it is kept. The signer gives certificates of all that it has reserved, whoever asked for it; what this
// program has never heard of is kept like the rest, so that an auditor finds it here. It believes nothing and proves nothing
// more than that the signer attests them: that is for verify.

import type { EntityManager } from 'typeorm';
import { verifyAttestation } from '../../core/certificates/attestation.js';
import { type Certificate, MAX_ATTESTED_TOGETHER } from '../../core/certificates/certificate.js';
import type { Clock } from '../../core/clock.js';
import { type Facts, Fault } from '../../core/fault.js';
import { vouchingAt } from '../../core/governance/attestation-key.js';
import type { GovernanceState } from '../../core/governance/state.js';
import type { SignatureVerifier } from '../../core/statements/signature.js';
import type { CertificatesResult } from '../../signer-protocol/messages.js';
import type { DatabaseDoor } from '../database/database.js';
import { insertNew } from '../database/sql.js';
import type { SignerClient } from '../signer-client/signer-client.js';
import { CertificateRow } from './certificate.entity.js';

export type ArchiveFaultCode =
  /** What answered is not the signer of the governance log, or it says something else than before. */
  'certificates-wrong';

/** What the archive asks of the signer. */
export type CertificateSource = Pick<SignerClient, 'certificates'>;

export interface ArchiveParts {
  readonly database: DatabaseDoor;
  readonly signer: CertificateSource;
  readonly verifier: SignatureVerifier;
  readonly clock: Clock;
  readonly state: () => Pick<GovernanceState, 'deploymentId' | 'attestation' | 'attestations' | 'sequence'>;
}

/** What was begun is mostly signed a moment later; what is not by then hardly ever is. Each time it costs a signature. */
const SOONEST_AGAIN_MS = 2_000;
const LATEST_AGAIN_MS = 10 * 60_000;
/** Of those that were begun, so many at a time. */
const MOST_BEGUN = 8;
/** A page for an auditor ends with the certificate that passes this. */
const PAGE_CHARACTERS = 1024 * 1024;
const PAGE = 50;

function wrong(why: string, facts: Facts): Fault<ArchiveFaultCode> {
  return new Fault('certificates-wrong', `the signer answers with wrong certificates: ${why}`, { facts });
}

export class CertificateArchive {
  constructor(private readonly parts: ArchiveParts) {}

  /** The next page of what is new, and another look at what was begun; true when there is more. Throws `certificates-wrong`. */
  async collect(): Promise<boolean> {
    const { database } = this.parts;
    const [newest] = await database.read((db) =>
      db.find(CertificateRow, { order: { ordinal: 'DESC' }, take: 1 }),
    );
    const from = (newest?.ordinal ?? 0) + 1;
    const page = await this.page(from, MAX_ATTESTED_TOGETHER);
    for (const certificate of page.certificates) await this.keep(certificate);
    await this.lookAgain();
    const last = page.certificates.at(-1)?.reservation.ordinal;
    return last !== undefined && last < page.newestOrdinal;
  }

  private async lookAgain(): Promise<void> {
    const { database, clock } = this.parts;
    const nowMs = clock.nowMs();
    const begun = await database.read((db) =>
      db
        .createQueryBuilder(CertificateRow, 'kept')
        .where("kept.outcome = 'begun'")
        .andWhere('kept.askAgainAtMs <= :nowMs', { nowMs: BigInt(nowMs) })
        .orderBy('kept.askAgainAtMs', 'ASC')
        .limit(MOST_BEGUN)
        .getMany(),
    );
    for (const { ordinal, certificate } of begun) {
      const { certificates } = await this.page(ordinal, 1);
      const [again] = certificates;
      // Lost with a store: it stays what it was.
      await this.keep(again?.reservation.ordinal === ordinal ? again : certificate);
    }
  }

  private async page(from: number, most: number): Promise<CertificatesResult> {
    const { signer, verifier, state } = this.parts;
    const page = await signer.certificates(from, most);
    const known = state();
    const { deploymentId } = known;
    let next = Math.max(from, page.keptFrom);
    // Whose signature is under them, the entries say that are mirrored next: then they are asked for again.
    const readable = page.certificates.filter(
      ({ reservation }) => reservation.governanceSequence <= known.sequence,
    );
    for (const certificate of readable) {
      const { ordinal, governanceSequence } = certificate.reservation;
      if (ordinal !== next) throw wrong('another ordinal', { ordinal, expected: next });
      if (certificate.deploymentId !== deploymentId) throw wrong('another deployment', { ordinal });
      if (!certificate.attestation) throw wrong('not attested', { ordinal });
      const { publicKey } = vouchingAt(known, governanceSequence).key;
      const attested = verifyAttestation(certificate, certificate.attestation, publicKey, verifier);
      if (attested.kind === 'refused') throw wrong('not attested', { ordinal, code: attested.code });
      next += 1;
    }
    return { ...page, certificates: readable };
  }

  private async keep(certificate: Certificate): Promise<void> {
    const { database, clock } = this.parts;
    const { ordinal } = certificate.reservation;
    const outcome = certificate.outcome.kind;
    const nowMs = clock.nowMs();
    // After as long as it is old already: twice as long each time.
    const ageMs = nowMs - certificate.reservation.at.wallMs;
    const askAgainAtMs = nowMs + Math.min(Math.max(ageMs, SOONEST_AGAIN_MS), LATEST_AGAIN_MS);
    const row = { ordinal, outcome, certificate, askAgainAtMs };
    await database.transaction(async (db) => {
      if (await insertNew(db, CertificateRow, row)) return;
      const kept = await db.findOneByOrFail(CertificateRow, { ordinal });
      if (kept.certificate.journalHash !== certificate.journalHash) {
        throw wrong('another reservation than before', { ordinal });
      }
      if (kept.outcome === 'begun') await db.update(CertificateRow, { ordinal }, row);
    });
  }

  /** Certificates in the order of their reservations, from one on; and where the next page begins. */
  async read(
    from: number,
  ): Promise<{ readonly certificates: Certificate[]; readonly nextFrom: number | null }> {
    return this.parts.database.read(async (db) => {
      const certificates: Certificate[] = [];
      let characters = 0;
      for (let next = from; certificates.length < PAGE && characters < PAGE_CHARACTERS; ) {
        const [row] = await db
          .createQueryBuilder(CertificateRow, 'kept')
          .where('kept.ordinal >= :next', { next: BigInt(next) })
          .orderBy('kept.ordinal', 'ASC')
          .limit(1)
          .getMany();
        if (!row) return { certificates, nextFrom: null };
        certificates.push(row.certificate);
        characters += JSON.stringify(row.certificate).length;
        next = row.ordinal + 1;
      }
      const last = certificates.at(-1)?.reservation.ordinal ?? from;
      return { certificates, nextFrom: last + 1 };
    });
  }
}

/** A certificate as it came with a signature, in its attested form once the archive has that. */
export async function asAttested(db: EntityManager, given: Certificate): Promise<Certificate> {
  const { ordinal } = given.reservation;
  const row = await db.findOneBy(CertificateRow, { ordinal, outcome: 'signed' });
  return row?.certificate.journalHash === given.journalHash ? row.certificate : given;
}
