// The person and the screen: where answers are written, and how somebody is asked. Answers go to standard output,
// everything else (progress, questions, warnings, errors) to standard error, so that `--json` can be piped.

import { createInterface } from 'node:readline/promises';
import type { Readable, Writable } from 'node:stream';
import { cliFault } from './exit.js';
import { type Line, render } from './lines.js';

export interface Streams {
  readonly input: Readable & { readonly isTTY?: boolean; setRawMode?(mode: boolean): unknown };
  readonly output: Writable & { readonly isTTY?: boolean };
  readonly errors: Writable & { readonly isTTY?: boolean };
}

const LONGEST_ANSWER = 1_024;
const CTRL_C = '\u0003';
const CTRL_D = '\u0004';
const BACKSPACES = ['\u0008', '\u007f'];

/** The same JSON, in ASCII: terminals obey U+009B as they do ESC [, and turn text around at U+202E. */
function asciiJson(value: unknown): string {
  return JSON.stringify(value).replace(
    /[\u007f-\uffff]/g,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

export class Terminal {
  /** Whether answers are JSON. */
  json = false;
  private readonly colourWanted: boolean;

  constructor(
    private readonly streams: Streams,
    environment: Readonly<Record<string, string | undefined>>,
  ) {
    // https://no-color.org: present and not empty, whatever its value.
    this.colourWanted = (environment.NO_COLOR ?? '') === '' && environment.TERM !== 'dumb';
  }

  /** An answer for people. */
  print(lines: readonly Line[]): void {
    this.streams.output.write(render(lines, this.colourWanted && this.streams.output.isTTY === true));
  }

  /** An answer for programs: one line of JSON. */
  printJson(value: unknown): void {
    this.streams.output.write(`${asciiJson(value)}\n`);
  }

  /** Anything that is not the answer. */
  tell(lines: readonly Line[]): void {
    this.streams.errors.write(render(lines, this.colourWanted && this.streams.errors.isTTY === true));
  }

  tellJson(value: unknown): void {
    this.streams.errors.write(`${asciiJson(value)}\n`);
  }

  /** True when there is a person who can be asked. */
  get attended(): boolean {
    return this.streams.input.isTTY === true;
  }

  /** One line from the keyboard. Faults `confirmation-needed` when nobody is there, `not-confirmed` on Ctrl-C and Ctrl-D. */
  async ask(question: string): Promise<string> {
    if (!this.attended) throw cliFault('confirmation-needed', `nobody is there to be asked: ${question}`);
    const reader = createInterface({ input: this.streams.input, output: this.streams.errors });
    // A question whose input has ended is never answered, and the program would end with a code that means nothing.
    const ended = new Promise<never>((_resolve, reject) => {
      reader.once('close', () => reject(cliFault('not-confirmed', 'interrupted')));
    });
    try {
      const answer = await Promise.race([reader.question(question), ended]);
      return answer.trim().slice(0, LONGEST_ANSWER);
    } finally {
      reader.close();
    }
  }

  /** One line that does not appear on the screen. Faults `pin-needed` when nobody is there, `not-confirmed` on Ctrl-C. */
  async askSecret(question: string): Promise<string> {
    const { input, errors } = this.streams;
    if (!this.attended || !input.setRawMode) {
      throw cliFault('pin-needed', 'there is no terminal to ask for the PIN: use --pin-file');
    }
    errors.write(question);
    input.setRawMode(true);
    input.resume();
    try {
      return await this.readHidden();
    } finally {
      input.setRawMode(false);
      input.pause();
      errors.write('\n');
    }
  }

  private readHidden(): Promise<string> {
    const { input } = this.streams;
    return new Promise((resolve, reject) => {
      let secret = '';
      const finish = (end: () => void) => {
        input.removeListener('data', onData);
        end();
      };
      const onData = (chunk: Buffer | string) => {
        for (const key of chunk.toString()) {
          if (key === '\r' || key === '\n' || key === CTRL_D) return finish(() => resolve(secret));
          if (key === CTRL_C) return finish(() => reject(cliFault('not-confirmed', 'interrupted')));
          if (BACKSPACES.includes(key)) secret = secret.slice(0, -1);
          else if (secret.length < LONGEST_ANSWER) secret += key;
        }
      };
      input.on('data', onData);
    });
  }
}
