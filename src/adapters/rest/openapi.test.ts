import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { Validator } from '@seriousme/openapi-schema-validator'
import { testDoor } from '../../testing/hub.ts'
import { openapi } from './openapi.ts'
import { samples } from './samples.suite.ts'

type Operation = {
  operationId: string
  parameters?: { name: string; in: string; required: boolean }[]
  requestBody?: { required: boolean; content: Record<string, { schema: { required?: string[] } }> }
  responses: Record<string, { content?: object }>
  security: object[]
}

const document = openapi({ entries: testDoor(samples).registry.list(), version: '1.2.3' })
const paths = document['paths'] as Record<string, Record<string, Operation>>

/** Every value under a key, at any depth. */
function* under(key: string, value: unknown): Generator {
  if (typeof value !== 'object' || value === null) return
  for (const [own, inner] of Object.entries(value)) {
    if (own === key) yield inner
    yield* under(key, inner)
  }
}

const at = (pointer: string) =>
  pointer
    .slice(2)
    .split('/')
    .reduce<unknown>((value, step) => (value as Record<string, unknown> | undefined)?.[step], document)

suite('openapi', () => {
  test('is valid OpenAPI 3.1', async () => {
    const result = await new Validator().validate(structuredClone(document))
    assert.deepEqual(result.errors ?? [], [])
    assert.equal(result.valid, true)
  })

  test('every reference leads somewhere, a recursive schema included', () => {
    const references = [...under('$ref', document)] as string[]
    assert.ok(references.some((reference) => reference.includes('update_device.input.')))
    for (const reference of references) assert.notEqual(at(reference), undefined, reference)
    assert.deepEqual([...under('$defs', document)], [])
  })

  test('every operation is there once, under its name', () => {
    const ids = Object.values(paths).flatMap((methods) => Object.values(methods).map(({ operationId }) => operationId))
    assert.deepEqual(ids.sort(), [
      'count_up',
      'echo',
      'get_device',
      'hub.metrics',
      'list_commands',
      'list_devices',
      'remove_device',
      'update_device',
      'wait_forever',
    ])
  })

  test('says where each input goes', () => {
    const { get, put } = paths['/devices/{id}'] ?? {}
    const places = get?.parameters?.map((parameter) => [parameter.name, parameter.in, parameter.required])
    assert.deepEqual(places, [
      ['id', 'path', true],
      ['detail', 'query', false],
    ])
    assert.equal(put?.requestBody?.required, false)
    assert.deepEqual(put?.requestBody?.content['application/json']?.schema.required, [])
  })

  test('says how it can fail, what it needs and that it streams', () => {
    const list = paths['/devices']?.['get']
    assert.deepEqual(list?.security, [{ bearer: ['devices:read'] }])
    assert.deepEqual(paths['/devices/commands']?.['get']?.security, [])
    for (const status of ['400', '401', '403', '404', '413', '415', '429', '500', '503', '504'])
      assert.ok(list?.responses[status], status)
    const streaming = paths['/api/test/count_up']?.['post']?.responses['200']?.content ?? {}
    assert.deepEqual(Object.keys(streaming), ['application/json', 'text/event-stream'])
  })

  test('does not depend on the order in which services came', () => {
    const again = openapi({ entries: testDoor(samples.toReversed()).registry.list(), version: '1.2.3' })
    assert.equal(JSON.stringify(again), JSON.stringify(document))
  })
})
