import type { AccessOptions } from './access.ts'

/** The people of the access tests. */
export const PEOPLE: AccessOptions = {
  ownerToken: 'owner-token-of-the-tests',
  users: [
    { name: 'anna', password: 'annas-password' },
    { name: 'attic', password: 'attics-password', services: ['lamp'] },
    { name: 'z2m', password: 'z2ms-password', publish: ['zigbee2mqtt/#'], subscribe: ['zigbee2mqtt/#', 'time'] },
  ],
  anonymous: false,
}

export type Who = 'hub' | 'session' | 'alicia' | 'anna' | 'attic' | 'z2m'

/** What each account may do; every engine is held to it. */
export const MAY: readonly [who: Who, may: 'publish' | 'receive' | 'subscribe', topic: string, allowed: boolean][] = [
  ['hub', 'publish', 'home/lamp', true],
  ['hub', 'publish', 'alicia/v1/svc/health/1/status', true],
  ['hub', 'receive', 'alicia/v1/req/health/get', true],
  ['hub', 'subscribe', '#', true],
  ['hub', 'subscribe', '$SYS/#', true],

  ['session', 'publish', 'home/lamp', true],
  ['session', 'publish', 'alicia/v1/svc/health/1/status', false],
  ['session', 'publish', 'alicia/v1/req/health/get', false],
  ['session', 'publish', 'alicia', false],
  ['session', 'receive', 'home/lamp', true],
  ['session', 'receive', 'alicia/v1/svc/health/1/status', true],
  ['session', 'receive', 'alicia/v1/req/health/get', false],
  ['session', 'receive', 'alicia/v1/as/anna/rep/1', false],
  ['session', 'receive', 'alicia/v1/rep/x/1', false],
  ['session', 'subscribe', '#', true],
  ['session', 'subscribe', 'alicia/v1/rep/#', false],
  ['session', 'subscribe', 'alicia/v1/as/anna/rep/1', false],

  ['alicia', 'publish', 'home/lamp', true],
  ['alicia', 'publish', 'alicia/v1/req/health/get', true],
  ['alicia', 'publish', 'alicia/v1/as/alicia/req/health/get', true],
  ['alicia', 'publish', 'alicia/v1/as/anna/req/health/get', false],
  ['alicia', 'publish', 'alicia/v1/svc/health/1/status', false],
  ['alicia', 'receive', 'alicia/v1/rep/x/1', true],
  ['alicia', 'receive', 'alicia/v1/as/anna/rep/1', true],
  ['alicia', 'subscribe', '#', true],

  ['anna', 'publish', 'home/lamp', true],
  ['anna', 'publish', 'alicia/v1/as/anna/req/health/get', true],
  ['anna', 'publish', 'alicia/v1/as/alicia/req/health/get', false],
  ['anna', 'publish', 'alicia/v1/as/z2m/req/health/get', false],
  ['anna', 'publish', 'alicia/v1/as/anna/rep/1', false],
  ['anna', 'publish', 'alicia/v1/req/health/get', false],
  ['anna', 'publish', 'alicia/v1/dev/lamp/state', false],
  ['anna', 'receive', 'home/lamp', true],
  ['anna', 'receive', 'alicia/v1/as/anna/rep/1', true],
  ['anna', 'receive', 'alicia/v1/as/z2m/rep/1', false],
  ['anna', 'receive', 'alicia/v1/svc/health/1/status', true],
  ['anna', 'receive', 'alicia/v1/evt/health/changed', true],
  ['anna', 'receive', 'alicia/v1/req/health/get', false],
  ['anna', 'subscribe', 'alicia/v1/as/anna/rep/#', true],
  ['anna', 'subscribe', 'alicia/v1/as/+/rep/#', false],
  ['anna', 'subscribe', 'alicia/v1/req/#', false],
  ['anna', 'subscribe', 'alicia/#', false],

  ['attic', 'publish', 'home/lamp', true],
  ['attic', 'publish', 'alicia/v1/bus/attic/one/up/status', true],
  ['attic', 'publish', 'alicia/v1/bus/attic/one/down/request', false],
  ['attic', 'publish', 'alicia/v1/bus/anna/one/up/status', false],
  ['attic', 'publish', 'alicia/v1/svc/lamp/one/status', false],
  ['attic', 'receive', 'alicia/v1/bus/attic/one/down/request', true],
  ['attic', 'receive', 'alicia/v1/bus/attic/one/up/answer/x', false],
  ['attic', 'receive', 'alicia/v1/bus/anna/one/down/request', false],
  ['attic', 'subscribe', 'alicia/v1/bus/attic/one/down/request', true],
  ['attic', 'subscribe', 'alicia/v1/bus/#', false],
  ['anna', 'publish', 'alicia/v1/bus/anna/one/up/status', false],
  ['anna', 'receive', 'alicia/v1/bus/attic/one/up/meta/lamp', false],
  ['session', 'publish', 'alicia/v1/bus/attic/one/up/status', false],
  ['session', 'receive', 'alicia/v1/bus/attic/one/up/answer/x', false],
  ['alicia', 'publish', 'alicia/v1/bus/attic/one/down/request', false],

  ['z2m', 'publish', 'zigbee2mqtt/lamp', true],
  ['z2m', 'publish', 'home/lamp', false],
  ['z2m', 'publish', 'alicia/v1/as/z2m/req/health/get', true],
  ['z2m', 'receive', 'alicia/v1/evt/health/changed', true],
  ['z2m', 'subscribe', 'zigbee2mqtt/+/set', true],
  ['z2m', 'subscribe', 'time', true],
  ['z2m', 'subscribe', 'home/#', false],
]
