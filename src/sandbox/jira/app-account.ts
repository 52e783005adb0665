/** The app's account in the emulated Jira: what it signs in with, and what it may. */
import { BOT } from '../people.ts';
import type { Site } from './wire.ts';

/** What a token with scopes can be limited to (developer.atlassian.com, "Jira scopes", the classic ones). */
export const SCOPES = ['read:jira-work', 'write:jira-work', 'read:jira-user'] as const;
export type Scope = (typeof SCOPES)[number];

export interface AccountOptions {
  /** The app's account may administer the site, and so see the list of webhooks. Default false. */
  readonly administrator?: boolean;
  /** Permissions that the account has not: `ADD_COMMENTS`, or in one project only `HELP:ADD_COMMENTS`. */
  readonly lacks?: readonly string[];
  /** Of the scoped token. Default all that there are. */
  readonly scopes?: readonly Scope[];
}

export class AppAccount {
  readonly email = 'signalbox@corp.test';
  readonly cloudId = '11111111-2222-4333-8444-555555555555';
  readonly apiToken = 'sandbox-jira-api-token';
  /** Works only below `/ex/jira/<cloud id>`. */
  readonly scopedToken = 'sandbox-jira-scoped-token';
  /** Of Data Center. */
  readonly personalToken = 'sandbox-jira-personal-token';

  constructor(
    private readonly flavour: Site['flavour'],
    private readonly options: AccountOptions,
  ) {}

  /** Which account a request with this `Authorization` is; undefined for a stranger. */
  authenticate(authorization: string | undefined, isScoped: boolean): string | undefined {
    const basic = (token: string) => `Basic ${Buffer.from(`${this.email}:${token}`).toString('base64')}`;
    const accepted =
      this.flavour === 'data-center'
        ? [`Bearer ${this.personalToken}`]
        : [isScoped ? basic(this.scopedToken) : basic(this.apiToken)];
    return authorization !== undefined && accepted.includes(authorization) ? BOT.jiraAccount : undefined;
  }

  /** Whether the scoped token reaches so far. */
  hasScope(scope: Scope): boolean {
    return (this.options.scopes ?? SCOPES).includes(scope);
  }

  /** `project` absent: in any at all. */
  holds(permission: string, project?: string): boolean {
    const { administrator = false, lacks = [] } = this.options;
    if (permission === 'ADMINISTER') return administrator;
    return !lacks.includes(permission) && !lacks.includes(`${project}:${permission}`);
  }
}
