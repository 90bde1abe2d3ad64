import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { compileCapability } from '../definition.ts'
import { KNOWN_CAPABILITIES } from './capabilities.ts'
import { PRESETS } from './presets.ts'

/** Kinds of servers that a home is known to have. */
const KINDS = [
  'avatar_video',
  'browser_tools',
  'filesystem',
  'memory',
  'notification',
  'playwright',
  'speech',
  'webcam',
  'windows_desktop',
]

suite('presets', () => {
  test('there is one for each known kind', () =>
    assert.deepEqual([...new Set(PRESETS.map(({ kind }) => kind))].sort(), KINDS))

  for (const { server, offers } of PRESETS)
    test(`${server}: what it offers is described, and its mappings are right`, () => {
      for (const [name, offer] of Object.entries(offers)) {
        const known = KNOWN_CAPABILITIES[name]
        assert.ok(known, name)
        compileCapability({ name, ...known, providers: [offer] })
      }
    })

  test('nothing is described that nobody offers', () => {
    const offered = new Set(PRESETS.flatMap(({ offers }) => Object.keys(offers)))
    assert.deepEqual(
      Object.keys(KNOWN_CAPABILITIES).filter((name) => !offered.has(name)),
      [],
    )
  })

  test('an address cannot become code', () => {
    const offer = PRESETS.find(({ kind }) => kind === 'playwright')?.offers['close_browser_tab']
    assert.ok(offer)
    const known = KNOWN_CAPABILITIES['close_browser_tab']
    assert.ok(known)
    const [provider] = compileCapability({ name: 'x', ...known, providers: [offer] }).providers
    const url = '"; process.exit(); `${x}` \\" //'
    const { code } = provider?.arguments({ input: { url } }) as { code: string }
    assert.ok(code.includes(`const url = ${JSON.stringify(url)};`))
  })
})
