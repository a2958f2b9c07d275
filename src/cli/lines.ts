// Text for people: lines, aligned fields, tables. Pure: it makes strings and prints nothing.
//
// Much of what is shown comes from a service that is not trusted, so every piece of text passes through `printable`
// on its way out: no escape sequence of somebody else ever reaches the terminal.

export type Tone = 'plain' | 'strong' | 'faint' | 'good' | 'bad' | 'attention';

export interface Span {
  readonly text: string;
  readonly tone: Tone;
}
/** One line. A bare string is a plain one. */
export type Line = string | readonly (string | Span)[];

const SGR: Readonly<Record<Tone, string>> = {
  plain: '',
  strong: '1',
  faint: '2',
  good: '32',
  bad: '31',
  attention: '33',
};

export function toned(tone: Tone, text: string): Span {
  return { text, tone };
}
export const strong = (text: string) => toned('strong', text);
export const faint = (text: string) => toned('faint', text);
export const good = (text: string) => toned('good', text);
export const bad = (text: string) => toned('bad', text);
export const attention = (text: string) => toned('attention', text);

/** Without control characters, bidirectional overrides and other things that could make a screen lie. */
export function printable(text: string): string {
  return text.replace(/[^\x20-\x7e·…→✓✗–—×≤]/gu, '?');
}

function widthOf(line: Line): number {
  if (typeof line === 'string') return line.length;
  return line.reduce((sum, span) => sum + (typeof span === 'string' ? span.length : span.text.length), 0);
}

function spansOf(line: Line): readonly (string | Span)[] {
  return typeof line === 'string' ? [line] : line;
}

function padded(line: Line, width: number): readonly (string | Span)[] {
  return [...spansOf(line), ' '.repeat(Math.max(0, width - widthOf(line)))];
}

/** Labels in one column, values in the next. A value of several lines goes on under its first. */
export function fields(rows: readonly (readonly [label: string, ...lines: Line[]])[]): Line[] {
  const width = Math.max(0, ...rows.map(([label]) => label.length));
  return rows.flatMap(([label, ...lines]) =>
    lines.map((line, index) => [
      '  ',
      faint((index === 0 ? label : '').padEnd(width)),
      '  ',
      ...spansOf(line),
    ]),
  );
}

/** Columns as wide as their widest cell, two blanks between them; the last is not padded. */
export function table(head: readonly string[], rows: readonly (readonly Line[])[]): Line[] {
  const widths = head.map((title, column) =>
    Math.max(title.length, ...rows.map((row) => widthOf(row[column] ?? ''))),
  );
  const lineOf = (cells: readonly Line[]): Line => [
    '  ',
    ...cells.flatMap((cell, column) =>
      column === cells.length - 1 ? spansOf(cell) : [...padded(cell, widths[column] ?? 0), '  '],
    ),
  ];
  return [lineOf(head.map((title) => [faint(title)])), ...rows.map(lineOf)];
}

/** In groups, as a person reads it out: "bcrt 1qw5 08d6 ...", "0x 52d4 ...". */
export function grouped(text: string, size = 4): string {
  if (text.startsWith('0x')) return `0x ${grouped(text.slice(2), size)}`;
  return text.replace(new RegExp(`.{${size}}(?=.)`, 'g'), '$& ');
}

/** Prose cut into lines of at most `width` characters, at blanks. */
export function wrapped(text: string, width = 92, indent = '  '): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(/\s+/).filter((each) => each !== '')) {
    if (line !== '' && line.length + 1 + word.length > width) {
      lines.push(line);
      line = '';
    }
    line = line === '' ? word : `${line} ${word}`;
  }
  if (line !== '') lines.push(line);
  return lines.map((each) => `${indent}${each}`);
}

/** The text of lines, each with its line end. */
export function render(lines: readonly Line[], colour: boolean): string {
  return lines
    .map(
      (line) =>
        `${spansOf(line)
          .map((span) => renderSpan(span, colour))
          .join('')
          .trimEnd()}\n`,
    )
    .join('');
}

function renderSpan(span: string | Span, colour: boolean): string {
  if (typeof span === 'string') return printable(span);
  const text = printable(span.text);
  const code = SGR[span.tone];
  return colour && code !== '' && text !== '' ? `\x1b[${code}m${text}\x1b[0m` : text;
}
