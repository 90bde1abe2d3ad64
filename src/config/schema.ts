import ipaddr from 'ipaddr.js'
import { z } from 'zod'
import { DEFAULT_ROLES, type Role } from '../kernel/role.ts'
import { GRANT_PATTERN } from '../kernel/scope.ts'
import { topicFilterProblem } from '../kernel/topic.ts'
import { IssuerSchema } from './issuer.ts'

/** 0 lets the operating system choose a free one. */
const Port = z.int().min(0).max(65535)

const Url = (...protocols: string[]) =>
  z
    .string()
    .refine((text) => protocols.includes(URL.parse(text)?.protocol.slice(0, -1) ?? ''), {
      error: `must be an address that begins with ${protocols.map((protocol) => `${protocol}://`).join(' or ')}`,
      abort: true,
    })
    .refine(isDecodable, { error: 'must have a % in user name or password written as %25' })

/** Whether user name and password can be read: a password with a % is easily forgotten to be encoded. */
function isDecodable(url: string): boolean {
  const { username = '', password = '' } = URL.parse(url) ?? {}
  try {
    decodeURIComponent(username + password)
    return true
  } catch {
    return false
  }
}

/** The paths of the hub are fixed, and `/.well-known` (RFC 8615) stands at the root alone. */
const Origin = Url('https', 'http').refine((text) => isBareOrigin(new URL(text)), {
  error:
    'must be an address without path, query and login, such as https://home.example: the hub needs a name of its own',
})

const isBareOrigin = ({ pathname, search, hash, username, password }: URL): boolean =>
  pathname === '/' && search + hash + username + password === ''

const AddressRange = z.string().refine((text) => isAddressRange(text), {
  error: 'must be an address or a network, such as 192.0.2.1, 10.0.0.0/8 or fd00::/8',
})

const isAddressRange = (text: string): boolean => ipaddr.isValid(text) || ipaddr.isValidCIDR(text)

const Path = z.string().min(1)

/** RFC 6750, 2.1: what an Authorization header can carry. */
const Token = z
  .string()
  .regex(
    /^(?:\$\{secret:[^{}]+\}|(?=.{16})[\w.~+/-]+=*)$/,
    'must be at least 16 characters, of letters, digits and . _ ~ + / - alone, or ${secret:name}',
  )

const KEY_BYTES = 32
const isKey = (text: string) =>
  /^[0-9a-f]{64}$/i.test(text) || (/^[\w+/-]{43}=?$/.test(text) && Buffer.from(text, 'base64').length === KEY_BYTES)

const SecretKeys = z.string().refine((text) => text.split(',').every((key) => isKey(key.trim())), {
  error: 'must be one or more keys of 32 bytes each, in base64 or hex, separated by commas',
})

