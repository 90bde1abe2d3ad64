import type { ZigbeeMember } from './zigbee-devices.ts'

/** Marks the bridge as the demo's: no real radio has this address. */
export const COORDINATOR = '0x00124b00a11c1ade'

const endpoint = { bindings: [], clusters: { input: ['genBasic'], output: [] }, configured_reportings: [], scenes: [] }

export const COORDINATOR_ENTRY = {
  definition: null,
  disabled: false,
  endpoints: { 1: endpoint },
  friendly_name: 'Coordinator',
  ieee_address: COORDINATOR,
  interview_completed: true,
  interview_state: 'SUCCESSFUL',
  interviewing: false,
  network_address: 0,
  supported: true,
  type: 'Coordinator',
}

/** One entry of `bridge/devices`. */
export function deviceEntry(name: string, { ieeeAddress, networkAddress, device: { model } }: ZigbeeMember) {
  const { description, exposes, vendor } = model
  return {
    date_code: '20240101',
    definition: {
      description,
      exposes,
      model: model.model,
      options: [],
      source: 'native',
      supports_ota: false,
      vendor,
    },
    disabled: false,
    endpoints: { 1: endpoint },
    friendly_name: name,
    ieee_address: ieeeAddress,
    interview_completed: true,
    interview_state: 'SUCCESSFUL',
    interviewing: false,
    manufacturer: model.manufacturer,
    model_id: model.modelId,
    network_address: networkAddress,
    power_source: model.powerSource,
    supported: true,
    type: model.type,
  }
}

/** `bridge/info`; `permitJoinUntil` in milliseconds since 1970. */
export function bridgeInfo(permitJoinUntil: number | undefined) {
  return {
    commit: 'demo',
    config: {
      advanced: { channel: 15, last_seen: 'ISO_8601', log_level: 'info' },
      availability: { enabled: true },
      homeassistant: { enabled: false },
      mqtt: { base_topic: 'zigbee2mqtt' },
    },
    config_schema: {},
    coordinator: { ieee_address: COORDINATOR, meta: { revision: 'demo' }, type: 'EmberZNet' },
    log_level: 'info',
    network: { channel: 15, extended_pan_id: '0xa11c1ade00000001', pan_id: 41_244 },
    permit_join: permitJoinUntil !== undefined,
    ...(permitJoinUntil !== undefined && { permit_join_end: permitJoinUntil }),
    restart_required: false,
    version: '2.7.2',
    zigbee_herdsman: { version: '6.2.0' },
    zigbee_herdsman_converters: { version: '25.60.0' },
  }
}
