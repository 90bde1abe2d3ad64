import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { appOf, isForAppAlone, showsApps, SHOWS_APPS } from './apps.ts'

suite('MCP Apps', () => {
  for (const [what, tool, uri, alone] of [
    ['a tool without an app', {}, undefined, false],
    ['a tool with one', { _meta: { ui: { resourceUri: 'ui://a' } } }, 'ui://a', false],
    ['as it was written once', { _meta: { 'ui/resourceUri': 'ui://a' } }, 'ui://a', false],
    [
      'as it was written once, with a visibility',
      { _meta: { ui: { visibility: ['app'] }, 'ui/resourceUri': 'ui://a' } },
      'ui://a',
      true,
    ],
    ['an address that is no app’s', { _meta: { ui: { resourceUri: 'file:///a' } } }, undefined, false],
    ['for both', { _meta: { ui: { resourceUri: 'ui://a', visibility: ['model', 'app'] } } }, 'ui://a', false],
    ['for the app alone', { _meta: { ui: { resourceUri: 'ui://a', visibility: ['app'] } } }, 'ui://a', true],
    ['for nobody', { _meta: { ui: { visibility: [] } } }, undefined, true],
    ['nonsense', { _meta: { ui: { resourceUri: 7, visibility: 'app' } } }, undefined, false],
    ['more nonsense', { _meta: [] }, undefined, false],
  ] as const)
    test(what, () => assert.deepEqual([appOf(tool), isForAppAlone(tool)], [uri, alone]))

  for (const [capabilities, shows] of [
    [{}, false],
    [{ extensions: {} }, false],
    [{ extensions: { 'io.modelcontextprotocol/ui': true } }, false],
    [{ extensions: { 'io.modelcontextprotocol/ui': {} } }, true],
    [{ extensions: SHOWS_APPS }, true],
  ] as const)
    test(`a client with ${JSON.stringify(capabilities)}`, () => assert.equal(showsApps(capabilities), shows))
})
