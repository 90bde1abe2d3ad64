import { html } from './html.ts'
import { page, type Page } from './page.ts'

/** Takes the code out of the address, where it is in no log and in no history for long. */
const SCRIPT = `(()=>{const code=location.hash.slice(1);if(!code)return;history.replaceState(null,'',location.pathname);const field=document.querySelector('input[name=code]');if(field)field.value=decodeURIComponent(code)})()`

export interface PairView {
  readonly action: string
  readonly problem?: { readonly message: string; readonly status: number }
}

/** Asks for a pairing code, or has it from the address. */
export function pairPage({ action, problem }: PairView): Page {
  const title = 'Pair this device'
  const content = html`<h1>${title}</h1>
    ${problem && html`<p class="wrong" role="alert">${problem.message}</p>`}
    <form method="post" action="${action}">
      <input type="hidden" name="how" value="code" />
      <label class="field"
        >Pairing code
        <input
          type="text"
          name="code"
          required
          maxlength="100"
          autocomplete="off"
          autocapitalize="none"
          spellcheck="false"
          autofocus
        />
      </label>
      <button type="submit">Pair</button>
    </form>`
  return page({ title, content, script: SCRIPT, ...(problem && { status: problem.status }) })
}

export interface PasswordView {
  readonly name: string
  readonly action: string
  readonly ticket: string
  readonly appsUrl: string
  readonly problem?: { readonly message: string; readonly status: number }
}

/** Asks whoever has just paired for a password. */
export function passwordPage({ name, action, ticket, appsUrl, problem }: PasswordView): Page {
  const title = `Hello, ${name}`
  const content = html`<h1>${title}</h1>
    <p>This device is paired. Choose a password, to sign in elsewhere too.</p>
    ${problem && html`<p class="wrong" role="alert">${problem.message}</p>`}
    <form method="post" action="${action}">
      <input type="hidden" name="how" value="password" />
      <input type="hidden" name="ticket" value="${ticket}" />
      <input type="text" name="name" value="${name}" autocomplete="username" hidden />
      <label class="field"
        >New password
        <input type="password" name="password" required maxlength="1024" autocomplete="new-password" autofocus />
      </label>
      <label class="field"
        >Once more
        <input type="password" name="again" required maxlength="1024" autocomplete="new-password" />
      </label>
      <button type="submit">Set the password</button>
    </form>
    <p class="small"><a href="${appsUrl}">Not now</a></p>`
  return page({ title, content, ...(problem && { status: problem.status }) })
}
