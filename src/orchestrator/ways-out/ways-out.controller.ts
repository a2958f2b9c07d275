// The ways out over HTTP. It says who may ask; what may be done is the signer's and the services' to say.

import { Controller } from '@nestjs/common';
import { accepted, type Outcome, refused } from '../../core/fault.js';
import { Caller, Input, type InputOf, Serves } from '../http/endpoint.js';
import { isProblemCode } from '../http/problem.js';
import { nameOf, type Principal } from '../identity/principal.js';
import { Burials } from './burials.js';
import { Cancels } from './cancels.js';
import { Restores } from './restores.js';
import { Voids } from './voids.js';
import type {
  BuryAnswer,
  CancelAnswer,
  RefreshAnswer,
  RestoreFacts,
  VoidAnswer,
  WaysOutView,
} from './ways-out.dto.js';
import {
  buryTransactions,
  cancelOnChain,
  getRestoreFacts,
  getWaysOut,
  refreshWallet,
  voidTransfer,
} from './ways-out.endpoints.js';
import { WaysOut } from './ways-out.service.js';

@Controller()
export class WaysOutController {
  constructor(
    private readonly voids: Voids,
    private readonly waysOut: WaysOut,
    private readonly cancels: Cancels,
    private readonly burials: Burials,
    private readonly restores: Restores,
  ) {}

  @Serves(voidTransfer)
  async void(
    @Input() { params, body }: InputOf<typeof voidTransfer>,
    @Caller() caller: Principal,
  ): Promise<Outcome<VoidAnswer>> {
    const { keyId } = body.statement;
    if (caller.kind === 'backend' && caller.keyId !== keyId)
      return refused('request-of-another-key', { keyId });
    return known(await this.voids.void(params.transferId, body, nameOf(caller)));
  }

  @Serves(getWaysOut)
  show(@Input() { params }: InputOf<typeof getWaysOut>): Promise<Outcome<WaysOutView>> {
    return this.waysOut.show(params.transferId);
  }

  @Serves(cancelOnChain)
  cancel(
    @Input() { params }: InputOf<typeof cancelOnChain>,
    @Caller() caller: Principal,
  ): Promise<Outcome<CancelAnswer>> {
    return this.cancels.cancel(params.transferId, nameOf(caller));
  }

  @Serves(buryTransactions)
  async bury(
    @Input() { body }: InputOf<typeof buryTransactions>,
    @Caller() caller: Principal,
  ): Promise<Outcome<BuryAnswer>> {
    return known(await this.burials.bury(body, nameOf(caller)));
  }

  @Serves(getRestoreFacts)
  async restoreFacts(): Promise<Outcome<RestoreFacts>> {
    return accepted(await this.restores.facts());
  }

  @Serves(refreshWallet)
  refresh(@Input() { params, body }: InputOf<typeof refreshWallet>): Promise<Outcome<RefreshAnswer>> {
    return this.restores.refresh(params.walletId, body);
  }
}

/** The signer may be newer than this program and have codes that no list here has. */
function known<T>(outcome: Outcome<T>): Outcome<T> {
  if (outcome.kind === 'accepted' || isProblemCode(outcome.code)) return outcome;
  return refused('signer-refused', { signerCode: outcome.code, ...outcome.facts });
}
