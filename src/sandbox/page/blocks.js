/** Block Kit as elements: the blocks bots send, and a plain note for the rest. */
import { el } from './dom.js';
import { richText } from './markup.js';

/**
 * One element per block. `press(actionId, button)` is called for buttons, `names(id)` names people and channels.
 * What stands last, buttons aside, says how things stand.
 */
export function renderBlocks(blocks, context) {
  const elements = blocks.map((block) => renderBlock(block, context));
  const last = elements[blocks.findLastIndex(({ type }) => type !== 'actions')];
  if (last instanceof HTMLElement && blocks.length > 1) {
    last.dataset.outcome = '';
    last.tabIndex = -1;
  }
  return elements.filter((element) => element !== null);
}

function renderBlock(block, context) {
  switch (block.type) {
    case 'header':
      return el('p', { className: 'block-header' }, block.text.text);
    case 'section':
      return renderSection(block, context);
    case 'context':
      return el(
        'div',
        { className: 'block-context' },
        block.elements.map((element) => textOf(element, context)),
      );
    case 'divider':
      return el('hr');
    case 'actions':
      return el(
        'div',
        { className: 'block-actions' },
        block.elements.map((element) => renderAction(element, context)),
      );
    case 'markdown':
      return el('div', { className: 'prose' }, richText(block.text, 'markdown', context.names));
    case 'rich_text':
      return el(
        'div',
        { className: 'prose' },
        block.elements.map((part) => renderRichPart(part, context)),
      );
    case 'image':
      return el('p', { className: 'muted' }, `[image: ${block.alt_text}]`);
    case 'input':
      return renderInput(block);
    default:
      return el('p', { className: 'muted' }, `[${block.type}]`);
  }
}

function renderSection({ text, fields = [], accessory }, context) {
  return el(
    'div',
    { className: 'block-section' },
    text && el('div', { className: 'prose' }, textOf(text, context)),
    fields.length > 0 &&
      el(
        'div',
        { className: 'fields' },
        fields.map((field) => el('div', { className: 'prose' }, textOf(field, context))),
      ),
    accessory && renderAction(accessory, context),
  );
}

function renderAction(element, { press, names }) {
  if (element.type === 'checkboxes') return renderBoxes(element);
  if (element.type === 'static_select') return renderList(element, press);
  if (element.type !== 'button') return el('span', { className: 'muted' }, `[${element.type}]`);
  const button = el(
    'button',
    {
      type: 'button',
      className: `button ${element.style ?? ''}`,
      'data-focus': element.action_id,
      onclick: () => {
        if (
          element.confirm &&
          !window.confirm(`${element.confirm.title.text}\n\n${plainText(element.confirm.text, names)}`)
        )
          return;
        press(element.action_id, button);
      },
    },
    element.text.text,
  );
  return button;
}

/** A list that is sent as soon as something is chosen in it. */
function renderList({ action_id: actionId, placeholder, options }, press) {
  const label = placeholder?.text ?? 'Choose';
  const list = el(
    'select',
    {
      'aria-label': label,
      'data-focus': actionId,
      onchange: () => list.value !== '' && press(actionId, list, list.value),
    },
    el('option', { value: '' }, label),
    options.map(({ text }) => el('option', { value: text.text }, text.text)),
  );
  return list;
}

/** Ticked boxes go along with the next press of the same message. */
function renderBoxes({ action_id: name, options }) {
  return el(
    'div',
    { className: 'picks' },
    options.map(({ text, value }) =>
      el(
        'label',
        { className: 'pick' },
        el('input', { type: 'checkbox', name, value, 'data-tick': value, 'data-focus': value }),
        el('span', {}, text.text),
      ),
    ),
  );
}

function renderInput({ block_id: blockId, label, element, hint, optional }) {
  const id = `input-${blockId}`;
  const control = el(element.multiline ? 'textarea' : 'input', {
    id,
    name: blockId,
    required: optional !== true,
    maxLength: element.max_length ?? 3000,
    placeholder: element.placeholder?.text ?? '',
    value: element.initial_value ?? '',
    ...(element.multiline ? { rows: 4 } : {}),
  });
  return el(
    'div',
    { className: 'input' },
    el(
      'label',
      { for: id },
      label.text,
      optional === true && el('span', { className: 'muted' }, ' (optional)'),
    ),
    control,
    hint && el('p', { className: 'muted' }, hint.text),
    el('p', { className: 'problem', 'data-problem': blockId, hidden: true }),
  );
}

function renderRichPart(part, context) {
  const runs = () => (part.elements ?? []).map((run) => renderRun(run, context));
  switch (part.type) {
    case 'rich_text_preformatted':
      return el('pre', {}, runs());
    case 'rich_text_quote':
      return el('blockquote', {}, runs());
    case 'rich_text_list':
      return el(
        part.style === 'ordered' ? 'ol' : 'ul',
        {},
        part.elements.map((item) => el('li', {}, renderRichPart(item, context))),
      );
    default:
      return el('p', {}, runs());
  }
}

function renderRun(run, { names }) {
  switch (run.type) {
    case 'text':
      return styled(run.text, run.style ?? {});
    case 'user':
      return el('span', { className: 'mention' }, `@${names(run.user_id)}`);
    case 'channel':
      return el('span', { className: 'mention' }, `#${names(run.channel_id)}`);
    case 'link':
      return run.text ?? run.url;
    case 'broadcast':
      return el('span', { className: 'mention loud' }, `@${run.range}`);
    default:
      return '';
  }
}

function styled(text, { bold, italic, strike, code }) {
  if (code) return el('code', {}, text);
  if (bold) return el('strong', {}, text);
  if (italic) return el('em', {}, text);
  return strike ? el('s', {}, text) : text;
}

function textOf(text, { names }) {
  if (text.type === 'mrkdwn') return richText(text.text, 'mrkdwn', names);
  return el('p', {}, text.text ?? text.alt_text ?? '');
}

function plainText({ text }) {
  return text;
}
