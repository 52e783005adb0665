/** A workspace in a folder of its own, with something outside it that must not be reached. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { ConversationId, PersonId } from '../../src/domain/ids.ts';
import type { Tool, ToolContext, ToolOutput } from '../../src/domain/tool.ts';
import { Workspace, type WorkspaceLimits } from '../../src/workspace/workspace.ts';
import { createWorkspaceTools } from '../../src/workspace/workspace-tools.ts';

export const SECRET = 'what lies outside';

export const context: ToolContext = {
  idempotencyKey: 'key',
  conversationId: ConversationId.parse('slack:T0:C0:1'),
  requester: PersonId.parse('alex'),
  signal: new AbortController().signal,
};

export interface World {
  readonly files: Workspace;
  /** The workspace's folder. */
  readonly top: string;
  /** Beside it; holds `secret.txt`. */
  readonly outside: string;
  tool(name: string): Tool;
  run(name: string, input: unknown): Promise<ToolOutput>;
}

export async function openWorkspace(limits: Partial<WorkspaceLimits> = {}): Promise<World> {
  const root = mkdtempSync(join(tmpdir(), 'signalbox-workspace-'));
  onTestFinished(() => rmSync(root, { recursive: true, force: true }));
  const top = join(root, 'top');
  const outside = join(root, 'outside');
  mkdirSync(outside);
  writeFileSync(join(outside, 'secret.txt'), SECRET);
  const whole = { max_file_bytes: 100_000, max_files: 100, max_total_bytes: 1_000_000, ...limits };
  const files = await Workspace.open(top, whole, []);
  const tools = createWorkspaceTools(files);
  const tool = (name: string) => tools.find((each) => each.name === name)!;
  return {
    files,
    top,
    outside,
    tool,
    run: async (name, input) => tool(name).execute(tool(name).input.parse(input), context),
  };
}
