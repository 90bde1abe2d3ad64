import { readdirSync, readFileSync } from 'node:fs'
import { extname } from 'node:path'

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

const HEADERS = {
  'content-security-policy': POLICY,
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  // Asked for anew each time: a hub that was updated must not be shown by the page of the old one.
  'cache-control': 'no-cache',
}

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
}

/** The files of the API page by path, read once. */
export function pageFiles(): ReadonlyMap<string, PageFile> {
  const folder = new URL('./page/', import.meta.url)
  return new Map(
    readdirSync(folder).flatMap((name) => {
      const type = TYPES[extname(name)]
      if (type === undefined) return []
      const file = { text: readFileSync(new URL(name, folder), 'utf8'), headers: { ...HEADERS, 'content-type': type } }
      return [[name === 'index.html' ? '/' : `/page/${name}`, file]]
    }),
  )
}
