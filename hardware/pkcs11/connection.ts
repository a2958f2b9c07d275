// One logged-in stay at one token: its slot found by label, its sessions open, its user logged in. It is made once and
// thrown away when anything about it died; nothing in here repairs itself (token.ts makes a new one).

import pkcs11js, { type Handle, type TokenInfo } from 'pkcs11js';
import { asTokenFault, isReturnValue } from './cryptoki-errors.js';
import type { CryptokiModule } from './cryptoki-module.js';
import { type PinSource, readPin } from './pin.js';
import { Session, SessionPool } from './session-pool.js';
import { tokenFault } from './token-fault.js';

/** Session states in which the normal user is logged in. PKCS#11 v3.1 §3.3, CK_STATE. */
const USER_STATES: readonly number[] = [1, 3];
/** CK_TOKEN_INFO flags, v3.1 §3.2. */
const FINAL_TRY = 0x00020000;
const PIN_LOCKED = 0x00040000;
/** CK_EFFECTIVELY_INFINITE, and CK_UNAVAILABLE_INFORMATION as the binding cuts it to 32 bits. */
const NO_SESSION_LIMIT: readonly number[] = [0, 0xffffffff];

export interface TokenWanted {
  readonly tokenLabel: string;
  /** CKT serial; when given, a token with the same label and another serial is not ours. */
  readonly serial?: string | undefined;
  readonly sessions: number;
  readonly pin: PinSource;
}

export class Connection {
  readonly module: CryptokiModule;
  readonly generation: number;
  readonly slot: Handle;
  readonly serial: string;
  readonly pool: SessionPool;

  private constructor(module: CryptokiModule, slot: Handle, serial: string, pool: SessionPool) {
    this.module = module;
    this.generation = module.generation;
    this.slot = slot;
    this.serial = serial;
    this.pool = pool;
  }

  /** Faults `token-gone`, `login-failed`, `transient`, `session-lost`. Leaves nothing open when it does. */
  static async open(module: CryptokiModule, wanted: TokenWanted): Promise<Connection> {
    await module.ready();
    return await module.inside(async () => {
      const { slot, info } = findSlot(module.api, wanted);
      const sessions: Session[] = [];
      try {
        const first = openSession(module.api, slot, true);
        sessions.push(first);
        await login(module.api, first, slot, wanted);
        openOthers(module.api, slot, sessions, sessionCount(info, wanted.sessions));
        return new Connection(module, slot, trimmed(info.serialNumber), new SessionPool(sessions));
      } catch (error) {
        for (const session of sessions) closeSession(module.api, session);
        throw asTokenFault(error, 'C_OpenSession');
      }
    });
  }

  /**
   * Throws unless the token is there and its user is logged in. Without this, "no such object" proves nothing: a
   * logged-out token hides private objects and a vanished one may show an empty list, both without any error.
   */
  assertVisible(session: Session): void {
    const { state } = this.module.api.C_GetSessionInfo(session.handle);
    if (!USER_STATES.includes(state)) {
      throw tokenFault('session-lost', 'the token has logged us out', { state });
    }
    this.tokenInfo();
  }

  /** CK_TOKEN_INFO of the slot, if the same token is still in it. Faults `token-gone`. */
  tokenInfo(): TokenInfo {
    let info: TokenInfo;
    try {
      info = this.module.api.C_GetTokenInfo(this.slot);
    } catch (error) {
      throw tokenFault(
        'token-gone',
        'the token is no longer in its slot',
        { during: 'C_GetTokenInfo' },
        error,
      );
    }
    if (trimmed(info.serialNumber) !== this.serial) {
      throw tokenFault('token-gone', 'another token is in the slot', { serial: trimmed(info.serialNumber) });
    }
    return info;
  }

  isLoggedIn(session: Session): boolean {
    return USER_STATES.includes(this.module.api.C_GetSessionInfo(session.handle).state);
  }

  /** Closes what is still open, once nobody uses it. The last session to close logs out (v3.1 §5.6.2). */
  async close(): Promise<void> {
    await this.pool.drained();
    if (this.generation !== this.module.generation) return;
    for (const session of this.pool.sessions) closeSession(this.module.api, session);
  }
}

/**
 * The slot with the token of that label. Faults `token-gone` when there is none, `mechanism` when there are several:
 * nobody here may guess which is meant. A slot that cannot be asked is passed over, it may be somebody else's.
 */
