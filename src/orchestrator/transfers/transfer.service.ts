// What the API can do with transfers: take a request, show, list, cancel. Moving a transfer along is the workers' part.

import type { Certificate } from '../../core/certificates/certificate.js';
import { Fault, type Outcome } from '../../core/fault.js';
import type { SignedRequest } from '../../core/statements/request.js';
import type { Alongside } from '../database/alongside.js';
import type { TransferRefusalCode } from './transfer.errors.js';
import type { TransferFilter, TransferPage, TransferView } from './transfer.view.js';

/** Who asks over the API, for the books: `request-key:<keyId>` or `person:<personId>`. */
export type Caller = `request-key:${string}` | `person:${string}`;

export class TransferService {
  /**
   * Takes a signed request. The same request gives the same transfer again, however often and at whatever time; another
   * one under its request id is refused (`request-id-used`). `alongside` runs in the transaction that writes the transfer
   * or finds it there. The request is hostile. Throws Fault
   * `governance-unavailable` while the roster of request keys is not known.
   */
  async submit(
    _request: SignedRequest,
    _alongside?: Alongside,
  ): Promise<Outcome<TransferView, TransferRefusalCode>> {
    throw new Fault('not-built', 'not built yet');
  }

  async get(_transferId: string): Promise<Outcome<TransferView, 'transfer-unknown'>> {
    throw new Fault('not-built', 'not built yet');
  }

  async list(_filter: TransferFilter): Promise<Outcome<TransferPage, 'cursor-invalid'>> {
    throw new Fault('not-built', 'not built yet');
  }

  /** Ends a transfer for which nothing can have been signed. Refuses `transfer-being-signed`, `transfer-not-cancellable`. */
  async cancel(
    _transferId: string,
    _by: Caller,
    _alongside?: Alongside,
  ): Promise<Outcome<TransferView, TransferRefusalCode>> {
    throw new Fault('not-built', 'not built yet');
  }

  /** The signer's decision certificate for a transaction of this transfer. */
  async certificate(
    _transferId: string,
    _transactionKey: string,
  ): Promise<Outcome<Certificate, 'transfer-unknown' | 'transaction-unknown' | 'certificate-missing'>> {
    throw new Fault('not-built', 'not built yet');
  }
}
