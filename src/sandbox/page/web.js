/**
 * The Web part: a program of the person you are, with its conversations, cards, notices and files.
 *
 * What it shows was written by a model and by strangers: markdown becomes elements, never markup, and a link says
 * where it leads.
 */
import { keepAtEnd, moveBetweenTabs, sendOnEnter } from './composer.js';
import { act, announce, el, focusIn, initials, notify, OUTCOME, reconcile, time } from './dom.js';
import { FilePicker, renderFile } from './files.js';
import { richText } from './markup.js';

const CHOICES = {
  approve: { label: 'Approve', style: 'primary' },
  deny: { label: 'Deny', style: 'danger' },
  'deny-with-reason': { label: 'Deny with reason', style: 'danger', asks: 'Why not?', submit: 'Deny' },
  answer: { label: 'Answer', style: 'primary', asks: 'Your answer', submit: 'Answer' },
  ask: { label: 'Ask back', style: '', form: true },
  edit: { label: 'Change', style: '', form: true },
  always: { label: 'Always', style: '', form: true },
  happened: { label: 'It ran', style: 'primary' },
  'did-not-happen': { label: 'It did not run', style: '' },
  retry: { label: 'Run it again', style: 'danger' },
};

/** Options that have a button each (`domain/card.ts`). */
const MOST_SHOWN_OPTIONS = 5;

export class WebView {
  #programs = [];
  #person;
  /** Conversation that is looked at, by client. */
  #current = new Map();
  /** Conversations begun here in which nobody has said anything yet, by client. */
  #fresh = new Map();
  /** Newest position seen, by client and conversation. */
  #seen = new Map();
  #shown = '';
  #isShown = false;
  /** The card whose answer is being written, and the kind of answer. */
  #writing;

