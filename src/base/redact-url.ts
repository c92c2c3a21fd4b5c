import { sha256 } from './sha256';

/**
 * An address without what opens doors: user and password are left out, and a query, which may be a signature, is told by the beginning of its SHA-256, so that
 * two addresses are still told apart. What is no http(s) address is returned as it is.
 */
export function redactedUrl(url: string): string {
  if (!/^https?:/i.test(url)) return url;
  const [beforeHash = ''] = url.split('#', 1);
  const at = beforeHash.indexOf('?');
  const path = (at < 0 ? beforeHash : beforeHash.slice(0, at)).replace(/^(https?:\/*)[^/@]*(?:@[^/@]*)*@/i, '$1');
  if (at < 0 || at === beforeHash.length - 1) return path;
  return `${path}?sha256=${hexStart(beforeHash.slice(at + 1))}`;
}

/** Whether an address carries a user or a password. */
export function hasCredentials(url: string): boolean {
  if (!URL.canParse(url)) return false;
  const { username, password } = new URL(url);
  return username !== '' || password !== '';
}

/** A text in which every http(s) address is redacted: for messages of other programs. */
export function redactedText(text: string): string {
  return text.replace(/https?:\/\/[^\s"'<>]+/gi, (url) => redactedUrl(url));
}

/** Hexadecimal digits of the hash that are shown. */
const DIGITS = 12;

function hexStart(text: string): string {
  const hash = sha256(new TextEncoder().encode(text));
  return [...hash]
    .map((byte) => byte.toString(16).padStart(2, '0'))
    .join('')
    .slice(0, DIGITS);
}
