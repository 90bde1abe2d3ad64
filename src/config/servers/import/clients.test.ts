import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import type { Machine } from '../../folders.ts'
import { findClientServers } from './client-servers.ts'
import { IMPORT_CLIENTS } from './clients.ts'

const LINUX: Machine = { env: {}, cwd: '/work', home: '/home/ann', platform: 'linux' }
const MAC: Machine = { env: {}, cwd: '/work', home: '/Users/ann', platform: 'darwin' }
const WINDOWS: Machine = {
  env: { APPDATA: 'C:\\Users\\ann\\AppData\\Roaming' },
  cwd: 'C:\\work',
  home: 'C:\\Users\\ann',
  platform: 'win32',
}

suite('where clients keep their servers', () => {
  const places: [string, Machine, string][] = [
    ['claude-desktop', LINUX, '/home/ann/.config/Claude/claude_desktop_config.json'],
    ['claude-desktop', { ...LINUX, env: { XDG_CONFIG_HOME: '/x' } }, '/x/Claude/claude_desktop_config.json'],
    ['claude-desktop', MAC, '/Users/ann/Library/Application Support/Claude/claude_desktop_config.json'],
    ['claude-desktop', WINDOWS, 'C:\\Users\\ann\\AppData\\Roaming\\Claude\\claude_desktop_config.json'],
    ['claude-code', LINUX, '/home/ann/.claude.json'],
    ['claude-code', LINUX, '/work/.mcp.json'],
    ['cursor', MAC, '/Users/ann/.cursor/mcp.json'],
    ['cursor', WINDOWS, 'C:\\work\\.cursor\\mcp.json'],
    ['vscode', LINUX, '/home/ann/.config/Code/User/mcp.json'],
    ['vscode', MAC, '/Users/ann/Library/Application Support/Code - Insiders/User/settings.json'],
    ['vscode', WINDOWS, 'C:\\Users\\ann\\AppData\\Roaming\\Code\\User\\mcp.json'],
    ['vscode', LINUX, '/work/.vscode/mcp.json'],
    ['codex', LINUX, '/home/ann/.codex/config.toml'],
    ['codex', { ...LINUX, env: { CODEX_HOME: '/c' } }, '/c/config.toml'],
    ['gemini', LINUX, '/home/ann/.gemini/settings.json'],
    [
      'cline',
      LINUX,
      '/home/ann/.config/Code/User/globalStorage/saoudrizwan.claude-dev/settings/cline_mcp_settings.json',
    ],
    ['windsurf', WINDOWS, 'C:\\Users\\ann\\.codeium\\windsurf\\mcp_config.json'],
    [
      'roo',
      MAC,
      '/Users/ann/Library/Application Support/Code/User/globalStorage/rooveterinaryinc.roo-cline/settings/mcp_settings.json',
    ],
  ]
  for (const [id, machine, path] of places)
    test(`${id}: ${path}`, () => {
      const files = IMPORT_CLIENTS.find((client) => client.id === id)?.files(machine) ?? []
      assert.ok(
        files.some((file) => file.path === path),
        JSON.stringify(files),
      )
    })
})

