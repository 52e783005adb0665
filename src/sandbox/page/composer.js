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

/** Keeps the newest in sight, unless somebody is reading further up. */
export function keepAtEnd(scroll, isNew, change) {
  const isNearEnd = scroll.scrollHeight - scroll.scrollTop - scroll.clientHeight < 120;
  change();
  if (isNearEnd || isNew) scroll.scrollTop = scroll.scrollHeight;
}
