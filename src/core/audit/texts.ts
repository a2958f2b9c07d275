// Bytes as text and back, in one spelling only: what would be read from a second spelling is refused, so that nothing in a
// signed file can be changed without being noticed.

/** RFC 4648 §4, with padding. */
export function base64Of(bytes: Uint8Array): string {
  let binary = '';
  for (const byte of bytes) binary += String.fromCharCode(byte);
  return btoa(binary);
}

/** Nothing for what is no base64, or another spelling of it. Input is hostile. */
export function bytesOfBase64(text: string): Uint8Array | undefined {
  let binary: string;
  try {
    binary = atob(text);
  } catch {
    // Not base64 at all; `atob` has no other way to say so.
    return undefined;
  }
  // `atob` forgives white space, missing padding and stray bits.
  return btoa(binary) === text ? Uint8Array.from(binary, (letter) => letter.charCodeAt(0)) : undefined;
}

const UTF8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** Nothing for what is no UTF-8. Input is hostile. */
export function textOfUtf8(bytes: Uint8Array): string | undefined {
  try {
    return UTF8.decode(bytes);
  } catch {
    // Not UTF-8; the decoder throws for nothing else.
    return undefined;
  }
}
