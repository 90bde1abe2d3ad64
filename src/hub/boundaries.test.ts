import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { z } from 'zod'
import type { Profile } from '../kernel/mcp/profile.ts'
import { operation } from '../kernel/operation.ts'
import { createSight } from '../kernel/reach.ts'
import type { Touch } from '../kernel/tool.ts'
import { callerWith, testDoor } from '../testing/hub.ts'
import { createBoundaries } from './boundaries.ts'
import { createPlaces } from './places.ts'

const places = createPlaces({
  rooms: { kitchen: { topics: ['home/kitchen/#'] }, hall: { topics: [] } },
  devices: {
    'lamp-1': { room: 'kitchen', topics: ['zigbee2mqtt/lamp-1/#'] },
    lock: { room: 'hall', topics: ['lock/#'] },
    'weather-station': { topics: ['weather/#'] },
  },
})

const kids: Profile = {
  name: 'kids',
  includes: ({ tool }) => tool.name.startsWith('home.'),
  includesProvider: ({ id }) => id === 'home',
  list: 'all',
}

const boundaries = createBoundaries({
  places,
  profiles: { get: (name) => (name === 'kids' ? kids : undefined), names: () => ['kids'] },
})

const input = z.object({ touches: z.array(z.string()).optional() })
const touchesOf = (words: readonly string[] | undefined): readonly Touch[] | undefined =>
  words?.map((word) => {
    const [kind, name = ''] = word.split(' ')
    return { kind: kind as Touch['kind'], name }
  })
const spec = { summary: 'Does it.', effect: 'write', input, output: z.unknown(), handler: async () => 'done' } as const

const door = testDoor(
  [
    operation()({
      ...spec,
      name: 'home.switch_it',
      scope: 'home:write',
      touches: (given) => touchesOf(given.touches),
    }),
    operation()({ ...spec, name: 'home.tell_all', scope: 'home:read' }),
    operation()({ ...spec, name: 'other.pass_on', scope: 'other:use', passesOn: true }),
    operation()({ ...spec, name: 'other.open_it', scope: null }),
  ].map((made) => made.bind({})),
  { boundaries },
)

