/** Files that go along with what somebody writes, and those that came. */
import { announce, el, notify, reconcile } from './dom.js';

/** As many, and as much together, as the sandbox takes in one message. */
const MOST_FILES = 10;
const MOST_BYTES = 8_000_000;

export class FilePicker {
  #files = [];
  #made = 0;
  #list;
  #button;

  /** Chosen with a button that is put first into `bar`, dropped on the form, or pasted into it. */
  constructor(form, bar) {
    const input = el('input', {
      type: 'file',
      multiple: true,
      hidden: true,
      onchange: () => {
        this.#add(input.files);
        input.value = ''; // so that the same file can be chosen again
      },
    });
    this.#button = el(
      'button',
      { type: 'button', className: 'attach-button', onclick: () => input.click() },
      el('span', { 'aria-hidden': 'true' }, '📎 '),
      'Attach files',
    );
    this.#list = el('ul', { className: 'chosen', 'aria-label': 'Files to send', hidden: true });
    bar.prepend(this.#button, input);
    bar.before(this.#list);
    form.addEventListener('paste', (event) => this.#take(event, event.clipboardData));
    form.addEventListener('dragover', (event) => event.preventDefault());
    form.addEventListener('drop', (event) => this.#take(event, event.dataTransfer));
  }

  get isEmpty() {
    return this.#files.length === 0;
  }

  /** What was chosen, as it is sent. */
  async contents() {
    return Promise.all(
      this.#files.map(async ({ file }) => ({
        name: file.name,
        mediaType: file.type,
        base64: await base64Of(file),
      })),
    );
  }

  clear() {
    this.#files = [];
    this.#update();
  }

  #take(event, transfer) {
    if (!transfer?.files.length) return;
    event.preventDefault();
    this.#add(transfer.files);
  }

  #add(files) {
    const all = [...this.#files, ...[...files].map((file) => ({ id: ++this.#made, file }))];
    const bytes = all.reduce((sum, { file }) => sum + file.size, 0);
    if (all.length > MOST_FILES || bytes > MOST_BYTES) {
      notify(`One message takes ${MOST_FILES} files and ${sizeText(MOST_BYTES)} here.`);
      return;
    }
    this.#files = all;
    this.#update();
    this.#button.scrollIntoView({ block: 'nearest' });
    announce(`${all.length} ${all.length === 1 ? 'file goes' : 'files go'} along`);
  }

  #remove(id) {
    this.#files = this.#files.filter((one) => one.id !== id);
    this.#update();
    (this.#list.querySelector('button') ?? this.#button).focus();
  }

  #update() {
    this.#list.hidden = this.isEmpty;
    reconcile(this.#list, this.#files, {
      key: ({ id }) => String(id),
      revision: () => '',
      render: ({ id, file }) =>
        el(
          'li',
          {},
          el('span', { className: 'file-name' }, file.name),
          el('span', { className: 'muted' }, sizeText(file.size)),
          el(
            'button',
            {
              type: 'button',
              className: 'close',
              'aria-label': `Do not send ${file.name}`,
              onclick: () => this.#remove(id),
            },
            '×',
          ),
        ),
    });
  }
}

/** A file that came, to be kept under its name. */
export function renderFile({ name, size }, href) {
  return el(
    'p',
    { className: 'file' },
    el('span', { 'aria-hidden': 'true' }, '📎 '),
    href === undefined ? name : el('a', { href, download: name }, name),
    el('span', { className: 'muted' }, ` ${sizeText(size)}`),
  );
}

export function sizeText(bytes) {
  if (bytes < 1_000) return `${bytes} bytes`;
  return bytes < 1_000_000 ? `${(bytes / 1_000).toFixed(1)} kB` : `${(bytes / 1_000_000).toFixed(1)} MB`;
}

async function base64Of(file) {
  const reader = new FileReader();
  const read = new Promise((resolve, reject) => {
    reader.onload = () => resolve(reader.result);
    reader.onerror = () => reject(new Error(`${file.name} cannot be read`));
  });
  reader.readAsDataURL(file);
  return (await read).replace(/^[^,]*,/, '');
}
