/** The Discord part: channels, threads, direct messages, commands, cards with buttons, and the form behind one. */
import { insertMention, keepAtEnd, moveBetweenTabs, sendOnEnter } from './composer.js';
import { act, el, focusIn, initials, notify, OUTCOME, reconcile, time } from './dom.js';
import { FilePicker, renderFile } from './files.js';
import { richText } from './markup.js';

const BUTTON_STYLES = { 1: 'primary', 3: 'primary', 4: 'danger' };

export class DiscordView {
  #state;
  #person;
  #place;
  #seen = new Map();
  #shown = '';
  #isShown = false;
  #shownModal = '';
  /** The button that was pressed last: what opens a form. */
  #pressed;

  /** `changed` is called when the person goes to another place. */
  constructor(changed) {
    this.changed = changed;
    const input = document.getElementById('discord-message');
    const composer = document.getElementById('discord-composer');
    const files = new FilePicker(composer, composer.querySelector('.composer-bar'));
    composer.addEventListener('submit', async (event) => {
      event.preventDefault();
      const text = input.value;
      if (text.trim() === '' && files.isEmpty) return;
      const said = {
        user: this.#person.discordUser,
        channel: this.#place,
        text,
        files: await files.contents(),
      };
      if (!(await this.#act('/page/discord/say', said))) return;
      if (input.value === text) input.value = '';
      files.clear();
    });
    sendOnEnter(input);
    document.getElementById('discord-mention').addEventListener('click', () => insertMention(input));
    document.getElementById('discord-modal').addEventListener('submit', (event) => this.#submit(event));
  }

  get unread() {
    return this.#places().reduce((sum, place) => sum + this.#unreadOf(place), 0);
  }

  update(state, person, isShown) {
    this.#state = state.discord;
    this.#people = state.people;
    this.#person = person;
    this.#isShown = isShown;
    const places = this.#places();
    const current = places.find(({ id }) => id === this.#place) ?? places[0];
    this.#place = current.id;
    if (isShown) this.#seen.set(current.id, current.messages.length);
    this.#updateTabs(places);
    this.#updateMessages(current);
    this.#updateModal();
    const label = `Message ${current.name} as ${person.firstName}`;
    document.getElementById('discord-message-label').textContent = `${label} in Discord`;
    document.getElementById('discord-message').placeholder = label;
    document.getElementById('discord-commands').textContent = this.#state.commands
      .map(({ name, options }) => `/${name}${options.map((option) => ` ${option}`).join('')}`)
      .join('   ');
  }

  #people = [];

  /** The channels and threads, and this person's own direct messages. */
  #places() {
    return (this.#state?.places ?? []).filter(
      ({ dmOf }) => dmOf === undefined || dmOf === this.#person?.discordUser,
    );
  }

  #unreadOf({ id, messages }) {
    return Math.max(0, messages.length - (this.#seen.get(id) ?? 0));
  }

  #updateTabs(places) {
    const ids = places.map(({ id }) => id);
    reconcile(document.getElementById('discord-places'), places, {
      key: ({ id }) => id,
      revision: (place) => JSON.stringify([place.id === this.#place, this.#unreadOf(place), ids.length]),
      render: (place) => {
        const isCurrent = place.id === this.#place;
        const unread = this.#unreadOf(place);
        return el(
          'button',
          {
            type: 'button',
            role: 'tab',
            'aria-selected': String(isCurrent),
            'aria-controls': 'discord-timeline',
            'data-focus': 'tab',
            tabIndex: isCurrent ? 0 : -1,
            onclick: () => this.#goTo(place.id),
            onkeydown: (event) => moveBetweenTabs(event, ids, this.#place, (id) => this.#goTo(id)),
          },
          place.name.length > 24 ? `${place.name.slice(0, 23)}…` : place.name,
          unread > 0 && el('span', { className: 'count' }, String(unread)),
        );
      },
    });
  }

  #goTo(place) {
    this.#place = place;
    this.changed();
  }

  #updateMessages(place) {
    const mine = this.#state.ephemerals.filter(
      ({ channel, onlyFor }) => channel === place.id && onlyFor === this.#person.discordUser,
    );
    const messages = [...place.messages, ...mine].toSorted((a, b) => (BigInt(a.id) < BigInt(b.id) ? -1 : 1));
    const view = `${place.id} ${this.#person.discordUser}`;
    document.getElementById('discord-empty').hidden = messages.length > 0;
    keepAtEnd(document.getElementById('discord-timeline'), this.#shown !== view, () => {
      reconcile(document.getElementById('discord-messages'), messages, {
        key: ({ id }) => id,
        revision: (message) => `${view} ${JSON.stringify(message)}`,
        render: (message) => this.#renderMessage(message),
      });
    });
    this.#shown = this.#isShown ? view : '';
  }

  #renderMessage(message) {
    const isBot = message.author === this.#state.bot;
    const name = this.#nameOf(message.author);
    return el(
      'article',
      {
        className: `message chat ${message.onlyFor === undefined ? '' : 'ephemeral'}`,
        'aria-label': `${name} in Discord`,
      },
      el(
        'span',
        { className: `avatar ${isBot ? 'bot' : name.split(' ')[0].toLowerCase()}`, 'aria-hidden': 'true' },
        isBot ? el('img', { src: '/page/icon.svg', alt: '' }) : initials(name),
      ),
      el(
        'div',
        { className: 'message-body' },
        el(
          'p',
          { className: 'byline' },
          el('strong', {}, name),
          isBot && el('span', { className: 'tag' }, 'APP'),
          time(new Date(message.createdAt)),
          message.isEdited && el('small', {}, '(edited)'),
        ),
        message.onlyFor !== undefined && el('p', { className: 'only-you' }, 'Only you can see this'),
        message.isThinking
          ? el('p', { className: 'prose streaming muted' }, 'is thinking …')
          : el(
              'div',
              { className: 'prose' },
              richText(this.#readable(message.content), 'markdown', this.#names),
            ),
        message.embeds.map((embed) => this.#renderEmbed(embed)),
        message.files.map((file) => renderFile(file, `/page/file/discord/${file.id}`)),
        this.#renderButtons(message),
      ),
    );
  }

  #renderEmbed({ title, description, fields = [], footer }) {
    const prose = (text) => richText(this.#readable(text), 'markdown', this.#names);
    return el(
      'div',
      { className: 'blocks embed' },
      title && el('p', { className: 'block-header' }, title),
      description && el('div', { className: 'prose', ...OUTCOME }, prose(description)),
      fields.length > 0 &&
        el(
          'div',
          { className: 'fields' },
          fields.map(({ name, value, inline }) =>
            el(
              'div',
              { className: inline ? 'prose' : 'prose whole' },
              el('p', {}, el('strong', {}, name)),
              prose(value),
            ),
          ),
        ),
      footer && el('p', { className: 'block-context' }, footer.text),
    );
  }

  #renderButtons(message) {
    const components = message.components.flatMap((row) => row.components ?? []);
    const menus = components
      .filter(({ type }) => type === STRING_SELECT)
      .map((menu) => this.#renderMenu(message, menu));
    const buttons = components.filter(({ type }) => type === 2);
    if (buttons.length === 0) return menus;
    return [menus, this.#renderRow(message, buttons)];
  }

  /** A menu that several can be chosen from; it is sent with a button, as by closing it. */
  #renderMenu(message, { custom_id: customId, placeholder, options, max_values: most = 1 }) {
    const choose = (event) => {
      event.preventDefault();
      const values = new FormData(event.target).getAll('value');
      if (values.length === 0) return notify('Tick what you mean first.');
      this.#pressed = { message: message.id, customId };
      const where = { user: this.#person.discordUser, channel: message.channel, message: message.id };
      return this.#act('/page/discord/choose', { ...where, customId, values });
    };
    return el(
      'form',
      { className: 'picks', 'aria-label': placeholder ?? 'Menu', onsubmit: choose },
      options.map(({ label, value }) =>
        el(
          'label',
          { className: 'pick' },
          el('input', {
            type: most > 1 ? 'checkbox' : 'radio',
            name: 'value',
            value,
            'data-focus': value,
          }),
          el('span', {}, label),
        ),
      ),
      el(
        'div',
        { className: 'block-actions' },
        el(
          'button',
          { type: 'submit', className: 'button', 'data-focus': customId },
          placeholder ?? 'Choose',
        ),
      ),
    );
  }

  #renderRow(message, buttons) {
    return el(
      'div',
      { className: 'block-actions' },
      buttons.map(({ label, style, custom_id: customId, disabled }) =>
        el(
          'button',
          {
            type: 'button',
            className: `button ${BUTTON_STYLES[style] ?? ''}`,
            disabled: disabled === true,
            'data-focus': customId,
            onclick: () => {
              this.#pressed = { message: message.id, customId };
              return this.#act('/page/discord/press', {
                user: this.#person.discordUser,
                channel: message.channel,
                message: message.id,
                customId,
              });
            },
          },
          label,
        ),
      ),
    );
  }

  #updateModal() {
    const form = document.getElementById('discord-modal');
    const open = this.#state.modals.find(({ user }) => user === this.#person.discordUser);
    const shown = open === undefined ? '' : JSON.stringify(open);
    if (shown === this.#shownModal) return;
    this.#shownModal = shown;
    const hadFocus = form.contains(document.activeElement);
    form.hidden = open === undefined;
    if (open === undefined) {
      if (hadFocus) this.#returnToCard();
      return;
    }
    const words = open.components.flatMap(({ type, content }) => (type === TEXT_DISPLAY ? [content] : []));
    const inputs = open.components.flatMap(inputsOf);
    form.replaceChildren(
      el('h3', { id: 'discord-modal-title' }, open.title),
      ...words.map((text) => el('p', { className: 'muted' }, this.#readable(text))),
      ...inputs.map((input) => {
        const id = `discord-input-${input.custom_id}`;
        return el(
          'div',
          { className: 'input' },
          el('label', { for: id }, input.label ?? 'Text'),
          el(input.style === 1 ? 'input' : 'textarea', {
            id,
            name: input.custom_id,
            value: input.value ?? '',
            required: input.required !== false,
            maxLength: input.max_length ?? 4_000,
            ...(input.style === 1 ? {} : { rows: 3 }),
            ...(input.hint ? { 'aria-describedby': `${id}-hint` } : {}),
          }),
          input.hint && el('p', { className: 'muted', id: `${id}-hint` }, input.hint),
        );
      }),
      el(
        'div',
        { className: 'inline-foot' },
        el(
          'button',
          {
            type: 'button',
            className: 'button',
            onclick: () => this.#act('/page/discord/close', { user: this.#person.discordUser }),
          },
          'Cancel',
        ),
        el('button', { type: 'submit', className: 'button primary' }, 'Submit'),
      ),
    );
    form.querySelector('textarea, input')?.focus();
  }

  #returnToCard() {
    if (this.#pressed === undefined) return;
    const { message, customId } = this.#pressed;
    const card = document.querySelector(`#discord-messages [data-key="${CSS.escape(message)}"]`);
    if (card) focusIn(card, customId);
  }

  async #submit(event) {
    event.preventDefault();
    const values = Object.fromEntries(new FormData(event.currentTarget));
    await this.#act('/page/discord/submit', { user: this.#person.discordUser, values });
  }

  /** What goes wrong is said; undefined then. */
  async #act(path, body) {
    const outcome = await act(path, body);
    if (outcome?.kind === 'failed')
      notify(`Discord says: ${outcome.text ?? 'the application did not respond'}`);
    return outcome;
  }

  #names = (id) => this.#nameOf(id);

  /** Mentions and what was escaped, as people read them. */
  #readable(text) {
    return text
      .replaceAll(/<t:(\d+):([a-zA-Z])>/g, (_, seconds, style) => moment(Number(seconds), style))
      .replaceAll(/<@!?(\d+)>/g, (_, id) => `@${this.#nameOf(id)}`)
      .replaceAll(/\\([\\`*_{}[\]()#+\-.!|~<>@:])/g, '$1');
  }

  #nameOf(id) {
    if (id === this.#state.bot) return 'signalbox';
    return this.#people.find(({ discordUser }) => discordUser === id)?.name ?? id;
  }
}

/** Types of components (docs.discord.com, Component Types). */
const STRING_SELECT = 3;
const TEXT_DISPLAY = 10;

/** The inputs of a row, or of a label that names its one input. */
function inputsOf({ components = [], component, label, description }) {
  return component ? [{ ...component, label, hint: description }] : components;
}

const MOMENT = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'short' });
const RELATIVE = new Intl.RelativeTimeFormat(undefined, { numeric: 'auto' });

/** What Discord makes of a timestamp: a date, or for `R` how long until then. */
function moment(seconds, style) {
  if (style !== 'R') return MOMENT.format(new Date(seconds * 1000));
  const minutes = Math.round((seconds - Date.now() / 1000) / 60);
  return Math.abs(minutes) < 90
    ? RELATIVE.format(minutes, 'minute')
    : RELATIVE.format(Math.round(minutes / 60), 'hour');
}
