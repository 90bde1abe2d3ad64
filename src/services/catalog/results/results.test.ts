import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { constantFrom, property, assert as check, array, integer, string } from 'fast-check'
import { heldClock } from '../../../kernel/clock.ts'
import type { Caller } from '../../../kernel/caller.ts'
import type { Fault } from '../../../kernel/fault.ts'
import { profileNamed, tool, catalogOf, faultOf, peer } from '../catalog.fixture.ts'
import { owner } from '../../../testing/hub.ts'
import { createFitResult } from './fit-result.ts'
import { createKeptResults, KEPT_MS, MOST_OF_ALL, MOST_PER_CALLER, partCount, partOf } from './kept-results.ts'
import { shapeOf } from './shape.ts'

const LIMIT = 1000
const LONG = JSON.stringify({ rows: Array.from({ length: 400 }, (_, id) => ({ id, name: `row ${id}` })), next: null })
const textBlock = (text: string) => ({ type: 'text', text })

type Block = Readonly<Record<string, unknown>>

function fitted(
  result: object,
  more: { limit?: number; revision?: '2024-11-05' | '2026-07-28'; schema?: object } = {},
) {
  const { limit = LIMIT, revision = '2026-07-28', schema } = more
  const kept = createKeptResults(heldClock())
  const fit = createFitResult({ kept, limitOf: () => limit })
  const profile = profileNamed('p', {}).get('p')
  assert.ok(profile)
  const asked = tool('x.y', 'Y.', schema ? { outputSchema: { ...schema } } : {})
  const text = JSON.stringify(result)
  const fittedText = fit(text, { profile, tool: asked, peer: peer({}, { revision }), caller: owner })
  const value = JSON.parse(fittedText) as { content: Block[]; structuredContent?: unknown; _meta?: unknown }
  return { isSame: fittedText === text, value, kept }
}

suite('a result that is too large', () => {
  const image = { type: 'image', data: 'AAAA', mimeType: 'image/png' }
  const large = { content: [textBlock(LONG), image], structuredContent: { a: 1 }, _meta: { x: 1 } }

  test('begins, says what the rest is and where to read it; what is no text stays', () => {
    const { value, kept } = fitted(large)
    const [begin, notice, link, picture] = value.content
    const uri = String(link?.['uri'])
    const id = uri.split('/').at(-2) ?? ''
    const whole = kept.find(owner, id)
    assert.equal(whole.text, LONG)
    assert.equal(begin?.['text'], LONG.slice(0, whole.partLength))
    assert.match(
      String(notice?.['text']),
      /JSON: \{"rows": list of 400, each \{"id": number, "name": string\}, "next": null\}/,
    )
    assert.match(
      String(notice?.['text']),
      new RegExp(`part 1 of ${partCount(whole)}.*\\n.*\\n.*"id": "${id}", "part": 2`),
    )
    assert.deepEqual([link?.['type'], uri, picture], ['resource_link', `alicia://results/${id}/2`, image])
    assert.deepEqual([value.structuredContent, value._meta, value.content.length], [undefined, { x: 1 }, 4])
  })

  test('counts the text of a resource that came along, and links to that', () => {
    const resource = { uri: 'file:///a.txt', mimeType: 'text/plain', text: LONG }
    const blob = { type: 'resource', resource: { uri: 'file:///a.bin', blob: 'AAAA' } }
    const content = [textBlock('Here:'), { type: 'resource', resource }, blob]
    const { value, kept } = fitted({ content })
    const [begin, , next, link, other] = value.content
    const whole = kept.find(owner, String(next?.['uri']).split('/').at(-2) ?? '')
    assert.equal(whole.text, `Here:\n${LONG}`)
    assert.equal(begin?.['text'], whole.text.slice(0, whole.partLength))
    const { text: _, ...named } = resource
    assert.deepEqual([link, other], [{ type: 'resource_link', name: 'file:///a.txt', ...named }, blob])
    assert.deepEqual(
      fitted({ content }, { revision: '2024-11-05' }).value.content.map(({ type }) => type),
      ['text', 'text', 'resource'],
    )
  })

  test('that is larger than what may be kept has a beginning, and says that this is all', () => {
    const { content } = fitted({ content: [textBlock('x y '.repeat(MOST_PER_CALLER / 4 + 1))] }).value
    assert.equal(content.length, 2)
    assert.equal(content[0]?.['text'], 'x y '.repeat(375))
    assert.match(String(content[1]?.['text']), /too large to be kept/)
  })

  test('keeps all of its structure where a schema promises it', () => {
    assert.deepEqual(fitted(large, { schema: { type: 'object' } }).value.structuredContent, { a: 1 })
  })

  test('has no link for a client that knows none', () => {
    const { value } = fitted(large, { revision: '2024-11-05' })
    assert.deepEqual(
      value.content.map(({ type }) => type),
      ['text', 'text', 'image'],
    )
  })

  for (const [title, result, limit] of [
    ['within the limit', { content: [textBlock('x'.repeat(500))] }, LIMIT],
    ['long, but of few tokens', { content: [textBlock('a word '.repeat(300))] }, LIMIT],
    ['a large image', { content: [{ ...image, data: 'A'.repeat(100_000) }] }, LIMIT],
    ['off', large, 0],
    ['no content', { toolResult: LONG }, LIMIT],
  ] as const)
    test(`not ${title}`, () => assert.ok(fitted(result, { limit }).isSame))
})

const of = (id: string): Caller => ({ ...owner, id })

