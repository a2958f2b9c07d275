// One loaded PKCS#11 library. A library has ONE state for the whole process (PKCS#11 v3.1 §5.4: C_Initialize and
// C_Finalize speak for the application, not for a caller), so everybody in this process who names the same path
// shares one object, and whoever has to finalise it waits until nobody is inside.
//
// It is NOT a wrapper around every C_ function: callers use `api` directly.

import pkcs11js from 'pkcs11js';
import { asTokenFault, isReturnValue } from './cryptoki-errors.js';
import { tokenFault } from './token-fault.js';

export class CryptokiModule {
  static readonly #loaded = new Map<string, CryptokiModule>();

  readonly api: pkcs11js.PKCS11;
  readonly #path: string;
  #users = 0;
  #state: 'down' | 'up' = 'down';
  /** Whether C_Initialize succeeded here; if somebody else had done it, the state is not ours to end. */
  #ours = false;
  #generation = 0;
  #underWay = 0;
  #whenIdle: (() => void)[] = [];
  #restart: Promise<void> | undefined;

  private constructor(path: string) {
    this.#path = path;
    this.api = new pkcs11js.PKCS11();
    try {
      this.api.load(path);
    } catch (error) {
      throw tokenFault('token-gone', 'the PKCS#11 module cannot be loaded', { modulePath: path }, error);
    }
  }

  /** The shared module of this path, loaded if need be. Faults `token-gone` when it cannot be loaded. */
  static acquire(path: string): CryptokiModule {
    const module = CryptokiModule.#loaded.get(path) ?? new CryptokiModule(path);
    CryptokiModule.#loaded.set(path, module);
    module.#users += 1;
    return module;
  }

  /** Grows with every C_Finalize: sessions and handles of an older generation are dead. */
  get generation(): number {
    return this.#generation;
  }

  /** Resolves when the library is initialised and nobody is restarting it. */
  async ready(): Promise<void> {
    while (this.#restart !== undefined) await this.#restart;
    this.#initialise();
  }

  /** Counts an asynchronous stay inside the library, so that nobody finalises it meanwhile. */
  async inside<T>(work: () => Promise<T>): Promise<T> {
    this.#underWay += 1;
    try {
      return await work();
    } finally {
      this.#underWay -= 1;
      if (this.#underWay === 0) for (const resume of this.#whenIdle.splice(0)) resume();
    }
  }

  /**
   * C_Finalize and C_Initialize, once all stays have ended; ends every session of every token of this library in this
   * process. Does nothing if that has happened since `seenGeneration`. Returns false when the library was initialised
   * by somebody else, whose sessions are not ours to end.
   */
  async restart(seenGeneration: number): Promise<boolean> {
    while (this.#restart !== undefined) await this.#restart;
    if (this.#generation !== seenGeneration) return true;
    if (!this.#ours && this.#state === 'up') return false;
    const done = Promise.withResolvers<void>();
    this.#restart = done.promise;
    try {
      if (this.#underWay > 0) await new Promise<void>((resume) => this.#whenIdle.push(resume));
      this.#finalise();
      this.#initialise();
      return true;
    } finally {
      this.#restart = undefined;
      done.resolve();
    }
  }

  /** Gives the module back; the last one out finalises it. */
  async release(): Promise<void> {
    this.#users -= 1;
    if (this.#users > 0) return;
    CryptokiModule.#loaded.delete(this.#path);
    while (this.#restart !== undefined) await this.#restart;
    if (this.#ours) this.#finalise();
  }

  #initialise(): void {
    if (this.#state === 'up') return;
    try {
      // Signing runs in the thread pool, several sessions at a time: the library must lock.
      this.api.C_Initialize({ flags: pkcs11js.CKF_OS_LOCKING_OK });
      this.#ours = true;
    } catch (error) {
      if (!isReturnValue(error, pkcs11js.CKR_CRYPTOKI_ALREADY_INITIALIZED)) {
        throw asTokenFault(error, 'C_Initialize');
      }
      this.#ours = false;
    }
    this.#state = 'up';
  }

  #finalise(): void {
    this.#generation += 1;
    if (this.#state === 'down') return;
    this.#state = 'down';
    try {
      this.api.C_Finalize();
    } catch (error) {
      // A library that says it was not initialised is where we wanted it; anything else shows at the next C_Initialize.
      if (!isReturnValue(error, pkcs11js.CKR_CRYPTOKI_NOT_INITIALIZED))
        throw asTokenFault(error, 'C_Finalize');
    }
  }
}
