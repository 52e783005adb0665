/** The sandbox's MCP server as a program that speaks over its standard input and output. */
import { StdioServerTransport } from '@modelcontextprotocol/sdk/server/stdio.js';
import { NoteServer } from './note-server.ts';

const notes = new NoteServer(() => process.exit(1));
process.stderr.write('the notes are open\n');
process.stdin.on('end', () => process.exit(0));
await notes.createSession().connect(new StdioServerTransport());
