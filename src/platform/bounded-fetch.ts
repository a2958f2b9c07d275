// One HTTP request to somebody who may be slow, endless or elsewhere: bounded in time and size, and without redirects.

export interface Call {
  readonly url: string;
  readonly authorization?: string;
  /** Absent for GET. */
  readonly body?: string;
}

export interface Bounds {
  readonly timeoutMs: number;
  readonly maxBytes: number;
}

/** The text of the answer. Throws for whatever is none, of whatever kind. */
export async function fetchText(
  { url, authorization, body }: Call,
  { timeoutMs, maxBytes }: Bounds,
): Promise<string> {
  const response = await fetch(url, {
    method: body === undefined ? 'GET' : 'POST',
    headers: {
      accept: 'application/json',
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      ...(authorization === undefined ? {} : { authorization }),
    },
    ...(body === undefined ? {} : { body }),
    redirect: 'error',
    signal: AbortSignal.timeout(timeoutMs),
  });
  // A node answers an error with a status of its own; what counts is whether JSON stands there.
  if (response.status >= 300 && body === undefined) throw new Error(`status ${response.status}`);
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  const pieces: AsyncIterable<Uint8Array> | undefined = response.body ?? undefined;
  for await (const chunk of pieces ?? []) {
    bytes += chunk.length;
    if (bytes > maxBytes) throw new Error('the answer is too large');
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}
