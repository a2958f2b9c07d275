// What became of a text, line by line: for people to read. NOT a patch format, and nothing is decided by it.

export interface DiffLine {
  readonly form: 'same' | 'removed' | 'added';
  readonly text: string;
}

/** Of comparisons between two texts. Beyond it the whole middle is shown as replaced, which is as true and longer. */
const MOST_CELLS = 1_000_000;

function sameAtStart(before: readonly string[], after: readonly string[]): number {
  const most = Math.min(before.length, after.length);
  let count = 0;
  while (count < most && before[count] === after[count]) count += 1;
  return count;
}

const formed = (form: DiffLine['form'], lines: readonly string[]): DiffLine[] =>
  lines.map((text) => ({ form, text }));

/** By the longest common subsequence, what is removed before what is added. */
function middle(before: readonly string[], after: readonly string[]): DiffLine[] {
  if (before.length * after.length > MOST_CELLS) {
    return [...formed('removed', before), ...formed('added', after)];
  }
  const width = after.length + 1;
  /** At (i, j): the length of the longest common subsequence of what follows in both. */
  const longest = new Uint32Array((before.length + 1) * width);
  const at = (i: number, j: number) => longest[i * width + j] ?? 0;
  for (let i = before.length - 1; i >= 0; i -= 1) {
    for (let j = after.length - 1; j >= 0; j -= 1) {
      longest[i * width + j] =
        before[i] === after[j] ? at(i + 1, j + 1) + 1 : Math.max(at(i + 1, j), at(i, j + 1));
    }
  }
  const lines: DiffLine[] = [];
  let i = 0;
  let j = 0;
  while (i < before.length && j < after.length) {
    if (before[i] === after[j]) {
      lines.push(...formed('same', before.slice(i, i + 1)));
      i += 1;
      j += 1;
    } else if (at(i + 1, j) >= at(i, j + 1)) {
      lines.push(...formed('removed', before.slice(i, i + 1)));
      i += 1;
    } else {
      lines.push(...formed('added', after.slice(j, j + 1)));
      j += 1;
    }
  }
  return [...lines, ...formed('removed', before.slice(i)), ...formed('added', after.slice(j))];
}

/** All lines of both texts: without those that were added it is the one before, without those that were removed the one after. */
export function lineDiff(before: readonly string[], after: readonly string[]): DiffLine[] {
  const start = sameAtStart(before, after);
  const restBefore = before.slice(start);
  const restAfter = after.slice(start);
  const end = sameAtStart(restBefore.toReversed(), restAfter.toReversed());
  return [
    ...formed('same', before.slice(0, start)),
    ...middle(restBefore.slice(0, restBefore.length - end), restAfter.slice(0, restAfter.length - end)),
    ...formed('same', before.slice(before.length - end)),
  ];
}

/** What changed, with so many lines around it; where lines are left out, one line says how many. */
export function withContext(lines: readonly DiffLine[], around: number): DiffLine[] {
  const changes = lines.flatMap(({ form }, index) => (form === 'same' ? [] : [index]));
  const shown = new Set(
    changes.flatMap((index) => Array.from({ length: 2 * around + 1 }, (_, step) => index - around + step)),
  );
  const kept: DiffLine[] = [];
  let left = 0;
  const leave = (): void => {
    if (left > 0) kept.push({ form: 'same', text: `[${left} ${left === 1 ? 'line' : 'lines'} as before]` });
    left = 0;
  };
  for (const [index, line] of lines.entries()) {
    if (!shown.has(index)) {
      left += 1;
      continue;
    }
    leave();
    kept.push(line);
  }
  leave();
  return kept;
}
