import assert from 'node:assert/strict'
import { existsSync, globSync, readFileSync, statSync } from 'node:fs'
import { dirname, join, normalize } from 'node:path'
import { suite, test } from 'node:test'

const root = dirname(import.meta.dirname)
const pages = globSync(['*.md', '{docs,src,examples,e2e,bench,fuzz}/**/*.md'], { cwd: root })

const textOf = (page: string): string => readFileSync(join(root, page), 'utf8')

/** Code has no links. */
const proseOf = (page: string): string =>
  textOf(page)
    .replaceAll(/^```[\s\S]*?^```$/gm, '')
    .replaceAll(/`[^`\n]*`/g, '')

/** As forges make them of headings: lower case, without punctuation, a dash for each space. */
const anchorsOf = (page: string): ReadonlySet<string> =>
  new Set(
    [
      ...textOf(page)
        .replaceAll(/^```[\s\S]*?^```$/gm, '')
        .matchAll(/^#{1,6} (.+)$/gm),
    ].map(([, heading = '']) =>
      heading
        .toLowerCase()
        .replaceAll(/[^\p{L}\p{N} _-]/gu, '')
        .replaceAll(' ', '-'),
    ),
  )

/** Those that stay in the repository. A page that is not there has none. */
const linksOf = (page: string): readonly string[] =>
  pages.includes(page)
    ? [...proseOf(page).matchAll(/\]\(([^)\s]+)\)/g)]
        .map(([, link = '']) => link)
        .filter((link) => !/^[a-z][a-z0-9+.-]*:/i.test(link))
    : []

/** What forges show at a link: of a folder, its README. */
function pageAt(page: string, link: string): string {
  const [path = ''] = link.split('#')
  const target = path === '' ? page : normalize(join(dirname(page), path))
  return pages.includes(join(target, 'README.md')) ? join(target, 'README.md') : target
}

function problemOf(page: string, link: string): string | undefined {
  const [path = '', anchor] = link.split('#')
  const target = path === '' ? page : normalize(join(dirname(page), path))
  if (!existsSync(join(root, target))) return `${page}: ${link} is not there`
  if (anchor === undefined || statSync(join(root, target)).isDirectory() || !target.endsWith('.md')) return undefined
  return anchorsOf(target).has(anchor) ? undefined : `${page}: ${target} has no heading #${anchor}`
}

suite('links of the pages', () => {
  test('there are pages', () => assert.ok(pages.length > 40, `${pages.length}`))

  for (const page of pages)
    test(page, () => {
      assert.deepEqual(
        linksOf(page)
          .map((link) => problemOf(page, link))
          .filter((problem) => problem !== undefined),
        [],
      )
    })

  test('every page of docs is found from the README', () => {
    const reached = new Set(['README.md'])
    for (const page of reached) for (const link of linksOf(page)) reached.add(pageAt(page, link))
    assert.deepEqual(
      pages.filter((page) => page.startsWith('docs/') && !reached.has(page)),
      [],
    )
  })
})
