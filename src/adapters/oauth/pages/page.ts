import { createHash } from 'node:crypto'
import type { ServerResponse } from 'node:http'
import { html, type Html } from './html.ts'
import { STYLE } from './style.ts'

export interface Page {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

export interface PageParts {
  readonly title: string
  readonly content: Html
  readonly status?: number
  /** Of the page itself; its hash goes into the policy, so no other runs. */
  readonly script?: string
}

const sourceOf = (text: string) => `'sha256-${createHash('sha256').update(text).digest('base64')}'`

/** Nothing is loaded, nothing frames it, and forms go nowhere else. */
const policyOf = ({ script }: PageParts): string =>
  [
    `default-src 'none'`,
    `style-src ${sourceOf(STYLE)}`,
    ...(script === undefined ? [] : [`script-src ${sourceOf(script)}`]),
    `form-action 'self'`,
    `base-uri 'none'`,
    `frame-ancestors 'none'`,
  ].join('; ')

export function page(parts: PageParts): Page {
  const { title, content, status = 200, script } = parts
  const document = html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="robots" content="noindex" />
        <title>${title} · Alicia</title>
        ${raw(`<style>${STYLE}</style>`)}
      </head>
      <body>
        <main>
          <p class="home">Alicia, the hub of your home</p>
          ${content}
        </main>
        ${script === undefined ? undefined : raw(`<script>${script}</script>`)}
      </body>
    </html> `
  return {
    status,
    headers: {
      'content-type': 'text/html; charset=utf-8',
      'content-security-policy': policyOf(parts),
      'x-frame-options': 'DENY',
      'x-content-type-options': 'nosniff',
      // Not `no-referrer`: with that, browsers send forms with the origin `null`.
      'referrer-policy': 'same-origin',
      'cross-origin-opener-policy': 'same-origin',
      'cache-control': 'no-store',
    },
    body: document.text,
  }
}

/** Ours alone, never what somebody sent. */
const raw = (text: string): Html => Object.assign(html``, { text })

export function sendPage(response: ServerResponse, { status, headers, body }: Page): void {
  response.writeHead(status, { ...headers, 'content-length': Buffer.byteLength(body) }).end(body)
}
