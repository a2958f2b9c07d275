// The baseline of the signing benchmarks, as a program of its own: nothing but C_SignInit and C_Sign on one token, on as
// many sessions at a time as it was told. No message, no check, no journal: the most that this token gives. With one session
// that is without another thread, as the signer's own token process does it. Started by bare-signing.ts, and told by it when
// to run.

import { randomBytes } from 'node:crypto';
import pkcs11js, { type Handle } from 'pkcs11js';

export interface BareSettings {
  readonly modulePath: string;
  readonly tokenLabel: string;
  readonly pin: string;
  readonly keyLabel: string;
  readonly sessions: number;
}

export interface BareRun {
  readonly signatures: number;
  readonly ms: number;
  /** Of this whole process, user and system. */
  readonly cpuMs: number;
}

const SIGNATURE_ROOM_BYTES = 132;

class BareToken {
  private readonly api = new pkcs11js.PKCS11();
  private readonly sessions: readonly Handle[];
  private readonly key: Handle;

  constructor(settings: BareSettings) {
    this.api.load(settings.modulePath);
    this.api.C_Initialize({ flags: pkcs11js.CKF_OS_LOCKING_OK });
    const slot = this.api
      .C_GetSlotList(true)
      .find((one) => this.api.C_GetTokenInfo(one).label.trimEnd() === settings.tokenLabel);
    if (slot === undefined) throw new Error(`no token ${settings.tokenLabel}`);
    this.sessions = Array.from({ length: settings.sessions }, () =>
      this.api.C_OpenSession(slot, pkcs11js.CKF_SERIAL_SESSION),
    );
    const [first] = this.sessions;
    if (first === undefined) throw new Error('no sessions wanted');
    this.api.C_Login(first, pkcs11js.CKU_USER, settings.pin);
    this.api.C_FindObjectsInit(first, [
      { type: pkcs11js.CKA_CLASS, value: pkcs11js.CKO_PRIVATE_KEY },
      { type: pkcs11js.CKA_LABEL, value: Buffer.from(settings.keyLabel) },
    ]);
    const [key] = this.api.C_FindObjects(first, 1);
    this.api.C_FindObjectsFinal(first);
    if (key === undefined) throw new Error(`no key ${settings.keyLabel}`);
    this.key = key;
  }

  async run(forMs: number): Promise<BareRun> {
    const cpu = process.cpuUsage();
    const started = performance.now();
    const counts = await Promise.all(
      this.sessions.map((session) => this.signUntil(session, started + forMs)),
    );
    const ms = performance.now() - started;
    const { user, system } = process.cpuUsage(cpu);
    return { signatures: counts.reduce((sum, count) => sum + count, 0), ms, cpuMs: (user + system) / 1000 };
  }

  private async signUntil(session: Handle, end: number): Promise<number> {
    const digest = randomBytes(32);
    const room = Buffer.alloc(SIGNATURE_ROOM_BYTES);
    let count = 0;
    for (; performance.now() < end; count += 1) {
      this.api.C_SignInit(session, { mechanism: pkcs11js.CKM_ECDSA }, this.key);
      if (this.sessions.length === 1) this.api.C_Sign(session, digest, room);
      else await this.api.C_SignAsync(session, digest, room);
    }
    return count;
  }
}

let token: BareToken | undefined;

process.on('message', (message: BareSettings | { readonly forMs: number }) => {
  if ('forMs' in message) void token?.run(message.forMs).then((run) => process.send?.(run));
  else {
    token = new BareToken(message);
    process.send?.('ready');
  }
});
process.on('disconnect', () => process.exit(0));
