// Whether the program is on its way out. Readiness says so at once, before anything stops.

import { Injectable } from '@nestjs/common';

@Injectable()
export class Shutdown {
  private begun = false;

  begin(): void {
    this.begun = true;
  }

  get hasBegun(): boolean {
    return this.begun;
  }
}
