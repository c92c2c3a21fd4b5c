import { say, shown, shownStream, type ShownText } from '../../base/foreign-text';
import { formatMilliseconds, plural } from '../../base/format';
import { TOOL } from '../../base/version';
import { adapterText, type AdapterCard } from '../../model/adapter-card';
import { decodedByText, type DecodedBy } from '../../session/decoded-by';
import type { GeneratedToken, GenerateEnd } from '../../session/generate';
import { ModelSession } from '../../session/model-session';
import { ADAPTER, BUDGET, CHAT, DEVICE, JSON_FILE, PROMPT, PROMPT_FILE, QUIET } from '../command-line/shared-options';
import { exitCode } from '../command-line/exit-codes';
import { COUNT, IDS } from './generate-options';
import { readDecoder } from './read-decoder';
import { readHeaders } from '../files/headers';
import { openNamedModel } from '../files/open-model';
import { checkOutputs, writeOutput } from '../files/output';
import { noteLines } from '../terminal/note-lines';
import { progressView } from '../terminal/progress';
import { readPrompt } from '../files/prompt';
import type { CommandRunner } from '../command-line/command-runner';
import { styled, type Terminal } from '../terminal/terminal';
import { nodeHost } from '../trace/node-runtime';

/** `moescope generate` as JSON. Times in milliseconds, rates a second. Additive changes keep the number. */
export interface GenerateReport {
  readonly schema: 'moescope-generate/1';
  readonly tool: typeof TOOL;
  readonly created: string;
  readonly model: {
    readonly name: string;
    readonly file: string;
    readonly quant: string;
    readonly headerSha256: string;
  };
  readonly arm: 'gpu' | 'cpu';
  readonly adapter?: AdapterCard;
  readonly runtime: 'node';
  readonly prompt: { readonly text?: string; readonly chat: boolean; readonly tokens: readonly number[] };
  /** What makes the tokens behind the prompt; absent on the reference. */
  readonly decodedBy?: DecodedBy;
  readonly tokens: readonly number[];
  readonly text: string;
  readonly end: GenerateEnd;
  readonly times: {
    /** From the prompt handed over to the first token; what of the file it had to read is part of it. */
    readonly prefillMs: number;
    readonly prefillTokensPerSecond: number;
    /** Of each token behind the first. */
    readonly tokenMs: readonly number[];
    /** Over all of them; absent where there is one token. */
    readonly tokensPerSecond?: number;
  };
}

