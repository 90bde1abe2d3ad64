import type { Publication } from '../connection.ts'

/** A kind of message that a `safe` session does not publish: it changes how the home is set up, not what it does. */
interface Protection {
  readonly name: string
  readonly why: string
  readonly topic: RegExp
  /** Only payloads that say this; looked at as text, at most its beginning. */
  readonly payload?: RegExp
}

/** Tasmota commands that reset, reflash, move to another network or broker, or run any other command. */
const TASMOTA =
  'reset|restart|upgrade|otaurl|backlog\\d?|mqtt(?:host|port|user|password|client)|(?:full|group)?topic|ssid[12]?|' +
  'password[12]?|ap|wificonfig|hostname|ipaddress\\d?|webpassword|module|template|gpio\\d*|setoption\\d*|rule\\d?|prefix\\d'

/** Verbs of Shelly's RPC methods that change the device itself; `Switch.Set`, `Cover.Open` and their like are free. */
const SHELLY =
  'SetConfig|SetAuth|FactoryReset|Reset\\w*|Update|Reboot|Put\\w*|Delete\\w*|Create|Eval|Add\\w*|Remove\\w*'

export const PROTECTED: readonly Protection[] = [
  { name: 'broker', why: 'topics that begin with $ belong to the broker', topic: /^\$/ },
  {
    name: 'zigbee2mqtt bridge',
    why: 'it administers the Zigbee network',
    topic: /(?:^|\/)bridge\/(?:request\/(?!health_check$)|config\/)/,
  },
  {
    name: 'home assistant discovery',
    why: 'it adds, changes or removes entities of Home Assistant',
    topic:
      /^homeassistant\/.+\/config$|^[^/]+\/(?:sensor|binary_sensor|switch|light|device|cover|climate|lock|button|fan|number|select)\/.+\/config$/,
  },
  {
    name: 'tasmota command',
    why: 'it resets, updates or reconfigures a device',
    topic: new RegExp(`(?:^|/)cmnd/(?:.*/)?(?:${TASMOTA})$`, 'i'),
  },
  {
    name: 'shelly rpc',
    why: 'the method resets, updates or reconfigures a device',
    topic: /(?:^|\/)rpc$/,
    payload: new RegExp(`"method"\\s*:\\s*"[^"]*\\.(?:${SHELLY})"`, 'i'),
  },
  {
    name: 'shelly update',
    why: 'it updates or resets a device',
    topic: /^shellies\/(?:.+\/)?command$/,
    payload: /update|reset/i,
  },
  {
    name: 'esphome button',
    why: 'it restarts or resets a device',
    topic: /\/button\/[^/]*(?:restart|reset|safe_mode)[^/]*\/command$/,
  },
  { name: 'homie firmware', why: 'it updates or resets a device', topic: /\/\$(?:implementation|fw)\// },
  {
    name: 'sparkplug node command',
    why: 'it commands a whole edge node',
    topic: /^spBv1\.0\/(?:STATE\/|[^/]+\/NCMD\/)/,
  },
  { name: 'z-wave js api', why: 'it administers the Z-Wave network', topic: /\/_CLIENTS\/[^/]+\/api\/.+\/set$/ },
  { name: 'gateway system', why: 'it reconfigures a gateway', topic: /\/commands\/MQTTtoSYS\// },
]

/** A command is short; what is longer is looked at as far as this, in bytes. */
const LOOKED_AT_BYTES = 65_536

/** The protection that a publication falls under. */
export function protectionOf({ topic, payload }: Pick<Publication, 'topic' | 'payload'>): Protection | undefined {
  return PROTECTED.find(
    (each) => each.topic.test(topic) && (each.payload?.test(payload.toString('latin1', 0, LOOKED_AT_BYTES)) ?? true),
  )
}
