/** How Jira says no: a status, sentences, and sentences about single fields. */
export class Refusal extends Error {
  constructor(
    readonly status: number,
    readonly messages: readonly string[],
    readonly errors: Readonly<Record<string, string>> = {},
    readonly headers: Readonly<Record<string, string>> = {},
  ) {
    super(messages[0] ?? Object.values(errors)[0] ?? `status ${status}`);
  }

  get body(): object {
    return { errorMessages: this.messages, errors: this.errors };
  }
}

export function noIssue(): Refusal {
  return new Refusal(404, ['Issue does not exist or you do not have permission to see it.']);
}

export function noComment(id: string): Refusal {
  return new Refusal(404, [`Can not find a comment for the id: ${id}.`]);
}