suite('kept results', () => {
  const refused = (work: () => unknown) => assert.throws(work, ({ code }: Fault) => code === 'not_found')

  test('are their caller’s alone, and for an hour', () => {
    const clock = heldClock()
    const kept = createKeptResults(clock)
    const row = kept.keep(of('a'), 'text', 10)
    assert.ok(row)
    assert.equal(kept.find(of('a'), row.id).text, 'text')
    refused(() => kept.find(of('b'), row.id))
    clock.advance(KEPT_MS - 1)
    assert.equal(kept.find(of('a'), row.id).text, 'text')
    clock.advance(1)
    refused(() => kept.find(of('a'), row.id))
  })

  test('are for the credential that they were got with, as long as it may no less, and go with it', () => {
    const kept = createKeptResults(heldClock())
    const by = (credential: string, scopes = ['mcp:files']): Caller => ({ ...of('a'), credential, scopes })
    const [phone, laptop] = ['phone', 'laptop'].map((credential) => kept.keep(by(credential), 'text', 10)?.id ?? '')
    assert.equal(kept.find(by('phone', ['*']), phone ?? '').text, 'text')
    for (const another of [by('laptop'), by('phone', ['health:read']), of('a')])
      refused(() => kept.find(another, phone ?? ''))
    kept.forget(({ credential }) => credential === 'phone')
    refused(() => kept.find(by('phone'), phone ?? ''))
    assert.equal(kept.find(by('laptop'), laptop ?? '').text, 'text')
  })

  test('the oldest go when there are too many', () => {
    const kept = createKeptResults(heldClock())
    const half = 'x'.repeat(MOST_PER_CALLER / 2)
    const ids = [1, 2, 3].map(() => kept.keep(of('a'), half, 10)?.id ?? '')
    refused(() => kept.find(of('a'), ids[0] ?? ''))
    assert.equal(kept.find(of('a'), ids[2] ?? '').text.length, half.length)
    for (let at = 0; at < (2 * MOST_OF_ALL) / MOST_PER_CALLER; at++) kept.keep(of(`caller ${at}`), half, 10)
    refused(() => kept.find(of('a'), ids[2] ?? ''))
    assert.equal(kept.keep(of('a'), 'x'.repeat(MOST_PER_CALLER + 1), 10), undefined)
  })

  test('parts one behind the other are the text, whatever is in it', () => {
    const piece = constantFrom('a', 'é', '🙂', '字', '\n').chain((sign) =>
      string({ maxLength: 3 }).map((text) => text + sign),
    )
    check(
      property(array(piece, { minLength: 1 }), integer({ min: 2, max: 20 }), (pieces, partLength) => {
        const kept = { id: 'x', text: pieces.join(''), partLength }
        const parts = Array.from({ length: partCount(kept) }, (_, at) => partOf(kept, at + 1))
        assert.equal(parts.join(''), kept.text)
        assert.ok(parts.every((part) => part.isWellFormed() || !kept.text.isWellFormed()))
      }),
    )
  })
})

suite('reading on', () => {
  const guest: Caller = { ...owner, id: 'guest', scopes: [] }

  async function keeping(text: string) {
    const catalog = await catalogOf([])
    const id = catalog.kept.keep(guest, text, 4)?.id ?? ''
    const read = (uri: string, caller = guest) =>
      catalog.invoke({ operation: 'catalog/resources/read', input: { uri }, caller })
    return { ...catalog, id, read }
  }

  test('by read_result, in parts or from anywhere', async () => {
    const { call, id } = await keeping('abcdefghij')
    assert.equal(await call('read_result', { id }, { caller: guest }), 'efgh')
    assert.equal(await call('read_result', { id, part: 3 }, { caller: guest }), 'ij')
    assert.equal(await call('read_result', { id, offset: 1, length: 2 }, { caller: guest }), 'bc')
    assert.equal((await faultOf(call('read_result', { id, part: 4 }, { caller: guest }))).code, 'not_found')
    assert.equal((await faultOf(call('read_result', { id }))).code, 'not_found')
  })

  test('by resources/read, of the same caller', async () => {
    const { id, read } = await keeping('abcdefghij')
    const uri = `alicia://results/${id}/2`
    assert.deepEqual(await read(uri), { contents: [{ uri, mimeType: 'text/plain', text: 'efgh' }] })
    const whole = `alicia://results/${id}`
    assert.deepEqual(await read(whole), { contents: [{ uri: whole, mimeType: 'text/plain', text: 'abcdefghij' }] })
    assert.equal((await faultOf(read(uri, owner))).code, 'invalid_input')
    assert.equal((await faultOf(read('test://of-somebody-else'))).code, 'not_found')
    assert.equal((await faultOf(read('alicia://results/x/y/z'))).code, 'invalid_input')
  })

  test('ends with the service', async () => {
    const { id, read, stop } = await keeping('abcdefghij')
    await stop()
    assert.equal((await faultOf(read(`alicia://results/${id}`))).code, 'invalid_input')
  })
})

suite('what a text holds', () => {
  for (const [text, expected] of [
    ['one\ntwo', 'text: 2 lines'],
    ['{not JSON', 'text: 1 line'],
    ['[]', 'JSON: []'],
    ['[1,"a"]', 'JSON: list of 2, of several kinds, the first number'],
    ['{"a":{"b":{"c":{"d":1}}}}', 'JSON: {"a": {"b": {"c": object of 1 members}}}'],
    [JSON.stringify(Object.fromEntries(Array.from({ length: 22 }, (_, at) => [`k${at}`, 1]))), /and 2 more members\}$/],
  ] as const)
    test(text.slice(0, 40), () => {
      if (typeof expected === 'string') assert.equal(shapeOf(text), expected)
      else assert.match(shapeOf(text), expected)
    })
})
