import type { Culprit, Row } from '../divergence/report';
import { bothCaptured } from '../divergence/both-captured';
import { inForwardOrder } from '../divergence/blame';
import { formatMetric, plural } from '../base/format';
import { stageSpec, type StageId } from '../model/stages';
import { routingIndex, rowIndex } from './trace-index';
import type { TraceView } from './trace-view';

/** A run of text; `code` is set in the fixed-width face. */
export interface TextPart {
  readonly text: string;
  readonly code?: true;
}

/** The verdict sentence cut into what the page sets apart: the status word, names of tensors and stages, the closing evidence. */
export function sentenceParts(
  sentence: string,
): readonly { readonly text: string; readonly role: 'status' | 'name' | 'number' | 'plain' }[] {
  const pattern =
    /(^[A-Z]+(?=:))|(\bblk\.[\w.]+|\b(?:token_embd|output(?:_norm)?)\.weight|\b[a-z]+(?:_[a-z]+)+\b)|(\b\d+(?:\.\d+)?e-?\d+\b|\bNaN\b)/g;
  const parts: { text: string; role: 'status' | 'name' | 'number' | 'plain' }[] = [];
  let end = 0;
  for (const match of sentence.matchAll(pattern)) {
    if (match.index > end) parts.push({ text: sentence.slice(end, match.index), role: 'plain' });
    const role = match[1] !== undefined ? 'status' : match[2] !== undefined ? 'name' : 'number';
    parts.push({ text: match[0], role });
    end = match.index + match[0].length;
  }
  if (end < sentence.length) parts.push({ text: sentence.slice(end), role: 'plain' });
  return parts;
}

/** The paragraph under the verdict: why the tool says so and what follows from it. Empty while there is no verdict. */
export function explain(view: TraceView): readonly TextPart[] {
  const { verdict } = view;
  if (verdict === undefined) return [];
  const sentences: TextPart[][] = verdict.first === undefined ? [clean(view)] : [blamed(view), ...downstream(view)];
  const flips = flipSentence(view);
  if (flips !== undefined) sentences.push([{ text: flips }]);
  return sentences.flatMap((parts, i) => (i === 0 ? parts : [{ text: ' ' }, ...parts]));
}

function blamed(view: TraceView): TextPart[] {
  const first = view.verdict?.first;
  if (first === undefined) return [];
  const title = stageSpec(first.stage).title;
  if (first.metric === 'non-finite' && isOfBoth(view, first)) return ofBoth(first, title);
  if (first.side === 'reference') {
    return [
      { text: `Only the reference’s ${title} is not finite. That clears no kernel: ` },
      { text: 'a GPU may compute as if there were no NaN and no infinity (WGSL allows it).' },
    ];
  }
  const inputs = inputsOf(view, first.stage, first.layer);
  const right =
    inputs === undefined ? '.' : `; its inputs are right: largest error ${formatMetric(inputs)} of the bound.`;
  const what: TextPart[] =
    first.tensor === undefined
      ? [{ text: `The kernel of ${title} is wrong` }]
      : [
          { text: 'The kernel that reads ' },
          { text: first.tensor, code: true },
          { text: `${first.qtype === undefined ? '' : ` (${first.qtype})`} is wrong` },
        ];
  if (first.mode === 'free') {
    return [
      { text: `Free-running only: ${title} is where the arms part, not proof that its kernel is at fault. ` },
      { text: 'An isolated run would tell.' },
    ];
  }
  if (first.metric === 'non-finite') {
    return [
      ...what,
      {
        text: `: it makes values that are not finite out of inputs that are${inputs === undefined ? '.' : ` (their largest error is ${formatMetric(inputs)} of the bound).`}`,
      },
    ];
  }
  return [...what, { text: right }];
}

/** Whether the reference is not finite there either: then no kernel is at fault. */
function isOfBoth(view: TraceView, { mode, stage, layer }: Culprit): boolean {
  const at = view.rows.find((row) => row.mode === mode && row.stage === stage && row.layer === layer);
  return at?.verdict === 'nan-both';
}

function ofBoth({ tensor, qtype }: Culprit, title: string): TextPart[] {
  const end = ' and both get values that are not finite: the fault is the model’s own, no kernel’s.';
  if (tensor === undefined) return [{ text: `Both arms compute ${title}${end}` }];
  const type = qtype === undefined ? '' : ` (${qtype})`;
  return [{ text: 'Both arms read ' }, { text: tensor, code: true }, { text: `${type}${end}` }];
}

/** The largest isolated error / bound of the stages that feed this one; undefined where they were not measured. */
function inputsOf(view: TraceView, stage: StageId, layer: number | undefined): number | undefined {
  const names: readonly string[] = stageSpec(stage).inputs;
  const ratios = view.rows.flatMap((row) =>
    row.mode === 'isolated' && row.layer === layer && names.includes(row.stage) && row.maxRatio !== undefined
      ? [row.maxRatio]
      : [],
  );
  return ratios.length === 0 ? undefined : ratios.reduce((x, y) => Math.max(x, y), 0);
}

function downstream(view: TraceView): TextPart[][] {
  const first = view.verdict?.first;
  const order = inForwardOrder(view.rows, 'free');
  const at = order.findIndex((row) => row.layer === first?.layer && row.stage === first?.stage);
  const later = at < 0 ? [] : order.slice(at + 1).filter((row) => row.verdict !== 'match' && bothCaptured(row));
  if (later.length === 0) return first?.mode === 'isolated' ? [[{ text: 'Nothing downstream leaves its limit.' }]] : [];
  return [
    [{ text: `${plural(later.length, 'stage')} downstream ${later.length === 1 ? 'inherits' : 'inherit'} the error.` }],
  ];
}

function clean(view: TraceView): TextPart[] {
  const worst = view.rows.reduce<Row | undefined>(
    (best, row) => ((row.maxRatio ?? -1) > (best?.maxRatio ?? -1) ? row : best),
    undefined,
  );
  const stages = view.rows.filter((row) => row.count > 0).length;
  const compared = `${plural(stages, 'comparison')}, none over its limit.`;
  if (worst?.maxRatio === undefined) return [{ text: compared }];
  return [
    {
      text: `${compared} The closest call is ${stageSpec(worst.stage).title}${worst.layer === undefined ? '' : ` of layer ${String(worst.layer)}`}, at ${formatMetric(worst.maxRatio)} of what an honest f32 kernel may differ.`,
    },
  ];
}

function flipSentence(view: TraceView): string | undefined {
  if (view.routing.length === 0) return undefined;
  const flipped = rowIndex(view.rows).flipped[0];
  const flip = flipped?.flips?.[0];
  if (flip === undefined || flipped?.layer === undefined) {
    const { closest } = routingIndex(view.routing);
    if (closest === undefined) return 'Both arms choose the same experts throughout.';
    return `Both arms choose the same experts throughout; the closest choice, layer ${String(closest.layer)}, token ${String(closest.position)}, had a margin of ${formatMetric(closest.margin)}.`;
  }
  return `Routing first flips at layer ${String(flipped.layer)}, token ${String(flip.position)}.`;
}
