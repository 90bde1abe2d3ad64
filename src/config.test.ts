import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import * as fc from 'fast-check'
import { loadConfig, type Config, type ConfigSources } from './config.ts'
import { ConfigSchema } from './config/schema.ts'
import { SETTINGS } from './config/settings.ts'
import { schemaAt } from './config/shape.ts'
import { Fault } from './kernel/fault.ts'
import { DEFAULT_QUOTAS } from './engines/broker/quotas.ts'

const FOLDER = '/home/user/.local/share/alicia'
const FILE = `${FOLDER}/alicia.jsonc`

interface Given extends Partial<Omit<ConfigSources, 'readFile'>> {
  file?: string
  files?: Record<string, string>
}

const load = ({ file, files = {}, ...more }: Given): Config =>
  loadConfig({
    flags: {},
    env: {},
    cwd: '/work',
    home: '/home/user',
    platform: 'linux',
    ...more,
    readFile: (path) => (file !== undefined && path === FILE ? file : files[path]),
  })

const complaint = (given: Given): string => {
  try {
    load(given)
  } catch (error) {
    assert(error instanceof Fault)
    assert.equal(error.code, 'invalid_input')
    return error.message
  }
  return assert.fail('it was accepted')
}

const KEY = Buffer.alloc(32, 7)

