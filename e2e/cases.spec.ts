import { readdirSync, readFileSync, statSync } from 'node:fs';
import { expect, test } from '@playwright/test';
import { CASES } from '../scripts/lib/cases.mjs';
import { watchConsole } from './support/page';

const DOCS = 'docs/cases';
const PUBLIC = 'public/cases';
/** Bytes of the whole gallery: a clone and the packed file carry it. */
const MOST_BYTES = 2_000_000;

watchConsole(test);

/** What the page of a case states: the verdict of the run, and the addresses that open it. */
function stated(id: string): { readonly sentence: string; readonly links: readonly string[] } {
  const text = readFileSync(`${DOCS}/${id}.md`, 'utf8');
  const sentence = /^(?:MATCH|DIVERGED|NOT FINITE): .*$/m.exec(text)?.[0] ?? '';
  const links = [...text.matchAll(/\]\(http:\/\/localhost:4173\/([^)]*)\)/g)].map(([, link = '']) => link);
  return { sentence, links };
}

test('every case has its page, its picture and both links', () => {
  const ids = CASES.map(({ id }) => id);
  expect(ids).toHaveLength(8);
  for (const id of ids) {
    const { sentence, links } = stated(id);
    expect(sentence, id).not.toBe('');
    expect(links[0], id).toBe(`?case=${id}`);
    expect(links[1], id).toMatch(/^#v=\d+&/);
  }
  const files = [DOCS, PUBLIC].flatMap((folder) => readdirSync(folder).map((name) => `${folder}/${name}`));
  const pages = files.filter((file) => file.startsWith(DOCS) && file.endsWith('.md') && !file.endsWith('README.md'));
  expect(pages.map((file) => file.slice(DOCS.length + 1, -3)).sort()).toEqual([...ids].sort());
  expect(files.reduce((sum, file) => sum + statSync(file).size, 0)).toBeLessThan(MOST_BYTES);
});

for (const { id, wrong } of CASES) {
  test(`${id} opens from its links with the verdict that its page states`, async ({ page }) => {
    const { sentence, links } = stated(id);
    expect(sentence.startsWith('MATCH')).toBe(!wrong);
    for (const link of links) {
      // Another fragment alone would not load the page anew.
      await page.goto('about:blank');
      await page.goto(`/${link}`);
      await expect(page.getByTestId('verdict')).toHaveText(sentence);
      await expect(page.getByRole('group', { name: /^Map, / })).toBeVisible();
    }
    await expect(page.getByText('Opened from a link').first()).toBeVisible();
  });
}

test('the address of a case keeps it, and what is looked at, across a reload', async ({ page }) => {
  const { sentence } = stated('one-bit');
  await page.goto('/?case=one-bit');
  await expect(page.getByTestId('verdict')).toHaveText(sentence);
  const map = page.getByRole('group', { name: /^Map, / });
  await map.focus();
  await page.keyboard.press('ArrowDown');
  await expect.poll(() => new URL(page.url()).hash).toMatch(/s=moe_ffn_out&l=2/);
  await page.reload();
  await expect(page.getByTestId('verdict')).toHaveText(sentence);
  await expect(page.getByRole('heading', { name: /^Layer 2 · MoeFfnOut/ })).toBeVisible();
});

test('a name that is no case opens nothing', async ({ page }) => {
  await page.goto('/?case=../sample/recorded-healthy');
  await expect(page.getByTestId('verdict')).toHaveText(/^NOT FINITE/);
  await expect(page.getByTestId('error-code')).toHaveCount(0);
});
