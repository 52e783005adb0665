/**
 * What a person fills in to answer a card, before any platform's widgets: built by the core, shown by a gateway, and
 * sent back field by field as it was written (`InboundAnswer.fields`).
 */
import type { ApprovalId } from './ids.ts';
import type { Sender } from './message.ts';

/** Answers for which the core makes the form; what they ask for depends on the request. */
export const FORM_CHOICES = ['ask', 'edit', 'always'] as const;
export type FormChoice = (typeof FORM_CHOICES)[number];

export interface Form {
  /** At most 24 characters: what fits every platform. Plain text, like all of it. */
  readonly title: string;
  /** What to know before it is filled in. */
  readonly words: string;
  readonly fields: readonly FormField[];
  /** On the button that sends it; at most 24 characters. */
  readonly submit: string;
}

export interface FormField {
  /** 1 to 100 characters. */
  readonly name: string;
  readonly label: string;
  /** What stands in it at first. */
  readonly value?: string;
  readonly hint?: string;
  readonly required: boolean;
  readonly multiline: boolean;
}

/** What a platform's forms hold. */
export interface FormBounds {
  readonly fields: number;
  /** Of what stands in a field. */
  readonly chars: number;
}

/** Who wants to answer what, and how. */
export interface FormWish {
  readonly sender: Pick<Sender, 'account' | 'groups'>;
  readonly approvalId: ApprovalId;
  /** Generation and digest of what was shown. */
  readonly gen: number;
  readonly digest: string;
  readonly choice: FormChoice;
  readonly bounds: FormBounds;
}

/** The form, or in words for the one who wanted it why there is none; in markdown. */
export type FormOffer =
  | { readonly kind: 'form'; readonly form: Form }
  | { readonly kind: 'refused'; readonly notice: string };
