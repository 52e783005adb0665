/** Everything of the configuration that must not be said, however it is spelled; found anew when that was read again. */
import { secretsOf, spellingsOf, withoutKnown } from './redaction.ts';

/** What of the configuration it has to know. */
interface Config {
  readonly secrets: readonly string[];
}

export class KnownSecrets {
  #known: { readonly of: Config; readonly secrets: readonly string[] } | undefined;

  constructor(private readonly config: () => Config) {}

  list(): readonly string[] {
    const config = this.config();
    if (this.#known?.of !== config) {
      this.#known = { of: config, secrets: secretsOf(config).flatMap(spellingsOf) };
    }
    return this.#known.secrets;
  }

  /** The same facts without them, at any depth. */
  without<Facts>(facts: Facts): Facts {
    const secrets = this.list();
    const clean = (value: unknown): unknown => {
      if (typeof value === 'string') return withoutKnown(value, secrets);
      if (Array.isArray(value)) return value.map(clean);
      if (typeof value !== 'object' || value === null) return value;
      return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, clean(each)]));
    };
    return clean(facts) as Facts; // the same shape: only texts have changed
  }
}
