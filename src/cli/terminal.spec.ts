import { PassThrough } from 'node:stream';
import { describe, expect, it } from '@jest/globals';
import { Fault } from '../core/fault.js';
import { bad } from './lines.js';
import { Terminal } from './terminal.js';

function stage(attended: boolean, environment: Record<string, string> = {}) {
  const modes: boolean[] = [];
  const input = Object.assign(new PassThrough(), {
    isTTY: attended,
    setRawMode: (mode: boolean) => modes.push(mode),
  });
  const output = Object.assign(new PassThrough(), { isTTY: attended });
  const errors = Object.assign(new PassThrough(), { isTTY: attended });
  const shown = () => `${String(output.read() ?? '')}${String(errors.read() ?? '')}`;
  return { terminal: new Terminal({ input, output, errors }, environment), input, modes, shown };
}

async function codeOf(work: Promise<unknown>): Promise<string> {
  return work.then(
    () => 'accepted',
    (error: unknown) => (error instanceof Fault ? error.code : String(error)),
  );
}

describe('the terminal', () => {
  it('asks for a PIN without showing a character of it', async () => {
    const { terminal, input, modes, shown } = stage(true);
    const asked = terminal.askSecret('PIN: ');
    input.write('12x');
    input.write('\u007f34\r');
    expect(await asked).toBe('1234');
    expect(modes).toEqual([true, false]);
    expect(shown()).toBe('PIN: \n');
  });

  it('gives the terminal back when the person presses Ctrl-C', async () => {
    const { terminal, input, modes } = stage(true);
    const asked = codeOf(terminal.askSecret('PIN: '));
    input.write('12\u0003');
    expect(await asked).toBe('not-confirmed');
    expect(modes).toEqual([true, false]);
  });

  it('refuses to ask when nobody is there', async () => {
    const { terminal } = stage(false);
    expect(await codeOf(terminal.askSecret('PIN: '))).toBe('pin-needed');
    expect(await codeOf(terminal.ask('Sure? '))).toBe('confirmation-needed');
  });

  it('takes the end of the input for a no', async () => {
    const { terminal, input } = stage(true);
    const asked = codeOf(terminal.ask('Last characters: '));
    input.end();
    const late = new Promise<string>((resolve) => setTimeout(() => resolve('never answered'), 500));
    expect(await Promise.race([asked, late])).toBe('not-confirmed');
  });

  it('writes JSON without a character that a terminal would obey', () => {
    const { terminal, shown } = stage(true);
    const hostile = { text: '\u009b2J\u001b]0;x\u0007\u202etxt\u007f é' };
    terminal.printJson(hostile);
    const written = shown();
    expect(written).toMatch(/^[\x20-\x7e]+\n$/);
    expect(JSON.parse(written)).toEqual(hostile);
  });

  it('takes one line as an answer', async () => {
    const { terminal, input } = stage(true);
    const asked = terminal.ask('Last characters: ');
    input.write(' gt080 \n');
    expect(await asked).toBe('gt080');
  });

  it.each([
    [true, {}, true],
    [true, { NO_COLOR: '1' }, false],
    [true, { TERM: 'dumb' }, false],
    [false, {}, false],
  ])('on a terminal: %s, with %j, uses colour: %s', (attended, environment, coloured) => {
    const { terminal, shown } = stage(attended, environment);
    terminal.print([[bad('refused')]]);
    expect(shown().includes('\x1b[')).toBe(coloured);
  });
});
