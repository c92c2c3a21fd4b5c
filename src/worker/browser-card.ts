/** Name and version of the browser from its user agent, as far as it can be told; for the report. */
export function browserCard(userAgent: string): { readonly name: string; readonly version: string } {
  // Order matters: Edge and Opera also say Chrome, Chrome also says Safari.
  const known = [
    ['Edge', /Edg\/([\d.]+)/],
    ['Opera', /OPR\/([\d.]+)/],
    ['Headless Chromium', /HeadlessChrome\/([\d.]+)/],
    ['Chromium', /Chrome\/([\d.]+)/],
    ['Firefox', /Firefox\/([\d.]+)/],
    ['Safari', /Version\/([\d.]+).*Safari/],
  ] as const;
  for (const [name, pattern] of known) {
    const version = pattern.exec(userAgent)?.[1];
    if (version !== undefined) return { name, version };
  }
  return { name: 'unknown', version: '' };
}
