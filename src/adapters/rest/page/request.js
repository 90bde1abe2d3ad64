/** The address and body of a call: each input where the description says it goes. */
export function requestOf({ method, path, operation }, values) {
  const rest = { ...values }
  let address = path
  const query = new URLSearchParams()
  for (const { name, in: place } of operation.parameters ?? []) {
    const value = rest[name]
    delete rest[name]
    if (place === 'path') address = address.replace(`{${name}}`, encodeURIComponent(value ?? ''))
    else if (value !== undefined) query.set(name, typeof value === 'object' ? JSON.stringify(value) : String(value))
  }
  // What the description does not know goes along all the same: the hub's answer names the key that was meant.
  const body = operation.requestBody ? JSON.stringify(rest) : undefined
  if (body === undefined)
    for (const [name, value] of Object.entries(rest))
      query.set(name, typeof value === 'object' ? JSON.stringify(value) : String(value))
  const search = query.size === 0 ? '' : `?${query}`
  return { method: method.toUpperCase(), url: `${address}${search}`, body }
}

/** The same call for a terminal. The token stays a variable: what is copied gets pasted into chats. */
export function curlOf({ method, url, body }, { needsToken, streams }) {
  const quoted = (text) => `'${text.replaceAll("'", `'\\''`)}'`
  return [
    `curl${streams ? ' -N' : ''}${method === 'GET' || (method === 'POST' && body !== undefined) ? '' : ` -X ${method}`} ${quoted(location.origin + url)}`,
    needsToken && `-H "Authorization: Bearer $ALICIA_TOKEN"`,
    streams && `-H 'Accept: text/event-stream'`,
    body !== undefined && `-H 'Content-Type: application/json'`,
    body !== undefined && `-d ${quoted(body)}`,
  ]
    .filter(Boolean)
    .join(' \\\n  ')
}

/** Sends it; `streams` asks for events instead of one answer. */
export function send({ method, url, body }, { token, streams, signal }) {
  const headers = { accept: streams ? 'text/event-stream' : 'application/json' }
  if (token) headers.authorization = `Bearer ${token}`
  if (body !== undefined) headers['content-type'] = 'application/json'
  return fetch(url, { method, headers, body, signal, redirect: 'error', cache: 'no-store' })
}

/** The events of a stream, as they come: `[name, data]`. */
export async function* eventsOf(response) {
  let rest = ''
  const decoder = new TextDecoder()
  const reader = response.body.getReader()
  for (;;) {
    const { done, value } = await reader.read()
    if (done) return
    const blocks = (rest + decoder.decode(value, { stream: true })).split('\n\n')
    rest = blocks.pop()
    for (const block of blocks) {
      const fields = Object.fromEntries(
        block.split('\n').map((line) => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 2)]),
      )
      if (fields.event) yield [fields.event, JSON.parse(fields.data)]
    }
  }
}
