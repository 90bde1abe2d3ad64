import assert from 'node:assert/strict'
import { after, before, suite, test } from 'node:test'
import type { Browser } from 'playwright-core'
import { cleanUps } from '../src/testing/mqtt-toolkit.ts'
import { emptyHome, startHub, type TestHub } from './support/hub.ts'
import { openBrowser } from './support/person-with-browser.ts'
import { within } from './support/program.ts'

suite('the status on top of the page', () => {
  const ending = cleanUps()
  let hub: TestHub
  let browser: Browser
  before(async () => {
    hub = await startHub(ending, { home: emptyHome(ending) })
    browser = await openBrowser(ending)
  })
  after(() => ending.run())

  /** What it shows to somebody who comes with that token, and the answers to its looks until then. */
  async function shownTo(token: string, answerToToken?: number) {
    const page = await browser.newPage()
    if (answerToToken !== undefined)
      await page.route('**/health', (route) =>
        route.request().headers()['authorization'] === undefined
          ? route.continue()
          : route.fulfill({ status: answerToToken }),
      )
    const answers: number[] = []
    page.on('response', (response) => response.url().endsWith('/health') && answers.push(response.status()))
    await page.goto(`${hub.urls.http}/#token=${token}`)
    const status = page.locator('#status-text').filter({ hasNotText: 'asking' })
    const text = await within(status.innerText(), 'the status')
    await page.close()
    return { text, answers }
  }

  test('with the token', async () => {
    const { text, answers } = await shownTo(hub.token)
    assert.match(text, /^available · v/)
    assert.deepEqual(answers, [200])
  })

  test('with one that has ended it is what everybody sees', async () => {
    const { text, answers } = await shownTo('ended')
    assert.match(text, /^available · v/)
    assert.deepEqual(answers, [401, 200])
  })

  test('so it is with one that the hub does not look at for the moment', async () => {
    const { text, answers } = await shownTo(hub.token, 429)
    assert.match(text, /^available · v/)
    assert.deepEqual(answers, [429, 200])
  })
})
