import { h, jsonView } from './dom.js'
import { eventsOf } from './request.js'

/** Log lines and progress that stay on the page; older ones go. */
const LINES = 200

/** Shows an answer as it comes. Resolves with its HTTP status when all of it is there. */
export async function showAnswer(target, asking, startMs) {
  const line = h('p', { class: 'outcome', role: 'status' }, 'Running…')
  const rows = h('div', { class: 'answer' })
  target.replaceChildren(line, rows)
  const response = await asking
  const tone = response.ok ? 'good' : 'bad'
  const say = (more) => {
    const took = performance.now() - startMs
    const time = took < 1000 ? `${took.toFixed(took < 10 ? 1 : 0)} ms` : `${(took / 1000).toFixed(1)} s`
    line.replaceChildren(h('strong', { class: tone }, `${response.status} ${response.statusText}`), ` · ${time}${more}`)
  }
  say('')
  const type = response.headers.get('content-type') ?? ''
  if (type.startsWith('text/event-stream')) await showEvents(rows, response, say)
  else await showBody(rows, response, say)
  rows.append(headersOf(response))
  return response.status
}

async function showBody(rows, response, say) {
  const text = await response.text()
  say(` · ${new Blob([text]).size.toLocaleString()} bytes`)
  rows.append(...bodyOf(text))
}

function bodyOf(text) {
  try {
    const value = JSON.parse(text)
    return value?.code && value?.detail ? [problemView(value), jsonView(value)] : [jsonView(value)]
  } catch {
    return [h('pre', { class: 'json' }, text)]
  }
}

const problemView = ({ detail, message, hint }) =>
  h('div', { class: 'problem' }, h('p', {}, detail ?? message), hint ? h('p', { class: 'quiet' }, hint) : '')

async function showEvents(rows, response, say) {
  const bar = h('progress', { max: 1, hidden: true })
  const lines = h('ol', { class: 'lines', 'aria-live': 'polite' })
  rows.append(bar, lines)
  let count = 0
  for await (const [name, data] of eventsOf(response)) {
    say(` · ${(count += 1)} ${count === 1 ? 'event' : 'events'}`)
    if (name === 'progress') showProgress(bar, lines, data)
    else if (name === 'log') addLine(lines, h('li', { class: data.level }, data.message))
    else rows.append(...(name === 'fault' ? [problemView(data), jsonView(data)] : [jsonView(data)]))
  }
  bar.hidden = true
}

function showProgress(bar, lines, { progress, total, message, data }) {
  bar.hidden = false
  if (total) bar.value = progress / total
  const text = message ?? `${progress}${total ? ` of ${total}` : ''}`
  addLine(lines, h('li', {}, text, data === undefined ? '' : jsonView(data)))
}

function addLine(lines, item) {
  lines.append(item)
  if (lines.childElementCount > LINES) lines.firstElementChild.remove()
  lines.scrollTop = lines.scrollHeight
}

const headersOf = (response) =>
  h(
    'details',
    { class: 'headers' },
    h('summary', {}, 'Headers'),
    h('pre', { class: 'json' }, [...response.headers].map(([name, value]) => `${name}: ${value}`).join('\n')),
  )
