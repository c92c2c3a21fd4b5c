import { readFileSync } from 'node:fs';
import { expect, test } from '@playwright/test';
import { runButton } from './support/page';
import { metaPolicy, withAddress } from '../scripts/lib/page-plugins.mjs';

test.describe('offline', () => {
  test.use({ serviceWorkers: 'allow' });

  test('with the network cut after the first visit the page opens and traces the sample', async ({ page, context }) => {
    await page.goto('/');
    await expect(page.getByTestId('verdict')).toBeVisible();
    // Everything is kept once the sample is; nothing on the page waits for it.
    const isKept = (): Promise<boolean> =>
      page.evaluate(async () => {
        const worker = (await navigator.serviceWorker.getRegistration())?.active;
        if (worker?.state !== 'activated') return false;
        for (const name of await caches.keys()) {
          const cache = await caches.open(name);
          const kept = (await cache.keys()).map((request) => request.url);
          if (kept.some((url) => url.endsWith('.gguf')) && kept.some((url) => url.includes('worker-entry')))
            return true;
        }
        return false;
      });
    // Asked again and again: `waitForFunction` takes the promise for the answer.
    await expect.poll(isKept).toBe(true);
    // The visit is over: a reload in the very moment in which the worker takes over goes past it.
    await page.waitForLoadState('networkidle');
    await context.setOffline(true);
    await page.reload();
    await expect(page.getByTestId('verdict')).toHaveText(/^[A-Z ]+: /);
    await runButton(page).click();
    await page.waitForFunction(() => ['done', 'error'].includes(document.documentElement.dataset['state'] ?? ''));
    expect(await page.evaluate(() => document.documentElement.dataset['state'])).toBe('done');
    await expect(page.getByRole('region', { name: 'Recorded runs' })).toHaveCount(0);
    await page.getByRole('button', { name: 'Share…' }).click();
    await expect(page.getByRole('heading', { name: 'What leaves' })).toBeVisible();
    // An address with a model beside the page is read in ranges, which the kept file serves too.
    await page.goto('/?model=sample/tiny-moe-6x16-Q4_K_M.gguf');
    await page.waitForFunction(() => ['ready', 'error'].includes(document.documentElement.dataset['state'] ?? ''));
    expect(await page.evaluate(() => document.documentElement.dataset['state'])).toBe('ready');
  });
});

test('no request leaves the origin, and nothing offends the policy', async ({ page, baseURL }) => {
  const away: string[] = [];
  const offences: string[] = [];
  page.on('request', (request) => {
    const url = request.url();
    if (!url.startsWith(baseURL ?? '') && !/^(?:blob|data):/.test(url)) away.push(url);
  });
  await page.addInitScript(() => {
    document.addEventListener('securitypolicyviolation', (event) => {
      document.documentElement.dataset['offence'] = `${event.violatedDirective} ${event.blockedURI}`;
    });
  });
  page.on('console', (message) => {
    if (/Content.Security.Policy/i.test(message.text())) offences.push(message.text());
  });
  await page.goto('/');
  await runButton(page).click();
  await page.waitForFunction(() => document.documentElement.dataset['state'] === 'done', undefined, {
    timeout: 60_000,
  });
  await page.getByRole('button', { name: 'Share…' }).click();
  const [download] = await Promise.all([
    page.waitForEvent('download'),
    page.getByRole('button', { name: 'PNG', exact: true }).click(),
  ]);
  expect(download.suggestedFilename()).toMatch(/\.png$/);
  expect(away).toEqual([]);
  expect(offences).toEqual([]);
  expect(await page.evaluate(() => document.documentElement.dataset['offence'])).toBeUndefined();
});

test('only a model address that the person gave is fetched from elsewhere', async ({ page, baseURL }) => {
  const away: string[] = [];
  await page.route('http://models.invalid/**', (route) => route.abort());
  page.on('request', (request) => {
    if (!request.url().startsWith(baseURL ?? '') && !/^(?:blob|data):/.test(request.url())) away.push(request.url());
  });
  await page.goto('/?model=http://models.invalid/some.gguf');
  await expect(page.getByTestId('error-code')).toHaveText('source-read', { timeout: 60_000 });
  expect(new Set(away)).toEqual(new Set(['http://models.invalid/some.gguf']));
});

test('the policy is sent and built in, without unsafe scripts', async ({ page, request }) => {
  const response = await request.get('/');
  const header = response.headers()['content-security-policy'] ?? '';
  expect(header).toContain("default-src 'none'");
  expect(header).toContain("frame-ancestors 'none'");
  expect(header).not.toMatch(/unsafe-inline|'unsafe-eval'/);
  await page.goto('/');
  const meta = await page.locator('meta[http-equiv="Content-Security-Policy"]').getAttribute('content');
  expect(meta).toBe(metaPolicy(readFileSync('public/_headers', 'utf8')));
  expect(meta).not.toContain('frame-ancestors');
  // Previews of links: a picture beside the page, with its whole address where the builder knows it.
  expect((await request.get('/card.png')).headers()['content-type']).toBe('image/png');
  const html = await response.text();
  expect(html).toMatch(/<meta property="og:image" content="\.\/card\.png"/);
  expect(withAddress(html, 'https://example.org/moescope')).toContain(
    '<meta property="og:image" content="https://example.org/moescope/card.png" />',
  );
  // The policy bites: a script that an attacker gets into the page does not run.
  const ran = await page.evaluate(async () => {
    const script = document.createElement('script');
    script.textContent = 'document.documentElement.dataset.injected = "yes"';
    document.body.append(script);
    await new Promise((done) => setTimeout(done, 50));
    return document.documentElement.dataset['injected'];
  });
  expect(ran).toBeUndefined();
  // A host that sends no headers: the page itself refuses to be framed, and the link leads out of the frame.
  await page.route('**/framing.html', (route) =>
    route.fulfill({ contentType: 'text/html', body: '<iframe src="/?model=http://models.invalid/x.gguf"></iframe>' }),
  );
  await page.route(/\/\?model=/, async (route) => {
    const { headers, ...rest } = { headers: (await route.fetch()).headers(), body: await (await route.fetch()).text() };
    await route.fulfill({ ...rest, headers: { 'content-type': headers['content-type'] ?? '' } });
  });
  await page.goto('/framing.html');
  const framed = page.frameLocator('iframe');
  await expect(framed.getByText('MoEscope does not run inside of other pages.')).toBeVisible();
  await expect(framed.getByRole('link')).toHaveAttribute('target', '_blank');
  await expect(framed.getByRole('button')).toHaveCount(0);
  const service = await request.get('/sw.js');
  expect(service.headers()['cache-control']).toBe('no-cache');
});
