/** Something that runs for as long as the application does. */
export interface Service {
  readonly name: string;
  /** Resolves once the service is doing its work. */
  start(): Promise<void>;
  /** Takes no more work, finishes what it has, resolves when quiet. Safe to call twice. */
  stop(): Promise<void>;
}
