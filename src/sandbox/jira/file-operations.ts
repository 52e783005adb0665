/** Files of issues. Their bytes go another way; see `rest-server.ts`. */
import { z } from 'zod';
import { defineOperation, type Operation, type Surroundings } from './operation.ts';
import { Refusal } from './refusal.ts';
import { toAttachment } from './wire.ts';

export function fileOperations(around: Surroundings): Operation[] {
  const { world, site } = around;
  return [
    defineOperation({
      id: 'getAttachment',
      method: 'GET',
      path: '/api/2/attachment/:file',
      query: z.strictObject({}),
      run: ({ params }) => {
        const file = world.file(params.file ?? '');
        if (!file) throw new Refusal(404, ['The attachment with id does not exist']);
        return { status: 200, body: toAttachment(file, site()) };
      },
    }),
  ];
}
