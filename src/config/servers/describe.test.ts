import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { cleartextIn, describeEntry, describeServers } from './describe.ts'
import { readServers } from './read.ts'

const SECRET = 'hunter2-0123456789'

const shown = (entry: object) => {
  const config = readServers(['/f/mcp.json'], {
    env: { TOKEN: SECRET },
    cwd: '/',
    home: '/h',
    platform: 'linux',
    readFile: () => JSON.stringify({ mcpServers: { it: entry } }),
    secret: () => SECRET,
    reserved: [],
  })
  return describeServers(config)[0] ?? assert.fail('it is not there')
}

suite('servers as they may be shown', () => {
  test('arguments that are no text', () =>
    assert.equal(shown({ command: 'x', args: [{ a: 1, token: SECRET }, 2] }).target, 'x {"a":1,"token":"(hidden)"} 2'))

  const telling: [object, string[]][] = [
    [{ command: 'x', env: { API_KEY: SECRET, PLAIN: 'p' } }, ['env.API_KEY']],
    [{ command: 'x', args: ['--token', SECRET] }, ['args.1']],
    [{ command: 'x', args: [`--api-key=${SECRET}`] }, ['args.0']],
    [{ command: 'x', args: [`postgresql://u:${SECRET}@h/db`] }, ['args.0']],
    [{ url: 'https://h/mcp', headers: { Authorization: `Bearer ${SECRET}` } }, ['headers.Authorization']],
    [{ url: `https://h/mcp?api_key=${SECRET}&q=1` }, ['url']],
    [{ command: 'x', oauth: { clientSecret: SECRET } }, ['oauth.clientSecret']],
    [{ command: 'x', env: { TOKEN: `\${TOKEN:-${SECRET}}` } }, ['env.TOKEN']],
    [
      { command: 'x', replicas: [{ url: 'https://h', headers: { 'X-Api-Key': SECRET } }] },
      ['replicas.0.headers.X-Api-Key'],
    ],
    [{ command: 'x', env: { TOKEN: '${TOKEN}', KEY: 'Bearer ${secret:k}' } }, []],
    [{ command: 'x', args: ['--token', '${secret:k}'] }, []],
  ]
  for (const [entry, keys] of telling)
    test(JSON.stringify(entry), () => {
      assert.deepEqual(
        cleartextIn(entry).map((path) => path.join('.')),
        keys,
      )
      assert.doesNotMatch(JSON.stringify(shown(entry)), new RegExp(SECRET))
    })

  test('references stay, so that one sees where a value comes from', () =>
    assert.deepEqual(JSON.parse(JSON.stringify(shown({ command: 'x', env: { TOKEN: '${TOKEN}', A: 'b' } }).entry)), {
      command: 'x',
      env: { TOKEN: '${TOKEN}', A: 'b' },
    }))

  const outlines: [object, string, string][] = [
    [{ command: 'npx', args: ['-y', 'p'] }, 'stdio', 'npx -y p'],
    [{ url: 'https://h/mcp' }, 'http', 'https://h/mcp'],
    [{ httpUrl: 'https://h/mcp' }, 'http', 'https://h/mcp'],
    [{ type: 'sse', url: 'https://h/sse' }, 'sse', 'https://h/sse'],
    [{ url: 'wss://h/mcp' }, 'websocket', 'wss://h/mcp'],
    [{}, 'unknown', ''],
  ]
  for (const [entry, transport, target] of outlines)
    test(`${JSON.stringify(entry)}: ${transport}`, () => assert.deepEqual(describeEntry(entry), { transport, target }))
})
