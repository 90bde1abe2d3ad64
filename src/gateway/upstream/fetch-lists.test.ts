import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { testConnection } from '../../testing/relay.ts'
import { fetchLists } from './fetch-lists.ts'
import { NO_LISTS } from './listed.ts'

const face = { clientInfo: { name: 'hub', version: '1' }, capabilities: {} }
const handlers = { onNotification() {}, onRequest: () => Promise.reject(new Error('none')), onClose() {} }

/** Lists of a server that answers each cursor so; the first page has none. */
const listed = (pages: Readonly<Record<string, string>>) => {
  const connection = testConnection(
    {
      revision: '2025-11-25',
      capabilities: { tools: {} },
      serve: ({ params }) => pages[String(params['cursor'])] ?? '{"tools":[]}',
    },
    handlers,
  )
  const { signal } = new AbortController()
  return fetchLists({ name: 'up', connection, face, signal, before: NO_LISTS, onRefused: () => assert.fail() })
}

suite('the lists of a server', () => {
  for (const [what, pages, names] of [
    ['one page', { undefined: '{"tools":[{"name":"a"}]}' }, ['a']],
    [
      'a cursor that is empty leads on',
      { undefined: '{"tools":[{"name":"a"}],"nextCursor":""}', '': '{"tools":[{"name":"b"}]}' },
      ['a', 'b'],
    ],
    [
      'an empty cursor on the last page, where no cursor means the first',
      { undefined: '{"tools":[{"name":"a"}],"nextCursor":""}', '': '{"tools":[{"name":"a"}],"nextCursor":""}' },
      ['a'],
    ],
    [
      'pages in a circle',
      {
        undefined: '{"tools":[{"name":"a"}],"nextCursor":"1"}',
        1: '{"tools":[{"name":"b"}],"nextCursor":"2"}',
        2: '{"tools":[{"name":"c"}],"nextCursor":"1"}',
      },
      ['a', 'b', 'c'],
    ],
    ['null is no cursor', { undefined: '{"tools":[{"name":"a"}],"nextCursor":null}' }, ['a']],
  ] as const)
    test(what, async () => {
      const { tools } = await listed(pages)
      assert.deepEqual(
        tools.map(({ name }) => name),
        names,
      )
    })

  test('one without end takes no other along', async () => {
    let count = 0
    const serve = ({ method }: { method: string }) =>
      method === 'tools/list' ? '{"tools":[{"name":"a"}]}' : `{"resources":[],"nextCursor":"${(count += 1)}"}`
    const capabilities = { tools: {}, resources: {} }
    const connection = testConnection({ revision: '2025-11-25', capabilities, serve }, handlers)
    const refused: string[] = []
    const { tools, resources } = await fetchLists({
      name: 'up',
      connection,
      face,
      signal: new AbortController().signal,
      before: { ...NO_LISTS, resources: [{ key: 'r:1', value: { uri: 'r:1' } }] },
      onRefused: (method, { code }) => void refused.push(`${method} ${code}`),
    })
    assert.deepEqual([tools.length, resources.length], [1, 1])
    assert.deepEqual(refused, ['resources/list too_large', 'resources/templates/list too_large'])
  })

  test('keep what a value would lose, and nothing twice', async () => {
    const { tools } = await listed({
      undefined:
        '{"tools":[{"name":"a", "inputSchema":{"maximum":18446744073709551615,"default" : 1.0}},{"name" : "b"},{"name":"c","name":"c","x":1.0}]}',
    })
    assert.deepEqual(
      tools.map(({ text }) => text),
      ['{"name":"a","inputSchema":{"maximum":18446744073709551615,"default":1.0}}', undefined, undefined],
    )
  })
})
