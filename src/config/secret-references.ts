import { Fault } from '../kernel/fault.ts'
import { isObject } from './layers.ts'

const REFERENCE = /\$\{secret:([^{}]*)\}/g

/** Whether a value of the configuration names a secret instead of being one. */
export const refersToSecret = (text: string): boolean => text.includes('${secret:')

/** In the user name or password of an address, a secret is percent-encoded (RFC 3986, 3.2.1). */
const isAddress = (text: string): boolean => /^[a-z][a-z0-9+.-]*:\/\//i.test(text)

/** Whether anything below refers to a secret. */
export function hasSecretReferences(value: unknown): boolean {
  if (typeof value === 'string') return refersToSecret(value)
  if (Array.isArray(value)) return value.some(hasSecretReferences)
  return isObject(value) && Object.values(value).some(hasSecretReferences)
}

/**
 * The same value with every `${secret:name}` replaced by what was kept under that name. What a secret holds is not searched
 * again. Throws Fault `invalid_input` with the key of the first that there is not; never with a value.
 */
export function resolveSecrets<T>(value: T, secret: (name: string) => string | undefined, path = ''): T {
  if (typeof value === 'string') return resolveText(value, secret, path) as T & string
  if (Array.isArray(value))
    return value.map((item, at) => resolveSecrets(item, secret, `${path}[${at}]`)) as T & unknown[]
  if (!isObject(value)) return value
  const entries = Object.entries(value).map(
    ([key, child]) => [key, resolveSecrets(child, secret, path === '' ? key : `${path}.${key}`)] as const,
  )
  return Object.fromEntries(entries) as T & object
}

function resolveText(text: string, secret: (name: string) => string | undefined, path: string): string {
  return text.replaceAll(REFERENCE, (_, name: string) => {
    const value = secret(name)
    if (value === undefined)
      throw new Fault('invalid_input', `${path} refers to the secret ${name}, which is not set.`, {
        hint: `Set it: alicia secret set ${name}`,
      })
    return isAddress(text) ? encodeURIComponent(value) : value
  })
}

/** Keys of the configuration whose value is a secret, and those that may hold one in an address. */
const SECRET_KEYS =
  /^(?:token|secretKey|broker\.users\[\d+\]\.password|broker\.session\.password|.*(?:[sS]ecret|[pP]assphrase))$/

/** Keys that hold a secret in cleartext, in the value of a configuration file. */
export function plainSecretsIn(value: unknown, path = ''): readonly string[] {
  if (typeof value === 'string') return isPlainSecret(value, path) ? [path] : []
  if (Array.isArray(value)) return value.flatMap((item, at) => plainSecretsIn(item, `${path}[${at}]`))
  if (!isObject(value)) return []
  return Object.entries(value).flatMap(([key, child]) => plainSecretsIn(child, path === '' ? key : `${path}.${key}`))
}

function isPlainSecret(text: string, path: string): boolean {
  if (refersToSecret(text)) return false
  return SECRET_KEYS.test(path) || (isAddress(text) && (URL.parse(text)?.password ?? '') !== '')
}
