import type { ReactElement } from 'react';
import { formatBytes, formatCount } from '../../base/format';
import { expertsText } from '../../model/hparams';
import type { FileInspection } from '../../store/state';
import { Pairs } from '../Pairs';
import { Problem } from '../Problem';
import { ScrollTable } from '../ScrollTable';
import { TypeTable, WeightTable } from './FileCard';

/** A file that does not run: all that its header says, and what stands in the way. */
export function LookedCard({ file }: { readonly file: FileInspection }): ReactElement {
  const { hparams, tensors, weights, obstacles } = file;
  return (
    <div className="card">
      <section>
        <h2>{file.file}</h2>
        <Pairs
          items={[
            ['Architecture', file.arch],
            ['Layers', hparams?.nLayer],
            ['Experts', hparams && expertsText(hparams)],
            ['Embedding', hparams && formatCount(hparams.nEmbd)],
            ['Quantisation', file.quant],
            ['File', formatBytes(file.bytes)],
            ['Text', file.tokenizer === undefined ? undefined : file.tokenizer.message],
          ]}
        />
        {file.notes?.map((note) => (
          <p key={note} className="note">
            {note}
          </p>
        ))}
      </section>
      <section>
        <h2>What stands in the way</h2>
        {obstacles.map((error) => (
          <Problem key={error.message} error={error} />
        ))}
      </section>
      <TypeTable tensors={tensors} />
      <KeyTable metadata={file.metadata} />
      <WeightTable weights={weights} />
    </div>
  );
}

/** Characters of a value that are shown: a chat template has thousands. */
const LONGEST_VALUE = 80;

function KeyTable({ metadata }: Pick<FileInspection, 'metadata'>): ReactElement {
  return (
    <section className="weights">
      <h2>Every key</h2>
      <ScrollTable label="Every key" columns={[['Key'], ['Value', 'word']]}>
        {Object.entries(metadata).map(([key, value]) => (
          <tr key={key}>
            <th scope="row">
              <code>{key}</code>
            </th>
            <td className="word">{valueText(value)}</td>
          </tr>
        ))}
      </ScrollTable>
    </section>
  );
}

function valueText(value: FileInspection['metadata'][string]): string {
  const text = typeof value === 'object' ? value.join(', ') : String(value);
  return text.length > LONGEST_VALUE ? `${text.slice(0, LONGEST_VALUE)} ... (${String(text.length)} characters)` : text;
}
