/** The program: reads its arguments and runs one command. */
import { runCli } from './cli/program.ts';

// Whoever reads what we print may have read enough: `signalbox audit tail | head`.
process.stdout.on('error', ({ code }: NodeJS.ErrnoException) => process.exit(code === 'EPIPE' ? 0 : 1));

process.exitCode = await runCli(process.argv.slice(2));
