import { expect, test } from 'vitest';
import { hasCredentials, redactedText, redactedUrl } from '../../src/base/redact-url';

test.each([
  ['https://host/m.gguf', 'https://host/m.gguf'],
  ['https://host/m.gguf?', 'https://host/m.gguf'],
  ['https://user:pw@host/m.gguf#x', 'https://host/m.gguf'],
  ['HTTP://user@host:81/a@b.gguf', 'HTTP://host:81/a@b.gguf'],
  ['https://u:p@w@host/m.gguf', 'https://host/m.gguf'],
  ['models/a?b.gguf', 'models/a?b.gguf'],
  ['sample:', 'sample:'],
])('%s is told as %s', (url, expected) => {
  expect(redactedUrl(url)).toBe(expected);
});

test('a query is told apart from others, and not told', () => {
  const [one, two] = ['SECRET', 'OTHER'].map((sig) => redactedUrl(`https://host/m.gguf?sig=${sig}&Expires=1`));
  expect(one).toMatch(/^https:\/\/host\/m\.gguf\?sha256=[0-9a-f]{12}$/);
  expect(one).not.toBe(two);
  expect(redactedUrl(one ?? '')).not.toContain('SECRET');
  expect(redactedText('fetch of https://u:p@host/m?sig=SECRET failed')).toMatch(
    /^fetch of https:\/\/host\/m\?sha256=[0-9a-f]{12} failed$/,
  );
});

test('credentials are seen', () => {
  expect(['https://u@h/', 'https://u:p@h/', 'https://h/u@x', 'x'].map(hasCredentials)).toEqual([
    true,
    true,
    false,
    false,
  ]);
});
