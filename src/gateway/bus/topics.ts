/**
 * What a hub and the processes that run services for it say to each other. `up` is written by the process, under its own
 * login; `down` by the hub alone. The broker's access list makes both true, and nothing else says who speaks.
 */
const ROOT = 'alicia/v1/bus'

/** One process that runs services: the login it has at the broker, and its name among those with that login. */
export interface Place {
  readonly login: string
  readonly instance: string
}

const upTopic = ({ login, instance }: Place) => `${ROOT}/${login}/${instance}/up`

/** Whether the process is there; retained, and its will. */
export const statusTopic = (place: Place): string => `${upTopic(place)}/status`
/** What one of its services can do; retained. */
export const metaTopic = (place: Place, service: string): string => `${upTopic(place)}/meta/${service}`
/** Its answers to one hub. */
export const answerTopic = (place: Place, hub: string): string => `${upTopic(place)}/answer/${hub}`
/** What hubs ask of it. */
export const requestTopic = ({ login, instance }: Place): string => `${ROOT}/${login}/${instance}/down/request`

export const STATUS_FILTER = statusTopic({ login: '+', instance: '+' })
export const META_FILTER = metaTopic({ login: '+', instance: '+' }, '+')
export const answerFilter = (hub: string): string => answerTopic({ login: '+', instance: '+' }, hub)

/** Who wrote to a topic below `up`, and the last level of it; undefined for any other topic. */
export function writerOf(topic: string): { readonly place: Place; readonly last: string } | undefined {
  const levels = topic.split('/')
  const [, , , login, instance, up] = levels
  if (!topic.startsWith(`${ROOT}/`) || up !== 'up' || !login || !instance) return undefined
  return { place: { login, instance }, last: levels.at(-1) ?? '' }
}

/** As one text, for people and as a key. */
export const placeName = ({ login, instance }: Place): string => `${login}/${instance}`

/** Whether a name can be a level of these topics (MQTT 5.0, 4.7). */
export const isLevel = (name: string): boolean => /^[^/+#\0]{1,128}$/.test(name)
