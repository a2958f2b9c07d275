// Everything that was thrown on the way to an answer. What nobody expected is logged with all that is known and answered
// with an id alone.

import type { ServerResponse } from 'node:http';
import { type ArgumentsHost, Catch, type ExceptionFilter, Injectable } from '@nestjs/common';
import { Log } from '../logging/log.js';
import { callOf, type HttpRequest } from './call.js';
import { answerable } from './faults.js';
import { sendProblem } from './reply.js';

@Catch()
@Injectable()
export class ProblemFilter implements ExceptionFilter {
  constructor(private readonly log: Log) {}

  catch(error: unknown, host: ArgumentsHost): void {
    const request = host.switchToHttp().getRequest<HttpRequest>();
    const response = host.switchToHttp().getResponse<ServerResponse>();
    const call = callOf(request);
    const { code, facts, unexpected } = answerable(error);
    if (unexpected)
      this.log.failure('call failed', { call: call.id, operation: call.operation, code }, error);
    sendProblem(response, call, code, facts);
  }
}
