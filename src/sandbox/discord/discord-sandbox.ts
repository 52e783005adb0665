/**
 * The emulated Discord: one guild, one app, and the people in it.
 *
 * The app's side is the real wire (REST, gateway, signed interactions); the people's side is this class, for the
 * page and for tests. Nothing is shown to the app that Discord would not show it, and nothing is accepted from it
 * that Discord would refuse.
 */
import type { FastifyInstance } from 'fastify';
import { type Clock, systemClock } from '../../domain/clock.ts';
import type { Journal } from '../journal.ts';
import { BOT, DISCORD_CHANNELS, GUILD, PEOPLE } from '../people.ts';
import { Watch } from '../watch.ts';
import { ApiServer, type RestCall, type Violation } from './api-server.ts';
import { AppMessages } from './app-messages.ts';
import { ApplicationRoutes } from './application-routes.ts';
import { ChannelRoutes } from './channel-routes.ts';
import { MESSAGE_COMMAND } from './command-rules.ts';
import { type GatewayEvent, INTENT } from './events.ts';
import type { Fault } from './faults.ts';
import { FileRoutes } from './file-routes.ts';
import { Files, type Upload } from './files.ts';
import { GatewayServer, gatewayUrl } from './gateway-server.ts';
import { choiceOf, pressOf, submissionOf } from './gestures.ts';
import { GuildRoutes } from './guild-routes.ts';
import { InteractionRoutes } from './interaction-routes.ts';
import { InteractionUrl, type PostOutcome, type SignedPost, type UrlDelivery } from './interaction-url.ts';
import {
  AUTOCOMPLETE,
  COMMAND,
  COMPONENT,
  type Gesture,
  type GestureOutcome,
  type Hearing,
  Interactions,
  MODAL_SUBMIT,
} from './interactions.ts';
import { FIRST_RESPONSE_MS, HEARTBEAT_INTERVAL_MS, RESUME_WINDOW_MS } from './limits.ts';
import { Messages } from './messages.ts';
import { type Permission, Permissions } from './permissions.ts';
import { GENEROUS_RATE_LIMITS, type RateLimitSettings, REAL_RATE_LIMITS } from './rate-limits.ts';
import { type OptionValues, TypedCommands } from './typed-commands.ts';
import { toDiscordText } from './typed-text.ts';
import {
  isPerson,
  OTHER_BOT,
  type Payload,
  type SharedView,
  toAttachment,
  toGuild,
  toMessage,
} from './wire.ts';
import {
  type Command,
  type DiscordMessage,
  type OpenModal,
  type RecordedPing,
  type Thread,
  World,
} from './world.ts';

export interface DiscordSandboxOptions {
  readonly botToken?: string;
  /** Where interactions are posted; without it they go over the gateway. */
  readonly interactionsUrl?: string;
  /** Privileged intents that the app was given. Default none. */
  readonly intents?: PrivilegedIntents;
  /** `real`: as strict as Discord; `generous` (default): out of the way. */
  readonly rateLimits?: 'generous' | 'real' | RateLimitSettings;
  /** Shards that Discord recommends. Default 1. */
  readonly shards?: number;
  /** How long the app has for its first response to an interaction. Default 3 s. */
  readonly firstResponseMs?: number;
  /** Default 41.25 s. */
  readonly heartbeatIntervalMs?: number;
  /** How long a lost connection can be resumed. Default 3 min. */
  readonly resumeWindowMs?: number;
}

export interface PrivilegedIntents {
  readonly messageContent?: boolean;
  readonly guildMembers?: boolean;
  readonly guildPresences?: boolean;
}

/** A file that somebody sends along. */
export type { Upload };

/** Calls remembered, so that a sandbox left running for weeks does not grow without end. */
const MAX_LOG_ENTRIES = 100_000;

const DEFAULT_ARCHIVE_MINUTES = 4_320;

/** As Discord marks an app with privileged intents that nobody had to review (Application Flags). */
const APPLICATION_FLAGS = {
  guildPresences: 1 << 13,
  guildMembers: 1 << 15,
  messageContent: 1 << 19,
} as const;

/** Gateway close code. */
const AUTHENTICATION_FAILED = 4004;

/** What people write may mention anybody they may mention. */
const BY_PEOPLE = { allowed: undefined, defaults: 'everybody' } as const;

