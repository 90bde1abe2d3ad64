/** An element with its properties and children. Text goes in as text: nothing of the API is ever read as HTML. */
export function h(tag, properties = {}, ...children) {
  const element = document.createElement(tag)
  for (const [name, value] of Object.entries(properties)) {
    if (value === undefined || value === false) continue
    if (name.startsWith('on')) element.addEventListener(name.slice(2), value)
    else if (name in element && typeof value !== 'string') element[name] = value
    else element.setAttribute(name, value)
  }
  element.append(...children.flat().filter((child) => child !== undefined && child !== ''))
  return element
}

/** Prose with `code` in it. */
export const prose = (text) => text.split('`').map((part, index) => (index % 2 === 1 ? h('code', {}, part) : part))

/** Above this, colours would make the page slow. */
const COLOURED_CHARS = 200_000

const TOKEN = /("(?:[^"\\]|\\.)*")(\s*:)?|\b(?:true|false|null)\b|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/g

/** A JSON value, indented and coloured. */
export function jsonView(value) {
  const text = JSON.stringify(value, null, 2)
  if (text.length > COLOURED_CHARS) return h('pre', { class: 'json' }, text)
  const parts = []
  let end = 0
  for (const match of text.matchAll(TOKEN)) {
    const [whole, string, colon] = match
    const kind = string === undefined ? 'literal' : colon === undefined ? 'string' : 'key'
    parts.push(text.slice(end, match.index), h('span', { class: kind }, string ?? whole), colon ?? '')
    end = match.index + whole.length
  }
  return h('pre', { class: 'json', tabindex: '0' }, parts, text.slice(end))
}
