import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { fitsTemplate } from './uri-template.ts'

suite('URI templates', () => {
  for (const [template, address, fits] of [
    ['test://template/{id}/data', 'test://template/7/data', true],
    ['test://template/{id}/data', 'test://template//data', false],
    ['test://template/{id}/data', 'test://template/7/8/data', false],
    ['test://template/{id}/data', 'test://template/7/data/more', false],
    ['file:///{+path}', 'file:///a/b/c.txt', true],
    ['file:///{path}', 'file:///a/b/c.txt', false],
    ['search://all{?q,page}', 'search://all?q=x&page=2', true],
    ['search://all{?q,page}', 'search://all', true],
    ['db://{schema}/{table}', 'db://public/users', true],
    ['db://{schema}/{table}', 'db://public', false],
    ['x://{a}{b}', 'x://anything/at/all', true],
    ['x://fixed', 'x://fixed', true],
    ['x://fixed', 'x://fixed/not', false],
    ['x://{a}.json', 'x://a.json.json', true],
  ] as const)
    test(`${template} ${fits ? 'fits' : 'does not fit'} ${address}`, () =>
      assert.equal(fitsTemplate(template, address), fits))
})
