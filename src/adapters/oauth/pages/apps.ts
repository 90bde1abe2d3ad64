import { html } from './html.ts'
import { page, type Page } from './page.ts'

export interface AppView {
  readonly grantId: string
  readonly name: string
  readonly scopes: readonly string[]
  readonly since: Date
}

export interface AppsView {
  readonly account: string
  readonly apps: readonly AppView[]
  readonly action: string
  readonly formToken: string
}

/** The programs that somebody let in. */
export function appsPage({ account, apps, action, formToken }: AppsView): Page {
  const title = 'Programs you let in'
  const content = html`<h1>${title}</h1>
    <p class="soft">Signed in as ${account}.</p>
    ${
      apps.length === 0
        ? html`<p>None has been let in.</p>`
        : html`<ul class="apps">
            ${apps.map(
              ({ grantId, name, scopes, since }) =>
                html`<li>
                  <b>${name}</b>
                  <p class="soft small">since ${since.toISOString().slice(0, 10)}; may: ${scopes.join(', ')}</p>
                  <form method="post" action="${action}">
                    <input type="hidden" name="form" value="${formToken}" />
                    <input type="hidden" name="grant" value="${grantId}" />
                    <button class="end" type="submit">End now<span class="unseen">: ${name}</span></button>
                  </form>
                </li>`,
            )}
          </ul>`
    }`
  return page({ title, content })
}
