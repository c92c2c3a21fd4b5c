import { parseText, type Flag, type Option } from '../command-line/option';

/** Options of every command that can make pictures and reports of its comparison. */
export const HTML_FILE: Option<string> = {
  name: 'html',
  placeholder: 'FILE',
  help: 'write the report as one HTML file without scripts; the page opens it again; - is standard output',
  parse: parseText,
};
export const SVG_FILE: Option<string> = {
  name: 'svg',
  placeholder: 'FILE',
  help: 'write the divergence picture as SVG; the page opens it again; - is standard output',
  parse: parseText,
};
export const PNG_FILE: Option<string> = {
  name: 'png',
  placeholder: 'FILE',
  help: 'write the divergence picture as PNG, drawn by an installed Chromium; the page opens it again',
  parse: parseText,
};
export const WITH_PROMPT: Flag = {
  name: 'with-prompt',
  help: 'leave the prompt in --html, --svg and --png; without it they tell its SHA-256 and its length only',
};
