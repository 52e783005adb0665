/** Building and updating the page. Text goes in as text, never as markup. */

/**
 * Makes one element. `props` sets properties (`className`, `onclick`, `disabled` …) and, for names with a hyphen and
 * `role`, attributes; children are elements or strings, and what is null or false is left out.
 */
export function el(tag, props = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(props)) {
    if (value === undefined || value === null || value === false) continue;
    if (name.includes('-') || name === 'role' || name === 'for') element.setAttribute(name, String(value));
    else element[name] = value;
  }
  element.append(
    ...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false),
  );
  return element;
}

/**
 * Makes `parent` hold exactly one child per item, in order. A child is kept while its `revision` stays the same, so
 * that focus, selection and what somebody is typing survive; a changed one is replaced and gets the focus back: on what
 * had it before, or, if that is gone, as the buttons of a settled card are, on what says how it ended.
 */
export function reconcile(parent, items, { key, revision, render }) {
  const existing = new Map([...parent.children].map((child) => [child.dataset.key, child]));
  let previous = null;
  for (const item of items) {
    const itemKey = key(item);
    const child = currentChild(existing.get(itemKey), itemKey, revision(item), () => render(item));
    existing.delete(itemKey);
    const wanted = previous === null ? parent.firstElementChild : previous.nextElementSibling;
    if (wanted !== child) parent.insertBefore(child, wanted);
    previous = child;
  }
  for (const child of existing.values()) child.remove();
}

function currentChild(before, key, revision, render) {
  if (before !== undefined && before.dataset.revision === revision) return before;
  const after = render();
  after.dataset.key = key;
  after.dataset.revision = revision;
  if (before === undefined) return after;
  const { activeElement } = document;
  const { focus, outcome } = before.contains(activeElement) ? activeElement.dataset : {};
  const focused = focus ?? outcome;
  before.replaceWith(after);
  if (focused !== undefined) focusIn(after, focused);
  return after;
}

/** Where the focus goes when the buttons are gone: what says how things stand. For `el`. */
export const OUTCOME = { 'data-outcome': '', tabIndex: -1 };

/** Puts the focus on what is called `name`, or on the outcome that took its place. */
export function focusIn(element, name) {
  const named = [...element.querySelectorAll('[data-focus]')].find((one) => one.dataset.focus === name);
  (named ?? element.querySelector('[data-outcome]'))?.focus();
}

/** Says something to people who listen to the page rather than look at it. */
export function announce(text) {
  document.getElementById('announcer').textContent = text;
}

/** Shows a sentence at the bottom for a while. */
export function notify(text) {
  const note = document.getElementById('note');
  note.textContent = text;
  note.hidden = false;
  clearTimeout(Number(note.dataset.timer));
  note.dataset.timer = String(setTimeout(() => (note.hidden = true), 6000));
}

/** Asks the sandbox to do something; what goes wrong is shown, and undefined is returned. */
export async function act(path, body) {
  try {
    const response = await fetch(path, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
    const answer = await response.json();
    if (response.ok) return answer;
    notify(answer.error);
  } catch {
    notify('The sandbox does not answer. Is it still running?');
  }
  return undefined;
}

const TIME = new Intl.DateTimeFormat(undefined, { hour: '2-digit', minute: '2-digit' });
const DAY_AND_TIME = new Intl.DateTimeFormat(undefined, {
  day: 'numeric',
  month: 'short',
  hour: '2-digit',
  minute: '2-digit',
});

/** A moment as people read it: the time alone today, the day as well before. */
export function time(date) {
  const isToday = date.toDateString() === new Date().toDateString();
  return el(
    'time',
    { dateTime: date.toISOString(), title: date.toLocaleString() },
    (isToday ? TIME : DAY_AND_TIME).format(date),
  );
}

export function initials(name) {
  return name
    .split(/\s+/)
    .map((word) => word[0] ?? '')
    .join('')
    .slice(0, 2)
    .toUpperCase();
}
