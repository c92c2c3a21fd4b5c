/**
 * Speaks the DevTools protocol with a browser that was started with `--remote-debugging-pipe`: JSON texts that end with a zero byte, on the
 * descriptors 3 and 4. Enables nothing by itself, which test tools do.
 * @param {import('node:child_process').ChildProcess} browser
 * @returns {(method: string, parameters?: object, sessionId?: string) => Promise<Record<string, any>>}
 */
export function devtoolsPipe(browser) {
  const out = /** @type {import('node:stream').Writable} */ (browser.stdio[3]);
  const back = /** @type {import('node:stream').Readable} */ (browser.stdio[4]);
  /** @type {Map<number, { resolve: (result: Record<string, any>) => void, reject: (error: Error) => void }>} */
  const asked = new Map();
  let last = 0;
  let rest = '';
  back.setEncoding('utf8');
  back.on('data', (/** @type {string} */ text) => {
    const messages = (rest + text).split('\0');
    rest = messages.pop() ?? '';
    for (const message of messages) {
      const { id, result, error } = JSON.parse(message);
      const call = asked.get(id);
      asked.delete(id);
      if (error === undefined) call?.resolve(result);
      else call?.reject(new Error(error.message));
    }
  });
  browser.once('exit', () => {
    for (const { reject } of asked.values()) reject(new Error('the browser has ended'));
  });
  return (method, parameters = {}, sessionId) =>
    new Promise((resolve, reject) => {
      const id = ++last;
      asked.set(id, { resolve, reject });
      out.write(
        `${JSON.stringify({ id, method, params: parameters, ...(sessionId === undefined ? {} : { sessionId }) })}\0`,
      );
    });
}
