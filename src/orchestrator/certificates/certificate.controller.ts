// The archive of certificates over HTTP.

import { Controller } from '@nestjs/common';
import { accepted, type Outcome } from '../../core/fault.js';
import { Input, type InputOf, Serves } from '../http/endpoint.js';
import { CertificateArchive } from './certificate.archive.js';
import { type CertificatePage, listCertificates } from './certificate.endpoints.js';

@Controller()
export class CertificateController {
  constructor(private readonly archive: CertificateArchive) {}

  @Serves(listCertificates)
  async list(@Input() { query }: InputOf<typeof listCertificates>): Promise<Outcome<CertificatePage>> {
    return accepted(await this.archive.read(query.from ?? 1));
  }
}
