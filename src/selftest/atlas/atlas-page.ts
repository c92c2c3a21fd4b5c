import { markupText } from '../../base/foreign-text';
import { formatMetric, plural } from '../../base/format';
import { sha256Base64 } from '../../base/sha256';
import type { AtlasKernel } from './entry';
import type { Atlas, AtlasLine } from './table';

const STYLE = `
:root{color-scheme:light dark;--line:color-mix(in srgb,currentColor 18%,transparent)}
body{margin:2rem;font:15px/1.45 system-ui,sans-serif}
p{max-width:70ch}
.table{overflow-x:auto}
table{border-collapse:collapse}
th,td{padding:.3rem .5rem;border-bottom:1px solid var(--line);text-align:left;white-space:nowrap;font-weight:400}
thead th{vertical-align:bottom}
.kernel{writing-mode:vertical-rl;transform:rotate(180deg);text-align:left;padding:.5rem .1rem}
td{font-variant-numeric:tabular-nums;text-align:center}
.fail{background:#b3261e;color:#fff;font-weight:600}
.idle,.none{opacity:.55}
`;

/** The atlas as one HTML file: no script, nothing fetched, every text of an entry escaped. */
export async function atlasPage(atlas: Atlas, refused: number): Promise<string> {
  const { lines, kernels, entries } = atlas;
  const hash = await sha256Base64(STYLE);
  const failing = lines.filter((line) => [...line.kernels.values()].some(({ fail }) => fail > 0)).length;
  const left =
    refused === 0 ? '' : ` ${plural(refused, 'file')} of the folder ${refused === 1 ? 'is' : 'are'} no entry.`;
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'sha256-${hash}'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Atlas of WebGPU adapters, MoEscope</title>
<style>${STYLE}</style>
</head>
<body>
<h1>Which kernels are right where</h1>
<p>${plural(entries, 'self-test')} on ${plural(lines.length, 'adapter, driver and browser', 'adapters, drivers and browsers')};
${failing === 0 ? 'no kernel is out of its bound' : `on ${failing} of them a kernel is out of its bound`}.${left}
Each cell: cases that pass, or how many fail; “–”: not applicable there or left out; blank: not in these self-tests.
Point at a cell for its largest error / bound.</p>
<div class="table">
<table>
<thead><tr><th scope="col">vendor</th><th scope="col">device</th><th scope="col">driver</th><th scope="col">browser</th><th scope="col">self-tests</th>${kernels.map((kernel) => `<th scope="col" class="kernel">${markupText(kernel)}</th>`).join('')}</tr></thead>
<tbody>
${lines.map((line) => rowText(line, kernels)).join('\n')}
</tbody>
</table>
</div>
</body>
</html>
`;
}

function rowText(line: AtlasLine, kernels: readonly string[]): string {
  const [first, last] = line.months;
  const when = first === last ? first : `${first} to ${last}`;
  const device = `${line.device}${line.software ? ' (software)' : ''}`;
  const count = `${line.entries}, ${when}, ${line.versions.join(' ')}`;
  const words = [line.vendor, device, line.driver, line.browser, count];
  const heads = words.map((word) => `<th scope="row">${markupText(word)}</th>`);
  return `<tr>${heads.join('')}${kernels.map((kernel) => cellText(line.kernels.get(kernel))).join('')}</tr>`;
}

function cellText(kernel: AtlasKernel | undefined): string {
  if (kernel === undefined) return '<td class="none"></td>';
  const { pass, fail, idle, worst } = kernel;
  const ratio = worst === undefined ? '' : `, largest error / bound ${formatMetric(worst)}`;
  const title = markupText(`${kernel.kernel}: ${pass} pass, ${fail} fail, ${idle} did not run${ratio}`);
  if (fail > 0) return `<td class="fail" title="${title}">${fail} fail</td>`;
  return pass === 0 ? `<td class="idle" title="${title}">–</td>` : `<td title="${title}">${pass}</td>`;
}
