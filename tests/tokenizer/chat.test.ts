import { describe, expect, it } from 'vitest';
import { TracerError } from '../../src/base/errors';
import { renderChat } from '../../src/tokenizer/chat';
import { createTokenizer } from '../../src/tokenizer/tokenizer';
import { SAMPLE_PATH } from '../support/golden';
import { QWEN2_VOCAB, readMetadata } from './metadata';

const USER = [{ role: 'user', content: 'What is 2+2?' }];
const PROMPT = { addGenerationPrompt: true };

function withTemplate(template: string): ReadonlyMap<string, string | number | readonly string[]> {
  return new Map<string, string | number | readonly string[]>([
    ['tokenizer.chat_template', template],
    ['tokenizer.ggml.tokens', ['<s>', '</s>']],
    ['tokenizer.ggml.bos_token_id', 0],
    ['tokenizer.ggml.eos_token_id', 1],
  ]);
}

function errorOf(action: () => unknown): TracerError {
  try {
    action();
  } catch (error) {
    if (error instanceof TracerError) return error;
    throw error;
  }
  throw new Error('nothing was thrown');
}

const sample = await readMetadata(SAMPLE_PATH);
const qwen2 = await readMetadata(QWEN2_VOCAB);

describe('renderChat', () => {
  it('renders with the template of the sample model, whose tokens then parse', () => {
    const text = renderChat(sample, USER, PROMPT);
    expect(text).toBe('<|im_start|>user\nWhat is 2+2?<|im_end|>\n<|im_start|>assistant\n');
    const ids = createTokenizer(sample).encode(text, { parseSpecial: true });
    expect(ids.filter((id) => id === 4094).length).toBe(2);
    expect(ids.filter((id) => id === 4095).length).toBe(1);
  });

  it('counts as Jinja does, and not without end', () => {
    const render = (template: string): string => renderChat(withTemplate(template), USER, PROMPT);
    expect(render('{% for i in range(3) %}{{ i }}{% endfor %}')).toBe('012');
    expect(render('{% for i in range(5, 0, -2) %}{{ i }}{% endfor %}')).toBe('531');
    expect(render('{% for i in range(3, 1) %}{{ i }}{% endfor %}')).toBe('');
    for (const endless of ['range(10 ** 9)', 'range(1, 5, 0)', 'range(100001)']) {
      const template = `{% for i in ${endless} %}{% endfor %}`.replace('10 ** 9', '1000000000');
      expect(errorOf(() => render(template))).toMatchObject({ code: 'chat-template' });
    }
    const nested = '{% for i in range(400) %}{% for j in range(400) %}{% endfor %}{% endfor %}';
    // Ended by its count; on a machine that is busy by the clock.
    expect(errorOf(() => render(nested)).message).toMatch(/100000|takes more than 2 s/);
  });

  it('leaves the assistant turn closed when it is not asked for', () => {
    const text = renderChat(sample, USER, { addGenerationPrompt: false });
    expect(text).toBe('<|im_start|>user\nWhat is 2+2?<|im_end|>\n');
  });

  it('does what the template says, a default system message included', () => {
    expect(renderChat(qwen2, USER, PROMPT)).toBe(
      '<|im_start|>system\nYou are a helpful assistant<|im_end|>\n<|im_start|>user\nWhat is 2+2?<|im_end|>\n<|im_start|>assistant\n',
    );
  });

  it('knows what Qwen3 templates use: namespace, reversed messages, string methods, undefined flags', () => {
    const template = [
      '{%- if tools %}{{- raise_exception("no tools here") }}{%- endif %}',
      '{%- set ns = namespace(last=-1, open=true) %}',
      '{%- for message in messages[::-1] %}',
      '  {%- set index = (messages|length - 1) - loop.index0 %}',
      '  {%- if ns.open and message.role == "user" and not(message.content.startswith("<x>") and message.content.endswith("</x>")) %}',
      '    {%- set ns.open = false %}{%- set ns.last = index %}',
      '  {%- endif %}',
      '{%- endfor %}',
      '{%- for message in messages %}',
      '  {%- set content = message.content if message.content is string else "" %}',
      '  {%- if "</think>" in content %}{%- set content = content.split("</think>")[-1].lstrip("\\n") %}{%- endif %}',
      '  {{- message.role + ":" + content|trim + (" <" ~ ns.last ~ ">") + "\\n" }}',
      '{%- endfor %}',
      '{%- if add_generation_prompt %}',
      '  {{- "assistant:" }}',
      '  {%- if enable_thinking is defined and enable_thinking is false %}{{- "<think>" }}{%- endif %}',
      '{%- endif %}',
    ].join('\n');
    const messages = [
      { role: 'user', content: 'a' },
      { role: 'assistant', content: '<think>\nhm\n</think>\n\nb' },
      { role: 'user', content: '<x>c</x>' },
    ];
    expect(renderChat(withTemplate(template), messages, PROMPT)).toBe(
      'user:a <0>\nassistant:b <0>\nuser:<x>c</x> <0>\nassistant:',
    );
  });

  it('gives the template bos_token, eos_token, tojson and strftime_now', () => {
    const template = '{{ bos_token }}{{ messages[0] | tojson }}{{ eos_token }}{{ strftime_now("%Y") }}';
    expect(renderChat(withTemplate(template), USER, PROMPT)).toMatch(
      /^<s>\{"role": "user", "content": "What is 2\+2\?"\}<\/s>\d{4}$/,
    );
  });

  it('repeats what the template says when it refuses', () => {
    const error = errorOf(() =>
      renderChat(withTemplate('{{ raise_exception("roles must alternate") }}'), USER, PROMPT),
    );
    expect(error.code).toBe('chat-template');
    expect(error.message).toContain('roles must alternate');
  });

  it('a template that does not parse is an error', () => {
    expect(errorOf(() => renderChat(withTemplate('{% for %}'), USER, PROMPT)).code).toBe('chat-template');
  });

  it('no template is an error, never a guess', () => {
    const error = errorOf(() => renderChat(new Map(), USER, PROMPT));
    expect(error.code).toBe('chat-template');
    expect(error.detail['key']).toBe('tokenizer.chat_template');
  });
});
