/** The Slack part: places, threads, ephemeral messages, the composer, and the modal in front of the person. */
import { renderBlocks } from './blocks.js';
import { insertMention, keepAtEnd, sendOnEnter } from './composer.js';
import { act, el, focusIn, initials, notify, reconcile, time } from './dom.js';
import { FilePicker, renderFile } from './files.js';
import { richText } from './markup.js';

const SUGGESTIONS = [
  ['@signalbox refund order 7', 'waits for a manager'],
  ['@signalbox refund order 3', 'small enough to be done at once'],
  ['@signalbox deploy api to production', 'waits for a manager'],
];

/** What can stand behind the command; its app says more with `help`. */
const COMMAND_WORDS = 'ask … | approvals | approve … | deny … | status | help';

export class SlackView {
  #state;
  #person;
  #place = 'C0GENERAL';
  #seen = new Map();
  #shownModal = '';
  #shownPlace = '';
  #files;
  /** The button that was pressed last: what opens a modal. */
  #pressed;

  /** `changed` is called when the person goes to another place. */
  constructor(changed) {
    this.changed = changed;
    const input = document.getElementById('message');
    const composer = document.getElementById('composer');
    this.#files = new FilePicker(composer, composer.querySelector('.composer-bar'));
    composer.addEventListener('submit', (event) => {
      event.preventDefault();
      this.#send(input);
    });
    sendOnEnter(input);
    document.getElementById('mention').addEventListener('click', () => insertMention(input));
    document
      .getElementById('suggestions')
      .append(...SUGGESTIONS.map((suggestion) => renderSuggestion(suggestion, input)));
    this.#wireModal();
  }

  get unread() {
    return this.#visiblePlaces().reduce((sum, place) => sum + this.#unreadOf(place), 0);
  }

  update(state, person, isShown) {
    this.#state = state;
    this.#person = person;
    const places = this.#visiblePlaces();
    const current = places.find(({ id }) => id === this.#place) ?? places.at(-1);
    this.#place = current.id;
    if (isShown) this.#seen.set(current.id, current.messages.length);

    this.#updatePlaces(places);
    this.#updateThreads(current);
    this.#updateComposer(current);
    this.#updateModal();
  }

  /** The channels, and this person's own direct messages. */
  #visiblePlaces() {
    return (this.#state?.places ?? []).filter(
      ({ dmOf }) => dmOf === undefined || dmOf === this.#person.slackUser,
    );
  }

  #unreadOf({ id, messages }) {
    return Math.max(0, messages.length - (this.#seen.get(id) ?? 0));
  }

  #updatePlaces(places) {
    reconcile(document.getElementById('places'), places, {
      key: ({ id }) => id,
      revision: (place) => JSON.stringify([place.id === this.#place, this.#unreadOf(place)]),
      render: (place) => this.#renderTab(place),
    });
  }

  #renderTab(place) {
    const unread = this.#unreadOf(place);
    const isCurrent = place.id === this.#place;
    return el(
      'button',
      {
        type: 'button',
        role: 'tab',
        'aria-selected': String(isCurrent),
        'aria-controls': 'timeline',
        'data-focus': 'tab',
        tabIndex: isCurrent ? 0 : -1,
        onclick: () => this.#goTo(place.id),
        onkeydown: (event) => this.#moveBetweenTabs(event),
      },
      place.dmOf === undefined ? `# ${place.name}` : `✉ ${place.name}`,
      unread > 0 && el('span', { className: 'count' }, String(unread)),
    );
  }

  #moveBetweenTabs(event) {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (step === undefined) return;
    event.preventDefault();
    const places = this.#visiblePlaces();
    const index = places.findIndex(({ id }) => id === this.#place);
    this.#goTo(places[(index + step + places.length) % places.length].id);
    document.querySelector('#places [aria-selected="true"]').focus();
  }

  #goTo(place) {
    this.#place = place;
    this.changed();
  }

