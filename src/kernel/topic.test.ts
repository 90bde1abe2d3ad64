import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import * as fc from 'fast-check'
import { topicFilterProblem, topicMatcher, topicNameProblem } from './topic.ts'

suite('topic', () => {
  const names: readonly (readonly [string, RegExp | undefined])[] = [
    ['home/kitchen/lamp', undefined],
    ['/', undefined],
    ['a//b', undefined],
    ['$SYS/broker/uptime', undefined],
    ['Zuhause/Küche 🍳', undefined],
    ['a'.repeat(65_535), undefined],
    ['', /4\.7\.3-1/],
    ['home/+/lamp', /4\.7\.0-1/],
    ['home/#', /4\.7\.0-1/],
    ['a\0b', /4\.7\.3-2/],
    ['a\ud800', /1\.5\.4-1/],
    ['a'.repeat(65_536), /65536.*4\.7\.3-3/],
    ['ü'.repeat(32_768), /4\.7\.3-3/],
  ]
  for (const [name, problem] of names)
    test(`name ${JSON.stringify(name.slice(0, 20))}: ${problem ?? 'fine'}`, () =>
      problem ? assert.match(topicNameProblem(name) ?? '', problem) : assert.equal(topicNameProblem(name), undefined))

  const filters: readonly (readonly [string, RegExp | undefined])[] = [
    ['#', undefined],
    ['+', undefined],
    ['+/+', undefined],
    ['/+', undefined],
    ['home/+/lamp/#', undefined],
    ['$share/group/home/#', undefined],
    ['home/#/lamp', /4\.7\.1-1/],
    ['home#', /4\.7\.1-1/],
    ['##', /4\.7\.1-1/],
    ['home+', /4\.7\.1-2/],
    ['+home/x', /4\.7\.1-2/],
    ['', /4\.7\.3-1/],
    ['a\0', /4\.7\.3-2/],
    ['\udfff', /1\.5\.4-1/],
    ['$share//x', /4\.8\.2-1/],
    ['$share/+/x', /4\.8\.2-1/],
    ['$share/group', /4\.8\.2-2/],
    ['$share/group/', /4\.8\.2-2/],
  ]
  for (const [filter, problem] of filters)
    test(`filter ${JSON.stringify(filter)}: ${problem ?? 'fine'}`, () =>
      problem
        ? assert.match(topicFilterProblem(filter) ?? '', problem)
        : assert.equal(topicFilterProblem(filter), undefined))

  const matches = [
    ['#', 'a/b', true],
    ['#', '$SYS/x', false],
    ['+/x', '$SYS/x', false],
    ['$SYS/#', '$SYS/x', true],
    ['sport/#', 'sport', true],
    ['sport/#', 'sports', false],
    ['sport/+', 'sport', false],
    ['sport/+', 'sport/', true],
    ['+', '/a', false],
    ['+/+', '/a', true],
    ['a/+/c', 'a/b/c/d', false],
    ['a/+/#', 'a/b', true],
    ['a/+/#', 'a', false],
    ['A', 'a', false],
    ['$share/g/a/#', 'a/b', true],
  ] as const
  for (const [filter, name, expected] of matches)
    test(`${filter} ${expected ? 'matches' : 'does not match'} ${name}`, () =>
      assert.equal(topicMatcher(filter)(name), expected))

  const level = fc.constantFrom('', 'a', 'b', '$x')
  const name = fc.array(level, { minLength: 1, maxLength: 5 }).map((levels) => levels.join('/'))
  const filter = fc
    .tuple(fc.array(fc.oneof(level, fc.constant('+')), { minLength: 1, maxLength: 5 }), fc.boolean())
    .map(([levels, open]) => (open ? [...levels, '#'] : levels).join('/'))

  /** The rules of §4.7 once more, as a regular expression: slow, and easy to believe. */
  const reference = (pattern: string, topic: string) => {
    if (/^[+#]/.test(pattern) && topic.startsWith('$')) return false
    const escaped = pattern
      .split('/')
      .map((part) => (part === '+' ? '[^/]*' : part === '#' ? '#' : part.replace('$', String.raw`\$`)))
      .join('/')
    return new RegExp(`^${escaped.replace(/\/#$/, '(/.*)?').replace(/^#$/, '.*')}$`).test(topic)
  }

  test('matching agrees with a simple reference', () =>
    fc.assert(
      fc.property(filter, name, (pattern, topic) => {
        fc.pre(pattern !== '' && topic !== '')
        assert.equal(topicFilterProblem(pattern), undefined)
        assert.equal(topicMatcher(pattern)(topic), reference(pattern, topic))
      }),
      { numRuns: 2000 },
    ))

  test('a name without wildcards matches itself and nothing else', () =>
    fc.assert(fc.property(name, name, (one, other) => assert.equal(topicMatcher(one)(other), one === other))))
})
