import { chromium, type Browser, type Page } from 'playwright-core'
import type { Ending } from './hub.ts'

/** The system's browser; it ends with the test. */
export async function openBrowser(ending: Ending): Promise<Browser> {
  const browser = await chromium.launch({ executablePath: '/usr/bin/chromium', args: ['--no-sandbox'] })
  ending.after(() => browser.close())
  return browser
}

export interface PersonWithBrowser {
  readonly page: Page
  /** Whatever the pages complained of: a policy that was broken, an error. */
  readonly complaints: readonly string[]
  /**
   * Signs in if asked to, lets the client in with what it asks for, or says no; resolves to the address at which the client gets
   * its answer.
   */
  decide(authorizationUrl: string | URL, answer?: 'allow' | 'deny'): Promise<URL>
}

export interface PersonOptions {
  readonly name: string
  readonly password: string
  /** Where the client listens: its origin. */
  readonly redirectOrigin: string
  readonly width?: number
}

/** Somebody with a browser of their own, whose cookies stay for as long as they do. */
export async function personWith(browser: Browser, options: PersonOptions): Promise<PersonWithBrowser> {
  const { name, password, redirectOrigin, width = 1280 } = options
  const context = await browser.newContext({ viewport: { width, height: 800 } })
  const page = await context.newPage()
  const complaints: string[] = []
  page.on('console', (message) => {
    if (message.type() === 'error') complaints.push(message.text())
  })
  page.on('pageerror', (error) => complaints.push(String(error)))
  return {
    page,
    complaints,
    async decide(authorizationUrl, answer = 'allow') {
      const answered = page.waitForRequest(
        (request) => request.isNavigationRequest() && request.url().startsWith(`${redirectOrigin}/`),
      )
      await page.goto(String(authorizationUrl))
      if ((await page.locator('h1').textContent()) === 'Sign in') {
        await page.getByLabel('Name').fill(name)
        await page.getByLabel('Password').fill(password)
        await page.getByRole('button', { name: 'Sign in', exact: true }).click()
        await page.waitForURL(/\/oauth\/interaction\//)
      }
      const button = answer === 'allow' ? 'Let it in' : 'Do not let it in'
      await page.getByRole('button', { name: button, exact: true }).click()
      const address = new URL((await answered).url())
      // Until the browser is there it would not go anywhere else.
      await page.waitForURL((url) => url.origin === redirectOrigin, { waitUntil: 'commit' })
      return address
    },
  }
}
