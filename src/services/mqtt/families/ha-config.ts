import { isObject, wordOf, type JsonObject } from './values.ts'

/** Home Assistant's short names in discovery configurations, of the keys that are read here (developers.home-assistant.io). */
const SHORT: Readonly<Record<string, string>> = {
  act_t: 'action_topic',
  act_tpl: 'action_template',
  atype: 'automation_type',
  avty: 'availability',
  avty_mode: 'availability_mode',
  avty_t: 'availability_topic',
  avty_tpl: 'availability_template',
  bat_lev_t: 'battery_level_topic',
  bat_lev_tpl: 'battery_level_template',
  bri_scl: 'brightness_scale',
  bri_stat_t: 'brightness_state_topic',
  bri_val_tpl: 'brightness_value_template',
  chrg_t: 'charging_topic',
  chrg_tpl: 'charging_template',
  cmps: 'components',
  curr_hum_t: 'current_humidity_topic',
  curr_hum_tpl: 'current_humidity_template',
  curr_temp_t: 'current_temperature_topic',
  curr_temp_tpl: 'current_temperature_template',
  dev: 'device',
  dev_cla: 'device_class',
  ent_cat: 'entity_category',
  err_t: 'error_topic',
  err_tpl: 'error_template',
  fan_mode_stat_t: 'fan_mode_state_topic',
  fan_mode_stat_tpl: 'fan_mode_state_template',
  fanspd_t: 'fan_speed_topic',
  fanspd_tpl: 'fan_speed_template',
  hum_stat_t: 'target_humidity_state_topic',
  hum_state_tpl: 'target_humidity_state_template',
  json_attr_t: 'json_attributes_topic',
  json_attr_tpl: 'json_attributes_template',
  mode_stat_t: 'mode_state_topic',
  mode_stat_tpl: 'mode_state_template',
  o: 'origin',
  obj_id: 'object_id',
  p: 'platform',
  pct_stat_t: 'percentage_state_topic',
  pct_val_tpl: 'percentage_value_template',
  pl: 'payload',
  pl_avail: 'payload_available',
  pl_home: 'payload_home',
  pl_not_avail: 'payload_not_available',
  pl_not_home: 'payload_not_home',
  pl_off: 'payload_off',
  pl_on: 'payload_on',
  pos_clsd: 'position_closed',
  pos_open: 'position_open',
  pos_t: 'position_topic',
  pos_tpl: 'position_template',
  pow_stat_t: 'power_state_topic',
  pow_stat_tpl: 'power_state_template',
  pr_mode_stat_t: 'preset_mode_state_topic',
  pr_mode_val_tpl: 'preset_mode_value_template',
  stat_clsd: 'state_closed',
  stat_closing: 'state_closing',
  stat_locked: 'state_locked',
  stat_off: 'state_off',
  stat_on: 'state_on',
  stat_open: 'state_open',
  stat_opening: 'state_opening',
  stat_stopped: 'state_stopped',
  stat_t: 'state_topic',
  stat_unlocked: 'state_unlocked',
  stat_val_tpl: 'state_value_template',
  stype: 'subtype',
  t: 'topic',
  temp_stat_t: 'temperature_state_topic',
  temp_stat_tpl: 'temperature_state_template',
  temp_unit: 'temperature_unit',
  uniq_id: 'unique_id',
  unit_of_meas: 'unit_of_measurement',
  val_tpl: 'value_template',
}

const SHORT_OF_DEVICE: Readonly<Record<string, string>> = {
  cns: 'connections',
  ids: 'identifiers',
  mdl: 'model',
  mf: 'manufacturer',
  sa: 'suggested_area',
  sw: 'sw_version',
}

/** One thing that a configuration announces. */
export interface Component {
  /** `sensor`, `light`, … */
  readonly platform: string
  /** What tells it from the others of its configuration. */
  readonly key: string
  /** Its options under their full names, with `~` replaced. */
  readonly options: JsonObject
}

/** A configuration in its full form. */
export interface Configuration {
  readonly device: JsonObject
  readonly origin: JsonObject
  readonly components: readonly Component[]
}

const MOST_COMPONENTS = 200
/** What components inherit from a configuration for a whole device. */
const SHARED = /^(?:availability|payload_(?:not_)?available|state_topic|encoding|qos$)/

/**
 * A discovery payload, of one component or of a device with many, in full. Undefined where it is none. Nothing is
 * followed: a topic that names another configuration, or its own, is a topic like any other.
 */
export function readConfiguration(value: unknown, platform: string, key: string): Configuration | undefined {
  if (!isObject(value)) return undefined
  const config = lengthened(value)
  const device = isObject(config['device']) ? renamed(config['device'], SHORT_OF_DEVICE) : {}
  const origin = isObject(config['origin']) ? config['origin'] : {}
  if (platform !== 'device') return { device, origin, components: [{ platform, key, options: config }] }
  const list = config['components']
  if (!isObject(list)) return undefined
  const shared = Object.fromEntries(Object.entries(config).filter(([name]) => SHARED.test(name)))
  const components = Object.entries(list)
    .slice(0, MOST_COMPONENTS)
    .flatMap(([name, component]): Component[] => {
      if (!isObject(component)) return []
      const options = lengthened(component, config['~'])
      const own = wordOf(options['platform'], 40)
      // One with nothing but its platform is taken away.
      return own === undefined || Object.keys(options).length < 2
        ? []
        : [{ platform: own, key: name.slice(0, 60), options: { ...shared, ...options } }]
    })
  return { device, origin, components }
}

function lengthened(value: JsonObject, outerBase?: unknown): JsonObject {
  const config = renamed(value, SHORT)
  const base = wordOf(config['~'], 500) ?? wordOf(outerBase, 500)
  const withBase = (topic: unknown) => (base === undefined ? topic : based(topic, base))
  const entries = Object.entries(config).map(([key, option]) => {
    if (key.endsWith('topic')) return [key, withBase(option)]
    if (key !== 'availability') return [key, option]
    const list = (Array.isArray(option) ? option : [option]).filter(isObject).slice(0, 10)
    return [key, list.map((one) => ({ ...renamed(one, SHORT), topic: withBase(renamed(one, SHORT)['topic']) }))]
  })
  return Object.fromEntries(entries) as JsonObject
}

/** `~` stands for the base at the beginning or the end of a topic. */
function based(topic: unknown, base: string): unknown {
  if (typeof topic !== 'string') return topic
  const begun = topic.startsWith('~') ? base + topic.slice(1) : topic
  return begun.endsWith('~') ? begun.slice(0, -1) + base : begun
}

/** Under full names; a full name that is there already wins over its short form. */
function renamed(value: JsonObject, names: Readonly<Record<string, string>>): JsonObject {
  const entries = Object.entries(value).slice(0, 300)
  const short = entries.flatMap(([key, option]) =>
    Object.hasOwn(names, key) ? [[names[key] ?? key, option] as const] : [],
  )
  const full = entries.filter(([key]) => !Object.hasOwn(names, key))
  return Object.fromEntries([...short, ...full])
}
