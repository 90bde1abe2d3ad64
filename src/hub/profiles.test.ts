import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import type { ProfileDefinition } from '../config/servers/profile.ts'
import type { Entry } from '../kernel/registry.ts'
import { createProfiles } from './profiles.ts'

const definition = (more: Partial<ProfileDefinition>): ProfileDefinition => ({
  name: 'kids',
  servers: ['music', 'light*'],
  denyTools: [],
  alwaysList: [],
  list: 'all',
  ...more,
})

const entry = (provider: string, tool: string, name = tool) =>
  ({ name, tool: { name: `${provider}.${tool}` }, provider: { id: provider } }) as Entry

function profile(more: Partial<ProfileDefinition> = {}) {
  const profiles = createProfiles()
  profiles.replace([definition(more)])
  const made = profiles.get('kids')
  assert.ok(made)
  return made
}

suite('profiles', () => {
  for (const [title, more, tool, expected] of [
    ['a server that is named', {}, entry('music', 'play'), true],
    ['one that fits a pattern', {}, entry('lights', 'on'), true],
    ['another one', {}, entry('files', 'play'), false],
    ['a tool that is allowed', { allowTools: ['play*'] }, entry('music', 'play_song'), true],
    ['one that is not', { allowTools: ['play*'] }, entry('music', 'buy'), false],
    ['one by its full name', { allowTools: ['music.buy'] }, entry('music', 'buy', 'music_buy'), true],
    ['one that is denied', { denyTools: ['music_buy'] }, entry('music', 'buy', 'music_buy'), false],
    ['one that is denied under another name', { denyTools: ['buy'] }, entry('music', 'buy', 'music_buy'), false],
    ['the search over its tools', { allowTools: ['play*'] }, entry('catalog', 'find_tools'), true],
    ['the search, where it is denied', { denyTools: ['find_tools'] }, entry('catalog', 'find_tools'), false],
  ] as const)
    test(`${title}: ${expected}`, () => assert.equal(profile(more).includes(tool), expected))

  test('what did not change stays the same object', () => {
    const profiles = createProfiles()
    profiles.replace([definition({}), definition({ name: 'all', servers: ['*'] })])
    const [kids, all] = [profiles.get('kids'), profiles.get('all')]
    profiles.replace([definition({}), definition({ name: 'all', servers: ['music'] })])
    assert.equal(profiles.get('kids'), kids)
    assert.notEqual(profiles.get('all'), all)
    profiles.replace([])
    assert.deepEqual([profiles.names(), profiles.get('kids')], [[], undefined])
  })
})
