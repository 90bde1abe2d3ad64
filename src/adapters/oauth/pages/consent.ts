import type { Effect } from '../../../kernel/tool.ts'
import { html, type Html } from './html.ts'
import { page, type Page } from './page.ts'

/** Where an authorization response goes: to a site, to a program on this machine, to an app by its own scheme. */
export type RedirectKind = 'web' | 'loopback' | 'app'

/** A scope in the words of whoever has to decide on it. */
export interface ScopeText {
  readonly scope: string
  readonly title: string
  /** Within what bounds, in words. */
  readonly within?: string
  readonly operations: readonly { readonly name: string; readonly summary: string; readonly effect: Effect }[]
  /** Whether one of them loses something that cannot be brought back. */
  readonly isDestructive: boolean
  readonly isEverything: boolean
}

/** The program that asks, as far as anybody can know. */
export interface ClientView {
  readonly name: string
  /** The host whose document describes it: nobody else can make that. Absent: it has described itself. */
  readonly host?: string
  readonly redirect: string
  readonly redirectKind: RedirectKind
}

export interface ConsentView {
  readonly client: ClientView
  readonly account: string
  readonly action: string
  readonly formToken: string
  /** What was asked for and can be given. */
  readonly scopes: readonly ScopeText[]
  /** What was asked for and cannot. */
  readonly refused: readonly string[]
  /** Where somebody else signs in. */
  readonly otherAccountUrl: string
  /** The profiles it is for; absent: the whole hub. */
  readonly profiles?: readonly string[]
  /** How long without use, and at most, days. */
  readonly idleDays: number
  readonly mostDays: number
  readonly problem?: string
}

/** Shows who asks for what, for whom and for how long. */
export function consentPage(view: ConsentView): Page {
  const { client, scopes, problem } = view
  const title = `Let ${client.name} in?`
  const content = html`<h1>${title}</h1>
    ${problem !== undefined && html`<p class="wrong" role="alert">${problem}</p>`} ${facts(view)} ${warning(client)}
    <form method="post" action="${view.action}">
      <input type="hidden" name="form" value="${view.formToken}" />
      <h2>It may</h2>
      ${
        scopes.length === 0
          ? html`<p class="wrong">Nothing of what it asks for is yours to give.</p>`
          : html`<p class="soft small">Take away the tick from what it shall not.</p>
              <ul class="scopes">
                ${scopes.map(scopeItem)}
              </ul>`
      }
      ${view.refused.length > 0 && html`<p class="soft small">It also asks for what you may not do: ${view.refused.join(', ')}.</p>`}
      ${scopes.length > 0 && html`<button type="submit" name="answer" value="allow">Let it in</button>`}
      <button class="quiet" type="submit" name="answer" value="deny">Do not let it in</button>
    </form>`
  return page({ title, content, ...(problem !== undefined && { status: 400 }) })
}

const facts = ({ client, account, otherAccountUrl, profiles, idleDays, mostDays }: ConsentView): Html =>
  html`<dl>
    <dt>Who</dt>
    <dd>
      <b>${client.name}</b>${
        client.host === undefined
          ? html` <span class="soft">(it gave itself this name)</span>`
          : html`, described by <b>${client.host}</b>`
      }
    </dd>
    <dt>Goes to</dt>
    <dd>${destination(client)}</dd>
    <dt>For whom</dt>
    <dd>${account} <a class="small" href="${otherAccountUrl}">somebody else</a></dd>
    <dt>Where</dt>
    <dd>${where(profiles)}</dd>
    <dt>How long</dt>
    <dd>until you end it, or ${idleDays} days without use; ${mostDays} days at most</dd>
  </dl>`

function where(profiles: readonly string[] | undefined): string {
  if (profiles === undefined) return 'the whole hub'
  return `the ${profiles.length === 1 ? 'profile' : 'profiles'} ${profiles.join(', ')}`
}

function destination({ redirect, redirectKind }: ClientView): Html {
  const { host, protocol } = new URL(redirect)
  if (redirectKind === 'web') return html`<b>${host}</b>`
  if (redirectKind === 'app') return html`an app on this device, by <code>${protocol}</code>`
  return html`a program on this computer, at <code>${host}</code>`
}

/** MCP 2026-07-28, security considerations, "Localhost Redirect URI Risks". */
function warning({ name, host, redirectKind }: ClientView): Html | undefined {
  if (redirectKind === 'web')
    return host === undefined
      ? html`<p class="warn">Nobody has checked that it is who it says. Look at where it goes to.</p>`
      : undefined
  return html`<p class="warn" role="note">
    <b>Did you start this yourself, just now, on this device?</b> Any program here can call itself ${name}. If you did
    not, do not let it in.
  </p>`
}

function scopeItem({ scope, title, within, operations, isDestructive, isEverything }: ScopeText, at: number): Html {
  const id = `scope-${at}`
  return html`<li class="scope">
    <input type="checkbox" id="${id}" name="scope" value="${scope}" checked />
    <label for="${id}"
      ><b>${title}</b>${within !== undefined && ` (${within} only)`}
      ${isDestructive && html`<span class="tag">can delete</span>`}
      ${isEverything && html`<br /><span class="small">People, tokens and keys included. Few programs need that.</span>`}</label
    >
    <details class="more small">
      <summary>${summaryOf(operations.length)} <code>${scope}</code></summary>
      <ul>
        ${operations.map(
          ({ name, summary, effect }) =>
            html`<li>
              <code>${name}</code>: ${summary} ${effect === 'destructive' && html`<span class="tag">deletes</span>`}
            </li>`,
        )}
      </ul>
    </details>
  </li>`
}

function summaryOf(count: number): string {
  if (count === 0) return 'nothing at the moment'
  return count === 1 ? '1 operation' : `${count} operations`
}
