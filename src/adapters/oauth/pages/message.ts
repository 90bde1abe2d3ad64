import type { Fault } from '../../../kernel/fault.ts'
import { html } from './html.ts'
import { page, type Page } from './page.ts'

/** Says one thing. */
export function messagePage(title: string, lines: readonly string[], status = 200): Page {
  const content = html`<h1>${title}</h1>
    ${lines.map((line) => html`<p>${line}</p>`)}`
  return page({ title, content, status })
}

export const faultPage = (fault: Fault): Page =>
  messagePage(
    'That did not work',
    fault.hint === undefined ? [fault.message] : [fault.message, fault.hint],
    fault.status,
  )

/** What a browser gets where no client can be told, for one is not to be trusted or known (RFC 6749, 4.1.2.1). */
export function errorPage(error: string, description: string | undefined, status = 400): Page {
  const lines = [
    description === undefined ? 'The request was refused.' : `The request was refused: ${description}.`,
    'Go back to the program that sent you here, and begin again.',
  ]
  const content = html`<h1>Not let in</h1>
    ${lines.map((line) => html`<p>${line}</p>`)}
    <p class="soft small">${error}</p>`
  return page({ title: 'Not let in', content, status })
}

/** Goes on by itself, to an address of the hub. */
export function continuePage(url: string): Page {
  const content = html`<meta http-equiv="refresh" content="0;url=${url}" />
    <h1>One moment</h1>
    <p><a href="${url}">Go on</a></p>`
  return page({ title: 'One moment', content })
}
