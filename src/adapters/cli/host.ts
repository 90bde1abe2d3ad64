/** Whether only this machine is meant; the host as a URL has it, or as it is listened on. */
export const isLoopback = (host: string): boolean => /^(localhost|127\.[\d.]+|\[?::1\]?)$/.test(host)

/** An address that is listened on, as it is called: "all addresses" is not one of them. IPv6 in brackets (RFC 3986, 3.2.2). */
export function hostInUrl(host: string): string {
  if (host === '0.0.0.0' || host === '::') return '127.0.0.1'
  return host.includes(':') ? `[${host}]` : host
}
