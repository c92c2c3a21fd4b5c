import { formatCount, plural, visibleToken } from '../base/format';
import type { Cause } from '../divergence/cause';
import type { Culprit, Report, Row, Verdict } from '../divergence/report';
import { inForwardOrder } from '../divergence/blame';
import { locationText } from '../model/location';
import { stageSpec } from '../model/stages';
import { humanNumber, type HumanNumber } from './map/human-number';
import { basesOf, l2Limit } from './map/measure';
import { routingIndex, rowIndex } from './trace-index';
import { isBehind, type TraceView } from './trace-view';

/** A run of text, and how it is set. */
export type Word =
  | string
  | { readonly text: string; readonly look: 'wrong' | 'right' | 'strong' | 'code' }
  | { readonly number: HumanNumber; readonly look: 'wrong' | 'strong' };

export interface Fact {
  readonly title: string;
  readonly words: readonly Word[];
}

/** What the page says first: one line, and three facts. */
export interface Finding {
  readonly head: readonly Word[];
  readonly facts: readonly Fact[];
}

/** The finding of a finished trace, in words made from its verdict, never from what was put in on purpose. */
export function findingOf(view: TraceView, report: Pick<Report, 'verdict' | 'run' | 'repeat'>): Finding {
  const { verdict, run, repeat } = report;
  const { first } = verdict;
  if (first?.metric === 'bits') return otherRun(first);
  if (first !== undefined && isBehind(first, view.tokenTexts.length)) return whileDecoding(view, first);
  if (first !== undefined) return blamed(view, verdict, first);
  const sides = [run.candidate, run.reference].filter((side) => side !== undefined).length;
  // A report of the first schema names its engines only.
  if (sides === 1 || (sides === 0 && run.arms.length < 2)) return alone(view, report);
  if (repeat?.status === 'unsteady')
    return unblamed(view, 'Unsteady', ': the same prompt gives other bits when it runs again.');
  switch (verdict.status) {
    case 'match':
      return matching(view);
    case 'suspicious':
      return unblamed(view, 'Suspicious', ': less exact than f32 rounding explains, though inside every bound.');
    case 'ill-conditioned':
      return illConditioned(view, verdict);
    case 'out-of-range':
      return unblamed(view, 'Out of range', ': the model itself leaves f32.');
    case 'diverged':
    case 'not-finite':
    case 'incomplete':
      return unblamed(view, 'Incomplete', ': not everything was compared.');
  }
}

/** The two part, and every stage is right: rounding grew until it showed. */
function illConditioned(view: TraceView, { parted, amplification }: Verdict): Finding {
  const where = parted === undefined ? '' : ` at ${locationText(parted).replace(/^Layer/, 'layer')}`;
  const { facts } = matching(view);
  if (amplification === undefined) {
    return {
      head: [{ text: 'Ill-conditioned', look: 'wrong' }, `: the two part${where}, and no stage is wrong by itself.`],
      facts,
    };
  }
  const { factor, relL2 } = amplification;
  const grows: Fact = {
    title: 'what multiplies the error',
    words: [
      { text: locationText(amplification), look: 'strong' },
      ': ',
      { number: humanNumber(factor), look: 'strong' },
      ' × what it reads, to a relative L2 of ',
      { number: humanNumber(relL2), look: 'strong' },
      '.',
    ],
  };
  return {
    head: [{ text: 'Ill-conditioned', look: 'wrong' }, `: the two part${where}, and no stage is wrong by itself.`],
    facts: [...facts.filter(({ title }) => title !== 'routing'), grows],
  };
}

function unblamed(view: TraceView, what: string, rest: string): Finding {
  return {
    head: [{ text: what, look: what === 'Incomplete' ? 'strong' : 'wrong' }, rest],
    facts: matching(view).facts,
  };
}

function alone(view: TraceView, { run }: Pick<Report, 'run'>): Finding {
  const isReference = run.reference !== undefined || (run.candidate === undefined && run.arms[0] !== 'gpu');
  const who = isReference ? 'Reference only' : 'Candidate only';
  return {
    head: [`${who}: nothing to compare.`],
    facts: [
      {
        title: 'captured',
        words: [
          `${plural(run.stages.length, 'stage')} of ${plural(view.layers.length, 'layer')}, ${plural(view.positions.length, 'token')}.`,
        ],
      },
      { title: 'to compare', words: ['Run a second engine, or drop another trace of the same prompt.'] },
    ],
  };
}

