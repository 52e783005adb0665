/**
 * The gateways of one scenario: a number of places, each with a process that is started again whenever it ends.
 *
 *   starting ──ready──▶ live ──kill──▶ starting …
 *       └──────────────kill──────────────┘
 */
import { GatewayProcess } from './gateway-process.ts';

/** So many gateways may end without being told to; each of them is reported as a failure. */
const MOST_CRASHES = 10;

export interface Place {
  readonly name: string;
  /** Where its mail listener is, the same after every start. */
  readonly mailPort: number;
  /** Where platforms call it, the same after every start. */
  readonly httpPort: number;
}

export interface FleetDeps {
  readonly configDir: string;
  readonly cwd: string;
  /** For a gateway in this place. */
  readonly envOf: (place: Place) => Readonly<Record<string, string>>;
  /** Called after every start and every end. */
  readonly onChange: (fleet: Fleet) => void;
}

export class Fleet {
  /** How often each warning or error was logged. */
  readonly troubles = new Map<string, number>();
  /** When each kill was, in ms since 1970. */
  readonly kills: number[] = [];
  /** From spawn to ready, in ms. */
  readonly starts: number[] = [];
  /** The last words of every gateway that ended without being told to. */
  readonly crashes: string[] = [];
  readonly #running = new Map<Place, GatewayProcess>();
  readonly #wanted = new Set<Place>();

  constructor(private readonly deps: FleetDeps) {}

  /** Starts a gateway in each place and keeps one there. Resolves when all are ready. */
  async keep(places: readonly Place[]): Promise<void> {
    for (const place of places) {
      if (this.#wanted.has(place)) continue;
      this.#wanted.add(place);
      this.#start(place);
    }
    await this.allReady();
  }

  /** Gateways that take part, each with its place. */
  get live(): { place: Place; gateway: GatewayProcess }[] {
    return [...this.#running]
      .map(([place, gateway]) => ({ place, gateway }))
      .filter(({ gateway }) => gateway.isReady);
  }

  get starting(): GatewayProcess[] {
    return [...this.#running.values()].filter((gateway) => !gateway.isReady);
  }

  async allReady(): Promise<void> {
    while (this.live.length < this.#wanted.size) await this.#nextReady();
  }

  async anyReady(): Promise<void> {
    while (this.live.length === 0 && this.#wanted.size > 0) await this.#nextReady();
  }

  /** Kills it; another one takes its place at once. */
  kill(gateway: GatewayProcess): void {
    this.kills.push(Date.now());
    gateway.kill();
    this.deps.onChange(this);
  }

  /** Kills all, for good. */
  async stop(): Promise<void> {
    this.#wanted.clear();
    const running = [...this.#running.values()];
    for (const gateway of running) gateway.kill();
    await Promise.all(running.map((gateway) => gateway.ended));
  }

  /** Without waiting, for when we are ended ourselves. */
  endNow(): void {
    this.#wanted.clear();
    for (const gateway of this.#running.values()) gateway.kill();
  }

  /**
   * Resolves when one of those that start is ready or gone; one that is killed is followed by another.
   *
   * @throws when gateways keep ending by themselves: none of them will ever be ready
   */
  async #nextReady(): Promise<void> {
    const lastWords = this.crashes[MOST_CRASHES];
    if (lastWords !== undefined) throw new Error(`gateways keep ending by themselves:\n${lastWords}`);
    await Promise.race([
      ...this.starting.map((gateway) => gateway.ready.catch(() => {})),
      ...(this.starting.length === 0 ? [new Promise((resolve) => setTimeout(resolve, 5))] : []),
    ]);
    await new Promise((resolve) => setImmediate(resolve));
  }

  #start(place: Place): void {
    const { configDir, cwd, envOf, onChange } = this.deps;
    const gateway = new GatewayProcess({
      name: place.name,
      configDir,
      cwd,
      env: envOf(place),
      onTrouble: (sentence) => this.troubles.set(sentence, (this.troubles.get(sentence) ?? 0) + 1),
    });
    this.#running.set(place, gateway);
    gateway.ready.then(
      () => {
        this.starts.push(performance.now() - gateway.startedAt);
        onChange(this);
      },
      () => {}, // it was killed before, or is reported as a crash
    );
    void gateway.ended.then(({ byItself, lastLines }) => {
      if (byItself) this.crashes.push(lastLines.join('\n'));
      this.#running.delete(place);
      if (this.#wanted.has(place)) this.#start(place);
      onChange(this);
    });
  }
}
