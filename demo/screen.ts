// What the demo shows: numbered steps with their times, short aligned lines, and nothing else.

import { attention, bad, faint, good, type Line, render, strong, wrapped } from '../src/cli/lines.js';

const MAX_COMMAND = 96;
const NAME_WIDTH = 46;
/** What fits behind a step's time; longer remarks stand below it. */
const LONGEST_REMARK = 34;

export class Screen {
  private step = 0;
  private silent = false;
  private readonly colour: boolean;
  private readonly began = performance.now();

  constructor(private readonly output: NodeJS.WriteStream) {
    this.colour = output.isTTY === true && (process.env.NO_COLOR ?? '') === '';
  }

  /** Whoever interrupted wants to see nothing more of what was under way. */
  silence(): void {
    this.silent = true;
  }

  print(...lines: readonly Line[]): void {
    if (this.silent) return;
    this.output.write(render(lines, this.colour));
  }

  title(text: string): void {
    this.print('', [strong(text)], '');
  }

  /** A numbered step: announced, done, and its time told. Whatever it prints stands below it. */
  async during<T>(name: string, work: () => Promise<T>, remark: (value: T) => string = () => ''): Promise<T> {
    this.step += 1;
    const number = `${this.step}`.padStart(2);
    const began = performance.now();
    const live = this.output.isTTY === true && !this.silent;
    if (live) this.output.write(`  ${number}  … ${name}`);
    try {
      const value = await work();
      this.finish(live, number, [good('✓'), ' ', name.padEnd(NAME_WIDTH)], began, remark(value));
      return value;
    } catch (error) {
      this.finish(live, number, [bad('✗'), ' ', name.padEnd(NAME_WIDTH)], began, '');
      throw error;
    }
  }

  private finish(
    live: boolean,
    number: string,
    what: readonly (string | ReturnType<typeof good>)[],
    began: number,
    remark: string,
  ) {
    if (live && !this.silent) this.output.write('\r\x1b[2K');
    const seconds = ((performance.now() - began) / 1_000).toFixed(1).padStart(5);
    const fits = remark.length <= LONGEST_REMARK;
    this.print([`  ${number}  `, ...what, faint(` ${seconds} s`), fits ? `   ${remark}` : '']);
    if (!fits) this.below(remark);
  }

  /** Text below a step. */
  below(...lines: readonly Line[]): void {
    this.print(...lines.map((line): Line => ['        ', ...(typeof line === 'string' ? [line] : line)]));
  }

  /** A sentence of a list below a step. */
  prose(sentence: string): void {
    wrapped(sentence, MAX_COMMAND - 10, '').forEach((line, index) => {
      this.below(index === 0 ? `· ${line}` : `  ${line}`);
    });
  }

  /** A command that the person at the screen could type, ready to be pasted. */
  command(text: string): void {
    const [first = '', ...rest] = cut(text);
    this.below(['$ ', strong(first)], ...rest.map((line): Line => ['    ', strong(line)]));
  }

  /** A refusal that was wanted. */
  refusal(who: string, code: string, words: string): void {
    this.below([attention('refused'), ` by ${who}: `, strong(code)], [faint(words)]);
  }

  get seconds(): string {
    return ((performance.now() - this.began) / 1_000).toFixed(0);
  }
}

/** A long command in several lines, cut before options, as a shell takes it. */
function cut(text: string): string[] {
  const lines: string[] = [];
  let line = '';
  for (const part of text.split(/ (?=--)/)) {
    if (line !== '' && line.length + part.length + 1 > MAX_COMMAND - 10) {
      lines.push(`${line} \\`);
      line = part;
    } else line = line === '' ? part : `${line} ${part}`;
  }
  return [...lines, line];
}
