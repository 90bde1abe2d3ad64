import { html, type Html } from './html.ts'
import { page, type Page } from './page.ts'

export interface SignInView {
  /** The program that waits for it; absent: nobody but the person. */
  readonly client?: string
  /** A sentence on what else waits for it. */
  readonly reason?: string
  readonly action: string
  readonly formToken: string
  /** Whether anybody has a password yet. */
  readonly hasPasswords: boolean
  /** What went wrong before. */
  readonly problem?: string
  /** As it was typed before. */
  readonly name?: string
  readonly status?: number
}

/** Asks who somebody is: name and password, a pairing code, or the hub's own token. */
export function signInPage(view: SignInView): Page {
  const { client, reason, hasPasswords, problem, status } = view
  const title = 'Sign in'
  const content = html`<h1>${title}</h1>
    ${client !== undefined && html`<p><b>${client}</b> asks to use your home. First: who are you?</p>`}
    ${reason !== undefined && html`<p>${reason} First: who are you?</p>`}
    ${problem !== undefined && html`<p class="wrong" role="alert">${problem}</p>`}
    ${hasPasswords ? [password(view), code(view, false), token(view, false)] : [token(view, true), code(view, false)]}
    ${
      client !== undefined &&
      form(view, 'deny', html`<button class="quiet" type="submit" formnovalidate>Do not let it in</button>`)
    }`
  return page({
    title,
    content,
    ...(status !== undefined && { status }),
  })
}

const form = ({ action, formToken }: SignInView, how: string, fields: Html): Html =>
  html`<form method="post" action="${action}">
    <input type="hidden" name="form" value="${formToken}" />
    <input type="hidden" name="how" value="${how}" />
    ${fields}
  </form>`

const password = (view: SignInView): Html =>
  form(
    view,
    'password',
    html`<label class="field"
        >Name
        <input
          type="text"
          name="name"
          value="${view.name ?? ''}"
          required
          maxlength="64"
          autocomplete="username"
          autocapitalize="none"
          spellcheck="false"
          ${view.name === undefined ? html`autofocus` : undefined}
        />
      </label>
      <label class="field"
        >Password
        <input type="password" name="password" required maxlength="1024" autocomplete="current-password" />
      </label>
      <button type="submit">Sign in</button>`,
  )

const code = (view: SignInView, isOpen: boolean): Html =>
  html`<details class="other" ${isOpen ? html`open` : undefined}>
    <summary>I have a pairing code</summary>
    ${form(
      view,
      'code',
      html`<label class="field"
          >Pairing code
          <input
            type="text"
            name="code"
            required
            maxlength="100"
            autocomplete="off"
            autocapitalize="none"
            spellcheck="false"
          />
        </label>
        <button type="submit">Use the code</button>`,
    )}
  </details>`

const token = (view: SignInView, isFirst: boolean): Html => {
  const fields = form(
    view,
    'token',
    html`<label class="field"
        >Access token of this hub
        <input
          type="password"
          name="token"
          required
          maxlength="1024"
          autocomplete="off"
          ${isFirst ? html`autofocus` : undefined}
        />
      </label>
      <p class="soft small"><code>alicia token</code> prints it, on the machine that the hub runs on.</p>
      <button type="submit">Sign in as owner</button>`,
  )
  return isFirst
    ? fields
    : html`<details class="other">
        <summary>I am the owner, and have the hub’s own token</summary>
        ${fields}
      </details>`
}
