/** What answers a command fastest: discord.js alone, which says something at once and stores nothing. */
import { Client, type RESTOptions } from 'discord.js';

const { DISCORD_BOT_TOKEN = '', DISCORD_APPLICATION_ID = '', DISCORD_API_URL = '' } = process.env;
const rest: Partial<RESTOptions> = { api: DISCORD_API_URL, version: '10' };
const client = new Client({ intents: 1, rest });

client.on('interactionCreate', (interaction) => {
  if (interaction.isChatInputCommand())
    void interaction.reply({ content: 'ok', allowedMentions: { parse: [] } });
});
client.once('clientReady', async () => {
  client.rest.setToken(DISCORD_BOT_TOKEN);
  await client.rest.put(`/applications/${DISCORD_APPLICATION_ID}/commands`, {
    body: [
      {
        name: 'ask',
        description: 'Ask',
        options: [{ type: 3, name: 'question', description: 'What', required: true }],
      },
    ],
  });
  process.stdout.write('ready\n');
});
await client.login(DISCORD_BOT_TOKEN);