/** `alicia` is the owner's login, `hub` and `session` are the hub's own; a name is also a level of a topic. */
const UserName = z
  .string()
  .regex(/^[^\s/+#$:]{1,64}$/, 'must be 1 to 64 characters without spaces, /, +, #, $ and :')
  .refine((name) => !['alicia', 'hub', 'session'].includes(name), { error: 'must not be alicia, hub or session' })

const Grant = z
  .string()
  .regex(GRANT_PATTERN, 'must be area:verb, area:* or *, and perhaps within what bounds: mqtt:write@room/kitchen')

const TopicFilter = z.string().superRefine((filter, context) => {
  const problem = topicFilterProblem(filter)
  if (problem !== undefined) context.addIssue({ code: 'custom', message: problem })
})

/** As bounds of grants name it: `mqtt:*@room/kitchen`. */
const PlaceName = z.string().regex(/^[^@/\s\p{Cc}]{1,64}$/u, 'must be 1 to 64 characters without spaces, @ and /')

/** A share of a subscription is no part of the home. */
const PlaceTopics = z.array(TopicFilter.refine((filter) => !filter.startsWith('$'), 'must not begin with $'))

const Room = z.strictObject({
  topics: PlaceTopics.default([]).describe('Topic filters of what is in it, besides those of its devices.'),
})

const Device = z.strictObject({
  room: PlaceName.exactOptional().describe('Where it stands.'),
  topics: PlaceTopics.min(1).describe('Topic filters of all that is its own: `["zigbee2mqtt/lamp-1/#"]`.'),
})

/** A service's name is also a level of a topic. */
const ServiceName = z.string().regex(/^[a-z][a-z0-9_]*$/, 'must be the name of a service')

const User = z.strictObject({
  name: UserName.describe('Login name. Requests of this user arrive under `alicia/v1/as/<name>/`.'),
  password: z
    .string()
    .min(8)
    .describe('Login password, at least 8 characters; `${secret:name}` is what `alicia secret set` keeps.'),
  scopes: z
    .array(Grant)
    .default([])
    .describe("What this user's requests may do: `area:verb`, `area:*` or `*`, and after it perhaps `@room/<name>`."),
  role: z
    .enum(['adult', 'child', 'guest', 'service'])
    .exactOptional()
    .describe(
      'Whose word it is: with a role that does not decide alone, what destroys something waits for approval. It gives no scopes. ' +
        'Absent: this user decides alone, within its scopes.',
    ),
  publish: z.array(TopicFilter).exactOptional().describe('Where it may publish. Absent: everywhere but `alicia/#`.'),
  subscribe: z.array(TopicFilter).exactOptional().describe('What it may read. Absent: everything but `alicia/#`.'),
  services: z
    .array(ServiceName)
    .default([])
    .describe('Services that a process with this login runs for the hub (`alicia start --only`).'),
})

const Count = (most: number, usual: number) => z.int().min(1).max(most).default(usual)

const BrokerQuotas = z.strictObject({
  connections: Count(100_000, 1000).describe('Open connections, by TCP and by WebSocket each.'),
  connectionsPerAddress: Count(100_000, 200).describe(
    'Those of one address (IPv6: one /64); loopback has no such limit.',
  ),
  unknownPerAddress: Count(10_000, 50).describe(
    'Those of one address that have not said yet who they are: the one that waits longest makes room.',
  ),
  connectSeconds: Count(300, 10).describe('Within so long a client has to say who it is.'),
  connectionsPerUser: Count(100_000, 500).describe('Open connections of one user.'),
  sessionsPerUser: Count(100_000, 500).describe('Sessions of one user that outlive their connection.'),
  subscriptionsPerClient: Count(1_000_000, 5000).describe('Topic filters that one client is subscribed to.'),
  retainedPerUser: Count(10_000_000, 20_000).describe('Retained messages of one user.'),
  retainedMegabytesPerUser: Count(100_000, 64).describe('And their size.'),
  inflightPerClient: Count(65_535, 1000).describe('Messages of QoS 2 that a client sent and has not released.'),
  queuedPerClient: Count(10_000_000, 10_000).describe('Messages kept for one client that is away.'),
  queuedMegabytesPerClient: Count(100_000, 64).describe('And their size.'),
  messageMegabytes: Count(256, 10).describe('Largest message.'),
  messagesPerSecond: Count(1_000_000, 10_000).describe(
    'Messages one user may send for long, and ten times as many at once. Who sends more is read more slowly.',
  ),
})

const Broker = z.strictObject({
  kind: z
    .enum(['embedded', 'mosquitto', 'remote'])
    .exactOptional()
    .describe('`embedded` runs in the hub, `mosquitto` is run by the hub, `remote` is yours. With a `url`: `remote`.'),
  url: Url('mqtt', 'mqtts', 'ws', 'wss').exactOptional().describe('Use this broker and run none.'),
  host: z.string().min(1).exactOptional().describe("Address the hub's own broker listens on. Absent: that of `host`."),
  port: Port.default(1883).describe("TCP port of the hub's own broker; 0 takes any free one."),
  webSocketPort: Port.nullable()
    .default(null)
    .describe('A port of its own for MQTT over WebSocket; `null`: only `/mqtt` on the HTTP port.'),
  tls: z
    .strictObject({
      port: Port.default(8883).describe('TCP port; 0 takes any free one.'),
      cert: Path.describe('PEM file with the certificate, and those between it and its authority.'),
      key: Path.describe('PEM file with its key.'),
    })
    .exactOptional()
    .describe("A listener of the hub's own broker with TLS. `alicia broker config` makes certificates, too."),
  anonymous: z
    .boolean()
    .default(false)
    .describe('Let clients in that show no password. Anyone on the network, that is.'),
  program: Path.exactOptional().describe(
    'Where the program `mosquitto` is. Absent: searched for in PATH and /usr/sbin.',
  ),
  session: z
    .strictObject({ username: z.string().min(1), password: z.string().min(8) })
    .exactOptional()
    .describe(
      "Login at the remote broker for assistants' sessions: one that can neither read nor write what others ask the hub. Absent: " +
        'that of `url`.',
    ),
  ca: Path.exactOptional().describe('PEM file with the authority that signed the remote broker’s certificate.'),
  cert: Path.exactOptional().describe('PEM file with the client certificate for the remote broker.'),
  key: Path.exactOptional().describe('PEM file with the key of that certificate.'),
  enforcesIdentity: z
    .boolean()
    .default(false)
    .describe(
      'The remote broker’s access control lets only user U write `alicia/v1/as/U/#` and `alicia/v1/bus/U/+/up/#`, only ' +
        'the owner `alicia/v1/req/#`, and only hubs the rest of `alicia/#`. Without it, requests over MQTT and services ' +
        'of other processes are refused: anyone could claim to be anyone.',
    ),
  users: z.array(User).default([]).describe("Further logins at the hub's own broker."),
  quotas: BrokerQuotas.prefault({}).describe("What each user of the hub's own broker can make it hold."),
})

/** A full name, or a part of it with `*` for the rest. */
const OperationPattern = z
  .string()
  .regex(/^[^\s@]{1,200}$/, 'must be the full name of an operation, such as mqtt.publish_message, or a pattern with *')

const CallRate = z
  .strictObject({
    perMinute: z.number().positive().describe('Calls that come back within a minute.'),
    burst: z.int().min(1).exactOptional().describe('Calls at once. Absent: as many as in a minute, at least one.'),
  })
  .transform(({ perMinute, burst = Math.max(1, Math.floor(perMinute)) }) => ({ perMinute, burst }))

const Limits = z.strictObject({
  callsPerMinute: z
    .int()
    .min(1)
    .default(6000)
    .describe(
      'Calls one caller may make at once, and get back evenly within a minute. Those without a token have them together with ' +
        'all others at their address.',
    ),
  addressCallsPerMinute: z
    .int()
    .min(1)
    .default(30_000)
    .describe('The same for all callers at one address together (IPv6: one /64). Loopback has no such limit.'),
  operations: z
    .record(OperationPattern, CallRate)
    .default({})
    .describe(
      'How often one caller may call an operation, by its full name or a pattern: `{"mqtt.*": {"perMinute": 60}}`. The first ' +
        'that fits counts, before what the operation says itself.',
    ),
  sockets: z.int().min(16).default(1024).describe('HTTP and WebSocket connections open at once.'),
  socketsPerAddress: z
    .int()
    .min(1)
    .default(128)
    .describe('Those of one address (IPv6: one /64); loopback and trusted proxies have no such limit.'),
  timeoutSeconds: z.int().min(1).max(3600).default(30).describe('How long a call may take that says nothing else.'),
  bodyMegabytes: z.number().min(0.01).max(1024).default(4).describe('Largest body of a request.'),
  mcpSessions: z.int().min(1).default(1000).describe('MCP sessions open at once.'),
  mcpSessionsPerCaller: z.int().min(1).default(250).describe('Those of one caller.'),
  streamsPerCaller: z
    .int()
    .min(1)
    .default(100)
    .describe('Event streams and WebSockets that one caller may hold open at once; and as many MCP subscriptions.'),
  mqttSessions: z.int().min(1).default(100).describe('MQTT sessions open at once, of all callers.'),
  healthDays: z
    .int()
    .min(1)
    .max(3650)
    .default(30)
    .describe('How long it is kept how services and servers did, who used what, and alerts that are over.'),
  listTokens: z
    .int()
    .min(0)
    .default(20_000)
    .describe('What a list of tools may cost a model; where it would cost more, MCP clients get a search over them.'),
  resultTokens: z
    .int()
    .min(0)
    .default(200_000)
    .describe(
      'Largest result at `/mcp`, in tokens: more than a model can take at once. Larger ones are kept for an hour and shown ' +
        'in parts. 0: any size.',
    ),
  profileResultTokens: z
    .int()
    .min(0)
    .default(25_000)
    .describe('The same at `/mcp/<profile>`, where the profile says nothing else.'),
  approvalSeconds: z
    .int()
    .min(5)
    .max(3600)
    .default(120)
    .describe('How long a call waits for a person to allow it, where its caller does not decide alone.'),
  auditDays: z.int().min(1).max(3650).default(30).describe('How long the record of calls is kept.'),
  auditMegabytes: z
    .int()
    .min(1)
    .max(1_000_000)
    .default(500)
    .describe('How large the record of calls may become: the oldest goes first.'),
})

const RoleOf = (role: Exclude<Role, 'owner'>) =>
  z
    .strictObject({
      scopes: z
        .array(Grant)
        .default([...DEFAULT_ROLES[role].scopes])
        .describe('What everybody in this role may who has no scopes of their own.'),
      decidesAlone: z
        .boolean()
        .default(DEFAULT_ROLES[role].decidesAlone)
        .describe('`false`: what destroys something waits until somebody allows it who may decide.'),
    })
    .prefault({})

/** What stands in the configuration file; flags and the environment are laid over it before it is checked. */
export const ConfigSchema = z.strictObject({
  host: z
    .string()
    .min(1)
    .default('127.0.0.1')
    .describe('Address the HTTP server listens on. `0.0.0.0` opens it to the network; add `allowedHosts` then.'),
  port: Port.default(8765).describe('Port of the HTTP server (API, dashboard, MCP); 0 takes any free one.'),
  data: Path.exactOptional().describe(
    'Folder for the database, the token and the secret key. Absent: `$XDG_DATA_HOME/alicia` or ' +
      '`~/.local/share/alicia`; `~/Library/Application Support/alicia` on macOS; `%LOCALAPPDATA%\\alicia` on Windows.',
  ),
  mcpFiles: z
    .array(Path)
    .exactOptional()
    .describe('Files that name other MCP servers, as MCP clients have them. Absent: `mcp.json` in the data folder.'),
  token: Token.exactOptional().describe("The owner's access token. Absent: generated once, in the file `token`."),
  secretKey: SecretKeys.exactOptional().describe(
    'Root key that wraps those which encrypt stored credentials: 32 bytes in base64 or hex; several, separated by commas, to ' +
      'rotate (the first wraps, all open). Absent: generated once, and kept where `secretKeySource` says.',
  ),
  secretKeySource: z
    .enum(['file', 'keyring'])
    .default('file')
    .describe(
      'Where the generated root key is kept: `file` is `secret.key` in the data folder; `keyring` is the keyring of the ' +
        'operating system, to which a key in the file moves.',
    ),
  database: z
    .strictObject({
      url: Url('postgres', 'postgresql')
        .exactOptional()
        .describe('PostgreSQL to use. Absent: SQLite in the data folder.'),
    })
    .prefault({}),
  broker: Broker.prefault({}),
  only: z
    .array(ServiceName)
    .min(1)
    .exactOptional()
    .describe('Run these services and nothing else, for a hub at the same broker. Needs `broker.url`.'),
  without: z
    .array(ServiceName)
    .default([])
    .describe('Services that the hub does not run itself, because processes of their own do.'),
  demo: z.boolean().default(false).describe('Add a simulated home to the broker, to try things on.'),
  checkResults: z
    .boolean()
    .default(false)
    .describe('Check every result against its schema before it goes out: for development and tests.'),
  publicUrl: Origin.exactOptional().describe(
    'Where a proxy with TLS serves the hub: `https://home.example`. It stands in logins and tokens, and its name may be ' +
      'called. Absent: where the hub listens.',
  ),
  oauth: z
    .strictObject({
      clients: z
        .array(
          z
            .string()
            .regex(/^(?:\*|(?:\*\.)?[a-z0-9.-]+)$/, 'must be a host name, *.example.com for all below one, or *'),
        )
        .default(['*'])
        .describe(
          'Hosts at which a program may describe itself (Client ID Metadata Documents). A person decides in any case.',
        ),
      registration: z
        .boolean()
        .default(true)
        .describe('Programs that have no such document may register themselves, as older ones do.'),
      allowPrivateAddresses: z
        .boolean()
        .default(false)
        .describe('Look for such documents in the home network, too. Any program could make the hub ask there.'),
    })
    .prefault({}),
  auth: IssuerSchema.exactOptional().describe(
    'Another issuer (OpenID Connect) whose access tokens are taken besides those of the hub: JWTs, verified with its keys.',
  ),
  allowedHosts: z
    .array(z.string().regex(/^[^\s/]+$/, 'must be a host name, such as home.example, without scheme and path'))
    .default([])
    .describe('Names the hub may be called by, besides those of loopback. Guards against DNS rebinding.'),
  allowedOrigins: z
    .array(z.string().regex(/^[a-z][a-z0-9+.-]*:\/\/[^\s/]+$/, 'must be an origin, such as https://home.example'))
    .default([])
    .describe('Origins of web pages that may call the hub, besides its own.'),
  rooms: z
    .record(PlaceName, Room)
    .default({})
    .describe(
      'Rooms, for grants that end there: `mqtt:*@room/kitchen`. `{"kitchen": {"topics": ["home/kitchen/#"]}}`.',
    ),
  devices: z
    .record(PlaceName, Device)
    .default({})
    .describe('Devices, for grants that end there: `mqtt:*@device/lamp-1`. A room includes its devices.'),
  trustedProxies: z
    .array(AddressRange)
    .default([])
    .describe(
      'Addresses and networks of proxies in front of the hub: `["127.0.0.1", "172.16.0.0/12"]`. What they say in `Forwarded` or ' +
        '`X-Forwarded-For` is believed, from nobody else. They have to replace or extend what clients send there.',
    ),
  busyPollMicroseconds: z
    .int()
    .min(0)
    .max(1000)
    .default(50)
    .describe(
      'How long the hub looks for more, instead of sleeping at once, after a request or an answer of a server on this machine: ' +
        'being woken costs a call more than its work. 0: never.',
    ),
  limits: Limits.prefault({}),
  roles: z
    .strictObject({
      adult: RoleOf('adult'),
      child: RoleOf('child'),
      guest: RoleOf('guest'),
      service: RoleOf('service'),
    })
    .prefault({})
    .describe('What the roles of people may; the owner may everything.'),
  audit: z
    .strictObject({
      arguments: z
        .enum(['none', 'writes', 'all'])
        .default('writes')
        .describe('Whose arguments stand in the record of calls, without what is secret in them.'),
      redact: z
        .array(z.string().regex(/^[^.\s]+(\.[^.\s]+)*$/, 'must be names with dots between, such as payload.pin'))
        .default([])
        .describe(
          'Arguments that are secret besides those whose name or form says so: `payload.pin`; `pin` alone is one anywhere, ' +
            '`*` is any one name.',
        ),
    })
    .prefault({}),
  tracing: z
    .strictObject({
      url: Url('http', 'https')
        .exactOptional()
        .describe(
          'OpenTelemetry collector that gets a span of every call, over OTLP/HTTP: `http://localhost:4318`. Also read ' +
            'from OTEL_EXPORTER_OTLP_ENDPOINT. Absent: nothing is traced.',
        ),
    })
    .prefault({}),
  log: z
    .strictObject({
      level: z
        .enum(['debug', 'info', 'warn', 'error', 'silent'])
        .default('info')
        .describe('What is written to the log.'),
    })
    .prefault({}),
})

export type ParsedConfig = z.output<typeof ConfigSchema>
