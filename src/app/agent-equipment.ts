/**
 * What the agent works with: its tools and skills, and what stands behind them.
 *
 * Every tool goes through one breaker for what it talks to, one memory of results and one guard of secrets (`guarded`),
 * whichever way it came here: as ours, of a gateway, from the web, of an MCP server.
 */
import { ResearchTools } from '../agent/research/research-tool.ts';
import { GuardedSource } from '../agent/tools/guarded-source.ts';
import { withoutSecrets } from '../agent/tools/secret-guard.ts';
import { withBreaker } from '../agent/tools/service-breaker.ts';
import { ToolCatalog } from '../agent/tools/tool-catalog.ts';
import { searchPath } from '../config/environment.ts';
import { createWhereOf } from '../control/whereabouts.ts';
import { Database } from '../database/database.ts';
import type { Tool } from '../domain/tool.ts';
import { Breakers } from '../health/breakers.ts';
import { ResultCache } from '../health/result-cache.ts';
import { McpServers } from '../mcp/mcp-servers.ts';
import { OutputStore } from '../memory/output-store.ts';
import { createPlanTools } from '../plans/plan-tool.ts';
import { SagaRunner } from '../plans/saga-runner.ts';
import { SagaStore } from '../plans/saga-store.ts';
import { createElevateTool } from '../router/elevation.ts';
import { createHost } from '../skills/host.ts';
import { ScriptSandbox } from '../skills/script-sandbox.ts';
import { SkillRegistry } from '../skills/skill-registry.ts';
import { SkillScripts } from '../skills/skill-scripts.ts';
import { WebClient } from '../web/web-client.ts';
import { WebTools } from '../web/web-tools.ts';
import { createAgentTools } from './agent-tools.ts';
import type { Base } from './base.ts';
import { type Channels, platformsOf } from './channels.ts';
import { ownFolders } from './own-places.ts';
import type { Stores } from './stores.ts';

export interface AgentEquipment {
  readonly tools: ToolCatalog;
  readonly skills: SkillRegistry;
  readonly scripts: SkillScripts;
  readonly mcp: McpServers;
  readonly databases: ReadonlyMap<string, Database>;
  readonly outputs: OutputStore;
  readonly sagas: SagaStore;
  readonly breakers: Breakers;
  readonly results: ResultCache;
}

/** Nothing is asked of Redis or of anybody outside yet. */
export async function equipAgent(base: Base, stores: Stores, channels: Channels): Promise<AgentEquipment> {
  const { config, clock, log, redis, keys, secrets } = base;
  const { settings } = config();
  const outputs = new OutputStore(redis, keys);
  const sagas = createSagas(base, stores, channels);
  const databases = createDatabases(base);
  const breakers = createBreakers(base);
  const results = new ResultCache(redis, keys, clock);
  const mcp = new McpServers({ settings: settings.mcp, pins: stores.toolPins, folders: searchPath(), log });
  const groups = () => tools.groups();
  const skills = createSkills(base, channels, groups);
  const scripts = createScripts(base, skills);

  const guarded = (tool: Tool) => results.wrap(withBreaker(withoutSecrets(tool, secrets), breakers));
  const parts = { stores, channels, outputs, skills, databases, groups };
  const single = (await createAgentTools(base, parts)).map(guarded);
  const plans = new SagaRunner({
    ...stores,
    sagas,
    authorizations: () => config().authorizations,
    rolesOf: (request) => stores.directory.rolesOfRequester(request),
    log,
  });
  const elevating = createElevateTool(() => config().authorizations.tools);
  const sources = [createWeb(base), mcp, new ResearchTools(() => config().settings.research)];
  const tools: ToolCatalog = new ToolCatalog(
    [...single, ...createPlanTools(single, plans), elevating],
    undefined,
    [...sources.map((source) => new GuardedSource(source, guarded)), scripts],
  );
  return { tools, skills, scripts, mcp, databases, outputs, sagas, breakers, results };
}

function createSagas({ config, redis, keys }: Base, { writer }: Stores, { gateways }: Channels): SagaStore {
  return new SagaStore(redis, keys, writer, {
    keepMs: () => config().settings.retention.approvals,
    triggers: () => config().escalation.triggers,
    whereOf: createWhereOf(() => config().settings.messaging.channels ?? {}, gateways),
  });
}

function createDatabases({ config, log }: Base): Map<string, Database> {
  const { databases } = config().settings;
  return new Map(Object.entries(databases).map(([name, each]) => [name, new Database(name, each, log)]));
}

function createBreakers({ config, clock, log }: Base): Breakers {
  const limits = () => {
    const { failures, cool_down: coolDownMs } = config().settings.breakers;
    return { failures, coolDownMs };
  };
  return new Breakers(limits, clock, log);
}

function createWeb({ config }: Base): WebTools {
  const settings = () => config().settings.web;
  return new WebTools(settings, new WebClient({ settings }));
}

function createSkills(
  { config, log }: Base,
  { gateways }: Channels,
  toolGroups: () => ReadonlySet<string>,
): SkillRegistry {
  return new SkillRegistry({
    settings: () => config().settings.skills,
    host: () =>
      createHost({
        platforms: platformsOf(gateways),
        toolGroups: toolGroups(),
        model: config().settings.model.provider,
        path: searchPath(),
      }),
    log,
  });
}

function createScripts({ config, log }: Base, registry: SkillRegistry): SkillScripts {
  const hidden = ownFolders(config());
  return new SkillScripts({
    settings: () => config().settings.skills,
    registry,
    sandbox: new ScriptSandbox({ folders: searchPath(), hidden }),
    log,
  });
}
