/** The models that are configured: the first, then its fallbacks, behind a bounded number of places. */
import { ClaudeClient } from '../agent/model/claude-client.ts';
import { EchoClient } from '../agent/model/echo-client.ts';
import { ModelChain } from '../agent/model/model-chain.ts';
import type { ModelClient } from '../agent/model/model-client.ts';
import { SlottedModel } from '../agent/model/slotted-model.ts';
import type { Config } from '../config/load-config.ts';
import type { ModelSettings } from '../config/settings.ts';
import type { Breakers } from '../health/breakers.ts';
import type { Slots } from '../health/slots.ts';
import type { Logger } from '../observability/logger.ts';

/** What all calls to models have in common. */
export interface SharedByModels {
  readonly breakers: Breakers;
  readonly slots: Slots;
  readonly log: Logger;
}

/** The models that are configured now; new clients only when their settings changed. */
export function createModels(config: () => Config, shared: SharedByModels): () => ModelClient {
  let made: { from: ModelSettings; model: ModelClient } | undefined;
  return () => {
    const { model } = config().settings;
    if (made?.from !== model) made = { from: model, model: createModel(model, shared) };
    return made.model;
  };
}

/** The configuration with the model that writes summaries: it answers shortly, and may be another. */
export function withSummariser(config: () => Config): () => Config {
  let made: { from: Config; config: Config } | undefined;
  return () => {
    const now = config();
    if (made?.from !== now) {
      const { model, memory } = now.settings;
      const { model: name = model.name, max_tokens } = memory.summaries;
      made = {
        from: now,
        config: { ...now, settings: { ...now.settings, model: { ...model, name, max_tokens } } },
      };
    }
    return made.config;
  };
}

/** The settings of each model there is, the one that is asked first in front. */
export function eachModel({ fallbacks, ...first }: ModelSettings): Omit<ModelSettings, 'fallbacks'>[] {
  return [first, ...fallbacks.map((fallback) => ({ ...first, ...fallback }))];
}

export function createClient(settings: Omit<ModelSettings, 'fallbacks'>): ModelClient {
  switch (settings.provider) {
    case 'echo':
      return new EchoClient();
    case 'claude':
      return new ClaudeClient({
        model: settings.name,
        apiKey: settings.api_key,
        baseUrl: settings.base_url,
        maxTokens: settings.max_tokens,
        thinkingTokens: settings.thinking_tokens,
        timeoutMs: settings.timeout,
        retries: settings.retries,
      });
    default:
      return settings.provider satisfies never;
  }
}

function createModel(settings: ModelSettings, { breakers, slots, log }: SharedByModels): ModelClient {
  const links = eachModel(settings).map((each) => ({
    name: each.name,
    client: createClient(each),
    breaker: () => breakers.of(`model:${each.name}`),
  }));
  return new SlottedModel(new ModelChain(links, log), slots);
}
