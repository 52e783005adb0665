/** Those who are asked, as they list what waits for them and answer it: the product's way, but for their platform. */
import { ToolCatalog } from '../../src/agent/tools/tool-catalog.ts';
import type { ApprovalStore } from '../../src/approvals/approval-store.ts';
import { GrantStore } from '../../src/approvals/grant-store.ts';
import { inboxesFor } from '../../src/approvals/inbox.ts';
import { parseConfig } from '../../src/config/load-config.ts';
import { mayDecide } from '../../src/domain/approval/voting.ts';
import { systemClock } from '../../src/domain/clock.ts';
import { AccountId, type ApprovalId } from '../../src/domain/ids.ts';
import type { Person } from '../../src/domain/person.ts';
import { Directory } from '../../src/identity/directory.ts';
import { BallotBox } from '../../src/router/ballot-box.ts';
import { GrantDesk } from '../../src/router/grant-desk.ts';
import { Reach } from '../../src/router/reach.ts';
import type { CoreStore } from './core-store.ts';

/** What `/approvals` shows. */
export const LISTED = 20;

/** Dana, the one manager among a thousand people. */
const DANA = AccountId.parse('cli:dana');
const PEOPLE = 1_000;

export class PeopleAsked {
  readonly #ballots: BallotBox;
  readonly #directory: Directory;
  readonly #dana: Person;

  constructor(
    { redis, keys }: CoreStore,
    private readonly approvals: ApprovalStore,
  ) {
    const config = parseConfig(TEXTS, { directory: 'config', env: {}, gateways: {} });
    const directory = new Directory(() => config);
    const reach = new Reach(directory, new Map());
    const grants = new GrantDesk(new GrantStore(redis, keys, systemClock), directory, systemClock);
    const tools = new ToolCatalog([]);
    const dana = directory.personOf(DANA);
    if (!dana) throw new Error('Dana is not among the people');
    this.#dana = dana;
    this.#directory = directory;
    const holdOf = async () => undefined;
    this.#ballots = new BallotBox({
      approvals,
      directory,
      grants,
      reach,
      tools,
      holdOf,
      config: () => config,
    });
  }

  /** As `/approvals` does. Resolves with how many are listed. */
  async list(): Promise<number> {
    const voter = this.#directory.voterOf(this.#dana, systemClock.now());
    const waiting = await this.approvals.inbox(
      inboxesFor(voter),
      (approval) => mayDecide(approval, voter),
      LISTED,
    );
    return waiting.length;
  }

  /** Resolves with what became of the vote. */
  async approve(id: ApprovalId, key: string): Promise<string | undefined> {
    const said = { kind: 'approve' } as const;
    const counted = await this.#ballots.cast(
      id,
      { person: this.#dana, account: DANA },
      { key, said, gen: 1, digest: undefined },
    );
    return counted?.code;
  }
}

const others = Array.from(
  { length: PEOPLE - 1 },
  (_, n) => `  person-${n}: { name: Person ${n}, roles: [member], accounts: { cli: user${n} } }`,
);

const TEXTS = {
  purpose: 'name: Bench\npurpose: You say what you were told.\n',
  authorizations: `
roles:
  member: { permissions: [ask] }
  manager: { permissions: [ask, approve] }
unknown_senders: ignore
rules: []
defaults: { read: allow, write: deny }
`,
  contacts: `
people:
  dana: { name: Dana, roles: [manager], accounts: { cli: dana } }
${others.join('\n')}
`,
  schedules: undefined,
  escalation: `
policies:
  default: { deadline: 24h, remind_after: [6h, 18h], valid_for: 15m, on_timeout: expire }
`,
  settings: 'model: { provider: echo }\n',
};
