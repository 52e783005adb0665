/**
 * The page: receives the sandbox's whole state after every change and brings each part up to date.
 *
 * Owns who you are and which platform you look at. The parts (`slack.js`, `discord.js`, `jira.js`, `web.js`,
 * `mail.js`, `ledger.js`) own their elements.
 */

import { moveBetweenTabs, stayAtEnd } from './composer.js';
import { DiscordView } from './discord.js';
import { announce, el, initials, notify, reconcile } from './dom.js';
import { JiraView } from './jira.js';
import { LedgerView } from './ledger.js';
import { MailView } from './mail.js';
import { SlackView } from './slack.js';
import { newestHeard, WebView } from './web.js';

const view = {
  state: null,
  person: null,
  platform: sessionStorage.getItem('platform') ?? 'slack',
  slack: new SlackView(() => update()),
  discord: new DiscordView(() => update()),
  jira: new JiraView(() => update()),
  web: new WebView(() => update()),
  mail: new MailView(),
  ledger: new LedgerView(),
};

connect();
showOneAtATime();
for (const scroll of document.querySelectorAll('.scroll')) scroll.tabIndex = 0; // So that arrow keys can scroll it.
for (const timeline of document.querySelectorAll('.platform > .scroll')) stayAtEnd(timeline);

function connect() {
  const stream = new EventSource('/page/events');
  stream.addEventListener('state', ({ data }) => {
    const before = view.state;
    view.state = JSON.parse(data);
    if (view.person === null) introduce(view.state.people);
    update();
    if (before !== null) announceNews(before, view.state);
  });
  stream.addEventListener('error', () => {
    showGateway('lost', 'The sandbox does not answer; trying again …');
  });
}

function update() {
  const { state, person } = view;
  if (state === null) return;
  view.slack.update(state, person, view.platform === 'slack');
  view.discord.update(state, person, view.platform === 'discord');
  view.jira.update(state, person, view.platform === 'jira');
  view.web.update(state, person, view.platform === 'web');
  updatePlatforms();
  view.mail.update(state);
  view.ledger.update(state);
  updateGateway(state.gateway);
  updateCounts(state);
}

/** The persona switch, drawn once. */
function introduce(people) {
  const remembered = sessionStorage.getItem('person');
  view.person = people.find(({ slackUser }) => slackUser === remembered) ?? people[0];
  document.getElementById('personas').append(
    ...people.map((person) =>
      el(
        'label',
        { className: `persona ${person.firstName.toLowerCase()}` },
        el('input', {
          type: 'radio',
          name: 'person',
          value: person.slackUser,
          checked: person === view.person,
          onchange: () => become(person),
        }),
        el('span', { className: 'avatar', 'aria-hidden': 'true' }, initials(person.name)),
        el('span', { className: 'persona-name' }, person.name, el('small', {}, person.part)),
      ),
    ),
  );
}

const PLATFORMS = { slack: 'Slack', discord: 'Discord', jira: 'Jira', web: 'Web' };

/** The platforms of the first part, one of them shown. */
function updatePlatforms() {
  const ids = Object.keys(PLATFORMS);
  reconcile(document.getElementById('platforms'), ids, {
    key: (id) => id,
    revision: (id) => JSON.stringify([id === view.platform, view[id].unread]),
    render: (id) =>
      el(
        'button',
        {
          type: 'button',
          id: `platform-${id}`,
          role: 'tab',
          'aria-selected': String(id === view.platform),
          'aria-controls': id,
          'data-focus': 'platform',
          tabIndex: id === view.platform ? 0 : -1,
          onclick: () => showPlatform(id),
          onkeydown: (event) => moveBetweenTabs(event, ids, view.platform, showPlatform),
        },
        PLATFORMS[id],
        view[id].unread > 0 &&
          el('span', { className: 'count', title: `${view[id].unread} new` }, String(view[id].unread)),
      ),
  });
  for (const id of ids) document.getElementById(id).hidden = id !== view.platform;
}

function showPlatform(id) {
  view.platform = id;
  sessionStorage.setItem('platform', id);
  update();
}

function become(person) {
  view.person = person;
  sessionStorage.setItem('person', person.slackUser);
  update();
  announce(`You are now ${person.name}`);
}

function updateGateway({ connections, overHttp, unacknowledged }) {
  const waiting =
    unacknowledged > 0 ? `, ${unacknowledged} event${unacknowledged === 1 ? '' : 's'} waiting` : '';
  if (overHttp) showGateway('on', `Gateway reached over HTTP${waiting}`);
  else if (connections > 0) showGateway('on', `Gateway connected${waiting}`);
  else showGateway('off', `No gateway connected${waiting}`);
}

function showGateway(kind, text) {
  document.getElementById('gateway').dataset.kind = kind;
  const line = document.getElementById('gateway-text');
  if (line.textContent !== text) line.textContent = text;
}

/** On a narrow screen one part is shown at a time, and the others say how much is new. */
function showOneAtATime() {
  for (const button of document.querySelectorAll('.views button')) {
    button.addEventListener('click', () => {
      document.body.dataset.view = button.dataset.view;
      for (const other of document.querySelectorAll('.views button')) {
        other.setAttribute('aria-pressed', String(other === button));
      }
    });
  }
}

function updateCounts(state) {
  const counts = {
    desk: view.slack.unread + view.discord.unread + view.jira.unread + view.web.unread,
    mail: view.mail.unread,
    ledger: state.refunds.length + state.deploys.length,
  };
  for (const [name, count] of Object.entries(counts)) {
    const badge = document.querySelector(`.views [data-view="${name}"] .count`);
    badge.textContent = String(count);
    badge.hidden = count === 0;
  }
}

function announceNews(before, after) {
  const said = [
    ...newest(before.places, after.places, 'messages', 'ts').filter(({ user }) => user === after.bot.user),
    ...newest([{ told: before.ephemerals }], [{ told: after.ephemerals }], 'told', 'ts').filter(
      ({ user }) => user === view.person.slackUser,
    ),
  ];
  const mailed = newest(before.mailboxes, after.mailboxes, 'mails', 'id');
  const line =
    said.length > 0
      ? `${after.bot.name}: ${said.at(-1).text.slice(0, 200)}`
      : mailed.length > 0
        ? `New mail to ${mailed.at(-1).to.join(', ')}: ${mailed.at(-1).subject}`
        : newestHeard(before, after, view.person)?.slice(0, 200);
  if (line !== undefined) announce(line);
}

function newest(before, after, list, id) {
  const known = new Set(before.flatMap((group) => group[list].map((entry) => entry[id])));
  return after.flatMap((group) => group[list]).filter((entry) => !known.has(entry[id]));
}

window.addEventListener('unhandledrejection', ({ reason }) => notify(String(reason)));
