import { createHash, randomBytes } from 'node:crypto'

/** What a browser does, as far as these pages need one: cookies by path, forms, redirects that are looked at one by one. */
export class TestBrowser {
  readonly cookies = new Map<string, { value: string; path: string }>()
  readonly #headers: Readonly<Record<string, string>>

  /** `headers`: with each request, as a proxy in front would send them. */
  constructor(headers: Readonly<Record<string, string>> = {}) {
    this.#headers = headers
  }

  async ask(url: string, init: RequestInit = {}): Promise<Response> {
    const { pathname } = new URL(url)
    const cookie = [...this.cookies]
      .filter(([, { path }]) => pathname === path || pathname.startsWith(path.endsWith('/') ? path : `${path}/`))
      .map(([name, { value }]) => `${name.split('\n')[0]}=${value}`)
      .join('; ')
    const response = await fetch(url, {
      ...init,
      redirect: 'manual',
      headers: { ...this.#headers, ...(cookie !== '' && { cookie }), ...(init.headers as Record<string, string>) },
    })
    for (const line of response.headers.getSetCookie()) this.#keep(line)
    return response
  }

  #keep(line: string): void {
    const [pair = '', ...attributes] = line.split('; ')
    const at = pair.indexOf('=')
    const path = attributes.find((text) => /^path=/i.test(text))?.slice(5) ?? '/'
    const key = `${pair.slice(0, at)}\n${path}`
    const value = pair.slice(at + 1)
    if (value === '') this.cookies.delete(key)
    else this.cookies.set(key, { value, path })
  }

  /** Follows redirects and pages that go on, as long as they stay at the origin. */
  async open(url: string, init?: RequestInit): Promise<{ url: string; response: Response; text: string }> {
    const { origin } = new URL(url)
    let at = url
    let response = await this.ask(at, init)
    for (let count = 0; count < 10; count++) {
      const text = await response.clone().text()
      const next =
        response.headers.get('location') ?? /content="0;url=([^"]+)"/.exec(text)?.[1]?.replaceAll('&amp;', '&')
      if (next === undefined) return { url: at, response, text }
      at = new URL(next, at).href
      if (new URL(at).origin !== origin) return { url: at, response, text }
      response = await this.ask(at)
    }
    throw new Error('too many redirects')
  }

  /** Sends the form of a page that has such a field of that value, with those besides. */
  submit(page: { url: string; text: string }, fields: readonly (readonly [string, string])[], headers = {}) {
    const form = new URLSearchParams(fields.map(([name, value]): [string, string] => [name, value]))
    const token = /name="form"\s+value="([^"]+)"/.exec(page.text)?.[1]
    if (token !== undefined && !form.has('form')) form.set('form', token)
    const { origin } = new URL(page.url)
    return this.open(page.url, {
      method: 'POST',
      body: form,
      headers: { origin, 'sec-fetch-site': 'same-origin', ...headers },
    })
  }
}

/** A page without what is random in it, where any three letters may stand. */
export const withoutRandom = (page: string): string =>
  page.replaceAll(/(?<=[?;](?:state|code)=|name="form" value=")[\w-]+/g, '')

export const pkce = () => {
  const verifier = randomBytes(32).toString('base64url')
  return { verifier, challenge: createHash('sha256').update(verifier).digest('base64url') }
}
