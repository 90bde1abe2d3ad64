/** Certificates for a broker that is reached over TLS (mqtts, wss), as PEM. */
export interface TlsMaterial {
  /** Whom to trust beside the public authorities. */
  readonly ca?: string
  /** The client's own certificate and its key. */
  readonly cert?: string
  readonly key?: string
}
