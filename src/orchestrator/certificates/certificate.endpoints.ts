// The endpoint of the archive of certificates: all of them, for whoever looks for one that is missing.

import { z } from 'zod';
import { certificate } from '../../core/certificates/certificate.js';
import { endpoint } from '../http/endpoint.js';
import { exampleCertificate } from '../http/examples.js';

export const certificatePage = z
  .strictObject({
    certificates: z.array(certificate).describe('At most 50, in the order of their reservations.'),
    nextFrom: z.int().nullable().describe('`from` of the next page; null on the last one.'),
  })
  .meta({ id: 'CertificatePage' });
export type CertificatePage = z.infer<typeof certificatePage>;

export const listCertificates = endpoint({
  operation: 'listCertificates',
  method: 'GET',
  path: '/v1/certificates',
  tag: 'Audit',
  summary: "Read the signer's decision certificates",
  description:
    'Of everything that the signer has ever reserved, in its order and as it attests them, whoever asked for it and whether or not it was signed. They are counted without a gap: `portcullis verify --whole` names each that is missing. Each look is in the audit log.',
  access: 'officer',
  isRecorded: true,
  query: z.strictObject({
    from: z
      .string()
      .regex(/^[1-9][0-9]{0,14}$/, 'an ordinal')
      .transform(Number)
      .exactOptional()
      .describe('Ordinal of the first one wanted; 1 unless said.'),
  }),
  answer: {
    is: 'ok',
    description: 'A page.',
    schema: certificatePage,
    example: { certificates: [exampleCertificate], nextFrom: null },
  },
  refusals: [],
});
