import { h } from './dom.js'

/** Milliseconds between looks at the hub. */
const EVERY_MS = 10_000

const byId = (id) => document.getElementById(id)

/** Shows on top how the hub is, while the page is being looked at. */
export function watchStatus() {
  const look = async () => {
    if (!document.hidden) show(await health())
    setTimeout(() => void look(), EVERY_MS)
  }
  void look()
}

async function health() {
  try {
    const response = await ask()
    return response.ok ? await response.json() : { status: 'unknown' }
  } catch {
    return { status: 'unreachable' }
  }
}

/** Each wrong token counts as an attempt to log in: it is tried once. */
let refused = ''

/** With the token there is more to see; without one the hub tells everybody how it is. */
async function ask() {
  const token = sessionStorage.getItem(KEY) ?? ''
  if (token === '' || token === refused) return fetch('/health', NOT_STORED)
  const response = await fetch('/health', { ...NOT_STORED, headers: { authorization: `Bearer ${token}` } })
  if (response.ok) return response
  if (response.status === 401) refused = token
  return fetch('/health', NOT_STORED)
}

const NOT_STORED = { cache: 'no-store' }

function show({ status, version, uptime_seconds: uptime, parts = {} }) {
  byId('status').dataset.status = status
  byId('status-text').textContent = [status, version && `v${version}`, uptime !== undefined && `up ${duration(uptime)}`]
    .filter(Boolean)
    .join(' · ')
  byId('status-parts').replaceChildren(
    ...Object.entries(parts).map(([name, own]) =>
      h('li', { 'data-status': own }, h('span', { class: 'dot' }), name, h('span', { class: 'quiet' }, ` ${own}`)),
    ),
  )
}

function duration(seconds) {
  if (seconds < 120) return `${seconds} s`
  if (seconds < 7200) return `${Math.floor(seconds / 60)} min`
  return seconds < 172_800 ? `${Math.floor(seconds / 3600)} h` : `${Math.floor(seconds / 86_400)} days`
}

const KEY = 'alicia.token'

/** The token lives as long as the tab. From `#token=…` it is taken at once, and out of the address bar and history. */
export function tokenField(onChange) {
  const given = /^#token=([^&]+)/.exec(location.hash)?.[1]
  if (given) {
    sessionStorage.setItem(KEY, decodeURIComponent(given))
    history.replaceState(null, '', location.pathname)
  }
  const field = byId('token')
  field.value = sessionStorage.getItem(KEY) ?? ''
  field.addEventListener('input', () => {
    sessionStorage.setItem(KEY, field.value.trim())
    field.classList.remove('wanted')
    onChange()
  })
  return {
    read: () => field.value.trim(),
    want() {
      field.classList.add('wanted')
      field.focus()
    },
  }
}
