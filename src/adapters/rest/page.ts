import { readFileSync } from 'node:fs'

export interface PageFile {
  readonly text: string
  readonly headers: Record<string, string>
}

/** The page works with its own files and the hub's API only; an injected script or a frame around it gets nowhere. */
const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' data:",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ')

const FILES = [
  { path: '/', name: 'index.html', type: 'text/html' },
  { path: '/page/page.css', name: 'page.css', type: 'text/css' },
  { path: '/page/page.js', name: 'page.js', type: 'text/javascript' },
]

/** The files of the API page by path, read once. */
export function pageFiles(): ReadonlyMap<string, PageFile> {
  const folder = new URL('./page/', import.meta.url)
  return new Map(
    FILES.map(({ path, name, type }) => [
      path,
      {
        text: readFileSync(new URL(name, folder), 'utf8'),
        headers: {
          'content-type': `${type}; charset=utf-8`,
          'content-security-policy': POLICY,
          'x-content-type-options': 'nosniff',
          'referrer-policy': 'no-referrer',
          'cross-origin-opener-policy': 'same-origin',
          'cross-origin-resource-policy': 'same-origin',
          'cache-control': 'no-cache',
        },
      },
    ]),
  )
}
