import { createRequire } from 'node:module'
import { suite, test } from 'node:test'
import { openPersistence } from './persistence.ts'

/** The suite that aedes ships for its persistences. */
const abstractSuite = createRequire(import.meta.url)('aedes-persistence/abstract.js') as (options: {
  test: typeof test
  persistence: () => unknown
  testAsync: boolean
}) => void

suite('persistence, as aedes wants it', () => {
  abstractSuite({ test, persistence: () => openPersistence({ file: ':memory:', longestQueue: 1000 }), testAsync: true })
})
