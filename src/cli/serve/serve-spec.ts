import type { CommandSpec } from '../command-line/command-spec';
import { JSON_FILE } from '../command-line/shared-options';
import { HOST, PORT } from './serve-options';

/** `serve` in the command table. */
export const SERVE = {
  name: 'serve',
  operands: [],
  summary: 'serve the page on this machine',
  description: 'Serves the built page with the security headers and byte ranges that it needs, until interrupted.',
  options: [PORT, HOST, JSON_FILE],
  examples: ['moescope serve', 'moescope serve --port 8080'],
} as const satisfies CommandSpec;