export class DiscordSandbox {
  readonly botToken: string;
  /** Every call of the REST API, oldest first. */
  readonly calls: RestCall[] = [];
  /** Requests that broke a published limit; a test run expects none. */
  readonly violations: Violation[] = [];
  /** Every request to the interactions endpoint, oldest first. */
  readonly deliveries: UrlDelivery[] = [];
  /** Every interaction that went over the gateway, oldest first: noted before `slash` and its like return. */
  readonly hearings: Hearing[] = [];

  readonly #world: World;
  readonly #files: Files;
  readonly #messages: Messages;
  readonly #gateway: GatewayServer;
  readonly #interactions: Interactions;
  readonly #commands: TypedCommands;
  readonly #permissions = new Permissions();
  readonly #url: InteractionUrl;
  readonly #server: ApiServer;
  readonly #view: () => SharedView;
  readonly #watch = new Watch('in Discord');
  #intents: PrivilegedIntents;
  #isRevoked = false;
  #app: FastifyInstance | undefined;

  constructor(
    journal: Journal,
    options: DiscordSandboxOptions = {},
    private readonly clock: Clock = systemClock,
  ) {
    this.botToken = options.botToken ?? `${Buffer.from(BOT.discordUser).toString('base64url')}.sandbox.token`;
    this.#intents = options.intents ?? {};

    const token = () => (this.#isRevoked ? undefined : this.botToken);
    const firstResponseMs = options.firstResponseMs ?? FIRST_RESPONSE_MS;
    const origin = () => this.#app?.listeningOrigin ?? '';
    const world = new World(journal, clock);
    const files = new Files(world, clock, origin);
    const permissions = this.#permissions;
    const view = (): SharedView => ({
      world,
      permissions,
      clock,
      linkOf: (channel, file) => files.linkOf(channel, file),
    });
    const gateway = new GatewayServer({
      settings: {
        token,
        heartbeatIntervalMs: options.heartbeatIntervalMs ?? HEARTBEAT_INTERVAL_MS,
        resumeWindowMs: options.resumeWindowMs ?? RESUME_WINDOW_MS,
      },
      clock,
      origin,
      enabledIntents: () => this.#enabledIntents(),
      applicationFlags: () => this.#applicationFlags(),
      guildCreate: () => ({
        name: 'GUILD_CREATE',
        intents: INTENT.guilds,
        guild: GUILD.id,
        toData: () => toGuild(view()),
      }),
      onChange: () => this.#watch.changed(),
      onViolation: (error) => this.#violated({ route: 'gateway', error }),
    });
    const dispatch = (event: GatewayEvent) => (this.#isVisible(event.channel) ? gateway.dispatch(event) : []);
    const messages = new Messages({ world, clock, view, dispatch });
    const appMessages = new AppMessages({ world, messages, files, clock });
    const url = new InteractionUrl({
      clock,
      timeoutMs: firstResponseMs,
      note: (delivery) => this.#remember(this.deliveries, delivery),
    });
    const interactions = new Interactions({
      world,
      messages,
      appMessages,
      clock,
      view,
      url,
      firstResponseMs,
      dispatch,
      heard: (hearing) => this.#remember(this.hearings, hearing),
      isConnected: () => gateway.connections > 0,
      violated: (refusal) => this.#violated({ route: 'interactions endpoint', error: refusal.toWire() }),
    });
    const routes = [
      new ApplicationRoutes({
        world,
        clock,
        gatewayUrl: () => gatewayUrl(origin()),
        shards: options.shards ?? 1,
        identifiesLeft: () => gateway.identifiesLeft(),
        applicationFlags: () => this.#applicationFlags(),
        publicKey: url.publicKey,
        interactionsUrl: () => url.address,
      }),
      new GuildRoutes({ view, hasMembers: () => this.#intents.guildMembers === true }),
      new ChannelRoutes({
        world,
        messages,
        appMessages,
        permissions,
        clock,
        view,
        hasContent: () => this.#intents.messageContent === true,
        dispatch,
      }),
      new InteractionRoutes({ interactions, appMessages, messages, view }),
      new FileRoutes(files),
    ].flatMap((owner) => owner.routes);

    this.#view = view;
    this.#world = world;
    this.#files = files;
    this.#messages = messages;
    this.#gateway = gateway;
    this.#interactions = interactions;
    this.#url = url;
    this.#commands = new TypedCommands({
      world,
      files,
      toAttachment: (channel, file) => toAttachment(channel, file, { ...view(), content: true }),
    });
    this.#server = new ApiServer({
      routes,
      files,
      token,
      rateLimits: toSettings(options.rateLimits ?? 'generous'),
      note: (call) => this.#remember(this.calls, call),
      violated: (violation) => this.#violated(violation),
    });
    url.use(options.interactionsUrl);
    world.onChange(() => this.#watch.changed());
  }

  /** Adds the REST API at `/discord/api`, the files, and the gateway's upgrade to this server. */
  register(app: FastifyInstance): void {
    this.#app = app;
    this.#server.register(app);
    this.#gateway.attach(app.server);
  }

  /** Reads the journal back. */
  async start(): Promise<void> {
    await this.#world.start();
  }

  /** Says goodbye to every connection. Safe to call twice. */
  async stop(): Promise<void> {
    await this.#gateway.stop();
  }

  /** What points a gateway at this sandbox, as environment variables. */
  env(url: string): Record<string, string> {
    return {
      DISCORD_BOT_TOKEN: this.botToken,
      DISCORD_APPLICATION_ID: BOT.discordApplication,
      DISCORD_PUBLIC_KEY: this.#url.publicKey,
      DISCORD_API_URL: `${url}/discord/api`,
    };
  }

  // What people do.

  /**
   * Somebody types in a channel or a thread; `@signalbox`, first names and role names become mentions.
   *
   * @throws {Error} when their client would not send it: too long, or no such place
   */
  async say(said: {
    user: string;
    channel: string;
    text: string;
    /** The message this one answers, and whether its author is to be notified (default yes). */
    replyTo?: string;
    notifies?: boolean;
    files?: readonly Upload[];
    /** They pay for Nitro, and so for longer messages. */
    nitro?: boolean;
  }): Promise<DiscordMessage> {
    const { user: author, channel, text, replyTo, notifies = true, files = [], nitro = false } = said;
    if (!isPerson(author)) throw new Error(`there is no person ${author}`);
    const content = toDiscordText(text, nitro);
    this.#refusePlace(author, channel);
    if (replyTo !== undefined) this.#existing(replyTo);
    return this.#messages.post(
      {
        author,
        channel,
        content,
        type: replyTo === undefined ? 0 : 19,
        attachments: files.map((file) => this.#files.keep(file)),
        nonce: this.#world.nextId(),
        ...(replyTo === undefined ? {} : { replyTo }),
      },
      notifies
        ? BY_PEOPLE
        : { allowed: { parse: ['users', 'roles', 'everyone'], replied_user: false }, defaults: 'everybody' },
    );
  }

  /** Another bot of the guild says something. */
  async sayAsBot({ channel, text }: { channel: string; text: string }): Promise<DiscordMessage> {
    return this.#messages.post({ author: OTHER_BOT.id, channel, content: toDiscordText(text) }, BY_PEOPLE);
  }

  /** Somebody types to the bot in their direct messages. */
  async dm(said: {
    user: string;
    text: string;
    files?: readonly Upload[];
    nitro?: boolean;
  }): Promise<DiscordMessage> {
    return this.say({ ...said, channel: dmOf(said.user) });
  }

  /** Somebody changes what they wrote. */
  async edit(change: { message: string; text: string; nitro?: boolean }): Promise<DiscordMessage> {
    const { message, text, nitro = false } = change;
    return this.#messages.edit(this.#existing(message), { content: toDiscordText(text, nitro) }, BY_PEOPLE);
  }

  /** Somebody deletes a message. */
  async remove({ message }: { message: string }): Promise<void> {
    this.#messages.remove(this.#existing(message));
  }

  /** Somebody reacts to a message. */
  async react({ user, message, emoji }: { user: string; message: string; emoji: string }): Promise<void> {
    this.#messages.react(this.#existing(message), emoji, user);
  }

  /** Somebody opens a thread, from a message or in a channel. */
  async openThread(wanted: {
    user: string;
    channel: string;
    name: string;
    message?: string;
  }): Promise<Thread> {
    const thread: Thread = {
      id: wanted.message ?? this.#world.nextId(),
      parent: wanted.channel,
      name: wanted.name,
      owner: wanted.user,
      archived: false,
      locked: false,
      autoArchiveMinutes: DEFAULT_ARCHIVE_MINUTES,
      createdAt: new Date(this.clock.now()).toISOString(),
      members: [wanted.user],
    };
    this.#messages.putThread(thread);
    return thread;
  }

  /** A thread falls asleep, or a moderator locks it. */
  async archive({ thread, locked = false }: { thread: string; locked?: boolean }): Promise<void> {
    const place = this.#world.place(thread);
    if (place?.kind !== 'thread') throw new Error(`there is no thread ${thread}`);
    this.#messages.putThread({ ...place.thread, archived: true, locked });
  }

  /**
   * Somebody uses a slash command; resolves with what they see first.
   *
   * @throws {Error} when the app has not registered it here, or an option does not fit
   */
  async slash(typed: {
    user: string;
    channel: string;
    command: string;
    options?: OptionValues;
  }): Promise<GestureOutcome> {
    const { command, data } = this.#commands.slash(typed);
    return this.#interactions.raise({ ...whereOf(typed), type: COMMAND, data, command: command.name });
  }

  /**
   * Somebody is typing an option of a slash command; resolves with what they are offered.
   *
   * @throws {Error} when that option has no autocomplete
   */
  async autocomplete(typed: {
    user: string;
    channel: string;
    command: string;
    option: string;
    value: string;
    /** What they have filled in already. */
    options?: OptionValues;
  }): Promise<GestureOutcome> {
    const { command, data } = this.#commands.completing(typed);
    return this.#interactions.raise({ ...whereOf(typed), type: AUTOCOMPLETE, data, command: command.name });
  }

  /**
   * Somebody uses a command of a message's menu.
   *
   * @throws {Error} when the app has not registered it here
   */
  async contextCommand(used: {
    user: string;
    channel: string;
    message: string;
    command: string;
  }): Promise<GestureOutcome> {
    const { id, name, type } = this.#commands.find(used.channel, MESSAGE_COMMAND, used.command);
    const target = this.#existing(used.message);
    // The target of a message command is shown whole, whatever the intents (Message Content Intent).
    const shown = toMessage(target, { ...this.#view(), content: true });
    const data = { id, name, type, target_id: target.id, resolved: { messages: { [target.id]: shown } } };
    return this.#interactions.raise({ ...whereOf(used), type: COMMAND, data, command: name });
  }

  /**
   * Somebody presses a button of a message, or of an older copy of it that their screen still shows.
   *
   * @throws {Error} when there is no such button, or it is disabled
   */
  async press(pressed: {
    user: string;
    channel: string;
    message: string;
    customId: string;
    copy?: DiscordMessage;
  }): Promise<GestureOutcome> {
    const message = this.#seenBy(pressed);
    const data = pressOf(pressed.copy ?? message, pressed.customId);
    return this.#interactions.raise({ ...whereOf(pressed), type: COMPONENT, data, message });
  }

  /**
   * Somebody chooses from a menu.
   *
   * @throws {Error} when there is no such menu, or it does not offer these values
   */
  async choose(chosen: {
    user: string;
    channel: string;
    message: string;
    customId: string;
    values: readonly string[];
  }): Promise<GestureOutcome> {
    const message = this.#seenBy(chosen);
    const data = choiceOf(message, chosen.customId, chosen.values);
    return this.#interactions.raise({ ...whereOf(chosen), type: COMPONENT, data, message });
  }

  /**
   * Somebody submits the modal in front of them; `values` by custom_id. It stays open when that fails.
   *
   * @throws {Error} when they have none open, or their client would not let them
   */
  async submitModal({
    user,
    values,
  }: {
    user: string;
    values: Readonly<Record<string, string>>;
  }): Promise<GestureOutcome> {
    const modal = this.#world.modal(user);
    if (modal === undefined) throw new Error(`${user} has no modal open`);
    const message = modal.message === undefined ? undefined : this.#world.message(modal.message);
    const gesture: Gesture = {
      type: MODAL_SUBMIT,
      user,
      channel: modal.channel,
      data: submissionOf(modal, values),
      ...(message === undefined ? {} : { message }),
    };
    const outcome = await this.#interactions.raise(gesture);
    if (outcome.kind !== 'failed') this.#world.record({ kind: 'modal-gone', user });
    return outcome;
  }

  /** Somebody closes the modal in front of them; the app is not told. */
  async closeModal({ user }: { user: string }): Promise<void> {
    this.#world.record({ kind: 'modal-gone', user });
  }

  // What is there to see.

  /** What everybody in a channel, a thread or direct messages sees, oldest first. */
  messages(channel: string): DiscordMessage[] {
    return this.#world.messages(channel);
  }

  message(id: string): DiscordMessage | undefined {
    return this.#world.message(id);
  }

  /** What is in a file that came with a message. */
  fileContent(id: string): Buffer | undefined {
    return this.#world.file(id)?.bytes;
  }

  /** The channel a thread is in, its state and its members. */
  thread(id: string): Thread | undefined {
    const place = this.#world.place(id);
    return place?.kind === 'thread' ? place.thread : undefined;
  }

  /** All threads, or those of one channel. */
  threads(channel?: string): Thread[] {
    return this.#world.threads(channel);
  }

  /** What only this person sees. */
  ephemerals(user: string): DiscordMessage[] {
    return this.#world.ephemerals(user);
  }

  /** The modal in front of this person: none, or one. */
  modals(user: string): OpenModal[] {
    const modal = this.#world.modal(user);
    return modal === undefined ? [] : [modal];
  }

  /** Commands that the app has registered, for the guild and globally. */
  commands(): Command[] {
    return [...this.#world.commands(GUILD.id), ...this.#world.commands(undefined)];
  }

  /** Everybody that a message notified, oldest first. */
  get pings(): readonly RecordedPing[] {
    return this.#world.pings();
  }

  /** Connections that have identified or resumed. */
  get connections(): number {
    return this.#gateway.connections;
  }

  /** The interactions endpoint; undefined when interactions go over the gateway. */
  get interactionsUrl(): string | undefined {
    return this.#url.address;
  }

  /** Calls `listener` after every change of anything above; the function returned ends that. */
  onChange(listener: () => void): () => void {
    return this.#watch.onChange(listener);
  }

  /**
   * Resolves with what `find` returns, as soon as that is neither undefined nor false. Looks after every change.
   *
   * @throws {Error} after `timeoutMs` (default 10 s), with what there is instead
   */
  async until<Found>(
    find: (discord: this) => Found | undefined | false,
    { timeoutMs }: { timeoutMs?: number } = {},
  ): Promise<Found> {
    return this.#watch.until(
      () => find(this),
      () => this.#summary(),
      timeoutMs,
    );
  }

  // What goes wrong, and what the app's owner sets.

  /** The next `times` calls of `route`, such as `POST /channels/:channel/messages` (`*`: of any), fail like this. */
  fail(route: string, fault: Fault, times = 1): void {
    this.#server.faults.add(route, fault, times);
  }

  /** Forgets the failures still ordered, and acknowledges heartbeats again. */
  heal(): void {
    this.#server.faults.clear();
    this.#gateway.acknowledgeHeartbeats(true);
  }

  /** Cuts every gateway connection without a word, or closes it with this code. */
  disconnect(code?: number): void {
    this.#gateway.drop(code);
  }

  /** Asks every client to reconnect and resume, as Discord does when it moves a connection. */
  askToReconnect(): void {
    this.#gateway.reconnect();
  }

  /** Ends every session: what happens before the client has identified anew is never told. */
  endSessions({ resumable = false } = {}): void {
    this.#gateway.invalidate(resumable);
  }

  /** Lets connections look open and be dead: heartbeats are no longer acknowledged, until `heal`. */
  freeze(): void {
    this.#gateway.acknowledgeHeartbeats(false);
  }

  /** Sends one gateway frame as it is. */
  deliverFrame(frame: string | Buffer): void {
    this.#gateway.sendRaw(frame);
  }

  /** Tells the app of something made up, as an event of this name. */
  deliverEvent(name: string, data: Payload, { guild = true } = {}): void {
    this.#gateway.dispatch({ name, intents: 0, guild: guild ? GUILD.id : undefined, toData: () => data });
  }

  /** Tells the app again what it was told last under this name; an interaction, the way interactions go. */
  async redeliver(name: 'MESSAGE_CREATE' | 'INTERACTION_CREATE'): Promise<void> {
    if (name === 'INTERACTION_CREATE' && this.#url.address !== undefined) await this.#url.repeatLast();
    else this.#gateway.repeatLast(name);
  }

  /** From now on interactions go to this URL, or over the gateway when undefined. */
  deliverTo(interactionsUrl: string | undefined): void {
    this.#url.use(interactionsUrl);
  }

  /** Does what Discord does when the URL is entered: true if it answers a PING, and refuses a wrong signature. */
  async verifyInteractionsUrl(): Promise<boolean> {
    return this.#url.verify();
  }

  /** Posts one body as it is to the interactions endpoint, rightly signed unless told otherwise. */
  async deliverRaw(raw: SignedPost): Promise<PostOutcome> {
    return this.#url.post(raw);
  }

  /** The owner of the app switches privileged intents on or off; connections that are open keep what they had. */
  setIntents(intents: PrivilegedIntents): void {
    this.#intents = intents;
  }

  /** The owner of the app resets the token: whoever has the old one is out at once, until it is given back. */
  revokeToken(): void {
    this.#isRevoked = true;
    this.#gateway.drop(AUTHENTICATION_FAILED);
  }

  /** The old token counts again, which spares a test to start its gateway with another. */
  restoreToken(): void {
    this.#isRevoked = false;
  }

  /** What the app may do in one channel, or everywhere; undefined: as at the beginning. */
  setPermissions(permissions: readonly Permission[] | undefined, channel?: string): void {
    this.#permissions.grant(permissions, channel);
  }

  /** Somebody blocks the app, or unblocks it. */
  refuseDms(user: string, refuses = true): void {
    this.#permissions.refuseDms(user, refuses);
  }

  #isVisible(channel: string | undefined): boolean {
    const place = channel === undefined ? undefined : this.#world.place(channel);
    if (place === undefined || place.kind === 'dm') return true;
    return this.#permissions.has('VIEW_CHANNEL', place.kind === 'thread' ? place.thread.parent : place.id);
  }

  #enabledIntents(): number {
    const { messageContent, guildMembers, guildPresences } = this.#intents;
    return (
      (messageContent === true ? INTENT.messageContent : 0) |
      (guildMembers === true ? INTENT.guildMembers : 0) |
      (guildPresences === true ? INTENT.guildPresences : 0)
    );
  }

  #applicationFlags(): number {
    const { messageContent, guildMembers, guildPresences } = this.#intents;
    return (
      (messageContent === true ? APPLICATION_FLAGS.messageContent : 0) |
      (guildMembers === true ? APPLICATION_FLAGS.guildMembers : 0) |
      (guildPresences === true ? APPLICATION_FLAGS.guildPresences : 0)
    );
  }

  #refusePlace(user: string, channel: string): void {
    const place = this.#world.place(channel);
    if (place === undefined) throw new Error(`there is no channel ${channel}`);
    if (place.kind === 'dm' && place.user !== user) throw new Error(`${user} is not in channel ${channel}`);
  }