/** One file of each client as people have it, and what becomes of the servers in it. */
const SAMPLES: readonly [client: string, path: string, text: string, expected: Readonly<Record<string, object>>][] = [
  [
    'claude-desktop',
    '/home/ann/.config/Claude/claude_desktop_config.json',
    `{
  "globalShortcut": "Ctrl+Space",
  "mcpServers": {
    "filesystem": {
      "command": "npx",
      "args": ["-y", "@modelcontextprotocol/server-filesystem", "/home/ann/Desktop"]
    },
    "alicia": { "command": "alicia", "args": ["stdio"] }
  }
}`,
    { filesystem: { command: 'npx', args: ['-y', '@modelcontextprotocol/server-filesystem', '/home/ann/Desktop'] } },
  ],
  [
    'claude-code',
    '/home/ann/.claude.json',
    `{
  "numStartups": 12,
  "mcpServers": { "sentry": { "type": "http", "url": "https://mcp.sentry.example/mcp" } },
  "projects": {
    "/home/ann/web": {
      "allowedTools": [],
      "mcpServers": { "db": { "type": "stdio", "command": "./db.sh", "args": [], "env": { "URL": "\${DB_URL:-x}" } } }
    }
  }
}`,
    {
      sentry: { type: 'http', url: 'https://mcp.sentry.example/mcp' },
      db: { command: '/home/ann/web/db.sh', args: [], env: { URL: '${DB_URL:-x}' }, cwd: '/home/ann/web' },
    },
  ],
  [
    'cursor',
    '/work/.cursor/mcp.json',
    `{"mcpServers": {"local": {"type": "stdio", "command": "python", "args": ["\${workspaceFolder}/server.py"], "envFile": "\${workspaceFolder}/.env", "env": {"KEY": "\${env:KEY}"}}}}`,
    {
      local: {
        command: 'python',
        args: ['/work/server.py'],
        env: { KEY: '${env:KEY}' },
        envFile: '/work/.env',
        cwd: '/work',
      },
    },
  ],
  [
    'vscode',
    '/home/ann/.config/Code/User/mcp.json',
    `{
  // Asked for once.
  "inputs": [{ "type": "promptString", "id": "key", "description": "API key", "password": true }],
  "servers": {
    "perplexity": {
      "type": "stdio", "command": "npx", "args": ["-y", "server-perplexity-ask"],
      "env": { "PERPLEXITY_API_KEY": "\${input:key}" },
      "gallery": true, "dev": { "watch": "src" },
    },
  },
}`,
    {
      perplexity: {
        command: 'npx',
        args: ['-y', 'server-perplexity-ask'],
        env: { PERPLEXITY_API_KEY: '${input:key}' },
      },
    },
  ],
  [
    'vscode',
    '/home/ann/.config/Code/User/settings.json',
    '{"editor.fontSize": 13, "mcp": {"servers": {"time": {"command": "uvx", "args": ["mcp-server-time"]}}}}',
    { time: { command: 'uvx', args: ['mcp-server-time'] } },
  ],
  [
    'codex',
    '/home/ann/.codex/config.toml',
    `model = "o4"

[mcp_servers.docs]
command = "docs-server"
args = ["--port", "4000"]
env_vars = ["DOCS_TOKEN"]
startup_timeout_sec = 20
tool_timeout_sec = 45.5
enabled_tools = ["search"]

[mcp_servers.docs.env]
"API_KEY" = "value"

[mcp_servers.figma]
url = "https://mcp.figma.example/mcp"
bearer_token_env_var = "FIGMA_TOKEN"
http_headers = { "X-Region" = "eu" }
enabled = false
`,
    {
      docs: {
        command: 'docs-server',
        args: ['--port', '4000'],
        env: { DOCS_TOKEN: '${DOCS_TOKEN}', API_KEY: 'value' },
        timeoutSeconds: 45.5,
        startTimeoutSeconds: 20,
        tools: { allow: ['search'] },
      },
      figma: {
        url: 'https://mcp.figma.example/mcp',
        enabled: false,
        headers: { 'X-Region': 'eu', Authorization: 'Bearer ${FIGMA_TOKEN}' },
      },
    },
  ],
  [
    'gemini',
    '/home/ann/.gemini/settings.json',
    `{"theme": "Default", "mcpServers": {
  "slow": {"command": "node", "args": ["s.js"], "timeout": 15000, "trust": true, "excludeTools": ["rm"]},
  "remote": {"httpUrl": "https://r.example/mcp", "headers": {"A": "b", "Authorization": "Bearer $TOKEN"}}}}`,
    {
      slow: { command: 'node', args: ['s.js'], timeoutSeconds: 15, tools: { deny: ['rm'] } },
      remote: {
        url: 'https://r.example/mcp',
        headers: { A: 'b', Authorization: 'Bearer ${TOKEN}' },
        type: 'streamable-http',
      },
    },
  ],
  [
    'cline',
    '/home/ann/.config/Code/User/globalStorage/saoudrizwan.claude-dev/settings/cline_mcp_settings.json',
    `{"mcpServers": {"gh": {"autoApprove": ["x"], "disabled": true, "timeout": 60, "type": "streamableHttp", "url": "https://gh.example/mcp"}}}`,
    { gh: { disabled: true, url: 'https://gh.example/mcp', type: 'streamableHttp', timeoutSeconds: 60 } },
  ],
  [
    'windsurf',
    '/home/ann/.codeium/windsurf/mcp_config.json',
    '{"mcpServers": {"w": {"serverUrl": "https://w.example/mcp", "disabledTools": ["a"], "new": 1}}}',
    { w: { url: 'https://w.example/mcp', tools: { deny: ['a'] } } },
  ],
  [
    'roo',
    '/work/.roo/mcp.json',
    '{"mcpServers": {"r": {"command": "r", "alwaysAllow": [], "timeout": 5}}}',
    { r: { command: 'r', timeoutSeconds: 5, cwd: '/work' } },
  ],
]

suite('what clients have', () => {
  for (const [client, path, text, expected] of SAMPLES)
    test(`${client}: ${path}`, () => {
      const readFile = (asked: string) => (asked === path ? text : undefined)
      const [found, ...more] = findClientServers({ machine: LINUX, readFile })
      assert.deepEqual(more, [])
      assert.equal(found?.client.id, client)
      const servers = found.servers.map(({ name, entry }) => [name, entry])
      assert.deepEqual(JSON.parse(JSON.stringify(Object.fromEntries(servers))), expected)
    })

  test('what is lost is named, what only concerns asking is not', () => {
    const readFile = (path: string) =>
      path.endsWith('windsurf/mcp_config.json')
        ? '{"mcpServers":{"w":{"command":"x","new":1,"alwaysAllow":[]}}}'
        : undefined
    const [found] = findClientServers({ machine: LINUX, readFile })
    assert.deepEqual(found?.servers[0]?.notes, ['not taken over: new'])
  })

  test('a file that cannot be read says so, without its text', () => {
    const texts: Readonly<Record<string, string>> = {
      '/home/ann/.codex/config.toml': 'key = hunter2 [',
      '/home/ann/.cursor/mcp.json': '{"mcpServers": hunter2',
    }
    const found = findClientServers({ machine: LINUX, readFile: (path) => texts[path] })
    assert.deepEqual(
      found.map(({ client, problem }) => [client.id, problem]),
      [
        ['cursor', '/home/ann/.cursor/mcp.json cannot be read as JSON'],
        ['codex', '/home/ann/.codex/config.toml cannot be read as TOML'],
      ],
    )
  })
})
