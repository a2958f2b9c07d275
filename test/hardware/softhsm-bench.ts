// SoftHSM tokens for the key signer contract: real PKCS#11, each bench with a token directory of its own.

import { randomBytes } from 'node:crypto';
import { mkdtemp, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runInThisContext } from 'node:vm';
import pkcs11js, { type Handle } from 'pkcs11js';
import { compileProgram } from '../../devnet/compile-program.js';
import { createSoftHsm, type SoftHsm } from '../../devnet/softhsm.js';
import {
  CONTRACT_SESSIONS,
  type ContractBench,
  type OpenedSigner,
} from '../../hardware/contract/key-signer.contract.js';
import type { KeySigner } from '../../hardware/key-signer.js';
import { Pkcs11Token } from '../../hardware/pkcs11/token.js';
import { spawnToken, type TokenClient } from '../../hardware/pkcs11/token-client.js';
import { closeAllSessions, logOut } from './sabotage.js';

export const PIN = '135790';

export interface SoftHsmBench extends ContractBench {
  readonly softHsm: SoftHsm;
  /** A file with that PIN, mode 0600. */
  pinFile(pin: string): Promise<string>;
}

/**
 * Jest gives a test a copy of `process.env`; what the library in this process reads is the real one.
 */
export function setRealEnvironment(variables: Readonly<Record<string, string>>): void {
  const real: unknown = runInThisContext('process.env');
  if (typeof real !== 'object' || real === null) throw new Error('this process has no environment');
  Object.assign(real, variables);
}

async function bench(
  label: string,
  open: (bench: SoftHsmBench, tokenLabel: string, pinFile: string) => Promise<OpenedSigner>,
): Promise<SoftHsmBench> {
  const folder = await mkdtemp(join(tmpdir(), 'portcullis-token-'));
  const softHsm = await createSoftHsm(folder);
  await softHsm.initToken({ label, soPin: '24680135', pin: PIN });
  setRealEnvironment(softHsm.environment);
  const [tokenFolder = ''] = await readdir(softHsm.tokenDirectory);
  const here = join(softHsm.tokenDirectory, tokenFolder);
  const away = join(folder, 'away');
  const self: SoftHsmBench = {
    softHsm,
    label,
    pin: PIN,
    async pinFile(pin) {
      const path = join(folder, `pin-${randomBytes(6).toString('hex')}`);
      await writeFile(path, `${pin}\n`, { mode: 0o600 });
      return path;
    },
    async open({ pin = PIN, tokenLabel = label } = {}) {
      return await open(self, tokenLabel, await self.pinFile(pin));
    },
    async outside(work) {
      return workOutside({ modulePath: softHsm.modulePath, label, pin: PIN }, work);
    },
    hideToken: () => rename(here, away),
    showToken: () => rename(away, here),
    dispose: () => rm(folder, { recursive: true }),
  };
  return self;
}

/** A login of this process beside whatever else it holds; leaves the library as it found it. */
export function workOutside<T>(
  { modulePath, label, pin }: { readonly modulePath: string; readonly label: string; readonly pin: string },
  work: (api: pkcs11js.PKCS11, session: Handle) => T,
): T {
  const api = new pkcs11js.PKCS11();
  api.load(modulePath);
  const ours = succeeds(
    () => api.C_Initialize({ flags: pkcs11js.CKF_OS_LOCKING_OK }),
    'CKR_CRYPTOKI_ALREADY_INITIALIZED',
  );
  try {
    const slot = api.C_GetSlotList(true).find((one) => api.C_GetTokenInfo(one).label.trim() === label);
    if (slot === undefined) throw new Error(`no token ${label}`);
    const session = api.C_OpenSession(slot, pkcs11js.CKF_SERIAL_SESSION | pkcs11js.CKF_RW_SESSION);
    succeeds(() => api.C_Login(session, pkcs11js.CKU_USER, pin), 'CKR_USER_ALREADY_LOGGED_IN');
    const result = work(api, session);
    api.C_CloseSession(session);
    return result;
  } finally {
    if (ours) api.C_Finalize();
  }
}

/** False for the one error that is expected. */
function succeeds(call: () => void, expected: string): boolean {
  try {
    call();
    return true;
  } catch (error) {
    if (!String(error).includes(expected)) throw error;
    return false;
  }
}

/** The adapter in this process. */
export async function inProcessBench(label: string): Promise<SoftHsmBench> {
  return await bench(label, async ({ softHsm: { modulePath } }, tokenLabel, pinFile) => {
    const signer: KeySigner = new Pkcs11Token({
      modulePath,
      tokenLabel,
      sessions: CONTRACT_SESSIONS,
      pin: { kind: 'file', path: pinFile },
    });
    return {
      signer,
      closeAllSessions: async () => closeAllSessions(modulePath, label),
      logOut: async () => logOut(modulePath, label),
      replacePin: (pin) => writeFile(pinFile, pin),
    };
  });
}

/** The adapter in a process of its own. */
export async function childProcessBench(label: string): Promise<SoftHsmBench> {
  const programPath = await compileProgram('test/hardware/sabotaged-token-process.ts');
  return await bench(label, async ({ softHsm: { modulePath, environment } }, tokenLabel, pinFile) => {
    const log = `${pinFile}.log`;
    await writeFile(log, '');
    const signer: TokenClient = spawnToken(
      {
        modulePath,
        tokenLabel,
        sessions: CONTRACT_SESSIONS,
        pin: { kind: 'file', path: pinFile },
        environment: {
          ...environment,
          SABOTAGE_LOG: log,
          SABOTAGE_MODULE: modulePath,
          SABOTAGE_TOKEN: label,
        },
      },
      { programPath },
    );
    const sabotage = async (signal: NodeJS.Signals) => {
      const before = (await readFile(log, 'utf8')).length;
      process.kill(signer.processId ?? 0, signal);
      for (let tries = 0; (await readFile(log, 'utf8')).length === before; tries += 1) {
        if (tries > 500) throw new Error('the token process did not do it');
        await new Promise((resolve) => setTimeout(resolve, 10));
      }
    };
    return {
      signer,
      closeAllSessions: () => sabotage('SIGUSR2'),
      logOut: () => sabotage('SIGHUP'),
      replacePin: (pin) => writeFile(pinFile, pin),
    };
  });
}
