/** The ledger part: every refund and deploy that was really done, counted, and what was taken back again. */
import { el, reconcile, time } from './dom.js';

export class LedgerView {
  constructor() {
    document
      .getElementById('ledger-body')
      .append(renderSection('refunds', 'Refunds'), renderSection('deploys', 'Deploys'));
  }

  update({ refunds, deploys }) {
    updateSection('refunds', refunds, totalOf(refunds), ({ order, amount, currency, reason, takenBack }) => [
      el('strong', {}, money(amount, currency)),
      el('span', {}, `order ${order}`),
      takenBack && el('strong', {}, 'charged again'),
      reason && el('span', { className: 'muted' }, reason),
    ]);
    updateSection('deploys', deploys, '', ({ service, environment, version, takenBack }) => [
      el('strong', {}, service),
      el('span', {}, `${version ?? 'latest'} to ${environment}`),
      takenBack && el('strong', {}, 'rolled back'),
    ]);
  }
}

function renderSection(name, title) {
  return el(
    'section',
    { className: 'book', 'aria-labelledby': `${name}-title` },
    el('h3', { id: `${name}-title` }, title, el('span', { className: 'count', id: `${name}-count` }, '0')),
    el('p', { className: 'total', id: `${name}-total` }),
    el('p', { className: 'muted', id: `${name}-empty` }, `No ${name} yet.`),
    el('ol', { id: name, reversed: true }),
  );
}

function updateSection(name, lines, total, describe) {
  document.getElementById(`${name}-count`).textContent = String(lines.length);
  document.getElementById(`${name}-total`).textContent = total;
  document.getElementById(`${name}-empty`).hidden = lines.length > 0;
  reconcile(document.getElementById(name), lines.toReversed(), {
    key: ({ id }) => id,
    revision: ({ takenBack }) => String(takenBack),
    render: (line) => {
      const [what, ...more] = describe(line);
      return el('li', {}, what, time(new Date(line.at)), more);
    },
  });
}

function totalOf(refunds) {
  const sums = new Map();
  for (const { amount, currency, takenBack } of refunds) {
    if (takenBack) continue;
    sums.set(currency, (sums.get(currency) ?? 0) + amount);
  }
  return [...sums].map(([currency, sum]) => money(sum, currency)).join(' + ');
}

function money(amount, currency) {
  return new Intl.NumberFormat(undefined, { style: 'currency', currency }).format(amount);
}
