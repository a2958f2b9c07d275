// Officers' approvals as a Nest module.

import { Module } from '@nestjs/common';
import { Pipeline } from '../transfers/pipeline.js';
import { TransfersModule } from '../transfers/transfers.module.js';
import { ApprovalService } from './approval.service.js';

@Module({
  imports: [TransfersModule],
  providers: [
    {
      provide: ApprovalService,
      inject: [Pipeline],
      useFactory: (pipeline: Pipeline) => new ApprovalService(pipeline),
    },
  ],
  exports: [ApprovalService],
})
export class ApprovalsModule {}
