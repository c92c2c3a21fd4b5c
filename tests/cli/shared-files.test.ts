import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, describe, expect, test, vi } from 'vitest';
import { renderPng } from '../../src/cli/share/render-png';
import { writeShared } from '../../src/cli/share/write-shared';
import { runCli } from '../../src/cli/run-cli';
import { sheetPicture } from '../../src/share/picture';
import { readPngTexts } from '../../src/share/png-text';
import { withoutPrompt } from '../../src/share/redact';
import { readSharedFile, sharedKind } from '../../src/share/shared-file';
import { FIRST_VIEW } from '../../src/share/view-state';
import { slimView } from '../../src/share/slim-report';
import { goldenModelPath } from '../support/golden';
import { generateReport } from '../support/reports';
import { terminalDouble } from './terminal-double';

/** Chromium starts within seconds, more beside other tests. */
vi.setConfig({ testTimeout: 120_000 });

const folder = mkdtempSync(join(tmpdir(), 'moescope-shared-'));
const at = (name: string): string => join(folder, name);
afterAll(() => {
  rmSync(folder, { recursive: true });
});
afterEach(() => {
  vi.unstubAllEnvs();
});

const report = generateReport({ kind: 'qtype-blind' });

describe('pictures and reports of the command line', () => {
  test('open again as the page opens them, without the prompt', async () => {
    const files = { html: at('a.html'), svg: at('a.svg'), png: at('a.png'), withPrompt: false };
    await writeShared(report, files, terminalDouble());
    const bare = await withoutPrompt(report);
    for (const kind of ['html', 'svg', 'png'] as const) {
      const bytes = new Uint8Array(readFileSync(files[kind]));
      expect(sharedKind(bytes)).toBe(kind);
      const opened = readSharedFile(bytes, kind, kind);
      expect(opened.report).toEqual(kind === 'html' ? bare : slimView(bare, FIRST_VIEW).report);
      expect(opened.view).toEqual(FIRST_VIEW);
      expect(opened.report.run.tokens).toEqual([]);
    }
    const png = new Uint8Array(readFileSync(files.png));
    // IHDR: twice the picture's size, as on the page.
    const picture = sheetPicture(bare, FIRST_VIEW);
    const header = new DataView(png.buffer);
    expect([header.getUint32(16), header.getUint32(20)]).toEqual([2 * picture.width, 2 * picture.height]);
    expect(readPngTexts(png, 'png').get('Description')).toBe(picture.description);
    // Drawn, not blank: paper alone packs to almost nothing.
    expect(png.length).toBeGreaterThan(50_000);
  });

  test('keep the prompt where it is asked for', async () => {
    const files = { html: at('b.html'), svg: at('b.svg'), png: undefined, withPrompt: true };
    await writeShared(report, files, terminalDouble());
    for (const kind of ['html', 'svg'] as const) {
      const opened = readSharedFile(new Uint8Array(readFileSync(files[kind])), kind, kind);
      expect(opened.report.run.tokens).toEqual(report.run.tokens);
    }
  });

  test('a browser that is not there is named with what to do, as a matter of usage', async () => {
    vi.stubEnv('CHROME_PATH', join(folder, 'no-chromium'));
    const picture = sheetPicture(report, FIRST_VIEW);
    await expect(renderPng(picture)).rejects.toMatchObject({
      code: 'usage',
      remedy: 'Install one, set CHROME_PATH to one, or use --svg or --html, which need none.',
    });
  });

  test.each([
    [['--png', '-'], '--png cannot go to standard output'],
    [['--with-prompt'], '--with-prompt needs --html, --svg or --png'],
    [['--html', '-', '--json', '-'], 'Two results would be written to -'],
  ])('refuses %o before anything runs', async (args, message) => {
    const terminal = terminalDouble();
    const argv = ['trace', goldenModelPath('mini-q8_0'), ...args];
    expect(await runCli(argv, terminal, new AbortController().signal)).toBe(2);
    expect(terminal.written.err).toContain(message);
    expect(terminal.written.out).toBe('');
  });
});
