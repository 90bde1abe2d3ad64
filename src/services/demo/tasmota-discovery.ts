/** What a device says of itself at `tasmota/discovery/<MAC>/config`; `rl` 1 is a relay, `so` are SetOptions. */
export function discoveryConfig(
  spec: {
    readonly ip: string
    readonly name: string
    readonly mac: string
    readonly module: string
    readonly topic: string
  },
  hostname: string,
) {
  const { ip, name, mac, module, topic } = spec
  return {
    ip,
    dn: name,
    fn: [name, null, null, null, null, null, null, null],
    hn: hostname,
    mac,
    md: module,
    ty: 0,
    if: 0,
    ofln: 'Offline',
    onln: 'Online',
    state: ['OFF', 'ON', 'TOGGLE', 'HOLD'],
    sw: '14.6.0',
    t: topic,
    ft: '%prefix%/%topic%/',
    tp: ['cmnd', 'stat', 'tele'],
    rl: [1, 0, 0, 0, 0, 0, 0, 0],
    swc: [-1, -1, -1, -1, -1, -1, -1, -1],
    swn: [null, null, null, null, null, null, null, null],
    btn: [0, 0, 0, 0, 0, 0, 0, 0],
    so: { 4: 0, 11: 0, 13: 0, 17: 0, 20: 0, 30: 0, 68: 0, 73: 0, 82: 0, 114: 0, 117: 0 },
    lk: 0,
    lt_st: 0,
    bat: 0,
    dslp: 0,
    sho: [0, 0, 0, 0],
    ver: 1,
  }
}
