// The pieces that sentences about governance are made of. What is said is words.ts.

/** One thing that belongs to a sentence. `address` and `key` are to be compared letter by letter. */
export interface Detail {
  readonly form: 'text' | 'address' | 'key' | 'same' | 'removed' | 'added';
  readonly label: string;
  readonly text: string;
}

export interface Said {
  /** `warning`: it follows from the change, and nobody may have meant it. */
  readonly tone: 'change' | 'warning';
  readonly says: string;
  readonly details: readonly Detail[];
}

export function change(says: string, details: readonly Detail[] = []): Said {
  return { tone: 'change', says, details };
}

export function warning(says: string): Said {
  return { tone: 'warning', says, details: [] };
}

export function detail(form: Detail['form'], label: string, text: string): Detail {
  return { form, label, text };
}

export function differ(one: unknown, other: unknown): boolean {
  return JSON.stringify(one) !== JSON.stringify(other);
}

/** What came, what went, and what is not as it was. */
export function compared<T>(before: ReadonlyMap<string, T> | undefined, after: ReadonlyMap<string, T>) {
  const earlier = before ?? new Map<string, T>();
  const changed = [...after].flatMap(([key, now]) => {
    const was = earlier.get(key);
    return was !== undefined && differ(was, now) ? [{ key, was, now }] : [];
  });
  return {
    added: [...after].filter(([key]) => !earlier.has(key)),
    removed: [...earlier].filter(([key]) => !after.has(key)),
    changed,
  };
}
