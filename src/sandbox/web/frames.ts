/** What the web gateway's published protocol (docs/web-api.md) puts on a socket, as a program reads it. */
import { z } from 'zod';
import { Card } from '../../domain/card.ts';
import { OutFile } from '../../domain/message.ts';

const eventFields = {
  type: z.literal('event'),
  position: z.int().positive(),
  id: z.string(),
  at: z.iso.datetime(),
  conversation: z.string(),
};
const Buttons = z.array(z.strictObject({ label: z.string(), says: z.string() })).optional();

/** What `form` and `POST forms` answer. */
export const FormOffer = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('form'),
    form: z.strictObject({
      title: z.string(),
      words: z.string(),
      fields: z.array(
        z.strictObject({
          name: z.string(),
          label: z.string(),
          value: z.string().optional(),
          hint: z.string().optional(),
          required: z.boolean(),
          multiline: z.boolean(),
        }),
      ),
      submit: z.string(),
    }),
  }),
  z.strictObject({ kind: z.literal('refused'), notice: z.string() }),
]);
export type FormOffer = z.infer<typeof FormOffer>;

const replaces = z.int().positive().optional();

export const EventFrame = z.discriminatedUnion('kind', [
  z.strictObject({
    ...eventFields,
    kind: z.literal('text'),
    markdown: z.string(),
    files: z.array(OutFile).optional(),
    buttons: Buttons,
    replaces,
  }),
  z.strictObject({ ...eventFields, kind: z.literal('card'), card: Card, replaces }),
  z.strictObject({
    ...eventFields,
    kind: z.literal('notice'),
    markdown: z.string(),
    buttons: Buttons,
    pick: z
      .strictObject({
        label: z.string(),
        says: z.string(),
        options: z.array(z.strictObject({ label: z.string(), value: z.string() })),
      })
      .optional(),
  }),
  z.strictObject({ ...eventFields, kind: z.literal('progress'), markdown: z.string(), replaces }),
]);
export type EventFrame = z.infer<typeof EventFrame>;

const OkFrame = z.object({
  type: z.literal('ok'),
  id: z.string(),
  status: z.enum(['stored', 'duplicate', 'answered', 'ignored']).optional(),
  reason: z.string().optional(),
  code: z.string().optional(),
  notice: z.string().optional(),
  buttons: Buttons,
  /** Of a form. */
  kind: z.enum(['form', 'refused']).optional(),
  form: z.unknown().optional(),
});

const ErrorFrame = z.object({
  type: z.literal('error'),
  id: z.string().optional(),
  code: z.enum(['malformed', 'unauthorized', 'try-again']),
  message: z.string(),
});

const MissedFrame = z.object({ type: z.literal('missed'), after: z.int().nonnegative() });

export const ServerFrame = z.union([OkFrame, ErrorFrame, MissedFrame, EventFrame]);
export type ServerFrame = z.infer<typeof ServerFrame>;
