// What writes down calls, as a Nest module: every route passes it, whether the log grows in this program or not.

import { Module } from '@nestjs/common';
import { CallRecorder } from './call-recorder.js';

@Module({ providers: [CallRecorder], exports: [CallRecorder] })
export class CallRecorderModule {}
