// The orchestrator's side of certificates that are replaced while it runs: its files are read anew for each connection to
// the signer, and the newest ones that fit together are used. Files in the middle of being written are waited out.

import { Fault } from '../../core/fault.js';
import {
  type CertificateFiles,
  type Certificates,
  certificateFacts,
  readCertificates,
} from '../../platform/certificates.js';
import type { LogFacts } from '../logging/log.js';

/** For the log. */
export interface CertificateEvents {
  readonly taken: (facts: LogFacts) => void;
  readonly refused: (facts: LogFacts, error: unknown) => void;
}

export class ClientCertificates {
  private inForce: Certificates;
  private refusedFor: string | undefined;

  /** Throws a CertificateFaultCode when the files do not fit together at the start. */
  constructor(
    private readonly files: CertificateFiles,
    private readonly events: CertificateEvents,
  ) {
    this.inForce = readCertificates(files);
  }

  /** What the next connection is made with. An expired one is the signer's to refuse. */
  current(): Certificates {
    try {
      const found = readCertificates(this.files);
      const { certificate, key, authority } = this.inForce;
      if (found.certificate !== certificate || found.key !== key || found.authority !== authority) {
        this.inForce = found;
        this.events.taken(certificateFacts(found));
      }
      this.refusedFor = undefined;
    } catch (error) {
      // Told once for each reason: connections are made all the time.
      const code = error instanceof Fault ? error.code : 'internal';
      if (this.refusedFor !== code) this.events.refused({ code }, error);
      this.refusedFor = code;
    }
    return this.inForce;
  }
}
