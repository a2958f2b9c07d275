// The way between an orchestrator and the signer: messages as bytes that arrive late, twice, in another order, or never. What
// passes is kept for the thief who listens.

import { Fault } from '../../src/core/fault.js';
import type { SignerClientFaultCode } from '../../src/orchestrator/signer-client/signer-client.errors.js';
import type { SignerCarrier, SignerEndpoint } from '../../src/orchestrator/signer-client/signer-client.js';
import { reply } from '../../src/signer-protocol/messages.js';
import { asked } from './errand.js';
import { never, type Process, type Scheduler } from './scheduler.js';
import type { SignerHost } from './signer-host.js';
import type { Trace } from './trace.js';

const HEARD_MAX = 60;

function fault(code: SignerClientFaultCode): Fault<SignerClientFaultCode> {
  return new Fault(code, 'the signer gave no answer that can be used');
}

export class SignerLink {
  /** Nothing gets through. */
  cut = false;
  /** Orders that a thief has heard. */
  readonly heard: Uint8Array[] = [];

  constructor(
    private readonly host: SignerHost,
    private readonly scheduler: Scheduler,
    private readonly trace: Trace,
  ) {}

  endpoint(process: Process): SignerEndpoint {
    return {
      open: async () => {
        await this.scheduler.point(process, 'before the signer is reached');
        if (this.cut || !this.host.serves) throw fault('signer-unreachable');
        return new Carrier(process, this);
      },
    };
  }

  /** Resolves with the reply's bytes. Rejects when it is known to be lost, which the sender notices some time later. */
  send(process: Process, message: Uint8Array): Promise<Uint8Array> {
    if (!process.alive) return never();
    const what = verbOf(message);
    asked(what);
    if (what === 'sign' && this.heard.length < HEARD_MAX) this.heard.push(message);
    return new Promise((resolve, reject) => {
      const late = () =>
        this.scheduler.park(process, `timeout ${what}`, () => reject(fault('signer-timeout')));
      const give = (bytes: Uint8Array) =>
        this.scheduler.park(process, `reply ${what}`, () => resolve(bytes), {
          lose: late,
          double: () => undefined,
        });
      const deliver = (answer: (bytes: Uint8Array) => void, lost: () => void) => () => {
        if (this.cut) lost();
        else void this.deliver(message, answer, lost);
      };
      // A message that is on its way arrives also when its sender has died meanwhile.
      this.scheduler.park(undefined, `${process.name} asks ${what}`, deliver(give, late), {
        lose: late,
        double: () =>
          this.scheduler.park(
            undefined,
            `double of ${what}`,
            deliver(
              () => undefined,
              () => undefined,
            ),
          ),
      });
    });
  }

  /** Brings a message to the signer; a thief does, too. */
  async deliver(message: Uint8Array, answer: (bytes: Uint8Array) => void, lost: () => void): Promise<void> {
    try {
      const said = await this.host.ask(message);
      if (said) answer(said);
      else lost();
    } catch (error) {
      this.trace.note('signer-throws', String(error));
      lost();
    }
  }
}

function verbOf(message: Uint8Array): string {
  return /"verb":"([a-z-]+)"/.exec(new TextDecoder().decode(message.subarray(0, 300)))?.[1] ?? '?';
}

/** What the orchestrator's client takes for a connection. */
class Carrier implements SignerCarrier {
  dead = false;

  constructor(
    private readonly process: Process,
    private readonly link: SignerLink,
  ) {}

  async ask(id: string, body: Uint8Array): ReturnType<SignerCarrier['ask']> {
    try {
      const bytes = await this.link.send(this.process, body);
      const said = reply.parse(JSON.parse(new TextDecoder().decode(bytes)));
      if (said.id !== id) throw fault('signer-reply-malformed');
      return said;
    } catch (error) {
      this.dead = true;
      throw error;
    }
  }

  close(): void {
    this.dead = true;
  }
}