  #updateThreads(place) {
    const threads = toThreads(place, this.#ephemeralsIn(place.id));
    const shown = `${place.id} ${this.#person.slackUser}`;
    document.getElementById('welcome').hidden = threads.length > 0;
    keepAtEnd(document.getElementById('timeline'), this.#shownPlace !== shown, () => {
      const list = document.getElementById('threads');
      reconcile(list, threads, {
        key: ({ id }) => `${place.id} ${id}`,
        revision: () => this.#person.slackUser, // The composer inside names who writes.
        render: (thread) => this.#renderThread(place, thread),
      });
      for (const [index, thread] of threads.entries())
        this.#updateThread(list.children[index], place, thread);
    });
    this.#shownPlace = shown;
  }

  #ephemeralsIn(channel) {
    return this.#state.ephemerals.filter(
      (one) => one.channel === channel && one.user === this.#person.slackUser,
    );
  }

  #renderThread(place, { id }) {
    const author = this.#nameOf(place.messages.find(({ ts }) => ts === id)?.user ?? '');
    return el(
      'article',
      { className: 'thread', 'aria-label': `Thread of ${author}` },
      el('div', { className: 'messages' }),
      el('p', { className: 'status', hidden: true }),
      this.#renderReplyForm(place, id),
    );
  }

  #renderReplyForm(place, thread) {
    const inputId = `reply-${place.id}-${thread}`;
    const input = el('textarea', {
      id: inputId,
      rows: 1,
      placeholder: `Reply as ${this.#person.firstName}`,
      maxLength: 10_000,
    });
    sendOnEnter(input);
    const bar = el(
      'div',
      { className: 'reply-bar' },
      el('button', { type: 'submit', className: 'button' }, 'Reply'),
    );
    const form = el(
      'form',
      {
        className: 'reply-form',
        hidden: true,
        onsubmit: async (event) => {
          event.preventDefault();
          if (await this.#say(input.value, files, thread)) input.value = '';
        },
        onkeydown: ({ key }) => {
          if (key !== 'Escape') return;
          form.hidden = true;
          open.hidden = false;
          open.focus();
        },
      },
      el('label', { className: 'sr', for: inputId }, `Reply in thread as ${this.#person.firstName}`),
      input,
      bar,
    );
    const files = new FilePicker(form, bar);
    const open = el(
      'button',
      {
        type: 'button',
        className: 'reply-open',
        onclick: () => {
          form.hidden = false;
          open.hidden = true;
          form.scrollIntoView({ block: 'nearest' });
          input.focus();
        },
      },
      'Reply in thread',
    );
    return el('div', { className: 'reply' }, open, form);
  }

  #updateThread(element, place, { root, entries }) {
    reconcile(element.querySelector('.messages'), entries, {
      key: ({ ts }) => ts,
      revision: (entry) => JSON.stringify(entry),
      render: (entry) => this.#renderMessage(place, entry),
    });
    // What only one person sees begins no thread.
    element.querySelector('.reply').hidden = root === undefined;
    const status = element.querySelector('.status');
    status.hidden = (root?.status ?? '') === '';
    status.textContent =
      root === undefined || root.status === '' ? '' : `${this.#state.bot.name} ${root.status}`;
  }

  #renderMessage(place, message) {
    const name = this.#nameOf(message.user);
    const isBot = message.isEphemeral || message.user === this.#state.bot.user;
    return el(
      'div',
      {
        className: `message ${message.isReply ? 'reply-message' : ''} ${message.isEphemeral ? 'ephemeral' : ''}`,
      },
      avatar(isBot ? this.#state.bot.name : name, isBot),
      el(
        'div',
        { className: 'message-body' },
        el(
          'p',
          { className: 'byline' },
          el('strong', {}, isBot ? this.#state.bot.name : name),
          isBot && el('span', { className: 'tag' }, 'APP'),
          time(new Date(Number(message.ts) * 1000)),
          message.isEdited && el('span', { className: 'muted' }, 'edited'),
        ),
        message.isEphemeral &&
          el('p', { className: 'only-you' }, `Only visible to ${this.#person.firstName}`),
        this.#renderContent(place, message),
        (message.files ?? []).map((file) => renderFile(file, `/page/file/slack/${file.id}`)),
        (message.reactions ?? []).map(({ name: emoji, users }) =>
          el('span', { className: 'reaction' }, `:${emoji}: ${users.length}`),
        ),
      ),
    );
  }

  #renderContent(place, message) {
    if (message.isGone) return el('p', { className: 'muted' }, 'This message was deleted.');
    if (message.text === '' && message.files?.length > 0) return null;
    const names = (id) => this.#nameOf(id);
    if (message.blocks?.length > 0) {
      const press = (actionId, button, chosen) => this.#press(place, message, actionId, button, chosen);
      return el('div', { className: 'blocks' }, renderBlocks(message.blocks, { names, press }));
    }
    const dialect = message.isMarkdown ? 'markdown' : 'mrkdwn';
    return el(
      'div',
      { className: `prose ${message.isStreaming ? 'streaming' : ''}` },
      richText(message.text, dialect, names),
    );
  }

  #updateComposer(place) {
    const name = place.dmOf === undefined ? `#${place.name}` : place.name;
    const label = `Message ${name} as ${this.#person.firstName}`;
    document.getElementById('message-label').textContent = label;
    document.getElementById('message').placeholder = label;
    document.getElementById('slack-commands').textContent = this.#state.commands
      .map((command) => `${command} ${COMMAND_WORDS}`)
      .join('   ');
  }

  async #send(input) {
    const text = input.value;
    if (!(await this.#say(text, this.#files))) return;
    if (input.value === text) input.value = '';
    input.style.height = '';
    const timeline = document.getElementById('timeline');
    timeline.scrollTop = timeline.scrollHeight;
  }

  async #say(text, files, thread) {
    if (text.trim() === '' && files.isEmpty) return false;
    const said = await act('/page/say', {
      user: this.#person.slackUser,
      channel: this.#place,
      text,
      files: await files.contents(),
      ...(thread && { thread }),
    });
    if (said === undefined) return false;
    if (said.kind === 'failed')
      notify(`${text.split(/\s/, 1)[0]} failed. Is the gateway running? Type it again when it is.`);
    files.clear();
    return said.kind !== 'failed';
  }

  async #press(place, message, actionId, button, chosen) {
    button.setAttribute('aria-busy', 'true');
    this.#pressed = { ts: message.ts, actionId };
    const boxes = button.closest('.blocks')?.querySelectorAll('[data-tick]:checked') ?? [];
    const ticked = [...boxes].map(({ value }) => value);
    const outcome = await act('/page/press', {
      user: this.#person.slackUser,
      channel: place.id,
      ts: message.ts,
      actionId,
      ticked,
      ...(chosen === undefined ? {} : { chosen }),
    });
    button.removeAttribute('aria-busy');
    if (outcome?.kind === 'failed')
      notify('signalbox did not respond. Is the gateway running? Press again when it is.');
  }

  #wireModal() {
    const dialog = document.getElementById('modal');
    const close = () => act('/page/close', { user: this.#person.slackUser });
    document.getElementById('modal-close').addEventListener('click', close);
    document.getElementById('modal-cancel').addEventListener('click', close);
    dialog.addEventListener('cancel', (event) => {
      event.preventDefault();
      close();
    });
    document.getElementById('modal-form').addEventListener('submit', async (event) => {
      event.preventDefault();
      const values = Object.fromEntries(new FormData(event.target));
      const outcome = await act('/page/submit', { user: this.#person.slackUser, values });
      if (outcome?.kind === 'failed') notify('signalbox did not respond. Is the gateway running?');
      if (outcome?.kind === 'refused') showProblems(outcome.errors);
    });
  }

  #updateModal() {
    const dialog = document.getElementById('modal');
    const open = this.#state.modals.find(({ user }) => user === this.#person.slackUser);
    const shown = open === undefined ? '' : JSON.stringify(open);
    if (shown === this.#shownModal) return;
    this.#shownModal = shown;
    if (open === undefined) {
      dialog.close();
      if (dialog.contains(document.activeElement)) this.#returnToCard();
      return;
    }

    const { view } = open;
    document.getElementById('modal-title').textContent = view.title.text;
    const names = (id) => this.#nameOf(id);
    document
      .getElementById('modal-body')
      .replaceChildren(...renderBlocks(view.blocks, { names, press: () => {} }));
    document.getElementById('modal-submit').textContent = view.submit?.text ?? 'Submit';
    document.getElementById('modal-submit').hidden = view.submit === undefined;
    document.getElementById('modal-cancel').textContent = view.close?.text ?? 'Cancel';
    if (!dialog.open) dialog.showModal();
    dialog.querySelector('input, textarea')?.focus();
  }

  /** For when the browser does not find the button that opened the modal: the card was settled meanwhile. */
  #returnToCard() {
    if (this.#pressed === undefined) return;
    const { ts, actionId } = this.#pressed;
    const card = document.querySelector(`#threads .message[data-key="${CSS.escape(ts)}"]`);
    if (card) focusIn(card, actionId);
  }

  #nameOf(id) {
    if (id === this.#state.bot.user) return this.#state.bot.name;
    if (id === 'USLACKBOT') return 'Slackbot';
    const person = this.#state.people.find(({ slackUser }) => slackUser === id);
    return person?.name ?? this.#state.places.find((place) => place.id === id)?.name ?? id;
  }
}

/** Roots with their replies, and what only this person sees among them, oldest first. */
function toThreads({ messages }, ephemerals) {
  const threads = new Map();
  const threadOf = (id) => {
    const thread = threads.get(id) ?? { id, root: undefined, entries: [] };
    threads.set(id, thread);
    return thread;
  };
  for (const message of messages) {
    const thread = threadOf(message.thread ?? message.ts);
    if (message.thread === undefined) thread.root = message;
    thread.entries.push({ ...message, isReply: message.thread !== undefined });
  }
  for (const ephemeral of ephemerals) {
    const thread = threadOf(ephemeral.thread ?? ephemeral.ts);
    thread.entries.push({ ...ephemeral, isEphemeral: true, isReply: ephemeral.thread !== undefined });
    thread.entries.sort((a, b) => Number(a.ts) - Number(b.ts));
  }
  return [...threads.values()].sort((a, b) => Number(a.id) - Number(b.id));
}

function avatar(name, isBot) {
  if (isBot)
    return el(
      'span',
      { className: 'avatar bot', 'aria-hidden': 'true' },
      el('img', { src: '/page/icon.svg', alt: '' }),
    );
  return el(
    'span',
    { className: `avatar ${name.split(' ')[0].toLowerCase()}`, 'aria-hidden': 'true' },
    initials(name),
  );
}

function renderSuggestion([text, what], input) {
  const fill = () => {
    input.value = text;
    input.focus();
  };
  return el(
    'li',
    {},
    el(
      'button',
      { type: 'button', className: 'suggestion', onclick: fill },
      el('code', {}, text),
      el('span', { className: 'muted' }, what),
    ),
  );
}

function showProblems(errors) {
  for (const line of document.querySelectorAll('#modal-body [data-problem]')) {
    line.textContent = errors[line.dataset.problem] ?? '';
    line.hidden = line.textContent === '';
  }
}
