// The table of attested certificates. Shapes only. Whoever can write to the database can put anything in here: what a
// certificate is worth follows from its attestation.

import { Column, Entity } from 'typeorm';
import type { z } from 'zod';
import { certificate } from '../../core/certificates/certificate.js';
import { integerColumn, jsonColumn, oneOfColumn, timeColumn } from '../database/columns.js';

export const certificateOutcomes = ['signed', 'begun', 'ended'] as const;

@Entity('certificates')
export class CertificateRow {
  @Column(integerColumn({ primary: true })) ordinal!: number;
  @Column(oneOfColumn(certificateOutcomes)) outcome!: (typeof certificateOutcomes)[number];
  @Column(jsonColumn(certificate)) certificate!: z.infer<typeof certificate>;
  /** When the signer is asked for it again, while it is begun only. */
  @Column(timeColumn()) askAgainAtMs!: number;
}
