import { Fragment, type ReactElement } from 'react';
import { formatMetric } from '../../base/format';
import { kernelLines, type KernelLine, type SelftestRow } from '../../selftest/selftest-report';
import { lineStatus, ranText, statusText, typesText } from '../../selftest/selftest-text';

/** The smallest ratio that the scale shows: smaller ones stand at its left end. */
const SCALE_FROM = 1e-4;

/** One line a kernel: its types, its cases, and how much of its bound the worst of them uses. */
export function KernelTable({ rows }: { readonly rows: readonly SelftestRow[] }): ReactElement | null {
  if (rows.length === 0) return null;
  return (
    <section>
      <h2 id="kernels">Kernels</h2>
      <div className="scroll" tabIndex={0} role="region" aria-labelledby="kernels">
        <table className="kernels">
          <thead>
            <tr>
              <th scope="col">Kernel</th>
              <th scope="col">Verdict</th>
              <th scope="col" className="number">
                Worst error / bound
              </th>
              <th scope="col">
                <span className="visually-hidden">The same on a logarithmic scale from 0.0001 to 1</span>
              </th>
              <th scope="col" className="number">
                Cases
              </th>
              <th scope="col">Types</th>
            </tr>
          </thead>
          <tbody>
            {kernelLines(rows).map((line) => (
              <Line key={line.kernel} line={line} />
            ))}
          </tbody>
        </table>
      </div>
      <p className="note">
        Error / bound is 1 where a kernel uses all that f32 arithmetic may cost it; 0 is bit-exact.{' '}
        <span className="of-bar">The bar is logarithmic, from 0.0001 to 1.</span>
      </p>
    </section>
  );
}

function Line({ line }: { readonly line: KernelLine }): ReactElement {
  const { worst } = line;
  const status = lineStatus(line);
  return (
    <tr className={status}>
      <th scope="row">
        <code>
          {wordsOf(line.kernel).map((word, i) => (
            <Fragment key={i}>
              {word}
              <wbr />
            </Fragment>
          ))}
        </code>
      </th>
      <td className="verdict">{statusText(status)}</td>
      <td className="number">{worst === undefined ? '–' : formatMetric(worst)}</td>
      <td>
        <svg className="use" viewBox="0 0 100 8" aria-hidden="true" preserveAspectRatio="none">
          <line x1="0" x2="100" y1="4" y2="4" />
          {worst === undefined ? null : <rect x="0" y="2" height="4" width={100 * shareOf(worst)} />}
        </svg>
      </td>
      <td className="number">{ranText(line)}</td>
      <td title={line.types.join(', ')}>{typesText(line.types)}</td>
    </tr>
  );
}

/** Where a kernel's name may be broken on a narrow screen: after a word of it. */
function wordsOf(kernel: string): readonly string[] {
  return kernel.split(/(?<=[_/])/);
}

/** Where a ratio lies between the ends of the scale. */
function shareOf(ratio: number): number {
  if (ratio <= SCALE_FROM) return 0;
  return Math.min(1, 1 - Math.log10(ratio) / Math.log10(SCALE_FROM));
}
