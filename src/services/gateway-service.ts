/** The gateways as one service: opened together, closed together, so that one slow platform holds up no other. */
import type { Gateway, Lookup, Receive } from '../domain/gateway.ts';
import type { Logger } from '../observability/logger.ts';
import type { Service } from './service.ts';

export class GatewayService implements Service {
  readonly name = 'gateways';

  constructor(
    private readonly gateways: readonly Gateway[],
    private readonly core: { readonly receive: Receive; readonly lookup: Lookup },
    private readonly log: Logger,
  ) {}

  /** @throws what the first gateway threw that cannot start; the others are stopped again */
  async start(): Promise<void> {
    const { receive, lookup } = this.core;
    const started = await Promise.allSettled(this.gateways.map((gateway) => gateway.start(receive, lookup)));
    const failed = started.find((outcome) => outcome.status === 'rejected');
    if (!failed) return;
    await this.stop();
    throw failed.reason;
  }

  async stop(): Promise<void> {
    await Promise.all(
      this.gateways.map((gateway) =>
        gateway.stop().catch((error: unknown) => {
          this.log.error({ err: error, gateway: gateway.platform }, 'a gateway did not stop cleanly');
        }),
      ),
    );
  }
}