suite('bounds of grants', () => {
  test('whoever is out of bounds hears what is inside, and of nothing else', async () => {
    const call = { operation: 'home.switch_it', input: { touches: ['topics lock/#'] } }
    await assert.rejects(
      door.invoke({ ...call, caller: callerWith('home:*@room/kitchen', 'home:write@device/lamp-1') }),
      {
        code: 'forbidden',
        hint:
          'It has: home:*@room/kitchen, home:write@device/lamp-1. ' +
          'Ask for topics in there: home/kitchen/#, zigbee2mqtt/lamp-1/#.',
      },
    )
  })

  const cases: [grants: string, operation: string, touches: string[] | undefined, may: boolean][] = [
    ['*', 'home.switch_it', undefined, true],
    ['', 'other.open_it', undefined, true],
    ['*@room/kitchen', 'other.open_it', undefined, true],

    ['*@operation/home.switch_it', 'home.switch_it', undefined, true],
    ['*@operation/switch_it', 'home.switch_it', undefined, false],
    ['*@operation/home.switch_it', 'home.tell_all', undefined, false],

    ['*@profile/kids', 'home.switch_it', undefined, true],
    ['*@profile/kids', 'other.pass_on', undefined, false],
    ['*@profile/gone', 'home.switch_it', undefined, false],
    ['home:read@profile/kids', 'home.switch_it', undefined, false],

    ['home:*@room/kitchen', 'home.switch_it', ['topics home/kitchen/lamp'], true],
    ['home:*@room/kitchen', 'home.switch_it', ['topics home/kitchen/#'], true],
    ['home:*@room/kitchen', 'home.switch_it', ['topics home/kitchen'], true],
    ['home:*@room/kitchen', 'home.switch_it', ['topics zigbee2mqtt/lamp-1/set'], true],
    ['home:*@room/kitchen', 'home.switch_it', ['topics home/kitchen/lamp', 'topics lock/open'], false],
    ['home:*@room/kitchen', 'home.switch_it', ['topics home/kitchens/lamp'], false],
    ['home:*@room/kitchen', 'home.switch_it', ['topics home/+/lamp'], false],
    ['home:*@room/kitchen', 'home.switch_it', ['topics #'], false],
    ['home:*@room/kitchen', 'home.switch_it', ['topics home/#'], false],
    ['home:*@room/kitchen', 'home.switch_it', ['room kitchen'], true],
    ['home:*@room/kitchen', 'home.switch_it', ['room hall'], false],
    ['home:*@room/kitchen', 'home.switch_it', ['device lamp-1'], true],
    ['home:*@room/kitchen', 'home.switch_it', ['device lock'], false],
    ['home:*@room/kitchen', 'home.switch_it', ['device weather-station'], false],
    ['home:*@room/kitchen', 'home.switch_it', [], true],
    ['home:*@room/kitchen', 'home.switch_it', undefined, false],
    ['home:*@room/kitchen', 'home.tell_all', undefined, false],
    ['home:*@room/cellar', 'home.switch_it', [], false],
    ['home:*@room/constructor', 'home.switch_it', [], false],
    ['*@room/kitchen', 'other.pass_on', undefined, true],

    ['home:*@device/lamp-1', 'home.switch_it', ['device lamp-1'], true],
    ['home:*@device/lamp-1', 'home.switch_it', ['topics zigbee2mqtt/lamp-1/set'], true],
    ['home:*@device/lamp-1', 'home.switch_it', ['topics home/kitchen/lamp'], false],
    ['home:*@device/lamp-1', 'home.switch_it', ['room kitchen'], false],

    ['*@profile/kids@room/kitchen', 'home.switch_it', ['room kitchen'], true],
    ['*@profile/kids@room/kitchen', 'home.switch_it', ['room hall'], false],
    ['*@profile/gone@room/kitchen', 'home.switch_it', ['room kitchen'], false],
    ['home:*@room/hall home:*@room/kitchen', 'home.switch_it', ['room kitchen'], true],
    ['home:*@room/hall home:*@room/kitchen', 'home.switch_it', ['room kitchen', 'room hall'], false],
  ]
  for (const [grants, name, touches, may] of cases)
    test(`${grants || 'nothing'} ${may ? 'lets' : 'does not let'} ${name} touch ${touches?.join(', ') ?? 'who knows what'}`, async () => {
      const caller = callerWith(...grants.split(' ').filter(Boolean))
      const call = door.invoke({ operation: name, input: touches === undefined ? {} : { touches }, caller })
      if (may) assert.equal(await call, 'done')
      else await assert.rejects(call, { code: 'forbidden' })
    })

  const sights: [grants: string, attainable: string | undefined, seen: string[]][] = [
    ['*', undefined, ['open_it', 'pass_on', 'switch_it', 'tell_all']],
    ['', undefined, ['open_it']],
    ['home:read', undefined, ['open_it', 'tell_all']],
    ['home:read', 'home:*', ['open_it', 'switch_it', 'tell_all']],
    ['*@room/kitchen', undefined, ['open_it', 'pass_on', 'switch_it']],
    ['*@room/cellar', undefined, ['open_it', 'pass_on']],
    ['*@profile/kids', undefined, ['open_it', 'switch_it', 'tell_all']],
    ['*@operation/home.tell_all', undefined, ['open_it', 'tell_all']],
  ]
  const sight = createSight(boundaries)
  for (const [grants, attainable, seen] of sights)
    test(`${grants || 'nothing'}${attainable === undefined ? '' : `, and ${attainable} for the asking,`} shows ${seen.join(', ')}`, () => {
      const caller = {
        ...callerWith(...grants.split(' ').filter(Boolean)),
        ...(attainable !== undefined && { attainable: [attainable] }),
      }
      const names = door.registry
        .list()
        .filter((entry) => sight.sees(caller, entry))
        .map(({ name }) => name)
      assert.deepEqual(names, seen)
    })

  test('those who see the same share a key, and whoever sees everything has none', () => {
    assert.equal(sight.keyOf(callerWith('mqtt:read', 'home:*')), sight.keyOf(callerWith('home:*', 'mqtt:read')))
    assert.equal(sight.keyOf(callerWith('*', 'home:*')), '')
    assert.notEqual(sight.keyOf(callerWith()), '')
    assert.notEqual(sight.keyOf(callerWith('*@room/kitchen')), '')
  })
})