  /** `changed` is called when the person goes to another conversation. */
  constructor(changed) {
    this.changed = changed;
    const input = document.getElementById('web-message');
    const composer = document.getElementById('web-composer');
    const files = new FilePicker(composer, composer.querySelector('.composer-bar'));
    composer.addEventListener('submit', async (event) => {
      event.preventDefault();
      const text = input.value;
      if (text.trim() === '') return;
      const said = {
        client: this.#client,
        conversation: this.#conversation,
        text,
        files: await files.contents(),
      };
      if (!(await act('/page/web/say', said))) return;
      if (input.value === text) input.value = '';
      files.clear();
    });
    sendOnEnter(input);
    document.getElementById('web-new').addEventListener('click', () => this.#begin());
    const form = document.getElementById('web-reason');
    form.addEventListener('submit', (event) => this.#submit(event));
    form.addEventListener('keydown', (event) => event.key === 'Escape' && this.#cancel());
  }

  get unread() {
    return this.#conversations().reduce((sum, name) => sum + this.#unreadOf(name), 0);
  }

  update(state, person, isShown) {
    this.#programs = state.web.programs;
    if (this.#person?.webClient !== person.webClient) this.#close();
    this.#person = person;
    this.#isShown = isShown;
    const conversations = this.#conversations();
    if (!conversations.includes(this.#current.get(this.#client)))
      this.#current.set(this.#client, conversations[0]);
    if (isShown) this.#seen.set(this.#place(this.#conversation), this.#newest(this.#conversation));
    this.#updateTabs(conversations);
    this.#updateProgram();
    this.#updateTalk();
    const label = `Message ${this.#conversation} as ${person.firstName}`;
    document.getElementById('web-message-label').textContent = `${label} over the web gateway`;
    document.getElementById('web-message').placeholder = label;
  }

  get #client() {
    return this.#person?.webClient;
  }

  get #program() {
    return this.#programs.find(({ client }) => client === this.#client);
  }

  get #conversation() {
    return this.#current.get(this.#client);
  }

  /** In the order they began; what belongs to none of them is last. */
  #conversations() {
    if (this.#program === undefined) return [];
    const { asked, heard } = this.#program;
    const said = [...asked, ...heard].toSorted(inTime).flatMap(({ conversation }) => conversation ?? []);
    const names = new Set(['c1', ...said, ...(this.#fresh.get(this.#client) ?? [])]);
    const isDirect = names.delete('direct');
    return [...names, ...(isDirect ? ['direct'] : [])];
  }

  #heardIn(conversation) {
    return (this.#program?.heard ?? []).filter((entry) => entry.conversation === conversation);
  }

  #newest(conversation) {
    return Math.max(0, ...this.#heardIn(conversation).map(({ position }) => position));
  }

  #unreadOf(conversation) {
    const seen = this.#seen.get(this.#place(conversation)) ?? 0;
    return this.#heardIn(conversation).filter(({ position }) => position > seen).length;
  }

  #place(conversation) {
    return `${this.#client} ${conversation}`;
  }

  #begin() {
    const numbers = this.#conversations().map((name) => Number(/^c(\d+)$/.exec(name)?.[1] ?? 0));
    const name = `c${Math.max(...numbers) + 1}`;
    this.#fresh.set(this.#client, [...(this.#fresh.get(this.#client) ?? []), name]);
    this.#goTo(name);
    announce(`New conversation ${name}`);
    document.getElementById('web-message').focus();
  }

  #goTo(conversation) {
    this.#current.set(this.#client, conversation);
    this.changed();
  }

  #updateTabs(names) {
    reconcile(document.getElementById('web-conversations'), names, {
      key: (name) => this.#place(name),
      revision: (name) => JSON.stringify([name === this.#conversation, this.#unreadOf(name), names]),
      render: (name) => {
        const isCurrent = name === this.#conversation;
        const unread = this.#unreadOf(name);
        return el(
          'button',
          {
            type: 'button',
            role: 'tab',
            'aria-selected': String(isCurrent),
            'aria-controls': 'web-timeline',
            'data-focus': 'tab',
            tabIndex: isCurrent ? 0 : -1,
            onclick: () => this.#goTo(name),
            onkeydown: (event) => moveBetweenTabs(event, names, this.#conversation, (to) => this.#goTo(to)),
          },
          name,
          unread > 0 && el('span', { className: 'count', title: `${unread} new` }, String(unread)),
        );
      },
    });
  }

  #updateProgram() {
    const { firstName } = this.#person;
    const { connection } = this.#program;
    document.getElementById('web-program').textContent = `A program of ${firstName}’s, over the web gateway`;
    const line = document.getElementById('web-connection');
    const text = connectionText(connection);
    line.dataset.kind = connection.kind;
    if (line.textContent !== text) line.textContent = text;
  }

  #updateTalk() {
    const { asked } = this.#program;
    const said = asked.filter(({ conversation }) => conversation === this.#conversation);
    const entries = withReplies(said, this.#heardIn(this.#conversation)).toSorted(inTime);
    const view = this.#place(this.#conversation);
    document.getElementById('web-empty').hidden = entries.length > 0;
    keepAtEnd(document.getElementById('web-timeline'), this.#shown !== view, () => {
      reconcile(document.getElementById('web-messages'), entries, {
        key: (entry) => entry.id ?? `heard ${entry.first}`,
        revision: (entry) => `${view} ${JSON.stringify([entry, this.#answersTo(entry)])}`,
        render: (entry) => (entry.kind === 'message' ? this.#renderSaid(entry) : this.#renderHeard(entry)),
      });
    });
    this.#shown = this.#isShown ? view : '';
  }

  #renderSaid(entry) {
    const { text, at, outcome, files } = entry;
    const { name, firstName } = this.#person;
    return renderMessage(
      {
        label: `${name} on the web`,
        avatar: el(
          'span',
          { className: `avatar ${firstName.toLowerCase()}`, 'aria-hidden': 'true' },
          initials(name),
        ),
      },
      byline(name, at),
      el('div', { className: 'prose' }, prose(text)),
      files.map((file) => renderFile(file)),
      outcome?.status !== 'answered' && outcomeLine(outcome),
    );
  }

  #renderHeard(entry) {
    const { kind, at, position, first } = entry;
    return renderMessage(
      {
        label: 'signalbox on the web',
        className: kind === 'notice' ? 'ephemeral' : '',
        avatar: el(
          'span',
          { className: 'avatar bot', 'aria-hidden': 'true' },
          el('img', { src: '/page/icon.svg', alt: '' }),
        ),
      },
      byline('signalbox', at, kind !== 'progress' && position !== first),
      kind === 'notice' && el('p', { className: 'only-you' }, 'For you alone'),
      kind === 'card'
        ? this.#renderCard(entry)
        : el(
            'div',
            { className: kind === 'progress' ? 'prose streaming muted' : 'prose' },
            prose(entry.markdown),
          ),
      (entry.files ?? []).map((file, index) =>
        renderFile(file, `/page/web/file/${this.#client}/${first}/${index}`),
      ),
      entry.pick && this.#renderPick(entry.pick),
      this.#renderButtons(entry.buttons),
    );
  }

  /** What can be said by a press. */
  #renderButtons(buttons = []) {
    if (buttons.length === 0) return null;
    return el(
      'div',
      { className: 'block-actions' },
      buttons.map(({ label, says }) =>
        el(
          'button',
          { type: 'button', className: 'button', 'data-focus': says, onclick: () => this.#say(says) },
          label,
        ),
      ),
    );
  }

  /** Boxes to tick, and a button that says what was ticked. */
  #renderPick({ label, says, options }) {
    const pick = (event) => {
      event.preventDefault();
      const values = new FormData(event.target).getAll('pick');
      if (values.length === 0) return notify('Tick what you mean first.');
      return this.#say([says, ...values].join(' '));
    };
    return el(
      'form',
      { className: 'picks', 'aria-label': label, onsubmit: pick },
      options.map((option) =>
        el(
          'label',
          { className: 'pick' },
          el('input', { type: 'checkbox', name: 'pick', value: option.value, 'data-focus': option.value }),
          el('span', {}, option.label),
        ),
      ),
      el(
        'div',
        { className: 'block-actions' },
        el('button', { type: 'submit', className: 'button', 'data-focus': `pick ${says}` }, label),
      ),
    );
  }

  #say(text) {
    const said = { client: this.#client, conversation: this.#conversation, text, files: [] };
    return act('/page/web/say', said);
  }

  #renderCard(entry) {
    const { card } = entry;
    return el(
      'div',
      { className: `blocks embed card ${card.status.state}`, 'data-card': card.approvalId },
      el('p', { className: 'block-header' }, card.title),
      el(
        'dl',
        { className: 'card-facts' },
        card.facts.flatMap(({ label, value }) => [el('dt', {}, label), el('dd', {}, value)]),
      ),
      card.modelSays &&
        el(
          'div',
          { className: 'prose' },
          el('p', { className: 'muted' }, 'The agent says, in its own words:'),
          el('blockquote', {}, card.modelSays),
        ),
      el(
        'p',
        { className: 'block-context' },
        el('span', {}, `Requested by ${card.requestedBy}`),
        el('span', {}, `Asked of ${card.askedOf}`),
        el('span', {}, `Risk ${card.risk}, ${card.reversible ? 'can be undone' : 'cannot be undone'}`),
      ),
      el('p', { className: 'card-status', ...OUTCOME }, card.status.sentence),
      card.yesElsewhere && el('p', {}, card.yesElsewhere),
      card.choices.length > 0 &&
        el(
          'div',
          { className: 'block-actions', role: 'group', 'aria-label': `Answer ${card.title}` },
          card.options && this.#renderOptions(card),
          card.choices
            .filter((choice) => choice !== 'answer' || !card.options)
            .map((choice) => this.#renderChoice(card, choice)),
        ),
      this.#answersTo(entry).map(({ outcome }) => [
        outcome?.code !== 'DECIDED' && outcomeLine(outcome),
        this.#renderButtons(outcome?.buttons),
      ]),
    );
  }

  /** A button for each of a few, a list for more. */
  #renderOptions(card) {
    const { approvalId, options } = card;
    const answer = (text) => this.#answer(card, 'answer', { text });
    if (options.length <= MOST_SHOWN_OPTIONS) {
      return options.map(({ id, label }) =>
        el(
          'button',
          {
            type: 'button',
            className: 'button',
            'data-focus': `${approvalId} option ${id}`,
            onclick: () => answer(id),
          },
          label,
        ),
      );
    }
    const list = el(
      'select',
      {
        'aria-label': 'Choose an answer',
        'data-focus': `${approvalId} options`,
        onchange: () => list.value !== '' && answer(list.value),
      },
      el('option', { value: '' }, 'Choose an answer'),
      options.map(({ id, label }) => el('option', { value: id }, label)),
    );
    return list;
  }

  #renderChoice(card, choice) {
    const { label, style, asks, form } = CHOICES[choice];
    return el(
      'button',
      {
        type: 'button',
        className: `button ${style}`,
        'data-focus': `${card.approvalId} ${choice}`,
        onclick: () => {
          if (form) return this.#openForm(card, choice);
          return asks
            ? this.#write({ card, choice, form: wordsForm(card, choice) })
            : this.#answer(card, choice);
        },
      },
      label,
    );
  }

  /** The newest answer to a card, given here. Of one that decided, the card itself says more. */
  #answersTo({ card }) {
    if (card === undefined) return [];
    return this.#program.asked.filter(({ approvalId }) => approvalId === card.approvalId).slice(-1);
  }

  async #answer({ approvalId, gen, digest }, choice, said = {}) {
    const card = { approvalId, gen, digest };
    return act('/page/web/answer', { client: this.#client, card, choice, ...said });
  }

  /** The form is made for who asks for it, as the card stands. */
  async #openForm(card, choice) {
    const { approvalId, gen, digest } = card;
    const wish = { client: this.#client, card: { approvalId, gen, digest }, choice };
    const offer = await act('/page/web/form', wish);
    if (offer === undefined) return;
    if (offer.kind === 'refused') notify(offer.notice);
    else this.#write({ card, choice, form: offer.form });
  }

  /** Opens the form for an answer that takes more than a press. */
  #write(writing) {
    const form = document.getElementById('web-reason');
    this.#writing = writing;
    form.hidden = false;
    const { title, words, fields, submit } = writing.form;
    form.replaceChildren(
      el('h3', { id: 'web-reason-title' }, title),
      ...(words ? [el('p', { className: 'muted' }, words)] : []),
      ...fields.map(renderField),
      el(
        'div',
        { className: 'inline-foot' },
        el('button', { type: 'button', className: 'button', onclick: () => this.#cancel() }, 'Cancel'),
        el('button', { type: 'submit', className: 'button primary' }, submit),
      ),
    );
    form.querySelector('textarea, input').focus();
  }

  #close() {
    this.#writing = undefined;
    document.getElementById('web-reason').hidden = true;
  }

  /** Back to the button that opened the form. */
  #cancel() {
    const { card, choice } = this.#writing;
    this.#close();
    returnTo(card, choice);
  }

  async #submit(event) {
    event.preventDefault();
    const { card, choice } = this.#writing;
    const fields = Object.fromEntries(
      [...new FormData(event.currentTarget)].map(([name, value]) => [name, String(value)]),
    );
    const { text = '' } = fields;
    if (CHOICES[choice].form) {
      if (!(await this.#answer(card, choice, { fields }))) return;
    } else {
      if (text.trim() === '') return;
      if (!(await this.#answer(card, choice === 'answer' ? 'answer' : 'deny', { text }))) return;
    }
    this.#cancel();
  }
}

/** The form for an answer whose only field is its words. */
function wordsForm(card, choice) {
  const { asks, submit } = CHOICES[choice];
  const field = { name: 'text', label: asks, required: true, multiline: true };
  return { title: card.title, fields: [field], submit };
}

function renderField({ name, label, value = '', hint, required, multiline }) {
  const id = `web-reason-${name}`;
  const hintId = `${id}-hint`;
  return el(
    'div',
    { className: 'input' },
    el('label', { for: id }, label),
    el(multiline ? 'textarea' : 'input', {
      id,
      name,
      value,
      required,
      maxLength: 4_000,
      ...(multiline ? { rows: 3 } : {}),
      ...(hint ? { 'aria-describedby': hintId } : {}),
    }),
    hint && el('p', { className: 'muted', id: hintId }, hint),
  );
}

/** Each with what it was answered as one entry more, which stays the same when the gateway tells it once again. */
function withReplies(said, heard) {
  const replies = said.flatMap(({ id, at, outcome }) =>
    outcome?.status === 'answered'
      ? [
          {
            kind: 'notice',
            id: `reply to ${id}`,
            at,
            markdown: outcome.notice ?? '',
            buttons: outcome.buttons,
          },
        ]
      : [],
  );
  const told = new Set();
  for (const reply of replies) {
    const again = heard.find(
      (entry) =>
        entry.kind === 'notice' &&
        entry.markdown === reply.markdown &&
        entry.at >= reply.at &&
        !told.has(entry),
    );
    if (!again) continue;
    told.add(again);
    Object.assign(reply, { buttons: again.buttons ?? reply.buttons, pick: again.pick });
  }
  const rest = heard.filter((entry) => !told.has(entry));
  return [
    ...said.flatMap((one) => [one, ...replies.filter(({ id }) => id === `reply to ${one.id}`)]),
    ...rest,
  ];
}

/** What a program hears, in words for people who listen to the page rather than look at it. */
export function newestHeard(before, after, { webClient }) {
  const of = (state) => state.web.programs.find(({ client }) => client === webClient);
  const last = Math.max(0, ...of(before).heard.map(({ position }) => position));
  const entry = of(after)
    .heard.filter(({ position, kind }) => position > last && kind !== 'progress')
    .toSorted((a, b) => a.position - b.position)
    .at(-1);
  if (entry === undefined) return undefined;
  return entry.card ? `${entry.card.title}: ${entry.card.status.sentence}` : entry.markdown;
}

function renderMessage({ label, className = '', avatar }, ...body) {
  return el(
    'article',
    { className: `message chat ${className}`, 'aria-label': label },
    avatar,
    el('div', { className: 'message-body' }, body),
  );
}

function byline(name, at, isChanged = false) {
  return el(
    'p',
    { className: 'byline' },
    el('strong', {}, name),
    time(new Date(at)),
    isChanged && el('small', {}, '(changed)'),
  );
}

/** What became of what somebody asked, as far as there is anything to say. */
function outcomeLine(outcome) {
  if (outcome === undefined) return el('p', { className: 'only-you pending' }, 'waiting for the gateway …');
  switch (outcome.status) {
    case 'answered':
      return el(
        'div',
        { className: 'outcome' },
        el('p', { className: 'only-you' }, 'For you alone'),
        el('div', { className: 'prose' }, prose(outcome.notice ?? '')),
      );
    case 'ignored':
      return el('p', { className: 'problem' }, `Not taken: ${outcome.reason}`);
    case 'refused':
      return el('p', { className: 'problem' }, `Not taken. ${outcome.reason}`);
    default:
      return null;
  }
}

function connectionText({ kind, sentence }) {
  switch (kind) {
    case 'connected':
      return 'Connected';
    case 'connecting':
      return 'Connecting …';
    case 'refused':
      return sentence;
    case 'silent':
      return 'Has nothing to say yet';
    default:
      return 'No web gateway is running';
  }
}

function inTime(a, b) {
  return a.at < b.at ? -1 : a.at > b.at ? 1 : 0;
}

/** Back to the button that opened the form, or to what came of the card meanwhile. */
function returnTo({ approvalId }, choice) {
  const card = document.querySelector(`#web [data-card="${CSS.escape(approvalId)}"]`);
  if (card) focusIn(card, `${approvalId} ${choice}`);
}

// ── Markdown ─────────────────────────────────────────────────────────────────────────────────────────────────

/** Stands for an escaped character while markup is looked for, so that it is none. */
const ASIDE = 0xe000;
const ENTITIES = { amp: '&', lt: '<', gt: '>', quot: '"' };
const ESCAPED = /```[\s\S]*?```|`[^`\n]+`|\\([!-/:-@[-`{-~])|&#(\d{1,3});|&(amp|lt|gt|quot);/g;

/** Markdown as elements; what is escaped stays as typed, and links say where they lead. */
function prose(markdown) {
  const marked = markdown.replaceAll(ESCAPED, (match, escaped, code, entity) => {
    const character = escaped ?? ENTITIES[entity] ?? (code && String.fromCharCode(Number(code)));
    return character === undefined ? match : aside(character);
  });
  const part = document.createElement('div');
  part.append(...richText(marked, 'markdown', (id) => id));
  const walker = document.createTreeWalker(part, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) walker.currentNode.data = back(walker.currentNode.data);
  for (const link of part.querySelectorAll('a')) {
    link.setAttribute('href', back(link.getAttribute('href')));
    if (link.textContent !== link.getAttribute('href'))
      link.after(el('span', { className: 'target' }, ` (${link.getAttribute('href')})`));
  }
  return [...part.childNodes];
}

function aside(character) {
  const code = character.charCodeAt(0);
  return code < 0x80 ? String.fromCharCode(ASIDE + code) : character;
}

function back(text) {
  return text.replaceAll(/[\ue000-\ue07f]/g, (character) =>
    String.fromCharCode(character.charCodeAt(0) - ASIDE),
  );
}
