// The two ways in which something can go wrong, and nothing else.
//
// A *refusal* is an expected answer: somebody asked for what the rules do not allow. It is a value, has a code
// from a closed list, and carries the facts that a person needs to act. A *fault* is what nobody asked for:
// a broken disk, a token that went away, a bug. It is thrown.

/** Facts that accompany a refusal or a fault. A whitelist of short, printable values; never a payload, never a secret. */
export type Facts = Readonly<Record<string, string | number | boolean>>;

/** An expected "no". `code` is from a closed union that its module exports. */
export interface Refusal<Code extends string = string> {
  readonly kind: 'refused';
  readonly code: Code;
  readonly facts: Facts;
}

/** An expected "yes", with what came of it. */
export interface Accepted<T> {
  readonly kind: 'accepted';
  readonly value: T;
}

export type Outcome<T, Code extends string = string> = Accepted<T> | Refusal<Code>;

export function refused<Code extends string>(code: Code, facts: Facts = {}): Refusal<Code> {
  return { kind: 'refused', code, facts };
}

export function accepted<T>(value: T): Accepted<T> {
  return { kind: 'accepted', value };
}

/**
 * The one error class. `code` comes from a closed union of the module that throws it, `facts` are safe to log,
 * `cause` is the error beneath (which may not be safe to show to a caller).
 */
export class Fault<Code extends string = string> extends Error {
  override readonly name = 'Fault';
  readonly code: Code;
  readonly facts: Facts;

  /** Makes `instanceof` narrow to a fault whose code is text; TypeScript alone would say `any`. */
  static override [Symbol.hasInstance](value: unknown): value is Fault {
    return Function.prototype[Symbol.hasInstance].call(Fault, value);
  }

  constructor(code: Code, message: string, options: { facts?: Facts; cause?: unknown } = {}) {
    super(message, options.cause === undefined ? {} : { cause: options.cause });
    this.code = code;
    this.facts = options.facts ?? {};
  }
}

/** For the `default` of a switch over a closed union: the compiler proves it is never reached, the program stops if it is. */
export function unreachable(value: never): never {
  throw new Fault('unreachable', `unreachable case: ${JSON.stringify(value)}`);
}
