import { h, prose } from './dom.js'

/**
 * A form for an object schema. `read()` gives the values that were filled in, and throws an Error that names the
 * field that is not understood; `fill(values)` shows them.
 */
export function schemaForm(schema, resolve) {
  const required = new Set(schema.required ?? [])
  const fields = Object.entries(schema.properties ?? {})
    .sort(([a], [b]) => Number(required.has(b)) - Number(required.has(a)))
    .map(([name, own]) => field(name, resolve(own), { required: required.has(name), resolve }))
  const element =
    fields.length === 0
      ? h('p', { class: 'quiet' }, 'It takes no input.')
      : h(
          'div',
          { class: 'fields' },
          fields.map((one) => one.element),
        )
  return {
    element,
    read: () =>
      Object.fromEntries(fields.map((one) => [one.name, one.read()]).filter(([, value]) => value !== undefined)),
    fill: (values) => fields.forEach((one) => one.fill(values[one.name])),
  }
}

function field(name, schema, { required, resolve }) {
  const id = `field-${name}`
  const control = controlFor(name, schema, resolve)
  control.input.id = id
  control.input.setAttribute('aria-describedby', `${id}-about`)
  const element = h(
    'div',
    { class: 'field' },
    h('label', { for: id }, name, required ? h('span', { class: 'required', title: 'required' }, ' *') : ''),
    control.input,
    h(
      'p',
      { class: 'about', id: `${id}-about` },
      prose(schema.description ?? ''),
      h('span', { class: 'type' }, `${schema.description ? ' · ' : ''}${typeText(schema, resolve)}`),
    ),
  )
  return {
    name,
    element,
    fill: (value) => control.fill(value),
    read() {
      control.input.setCustomValidity('')
      try {
        return control.read()
      } catch (error) {
        control.input.setCustomValidity(error.message)
        control.input.reportValidity()
        throw new Error(`${name}: ${error.message}`, { cause: error })
      }
    },
  }
}

/** Schemas may contain themselves; deeper than this nobody reads on. */
const TOLD_LEVELS = 3

/** What a person fills in, and how it becomes a JSON value. An empty field is left out. */
function controlFor(name, schema, resolve) {
  const values = valuesOf(schema, resolve)
  if (values) return choice(values, schema.default)
  const kind = Array.isArray(schema.type) ? undefined : schema.type
  if (kind === 'integer' || kind === 'number') return numeric(schema, kind)
  if (kind === 'string') return text(name, schema)
  if (kind === 'array') {
    const item = resolve(schema.items ?? {})
    if (item.type === 'string' && !item.enum) return lines(schema, (line) => line)
    if (item.type === 'integer' || item.type === 'number') return lines(schema, Number)
  }
  return json(schema)
}

/** The values of a schema that allows only a few; undefined where there is more to choose from. */
function valuesOf(schema, resolve, level = 0) {
  if (schema.const !== undefined) return [schema.const]
  if (schema.enum) return schema.enum
  if (schema.type === 'boolean') return [true, false]
  if (schema.type === 'null') return [null]
  if (level === TOLD_LEVELS) return undefined
  const alternatives = (schema.anyOf ?? schema.oneOf)?.map((one) => valuesOf(resolve(one), resolve, level + 1))
  return alternatives?.every(Boolean) ? alternatives.flat() : undefined
}

function choice(values, fallback) {
  const empty = fallback === undefined ? '' : `${fallback} (default)`
  const input = h(
    'select',
    {},
    h('option', { value: '' }, empty),
    values.map((value, index) => h('option', { value: String(index) }, String(value))),
  )
  return {
    input,
    read: () => (input.value === '' ? undefined : values[Number(input.value)]),
    fill: (value) => void (input.value = values.includes(value) ? String(values.indexOf(value)) : ''),
  }
}

function numeric(schema, type) {
  const input = h('input', {
    type: 'number',
    step: type === 'integer' ? '1' : 'any',
    inputmode: type === 'integer' ? 'numeric' : 'decimal',
    placeholder: schema.default === undefined ? '' : String(schema.default),
  })
  return {
    input,
    // What is out of range is for the hub to refuse: its answer is part of what one wants to see here.
    read: () => (input.value === '' ? undefined : input.valueAsNumber),
    fill: (value) => void (input.value = value ?? ''),
  }
}

const SECRET = /password|passphrase|secret|(?:^|_)token$/i

function text(name, schema) {
  const secret = schema.format === 'password' || SECRET.test(name)
  const input = h('input', {
    type: secret ? 'password' : 'text',
    autocomplete: 'off',
    spellcheck: 'false',
    placeholder: schema.default ?? schema.examples?.[0] ?? '',
  })
  return {
    input,
    read: () => (input.value === '' ? undefined : input.value),
    fill: (value) => void (input.value = value ?? ''),
  }
}

function lines(schema, parse) {
  const input = h('textarea', { rows: '2', placeholder: (schema.default ?? ['one a line']).join('\n') })
  return {
    input,
    read() {
      const given = input.value.split('\n').filter((line) => line !== '')
      // What is no number goes as it is: the hub's answer says so better than a form can.
      return given.length === 0 ? undefined : given.map((line) => (Number.isNaN(parse(line)) ? line : parse(line)))
    },
    fill: (value) => void (input.value = (value ?? []).join('\n')),
  }
}

function json(schema) {
  const input = h('textarea', {
    rows: '3',
    class: 'mono',
    spellcheck: 'false',
    placeholder: schema.default === undefined ? 'JSON' : JSON.stringify(schema.default),
  })
  const takesText = [schema, ...(schema.anyOf ?? schema.oneOf ?? [])].some(({ type }) =>
    [type].flat().includes('string'),
  )
  return {
    input,
    read() {
      if (input.value.trim() === '') return undefined
      try {
        return JSON.parse(input.value)
      } catch (error) {
        if (takesText) return input.value
        throw error
      }
    },
    fill: (value) => void (input.value = value === undefined ? '' : JSON.stringify(value, null, 2)),
  }
}

function typeText(schema, resolve) {
  // Whole numbers without a bound of their own carry the bounds of exact arithmetic: nothing to tell a person.
  const told = (bound) => (bound === undefined || Math.abs(bound) >= Number.MAX_SAFE_INTEGER ? undefined : bound)
  const from = told(schema.minimum ?? schema.exclusiveMinimum)
  const to = told(schema.maximum ?? schema.exclusiveMaximum)
  const bounds =
    from === undefined
      ? to === undefined
        ? ''
        : ` up to ${to}`
      : to === undefined
        ? ` from ${from}`
        : ` ${from} to ${to}`
  return `${typeName(schema, resolve)}${bounds}`
}

function typeName(schema, resolve, level = 0) {
  if (level === TOLD_LEVELS) return 'any'
  const inner = (one) => typeName(resolve(one), resolve, level + 1)
  if (valuesOf(schema, resolve)) return 'choice'
  const alternatives = schema.anyOf ?? schema.oneOf
  if (alternatives) return [...new Set(alternatives.map(inner))].join(' or ')
  if (schema.type === 'array') return `list of ${inner(schema.items ?? {})}`
  return [schema.type ?? 'any'].flat().join(' or ')
}
