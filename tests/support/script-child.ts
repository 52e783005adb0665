/**
 * A process that runs one script in the sandbox and says what came of it: for tests of what it hands on to the script,
 * and of its own sudden end. Arguments: a folder with bubblewrap, the text of the script.
 */
import { ScriptSandbox } from '../../src/skills/script-sandbox.ts';
import { aScript, scriptLimits } from './scripts.ts';

const [folder = '', text = ''] = process.argv.slice(2);
const sandbox = new ScriptSandbox({ folders: [folder], hidden: [] });
const run = await sandbox.run(aScript('sh', text), scriptLimits());
process.stdout.write(JSON.stringify(run));
