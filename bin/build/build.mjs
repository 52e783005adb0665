/**
 * Builds the program into the folder named on the command line; a process of its own, so that the compiler is gone
 * before the program runs.
 *
 *   1. Every file still knows its own place: `import.meta.url`, `__dirname` and `__filename` name the source file,
 *      so that what is read from beside it (Lua scripts, pages, a library's own data) is found.
 *   2. What is imported dynamically becomes a file of its own and costs nothing until it is asked for.
 *   3. Stack traces name our source lines. A library's are left out of the map, which is read at every start.
 */
import { readFile } from 'node:fs/promises';
import { isAbsolute, relative, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/** A map to nowhere keeps a file out of the program's own map. */
const NO_SOURCE_MAP = `//# sourceMappingURL=data:application/json;base64,${Buffer.from(
  JSON.stringify({ version: 3, sources: [''], mappings: 'AAAA' }),
).toString('base64')}`;

const outdir = process.argv[2];
if (!outdir || !isAbsolute(outdir)) throw new Error('usage: node build.mjs <absolute folder>');

await build({
  entryPoints: { main: `${ROOT}src/main.ts` },
  absWorkingDir: ROOT,
  outdir,
  outExtension: { '.js': '.mjs' },
  bundle: true,
  splitting: true,
  format: 'esm',
  platform: 'node',
  target: 'node20.19',
  external: ['*.node'],
  keepNames: true,
  minifyWhitespace: true,
  legalComments: 'none',
  sourcemap: true,
  sourcesContent: false,
  banner: { js: banner(outdir) },
  plugins: [{ name: 'own-place', setup: keepPlaces }],
  logLevel: 'error',
  logOverride: { 'require-resolve-not-external': 'silent' },
});

/**
 * What a module has in Node and lacks in a bundle.
 *
 * @param {string} folder
 */
function banner(folder) {
  const root = JSON.stringify(`${relative(folder, ROOT).split(sep).join('/')}/`);
  return [
    `import{createRequire as __createRequire}from'node:module';`,
    `import{fileURLToPath as __toPath}from'node:url';`,
    `const require=__createRequire(import.meta.url);`,
    `const __root=new URL(${root},import.meta.url);`,
    `const __urlOf=(path)=>new URL(path,__root).href;`,
    `const __pathOf=(path)=>__toPath(new URL(path,__root));`,
  ].join('');
}

/** @param {import('esbuild').PluginBuild} plugin */
function keepPlaces(plugin) {
  plugin.onLoad({ filter: /\.[cm]?[jt]s$/ }, async ({ path }) => {
    const source = await readFile(path, 'utf8');
    const ours = !path.includes(`${sep}node_modules${sep}`);
    return {
      contents: ours ? placed(source, path) : `${placed(source, path)}\n${NO_SOURCE_MAP}`,
      loader: path.endsWith('ts') ? 'ts' : 'js',
    };
  });
}

/**
 * Pure: the source with its own place written in, line numbers unchanged.
 *
 * @param {string} source
 * @param {string} path
 */
function placed(source, path) {
  const place = encodeURI(relative(ROOT, path).split(sep).join('/'));
  const own = {
    __dirname: JSON.stringify(place.slice(0, place.lastIndexOf('/'))),
    __filename: JSON.stringify(place),
  };
  const missing = Object.entries(own).filter(([name]) => uses(source, name));
  return [
    ...missing.map(([name, value]) => `var ${name}=__pathOf(${value});`),
    source.replaceAll('import.meta.url', `__urlOf(${own.__filename})`),
  ].join('');
}

/**
 * Does it use the name without declaring it?
 *
 * @param {string} source
 * @param {string} name
 */
function uses(source, name) {
  return source.includes(name) && !new RegExp(`(const|let|var)\\s+${name}\\b`).test(source);
}
