// The names under which this API is reached. A signature that was made for another deployment's address, or for a name
// that somebody pointed here, is no signature for this one.

import { Fault } from '../../core/fault.js';
import type { HttpSettings } from '../config/settings.js';

export class Authorities {
  private readonly names = new Set<string>();

  constructor(private readonly settings: HttpSettings) {
    for (const name of settings.authorities) this.names.add(name);
  }

  /** Told once the port is known, which the configuration may leave open. */
  listeningOn(port: number): void {
    if (this.settings.authorities.length > 0) return;
    if (port <= 0) throw new Fault('port-unknown', 'the API listens on no port');
    const { host } = this.settings;
    for (const name of [host.includes(':') ? `[${host}]` : host, 'localhost'])
      this.names.add(`${name}:${port}`);
  }

  include(authority: string): boolean {
    return this.names.has(authority);
  }
}
