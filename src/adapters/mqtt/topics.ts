/** Where operations are called, answered and announced on MQTT. Everything of the hub's lies under this root. */
const ROOT = 'alicia/v1'

/** The owner's own MQTT login; what it writes under `as/alicia` is the owner's too. */
export const OWNER_LOGIN = 'alicia'

/** `<root>/req/<service>/<operation>` and `<root>/as/<user>/req/<service>/<operation>`. */
export const REQUEST_FILTERS = [`${ROOT}/req/+/+`, `${ROOT}/as/+/req/+/+`] as const

/** What a request's topic says, which is all that is known of its sender. */
export interface Address {
  readonly login: string
  /** `service.operation`. */
  readonly operation: string
  /** Answers go below this and nowhere else. */
  readonly replyPrefix: string
}

/** Undefined where the topic is none of a request. */
export function addressOf(topic: string): Address | undefined {
  const [first, second, ...rest] = topic.split('/')
  if (`${first}/${second}` !== ROOT) return undefined
  const [kind] = rest
  if (kind === 'req') return addressAs(OWNER_LOGIN, `${ROOT}/rep/`, rest.slice(1))
  const [, login, req] = rest
  if (kind !== 'as' || !login || req !== 'req') return undefined
  return addressAs(login, `${ROOT}/as/${login}/rep/`, rest.slice(3))
}

function addressAs(login: string, replyPrefix: string, levels: readonly string[]): Address | undefined {
  const [service, operation] = levels
  if (levels.length !== 2 || !service || !operation) return undefined
  return { login, operation: `${service}.${operation}`, replyPrefix }
}

/**
 * Whether an answer may go there. Without this rule the hub, which may write anywhere, would write wherever a
 * caller's response topic tells it to.
 */
export function mayAnswerAt(topic: string, { replyPrefix }: Address): boolean {
  return topic.length > replyPrefix.length && topic.startsWith(replyPrefix) && !/[+#\0]/.test(topic)
}

/** Where a service of one hub says how it is, and what it can do. */
export const statusTopic = (service: string, instance: string): string => `${ROOT}/svc/${service}/${instance}/status`
export const metaTopic = (service: string, instance: string): string => `${ROOT}/svc/${service}/${instance}/meta`

/** The calls that wait for somebody's yes, retained. */
export const APPROVALS_TOPIC = `${ROOT}/evt/approvals`

/** Every status of one hub's services. */
export const statusFilter = (instance: string): string => statusTopic('+', instance)

/** The service whose status topic this is; undefined for another topic. */
export function serviceOf(topic: string, instance: string): string | undefined {
  const [, , svc, service] = topic.split('/')
  return svc === 'svc' && service && topic === statusTopic(service, instance) ? service : undefined
}

/** Whether a provider's name can be a topic level (MQTT 5.0, 4.7). Servers behind the hub have a say in theirs. */
export const isTopicLevel = (name: string): boolean => /^[^/+#$\p{Cc}\p{Cs}]{1,200}$/u.test(name)
