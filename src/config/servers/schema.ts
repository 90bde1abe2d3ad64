import { z } from 'zod'

const Name = z.string().min(1)
const Text = z.string()

/** Other clients write numbers and booleans here, and VS Code `null` for a variable that is to be absent. */
const Value = z.union([z.string(), z.number(), z.boolean(), z.null()], { error: 'must be text' })
const Values = z.record(z.string(), Value)

const Seconds = z.number().min(0.1).max(86_400)
const Count = z.int().min(1)
const Patterns = z.array(Name)
const Trust = z.enum(['trust', 'hold'])

const TRANSPORTS = [
  'stdio',
  'http',
  'streamable-http',
  'streamableHttp',
  'streamable_http',
  'sse',
  'ws',
  'websocket',
] as const

/** How one process or address is described, in the words of the clients people come from. */
const Target = {
  type: z
    .enum(TRANSPORTS)
    .exactOptional()
    .describe('Absent: `stdio` with a command; with a URL, what the server speaks.'),
  command: Name.exactOptional().describe('Program to start.'),
  args: z.array(Value).exactOptional().describe('Its arguments: text, numbers, true or false.'),
  env: Values.exactOptional().describe('Variables for it, beside a small, safe part of the hub’s own.'),
  envFile: Name.exactOptional().describe('File with more variables, `NAME=value` on each line.'),
  cwd: Name.exactOptional().describe('Folder it runs in.'),
  url: Name.exactOptional().describe('Address of a server that runs elsewhere.'),
  headers: Values.exactOptional().describe('Headers of every request to it.'),
} as const

export const OverrideSchema = z.object({
  name: Name.exactOptional().describe('Another name for it.'),
  description: Text.exactOptional().describe('What models read about it.'),
  arguments: z
    .record(z.string(), z.unknown())
    .exactOptional()
    .describe('Always sent with these values; callers neither see nor set them.'),
  effect: z
    .enum(['read', 'write', 'destructive'])
    .exactOptional()
    .describe('What it does to the world, where the server does not say.'),
  idempotent: z.boolean().exactOptional().describe('A repeated call does nothing more.'),
  timeoutSeconds: Seconds.exactOptional().describe('As that of the server, for this tool.'),
})

export const ToolRulesSchema = z.object({
  allow: Patterns.exactOptional().describe('Names, `*` for any characters. Absent: all.'),
  deny: Patterns.exactOptional().describe('Names that are left out.'),
  override: z
    .record(z.string(), OverrideSchema)
    .exactOptional()
    .describe('Changes to single tools, by the name the server gives them.'),
})

const Tools = z.union([Patterns, ToolRulesSchema], {
  error: 'must be a list of names or {"allow": …, "deny": …, "override": …}',
})

const Replica = z.object({
  ...Target,
  weight: Count.exactOptional().describe('Share of the calls with `weighted`.'),
})

export const RestartSchema = z.object({
  firstDelaySeconds: Seconds.exactOptional().describe('Before the first attempt (0.25); it doubles from there.'),
  mostDelaySeconds: Seconds.exactOptional().describe('The delay grows no longer than that (60).'),
  mostAttempts: z.int().min(0).exactOptional().describe('In a row (10); then it has failed until somebody asks.'),
})

export const OAuthSchema = z.object({
  grant: z
    .enum(['authorization_code', 'client_credentials'])
    .exactOptional()
    .describe(
      '`authorization_code`: a person logs in (`alicia login`); `client_credentials`: the hub does, by itself.',
    ),
  clientId: Name.exactOptional().describe('As the provider gave it; absent: registered by the hub.'),
  clientSecret: Name.exactOptional().describe('The same; best as `${secret:…}`.'),
  clientMetadataUrl: Name.exactOptional().describe('HTTPS address of a client metadata document that you host.'),
  scopes: z.array(Name).exactOptional().describe('Asked for at the login; absent: what the server names.'),
  allowPrivateAddresses: z
    .boolean()
    .exactOptional()
    .describe('Discovery may ask addresses of the home network: only for a login server that is there.'),
})

const Root = z.union([Name, z.object({ uri: Name, name: Name.exactOptional() })], {
  error: 'must be a folder or {"uri": …, "name": …}',
})

