/** The mail part: three mailboxes, each with its mails, what was sent from it, and room to answer. */
import { act, el, initials, reconcile, time } from './dom.js';
import { FilePicker, renderFile } from './files.js';

const SENT_STATES = {
  queued: 'waiting for the gateway',
  accepted: 'delivered to the gateway',
  refused: 'refused by the gateway',
};

export class MailView {
  #read = new Set();
  #state;

  get unread() {
    return (this.#state?.mailboxes ?? [])
      .flatMap(({ mails }) => mails)
      .filter(({ id }) => !this.#read.has(id)).length;
  }

  update(state) {
    this.#state = state;
    const list = document.getElementById('mailboxes');
    reconcile(list, state.people, {
      key: ({ mail }) => mail,
      revision: () => '',
      render: (person) => this.#renderMailbox(person),
    });
    for (const [index, person] of state.people.entries()) this.#updateMailbox(list.children[index], person);
  }

  #renderMailbox(person) {
    const titleId = `mailbox-${person.firstName}`;
    const write = this.#renderWriteForm(person);
    return el(
      'section',
      { className: `mailbox ${person.firstName.toLowerCase()}`, 'aria-labelledby': titleId },
      el(
        'header',
        {},
        el(
          'span',
          { className: `avatar ${person.firstName.toLowerCase()}`, 'aria-hidden': 'true' },
          initials(person.name),
        ),
        el('h3', { id: titleId }, person.name, el('small', {}, person.mail)),
        el('span', { className: 'count', hidden: true }),
        el(
          'button',
          {
            type: 'button',
            className: 'quiet',
            'aria-expanded': 'false',
            onclick: ({ currentTarget }) => toggle(write, currentTarget),
          },
          'Write',
        ),
      ),
      write,
      el('p', { className: 'muted empty' }, 'No mail.'),
      el('div', { className: 'mails' }),
    );
  }

  #renderWriteForm({ firstName, mail: from }) {
    const subject = el('input', {
      id: `subject-${from}`,
      required: true,
      maxLength: 200,
      value: 'A question',
    });
    const text = el('textarea', {
      id: `text-${from}`,
      rows: 3,
      required: true,
      placeholder: 'refund order 7',
    });
    const bar = el(
      'div',
      { className: 'write-bar' },
      el('button', { type: 'submit', className: 'button' }, 'Send'),
    );
    const form = el(
      'form',
      {
        className: 'write',
        hidden: true,
        onsubmit: async (event) => {
          event.preventDefault();
          const mail = { from, subject: subject.value, text: text.value, files: await files.contents() };
          if ((await act('/page/write', mail)) === undefined) return;
          text.value = '';
          files.clear();
        },
      },
      el('label', { for: subject.id }, `Subject of ${firstName}’s mail to signalbox@gateway.test`),
      subject,
      el('label', { for: text.id }, 'Text'),
      text,
      bar,
    );
    const files = new FilePicker(form, bar);
    return form;
  }

  #updateMailbox(element, person) {
    const { mails } = this.#state.mailboxes.find(({ address }) => address === person.mail);
    const sent = this.#state.sent.filter(({ sender }) => sender === person.mail);
    const unread = mails.filter(({ id }) => !this.#read.has(id)).length;
    const entries = [
      ...mails.map((mail) => ({ ...mail, kind: 'mail', at: mail.date })),
      ...sent.map((mail) => ({ ...mail, kind: 'sent', at: mail.queuedAt })),
    ].sort((a, b) => b.at.localeCompare(a.at));

    const count = element.querySelector('.count');
    count.hidden = unread === 0;
    count.textContent = `${unread} new`;
    element.querySelector('.empty').hidden = entries.length > 0;
    reconcile(element.querySelector('.mails'), entries, {
      key: ({ kind, id }) => `${kind} ${id}`,
      revision: (entry) => (entry.kind === 'sent' ? entry.state : ''),
      render: (entry) => (entry.kind === 'sent' ? renderSent(entry) : this.#renderMail(person, entry)),
    });
  }

  #renderMail(person, mail) {
    const details = el(
      'details',
      {
        className: 'mail-item',
        ontoggle: () => {
          if (!details.open) return;
          this.#read.add(mail.id);
          details.classList.remove('unread');
          this.update(this.#state);
        },
      },
      el(
        'summary',
        {},
        el('span', { className: 'from' }, mail.fromName || mail.from),
        time(new Date(mail.date)),
        el('span', { className: 'subject' }, mail.subject || '(no subject)'),
      ),
      el(
        'div',
        { className: 'mail-body' },
        el(
          'dl',
          {},
          term('From', mail.fromName ? `${mail.fromName} <${mail.from}>` : mail.from),
          term('To', mail.to.join(', ')),
          term('Date', new Date(mail.date).toLocaleString()),
        ),
        el('div', { className: 'mail-text' }, mail.text.trim()),
        mail.files.map((file, index) => renderFile(file, `${addressOf(person, mail)}/file/${index}`)),
        mail.hasHtml && renderHtmlSwitch(person, mail),
        renderReplyForm(person, mail),
      ),
    );
    if (!this.#read.has(mail.id)) details.classList.add('unread');
    return details;
  }
}

function renderSent({ subject, state, queuedAt, lastAnswer }) {
  return el(
    'div',
    { className: `sent ${state}` },
    el('span', { className: 'from' }, 'Sent'),
    time(new Date(queuedAt)),
    el('span', { className: 'subject' }, subject || '(no subject)'),
    el('span', { className: 'sent-state', title: lastAnswer ?? '' }, SENT_STATES[state]),
  );
}

/** The HTML part is loaded only when asked for, into a frame that can run nothing. */
function renderHtmlSwitch(person, mail) {
  const source = addressOf(person, mail);
  const holder = el('div', { className: 'html-part', hidden: true });
  const button = el(
    'button',
    {
      type: 'button',
      className: 'quiet',
      'aria-expanded': 'false',
      onclick: () => {
        if (holder.childElementCount === 0) {
          holder.append(el('iframe', { src: source, title: `HTML part of “${mail.subject}”`, sandbox: '' }));
        }
        toggle(holder, button);
      },
    },
    'HTML part',
  );
  return [button, holder];
}

function renderReplyForm(person, mail) {
  const input = el('input', {
    id: `answer-${person.mail}-${mail.id}`,
    required: true,
    autocomplete: 'off',
    placeholder: 'One line',
  });
  return el(
    'form',
    {
      className: 'answer',
      onsubmit: async (event) => {
        event.preventDefault();
        const sent = await act('/page/reply', { address: person.mail, id: mail.id, line: input.value });
        if (sent !== undefined) input.value = '';
      },
    },
    el('label', { for: input.id }, `Reply as ${person.firstName}`),
    el(
      'div',
      { className: 'row' },
      input,
      el('button', { type: 'submit', className: 'button primary' }, 'Send'),
    ),
  );
}

function addressOf(person, mail) {
  return `/page/mail/${encodeURIComponent(person.mail)}/${encodeURIComponent(mail.id)}`;
}

function term(name, value) {
  return [el('dt', {}, name), el('dd', {}, value)];
}

function toggle(element, button) {
  element.hidden = !element.hidden;
  button.setAttribute('aria-expanded', String(!element.hidden));
  if (!element.hidden) element.querySelector('input, textarea')?.focus();
}
