// The HTTP side as a Nest module: one interceptor and one filter for every route, and the controllers of all features.

import { Module } from '@nestjs/common';
import { APP_FILTER, APP_INTERCEPTOR, DiscoveryModule } from '@nestjs/core';
import { ApprovalController } from '../approvals/approval.controller.js';
import { ApprovalsModule } from '../approvals/approvals.module.js';
import { AuditController } from '../audit/audit.controller.js';
import { AuditModule } from '../audit/audit.module.js';
import { CallRecorderModule } from '../audit/call-recorder.module.js';
import { CertificateController } from '../certificates/certificate.controller.js';
import { CertificatesModule } from '../certificates/certificates.module.js';
import { GovernanceController } from '../governance/governance.controller.js';
import { GovernanceModule } from '../governance/governance.module.js';
import { HeadsController } from '../governance/heads.controller.js';
import { ProposalController } from '../governance/proposal.controller.js';
import { IdempotencyModule } from '../idempotency/idempotency.module.js';
import { IdentityModule } from '../identity/identity.module.js';
import { SignerClientModule } from '../signer-client/signer-client.module.js';
import { SimulationController } from '../simulations/simulation.controller.js';
import { SimulationsModule } from '../simulations/simulations.module.js';
import { StatusController } from '../status/status.controller.js';
import { StatusService } from '../status/status.service.js';
import { TransferController } from '../transfers/transfer.controller.js';
import { TransfersModule } from '../transfers/transfers.module.js';
import { WalletController } from '../wallets/wallet.controller.js';
import { WalletsModule } from '../wallets/wallets.module.js';
import { WaysOutController } from '../ways-out/ways-out.controller.js';
import { WaysOutModule } from '../ways-out/ways-out.module.js';
import { CallInterceptor } from './call.interceptor.js';
import { DocumentsController } from './documents.controller.js';
import { ProblemFilter } from './problem.filter.js';
import { Shutdown } from './shutdown.js';
import { Sweeper } from './sweeper.js';

@Module({
  imports: [
    DiscoveryModule,
    IdentityModule,
    IdempotencyModule,
    GovernanceModule,
    AuditModule,
    CallRecorderModule,
    CertificatesModule,
    TransfersModule,
    ApprovalsModule,
    WalletsModule,
    SimulationsModule,
    WaysOutModule,
    SignerClientModule,
  ],
  controllers: [
    TransferController,
    ApprovalController,
    WalletController,
    SimulationController,
    WaysOutController,
    GovernanceController,
    HeadsController,
    ProposalController,
    AuditController,
    CertificateController,
    StatusController,
    DocumentsController,
  ],
  providers: [
    { provide: APP_INTERCEPTOR, useClass: CallInterceptor },
    { provide: APP_FILTER, useClass: ProblemFilter },
    StatusService,
    Shutdown,
    Sweeper,
  ],
})
export class HttpModule {}
