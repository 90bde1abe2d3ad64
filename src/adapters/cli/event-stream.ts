/** One event of a stream (WHATWG HTML, "Server-sent events"). */
export interface StreamEvent {
  readonly event: string
  readonly data: string
}

/** A line longer than this is no event of a hub's. */
const LARGEST_EVENT_CHARS = 256 * 1024 * 1024

/** The events of a response body. Comments (keep-alive), `id` and `retry` are left out: a call is not resumed. */
export async function* readEvents(body: AsyncIterable<Uint8Array>): AsyncGenerator<StreamEvent> {
  let event = ''
  let data: string[] = []
  for await (const line of readLines(body)) {
    if (line === '') {
      if (data.length > 0) yield { event: event || 'message', data: data.join('\n') }
      event = ''
      data = []
      continue
    }
    const [, field = '', value = ''] = /^([^:]*):? ?(.*)$/s.exec(line) ?? []
    if (field === 'event') event = value
    if (field === 'data') data.push(value)
  }
}

/** Lines ended by LF, CRLF or CR. What is not ended when the stream ends is dropped, as the specification asks. */
async function* readLines(body: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  const decoder = new TextDecoder()
  // Parts, joined when their line ends: a long line in many chunks would otherwise be copied again with each.
  let parts: string[] = []
  let length = 0
  let afterReturn = false
  for await (const chunk of body) {
    let text = decoder.decode(chunk, { stream: true })
    if (afterReturn && text.startsWith('\n')) text = text.slice(1)
    if (text === '') continue
    afterReturn = text.endsWith('\r')
    const lines = text.split(/\r\n|\r|\n/)
    const rest = lines.pop() ?? ''
    for (const line of lines) {
      yield parts.join('') + line
      parts = []
      length = 0
    }
    parts.push(rest)
    length += rest.length
    if (length > LARGEST_EVENT_CHARS) throw new RangeError('An event is larger than 256 MiB.')
  }
}
