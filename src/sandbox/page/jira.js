/** The Jira part: one issue at a time, with its comments, and what a person can do with it. */
import { insertMention, keepAtEnd, sendOnEnter } from './composer.js';
import { act, el, initials, reconcile, time } from './dom.js';
import { FilePicker, renderFile } from './files.js';
import { richText } from './markup.js';

export class JiraView {
  #state;
  #people = [];
  #person;
  #issue = 'OPS-2';
  #seen = new Map();
  #shown = '';
  #isShown = false;

  /** `changed` is called when the person goes to another issue. */
  constructor(changed) {
    this.changed = changed;
    const input = document.getElementById('jira-comment');
    const composer = document.getElementById('jira-composer');
    const files = new FilePicker(composer, composer.querySelector('.composer-bar'));
    composer.addEventListener('submit', async (event) => {
      event.preventDefault();
      const text = input.value;
      if (text.trim() === '' && files.isEmpty) return;
      const { jiraAccount: user } = this.#person;
      const comment = { user, issue: this.#issue, text, files: await files.contents() };
      if (!(await act('/page/jira/comment', comment))) return;
      if (input.value === text) input.value = '';
      files.clear();
    });
    sendOnEnter(input);
    document.getElementById('jira-mention').addEventListener('click', () => insertMention(input));
    document
      .getElementById('jira-issue')
      .addEventListener('change', ({ target }) => this.#goTo(target.value));
    document.getElementById('jira-new').addEventListener('click', () => this.#create());
  }

  get unread() {
    return (this.#state?.issues ?? []).reduce((sum, issue) => sum + this.#unreadOf(issue), 0);
  }

  update(state, person, isShown) {
    this.#state = state.jira;
    this.#people = state.people;
    this.#person = person;
    this.#isShown = isShown;
    const issue = this.#state.issues.find(({ key }) => key === this.#issue) ?? this.#state.issues[0];
    if (issue === undefined) return;
    this.#issue = issue.key;
    if (isShown) this.#seen.set(issue.key, issue.comments.length);
    this.#updateList();
    this.#updateIssue(issue);
    const label = `Comment on ${issue.key} as ${person.firstName}`;
    document.getElementById('jira-comment-label').textContent = label;
    document.getElementById('jira-comment').placeholder = label;
  }

  #unreadOf({ key, comments }) {
    return Math.max(0, comments.length - (this.#seen.get(key) ?? 0));
  }

  #goTo(key) {
    this.#issue = key;
    this.changed();
  }

  async #create() {
    const summary = window.prompt('Summary of the new issue');
    if (!summary) return;
    const created = await act('/page/jira/create', { user: this.#person.jiraAccount, summary });
    if (created) this.#goTo(created.key);
  }

  #updateList() {
    const select = document.getElementById('jira-issue');
    reconcile(select, this.#state.issues, {
      key: ({ key }) => key,
      revision: (issue) => JSON.stringify([issue.summary, issue.status, this.#unreadOf(issue)]),
      render: (issue) => {
        const unread = this.#unreadOf(issue);
        const news = unread > 0 ? ` (${unread} new)` : '';
        return el('option', { value: issue.key }, `${issue.key} ${issue.summary} · ${issue.status}${news}`);
      },
    });
    if (select.value !== this.#issue) select.value = this.#issue;
  }

  #updateIssue(issue) {
    reconcile(document.getElementById('jira-head'), [issue], {
      key: ({ key }) => key,
      revision: ({ comments: _, ...shown }) => JSON.stringify([shown, this.#person.jiraAccount]),
      render: () => this.#renderHead(issue),
    });
    keepAtEnd(document.getElementById('jira-timeline'), this.#shown !== issue.key, () => {
      reconcile(document.getElementById('jira-comments'), issue.comments, {
        key: ({ id }) => `${issue.key} ${id}`,
        revision: (comment) => JSON.stringify(comment),
        render: (comment) => this.#renderComment(comment),
      });
    });
    this.#shown = this.#isShown ? issue.key : '';
  }

  #renderHead({ key, summary, description, status, assignee, files }) {
    const selectId = `status-of-${key}`;
    const move = ({ target }) =>
      act('/page/jira/move', { user: this.#person.jiraAccount, issue: key, to: target.value });
    return el(
      'div',
      { className: 'issue' },
      el('h3', {}, el('span', { className: 'muted' }, `${key} `), summary),
      description && el('div', { className: 'prose' }, this.#wiki(description)),
      el(
        'div',
        { className: 'issue-facts' },
        el(
          'label',
          { for: selectId },
          'Status ',
          el(
            'select',
            { id: selectId, onchange: move },
            this.#state.statuses.map((name) =>
              el('option', { value: name, selected: name === status }, name),
            ),
          ),
        ),
        el('span', {}, `Assignee: ${assignee === undefined ? 'nobody' : this.#nameOf(assignee)}`),
        assignee !== this.#state.bot &&
          el(
            'button',
            {
              type: 'button',
              className: 'quiet',
              onclick: () => act('/page/jira/assign', { user: this.#person.jiraAccount, issue: key }),
            },
            'Assign to signalbox',
          ),
      ),
      files.map((file) => [
        renderFile(file, `/page/file/jira/${file.id}`),
        el('p', { className: 'muted' }, `from ${this.#nameOf(file.author)}`),
      ]),
    );
  }

  #renderComment({ author, body, created, isEdited, visibility, isInternal }) {
    const isBot = author === this.#state.bot;
    const name = this.#nameOf(author);
    return el(
      'article',
      { className: 'message chat', 'aria-label': `Comment of ${name}` },
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
          time(new Date(created)),
          isEdited && el('small', {}, '(edited)'),
          visibility && el('span', { className: 'tag' }, `only ${visibility}`),
          isInternal && el('span', { className: 'tag' }, 'internal'),
        ),
        el('div', { className: 'prose' }, this.#wiki(body)),
      ),
    );
  }

  #wiki(text) {
    return richText(
      toMarkdown(text, (id) => this.#nameOf(id)),
      'markdown',
      (id) => id,
    );
  }

  #nameOf(account) {
    if (account === this.#state.bot) return 'signalbox';
    return this.#people.find(({ jiraAccount }) => jiraAccount === account)?.name ?? account;
  }
}

/** Wiki markup as markdown, as far as it is written here. */
function toMarkdown(wiki, nameOf) {
  return wiki
    .split(/\{(?:code|noformat)(?::[^}]*)?\}/)
    .map((part, index) => (index % 2 === 1 ? `\n\`\`\`\n${part.trim()}\n\`\`\`\n` : fromProse(part, nameOf)))
    .join('');
}

function fromProse(text, nameOf) {
  return text
    .replaceAll(/\[~(?:accountid:)?([^\]]+)\]/g, (_, id) => `@${nameOf(id)}`)
    .replaceAll(/^h([1-6])\. /gm, (_, level) => `${'#'.repeat(Number(level))} `)
    .replaceAll(/^bq\. ?/gm, '> ')
    .replaceAll(/^[*]+ /gm, '- ')
    .replaceAll(/^#+ (?=\S)(?!#)/gm, (mark) => (mark === '# ' ? '1. ' : mark))
    .replaceAll(/(?<![\w*\\])\*(?=\S)([^*\n]+?)(?<=[^\s\\])\*(?![\w*])/g, '**$1**')
    .replaceAll(/\{\{([^}\n]+)\}\}/g, '`$1`')
    .replaceAll(/(?<!\\)\[([^\]|\n]+)\|([^\]\n]+)\]/g, '[$1]($2)')
    .replaceAll(/(?<!\\)\[(https?:[^\]\n]+)\]/g, '$1')
    .replaceAll(/\\([{}[\]|!*_~^+\-?()])/g, '$1')
    .replaceAll('&#92;', '\\')
    .replaceAll('\u200b', '');
}