function findSlot(api: pkcs11js.PKCS11, wanted: TokenWanted): { slot: Handle; info: TokenInfo } {
  const matching: { slot: Handle; info: TokenInfo }[] = [];
  for (const slot of api.C_GetSlotList(true)) {
    let info: TokenInfo;
    try {
      info = api.C_GetTokenInfo(slot);
    } catch (error) {
      const { code } = asTokenFault(error, 'C_GetTokenInfo');
      if (code === 'session-lost' || code === 'mechanism') throw error;
      continue;
    }
    if (trimmed(info.label) !== wanted.tokenLabel) continue;
    if (wanted.serial !== undefined && trimmed(info.serialNumber) !== wanted.serial) continue;
    matching.push({ slot, info });
  }
  const [found, second] = matching;
  if (found === undefined) {
    throw tokenFault('token-gone', 'no slot has the token', { tokenLabel: wanted.tokenLabel });
  }
  if (second !== undefined) {
    throw tokenFault('mechanism', 'several tokens have this label: configure the serial', {
      tokenLabel: wanted.tokenLabel,
      tokens: matching.length,
    });
  }
  return found;
}

function openSession(api: pkcs11js.PKCS11, slot: Handle, writable: boolean): Session {
  const flags = pkcs11js.CKF_SERIAL_SESSION | (writable ? pkcs11js.CKF_RW_SESSION : 0);
  return new Session(api.C_OpenSession(slot, flags), writable);
}

/** Tokens that have fewer sessions than wanted are used with what they have. */
function openOthers(api: pkcs11js.PKCS11, slot: Handle, sessions: Session[], count: number): void {
  while (sessions.length < count) {
    try {
      sessions.push(openSession(api, slot, false));
    } catch (error) {
      if (!isReturnValue(error, pkcs11js.CKR_SESSION_COUNT)) throw error;
      return;
    }
  }
}

function sessionCount(info: TokenInfo, wanted: number): number {
  return NO_SESSION_LIMIT.includes(info.maxSessionCount) ? wanted : Math.min(wanted, info.maxSessionCount);
}

/**
 * Logs in unless this process is logged in already (a login counts for all sessions of an application). A token that
 * says that one more wrong PIN locks it is left alone unless a person typed the PIN just now.
 */
async function login(
  api: pkcs11js.PKCS11,
  session: Session,
  slot: Handle,
  wanted: TokenWanted,
): Promise<void> {
  if (USER_STATES.includes(api.C_GetSessionInfo(session.handle).state)) return;
  const forbidden = loginForbidden(api.C_GetTokenInfo(slot).flags, wanted.pin.kind);
  if (forbidden !== undefined) {
    throw tokenFault('login-failed', `the PIN is not tried: ${forbidden}`, {
      reason: forbidden,
      attempted: false,
    });
  }
  const pin = await readPin(wanted.pin, 'login');
  submitPin(api, session, pkcs11js.CKU_USER, pin);
}

/** Why a PIN must not be tried, from CK_TOKEN_INFO.flags. */
export function loginForbidden(flags: number, source: PinSource['kind']): 'locked' | 'final-try' | undefined {
  if ((flags & PIN_LOCKED) !== 0) return 'locked';
  if ((flags & FINAL_TRY) !== 0 && source !== 'prompt') return 'final-try';
  return undefined;
}

/** For keys that want the PIN for each signature: CKU_CONTEXT_SPECIFIC, after C_SignInit. PKCS#11 v3.1 §5.6.8. */
export async function authenticateOnce(
  api: pkcs11js.PKCS11,
  session: Session,
  source: PinSource,
): Promise<void> {
  submitPin(api, session, pkcs11js.CKU_CONTEXT_SPECIFIC, await readPin(source, 'signature'));
}

/** `attempted` in the facts says that the token counted this try. */
function submitPin(api: pkcs11js.PKCS11, session: Session, userType: number, pin: string): void {
  try {
    api.C_Login(session.handle, userType, pin);
  } catch (error) {
    if (isReturnValue(error, pkcs11js.CKR_USER_ALREADY_LOGGED_IN)) return;
    const fault = asTokenFault(error, 'C_Login');
    if (fault.code !== 'login-failed') throw fault;
    throw tokenFault(
      'login-failed',
      'the token refused the login',
      { ...fault.facts, attempted: true },
      error,
    );
  }
}

/** Whether it closed; a session that is dead already is as good as closed. */
function closeSession(api: pkcs11js.PKCS11, session: Session): boolean {
  try {
    api.C_CloseSession(session.handle);
    return true;
  } catch {
    return false;
  }
}

/** PKCS#11 pads its strings with blanks; some libraries end them with a zero byte as well. */
export function trimmed(padded: string): string {
  return padded.replace(/[\0 ]+$/, '');
}