  #existing(id: string): DiscordMessage {
    const message = this.#world.message(id);
    if (message === undefined) throw new Error(`there is no message ${id}`);
    return message;
  }

  #seenBy({
    user,
    channel,
    message: id,
  }: {
    user: string;
    channel: string;
    message: string;
  }): DiscordMessage {
    const message = this.#existing(id);
    if (message.channel !== channel) throw new Error(`message ${id} is not in channel ${channel}`);
    if ((message.onlyFor ?? user) !== user) throw new Error(`${user} does not see message ${id}`);
    return message;
  }

  #violated(violation: Omit<Violation, 'at'>): void {
    this.#remember(this.violations, { at: this.clock.now(), ...violation });
  }

  #remember<Entry>(log: Entry[], entry: Entry): void {
    if (log.length >= MAX_LOG_ENTRIES) log.shift();
    log.push(entry);
    this.#watch.changed();
  }

  #summary(): string {
    const places = [
      ...DISCORD_CHANNELS.map(({ id }) => id),
      ...PEOPLE.map(({ discordDm }) => discordDm),
      ...this.threads().map(({ id }) => id),
    ];
    return JSON.stringify({
      connections: this.connections,
      lastMessages: places.flatMap((channel) => this.messages(channel).slice(-5)).map(toGist),
      ephemerals: PEOPLE.flatMap(({ discordUser }) => this.ephemerals(discordUser).slice(-3)).map(toGist),
      lastCalls: this.calls.slice(-5).map(({ route, status, error }) => ({ route, status, error })),
      violations: this.violations.slice(-3),
    });
  }
}

function toSettings(limits: 'generous' | 'real' | RateLimitSettings): RateLimitSettings {
  if (limits === 'generous') return GENEROUS_RATE_LIMITS;
  return limits === 'real' ? REAL_RATE_LIMITS : limits;
}

function whereOf({ user, channel }: { user: string; channel: string }): Pick<Gesture, 'user' | 'channel'> {
  return { user, channel };
}

function dmOf(user: string): string {
  const person = PEOPLE.find(({ discordUser }) => discordUser === user);
  if (person === undefined) throw new Error(`there is no person ${user}`);
  return person.discordDm;
}

function toGist({ channel, author, content, components }: DiscordMessage): object {
  return {
    channel,
    author,
    content: content.slice(0, 200),
    ...(components.length === 0 ? {} : { components: components.length }),
  };
}
