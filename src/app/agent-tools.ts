/** The tools the agent has of the gateway itself and of its platforms, each beside its subject. */
import { createPlaceTools } from '../agent/tools/place-tools.ts';
import type { Config } from '../config/load-config.ts';
import { createHandOffTool } from '../control/hand-off-tool.ts';
import type { Database } from '../database/database.ts';
import { createDatabaseTools } from '../database/database-tools.ts';
import { createFileTools } from '../delivery/file-tools.ts';
import type { Approval } from '../domain/approval/record.ts';
import type { Clock } from '../domain/clock.ts';
import type { Tool } from '../domain/tool.ts';
import { createConfidenceTool } from '../escalation/confidence-tool.ts';
import { aloneBy } from '../memory/alone.ts';
import { createGoalTool } from '../memory/goal-tool.ts';
import { createNoteTools } from '../memory/note-tools.ts';
import type { OutputStore } from '../memory/output-store.ts';
import { createOutputTools } from '../memory/output-tools.ts';
import { createShopTools } from '../sandbox/shop/shop-tools.ts';
import { createScheduleTools } from '../scheduler/schedule-tools.ts';
import { versionOfPackage } from '../skills/host.ts';
import { type Agreement, createProposeSkillTool } from '../skills/propose-skill-tool.ts';
import type { SkillRegistry } from '../skills/skill-registry.ts';
import { Workspace } from '../workspace/workspace.ts';
import { createWorkspaceTools } from '../workspace/workspace-tools.ts';
import type { Base } from './base.ts';
import { type Channels, platformsOf } from './channels.ts';
import { keptFromWorkspace } from './own-places.ts';
import type { Stores } from './stores.ts';
import { createTalkTools } from './talk-tools.ts';

export interface ToolParts {
  readonly stores: Stores;
  readonly channels: Channels;
  readonly outputs: OutputStore;
  readonly skills: SkillRegistry;
  readonly databases: ReadonlyMap<string, Database>;
  /** Of all tools there are, at the moment of the question. */
  readonly groups: () => ReadonlySet<string>;
}

export async function createAgentTools(base: Base, parts: ToolParts): Promise<Tool[]> {
  const { config, clock } = base;
  const { stores, channels, outputs, skills, databases, groups } = parts;
  const { settings } = config();
  return [
    ...createTools(stores, clock, settings.sandbox.url),
    ...createOutputTools(outputs),
    ...(await createFsTools(config())),
    ...createDatabaseTools(databases, settings.databases),
    ...createScheduleTools({ ...stores, settings: () => config().settings.scheduler, clock }),
    ...createTalkTools(base, stores, channels),
    ...createPlaceTools({
      clock,
      timeZone: () => config().settings.scheduler.time_zone,
      name: () => config().purpose.name,
      version: versionOfPackage(),
      platforms: () => platformsOf(channels.gateways),
      groups,
    }),
    createHandOffTool(() => stores.controlDesk.isAnybodyThere()),
    createConfidenceTool(),
    createGoalTool(() => config().purpose),
    createProposeSkillTool({
      ...stores,
      settings: () => config().settings.skills,
      registry: skills,
      agreement: async (id) => agreementOf(await stores.approvals.find(id)),
      clock,
    }),
    ...channels.configured.flatMap((gateway) => gateway.tools ?? []),
  ];
}

/** The yes of a human to just this call; undefined where a rule, silence or a standing yes said it. */
function agreementOf(approval: Approval | undefined): Agreement | undefined {
  const { request, decision, assents = [] } = approval ?? {};
  if (!request || decision?.choice !== 'approve' || decision.source !== 'human' || !decision.by)
    return undefined;
  const people = new Map([...assents.map(({ by }) => by), decision.by].map((by) => [by.person, by]));
  return {
    requester: { person: request.requester, name: request.requesterName },
    by: [...people.values()].map(({ person, name }) => ({ person, name })),
    basis: request.preview?.basis,
  };
}

function createTools({ memory, transcripts }: Stores, clock: Clock, sandboxUrl: string | undefined): Tool[] {
  return [
    ...createNoteTools(memory.notes, clock, aloneBy(transcripts)),
    ...createFileTools(),
    ...(sandboxUrl === undefined ? [] : createShopTools(`${sandboxUrl}/shop`)),
  ];
}

/** None where no folder is configured. */
async function createFsTools(config: Config): Promise<Tool[]> {
  const { directory, ...limits } = config.settings.workspace;
  if (directory === undefined) return [];
  return createWorkspaceTools(await Workspace.open(directory, limits, keptFromWorkspace(config)));
}
