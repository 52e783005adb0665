/** Lays out one page and ends: it is handed the tree, and hands back the text. After `argv[2]` ms it ends in any case. */
import { Worker } from 'node:worker_threads';
import { toPageMarkdown } from './page-markdown.mjs';

// In a thread of its own: whoever would end this process may be gone, and while a page is laid out nothing else runs here.
const watch =
  "setTimeout(() => process.kill(process.pid, 'SIGKILL'), require('node:worker_threads').workerData)";
new Worker(watch, { eval: true, workerData: Number(process.argv[2]) }).unref();

process.once('message', (tree) => {
  process.send?.(toPageMarkdown(/** @type {import('hast').Root} */ (tree)), () => process.disconnect());
});