function matching(view: TraceView): Finding {
  const index = rowIndex(view.rows);
  const basis = basesOf(view)[0] ?? 'free';
  const compared = view.rows.from(0).filter((row) => row.count > 0);
  const stages = new Set(compared.map((row) => row.stage)).size;
  const bounded = compared.filter((row) => row.mode === basis && row.maxRatio !== undefined);
  const closest = largest(bounded, (row) => row.maxRatio);
  const drift = largest(
    compared.filter((row) => row.mode === 'free'),
    (row) => row.relL2,
  );
  const facts: Fact[] = [];
  if (closest?.maxRatio !== undefined) {
    facts.push({
      title: 'closest to a bound',
      words: [strong(closest.maxRatio), ` of it, ${placeOf(closest)}. A kernel that rounds honestly never passes 1.`],
    });
  }
  if (drift?.relL2 !== undefined) {
    facts.push({
      title: 'drift, each side feeding itself',
      words: [
        'relative L2 at most ',
        strong(drift.relL2),
        `, ${placeOf(drift)}; the limit is `,
        { number: humanNumber(l2Limit(view)), look: 'strong' },
        '.',
      ],
    });
  }
  if (view.routing.length > 0) {
    const flips = index.flipped.reduce((n, row) => n + (row.flips?.length ?? 0), 0);
    const { closest: choice } = routingIndex(view.routing);
    const words: Word[] =
      flips === 0
        ? [`Both sides choose the same experts, ${formatCount(view.routing.length)} times.`]
        : [`${plural(flips, 'token')} chose other experts, all within the drift before them.`];
    if (choice?.margin !== undefined) {
      words.push(' Closest choice: ', strong(choice.margin), ` at layer ${String(choice.layer)}.`);
    }
    facts.push({ title: 'routing', words });
  }
  const scope = `all ${plural(stages, 'stage')} of ${plural(view.layers.length, 'layer')}`;
  const within = bounded.length > 0 ? 'stay inside their bounds' : 'stay inside their limits';
  return { head: [{ text: 'Match', look: 'right' }, `: ${scope} ${within}.`], facts };
}

function blamed(view: TraceView, { status, others = [] }: Verdict, first: Culprit): Finding {
  const row = rowIndex(view.rows).row(first.mode, first.stage, first.layer);
  const where = first.layer === undefined ? '' : ` at layer ${String(first.layer)}`;
  const nonfinite = first.metric === 'non-finite';
  const title = stageSpec(first.stage).title;
  const word = nonfinite ? (Number.isNaN(first.value) ? 'NaN' : 'Infinity') : 'Diverged';
  const head: readonly Word[] =
    status === 'suspicious'
      ? [{ text: 'Suspicious', look: 'wrong' }, `${where}: ${title} is less exact than f32 rounding explains.`]
      : status === 'ill-conditioned'
        ? [
            { text: 'Ill-conditioned', look: 'wrong' },
            `${where}: the two part at ${title}, and no stage is wrong by itself.`,
          ]
        : status === 'out-of-range'
          ? [{ text: 'Out of range', look: 'wrong' }, `${where}: the model itself leaves f32 at ${title}.`]
          : first.mode === 'free' && !nonfinite
            ? [{ text: 'The two part', look: 'wrong' }, `${where}, at ${title}.`]
            : [{ text: word, look: 'wrong' }, `${where}: ${causeWords(first)}.`];
  return {
    head,
    facts: [
      { title: 'where', words: whereWords(view, first, others) },
      { title: 'how much', words: howMuch(first, row, others) },
      { title: 'what follows', words: whatFollows(view, first) },
    ],
  };
}

