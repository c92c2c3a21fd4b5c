import { joined, say, shownLines, type ShownText } from '../../base/foreign-text';
import { formatBytes, formatCount } from '../../base/format';
import type { ModelCard } from '../../divergence/report';
import { checkWeights } from '../../model/weights';
import { readHParams } from '../../model/read-hparams';
import { modelCard } from '../../session/model-card';
import { JSON_FILE } from '../command-line/shared-options';
import { exitCode } from '../command-line/exit-codes';
import { readHeaders } from '../files/headers';
import { openNamedModel } from '../files/open-model';
import { writeOutput } from '../files/output';
import type { CommandRunner } from '../command-line/command-runner';

/** `moescope inspect MODEL`: the model card. Fails as `trace` would on a file that cannot run. */
export const inspectCommand: CommandRunner = async (args, terminal, signal) => {
  const [name = ''] = args.operands;
  const model = await openNamedModel(name, { signal, headers: await readHeaders(args) });
  try {
    const hparams = readHParams(model);
    const card = modelCard(model, hparams, checkWeights(model, hparams));
    const file = args.get(JSON_FILE);
    if (file !== undefined) await writeOutput(file, `${JSON.stringify(card, undefined, 2)}\n`, terminal);
    if (file !== '-') terminal.out(cardText(card));
    return exitCode('pass');
  } finally {
    await model.close();
  }
};

/** The card for people. */
export function cardText(card: ModelCard): ShownText {
  const { hparams: h } = card;
  const facts = [
    ['file', `${card.file}, ${formatBytes(card.bytes)}`],
    ['header', `SHA-256 ${card.headerSha256}`],
    ['kind', `${card.arch}, ${card.quant}`],
    ['layers', `${h.nLayer}, nEmbd ${h.nEmbd}`],
    ['attention', `${h.nHead} heads of ${h.headDim} (qDim ${h.qDim}), ${h.nHeadKv} key-value heads`],
    ['experts', `${h.nExpert}, ${h.nExpertUsed} a token, nFfExp ${h.nFfExp}`],
    ['vocabulary', `${formatCount(h.nVocab)}${h.tiedEmbeddings ? ', tied embeddings' : ''}`],
    ['constants', `RMS epsilon ${h.rmsEps}, rotary base ${h.ropeTheta}`],
    ['tensors', formatCount(card.tensors.count)],
    ...(card.notes ?? []).map((note) => ['note', note]),
  ];
  const types = Object.entries(card.tensors.byType).map(
    ([type, { count, bytes }]) => `    ${type.padEnd(8)} ${formatCount(count).padStart(6)}  ${formatBytes(bytes)}\n`,
  );
  const lines = facts.map(([name = '', text = '']) => say`  ${name.padEnd(11)}${text}\n`);
  return say`${card.name}\n${joined(lines)}${shownLines(types.join(''))}`;
}
