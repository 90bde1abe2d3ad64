import { showAnswer } from './answer-view.js'
import { h, prose } from './dom.js'
import { curlOf, requestOf, send } from './request.js'
import { schemaForm } from './schema-form.js'

/** What was filled in, by operation: looking something up elsewhere must not lose it. */
const drafts = new Map()

const EFFECTS = { read: 'reads', write: 'changes something', destructive: 'loses something' }

/** The page of one operation: what it does, a form, the answer. */
export function operationView(item, { resolve, token, onRefused }) {
  const { method, path, operation } = item
  const { scope, effect, streams } = operation['x-alicia'] ?? { scope: operation.security?.[0]?.bearer?.[0] ?? null }
  const form = schemaForm(inputSchema(operation, resolve), resolve)
  const raw = h('textarea', {
    class: 'mono raw',
    rows: '10',
    spellcheck: 'false',
    'aria-label': 'Input as JSON',
    hidden: true,
  })
  const asJson = h('input', { type: 'checkbox', onchange: () => guarded(switchMode) })
  const asStream = h('input', { type: 'checkbox', checked: streams === true, onchange: () => refresh() })
  const curl = h('pre', { class: 'json curl', tabindex: '0' })
  const note = h('p', { class: 'note', role: 'alert' })
  const answer = h('section', { class: 'result', 'aria-label': 'Answer' })
  const run = h('button', { type: 'submit', class: 'run' }, 'Run')
  const cancel = h('button', { type: 'button', hidden: true, onclick: () => abort?.abort() }, 'Cancel')
  let abort

  const values = () => (asJson.checked ? JSON.parse(raw.value || '{}') : form.read())
  const request = () => requestOf(item, values())
  const guarded = (task) => {
    try {
      note.textContent = ''
      return task()
    } catch (error) {
      note.textContent = error.message
      return undefined
    }
  }
  const switchMode = () => {
    const toJson = asJson.checked
    try {
      const current = toJson ? form.read() : JSON.parse(raw.value || '{}')
      if (toJson) raw.value = JSON.stringify(current, null, 2)
      else form.fill(current)
    } catch (error) {
      asJson.checked = !toJson
      throw error
    }
    raw.hidden = !toJson
    form.element.hidden = toJson
    refresh()
  }
  const refresh = () => {
    let made
    try {
      drafts.set(operation.operationId, values())
      made = request()
    } catch {
      // Half-typed JSON: the line to copy waits until it is whole.
      return
    }
    curl.textContent = curlOf(made, { needsToken: scope !== null, streams: asStream.checked })
  }
  const call = async () => {
    const made = guarded(request)
    if (!made) return
    abort = new AbortController()
    run.disabled = true
    cancel.hidden = false
    try {
      const asking = send(made, { token: token(), streams: asStream.checked, signal: abort.signal })
      const status = await showAnswer(answer, asking, performance.now())
      if (status === 401) onRefused()
    } catch (error) {
      const left = error.name === 'AbortError' ? 'Cancelled.' : `The hub did not answer: ${error.message}.`
      answer.querySelector('.outcome').replaceChildren(h('strong', { class: 'bad' }, left))
    } finally {
      run.disabled = false
      cancel.hidden = true
    }
  }

  form.fill(drafts.get(operation.operationId) ?? {})
  refresh()
  return h(
    'article',
    {},
    h('a', { class: 'back', href: '#/' }, '‹ All operations'),
    h('h1', {}, operation.operationId),
    h('p', { class: 'address' }, h('span', { class: `method ${method}` }, method.toUpperCase()), h('code', {}, path)),
    h('p', { class: 'lead' }, prose(operation.summary ?? '')),
    operation.description ? h('p', {}, prose(operation.description)) : '',
    h(
      'p',
      { class: 'chips' },
      effect ? h('span', { class: `chip ${effect}` }, EFFECTS[effect]) : '',
      h('span', { class: 'chip' }, scope === null ? 'open to all' : `needs ${scope}`),
      streams ? h('span', { class: 'chip' }, 'streams') : '',
    ),
    h(
      'form',
      {
        novalidate: '',
        oninput: refresh,
        onsubmit: (event) => {
          event.preventDefault()
          void call()
        },
        onkeydown: (event) => {
          if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) void call()
        },
      },
      form.element,
      raw,
      note,
      h(
        'div',
        { class: 'actions' },
        run,
        cancel,
        h('label', {}, asJson, ' as JSON'),
        h('label', {}, asStream, ' as a stream'),
      ),
    ),
    answer,
    h(
      'section',
      { class: 'terminal', 'aria-label': 'For a terminal' },
      h('h2', {}, 'In a terminal'),
      curl,
      copyButton(curl),
    ),
  )
}

function inputSchema(operation, resolve) {
  const body = operation.requestBody?.content['application/json']?.schema
  const schema = body ? resolve(body) : {}
  const parameters = operation.parameters ?? []
  return {
    properties: {
      ...Object.fromEntries(
        parameters.map(({ name, schema: own, description }) => [
          name,
          { ...resolve(own), ...(description && { description }) },
        ]),
      ),
      ...schema.properties,
    },
    required: [...parameters.filter(({ required }) => required).map(({ name }) => name), ...(schema.required ?? [])],
  }
}

function copyButton(source) {
  const button = h(
    'button',
    {
      type: 'button',
      class: 'copy',
      async onclick() {
        try {
          await navigator.clipboard.writeText(source.textContent)
          button.textContent = 'Copied'
        } catch {
          // Without HTTPS a browser has no clipboard off the own machine: select it, so that the keys work.
          getSelection().selectAllChildren(source)
          button.textContent = 'Selected'
        }
        setTimeout(() => void (button.textContent = 'Copy'), 1500)
      },
    },
    'Copy',
  )
  return button
}
