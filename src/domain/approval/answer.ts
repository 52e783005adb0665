/** What counts as an answer to a request, whoever gives it: a person, or the policy when nobody did. Pure. */
import type { AnswerOption } from '../card.ts';
import type { ApprovalPolicy, Decision } from './record.ts';

type Offered = Pick<ApprovalPolicy, 'choices' | 'options'>;

/** As a decision keeps it: in the words of the option, where there are options. Undefined for what is not offered. */
export function answerOf(
  policy: Offered,
  text: string | undefined,
): Pick<Decision, 'text' | 'option'> | undefined {
  if (!policy.choices.includes('answer') || !text?.trim()) return undefined;
  if (!policy.options) return { text };
  const option = optionOf(policy, text);
  return option && { text: option.label, option: option.id };
}

/** The option somebody means, by its id or as it is called; undefined for anything else. */
export function optionOf(
  { options = [] }: Pick<ApprovalPolicy, 'options'>,
  text: string | undefined,
): AnswerOption | undefined {
  const wanted = text?.trim().toLowerCase();
  return (
    options.find(({ id }) => id === wanted) ?? options.find(({ label }) => label.toLowerCase() === wanted)
  );
}
