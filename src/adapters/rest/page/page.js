import { h } from './dom.js'
import { operationView } from './operation-view.js'
import { tokenField, watchStatus } from './status.js'

const main = document.getElementById('main')
const list = document.getElementById('operations')
const search = document.getElementById('search')

/** What is shown is what the token can call; whoever types one sees it when they stop. */
const token = tokenField(() => {
  clearTimeout(reloading)
  reloading = setTimeout(() => void load(), 300)
})
let reloading
let items = []
let resolve = (schema) => schema

async function start() {
  watchStatus()
  await load()
}

async function load() {
  const shown = token.read()
  const ask = (headers) => fetch('/openapi.json', { headers, cache: 'no-store' })
  const answer = await ask(shown ? { authorization: `Bearer ${shown}` } : {})
  // A token that is not (or not yet) a good one shows what needs none.
  const response = answer.ok ? answer : await ask({})
  // Somebody went on typing meanwhile.
  if (shown !== token.read()) return
  const description = await response.json()
  resolve = resolverOf(description)
  items = Object.entries(description.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ path, method, operation })),
  )
  showList()
  route()
}

/** Follows a reference into the description. One that leads in a circle is left for the JSON field. */
function resolverOf(description) {
  return (schema) => {
    const steps = schema.$ref?.slice(2).split('/')
    if (!steps) return schema
    const { $ref: _, ...own } = schema
    return { ...steps.reduce((value, step) => value?.[step], description), ...own }
  }
}

function showList() {
  const words = search.value.toLowerCase().split(/\s+/).filter(Boolean)
  const found = items.filter(({ path, operation }) => {
    const text = `${operation.operationId} ${path} ${operation.tags?.join(' ')} ${operation.summary}`.toLowerCase()
    return words.every((word) => text.includes(word))
  })
  const groups = Map.groupBy(found, ({ operation }) => operation.tags?.[0] ?? '')
  list.replaceChildren(
    ...[...groups]
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([tag, own]) => h('section', {}, h('h2', {}, tag), h('ul', {}, own.map(link)))),
  )
  if (found.length === 0) list.replaceChildren(h('p', { class: 'quiet' }, 'Nothing by that name.'))
  markCurrent()
}

const link = ({ method, operation }) =>
  h(
    'li',
    {},
    h(
      'a',
      { href: `#/${encodeURIComponent(operation.operationId)}`, title: operation.summary ?? '' },
      h('span', { class: `method ${method}` }, method.toUpperCase()),
      h('span', { class: 'name' }, breakable(operation.operationId)),
    ),
  )

/** A long name may break after an underscore, and nowhere else. */
const breakable = (name) => name.split(/(?<=_)/).flatMap((part) => [part, h('wbr')])

const currentName = () => decodeURIComponent(location.hash.replace(/^#\/?/, ''))

function markCurrent() {
  for (const anchor of list.querySelectorAll('a')) {
    if (anchor.getAttribute('href') === `#/${encodeURIComponent(currentName())}`)
      anchor.setAttribute('aria-current', 'page')
    else anchor.removeAttribute('aria-current')
  }
}

function route() {
  if (location.hash === '#main') return main.focus()
  const item = items.find(({ operation }) => operation.operationId === currentName())
  document.body.classList.toggle('one', item !== undefined)
  document.title = item ? `${item.operation.operationId} – Alicia` : 'Alicia'
  main.replaceChildren(item ? operationView(item, { resolve, token: token.read, onRefused: token.want }) : welcome())
  markCurrent()
  if (item) scrollTo(0, 0)
}

function welcome() {
  // The metrics are at an address of their own and no operation.
  const operations = items.filter(({ operation }) => operation['x-alicia'])
  const services = new Set(operations.map(({ operation }) => operation.tags?.[0]))
  return h(
    'article',
    { class: 'welcome' },
    h('h1', {}, 'What can this hub do?'),
    h(
      'p',
      { class: 'lead' },
      `${operations.length} operations of ${services.size} services. Choose one, fill in its form and run it.`,
    ),
    h(
      'p',
      {},
      'Each is also a tool at ',
      h('code', {}, `${location.origin}/mcp`),
      ' for an AI assistant, a request over MQTT, and a command: ',
      h('code', {}, 'alicia call'),
      '.',
    ),
    h(
      'dl',
      { class: 'keys' },
      h('dt', {}, h('kbd', {}, '/')),
      h('dd', {}, 'search'),
      h('dt', {}, h('kbd', {}, '↑'), h('kbd', {}, '↓')),
      h('dd', {}, 'through the list'),
      h('dt', {}, h('kbd', {}, 'Ctrl'), h('kbd', {}, 'Enter')),
      h('dd', {}, 'run'),
    ),
  )
}

const isTyping = (element) => /^(?:INPUT|TEXTAREA|SELECT)$/.test(element.tagName)

/** The arrow keys go through the list from the search field on. */
function moveInList(event) {
  const stops = [search, ...list.querySelectorAll('a')]
  const at = stops.indexOf(document.activeElement)
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key]
  if (at === -1 || step === undefined) return
  event.preventDefault()
  stops[at + step]?.focus()
}

search.addEventListener('input', showList)
search.addEventListener('keydown', (event) => {
  if (event.key === 'Enter') list.querySelector('a')?.click()
})
addEventListener('hashchange', route)
addEventListener('keydown', (event) => {
  moveInList(event)
  if (event.key !== '/' || isTyping(document.activeElement)) return
  event.preventDefault()
  search.focus()
})

try {
  await start()
} catch (error) {
  main.replaceChildren(
    h('p', { class: 'problem' }, `The hub did not describe itself: ${error.message}. Reload the page when it is back.`),
  )
}
