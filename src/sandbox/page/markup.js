/**
 * Slack's own markup and Markdown as elements: only what bots write, and everything unknown stays as typed.
 *
 * Both are read block by block (code fences, quotes, lists, headings, paragraphs) and then inline. Links are made
 * only for http and https.
 */
import { el } from './dom.js';

const INLINE = {
  mrkdwn: [
    [/`([^`\n]+)`/, (match) => el('code', {}, unescaped(match[1]))],
    [/<([^<>\n]+)>/, (match, names) => reference(match[1], names)],
    [
      /(?<![\w*])\*(?=\S)([^*\n]+?)(?<=\S)\*(?![\w*])/,
      (match, names) => el('strong', {}, inline(match[1], 'mrkdwn', names)),
    ],
    [
      /(?<![\w_])_(?=\S)([^_\n]+?)(?<=\S)_(?![\w_])/,
      (match, names) => el('em', {}, inline(match[1], 'mrkdwn', names)),
    ],
    [
      /(?<![\w~])~(?=\S)([^~\n]+?)(?<=\S)~(?![\w~])/,
      (match, names) => el('s', {}, inline(match[1], 'mrkdwn', names)),
    ],
  ],
  markdown: [
    [/`([^`\n]+)`/, (match) => el('code', {}, match[1])],
    [/\[([^\]\n]+)\]\(([^()\s]+)\)/, (match) => link(match[2], match[1])],
    [/<([@#!][^<>\n]+)>/, (match, names) => reference(match[1], names)],
    [
      /\*\*(?=\S)([^\n]+?)(?<=\S)\*\*/,
      (match, names) => el('strong', {}, inline(match[1], 'markdown', names)),
    ],
    [
      /(?<![\w_*])[_*](?=\S)([^_*\n]+?)(?<=\S)[_*](?![\w_*])/,
      (match, names) => el('em', {}, inline(match[1], 'markdown', names)),
    ],
    [/~~(?=\S)([^~\n]+?)(?<=\S)~~/, (match, names) => el('s', {}, inline(match[1], 'markdown', names))],
    [/https?:\/\/[^\s<>()]+[^\s<>().,;:!?]/, (match) => link(match[0], match[0])],
  ],
};

/** `names(id)` says what a user or channel is called. */
export function richText(text, dialect, names) {
  return splitBlocks(text).map((block) => toElement(block, dialect, names));
}

function splitBlocks(text) {
  const blocks = [];
  for (const [index, part] of text.split(/```(?:[\w-]*\n)?([\s\S]*?)```/).entries()) {
    if (index % 2 === 1) blocks.push({ kind: 'code', lines: [part.replace(/^\n|\n$/g, '')] });
    else for (const line of part.split('\n')) addLine(blocks, line);
  }
  return blocks.filter(({ kind }) => kind !== 'gap');
}

const LINE_KINDS = [
  ['quote', /^(?:>|&gt;) ?(.*)$/],
  ['heading', /^#{1,6} +(.+)$/],
  ['bullet', /^\s*[-*•] +(.+)$/],
  ['number', /^\s*\d+[.)] +(.+)$/],
];

/** Lines of one kind that follow each other are one block. */
function addLine(blocks, line) {
  const [kind, content] = classify(line);
  const last = blocks.at(-1);
  if (last !== undefined && last.kind === kind && kind !== 'heading' && kind !== 'gap')
    last.lines.push(content);
  else blocks.push({ kind, lines: [content] });
}

function classify(line) {
  if (line.trim() === '') return ['gap', ''];
  for (const [kind, pattern] of LINE_KINDS) {
    const match = pattern.exec(line);
    if (match !== null) return [kind, match[1]];
  }
  return ['paragraph', line];
}

function toElement({ kind, lines }, dialect, names) {
  const item = (line) => el('li', {}, inline(line, dialect, names));
  switch (kind) {
    case 'code':
      return el('pre', {}, el('code', {}, dialect === 'mrkdwn' ? unescaped(lines[0]) : lines[0]));
    case 'quote':
      return el('blockquote', {}, withBreaks(lines, dialect, names));
    case 'heading':
      return el('p', { className: 'heading' }, inline(lines[0], dialect, names));
    case 'bullet':
      return el('ul', {}, lines.map(item));
    case 'number':
      return el('ol', {}, lines.map(item));
    default:
      return el('p', {}, withBreaks(lines, dialect, names));
  }
}

function withBreaks(lines, dialect, names) {
  return lines.flatMap((line, index) => [index > 0 && el('br'), inline(line, dialect, names)]);
}

/** The earliest match of any rule becomes an element; what is before and after it is read again. */
function inline(text, dialect, names) {
  let first = null;
  for (const [pattern, make] of INLINE[dialect]) {
    const match = pattern.exec(text);
    if (match !== null && (first === null || match.index < first.match.index)) first = { match, make };
  }
  if (first === null) return [plain(text, dialect)];
  const { match, make } = first;
  return [
    plain(text.slice(0, match.index), dialect),
    make(match, names),
    inline(text.slice(match.index + match[0].length), dialect, names),
  ];
}

function plain(text, dialect) {
  return dialect === 'mrkdwn' ? unescaped(text) : text;
}

/** What Slack writes in angle brackets: a person, a channel, a call to everybody, or a link. */
function reference(inside, names) {
  const [target, label] = inside.split('|');
  if (/^@[UW]\w+$/.test(target)) return el('span', { className: 'mention' }, `@${names(target.slice(1))}`);
  if (/^#C\w+$/.test(target)) return el('span', { className: 'mention' }, `#${names(target.slice(1))}`);
  if (target.startsWith('!date^')) return el('span', {}, unescaped(label ?? ''));
  if (target.startsWith('!'))
    return el('span', { className: 'mention loud' }, `@${label ?? target.slice(1)}`);
  return link(unescaped(target), unescaped(label ?? target));
}

function link(target, label) {
  if (!/^(https?:\/\/|mailto:)/i.test(target)) return `${label} (${target})`;
  return el('a', { href: target, rel: 'noopener noreferrer', target: '_blank' }, label);
}

function unescaped(text) {
  return text.replaceAll('&lt;', '<').replaceAll('&gt;', '>').replaceAll('&amp;', '&');
}