/** `moescope generate MODEL`: the model speaks, greedily. */
export const generateCommand: CommandRunner = async (args, terminal, signal) => {
  const prompt = await readPrompt({
    text: args.get(PROMPT),
    file: args.get(PROMPT_FILE),
    ids: args.get(IDS),
    idsFlag: '--ids',
    chat: args.has(CHAT),
  });
  const jsonFile = args.get(JSON_FILE);
  await checkOutputs([jsonFile]);
  const isQuiet = args.has(QUIET);
  const { engine, decoder } = readDecoder(args);
  // Text that nobody reads is not made; a JSON file is still wanted.
  const isForReader = jsonFile === undefined || jsonFile === '-';
  const unread = isForReader ? terminal.readerGone : undefined;
  const model = await openNamedModel(args.operands, { signal, headers: await readHeaders(args) });
  let session: ModelSession | undefined;
  try {
    session = new ModelSession(model, nodeHost({ adapter: args.get(ADAPTER), device: args.get(DEVICE) }));
    const tokens = prompt.kind === 'tokens' ? prompt.tokens : await session.tokenize(prompt.text, prompt, signal);
    const adapter = engine === 'cpu' ? undefined : (await session.gpuContext()).card;
    if (adapter !== undefined && !isQuiet) terminal.err(say`adapter: ${adapterText(adapter)}\n`);
    if (!isQuiet) terminal.err(noteLines(session.card.notes));
    const budget = args.get(BUDGET);
    const voice = speaker(session, jsonFile === '-' ? undefined : terminal);
    const view = progressView(terminal, isQuiet);
    const said: GeneratedToken[] = [];
    const spec = { engines: [engine], mode: 'free', stages: 'all', layers: 'all', positions: 'last' } as const;
    const end = await session
      .generate({ ...spec, tokens, ...(budget === undefined ? {} : { gpuBudget: budget }) }, tokens, {
        count: args.get(COUNT),
        decoder,
        mayLoad: true,
        signal: unread === undefined ? signal : AbortSignal.any([signal, unread]),
        onProgress: (progress) => {
          // Once it speaks, a line between the words would only disturb.
          if (said.length === 0) view.show({ type: 'progress', progress });
        },
        onToken: (token) => {
          view.clear();
          if (said.length === 0 && token.decodedBy !== undefined && !isQuiet) {
            terminal.err(say`decoding: ${decodedByText(token.decodedBy)}\n`);
          }
          said.push(token);
          voice.say(token.token);
        },
      })
      .finally(() => {
        view.clear();
        voice.finish();
      });
    const report: GenerateReport = {
      schema: 'moescope-generate/1',
      tool: TOOL,
      created: new Date().toISOString(),
      model: {
        name: session.card.name,
        file: session.card.file,
        quant: session.card.quant,
        headerSha256: session.card.headerSha256,
      },
      arm: engine,
      ...(adapter === undefined ? {} : { adapter }),
      runtime: 'node',
      prompt: {
        ...(prompt.kind === 'text' ? { text: prompt.text, chat: prompt.chat } : { chat: false }),
        tokens,
      },
      ...(said[0]?.decodedBy === undefined ? {} : { decodedBy: said[0].decodedBy }),
      tokens: said.map(({ token }) => token),
      text: voice.text(),
      end,
      times: timesOf(said, tokens.length),
    };
    if (jsonFile !== undefined) await writeOutput(jsonFile, `${JSON.stringify(report, undefined, 2)}\n`, terminal);
    if (!isQuiet) terminal.err(summary(report, terminal));
    return exitCode(end === 'not-finite' ? 'diverged' : 'pass');
  } catch (error) {
    if (unread?.aborted === true && !signal.aborted) return exitCode('pass');
    throw error;
  } finally {
    await (session ?? { dispose: () => model.close() }).dispose();
  }
};

interface Speaker {
  say(token: number): void;
  /** Ends the line. */
  finish(): void;
  text(): string;
}

/** Writes text as its tokens come; a character of several tokens when its last one is there. The end-of-text token is silent. */
function speaker({ tokenizer }: ModelSession, terminal: Terminal | undefined): Speaker {
  const decoder = new TextDecoder('utf-8', { ignoreBOM: true });
  const visiblePiece = shownStream();
  let all = '';
  let isDone = false;
  const write = (text: string): void => {
    all += text;
    if (text !== '') terminal?.out(visiblePiece(text));
  };
  return {
    say: (token) => {
      if (tokenizer === undefined) write(`${all === '' ? '' : ' '}${token}`);
      else if (token !== tokenizer.eosId) write(decoder.decode(tokenizer.tokenBytes(token), { stream: true }));
    },
    finish: () => {
      if (isDone) return;
      isDone = true;
      write(decoder.decode());
      if (all !== '' && !all.endsWith('\n')) terminal?.out(say`\n`);
    },
    text: () => all,
  };
}

function timesOf(said: readonly GeneratedToken[], promptLength: number): GenerateReport['times'] {
  const [first, ...rest] = said.map(({ ms }) => ms);
  const total = rest.reduce((sum, ms) => sum + ms, 0);
  return {
    prefillMs: first ?? 0,
    prefillTokensPerSecond: first === undefined ? 0 : (1000 * promptLength) / first,
    tokenMs: rest,
    ...(total > 0 ? { tokensPerSecond: (1000 * rest.length) / total } : {}),
  };
}

const ENDS: Readonly<Record<GenerateEnd, string>> = {
  count: '',
  'end-of-text': ', then the text ended',
  'not-finite': '; then its logits were not finite',
};

function summary({ tokens, prompt, end, times }: GenerateReport, terminal: Terminal): ShownText {
  const rate = times.tokensPerSecond;
  const parts = [
    `${plural(prompt.tokens.length, 'prompt token')} in ${formatMilliseconds(times.prefillMs)}`,
    `${plural(tokens.length, 'token')}${rate === undefined ? '' : ` at ${rate.toFixed(rate < 10 ? 2 : 1)} tokens/s`}${ENDS[end]}`,
  ];
  const line = parts.join('; ');
  return say`${styled(terminal, 'err', end === 'not-finite' ? 'bad' : 'quiet', shown(line))}\n`;
}
