/** Put in by the build (vite.config.ts, vite.cli.config.ts); absent under the unit tests. */
declare const __MOESCOPE_VERSION__: string | undefined;
declare const __MOESCOPE_COMMIT__: string | undefined;

/** Name, version and commit of this build, for reports. `dev` and `unknown` where no build put them in. */
export const TOOL = {
  name: 'moescope',
  version: typeof __MOESCOPE_VERSION__ === 'string' ? __MOESCOPE_VERSION__ : 'dev',
  /** Abbreviated; ends in `+` when the tree held changes beyond the commit. */
  commit: typeof __MOESCOPE_COMMIT__ === 'string' ? __MOESCOPE_COMMIT__ : 'unknown',
} as const;
