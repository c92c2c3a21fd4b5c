import { GENERAL_FLAGS, type CompletedCommand, type CompletedOption, type Values } from './words';

/** The operands up to the first that repeats. */
function throughRepeating(operands: CompletedCommand['operands']): CompletedCommand['operands'] {
  const at = operands.findIndex(({ repeats }) => repeats);
  return at < 0 ? operands : operands.slice(0, at + 1);
}

/** For zsh: a function for \`$fpath\`, or to be evaluated. */
export function zshCompletion(commands: readonly CompletedCommand[]): string {
  const described = commands.map(({ name, summary }) => `    ${quoted(`${name}:${summary}`)}`);
  const cases = commands.map(({ name, options, operands }) => {
    const lines = [
      ...options.map(optionSpec),
      // What repeats takes all that follows.
      ...throughRepeating(operands).map((operand, i) => {
        const words = operand.words.length === 0 ? '' : `(${operand.words.map(escapedColon).join(' ')})`;
        const action =
          operand.words.length === 0
            ? '_files'
            : operand.name === 'MODEL'
              ? ` _alternative "models:sample:${words}" "files:file:_files"`
              : words;
        return quoted(`${operand.repeats ? '*' : String(i + 1)}:${operand.name}:${action}`);
      }),
    ];
    return `    ${name})\n      _arguments -s \\\n        ${lines.join(' \\\n        ')} ;;`;
  });
  return `#compdef moescope
# zsh completion of moescope: moescope completion zsh > "\${fpath[1]}/_moescope"
_moescope() {
  local curcontext="$curcontext" state line
  typeset -A opt_args
  local -a commands
  commands=(
${described.join('\n')}
  )
  _arguments -C ${GENERAL_FLAGS.map(optionSpec).join(' ')} '1: :->command' '*:: :->rest'
  case "$state" in
  command) _describe command commands ;;
  rest)
    case "$words[1]" in
    help) _describe command commands ;;
${cases.join('\n')}
    esac ;;
  esac
}
if [ "$funcstack[1]" = "_moescope" ]; then _moescope "$@"; else compdef _moescope moescope; fi
`;
}

function optionSpec({ flag, help, repeats, placeholder, values }: CompletedOption): string {
  const value = values === undefined ? '' : `:${placeholder}:${action(values)}`;
  return quoted(`${repeats ? '*' : ''}${flag}[${help.replace(/[[\]\\]/g, '\\$&').replace(/:/g, '\\:')}]${value}`);
}

function action(values: Values): string {
  switch (values.kind) {
    case 'words':
      return `(${values.words.map(escapedColon).join(' ')})`;
    case 'file':
      return '_files';
    case 'folder':
      return '_files -/';
    case 'text':
      return ' ';
  }
}

function escapedColon(word: string): string {
  return word.replace(/:/g, '\\:');
}

function quoted(text: string): string {
  return `'${text.replace(/'/g, "'\\''")}'`;
}
