/** What another configuration brings about: what was read under the old one is read anew, and somebody hears of it. */
import { idleConditionsIn } from '../agent/tools/idle-conditions.ts';
import { misnamedIn } from '../agent/tools/misnamed.ts';
import type { EscalationTimers } from '../escalation/escalation-timers.ts';
import type { Pagers } from '../escalation/pagers.ts';
import { PeopleChange } from '../router/people-change.ts';
import { StrandedApprovals } from '../router/stranded-approvals.ts';
import { createShopTools } from '../sandbox/shop/shop-tools.ts';
import type { AgentEquipment } from './agent-equipment.ts';
import { sayDisputed } from './asking.ts';
import type { Core } from './base.ts';

export interface ConfigChange {
  /** Resolves once what waits was held against the people who are left, and the log was told. Never rejects. */
  heed(): Promise<void>;
  /** Looks no further; resolves once what is under way is over. Safe to call twice. */
  stop(): Promise<void>;
}

/** @param isWorking whether conversations are worked on here, or left to another process */
export function createConfigChange(
  core: Core,
  agent: AgentEquipment,
  escalations: readonly Pick<EscalationTimers | Pagers, 'heedPeople'>[],
  isWorking: boolean,
): ConfigChange {
  const { clock, log, redis, keys, stores } = core;
  const stranded = new StrandedApprovals({ ...stores, clock, log });
  const people = new PeopleChange({ ...stores, redis, keys, stranded, clock });
  let looking = Promise.resolve();
  return {
    heed: () => {
      sayDisputed(stores.directory, log);
      if (!isWorking) return looking;
      void agent.skills.reload();
      agent.results.clear();
      // What is switched on by the same change is there by then.
      const told = agent.scripts
        .look()
        .then(() => {
          sayMisnamed(core, agent);
          sayIdleConditions(core, agent);
        })
        .catch((error: unknown) => {
          log.error({ error }, 'what is probably not meant in authorizations.yaml could not be found');
        });
      looking = looking
        .then(() => people.look())
        .catch((error: unknown) => {
          log.error({ error }, 'the waiting requests could not be held against the people who are left');
        })
        .then(() => Promise.all(escalations.map((each) => each.heedPeople())))
        .catch((error: unknown) => {
          log.error({ error }, 'what people are called about could not be held against who is there now');
        })
        .then(() => told);
      return looking;
    },
    stop: () => {
      people.stop();
      return looking;
    },
  };
}

const PLAYED = createShopTools('').map(({ name }) => name);

/** They keep nothing from being done, and a rule that denies is believed in: whoever changed the file hears of it. */
function sayMisnamed({ config, log }: Core, { tools }: AgentEquipment): void {
  const { authorizations, settings } = config();
  const named = {
    tools: tools.list(),
    platforms: Object.keys(settings.gateways),
    servers: Object.keys(settings.mcp.servers),
    played: PLAYED,
  };
  for (const misnamed of misnamedIn(authorizations, named)) {
    log.warn(
      { misnamed },
      'authorizations.yaml names a tool, or a group of tools, that there is not here: what is said of it holds for nothing',
    );
  }
}

function sayIdleConditions({ config, log }: Core, { tools }: AgentEquipment): void {
  const { authorizations, settings } = config();
  const areAll = Object.keys(settings.mcp.servers).length === 0;
  for (const condition of idleConditionsIn(authorizations, tools.list(), areAll)) {
    log.warn(
      { condition },
      'a rule of authorizations.yaml has a condition that probably does not do what was meant',
    );
  }
}