/** The prompt is right, and a token behind it is not. */
function whileDecoding(view: TraceView, first: Culprit): Finding {
  const where = first.layer === undefined ? '' : ` at layer ${String(first.layer)}`;
  const what = first.metric === 'choice' ? 'the token is not what its own logits say' : `${causeWords(first)}`;
  const much: readonly Word[] =
    first.metric === 'choice'
      ? [`It goes on with token ${String(first.value)}; its logits are highest at ${String(first.limit)}.`]
      : howMuch(first, undefined, []);
  return {
    head: [{ text: 'Diverged while decoding', look: 'wrong' }, `${where}: ${what}.`],
    facts: [
      { title: 'where', words: whereWords(view, first, []) },
      { title: 'how much', words: much },
      { title: 'the prompt', words: ['It is right at every stage: what decodes behind it goes another way.'] },
    ],
  };
}

/** The run that was judged is right, and another way of running it has other bits. */
function otherRun(first: Culprit): Finding {
  return {
    head: [{ text: 'Diverged', look: 'wrong' }, ': run another way, the same prompt gives other bits.'],
    facts: [
      {
        title: 'where',
        words: [{ text: locationText(first), look: 'strong' }, `, token ${String(first.position)}, first.`],
      },
      { title: 'how much', words: [`${plural(first.value, 'captured tensor')} changed.`] },
      { title: 'the judged run', words: ['It is right at every stage. The sentence says which way is not.'] },
    ],
  };
}

/** The cause in words: from the diagnosis, else that the stage is wrong. */
export function causeWords({ cause, stage, qtype, side, tensor }: Culprit): string {
  if (side === 'both') return 'both sides make it, so it comes from the file';
  if (side === 'reference') return `only the reference is not finite`;
  const title = stageSpec(stage).title;
  if (cause === undefined) return `${title} is wrong`;
  if (cause.rows !== undefined && cause.code === 'unexplained') {
    const rows = cause.rows.wrong === 1 ? 'one row' : `${formatCount(cause.rows.wrong)} rows`;
    return `${rows} of ${expertsOwn(tensor)} weights ${cause.rows.wrong === 1 ? 'is' : 'are'} wrong`;
  }
  const words = codeWords(cause, qtype, title);
  return cause.proven || cause.code === 'unexplained' ? words : `${words}, as it seems`;
}

function codeWords(cause: Cause, qtype: string | undefined, title: string): string {
  switch (cause.code) {
    case 'read-as-type':
      return `a ${qtype ?? 'quantised'} weight is read as ${cause.parameters.type}`;
    case 'other-row':
      return `each row is multiplied with the ${cause.parameters.shift > 0 ? 'next' : 'previous'} row’s weights`;
    case 'other-expert':
      return `an expert runs with expert ${String(cause.parameters.expert)}’s weights`;
    case 'other-tensor':
      return `${title} reads ${cause.parameters.tensor}`;
    case 'other-input':
      return `${title} is made of token ${String(cause.parameters.position)}’s input`;
    case 'not-computed':
      return `${title} was never computed`;
    case 'low-precision':
      return `${title} has too few digits`;
    case 'unexplained':
      return `${title} is wrong`;
  }
}

function expertsOwn(tensor: string | undefined): string {
  return tensor?.includes('_exps') === true ? 'one expert’s' : 'the';
}

function whereWords(view: TraceView, first: Culprit, others: readonly Culprit[]): readonly Word[] {
  const words: Word[] = [];
  if (first.tensor !== undefined) words.push({ text: first.tensor, look: 'code' }, ' ');
  else words.push({ text: stageSpec(first.stage).title, look: 'strong' }, ' ');
  const rest: string[] = [];
  if (first.qtype !== undefined) rest.push(first.qtype);
  if (others.length > 0) rest.push(`${plural(others.length + 1, 'tensor')}, first at`);
  const place = [
    ...(first.expert === undefined ? [] : [`expert ${String(first.expert)}`]),
    `token ${String(first.position)}`,
  ].join(', ');
  words.push(`${rest.join(', ')}${rest.length === 0 ? '' : others.length > 0 ? ' ' : ', '}${place} `);
  const text = view.tokenTexts[first.position];
  // A report that left without its prompt has numbers in the place of texts.
  if (text !== undefined && text !== `token ${String(first.position)}`)
    words.push({ text: visibleToken(text), look: 'code' });
  return words;
}

