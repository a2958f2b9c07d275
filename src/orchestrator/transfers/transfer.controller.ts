// Transfers over HTTP. It says who sees what; what may be done is the service's to say.

import { Controller } from '@nestjs/common';
import { accepted, type Outcome, refused } from '../../core/fault.js';
import { inCanonicalOrder } from '../../core/statements/canonical-json.js';
import type { SignedRequest } from '../../core/statements/request.js';
import type { KeyedEffect } from '../http/call.js';
import { Caller, Effect, Input, type InputOf, Serves } from '../http/endpoint.js';
import { nameOf, type Principal } from '../identity/principal.js';
import type { CertificateFile } from './transfer.dto.js';
import {
  cancelTransfer,
  getCertificates,
  getRequest,
  getTransfer,
  listTransfers,
  resolveTransfer,
  submitTransfer,
} from './transfer.endpoints.js';
import type { TransferRefusalCode } from './transfer.errors.js';
import { TransferService } from './transfer.service.js';
import type { TransferPage, TransferView } from './transfer.view.js';

@Controller()
export class TransferController {
  constructor(private readonly transfers: TransferService) {}

  @Serves(submitTransfer)
  async submit(
    @Input() { body }: InputOf<typeof submitTransfer>,
    @Caller() caller: Principal,
    @Effect() effect: KeyedEffect,
  ): Promise<Outcome<TransferView, TransferRefusalCode | 'request-of-another-key'>> {
    if (caller.kind !== 'backend' || caller.keyId !== body.statement.keyId) {
      return refused('request-of-another-key', { keyId: body.statement.keyId });
    }
    return this.transfers.submit(body, effect.alongside);
  }

  @Serves(listTransfers)
  async list(
    @Input() { query }: InputOf<typeof listTransfers>,
    @Caller() caller: Principal,
  ): Promise<Outcome<TransferPage, TransferRefusalCode>> {
    return this.transfers.list(caller.kind === 'backend' ? { ...query, requesters: caller.owners } : query);
  }

  @Serves(getTransfer)
  async get(
    @Input() { params }: InputOf<typeof getTransfer>,
    @Caller() caller: Principal,
  ): Promise<Outcome<TransferView, TransferRefusalCode>> {
    return this.visible(params.transferId, caller);
  }

  @Serves(getRequest)
  async request(
    @Input() { params }: InputOf<typeof getRequest>,
    @Caller() caller: Principal,
  ): Promise<Outcome<SignedRequest, TransferRefusalCode>> {
    const transfer = await this.visible(params.transferId, caller);
    return transfer.kind === 'refused' ? transfer : this.transfers.request(params.transferId);
  }

  @Serves(cancelTransfer)
  async cancel(
    @Input() { params }: InputOf<typeof cancelTransfer>,
    @Caller() caller: Principal,
    @Effect() effect: KeyedEffect,
  ): Promise<Outcome<TransferView, TransferRefusalCode>> {
    const transfer = await this.visible(params.transferId, caller);
    if (transfer.kind === 'refused' || effect.alreadyDone) return transfer;
    return this.transfers.cancel(params.transferId, nameOf(caller), effect.alongside);
  }

  @Serves(resolveTransfer)
  async resolve(
    @Input() { params, body }: InputOf<typeof resolveTransfer>,
    @Caller() caller: Principal,
    @Effect() effect: KeyedEffect,
  ): Promise<Outcome<TransferView, TransferRefusalCode>> {
    if (effect.alreadyDone) return this.transfers.get(params.transferId);
    return this.transfers.resolve(params.transferId, body, nameOf(caller), effect.alongside);
  }

  @Serves(getCertificates)
  async certificates(
    @Input() { params }: InputOf<typeof getCertificates>,
    @Caller() caller: Principal,
  ): Promise<Outcome<CertificateFile, TransferRefusalCode>> {
    const { transferId } = params;
    const transfer = await this.visible(transferId, caller);
    if (transfer.kind === 'refused') return transfer;
    const certificates: CertificateFile['certificates'] = [];
    for (const transaction of transfer.value.transactions) {
      if (!transaction.certified) continue;
      const one = await this.transfers.certificate(transferId, transaction.transactionKey);
      if (one.kind === 'refused') return one;
      certificates.push(one.value);
    }
    return certificates.length === 0
      ? refused('certificate-missing', { transferId })
      : accepted(inCanonicalOrder({ certificates, transferId }));
  }

  /** A backend is told the same about others' transfers as about ones that do not exist. */
  private async visible(
    transferId: string,
    caller: Principal,
  ): Promise<Outcome<TransferView, 'transfer-unknown'>> {
    const transfer = await this.transfers.get(transferId);
    if (transfer.kind === 'refused' || caller.kind === 'officer') return transfer;
    return caller.owners.includes(transfer.value.requester)
      ? transfer
      : refused('transfer-unknown', { transferId });
  }
}