/** What other clients do not know: in an object `alicia` of a server, or beside its other keys. */
export const ExtrasSchema = z.object({
  profiles: z.array(Name).exactOptional().describe('Profiles that have this server.'),
  tools: Tools.exactOptional().describe(
    'Which tools are offered, and how: a list of names, or `allow`, `deny`, `override`.',
  ),
  timeoutSeconds: Seconds.exactOptional().describe('How long a call may take without a sign of life.'),
  startTimeoutSeconds: Seconds.exactOptional().describe('How long a start may take (30; the first `npx` downloads).'),
  patienceSeconds: Seconds.exactOptional().describe('How long a call waits for a server that is starting (10).'),
  concurrency: Count.exactOptional().describe('Calls at once (64); more wait.'),
  queue: z.int().min(0).exactOptional().describe('Calls that may wait (256); more are refused.'),
  start: z
    .enum(['eager', 'on_demand'])
    .exactOptional()
    .describe('`on_demand`: started by a call, and once to learn its tools.'),
  idleStopMinutes: z.number().min(0.01).exactOptional().describe('Stopped when nobody used it for so long.'),
  restart: z
    .union([z.enum(['always', 'never']), RestartSchema], {
      error: 'must be always, never or {"firstDelaySeconds": …, "mostDelaySeconds": …, "mostAttempts": …}',
    })
    .exactOptional()
    .describe('After a crash: delays that grow from 1 to 60 seconds, 10 attempts.'),
  weight: Count.exactOptional().describe('Share of the calls beside its replicas.'),
  replicas: z
    .union([z.int().min(1).max(32), z.array(Replica)], { error: 'must be a number from 1 to 32, or a list of servers' })
    .exactOptional()
    .describe('How many equal ones, or where further ones are. What they do not say is as in the server itself.'),
  balance: z.enum(['round_robin', 'weighted', 'least_loaded']).exactOptional().describe('Who of them is asked.'),
  hedgeAfterMs: Count.exactOptional().describe('A read that takes longer is asked of a second replica too.'),
  needs: z.array(Name).exactOptional().describe('Servers, or parts of the hub, without which it is of no use.'),
  memoryMegabytes: Count.exactOptional().describe('Above that it is restarted when no call runs.'),
  sharing: z
    .enum(['auto', 'shared', 'per_client'])
    .exactOptional()
    .describe('Whether clients share one connection. `auto`: until it asks its clients questions.'),
  mostConnections: Count.exactOptional().describe('Connections beside the shared one (8).'),
  roots: z.array(Root).exactOptional().describe('Folders the server is told of when it asks.'),
  newTools: Trust.exactOptional().describe('`hold`: a tool that is new waits for a person (`trust`).'),
  changedTools: Trust.exactOptional().describe(
    '`hold`: a tool that changed since it was approved waits for a person (`hold`).',
  ),
  oauth: OAuthSchema.exactOptional().describe('How to log in, where that is not found out by itself.'),
})

/** What other clients write, in their spellings. */
export const EntrySchema = z.object({
  ...Target,
  transport: z.enum(TRANSPORTS).exactOptional().describe('Another spelling of `type`.'),
  serverUrl: Name.exactOptional().describe('Another spelling of `url` (Windsurf).'),
  httpUrl: Name.exactOptional().describe('A `url` that speaks Streamable HTTP (Gemini).'),
  disabled: z.boolean().exactOptional().describe('Kept in the file and not used.'),
  enabled: z.boolean().exactOptional().describe('The same, the other way round.'),
  description: Text.exactOptional().describe('For people.'),
})

export const ProfileSchema = z.object({
  description: Text.exactOptional().describe('For people.'),
  servers: Patterns.exactOptional().describe('Names of servers and of parts of the hub, `*` for any characters.'),
  tools: z
    .union([Patterns, ToolRulesSchema.omit({ override: true })], {
      error: 'must be a list of names or {"allow": …, "deny": …}',
    })
    .exactOptional()
    .describe('Which of their tools: a list of names, or `allow` and `deny`.'),
  list: z
    .enum(['all', 'search', 'auto'])
    .exactOptional()
    .describe('Whether all tools are listed, or a search over them. `auto`: by the size of the list.'),
  alwaysList: Patterns.exactOptional().describe('Tools that stand in the list beside the search.'),
  resultTokens: z
    .int()
    .min(0)
    .exactOptional()
    .describe('Tokens of one result above which it is shown in parts (25,000); 0: never.'),
})

/** VS Code's `inputs`: asked for there; here kept as a secret of that name. */
export const InputSchema = z.object({
  id: Name,
  type: Text.exactOptional(),
  description: Text.exactOptional(),
  default: Value.exactOptional(),
  password: z.boolean().exactOptional(),
  options: z.array(z.unknown()).exactOptional(),
})

export type Target = z.output<typeof Replica>
export type Entry = z.output<typeof EntrySchema>
export type Extras = z.output<typeof ExtrasSchema>
export type Profile = z.output<typeof ProfileSchema>
export type Input = z.output<typeof InputSchema>