function howMuch(first: Culprit, row: Row | undefined, others: readonly Culprit[]): readonly Word[] {
  if (first.metric === 'non-finite') {
    const nan = row?.nanA ?? 0;
    const bad = nan > 0 ? nan : (row?.infA ?? row?.nanB ?? 0);
    const size: readonly Word[] =
      row?.rms === undefined || !Number.isFinite(row.rms)
        ? ['.']
        : ['; the exact ones are about ', strong(row.rms), '.'];
    return [
      { text: nan > 0 || Number.isNaN(first.value) ? 'NaN' : 'Infinity', look: 'wrong' },
      ` in ${formatCount(bad)} of ${formatCount(row?.count ?? 0)} values`,
      ...size,
    ];
  }
  if (first.metric === 'flip') return ['Experts are chosen against the candidate’s own probabilities.'];
  if (first.metric === 'cosine' || first.metric === 'length') {
    return [
      first.metric === 'cosine' ? 'cosine ' : 'length over the reference’s ',
      { number: { text: String(Number(first.value.toPrecision(4))) }, look: 'wrong' },
      `, the limit is ${String(first.limit)}`,
      ...(row?.relL2 === undefined ? ['.'] : ['; relative L2 ', strong(row.relL2), '.']),
    ];
  }
  const arithmetic = row?.arithmetic ?? 'f32 rounding';
  const words: Word[] = [
    { number: { ...humanNumber(first.value), text: humanNumber(first.value).text }, look: 'wrong' },
    { text: ' ×', look: 'wrong' },
    ` what ${arithmetic} allows`,
  ];
  const most = others.reduce((x, { metric, value }) => (metric === 'ratio' ? Math.max(x, value) : x), 0);
  if (most > 0) words.push(' (up to ', strong(most), ` × in ${String(others.length)} more)`);
  const over = (row?.ratios ?? []).slice(-2).reduce((x, y) => x + y, 0);
  if (over > 0 && row !== undefined) {
    const count = over > 0.9 * row.count ? 'nearly all' : formatCount(over);
    words.push(`; ${count} of ${formatCount(row.count)} values are over`);
  }
  words.push('.');
  return words;
}

function whatFollows(view: TraceView, first: Culprit): readonly Word[] {
  const order = inForwardOrder(view.rows.from(0), 'free');
  const at = order.findIndex((row) => row.layer === first.layer && row.stage === first.stage);
  const later = at < 0 ? [] : order.slice(at + 1);
  const hit = later.filter((row) => row.count + (row.nanA ?? 0) > 0 && row.verdict !== 'match');
  const nan = hit.filter((row) => (row.nanA ?? 0) + (row.infA ?? 0) > 0).length;
  const flip = later.find((row) => (row.flips?.length ?? 0) > 0);
  if (order.length === 0) return ['Free-running was not compared.'];
  if (hit.length === 0) {
    return ['Nothing after it leaves its limit, and routing stays the same. An end-to-end test would miss it.'];
  }
  return [
    { text: plural(hit.length, 'stage'), look: 'strong' },
    ` after it ${hit.length === 1 ? 'receives' : 'receive'} wrong input`,
    nan === 0 ? '' : `, NaN in ${formatCount(nan)}`,
    flip?.layer === undefined ? '.' : `; routing flips from layer ${String(flip.layer)}.`,
  ];
}

function strong(x: number): Word {
  return { number: humanNumber(x), look: 'strong' };
}

function placeOf({ layer, stage }: Row): string {
  return `${layer === undefined ? '' : `layer ${String(layer)}, `}${stageSpec(stage).title}`;
}

function largest(rows: readonly Row[], value: (row: Row) => number | undefined): Row | undefined {
  return rows.reduce<Row | undefined>(
    (best, row) => ((value(row) ?? -1) > ((best && value(best)) ?? -1) ? row : best),
    undefined,
  );
}

/** The finding as plain text: titles, cards, the live region. */
export function findingText(words: readonly Word[]): string {
  return words
    .map((word) => {
      if (typeof word === 'string') return word;
      if ('text' in word) return word.text;
      const { text, exponent } = word.number;
      return exponent === undefined ? text : `${text}^${exponent}`;
    })
    .join('');
}