suite('configuration', () => {
  test('needs nothing', () => {
    const config = load({})
    assert.equal(config.host, '127.0.0.1')
    assert.equal(config.port, 8765)
    assert.equal(config.data, FOLDER)
    assert.equal(config.file, undefined)
    assert.equal(config.limits.callsPerMinute, 6000)
    assert.deepEqual(config.broker, {
      kind: 'embedded',
      host: '127.0.0.1',
      port: 1883,
      webSocketPort: null,
      anonymous: false,
      users: [],
      quotas: DEFAULT_QUOTAS,
    })
    assert(Object.isFrozen(config) && Object.isFrozen(config.broker) && Object.isFrozen(config.limits))
  })

  const layers: [string, Given, number][] = [
    ['default', {}, 8765],
    ['file over default', { file: '{"port": 1}' }, 1],
    ['environment over file', { file: '{"port": 1}', env: { ALICIA_PORT: '2' } }, 2],
    ['flag over environment', { file: '{"port": 1}', env: { ALICIA_PORT: '2' }, flags: { port: '3' } }, 3],
    ['an empty variable is none', { file: '{"port": 1}', env: { ALICIA_PORT: '' } }, 1],
    ['a wrong value under a right one does not matter', { file: '{"port": "x"}', flags: { port: '3' } }, 3],
    ['0 is any free port', { flags: { port: '0' } }, 0],
  ]
  for (const [why, given, port] of layers) test(`layers: ${why}`, () => assert.equal(load(given).port, port))

  const values: [string, Given, Partial<Config>][] = [
    ['comments, trailing commas, BOM', { file: '\uFEFF{\n // why\n "demo": true, /* so */\n}' }, { demo: true }],
    ['an empty file', { file: '' }, { demo: false }],
    ['booleans in words', { env: { ALICIA_DEMO: 'Yes' } }, { demo: true }],
    ['a flag without a value', { flags: { demo: true } }, { demo: true }],
    [
      'lists with commas',
      { env: { ALICIA_ALLOWED_HOSTS: 'a.example, b.example,' } },
      { allowedHosts: ['a.example', 'b.example'] },
    ],
    ['levels', { flags: { logLevel: 'debug' } }, { log: { level: 'debug' } }],
    ['database', { env: { ALICIA_DATABASE_URL: 'postgres://u:p@h/d' } }, { database: { url: 'postgres://u:p@h/d' } }],
    [
      'a collector, by the name others know',
      { env: { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://o:4318' } },
      { tracing: { url: 'http://o:4318' } },
    ],
    [
      'a collector of our own before that',
      { env: { ALICIA_TRACING_URL: 'http://a', OTEL_EXPORTER_OTLP_ENDPOINT: 'http://o' } },
      { tracing: { url: 'http://a' } },
    ],
    ['token', { env: { ALICIA_TOKEN: 'abcdefgh-._~+/12==' } }, { token: 'abcdefgh-._~+/12==' }],
    ['keys in hex', { env: { ALICIA_SECRET_KEY: KEY.toString('hex') } }, { secretKey: KEY.toString('hex') }],
    ['keys in base64', { env: { ALICIA_SECRET_KEY: KEY.toString('base64') } }, { secretKey: KEY.toString('base64') }],
    ['flags that are no settings', { flags: { json: true } }, { demo: false }],
    ['other variables', { env: { PATH: '/bin', ALICE: '1' } }, { demo: false }],
  ]
  for (const [why, given, expected] of values)
    test(`accepts: ${why}`, () => {
      const config = load(given)
      for (const [key, value] of Object.entries(expected)) assert.deepEqual(config[key as keyof Config], value)
    })

  const folders: [string, Given, string][] = [
    ['Linux', {}, FOLDER],
    ['XDG', { env: { XDG_DATA_HOME: '/xdg' } }, '/xdg/alicia'],
    ['XDG that is not absolute', { env: { XDG_DATA_HOME: 'xdg' } }, FOLDER],
    ['macOS', { platform: 'darwin' }, '/home/user/Library/Application Support/alicia'],
    ['Windows', { platform: 'win32', env: { LOCALAPPDATA: 'C:\\Local' } }, 'C:\\Local\\alicia'],
    ['a flag, from the working directory', { flags: { data: 'here' } }, '/work/here'],
    ['~', { env: { ALICIA_DATA: '~/there' } }, '/home/user/there'],
    [
      'a file, from its folder',
      { flags: { config: '/etc/a.json' }, files: { '/etc/a.json': '{"data":"d"}' } },
      '/etc/d',
    ],
  ]
  for (const [why, given, data] of folders) test(`data folder: ${why}`, () => assert.equal(load(given).data, data))

  const places: [string, Given, string | undefined][] = [
    ['the data folder', { file: '{}' }, FILE],
    ['.json too', { files: { [`${FOLDER}/alicia.json`]: '{}' } }, `${FOLDER}/alicia.json`],
    [
      'the folder of --data',
      { flags: { data: '/d' }, files: { '/d/alicia.jsonc': '{}' }, file: '{"port":1}' },
      '/d/alicia.jsonc',
    ],
    ['--config', { flags: { config: 'c.json' }, files: { '/work/c.json': '{}' }, file: '{"port":1}' }, '/work/c.json'],
    ['ALICIA_CONFIG', { env: { ALICIA_CONFIG: '/c.json' }, files: { '/c.json': '{}' } }, '/c.json'],
  ]
  for (const [why, given, file] of places) test(`file from: ${why}`, () => assert.equal(load(given).file, file))

  const brokers: [string, Given, object][] = [
    ['a url means remote', { env: { ALICIA_BROKER_URL: 'mqtt://b' } }, { kind: 'remote', url: 'mqtt://b' }],
    [
      'a higher layer decides: kind',
      { file: '{"broker":{"url":"mqtt://b"}}', flags: { broker: 'embedded' } },
      { kind: 'embedded' },
    ],
    [
      'a higher layer decides: url',
      { file: '{"broker":{"kind":"mosquitto"}}', env: { ALICIA_BROKER_URL: 'ws://b' } },
      { kind: 'remote' },
    ],
    ['it listens where the hub does', { flags: { host: '0.0.0.0' } }, { host: '0.0.0.0' }],
    ['unless told otherwise', { flags: { host: '0.0.0.0', mqttHost: '::1', mqttPort: '7' } }, { host: '::1', port: 7 }],
    ['files beside the file', { file: '{"broker":{"url":"mqtts://b","ca":"ca.pem"}}' }, { ca: `${FOLDER}/ca.pem` }],
    ['a program by its name', { file: '{"broker":{"program":"mosquitto"}}' }, { program: 'mosquitto' }],
    [
      'a program by its path',
      { file: '{"broker":{"program":"~/bin/mosquitto"}}' },
      { program: '/home/user/bin/mosquitto' },
    ],
    [
      'users',
      { file: '{"broker":{"users":[{"name":"shed","password":"12345678","publish":["shed/#"]}]}}' },
      { users: [{ name: 'shed', password: '12345678', scopes: [], services: [], publish: ['shed/#'] }] },
    ],
  ]
  for (const [why, given, expected] of brokers)
    test(`broker: ${why}`, () => {
      const broker: object = load(given).broker
      assert.deepEqual({ ...broker, ...expected }, broker)
    })

  const refused: [string, Given, RegExp][] = [
    ['unknown key', { file: '{\n"prot": 1}' }, /alicia\.jsonc:2: prot is unknown \(did you mean port\?\)\.$/],
    [
      'unknown key further down',
      { file: '{"broker":\n{\n"prt": 1}}' },
      /:3: broker\.prt is unknown \(did you mean broker\.port\?\)/,
    ],
    [
      'unknown key in a list',
      { file: '{"broker":{"users":[\n{"name":"a","password":"12345678","scope":[]}]}}' },
      /:2: broker\.users\[0\]\.scope is unknown \(did you mean broker\.users\[0\]\.scopes\?\)/,
    ],
    [
      'key in the wrong place',
      { file: '{"auditDays": 3}' },
      /auditDays is unknown \(did you mean limits\.auditDays\?\)/,
    ],
    [
      'a name of another form',
      { file: '{"rooms":\n{"living room": {"topics": []}}}' },
      /:2: rooms\.living room is a name that cannot be: it must be 1 to 64 characters without spaces, @ and \/\.$/,
    ],
    ['the name of the flag', { file: '{"mqttPort": 3}' }, /mqttPort is unknown \(did you mean broker\.port\?\)/],
    ['a key like no other', { file: '{"zzzzzz": 3}' }, /zzzzzz is unknown\.$/],
    [
      'unknown variable',
      { env: { ALICIA_PROT: '1' } },
      /^environment: ALICIA_PROT is unknown \(did you mean ALICIA_PORT\?\)\.$/,
    ],
    ['wrong type in the file', { file: '{"port": "8765"}' }, /:1: port must be a whole number\./],
    ['fraction', { file: '{"port": 1.5}' }, /port must be a whole number/],
    ['wrong type in a variable', { env: { ALICIA_PORT: 'eight' } }, /^ALICIA_PORT: port must be a whole number\.$/],
    ['wrong type of a flag', { flags: { mqttPort: '1e3' } }, /^--mqtt-port: broker\.port must be a whole number\.$/],
    ['out of range', { flags: { port: '65536' } }, /^--port: port must be at most 65535\.$/],
    ['below range', { flags: { port: '-1' } }, /^--port: port must be at least 0\.$/],
    [
      'choice',
      { flags: { broker: 'mosquito' } },
      /^--broker: broker\.kind must be one of embedded, mosquitto, remote \(did you mean mosquitto\?\)\.$/,
    ],
    ['boolean', { env: { ALICIA_DEMO: 'maybe' } }, /^ALICIA_DEMO: demo must be true or false\.$/],
    ['text for an object', { file: '{"broker": "mosquitto"}' }, /:1: broker must be an object/],
    ['text for a list', { file: '{"allowedHosts": "a"}' }, /allowedHosts must be a list/],
    ['a list for the whole', { file: '[]' }, /alicia\.jsonc:1: the file must be an object/],
    ['missing', { file: '{"broker":{"users":[\n\n{"name":"a"}]}}' }, /:3: broker\.users\[0\]\.password is missing/],
    [
      'short password',
      { file: '{"broker":{"users":[{"name":"a","password":"1"}]}}' },
      /password must have at least 8 characters/,
    ],
    [
      'reserved name',
      { file: '{"broker":{"users":[{"name":"hub","password":"12345678"}]}}' },
      /name must not be alicia, hub or session/,
    ],
    [
      'name with a slash',
      { file: '{"broker":{"users":[{"name":"a/b","password":"12345678"}]}}' },
      /name must be 1 to 64/,
    ],
    [
      'topic filter',
      { file: '{"broker":{"users":[{"name":"a","password":"12345678","publish":["a/#/b"]}]}}' },
      /publish\[0\] must have # only as its whole last level/,
    ],
    [
      'a name twice',
      { file: '{"broker":{"users":[{"name":"a","password":"12345678"},\n{"name":"a","password":"12345678"}]}}' },
      /:2: broker\.users\[1\]\.name is taken/,
    ],
    ['a key twice', { file: '{"port": 1,\n"port": 2}' }, /:2:1: port stands twice/],
    ['nesting without end', { file: '['.repeat(100_000) }, /:1:65: this is not JSON \(deeper than 64 levels\)/],
    [
      'nesting without end, with brackets that close nothing',
      { file: '{"a":{"x"],'.repeat(10_000) },
      /this is not JSON \(deeper than 64 levels\)/,
    ],
    ['a file of something else', { file: '\u0001 '.repeat(100_000) }, /has 20 problems|this is not JSON/],
    ['no JSON', { file: '{\n"port" 1}' }, /alicia\.jsonc:2:8: this is not JSON \(colon expected\)/],
    ['weak token', { env: { ALICIA_TOKEN: 'short' } }, /^ALICIA_TOKEN: token must be at least 16/],
    [
      'weak key',
      { env: { ALICIA_SECRET_KEY: 'abc' } },
      /^ALICIA_SECRET_KEY: secretKey must be one or more keys of 32 bytes/,
    ],
    [
      'address',
      { env: { ALICIA_BROKER_URL: 'http://b' } },
      /^ALICIA_BROKER_URL: broker\.url must be an address that begins with mqtt:/,
    ],
    [
      'a password with a bare %',
      { env: { ALICIA_BROKER_URL: 'mqtt://u:50%off@b' } },
      /^ALICIA_BROKER_URL: broker\.url must have a % in user name or password written as %25\.$/,
    ],
    ['origin', { env: { ALICIA_ALLOWED_ORIGINS: 'home.example' } }, /allowedOrigins\[0\] must be an origin/],
    ['no such file', { flags: { config: 'c.json' } }, /^--config: there is no file \/work\/c\.json\.$/],
    [
      'remote without url',
      { flags: { broker: 'remote' } },
      /^--broker: broker\.kind is remote, but there is no broker\.url/,
    ],
    [
      'two brokers',
      { file: '{"broker":{"kind":"embedded","url":"mqtt://b"}}' },
      /broker\.kind is embedded, but broker\.url names another/,
    ],
    ['half a certificate', { file: '{"broker":{"url":"mqtts://b","cert":"c.pem"}}' }, /broker\.cert needs broker\.key/],
    ['one port twice', { flags: { mqttPort: '8765' } }, /^--mqtt-port: broker\.port is the same port as port\.$/],
  ]
  for (const [why, given, says] of refused) test(`refuses: ${why}`, () => assert.match(complaint(given), says))

  test('a file that cannot be read is a problem, not a crash', () => {
    const readFile = () => {
      throw Object.assign(new Error('no'), { code: 'EACCES' })
    }
    assert.throws(() => loadConfig({ flags: {}, env: {}, cwd: '/', home: '/h', platform: 'linux', readFile }), {
      code: 'invalid_input',
      message: /cannot be read \(EACCES\)/,
    })
  })

  test('says everything at once, the file by line', () => {
    const message = complaint({
      file: '{\n"log": {"level": 1},\n"port": true,\n"demo": 1}',
      env: { ALICIA_PROT: '1', ALICIA_MQTT_PORT: 'x' },
    })
    assert.match(message, /^The configuration has 5 problems:\n/)
    const lines = message.split('\n').slice(1)
    assert.deepEqual(
      lines.map((line) => /(\w+): /.exec(line)?.[1]),
      ['2', '3', '4', 'environment', 'ALICIA_MQTT_PORT'],
    )
  })

  test('never shows a value', () => {
    const secret = 'hunter2-hunter2'
    const keys = SETTINGS.map(({ env }) => env).filter((env) => !['ALICIA_CONFIG', 'ALICIA_DATA'].includes(env))
    for (const env of keys) {
      const fault = (() => {
        try {
          return load({ env: { [env]: `${secret} \0` } }) && undefined
        } catch (error) {
          return error as Fault
        }
      })()
      // Some keys take any text.
      if (fault) assert.doesNotMatch(JSON.stringify([fault.message, fault.hint, fault.details]), /hunter2/)
    }
    const inFile = complaint({
      file: `{"token": ["${secret}"], "broker": {"users": [{"password": 1, "name": "${secret} x"}]}`,
    })
    assert.doesNotMatch(inFile, /hunter2/)
  })

  test('any text as a file is a configuration or a Fault', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.json()), (file) => {
        try {
          load({ file })
        } catch (error) {
          assert(error instanceof Fault)
        }
      }),
      { numRuns: 300 },
    )
  })

  test('every setting is a key of the schema', () => {
    for (const { key } of SETTINGS)
      assert(key === 'config' || schemaAt(ConfigSchema, key.split('.')), `${key} is no key`)
  })
})
