/**
 * Services started in order and stopped in reverse: the one place where any of them starts or stops.
 *
 * If one cannot start, those already started are stopped again before the error is passed on.
 */
import type { Logger } from '../observability/logger.ts';
import type { Service } from './service.ts';

export class ServiceGroup implements Service {
  readonly name = 'services';
  readonly #started: Service[] = [];

  constructor(
    private readonly services: readonly Service[],
    private readonly log: Logger,
  ) {}

  async start(): Promise<void> {
    for (const service of this.services) {
      try {
        await service.start();
      } catch (error) {
        await this.stop();
        throw error;
      }
      this.#started.push(service);
      this.log.debug({ service: service.name }, 'service started');
    }
  }

  async stop(): Promise<void> {
    for (let service = this.#started.pop(); service; service = this.#started.pop()) {
      try {
        await service.stop();
        this.log.debug({ service: service.name }, 'service stopped');
      } catch (error) {
        this.log.error({ err: error, service: service.name }, 'a service did not stop cleanly');
      }
    }
  }
}
