/** What the places to write in have in common. */

export function insertMention(input) {
  const before = input.value.slice(0, input.selectionStart);
  const gap = before === '' || /\s$/.test(before) ? '' : ' ';
  input.setRangeText(`${gap}@signalbox `, input.selectionStart, input.selectionEnd, 'end');
  input.focus();
}

/** Enter sends, Shift+Enter starts a new line, and the field grows with its text. */
export function sendOnEnter(input) {
  input.addEventListener('keydown', (event) => {
    if (event.key !== 'Enter' || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    input.form.requestSubmit();
  });
  input.addEventListener('input', () => {
    input.style.height = 'auto';
    input.style.height = `${input.scrollHeight}px`;
  });
}

/** Arrow keys move along a row of tabs; `goTo(id)` shows one. */
export function moveBetweenTabs(event, ids, current, goTo) {
  const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
  if (step === undefined) return;
  event.preventDefault();
  const tabs = event.currentTarget.parentElement; // the tab itself is drawn anew
  goTo(ids[(ids.indexOf(current) + step + ids.length) % ids.length]);
  tabs.querySelector('[aria-selected="true"]')?.focus();
}

/** Within this many pixels of the end, somebody reads what is new. */
const NEAR_END_PX = 120;

/** Keeps the newest in sight, unless somebody is reading further up. */
export function keepAtEnd(scroll, isNew, change) {
  const wasNearEnd = isNearEnd(scroll);
  change();
  if (wasNearEnd || isNew) scroll.scrollTop = scroll.scrollHeight;
}

/** Keeps the newest in sight when there is less room for it: what stands below has grown. */
export function stayAtEnd(scroll) {
  let wasNearEnd = true;
  scroll.addEventListener('scroll', () => {
    wasNearEnd = isNearEnd(scroll);
  });
  new ResizeObserver(() => {
    if (wasNearEnd) scroll.scrollTop = scroll.scrollHeight;
  }).observe(scroll);
}

function isNearEnd(scroll) {
  return scroll.scrollHeight - scroll.scrollTop - scroll.clientHeight < NEAR_END_PX;
}
